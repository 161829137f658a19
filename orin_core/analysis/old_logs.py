"""Logs that other programs wrote, read as they are: tegrastats text of any JetPack, and both CSV layouts.

A log is read twice and never held: once as columns of numbers (:class:`Series`), from which the cut
is made, and once more for the rows of a stretch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import gzip
import hashlib
import itertools
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from orin_core.analysis.log_dates import DATE_LINE, utc_of_start
from orin_core.analysis.log_series import HOLE_S, Series, SeriesBuilder
from orin_core.analysis.log_times import evened
from orin_core.analysis.scales_read import CsvLayout, cells_of, read_header
from orin_core.board.logs import iter_log, open_log, timed_lines
from orin_core.board.sample import Sample
from orin_core.board.tegrastats import parse_line
from orin_core.errors import BadRequest

Row = tuple[float, "str | None", "Sample | None"]
"""Time in s, the raw line (None for a CSV), what it says (None where it is no tegrastats line)."""

MAX_LINE = 65_536
"""Longest line that is read, characters; the longest of a real board has about 1000."""
MAX_TICKS = 5_000_000
"""Longest log, ticks: five days at 10 Hz."""
DELETED_ROWS_S = 10.0
"""A hole in a CSV that counts its intervals is rows that somebody deleted, and idle of this length splits."""
_LOOK_LINES = 5000
_LOOK_CHARACTERS = 8_000_000
_HINT = "Name a tegrastats log (text, plain or gzip) or a CSV that tegrastats_parser wrote."
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


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
    notes: tuple[str, ...]

    def rows(self, first: int, last: int) -> Iterator[Row]:
        """Yields ticks ``first`` to ``last`` of the series with everything they say, and what stands between them.

        Raises:
            BadRequest: the file is gone.
        """
        at, t_s, end = self.series.line, self.series.t_s, int(self.series.line[last])
        tick, now_s = first, float(t_s[first])
        with open_log(self.path) as stream:
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
                    yield now_s, None, self.layout.sample(cells_of(line))


def bounded_lines(stream: TextIO) -> Iterator[str]:
    """Yields the lines of a file; of one that is longer than :data:`MAX_LINE` only the beginning."""
    while line := stream.readline(MAX_LINE):
        if len(line) < MAX_LINE or line.endswith("\n"):
            yield line
            continue
        while (rest := stream.readline(MAX_LINE)) and not rest.endswith("\n"):
            pass
        yield line[:200] + "\n"


class _Reading:
    """One pass over a log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builder = SeriesBuilder()
        self.lines = self.ticks = self.strangers = self.garbled = 0
        self.date_line: str | None = None
        self.first_stamp: str | None = None
        self.ram_total_mb: int | None = None
        self.rails: dict[str, None] = {}
        self.notes: list[str] = []
        self.layout: CsvLayout | None = None

    def read(self, stream: TextIO) -> None:
        lines = bounded_lines(stream)
        with _until_broken(self.notes):
            head = self._head(lines)
            rest = itertools.chain(head, lines)
            if self.layout is None:
                self._read_text(rest)
            else:
                self._read_csv(rest, self.layout)

    def _head(self, lines: Iterator[str]) -> list[str]:
        """Returns the lines up to the first that tells what kind of log this is."""
        head: list[str] = []
        size = 0
        for line in lines:
            head.append(line)
            size += len(line)
            self.layout = read_header(line)
            if self.layout is not None or parse_line(line, complete=line.endswith("\n")) is not None:
                break
            if len(head) >= _LOOK_LINES or size > _LOOK_CHARACTERS:
                break
        return head

    def _date(self, line: str) -> bool:
        """Takes a date line, returns whether the line was one or a bit of its quotes."""
        text = line.strip().strip('"').strip()
        if DATE_LINE.fullmatch(text):
            self.date_line = self.date_line or text
            return True
        return not text

    def _keep(self, t_s: float, sample: Sample, *, restart: bool) -> None:
        if len(self.builder) >= MAX_TICKS:
            raise BadRequest(f"{self.path.name} has more than {MAX_TICKS} ticks.", "Cut the file into shorter ones.")
        self.builder.add(t_s, sample, line=self.lines, restart=restart)
        self.garbled += sample.read_in_part
        self.ram_total_mb = self.ram_total_mb or sample.ram_total_mb
        if len(self.rails) < len(sample.power_mw):
            self.rails.update(dict.fromkeys(sample.power_mw))

    def _read_text(self, lines: Iterable[str]) -> None:
        before: tuple[float, Sample] | None = None
        shift_s, clock_was_set, step_s = 0.0, 0, 1.0
        for raw_s, text, sample in timed_lines(iter_log(lines), 1.0):
            self.lines += 1
            if sample is None:
                self.strangers += not self._date(text)
                continue
            self.first_stamp = self.first_stamp or sample.stamp
            now_s, restart = raw_s - shift_s, False
            if before is not None:
                restart = _begins_anew(before[1], sample)
                gap_s = now_s - before[0]
                if gap_s > HOLE_S and not restart:
                    shift_s += gap_s - step_s
                    now_s = before[0] + step_s
                    clock_was_set += 1
                elif 0 < gap_s <= DELETED_ROWS_S:
                    step_s = gap_s
            self._keep(now_s, sample, restart=restart)
            before = (now_s, sample)
        if clock_was_set:
            self.notes.append(
                f"The board's clock was set while the log was written ({clock_was_set} jumps); the jumps are left out."
            )

    def _read_csv(self, lines: Iterable[str], layout: CsvLayout) -> None:
        last_s: float | None = None
        shift_s, step_s = 0.0, 1.0
        for line in lines:
            self.lines += 1
            cells = cells_of(line)
            raw_s = layout.time_s(cells) if 2 <= len(cells) <= layout.width + 1 else None
            if raw_s is None:
                self.strangers += not (self._date(line) or read_header(line) is not None)
                continue
            now_s, restart = raw_s + shift_s, False
            if last_s is not None and now_s < last_s:  # two CSVs, one after the other
                shift_s += last_s + step_s - now_s
                now_s, restart = last_s + step_s, True
            elif last_s is not None and now_s > last_s:
                hole_s = now_s - last_s
                restart = hole_s > (max(DELETED_ROWS_S, 3 * step_s) if layout.counts_intervals else HOLE_S)
                step_s = step_s if restart else hole_s
            self._keep(now_s, layout.sample(cells), restart=restart)
            last_s = now_s
        if layout.counts_intervals:
            self.notes.append(
                "Times of this CSV are counted intervals; tegrastats takes 0.5 to 4 % longer, so lengths are too short."
            )


@contextlib.contextmanager
def _until_broken(notes: list[str]) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        notes.append(f"The file cannot be read to its end ({error}); what came before is used.")


def _begins_anew(before: Sample, now: Sample) -> bool:
    """Returns whether another tegrastats wrote this line.

    **Source**: the average of a rail runs since tegrastats started, so its first line shows each
    average equal to the reading, and equal averages go on only while the readings do not change.
    """
    rails = [rail for rail in now.power_mw.values() if rail.average_mw is not None]
    old = [rail for rail in before.power_mw.values() if rail.average_mw is not None]
    if len(rails) < 2 or not old or any(rail.current_mw != rail.average_mw for rail in rails):
        return False
    # Far off, so that an average of a nearly constant load that meets its reading is no restart.
    return any(abs(rail.average_mw - rail.current_mw) > 0.1 * rail.current_mw + 100 for rail in old if rail.average_mw)


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
    reading = _Reading(path)
    with open_log(path) as stream:
        reading.read(stream)
    series = reading.builder.build()
    if reading.layout is None:
        series = dataclasses.replace(series, t_s=evened(series.t_s, series.restart))
    if not len(series):
        what = "has the header of a CSV and no rows" if reading.layout else "is no tegrastats log and no CSV of one"
        raise BadRequest(f"{path.name} {what if path.stat().st_size else 'is empty'}.", _HINT)
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
        notes=(*reading.notes, *([said] if said else [])),
    )
