"""A run in the layout of the SCALES team's scripts: from its raw lines, or from ``run.csv`` where it has none."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO

from orin_core.analysis.scales import Written, write_scales
from orin_core.board.logs import Line, iter_log
from orin_core.runs import columns, store
from orin_core.runs.recording import Recording
from orin_core.runs.whole_lines import open_whole

# **Source**: the form that the team's scripts read in record 1.
DATE_FORMAT = "%a %b %d %I:%M:%S %p UTC %Y"
_LOOK_AHEAD = 1000  # rows; a sensor that wakes with the GPU is seen by then
_MEMORY_COLUMNS = (
    "Used RAM (MB)",
    "Total RAM (MB)",
    "Number of Free RAM Blocks",
    "Size of Free RAM Blocks (MB)",
    "Used SWAP (MB)",
    "Total SWAP (MB)",
    "Cached SWAP (MB)",
    "CPU Frequency (MHz)",
)
_GPU_COLUMNS = ("Used GR3D (%)", "GR3D Frequency (MHz)")
_LOAD = re.compile(r"CPU [0-9]+ Load \(%\)")
_RAIL = re.compile(r".+ (Current|Average) \(mW\)")
_TEMPERATURE = " Temperature (C)"
_SOC = re.compile("soc[0-9]*", re.IGNORECASE)  # without a number: an imported CSV, where they had one name
_OURS = ("Hottest Temperature (C)",)


def write_run_as_scales(recording: Recording, out: TextIO, *, interval_s: float) -> Written:
    """Writes what a run has recorded so far as the team's CSV.

    Args:
        recording: the run.
        out: opened with ``newline=""``.
        interval_s: time between two lines where no stamp tells it, s.

    Raises:
        OSError: a file of the run cannot be read.
    """
    date = _first_utc(recording)
    if _has_ticks(recording):
        head: list[Line] = [(0, date, None)] if date else []
        with _open_text(recording, store.RAW_LOG) as log:
            written = write_scales(itertools.chain(head, iter_log(log)), out, interval_s=interval_s)
        return dataclasses.replace(written, strangers=written.strangers - len(head))
    with _open_text(recording, store.RUN_CSV) as rows:
        return write_rows_as_scales(rows, out, date=date)


def write_rows_as_scales(rows: Iterable[str], out: TextIO, *, date: str | None) -> Written:
    """Writes rows of ``run.csv`` as the team's CSV, in one pass.

    Args:
        rows: whole lines of ``run.csv``, its header first.
        out: opened with ``newline=""``.
        date: record 1; None says 1970 in its place.
    """
    reader = csv.DictReader(rows)
    whole = (row for row in reader if None not in row and None not in row.values())
    ahead = list(itertools.islice(whole, _LOOK_AHEAD))
    layout = _RowLayout.of(list(reader.fieldnames or ()), ahead)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([f"{date or datetime.datetime(1970, 1, 1).strftime(DATE_FORMAT)}\r\n"])  # noqa: DTZ001 - no zone
    writer.writerow(layout.header())
    start_ms = int(ahead[0][columns.TIME_MS]) if ahead else 0
    left_out: dict[str, None] = {}
    count = 0
    for row in itertools.chain(ahead, whole):
        writer.writerow(layout.row(row, count, start_ms))
        left_out.update(dict.fromkeys(name for name in layout.dropped if row[name]))
        count += 1
    notes = () if date else ("The run has no date; record 1 says 1970 in its place.",)
    return Written(rows=count, strangers=0, left_out=tuple(left_out), notes=notes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _RowLayout:
    """Which columns of ``run.csv`` make which columns of the team's.

    Args:
        loads: columns of the cores' loads.
        sensors: columns of sensors by the team's name; every soc sensor falls into one without a name.
        rails: columns of rails.
        dropped: columns of sensors without a reading so far.
    """

    loads: tuple[str, ...]
    sensors: Mapping[str, tuple[str, ...]]
    rails: tuple[str, ...]
    dropped: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], ahead: Sequence[Mapping[str, str]]) -> _RowLayout:
        sensors = [name for name in names if name.endswith(_TEMPERATURE) and name not in _OURS]
        seen = [name for name in sensors if any(row[name] for row in ahead)]
        by_name: dict[str, tuple[str, ...]] = {}
        for name in seen:
            theirs = _TEMPERATURE if _SOC.fullmatch(name.removesuffix(_TEMPERATURE)) else name
            by_name[theirs] = (*by_name.get(theirs, ()), name)
        return cls(
            loads=tuple(name for name in names if _LOAD.fullmatch(name)),
            sensors=by_name,
            rails=tuple(name for name in names if _RAIL.fullmatch(name)),
            dropped=tuple(name for name in sensors if name not in seen),
        )

    def header(self) -> list[str]:
        before = [columns.INDEX, columns.TIME_MS, *_MEMORY_COLUMNS, *self.loads]
        return [*before, *_GPU_COLUMNS, *self.sensors, *self.rails]

    def row(self, row: Mapping[str, str], index: int, start_ms: int) -> list[str]:
        loads = [row[name] for name in self.loads]
        off = "off" if any(loads) else ""  # no core at all: the line's list of cores could not be read
        return [
            str(index),
            str(int(row[columns.TIME_MS]) - start_ms),
            *(_float(row.get(name, "")) for name in _MEMORY_COLUMNS),
            *(load or off for load in loads),
            *(_float(row.get(name, "")) for name in _GPU_COLUMNS),
            *(_float(_last(row, names)) for names in self.sensors.values()),
            *(_float(row[name]) for name in self.rails),
        ]


def _last(row: Mapping[str, str], names: Sequence[str]) -> str:
    """The last reading of sensors that share a column, as tegrastats_parser keeps it."""
    return next((row[name] for name in reversed(names) if row[name]), "")


def _float(cell: str) -> str:
    return str(float(cell)) if cell else ""


def _open_text(recording: Recording, name: str) -> io.TextIOWrapper:
    # Only a line feed ends a line: garbage may hold other line breaks.
    return io.TextIOWrapper(open_whole(recording.folder / name), encoding="utf-8", errors="replace", newline="\n")


def _has_ticks(recording: Recording) -> bool:
    try:
        with _open_text(recording, store.RAW_LOG) as log:
            return any(sample is not None for _, _, sample in iter_log(log))
    except FileNotFoundError:
        return False


def _first_utc(recording: Recording) -> str | None:
    """UTC of the first row in the form of record 1; None where only the log itself may know it."""
    for row in _first_rows(recording):
        if text := row.get(columns.UTC_TIME):
            return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).strftime(DATE_FORMAT)
    if recording.environment().get("origin") != "imported":
        return None
    return datetime.datetime.strptime(recording.run_id[:16], "%Y%m%dT%H%M%SZ").strftime(DATE_FORMAT)  # noqa: DTZ007


def _first_rows(recording: Recording) -> Iterator[dict[str, str]]:
    with _open_text(recording, store.RUN_CSV) as rows:
        yield from itertools.islice(csv.DictReader(rows), 1)
