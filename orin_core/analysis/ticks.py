"""The ticks of a stretch of time with their lengths: which rows count, and how much each weighs.

A tick belongs to a stretch when the tick before it was received after the stretch began and it
was received before the stretch ended. Its weight is the time since the tick before it, on the
monotonic clock. A gap of more than two intervals is left out and counted.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pandas as pd

from orin_core.board.sample import METRIC_BY_FIELD

Floats = np.ndarray[Any, np.dtype[np.float64]]

ELAPSED = "Elapsed (s)"
THROTTLED = "Throttled"
RAIL_SUFFIX = " Current (mW)"
GR3D = METRIC_BY_FIELD["gr3d_pct"].column
GR3D_CLOCK = METRIC_BY_FIELD["gr3d_freq_mhz"].column
RAM_USED = METRIC_BY_FIELD["ram_used_mb"].column
RAM_TOTAL = METRIC_BY_FIELD["ram_total_mb"].column
SWAP_USED = METRIC_BY_FIELD["swap_used_mb"].column
POWER = METRIC_BY_FIELD["power_w"].column
HOTTEST = METRIC_BY_FIELD["tj_c"].column
_FIRST_CORE_CLOCK = METRIC_BY_FIELD["cpu_freq_mhz"].column
_LFB_BLOCKS = METRIC_BY_FIELD["lfb_blocks"].column
_LFB_BLOCK_MB = METRIC_BY_FIELD["lfb_block_mb"].column

# Made of several columns by condensed(), one value per tick.
BUSIEST_CORE = "Busiest Core (%)"
LOAD_SUM = "Sum of CPU Loads (%)"
CORES_ON = "Cores Online"
CPU_CLOCK = "Highest CPU Clock (MHz)"
LFB = "Largest Free Blocks (MB)"

_KEPT = {ELAPSED, THROTTLED, GR3D, GR3D_CLOCK, RAM_USED, RAM_TOTAL, SWAP_USED, POWER, HOTTEST}
_DERIVED = (BUSIEST_CORE, LOAD_SUM, CORES_ON, CPU_CLOCK, LFB)
_CORE_LOAD = re.compile(r"CPU [0-9]+ Load \(%\)")
_CORE_CLOCK = re.compile(r"CPU ([0-9]+ )?Frequency \(MHz\)")

_SLOW_SOURCE = 1.5
_GAP_INTERVALS = 2.0
_STAMP_STEP_S = 0.0015
"""Times are written to 1 ms, so a difference of two may be that much too long."""


def is_needed(column: str) -> bool:
    """Returns whether the figures need a column of ``run.csv``; a day at 10 Hz has too many to read all."""
    return (
        column in _KEPT
        or column in (_LFB_BLOCKS, _LFB_BLOCK_MB)
        or column.endswith(RAIL_SUFFIX)
        or _CORE_LOAD.fullmatch(column) is not None
        or _CORE_CLOCK.fullmatch(column) is not None
    )


def condensed(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns what the figures need of some rows, as numbers: the cores' many columns become three.

    Args:
        frame: rows of ``run.csv``; a column that is missing is simply not known. Rows that this
            function gave go through unchanged.
    """
    if BUSIEST_CORE in frame:
        return frame
    numbers = {
        name: pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
        for name in frame.columns
        if is_needed(str(name))
    }
    loads = _stack(numbers, [name for name in numbers if _CORE_LOAD.fullmatch(name)], len(frame))
    clocks = _stack(numbers, [name for name in numbers if _CORE_CLOCK.fullmatch(name)], len(frame))
    known = np.isfinite(loads)
    some = known.any(axis=0)
    empty = np.full(len(frame), np.nan)
    kept = {name: values for name, values in numbers.items() if name in _KEPT or name.endswith(RAIL_SUFFIX)}
    kept[BUSIEST_CORE] = _highest(loads)
    kept[LOAD_SUM] = np.where(some, np.where(known, loads, 0.0).sum(axis=0), np.nan)
    kept[CORES_ON] = np.where(some, known.sum(axis=0), np.nan)
    kept[CPU_CLOCK] = _highest(clocks)
    kept[LFB] = numbers.get(_LFB_BLOCKS, empty) * numbers.get(_LFB_BLOCK_MB, empty)
    timed = np.isfinite(kept.setdefault(ELAPSED, empty))
    rows: pd.DataFrame = pd.DataFrame({name: values[timed] for name, values in kept.items()})
    return rows


def _stack(numbers: dict[str, Floats], names: list[str], rows: int) -> Floats:
    return np.stack([numbers[name] for name in names]) if names else np.full((1, rows), np.nan)


def _highest(table: Floats) -> Floats:
    highest = np.where(np.isfinite(table), table, -np.inf).max(axis=0)
    return np.where(np.isfinite(highest), highest, np.nan)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time: measure by the worker's own time stamps, or an idle phase.

    Args:
        start_s: s since the run began; for measure at the first fetch.
        end_s: s since the run began; for measure when the last result was in host memory.
    """

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Length, s."""
        return self.end_s - self.start_s


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """The ticks of a stretch with their lengths.

    Args:
        frame: their rows, as :func:`condensed` gives them.
        length_s: one weight per row, s.
        gaps: ticks left out because more than two intervals lay before them.
        covered_s: how much of the stretch was watched: its length less the gaps, s.
        period_s: median length of a tick, gaps among them, s; None without ticks.
    """

    frame: pd.DataFrame
    length_s: Floats
    gaps: int
    covered_s: float
    period_s: float | None

    @property
    def middle_s(self) -> Floats:
        """The middle of the time that each tick speaks of, s since the run began."""
        middle: Floats = self.frame[ELAPSED].to_numpy(dtype=float) - self.length_s / 2
        return middle

    def known(self, column: str) -> tuple[Floats, Floats]:
        """Returns the values that a column has, with their weights in s; both empty where it has none."""
        if column not in self.frame:
            return np.zeros(0), np.zeros(0)
        values = self.frame[column].to_numpy(dtype=float)
        known = np.isfinite(values)
        return values[known], self.length_s[known]

    def count(self, column: str) -> int:
        """Returns how many ticks have a value in a column."""
        return len(self.known(column)[0])

    def mean(self, column: str) -> float | None:
        """Returns the mean of a column weighted by tick length, None where it has no value."""
        values, weights = self.known(column)
        return float(np.average(values, weights=weights)) if len(values) else None

    def median(self, column: str) -> float | None:
        """Returns the median of a column weighted by tick length, None where it has no value."""
        values, weights = self.known(column)
        return percentile(values, weights, 0.5) if len(values) else None

    def share_from(self, column: str, least: float) -> float | None:
        """Returns the share of time with a value of at least ``least``, 0 to 1; None where there is no value."""
        values, weights = self.known(column)
        return float(weights[values >= least].sum() / weights.sum()) if len(values) else None

    def maximum(self, column: str) -> float | None:
        """Returns the largest value of a column, None where it has no value."""
        values, _ = self.known(column)
        return float(values.max()) if len(values) else None

    def minimum(self, column: str) -> float | None:
        """Returns the smallest value of a column, None where it has no value."""
        values, _ = self.known(column)
        return float(values.min()) if len(values) else None

    def mean_of(self, column: str, chosen: slice) -> float | None:
        """Returns the plain mean of some of a column's values in order, None where it has none."""
        values, _ = self.known(column)
        return float(values[chosen].mean()) if len(values) else None

    def block_means(self, column: str, edges_s: Floats) -> list[float]:
        """Returns the weighted mean of a column in each block of time that has a value.

        Args:
            column: name of a column.
            edges_s: ends of the blocks, s since the run began, rising.
        """
        if column not in self.frame:
            return []
        values = self.frame[column].to_numpy(dtype=float)
        block = np.searchsorted(edges_s, self.middle_s, side="right") - 1
        inside = np.isfinite(values) & (block >= 0) & (block < len(edges_s) - 1)
        block, weights = block[inside], self.length_s[inside]
        weight = np.bincount(block, weights, minlength=len(edges_s) - 1)
        total = np.bincount(block, weights * values[inside], minlength=len(edges_s) - 1)
        return [float(mean) for mean in total[weight > 0] / weight[weight > 0]]


def percentile(values: Floats, weights: Floats, share: float) -> float:
    """Returns the smallest value that at least ``share`` of the weight does not exceed (nearest rank)."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))
    return float(values[order][min(index, len(values) - 1)])


def interval_of(period_s: float | None, asked_s: float) -> float:
    """Returns the interval by which gaps are told, s.

    It is the asked one, unless the source cannot keep it: where the median tick is longer than
    1.5 times that, every tick would be a gap, or none of them by chance. Its own period serves then.
    Coverage still goes by what was asked, so such a run is not passed off as complete.

    Args:
        period_s: median length of the ticks, s; None without ticks.
        asked_s: asked time between ticks, s.
    """
    return period_s if period_s is not None and period_s > _SLOW_SOURCE * asked_s else asked_s


def ticks_of(frame: pd.DataFrame, window: Window | None, asked_s: float) -> Ticks:
    """Returns the ticks that belong to a stretch of time.

    Args:
        frame: rows of ``run.csv`` in order, condensed or not.
        window: the stretch; None where it was not reached.
        asked_s: asked time between ticks, s.
    """
    rows = condensed(frame)
    received_s = rows[ELAPSED].to_numpy(dtype=float)
    if window is None or not len(received_s):
        return Ticks(frame=rows.iloc[:0], length_s=np.zeros(0), gaps=0, covered_s=0.0, period_s=None)
    before_s = np.concatenate(([np.nan], received_s[:-1]))
    length_s = received_s - before_s
    inside = (before_s >= window.start_s) & (received_s <= window.end_s) & (length_s > 0)
    period_s = float(np.median(length_s[inside])) if inside.any() else None
    limit_s = _GAP_INTERVALS * interval_of(period_s, asked_s) + _STAMP_STEP_S
    gap = inside & (length_s > limit_s)
    kept = inside & ~gap
    return Ticks(
        frame=rows[kept],
        length_s=length_s[kept],
        gaps=int(gap.sum()),
        covered_s=_covered_s(received_s, window, limit_s),
        period_s=period_s,
    )


def _covered_s(received_s: Floats, window: Window, limit_s: float) -> float:
    """Returns how long a stretch was watched, s: all of it but the gaps.

    What lies between an end of the stretch and the tick nearest to it counts as well, up to the
    length of a gap, since the tick beyond that end speaks of it.
    """
    within = received_s[(received_s >= window.start_s) & (received_s <= window.end_s)]
    if not len(within):
        return 0.0
    between_s = np.diff(within)
    edges_s = (within[0] - window.start_s, window.end_s - within[-1])
    return float(between_s[between_s <= limit_s].sum() + sum(min(edge_s, limit_s) for edge_s in edges_s))
