"""What the ticks of measure say of the board: GPU, CPU, memory, power, temperature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from orin_core.analysis.odd_readings import readings_out_of_range
from orin_core.analysis.ticks import (
    BUSIEST_CORE,
    CORES_ON,
    CPU_CLOCK,
    GR3D,
    GR3D_CLOCK,
    HOTTEST,
    LFB,
    POWER,
    RAIL_SUFFIX,
    RAM_TOTAL,
    RAM_USED,
    SWAP_USED,
    THROTTLED,
    Ticks,
    percentile,
)
from orin_core.board.sample import power_rails

SATURATED_PCT = 95.0
IDLE_PCT = 5.0
BUSY_MEDIAN_PCT = 20.0
IDLE_STRETCH_TICKS = 3
IDLE_STRETCH_BATCHES = 2.0
IDLE_STRETCH_S = 2.5
"""Three ticks at 1 Hz, with their jitter. At 10 Hz three ticks are one slow batch, not a pause."""
END_TICKS = 3

_MEANS = (
    ("gr3d_pct_mean", GR3D, 3),
    ("gr3d_freq_mhz_mean", GR3D_CLOCK, 1),
    ("busiest_core_pct_mean", BUSIEST_CORE, 3),
    ("ram_used_mb_mean", RAM_USED, 2),
    ("power_w_mean", POWER, 6),
    ("throttled_share", THROTTLED, 5),
)
_LARGEST = (
    ("gr3d_freq_mhz_max", GR3D_CLOCK, 1),
    ("cpu_ceiling_mhz", CPU_CLOCK, 1),
    ("ram_used_mb_max", RAM_USED, 2),
    ("tj_c_max", HOTTEST, 3),
)


def rounded(value: float | None, digits: int) -> float | None:
    """Returns a figure with so many decimals, None where it is not known."""
    return None if value is None else round(float(value), digits)


def board_figures(ticks: Ticks, rows: pd.DataFrame, batch_s: float | None) -> dict[str, Any]:
    """Returns the board's figures over measure, None where one is not known.

    Args:
        ticks: the ticks of measure.
        rows: all ticks of the run; memory is compared with its start.
        batch_s: median time of a batch, s; None where it is not known.
    """
    rails = [str(name).removesuffix(RAIL_SUFFIX) for name in rows.columns if str(name).endswith(RAIL_SUFFIX)]
    by_rail = {rail: ticks.mean(rail + RAIL_SUFFIX) for rail in rails}
    swap_start_mb, swap_max_mb = _first(rows, SWAP_USED), ticks.maximum(SWAP_USED)
    cores = ticks.maximum(CORES_ON)
    return {
        **{key: rounded(ticks.mean(column), digits) for key, column, digits in _MEANS},
        **{key: rounded(ticks.maximum(column), digits) for key, column, digits in _LARGEST},
        "gr3d_pct_median": rounded(ticks.median(GR3D), 3),
        "gr3d_saturated_share": rounded(ticks.share_from(GR3D, SATURATED_PCT), 5),
        "idle_ticks_inside": idle_ticks_inside(ticks, batch_s),
        "cores_online": None if cores is None else int(cores),
        "ram_total_mb": rounded(_first(rows, RAM_TOTAL), 1),
        "swap_rise_mb": None
        if swap_start_mb is None or swap_max_mb is None
        else rounded(swap_max_mb - swap_start_mb, 2),
        "lfb_start_mb": rounded(_first(rows, LFB), 3),
        "lfb_min_mb": rounded(ticks.minimum(LFB), 3),
        "power_rails": list(power_rails(rails)),
        "power_by_rail_w": {rail: round(mw / 1000, 4) for rail, mw in by_rail.items() if mw is not None},
        "tj_c_start": rounded(ticks.mean_of(HOTTEST, slice(END_TICKS)), 3),
        "tj_c_end": rounded(ticks.mean_of(HOTTEST, slice(-END_TICKS, None)), 3),
        "throttle_readable": ticks.count(THROTTLED) > 0,
        "readings_out_of_range": readings_out_of_range(ticks),
    }


def board_counts(ticks: Ticks) -> dict[str, int]:
    """Returns the number of ticks behind each of the board's figures."""
    ends = min(END_TICKS, ticks.count(HOTTEST))
    return {
        **{key: ticks.count(column) for key, column, _ in (*_MEANS, *_LARGEST)},
        **dict.fromkeys(("gr3d_pct_median", "gr3d_saturated_share", "idle_ticks_inside"), ticks.count(GR3D)),
        "cores_online": ticks.count(CORES_ON),
        "swap_rise_mb": ticks.count(SWAP_USED),
        "lfb_min_mb": ticks.count(LFB),
        "ram_rise_mb": ticks.count(RAM_USED),
        **dict.fromkeys(("power_first_half_w", "power_second_half_w"), ticks.count(POWER)),
        **dict.fromkeys(("tj_c_start", "tj_c_end"), ends),
    }


def _first(rows: pd.DataFrame, column: str) -> float | None:
    """Returns the first value of a column in the run, None where it has none."""
    values = rows[column].to_numpy(dtype=float) if column in rows else np.zeros(0)
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else None


def idle_ticks_inside(ticks: Ticks, batch_s: float | None) -> int | None:
    """Returns how many ticks of measure lie in a stretch in which the GPU did nothing, None without readings.

    A stretch is at least three ticks, 2.5 s and two batch times below 5 %: the GPU has work in
    every batch, however long the host takes for the rest of it. A GPU whose median outside of such
    stretches is below 20 % tells nothing this way: there the count is 0. Within them it would say
    nothing either, since more than half of a log can be idle rows that somebody left in.

    Args:
        ticks: the ticks of measure.
        batch_s: median time from the fetch of a batch to its last result, s; None where it is not known.
    """
    values, weights = ticks.known(GR3D)
    if not len(values):
        return None
    idle = np.concatenate(([False], values < IDLE_PCT, [False]))
    edges = np.flatnonzero(np.diff(idle.astype(int)))
    reached_s = np.concatenate(([0.0], np.cumsum(weights)))
    starts, ends = edges[::2], edges[1::2]
    least_s = max(IDLE_STRETCH_S, IDLE_STRETCH_BATCHES * (batch_s or 0.0))
    long_enough = (ends - starts >= IDLE_STRETCH_TICKS) & (reached_s[ends] - reached_s[starts] >= least_s)
    inside = np.zeros(len(values), dtype=bool)
    for start, end in zip(starts[long_enough], ends[long_enough], strict=True):
        inside[start:end] = True
    if inside.all() or percentile(values[~inside], weights[~inside], 0.5) < BUSY_MEDIAN_PCT:
        return 0
    return int(inside.sum())
