"""Logs that other programs wrote, read as they are: tegrastats text of any JetPack, and both CSV layouts.

A log is read twice and never held: once as columns of numbers (:class:`Series`), from which the cut
is made, and once more for the rows of a stretch.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from orin_core.analysis.log_dates import utc_of_row, utc_of_start
from orin_core.analysis.log_open import MAX_LINE, bounded_lines, open_old_log
from orin_core.analysis.log_reading import Reading
from orin_core.analysis.log_series import Series
from orin_core.analysis.log_times import evened
from orin_core.analysis.scales_read import CsvLayout, cells_of
from orin_core.board.sample import Sample
from orin_core.board.tegrastats import parse_line
from orin_core.errors import BadRequest

__all__ = ["MAX_LINE", "OldLog", "Row", "read_old_log"]

Row = tuple[float, "str | None", "Sample | None"]
"""Time in s, the raw line (None for a CSV), what it says (None where it is no tegrastats line)."""

_HINT = "Name a tegrastats log (text, plain or gzip) or a CSV that tegrastats_parser wrote."
_CSV_HINT = f"{_HINT} This looks like such a CSV in another form: save it as comma-separated UTF-8."
SIMULATED = "simulated"
"""Source of this project's own rows that no board printed."""
_MEASURE = "measure"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OldLog:
    """What one log holds.

    Args:
        path: the file.
        sha256: of its bytes, hexadecimal.
        dialect: ``tegrastats`` (text), ``scales``, ``parser`` (older CSV) or ``run`` (this project's CSV).
        layout: columns of a CSV; None for text.
        date_line: the log's date line; None where it has none.
        utc_start: UTC of time 0 of the series.
        series: its ticks as numbers.
        lines: lines of the file.
        strangers: lines that are no ticks, a date line and a header left out.
        garbled: ticks that were read in part.
        ram_total_mb: RAM of the board, MB; None where it is not said.
        rails: names of its power rails.
        sources: what the ``Source`` column of this project's own CSV says.
        phases: its ``Phase`` column: name, first and last tick of each spell, in order.
        notes: what a person should know, one sentence each.
    """

    path: Path
    sha256: str
    dialect: str
    layout: CsvLayout | None
    date_line: str | None
    utc_start: datetime.datetime
    series: Series
    lines: int
    strangers: int
    garbled: int
    ram_total_mb: int | None
    rails: tuple[str, ...]
    sources: tuple[str, ...]
    phases: tuple[tuple[str, int, int], ...]
    notes: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        """Whether the file itself says that no board printed its ticks."""
        return SIMULATED in self.sources

    @property
    def names_phases(self) -> bool:
        """Whether the file itself says which phase its ticks belong to."""
        return any(phase for phase, _, _ in self.phases)

    @property
    def measured(self) -> tuple[tuple[int, int], ...]:
        """First and last tick of each measure phase that the file names."""
        return tuple((first, last) for phase, first, last in self.phases if phase == _MEASURE)

    def rows(self, first: int, last: int) -> Iterator[Row]:
        """Yields ticks ``first`` to ``last`` of the series with everything they say, and what stands between them.

        Raises:
            BadRequest: the file is gone.
        """
        at, t_s, end = self.series.line, self.series.t_s, int(self.series.line[last])
        tick, now_s = first, float(t_s[first])
        with open_old_log(self.path) as stream:
            for number, line in enumerate(itertools.islice(bounded_lines(stream), end), 1):
                if number < at[first]:
                    continue
                is_tick = tick <= last and number == at[tick]
                if is_tick:
                    now_s = float(t_s[tick])
                    tick += 1
                if self.layout is None:
                    sample = parse_line(line, complete=line.endswith("\n")) if is_tick else None
                    yield now_s, line.rstrip("\r\n"), sample
                elif is_tick:
                    yield now_s, None, self.layout.sample(cells_of(line, self.layout.separator))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_old_log(path: Path) -> OldLog:
    """Reads a log once, with memory for its numbers alone.

    Args:
        path: tegrastats text or a CSV, plain or gzip.

    Raises:
        BadRequest: there is no such file, or it is no log of a board.
    """
    if path.exists() and not path.is_file():
        raise BadRequest(f"{path} is no file.", _HINT)
    reading = Reading(path)
    with open_old_log(path) as stream:
        reading.read(stream)
    series = reading.builder.build()
    if reading.layout is None:
        series = dataclasses.replace(series, t_s=evened(series.t_s, series.restart))
    if not len(series):
        what = "has the header of a CSV and no rows" if reading.layout else "is no tegrastats log and no CSV of one"
        raise BadRequest(
            f"{path.name} {what if path.stat().st_size else 'is empty'}.",
            _CSV_HINT if reading.looks_like_csv else _HINT,
        )
    if SIMULATED in reading.sources and len(reading.sources) > 1:
        raise BadRequest(
            f"{path.name} mixes simulated ticks with others ({', '.join(sorted(reading.sources))[:200]}).",
            "Import the CSV of one run alone.",
        )
    utc_start, said = utc_of_row(reading.first_utc, float(series.t_s[0])), None
    if utc_start is None:
        utc_start, said = utc_of_start(reading.date_line, reading.first_stamp, path)
    return OldLog(
        path=path,
        sha256=_sha256(path),
        dialect=reading.layout.dialect if reading.layout else "tegrastats",
        layout=reading.layout,
        date_line=reading.date_line,
        utc_start=utc_start,
        series=series,
        lines=reading.lines,
        strangers=reading.strangers,
        garbled=reading.garbled,
        ram_total_mb=reading.ram_total_mb,
        rails=tuple(reading.rails),
        sources=tuple(reading.sources),
        phases=tuple(reading.phases),
        notes=(*reading.notes, *([said] if said else [])),
    )
