"""CSVs of tegrastats_parser and its kin, read line by line: the SCALES team's layout and the older one.

Both begin with the log's date line as a quoted record with its line break inside the quotes, or
without it; lines end in CRLF or LF; cells may be blank, and a core that is off says ``off``.
``run.csv`` of this project has the same columns first and is read too. A spreadsheet may have saved
it again: with semicolons or tabs, decimal commas, thousands in quotes.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

from orin_core.board.sample import CoreSample, RailSample, Sample

_TIME_MS = "Time (mS)"
_CORE = re.compile(r"CPU ([0-9]{1,3}) Load \(%\)")
_CORE_CLOCK = re.compile(r"CPU ([0-9]{1,3}) Frequency \(MHz\)")
_TEMPERATURE = re.compile(r"(.*)\s?Temperature \(C\)")
# The rails of the SCALES layout, and of tegrastats_parser's own older one.
_RAIL = re.compile(r"(\S+) (Current|Average) \(mW\)")
_RAIL_OLD = re.compile(r"(Current|Average) (\S+) Power Consumption \(mW\)")
SOURCE, PHASE, UTC_TIME = "Source", "Phase", "UTC Time"
_OURS = "Elapsed (s)"
SEPARATORS = ",;\t"
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])(-?[0-9]+(?:\.[0-9]{3})*),([0-9]+)(?![\w.,])", re.ASCII)
_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")

_SCALARS: Mapping[str, str] = {
    "Used RAM (MB)": "ram_used_mb",
    "Total RAM (MB)": "ram_total_mb",
    "Number of Free RAM Blocks": "lfb_blocks",
    "Used SWAP (MB)": "swap_used_mb",
    "Total SWAP (MB)": "swap_total_mb",
    "Cached SWAP (MB)": "swap_cached_mb",
    "Used GR3D (%)": "gr3d_pct",
    "Used EMC (%)": "emc_pct",
    "EMC (%)": "emc_pct",
    "EMC Frequency (MHz)": "emc_freq_mhz",
}
_LFB_MB = "Size of Free RAM Blocks (MB)"
_GPU_CLOCK = "GR3D Frequency (MHz)"
_CPU_CLOCK = "CPU Frequency (MHz)"
_LARGEST = 1e9  # of any cell; more is no reading of a board


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CsvLayout:
    """Which column holds what.

    Args:
        dialect: ``scales``, ``parser`` (its older names of rails) or ``run`` (this project's own).
        width: number of columns.
        named: columns up to the last that has a name; a row with fewer cells was cut.
        separator: what stands between two cells.
        time: column of the time in ms.
        scalars: column by field of :class:`Sample`.
        lfb: column of the size of the largest free block; None where there is none.
        gpu_clock: column of the GPU's clock; None where there is none.
        cpu_clock: column of core 0's clock; None where there is none.
        cores: column of each core's load, in order.
        core_clocks: column of each core's clock, by core.
        temps: column by sensor; the sensor without a name is ``soc``.
        rails: columns of the current and the average reading, by rail; None where there is none.
        words: columns of ``Source``, ``Phase`` and ``UTC Time``, by name; this project's own CSV has them.
    """

    dialect: str
    width: int
    named: int
    separator: str
    time: int
    scalars: Mapping[str, int]
    lfb: int | None
    gpu_clock: int | None
    cpu_clock: int | None
    cores: tuple[int, ...]
    core_clocks: Mapping[int, int]
    temps: Mapping[str, int]
    rails: Mapping[str, tuple[int | None, int | None]]
    words: Mapping[str, int]

    @property
    def counts_intervals(self) -> bool:
        """Whether the time is index x interval, so that it drifts and a hole in it is rows that were deleted."""
        return self.dialect != "run"

    def time_s(self, cells: Sequence[str]) -> float | None:
        """Returns the time of a row, s; None where it has none, or was cut."""
        if not self.named <= len(cells) <= self.width + 1:
            return None
        milliseconds = _number(cells, self.time)
        return None if milliseconds is None else milliseconds / 1000

    def word(self, cells: Sequence[str], name: str) -> str:
        """Returns a cell of :attr:`words`; empty where there is none."""
        column = self.words.get(name)
        return "" if column is None or column >= len(cells) else cells[column]

    def same_columns(self, other: CsvLayout) -> bool:
        """Returns whether another header puts the same into the same columns, whatever its dialect calls it."""
        return dataclasses.replace(other, dialect=self.dialect) == self

    def sample(self, cells: Sequence[str]) -> Sample:
        """Returns what a row says; a blank cell is absent."""
        values = {field: _whole(cells, column) for field, column in self.scalars.items()}
        gpu_mhz = _whole(cells, self.gpu_clock)
        temps = {name: _number(cells, column) for name, column in self.temps.items()}
        return Sample(
            **values,  # type: ignore[arg-type]
            lfb_block_mb=_number(cells, self.lfb),
            cores=self._cores(cells),
            gr3d_freq_mhz=() if gpu_mhz is None else (gpu_mhz,),
            temps_c={name: value for name, value in temps.items() if value is not None and value > -256},
            power_mw=self._power(cells),
        )

    def _cores(self, cells: Sequence[str]) -> tuple[CoreSample | None, ...]:
        cores: list[CoreSample | None] = []
        for core, column in enumerate(self.cores):
            load_pct = _whole(cells, column)
            clock = self.core_clocks.get(core, self.cpu_clock if core == 0 else None)
            cores.append(None if load_pct is None else CoreSample(load_pct=load_pct, freq_mhz=_whole(cells, clock)))
        return tuple(cores)

    def _power(self, cells: Sequence[str]) -> dict[str, RailSample]:
        power = {}
        for rail, (current, average) in self.rails.items():
            current_mw = _whole(cells, current)
            if current_mw is not None:
                power[rail] = RailSample(current_mw=current_mw, average_mw=_whole(cells, average))
        return power


def _number(cells: Sequence[str], column: int | None) -> float | None:
    if column is None or column >= len(cells):
        return None
    try:
        value = float(cells[column])
    except ValueError:
        if not _THOUSANDS.fullmatch(cells[column]):
            return None
        value = float(cells[column].replace(",", ""))
    return value if math.isfinite(value) and abs(value) < _LARGEST else None


def _whole(cells: Sequence[str], column: int | None) -> int | None:
    value = _number(cells, column)
    return None if value is None else round(value)


def cells_of(line: str, separator: str = ",") -> list[str]:
    """Returns the cells of one line, stripped; a quoted cell does not reach past the line.

    Args:
        line: with or without its line end.
        separator: what stands between two cells.
    """
    text = line.rstrip("\r\n")
    if separator != "," and "," in text:  # where a comma parts no cells it parts decimals
        text = _DECIMAL_COMMA.sub(lambda found: f"{found[1].replace('.', '')}.{found[2]}", text)
    if '"' not in text:
        return [cell.strip() for cell in text.split(separator)]
    try:
        return [cell.strip() for cell in next(csv.reader([text.replace("\0", "")], delimiter=separator), [])]
    except csv.Error:
        return []


def read_header(line: str) -> CsvLayout | None:
    """Returns the layout that a header describes, None where the line is no header of these dialects."""
    if _TIME_MS not in line:
        return None
    text = line.removeprefix("\ufeff")
    separator = max(SEPARATORS, key=text.count)
    names = cells_of(text, separator)
    at: dict[str, int] = {}
    for column, name in enumerate(names):
        at.setdefault(name, column)
    if _TIME_MS not in at or not ({"Used RAM (MB)", "Used GR3D (%)"} & at.keys()):
        return None
    rails, old = _rails(names)
    temps = {
        match[1].strip() or "soc": column
        for column, name in enumerate(names)
        if (match := _TEMPERATURE.fullmatch(name)) and match[1].strip() != "Hottest"
    }
    cores = {int(match[1]): column for name, column in at.items() if (match := _CORE.fullmatch(name))}
    return CsvLayout(
        dialect="run" if _OURS in at else "parser" if old else "scales",
        width=len(names),
        named=1 + max(column for column, name in enumerate(names) if name),
        separator=separator,
        time=at[_TIME_MS],
        scalars={field: at[name] for name, field in _SCALARS.items() if name in at},
        lfb=at.get(_LFB_MB),
        gpu_clock=at.get(_GPU_CLOCK),
        cpu_clock=at.get(_CPU_CLOCK),
        cores=tuple(cores[core] for core in sorted(cores)),
        core_clocks={int(m[1]): column for name, column in at.items() if (m := _CORE_CLOCK.fullmatch(name))},
        temps=temps,
        rails=rails,
        words={name: at[name] for name in (SOURCE, PHASE, UTC_TIME) if name in at and _OURS in at},
    )


def _rails(names: Sequence[str]) -> tuple[dict[str, tuple[int | None, int | None]], bool]:
    """Returns the columns of every rail, and whether they are named the older way."""
    found: dict[str, dict[str, int]] = {}
    old = False
    for column, name in enumerate(names):
        if match := _RAIL.fullmatch(name):
            found.setdefault(match[1], {})[match[2]] = column
        elif match := _RAIL_OLD.fullmatch(name):
            found.setdefault(match[2], {})[match[1]] = column
            old = True
    kept = {rail: (columns.get("Current"), columns.get("Average")) for rail, columns in found.items() if rail != "NC"}
    return kept, old
