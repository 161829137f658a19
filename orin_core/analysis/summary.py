"""The figures of one run, from its rows.

Definitions: FPS end to end is items over the time from the first fetch to the last result in
host memory. Means are weighted by tick length on the monotonic clock, over the ticks of measure
only; a gap of more than two intervals is left out and counted. A tick belongs to measure when
the tick before it was received after measure began and it was received before measure ended.
Every key is defined in ``docs/data-format.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from orin_core.analysis.captured import last_event
from orin_core.analysis.idle import Idle, net_energy_j
from orin_core.analysis.intervals import block_count, block_interval
from orin_core.analysis.pace import Batches, fps_model, text_pace
from orin_core.analysis.tick_figures import board_counts, board_figures, rounded
from orin_core.analysis.ticks import (
    GR3D,
    POWER,
    RAM_USED,
    Floats,
    Ticks,
    Window,
    condensed,
    is_needed,
    ticks_of,
)

__all__ = ["Window", "condensed", "figures", "is_needed", "measure_window"]

_Events = Sequence[Mapping[str, Any]]
_PERIOD_MARGIN = 1.1
_PERIOD_OVERHEAD_S = 0.05
"""Expected ticks go by the asked interval, but for what a source may be slower than it says: a tenth, or 50 ms
where the interval is short, since what tegrastats does for one line takes the same time whatever the interval.

**Source**: tegrastats of AGX Orin asked for 1000 ms prints every 1005 to 1046 ms in the published logs, and asked for
500 ms about every 522 ms; 50 ms are about twice that overhead.
"""
_INTERVAL_DIGITS = {"gr3d_pct_mean": 3, "ram_used_mb_mean": 2, "power_w_mean": 4, "fps_end_to_end": 6}


def figures(
    *,
    frame: pd.DataFrame,
    batches: pd.DataFrame,
    events: _Events,
    t0_s: float,
    interval_s: float,
) -> dict[str, Any]:
    """Returns the figures of one run; None where a figure is not known.

    Args:
        frame: rows of ``run.csv``, condensed or not.
        batches: rows of ``batches.csv``.
        events: rows of ``events.jsonl``.
        t0_s: monotonic time at which the run began, s.
        interval_s: asked time between ticks, s.

    Returns:
        The keys of ``summary.json`` that come from the rows, units in their names; ``counts`` tells
        how many ticks, batches or images stand behind a figure, and ``intervals_95`` its interval.
    """
    rows = condensed(frame)
    measured = Batches.of(batches, t0_s)
    window = measure_window(events, batches, t0_s)
    ticks = ticks_of(rows, window, interval_s)
    idle = Idle.of(rows, events, t0_s, interval_s)
    items = _items_of(events, measured) if window else 0
    pace = _pace(measured, window, items, events)
    board = board_figures(ticks, rows, pace["batch_s_p50"])
    quiet = idle.figures()
    energy = _energy(board["power_w_mean"], window, items, quiet)
    found = {
        **pace,
        **board,
        **{key: rounded(value, 3) for key, value in quiet.items()},
        "ram_rise_mb": _rise(board["ram_used_mb_mean"], quiet["ram_idle_mb_mean"]),
        **_halves(measured, ticks, window, items),
        **energy,
        **_telemetry(ticks, window, interval_s),
    }
    counts = {
        **_pace_counts(measured, items, events),
        **_half_counts(measured, window),
        "coverage": found["ticks_expected"],
        **board_counts(ticks),
        **idle.counts(),
        **dict.fromkeys(
            ("energy_j", "energy_per_item_j", "energy_per_item_net_j", "items_per_joule"), ticks.count(POWER)
        ),
    }
    return {
        **found,
        "counts": {key: count for key, count in counts.items() if found.get(key) is not None},
        "intervals_95": _intervals(measured, ticks, window, items),
    }


def measure_window(events: _Events, batches: pd.DataFrame, t0_s: float) -> Window | None:
    """Returns the window of measure, None where no batch of it ended.

    The worker's ``done`` gives both ends. Where it never came (worker killed), measure runs from
    its ``phase`` event to the end of its last batch.
    """
    done = last_event(events, "done")
    if done.get("t_start_s") is not None:
        start_s, end_s = float(done["t_start_s"]) - t0_s, float(done["t_end_s"]) - t0_s
        return Window(start_s=start_s, end_s=end_s) if end_s > start_s else None
    measured = Batches.of(batches, t0_s)
    starts = [float(event["t_s"]) for event in events if event["kind"] == "phase" and event.get("phase") == "measure"]
    if not len(measured.end_s) or not starts:
        return None
    return Window(start_s=starts[-1] - t0_s, end_s=float(measured.end_s[-1]))


def _items_of(events: _Events, measured: Batches) -> int | None:
    """Returns the images of measure: as the worker counted, else as its batches say; None for a log without them."""
    done = last_event(events, "done")
    if done:
        return None if done.get("items") is None else int(done["items"])
    return int(measured.items_done.max(initial=0.0))


def _pace(measured: Batches, window: Window | None, items: int | None, events: _Events) -> dict[str, Any]:
    seconds = window.seconds if window else None
    bare = fps_model([event for event in events if event["kind"] == "model_only"])
    waited = min(_synchronised(events), default=None)
    return {
        "items": items,
        "total_inference_time_s": rounded(seconds, 6),
        "fps_end_to_end": rounded(items / seconds if seconds and items else None, 6),
        "fps_model": rounded(bare[0] if bare else None, 6),
        **{key: rounded(value, 6) for key, value in text_pace(last_event(events, "done"), seconds).items()},
        **{key: rounded(value, 3) for key, value in measured.latencies().items()},
        "forward_ms_p50": rounded(measured.percentile(measured.forward_ms, 0.5), 4),
        "forward_synchronised_ms_p50": rounded(waited[0] if waited else None, 4),
        "batch_s_p50": rounded(measured.percentile(measured.end_s - measured.start_s, 0.5), 6),
    }


def _pace_counts(measured: Batches, items: int | None, events: _Events) -> dict[str, int]:
    bare = fps_model([event for event in events if event["kind"] == "model_only"])
    waited = min(_synchronised(events), default=(0.0, 0))
    batch_s = measured.end_s - measured.start_s
    return {
        "fps_end_to_end": items or 0,
        "fps_model": bare[1] if bare else 0,
        **{f"latency_ms_p{share}": measured.count_of(measured.latency_ms) for share in (50, 90, 99)},
        "forward_ms_p50": measured.count_of(measured.forward_ms),
        "batch_s_p50": measured.count_of(batch_s),
        "forward_synchronised_ms_p50": waited[1],
    }


def _synchronised(events: _Events) -> list[tuple[float, int]]:
    """Returns the median forward pass and the batches of each segment in which the device was waited for."""
    return [
        (float(event["forward_ms_p50"]), int(event.get("batches") or 0))
        for event in events
        if event["kind"] == "synchronised" and event.get("forward_ms_p50") is not None
    ]


def _half_counts(measured: Batches, window: Window | None) -> dict[str, int]:
    """Returns how many batches ended in each half of measure."""
    if window is None:
        return {}
    first = measured.ended_by((window.start_s + window.end_s) / 2)
    return {"fps_first_half": first, "fps_second_half": measured.count - first}


def _rise(mean: float | None, idle: float | None) -> float | None:
    return None if mean is None or idle is None else rounded(mean - idle, 2)


def _halves(measured: Batches, ticks: Ticks, window: Window | None, items: int | None) -> dict[str, float | None]:
    """Returns FPS and power of the first and the second half of measure; equal ones mean that it was steady."""
    keys = ("fps_first_half", "fps_second_half", "power_first_half_w", "power_second_half_w")
    if window is None:
        return dict.fromkeys(keys)
    edges_s = np.linspace(window.start_s, window.end_s, 3)
    fps = _block_fps(measured, edges_s, window, items)
    power_w = ticks.block_means(POWER, edges_s)
    values = [*(fps or (None, None)), *(power_w if len(power_w) == 2 else (None, None))]
    return {key: rounded(value, 6) for key, value in zip(keys, values, strict=True)}


def _block_fps(measured: Batches, edges_s: Floats, window: Window, items: int | None) -> list[float] | None:
    """Returns images per second between each two moments, None where the batches do not tell."""
    inner = measured.items_at(edges_s[1:-1], window) if items else None
    if inner is None:
        return None
    # The ends are known exactly, even where the last rows of the batches were lost.
    done = np.concatenate(([0.0], inner, [float(items or 0)]))
    return [float(value) for value in np.diff(done) / np.diff(edges_s)]


def _intervals(measured: Batches, ticks: Ticks, window: Window | None, items: int | None) -> dict[str, list[float]]:
    """Returns the 95 % intervals of the figures that have ten blocks of at least 20 s behind them."""
    blocks = block_count(window.seconds, ticks.period_s) if window else 0
    if window is None or not blocks:
        return {}
    edges_s = np.linspace(window.start_s, window.end_s, blocks + 1)
    columns = {"gr3d_pct_mean": GR3D, "ram_used_mb_mean": RAM_USED, "power_w_mean": POWER}
    values = {key: ticks.block_means(column, edges_s) for key, column in columns.items()}
    values["fps_end_to_end"] = fps = _block_fps(measured, edges_s, window, items) or []
    power_w = values["power_w_mean"]
    if len(power_w) == len(fps) and all(rate > 0 for rate in fps):
        values["energy_per_item_j"] = [watts / rate for watts, rate in zip(power_w, fps, strict=True)]
    found = {}
    for key, block_values in values.items():
        interval = block_interval(block_values)
        if interval is not None:
            found[key] = [round(end, _INTERVAL_DIGITS.get(key, 6)) for end in interval]
    return found


def _energy(
    power_w: float | None, window: Window | None, items: int | None, quiet: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Returns what measure took, in all and per image, gross and beyond idle."""
    keys = ("energy_j", "energy_per_item_j", "energy_per_item_net_j", "items_per_joule")
    if power_w is None or window is None:
        return dict.fromkeys(keys)
    energy_j = power_w * window.seconds
    net_j = net_energy_j(quiet, power_w, window.seconds)
    return {
        "energy_j": rounded(energy_j, 3),
        "energy_per_item_j": rounded(energy_j / items if items and energy_j else None, 6),
        "energy_per_item_net_j": rounded(net_j / items if items and net_j is not None else None, 6),
        "items_per_joule": rounded(items / energy_j if items and energy_j else None, 6),
    }


def _telemetry(ticks: Ticks, window: Window | None, interval_s: float) -> dict[str, Any]:
    """Returns how completely measure was watched."""
    expected = 0
    if window is not None:
        # One less than fit: the tick that straddles the start of measure does not belong to it.
        longest_s = max(_PERIOD_MARGIN * interval_s, interval_s + _PERIOD_OVERHEAD_S)
        period_s = min(ticks.period_s or interval_s, longest_s)
        expected = max(0, int(window.seconds / period_s + 1e-9) - 1)
    count = len(ticks.frame)
    return {
        "ticks": count,
        "ticks_expected": expected,
        "gaps": ticks.gaps,
        "coverage": rounded(min(1.0, count / expected) if expected else None, 4),
        "tick_period_s": rounded(ticks.period_s, 4),
    }
