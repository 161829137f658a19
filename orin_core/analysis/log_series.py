"""A log as columns of numbers: what the cut needs of a day at 10 Hz, without its million samples."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from orin_core.board.sample import Sample, power_w

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

HOLE_S = 300.0
"""A longer time without any tick is the end of one recording and the start of another."""

HOLE_INSIDE_S = 10.0
"""A longer time without a tick inside a recording is doubtful; the boards of the published logs pause 6 s at most."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One number per tick and column; NaN where the tick does not say.

    Args:
        t_s: time since the log began, s, never falling.
        gr3d_pct: GPU load, %.
        power_w: the board's power, W.
        gpu_w: power of the rail that feeds the GPU and not the CPU, W.
        cpu_max_mhz: highest clock of any core, MHz; of core 0 where a CSV knows no other.
        cpu_busiest_pct: load of the busiest core, %.
        cores_online: cores that are on.
        cores_listed: cores that are printed, those that are off included.
        ram_mb: RAM in use, MB.
        line: number of the tick's line in the file, from 1.
        restart: whether another recording begins with this tick.
    """

    t_s: Floats
    gr3d_pct: Floats
    power_w: Floats
    gpu_w: Floats
    cpu_max_mhz: Floats
    cpu_busiest_pct: Floats
    cores_online: Floats
    cores_listed: Floats
    ram_mb: Floats
    line: Integers
    restart: Flags

    def __len__(self) -> int:
        return len(self.t_s)

    @property
    def period_s(self) -> float:
        """Median time between two ticks, s; 1 where there are not two."""
        steps = np.diff(self.t_s)
        steps = steps[steps > 0]
        return float(np.median(steps)) if len(steps) else 1.0


_VALUES = (
    "gr3d_pct",
    "power_w",
    "gpu_w",
    "cpu_max_mhz",
    "cpu_busiest_pct",
    "cores_online",
    "cores_listed",
    "ram_mb",
)
_NAN = float("nan")


def _or_nan(value: float | None) -> float:
    return _NAN if value is None else float(value)


def _gpu_w(sample: Sample) -> float | None:
    """Power of the GPU's rail; one that it shares with the CPU (VDD_CPU_GPU_CV) tells no more than the total."""
    for name, rail in sample.power_mw.items():
        if "GPU" in name and "CPU" not in name:
            return rail.current_mw / 1000
    return None


class SeriesBuilder:
    """Collects ticks as numbers; about 50 bytes a tick."""

    def __init__(self) -> None:
        self._t_s = array("d")
        self._line = array("q")
        self._restart = array("b")
        self._columns = {name: array("f") for name in _VALUES}

    def __len__(self) -> int:
        return len(self._t_s)

    def add(self, t_s: float, sample: Sample, *, line: int, restart: bool = False) -> None:
        """Adds one tick.

        Args:
            t_s: time since the log began, s, not before the last tick's.
            sample: what the tick says.
            line: number of its line in the file, from 1.
            restart: whether another recording begins with it.
        """
        self._t_s.append(t_s)
        self._line.append(line)
        self._restart.append(restart)
        clocks = [core.freq_mhz for core in sample.cores if core and core.freq_mhz is not None]
        online = sum(core is not None for core in sample.cores)
        columns = self._columns
        columns["gr3d_pct"].append(_or_nan(sample.gr3d_pct))
        columns["power_w"].append(_or_nan(power_w(sample)))
        columns["gpu_w"].append(_or_nan(_gpu_w(sample)))
        columns["cpu_max_mhz"].append(_or_nan(max(clocks, default=None)))
        columns["cpu_busiest_pct"].append(_or_nan(sample.busiest_core_pct))
        columns["cores_online"].append(online or _NAN)
        columns["cores_listed"].append(len(sample.cores) or _NAN)
        columns["ram_mb"].append(_or_nan(sample.ram_used_mb))

    def build(self) -> Series:
        """Returns what was collected."""
        return Series(
            t_s=np.asarray(self._t_s, dtype=np.float64),
            line=np.asarray(self._line, dtype=np.int64),
            restart=np.asarray(self._restart, dtype=np.bool_),
            **{name: np.asarray(values, dtype=np.float64) for name, values in self._columns.items()},
        )


def series_of(t_s: Sequence[float], samples: Iterable[Sample]) -> Series:
    """Returns the series of samples that are at hand, a hole of more than 300 s being a restart.

    Args:
        t_s: time of each sample, s, never falling.
        samples: as many samples.
    """
    builder = SeriesBuilder()
    before_s: float | None = None
    for number, (now_s, sample) in enumerate(zip(t_s, samples, strict=True), 1):
        builder.add(now_s, sample, line=number, restart=before_s is not None and now_s - before_s > HOLE_S)
        before_s = now_s
    return builder.build()


def moving_mean(t_s: Floats, values: Floats, width_s: float) -> Floats:
    """Returns the mean of the known values within ``width_s`` around each tick; NaN where none is known.

    Args:
        t_s: times, s, never falling.
        values: one per time, NaN where unknown.
        width_s: width of the window, s.
    """
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    # Stamps have a resolution of 1 s: a tick at the very edge belongs to the window.
    first = np.searchsorted(t_s, t_s - width_s / 2 - 1e-9, side="left")
    last = np.searchsorted(t_s, t_s + width_s / 2 + 1e-9, side="right")
    count = counts[last] - counts[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, (sums[last] - sums[first]) / count, np.nan)
