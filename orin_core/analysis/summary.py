"""The figures of one run, from its rows.

Definitions: FPS end to end is items over the time from the first fetch to the last result in
host memory. Means are weighted by tick length on the monotonic clock, over the ticks of measure
only; a gap of more than two intervals is left out and counted. A tick belongs to measure when
the tick before it was received after measure began and it was received before measure ended.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from orin_core.board.sample import METRIC_BY_FIELD, power_rails

_Floats = np.ndarray[Any, np.dtype[np.float64]]
_RAIL_SUFFIX = " Current (mW)"
MIN_BATCHES_P99 = 1000


_FIELDS = ("gr3d_pct", "gr3d_freq_mhz", "ram_used_mb", "power_w", "tj_c")
_COLUMNS = {"Elapsed (s)", "Throttled", *(METRIC_BY_FIELD[field].column for field in _FIELDS)}


def is_needed(column: str) -> bool:
    """Returns whether the figures need a column of ``run.csv``; a day at 10 Hz has too many to read all."""
    return column in _COLUMNS or column.endswith(_RAIL_SUFFIX)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MeasureWindow:
    """Measure by the worker's own time stamps.

    Args:
        start_s: s since the run began, at the first fetch.
        end_s: s since the run began, when the last result was in host memory.
    """

    start_s: float
    end_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """The ticks of measure with their lengths.

    Args:
        frame: their rows.
        length_s: one weight per row, s.
        gaps: ticks left out because more than two intervals lay before them.
    """

    frame: pd.DataFrame
    length_s: _Floats
    gaps: int

    def mean(self, column: str) -> float | None:
        """Returns the mean of a column weighted by tick length, None where it has no value."""
        if column not in self.frame:
            return None
        values = pd.to_numeric(self.frame[column], errors="coerce").to_numpy(dtype=float)
        known = np.isfinite(values)
        if not known.any():
            return None
        return float(np.average(values[known], weights=self.length_s[known]))

    def maximum(self, column: str) -> float | None:
        """Returns the largest value of a column, None where it has no value."""
        if column not in self.frame:
            return None
        values = pd.to_numeric(self.frame[column], errors="coerce").dropna()
        return float(values.max()) if len(values) else None


def ticks_of(frame: pd.DataFrame, window: MeasureWindow | None, interval_s: float) -> Ticks:
    """Returns the ticks that belong to measure.

    Args:
        frame: rows of ``run.csv`` in order.
        window: measure; None where it was not reached.
        interval_s: asked time between ticks, s.
    """
    if window is None or frame.empty:
        return Ticks(frame=frame.iloc[:0], length_s=np.zeros(0), gaps=0)
    received_s = frame["Elapsed (s)"].to_numpy(dtype=float)
    before_s = np.concatenate(([np.nan], received_s[:-1]))
    inside = (before_s >= window.start_s) & (received_s <= window.end_s)
    length_s = received_s - before_s
    gap = inside & (length_s > 2 * interval_s)
    kept = inside & ~gap & (length_s > 0)
    return Ticks(frame=frame[kept], length_s=length_s[kept], gaps=int(gap.sum()))


def fps_model(model_only: Sequence[Mapping[str, Any]]) -> float | None:
    """Returns images per second of the bare loops before and after measure together."""
    seconds = sum(float(segment["seconds"]) for segment in model_only)
    items = sum(int(segment["items"]) for segment in model_only)
    return items / seconds if seconds > 0 and items > 0 else None


def latencies(batches: pd.DataFrame) -> dict[str, float | None]:
    """Returns p50, p90 and, from 1000 batches on, p99 of the batches of measure, ms.

    Where a long run kept only some of its batches, each stands for those since the one before it.
    """
    measured = batches[batches["phase"] == "measure"]
    values = measured["latency_ms"].to_numpy(dtype=float)
    numbers = measured["batch"].to_numpy(dtype=float)
    if not len(values):
        return {"latency_ms_p50": None, "latency_ms_p90": None, "latency_ms_p99": None}
    weights = np.diff(numbers, prepend=numbers[0] - 1)
    p50, p90, p99 = (round(_percentile(values, weights, share), 3) for share in (0.50, 0.90, 0.99))
    enough = weights.sum() >= MIN_BATCHES_P99
    return {"latency_ms_p50": p50, "latency_ms_p90": p90, "latency_ms_p99": p99 if enough else None}


def _percentile(values: _Floats, weights: _Floats, share: float) -> float:
    """Returns the smallest value that at least ``share`` of the weight does not exceed (nearest rank)."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))
    return float(values[order][min(index, len(values) - 1)])


def measure_window(events: Sequence[Mapping[str, Any]], batches: pd.DataFrame, t0_s: float) -> MeasureWindow | None:
    """Returns the window of measure, None where no batch of it ended.

    The worker's ``done`` gives both ends. Where it never came (worker killed), measure runs from
    its ``phase`` event to the end of its last batch.
    """
    for event in events:
        if event["kind"] == "done" and event.get("t_start_s") is not None:
            start_s, end_s = float(event["t_start_s"]) - t0_s, float(event["t_end_s"]) - t0_s
            return MeasureWindow(start_s=start_s, end_s=end_s) if end_s > start_s else None
    measured = batches[batches["phase"] == "measure"]
    starts = [float(event["t_s"]) for event in events if event["kind"] == "phase" and event.get("phase") == "measure"]
    if measured.empty or not starts:
        return None
    return MeasureWindow(start_s=starts[-1] - t0_s, end_s=float(measured["end_s"].iloc[-1]) - t0_s)


def _items_done(events: Sequence[Mapping[str, Any]], batches: pd.DataFrame) -> int:
    for event in events:
        if event["kind"] == "done":
            return int(event["items"])
    return int(batches.loc[batches["phase"] == "measure", "items_done"].max())


def figures(
    *,
    frame: pd.DataFrame,
    batches: pd.DataFrame,
    events: Sequence[Mapping[str, Any]],
    t0_s: float,
    interval_s: float,
) -> dict[str, Any]:
    """Returns the figures of one run; None where a figure is not known.

    Args:
        frame: rows of ``run.csv``.
        batches: rows of ``batches.csv``.
        events: rows of ``events.jsonl``.
        t0_s: monotonic time at which the run began, s.
        interval_s: asked time between ticks, s.

    Returns:
        FPS in images/s, latency in ms, GR3D in %, RAM in MB, power in W, temperature in degree C,
        energy in J per image.
    """
    window = measure_window(events, batches, t0_s)
    ticks = ticks_of(frame, window, interval_s)
    items = _items_done(events, batches) if window else 0
    seconds = window.end_s - window.start_s if window else None
    power_w = ticks.mean(METRIC_BY_FIELD["power_w"].column)
    rails = [name.removesuffix(_RAIL_SUFFIX) for name in frame.columns if name.endswith(_RAIL_SUFFIX)]
    expected = int(seconds / interval_s) if seconds else 0
    throttled = ticks.mean("Throttled")
    return {
        "items": items,
        "total_inference_time_s": _rounded(seconds, 6),
        "fps_end_to_end": _rounded(items / seconds if seconds and items else None, 4),
        "fps_model": _rounded(fps_model([event for event in events if event["kind"] == "model_only"]), 4),
        **latencies(batches),
        "gr3d_pct_mean": _rounded(ticks.mean(METRIC_BY_FIELD["gr3d_pct"].column), 3),
        "gr3d_freq_mhz_mean": _rounded(ticks.mean(METRIC_BY_FIELD["gr3d_freq_mhz"].column), 1),
        "ram_used_mb_mean": _rounded(ticks.mean(METRIC_BY_FIELD["ram_used_mb"].column), 2),
        "ram_used_mb_max": _rounded(ticks.maximum(METRIC_BY_FIELD["ram_used_mb"].column), 2),
        "power_w_mean": _rounded(power_w, 4),
        "power_rails": list(power_rails(rails)),
        "energy_per_item_j": _rounded(power_w * seconds / items if power_w and seconds and items else None, 5),
        "tj_c_max": _rounded(ticks.maximum(METRIC_BY_FIELD["tj_c"].column), 3),
        "throttled_share": _rounded(throttled, 5),
        "ticks": len(ticks.frame),
        "ticks_expected": expected,
        "gaps": ticks.gaps,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
