"""The columns of ``run.csv``: the SCALES team's names first, then what they left out.

A layout is fixed when the file is opened and its rows never shift. A field that is seen later
for the first time has no column and goes to the side file ``late_fields.jsonl``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from orin_core.board.sample import METRIC_BY_FIELD, Sample, Tick

INDEX = "Index"
TIME_MS = "Time (mS)"
ELAPSED_S = "Elapsed (s)"
UTC_TIME = "UTC Time"
PHASE = "Phase"
ITEMS = "Items"
FPS = "FPS"
LATENCY_MS = "Latency (ms)"
LATENCY_DECIMALS = 2
THROTTLED = "Throttled"
SOURCE = "Source"
BOARD_TIME = "Board Time"

_TEAM_BEFORE_CORES = (
    "ram_used_mb",
    "ram_total_mb",
    "lfb_blocks",
    "lfb_block_mb",
    "swap_used_mb",
    "swap_total_mb",
    "swap_cached_mb",
    "cpu_freq_mhz",
)
_TEAM_AFTER_CORES = ("gr3d_pct", "gr3d_freq_mhz")
_OURS = ("power_w", "tj_c", "emc_pct", "emc_freq_mhz")

_Readers = tuple[tuple[Callable[[Sample], float | None], int], ...]


def _readers(fields: Iterable[str]) -> _Readers:
    """How the values of these metrics are read, with their decimals; looked up once, not on every row."""
    return tuple((METRIC_BY_FIELD[field].read, METRIC_BY_FIELD[field].decimals) for field in fields)


_READ_BEFORE_CORES = _readers(_TEAM_BEFORE_CORES)
_READ_AFTER_CORES = _readers(_TEAM_AFTER_CORES)
_READ_OURS = _readers(_OURS)


def temperature_column(sensor: str) -> str:
    """Returns the column of a temperature sensor named as printed."""
    return f"{sensor} Temperature (C)"


def rail_column(rail: str) -> str:
    """Returns the column of a rail's current reading, mW."""
    return f"{rail} Current (mW)"


def number(value: float | None, decimals: int = 0) -> str:
    """Returns a cell: digits without trailing zeros, empty where there is no value."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RowContext:
    """What the runner knows at a tick beside the board's own words.

    Args:
        index: number of the tick, from 0.
        elapsed_s: s since the run began, monotonic.
        utc: UTC as ISO text with milliseconds; empty for a replay.
        phase: label of the phase.
        items: images done in measure by then; None before measure.
        fps: live FPS; None where it is not defined yet.
        source: name of the telemetry source.
        latency_ms: median latency of the batches told of since the tick before; None where there was none.
    """

    index: int
    elapsed_s: float
    utc: str
    phase: str
    items: int | None
    fps: float | None
    source: str
    latency_ms: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which cores, sensors and rails have columns.

    Args:
        cores: number of cores, those that are off included.
        sensors: temperature sensors in printed order.
        rails: rails in printed order.
    """

    cores: int
    sensors: tuple[str, ...]
    rails: tuple[str, ...]

    @classmethod
    def of(cls, sample: Sample) -> Layout:
        """Returns the layout for the board that printed ``sample``.

        **Source**: on AGX Orin with JetPack 6 ``gpu@`` is left out of a line while the GPU is
        power-gated, also of the first line, so such a board always gets a column for it.
        """
        sensors = [*sample.temps_c, *sample.temps_off]
        if "cpu" in sensors and "tj" in sensors and "gpu" not in sensors:
            sensors.insert(sensors.index("tj"), "gpu")
        return cls(cores=len(sample.cores), sensors=tuple(sensors), rails=tuple(sample.power_mw))

    def header(self) -> list[str]:
        """Returns the column names in order."""
        names = [INDEX, TIME_MS]
        names += [METRIC_BY_FIELD[field].column for field in _TEAM_BEFORE_CORES]
        names += [f"CPU {core} Load (%)" for core in range(self.cores)]
        names += [METRIC_BY_FIELD[field].column for field in _TEAM_AFTER_CORES]
        names += [temperature_column(sensor) for sensor in self.sensors]
        for rail in self.rails:
            names += [rail_column(rail), f"{rail} Average (mW)"]
        names += [ELAPSED_S, UTC_TIME, PHASE, ITEMS, FPS, LATENCY_MS, THROTTLED, SOURCE]
        names += [METRIC_BY_FIELD[field].column for field in _OURS]
        names += [f"CPU {core} Frequency (MHz)" for core in range(self.cores)]
        return [*names, BOARD_TIME]

    def row(self, tick: Tick, context: RowContext) -> list[str]:
        """Returns the cells of one tick, one per column of :meth:`header`."""
        sample = tick.sample
        cores = sample.cores
        if len(cores) != self.cores:
            cores = tuple(cores[i] if i < len(cores) else None for i in range(self.cores))
        cells = [str(context.index), str(round(context.elapsed_s * 1000))]
        cells += _metric_cells(_READ_BEFORE_CORES, sample)
        cells += [str(core.load_pct) if core else "" for core in cores]
        cells += _metric_cells(_READ_AFTER_CORES, sample)
        cells += [number(sample.temps_c.get(sensor), 3) for sensor in self.sensors]
        for rail in self.rails:
            reading = sample.power_mw.get(rail)
            cells += [number(reading.current_mw), number(reading.average_mw)] if reading else ["", ""]
        throttled = "" if tick.throttled is None else str(int(tick.throttled))
        items = "" if context.items is None else str(context.items)
        cells += [f"{context.elapsed_s:.3f}", context.utc, context.phase, items]
        cells += [number(context.fps, 3), number(context.latency_ms, LATENCY_DECIMALS), throttled, context.source]
        cells += _metric_cells(_READ_OURS, sample)
        cells += [number(core.freq_mhz) if core else "" for core in cores]
        return [*cells, sample.stamp or ""]

    def late_fields(self, sample: Sample) -> dict[str, float]:
        """Returns readings of this sample that have no column, by the column they would have."""
        late: dict[str, float] = {}
        for sensor, value in sample.temps_c.items():
            if sensor not in self.sensors and value is not None:
                late[temperature_column(sensor)] = value
        for rail, reading in sample.power_mw.items():
            if rail not in self.rails:
                late[rail_column(rail)] = reading.current_mw
        for core in range(self.cores, len(sample.cores)):
            reading_core = sample.cores[core]
            if reading_core:
                late[f"CPU {core} Load (%)"] = reading_core.load_pct
        return late


def _metric_cells(readers: _Readers, sample: Sample) -> list[str]:
    return [number(read(sample), decimals) for read, decimals in readers]
