"""The CSV layout of the SCALES team's scripts: what tegrastats_parser writes, without its faults.

Record 1 is the log's date line, quoted, with its line break inside the quotes; record 2 is the
header; lines end in CRLF. Figures are floats (``3371.0``), loads of cores whole numbers or ``off``.

Unlike tegrastats_parser, columns never shift, an offline engine breaks nothing, the EMC clock stays
out of the GPU's column, and ``Time (mS)`` follows the log's own stamps instead of counting intervals.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from orin_core.board.logs import timed_lines
from orin_core.board.sample import CoreSample, RailSample, Sample

_Line = tuple[int, str, Sample | None]
_Timed = tuple[float, str, Sample | None]

# **Source**: the form that the team's scripts read, `Wed Oct 23 04:27:43 AM UTC 2024`; 24 h clocks are kept as found.
_DATE_LINE = re.compile(
    r"[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2}( [AP]M)? \S+ [0-9]{4}", re.ASCII
)
_DATE_FORMAT = "%a %b %d %I:%M:%S %p UTC %Y"
_SOC = re.compile("soc[0-9]+", re.IGNORECASE)
_LOOK_AHEAD = 1000  # lines; a sensor that wakes with the GPU is seen by then

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a log.

    Args:
        rows: rows written.
        strangers: lines that are no tegrastats lines, a date line among them.
        left_out: columns of readings that were first seen after the columns were fixed.
        notes: what else a person should know, one sentence each.
    """

    rows: int
    strangers: int
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    cores: int
    sensors: tuple[str, ...]
    rails: tuple[str, ...]

    @classmethod
    def of(cls, samples: list[Sample]) -> _Layout:
        """The layout that holds most of what these samples show, in printed order."""
        sensors = _longest([*s.temps_c, *s.temps_off] for s in samples)
        return cls(
            cores=max((len(s.cores) for s in samples), default=0),
            # Every soc sensor falls into one column without a name, where the first of them stands.
            sensors=tuple(dict.fromkeys(map(_column_name, sensors))),
            rails=tuple(_longest(list(s.power_mw) for s in samples)),
        )

    def header(self) -> list[str]:
        return [
            "Index",
            "Time (mS)",
            *_MEMORY_COLUMNS,
            *(f"CPU {core} Load (%)" for core in range(self.cores)),
            "Used GR3D (%)",
            "GR3D Frequency (MHz)",
            *(f"{name} Temperature (C)" for name in self.sensors),
            *(f"{rail} {kind} (mW)" for rail in self.rails for kind in ("Current", "Average")),
        ]

    def row(self, index: int, t_s: float, sample: Sample) -> list[str]:
        temps_c = {_column_name(sensor): value for sensor, value in sample.temps_c.items()}  # the last soc wins
        first = sample.cores[0] if sample.cores else None
        return [
            str(index),
            str(round(1000 * t_s)),
            _float(sample.ram_used_mb),
            _float(sample.ram_total_mb),
            _float(sample.lfb_blocks),
            _float(sample.lfb_block_mb),
            _float(sample.swap_used_mb),
            _float(sample.swap_total_mb),
            _float(sample.swap_cached_mb),
            _float(first.freq_mhz if first else None),
            *(_load(sample.cores, core) for core in range(self.cores)),
            _float(sample.gr3d_pct),
            _float(sample.gpu_clock_mhz),
            *(_float(temps_c.get(name)) for name in self.sensors),
            *itertools.chain.from_iterable(_rail(sample.power_mw.get(rail)) for rail in self.rails),
        ]

    def left_out(self, sample: Sample) -> list[str]:
        """Columns that this sample has readings for and this layout has not."""
        sensors = dict.fromkeys(map(_column_name, sample.temps_c))
        return [
            *(f"{name} Temperature (C)" for name in sensors if name not in self.sensors),
            *(f"{rail} Current (mW)" for rail in sample.power_mw if rail not in self.rails),
            *(f"CPU {core} Load (%)" for core in range(self.cores, len(sample.cores))),
        ]


def _longest(lists: Iterable[list[str]]) -> list[str]:
    longest: list[str] = []
    for names in lists:
        longest = names if len(names) > len(longest) else longest
    return longest


def _column_name(sensor: str) -> str:
    return "" if _SOC.fullmatch(sensor) else sensor


def _float(value: float | None) -> str:
    return "" if value is None else str(float(value))


def _load(cores: tuple[CoreSample | None, ...], core: int) -> str:
    if core >= len(cores):
        return ""  # the line's list of cores could not be read
    reading = cores[core]
    return "off" if reading is None else str(reading.load_pct)


def _rail(reading: RailSample | None) -> tuple[str, str]:
    return ("", "") if reading is None else (_float(reading.current_mw), _float(reading.average_mw))


def write_scales(lines: Iterable[_Line], out: TextIO, *, interval_s: float = 1.0) -> Written:
    """Writes a log as the CSV that the SCALES team's scripts read, in one pass.

    Args:
        lines: as :func:`orin_core.board.logs.iter_log` yields them.
        out: opened with ``newline=""``.
        interval_s: time between two lines where no stamp tells it, s.
    """
    writer = csv.writer(out, lineterminator="\r\n")
    timed = timed_lines(lines, interval_s)
    ahead = list(itertools.islice(timed, _LOOK_AHEAD))
    samples = [sample for _, _, sample in ahead if sample is not None]
    date, notes = _date(ahead, samples)
    layout = _Layout.of(samples)
    writer.writerow([f"{date}\r\n"])
    writer.writerow(layout.header())
    rows = strangers = 0
    left_out: dict[str, None] = {}
    everything: Iterator[_Timed] = itertools.chain(ahead, timed)
    for t_s, _, sample in everything:
        if sample is None:
            strangers += 1
            continue
        writer.writerow(layout.row(rows, t_s, sample))
        left_out.update(dict.fromkeys(layout.left_out(sample)))
        rows += 1
    return Written(rows=rows, strangers=strangers, left_out=tuple(left_out), notes=notes)


def _date(ahead: list[_Timed], samples: list[Sample]) -> tuple[str, tuple[str, ...]]:
    """The log's date line, else one made of the first stamp."""
    for _, text, sample in ahead:
        if sample is None and _DATE_LINE.fullmatch(text.strip()):
            return text.strip(), ()
    stamp = samples[0].stamp if samples else None
    try:
        moment = datetime.datetime.strptime(stamp or "", "%m-%d-%Y %H:%M:%S")  # noqa: DTZ007 - it has no zone
    except ValueError:
        moment = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - the same
        return moment.strftime(_DATE_FORMAT), ("The log has no date; record 1 says 1970 in its place.",)
    return moment.strftime(_DATE_FORMAT), (
        "The log has no date line; record 1 is the first stamp, which is local time although it says UTC.",
    )
