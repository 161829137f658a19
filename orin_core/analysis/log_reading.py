"""One pass over an old log: its ticks as numbers, its clock's jumps, its holes, and what was dropped."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from orin_core.analysis.log_dates import DATE_LINE
from orin_core.analysis.log_open import BROKEN, bounded_lines
from orin_core.analysis.log_series import HOLE_INSIDE_S, HOLE_S, SeriesBuilder
from orin_core.analysis.scales_read import PHASE, SOURCE, UTC_TIME, CsvLayout, cells_of, read_header
from orin_core.board.logs import iter_log, timed_lines
from orin_core.board.sample import Sample
from orin_core.board.tegrastats import parse_line
from orin_core.errors import BadRequest

MAX_TICKS = 5_000_000
"""Longest log, ticks: five days at 10 Hz."""
DELETED_ROWS_S = HOLE_INSIDE_S
"""A hole in a CSV that counts its intervals is rows that somebody deleted, and idle of this length splits."""
_LOOK_LINES = 5000
_LOOK_CHARACTERS = 8_000_000
_STRANGERS = 200_000  # lines that are no ticks, and ten for each tick: more is no log
_SOURCES, _PHASES = 20, 10_000  # of one file; a run has one source and six phases
_ROUNDED_MW = 2.0  # averages are printed in whole mW
_MISSING = 1.5  # of the interval: a row between is missing

_CsvRow = tuple[int, "list[str]", float]


class Reading:
    """What one pass over a log finds.

    Args:
        path: the file, for its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.builder = SeriesBuilder()
        self.lines = self.strangers = self.garbled = 0
        self.date_line: str | None = None
        self.first_stamp: str | None = None
        self.first_utc = ""
        self.ram_total_mb: int | None = None
        self.rails: dict[str, None] = {}
        self.sources: dict[str, None] = {}
        self.phases: list[tuple[str, int, int]] = []
        self.notes: list[str] = []
        self.layout: CsvLayout | None = None
        self.looks_like_csv = False

    def read(self, stream: TextIO) -> None:
        """Reads a log to its end, or as far as it can be read.

        Raises:
            BadRequest: it is too long, or hardly any of its lines are ticks.
        """
        lines = bounded_lines(stream)
        with self._until_broken():
            head, found = self._head(lines)
            rest = itertools.chain(head, lines if found else [])
            if self.layout is None:
                self._read_text(rest)
            else:
                self._read_csv(rest, self.layout)

    @contextlib.contextmanager
    def _until_broken(self) -> Iterator[None]:
        try:
            yield
        except BROKEN as error:
            self.notes.append(f"The file cannot be read to its end ({error}); what came before is used.")

    def _head(self, lines: Iterator[str]) -> tuple[list[str], bool]:
        """Returns the lines up to the first that tells what kind of log this is, and whether one does."""
        head: list[str] = []
        size = 0
        for line in lines:
            head.append(line)
            size += len(line)
            self.layout = read_header(line)
            if self.layout is not None or parse_line(line, complete=line.endswith("\n")) is not None:
                return head, True
            self.looks_like_csv |= "Time (mS)" in line.replace("\0", "")
            if len(head) >= _LOOK_LINES or size > _LOOK_CHARACTERS:
                break
        return head, False

    def _date(self, line: str) -> bool:
        """Takes a date line, returns whether the line was one, empty, or a bit of its quotes."""
        text = line.strip('\ufeff "\r\n,;\t')
        if DATE_LINE.fullmatch(text):
            self.date_line = self.date_line or text
            return True
        return not text

    def _keep(self, t_s: float, sample: Sample, *, line: int, restart: bool) -> None:
        if len(self.builder) >= MAX_TICKS:
            raise BadRequest(f"{self.path.name} has more than {MAX_TICKS} ticks.", "Cut the file into shorter ones.")
        self.builder.add(t_s, sample, line=line, restart=restart)
        self.garbled += sample.read_in_part
        self.ram_total_mb = self.ram_total_mb or sample.ram_total_mb
        if len(self.rails) < len(sample.power_mw):
            self.rails.update(dict.fromkeys(sample.power_mw))

    def _check_strangers(self) -> None:
        ticks = len(self.builder)
        if self.lines - ticks > _STRANGERS + 10 * ticks:
            raise BadRequest(
                f"{self.path.name} is no log: {ticks} ticks in {self.lines} lines.", "Name the log itself."
            )

    def _read_text(self, lines: Iterable[str]) -> None:
        before: tuple[float, Sample] | None = None
        shift_s, step_s, jumps, since_start = 0.0, 1.0, 0, 0
        for raw_s, text, sample in timed_lines(iter_log(lines), 1.0):
            self.lines += 1
            if sample is None:
                self.strangers += not self._date(text)
                self._check_strangers()
                continue
            self.first_stamp = self.first_stamp or sample.stamp
            now_s, restart = raw_s - shift_s, False
            if before is not None:
                restart = begins_anew(before[1], sample)
                gap_s = now_s - before[0]
                if gap_s > max(HOLE_INSIDE_S, 3 * step_s) and not restart:
                    went_on = goes_on(before[1], sample, ticks=since_start, lost=gap_s / step_s - 1)
                    if went_on or (went_on is None and gap_s > HOLE_S):
                        shift_s += gap_s - step_s
                        now_s = before[0] + step_s
                        jumps += 1
                    restart = went_on is False and gap_s > HOLE_S
                elif 0 < gap_s <= HOLE_INSIDE_S:
                    step_s = gap_s
            self._keep(now_s, sample, line=self.lines, restart=restart)
            since_start = 1 if restart else since_start + 1
            before = (now_s, sample)
        if jumps:
            self.notes.append(
                f"The board's clock was set while the log was written ({jumps} {'jump' if jumps == 1 else 'jumps'}: "
                "the averages of tegrastats went on by one tick); the jumps are left out. Had tegrastats stood still "
                "instead, a run across it was so much longer."
            )

    def _rows(self, lines: Iterable[str], layout: CsvLayout) -> Iterator[_CsvRow]:
        """Yields the rows of a CSV that have a time, with the number of their line."""
        other_columns = False
        for line in lines:
            self.lines += 1
            cells = cells_of(line, layout.separator)
            raw_s = None if other_columns else layout.time_s(cells)
            if raw_s is not None:
                yield self.lines, cells, raw_s
                continue
            header = read_header(line)
            if header is not None:
                other_columns = not layout.same_columns(header)
                continue
            self.strangers += not self._date(line)
            self._check_strangers()

    def _read_csv(self, lines: Iterable[str], layout: CsvLayout) -> None:
        last_s: float | None = None
        step_s: float | None = None
        shift_s, missing, places = 0.0, 0, 0
        for (number, cells, raw_s), after in _with_next(self._rows(lines, layout)):
            limit_s = max(DELETED_ROWS_S, 3 * (step_s or 0.0)) if layout.counts_intervals and step_s else HOLE_S
            now_s, restart = raw_s + shift_s, False
            if last_s is not None and not 0 <= now_s - last_s <= limit_s:
                if after is None or not 0 <= after[2] - raw_s <= limit_s:  # a garbled time splits nothing
                    self.strangers += 1
                    continue
                restart = True
                if now_s < last_s:  # two CSVs, one after the other
                    step = step_s or 1.0
                    shift_s += last_s + step - now_s
                    now_s = last_s + step
            hole_s = 0.0 if last_s is None else now_s - last_s
            if layout.counts_intervals and step_s and hole_s > _MISSING * step_s:
                missing += round(hole_s / step_s) - 1
                places += 1
            elif hole_s > 0 and not restart:
                step_s = hole_s
            self._words(layout, cells)
            self._keep(now_s, layout.sample(cells), line=number, restart=restart)
            last_s = now_s
        self._csv_notes(layout, missing, places)

    def _words(self, layout: CsvLayout, cells: list[str]) -> None:
        """Takes what this project's own CSV says of a row beside its figures."""
        if not layout.words:
            return
        tick = len(self.builder)
        source = layout.word(cells, SOURCE)
        if source and len(self.sources) < _SOURCES:
            self.sources[source] = None
        if tick == 0:
            self.first_utc = layout.word(cells, UTC_TIME)
        phase = layout.word(cells, PHASE)
        if self.phases and self.phases[-1][0] == phase:
            self.phases[-1] = (phase, self.phases[-1][1], tick)
        elif len(self.phases) < _PHASES:
            self.phases.append((phase, tick, tick))
        else:
            raise BadRequest(f"{self.path.name} changes its phase all the time: it is damaged.", "Name another file.")

    def _csv_notes(self, layout: CsvLayout, missing: int, places: int) -> None:
        if layout.counts_intervals:
            self.notes.append(
                "Times of this CSV are counted intervals; tegrastats takes 0.5 to 4 % longer, so lengths are too short."
            )
        if missing:
            rows = "row is" if missing == 1 else "rows are"
            self.notes.append(
                f"{missing} {rows} missing from this CSV, in {places} {'place' if places == 1 else 'places'}: deleted, "
                "or not to be read. Where 10 s or more are missing the log is split."
            )
        if self.strangers:
            self.notes.append(
                f"{self.strangers} {'row' if self.strangers == 1 else 'rows'} of this CSV dropped: "
                "cut, without a time, with a time that does not fit, or under another header."
            )


def _with_next(rows: Iterable[_CsvRow]) -> Iterator[tuple[_CsvRow, _CsvRow | None]]:
    before: _CsvRow | None = None
    for row in rows:
        if before is not None:
            yield before, row
        before = row
    if before is not None:
        yield before, None


def begins_anew(before: Sample, now: Sample) -> bool:
    """Returns whether another tegrastats wrote this line.

    **Source**: the average of a rail runs since tegrastats started, so its first line shows each
    average equal to the reading, and equal averages go on only while the readings do not change.

    Args:
        before: the tick before.
        now: the tick of this line.
    """
    rails = [rail for rail in now.power_mw.values() if rail.average_mw is not None]
    old = [rail for rail in before.power_mw.values() if rail.average_mw is not None]
    if len(rails) < 2 or not old or any(rail.current_mw != rail.average_mw for rail in rails):
        return False
    # Far off, so that an average of a nearly constant load that meets its reading is no restart.
    return any(abs(rail.average_mw - rail.current_mw) > 0.1 * rail.current_mw + 100 for rail in old if rail.average_mw)


def goes_on(before: Sample, now: Sample, *, ticks: int, lost: float) -> bool | None:
    """Returns whether no tick lies between two lines of one tegrastats; None where its averages do not tell.

    **Source**: in the published logs each average is the mean of all readings since tegrastats
    began, cut to whole mW; so from one tick to the next it moves by (reading - average) / ticks.

    Args:
        before: the tick before.
        now: the tick of this line.
        ticks: ticks of this tegrastats that were read so far; there may have been more.
        lost: ticks for which there is room between the two.
    """
    tells = False
    for name, rail in now.power_mw.items():
        old = before.power_mw.get(name)
        if old is None or old.average_mw is None or rail.average_mw is None:
            continue
        way_mw = rail.current_mw - old.average_mw
        one_mw = way_mw / (ticks + 1)
        moved_mw = rail.average_mw - old.average_mw
        if not min(0.0, one_mw) - _ROUNDED_MW <= moved_mw <= max(0.0, one_mw) + _ROUNDED_MW:
            return False
        tells |= abs(way_mw * lost / (ticks + lost) - one_mw) > 2 * _ROUNDED_MW
    return True if tells else None
