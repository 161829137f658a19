"""What must not move a figure: jitter, lost ticks, a wall clock that jumps; truth is integrated apart."""

from __future__ import annotations

import io
import math
import random
from typing import Any

import pandas as pd
import pytest

from orin_core.analysis.summary import figures

T0_S = 5000.0
START_S, END_S = 25.0, 325.0
ITEMS_A_BATCH = 7
SEEDS = range(8)


def _power_w(t_s: float) -> float:
    """A board that warms up and swings: its integral is known."""
    return 30.0 + 0.004 * t_s + 3.0 * math.sin(2 * math.pi * t_s / 47.0)


def _energy_j(start_s: float, end_s: float) -> float:
    def primitive(t_s: float) -> float:
        return 30.0 * t_s + 0.002 * t_s**2 - 3.0 * 47.0 / (2 * math.pi) * math.cos(2 * math.pi * t_s / 47.0)

    return primitive(end_s) - primitive(start_s)


def _times_s(noise: random.Random, *, jitter_s: float, lost_share: float) -> list[float]:
    """Ticks of 1.01 s with jitter; some are lost, never two in a row."""
    times, t_s, lost = [], 0.0, False
    while t_s < END_S + 25:
        t_s += 1.01 + noise.uniform(-jitter_s, jitter_s)
        lost = not lost and noise.random() < lost_share
        if not lost:
            times.append(round(t_s, 3))
    return times


def _frame(times_s: list[float], wall_jump_s: float = 0.0) -> pd.DataFrame:
    moments = [pd.Timestamp("2026-01-31T12:00:00Z") + pd.Timedelta(seconds=t) for t in times_s]
    jumped = [m + pd.Timedelta(seconds=wall_jump_s if i > len(moments) // 2 else 0) for i, m in enumerate(moments)]
    frame: pd.DataFrame = pd.DataFrame(
        {
            "Elapsed (s)": times_s,
            "UTC Time": [moment.isoformat() for moment in jumped],
            "Board Time": [moment.strftime("%m-%d-%Y %H:%M:%S") for moment in jumped],
            "Used GR3D (%)": [95.0 if START_S < t <= END_S else 0.0 for t in times_s],
            "Power (W)": [_power_w(t) for t in times_s],
            "VDD_GPU_SOC Current (mW)": [1000 * _power_w(t) for t in times_s],
        }
    )
    return frame


def _batches(noise: random.Random) -> pd.DataFrame:
    text, end_s, done = "start_s,end_s,phase,items,forward_ms,latency_ms,items_done,batch\n", T0_S + START_S, 0
    while True:
        start_s, end_s = end_s, end_s + noise.uniform(0.2, 0.4)
        if end_s > T0_S + END_S:
            break
        done += ITEMS_A_BATCH
        text += f"{start_s:.6f},{end_s:.6f},measure,{ITEMS_A_BATCH},1,1,{done},{done // ITEMS_A_BATCH}\n"
    frame: pd.DataFrame = pd.read_csv(io.StringIO(text))
    return frame


def _figures(frame: pd.DataFrame, batches: pd.DataFrame) -> dict[str, Any]:
    end_s, items = float(batches["end_s"].iloc[-1]), int(batches["items_done"].iloc[-1])
    events = [
        {"kind": "phase", "t_s": T0_S, "phase": "idle"},
        {"kind": "phase", "t_s": T0_S + 20, "phase": "load"},
        {"kind": "phase", "t_s": T0_S + START_S, "phase": "measure"},
        {"kind": "done", "t_start_s": T0_S + START_S, "t_end_s": end_s, "items": items, "failed_items": 0},
        {"kind": "phase", "t_s": end_s, "phase": "cooldown"},
        {"kind": "end", "t_s": T0_S + END_S + 25},
    ]
    return figures(frame=frame, batches=batches, events=events, t0_s=T0_S, interval_s=1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_fps_is_exact_and_energy_within_one_per_cent_under_jitter_and_gaps(seed: int) -> None:
    noise = random.Random(seed)
    batches = _batches(noise)
    found = _figures(_frame(_times_s(noise, jitter_s=0.3, lost_share=0.04)), batches)
    seconds = float(batches["end_s"].iloc[-1]) - T0_S - START_S
    items = int(batches["items_done"].iloc[-1])
    assert found["items"] == items
    assert found["fps_end_to_end"] == pytest.approx(items / seconds, rel=1e-6)
    assert found["energy_j"] == pytest.approx(_energy_j(START_S, START_S + seconds), rel=0.01)
    assert found["energy_per_item_j"] == pytest.approx(found["energy_j"] / items, rel=1e-4)
    assert found["gr3d_pct_mean"] == pytest.approx(95.0)
    assert found["fps_first_half"] == pytest.approx(found["fps_second_half"], rel=0.05)
    assert found["gaps"] > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_ticks_change_no_figure_beyond_tolerance_and_are_told(seed: int) -> None:
    noise = random.Random(seed)
    batches = _batches(noise)
    times_s = _times_s(noise, jitter_s=0.02, lost_share=0.0)
    whole = _figures(_frame(times_s), batches)
    kept = _figures(_frame([t for t in times_s if noise.random() > 0.12]), batches)
    assert kept["power_w_mean"] == pytest.approx(whole["power_w_mean"], rel=0.01)
    assert kept["gr3d_pct_mean"] == pytest.approx(whole["gr3d_pct_mean"])
    assert kept["fps_end_to_end"] == whole["fps_end_to_end"]
    assert (kept["fps_first_half"], kept["fps_second_half"]) == (whole["fps_first_half"], whole["fps_second_half"])
    assert whole["coverage"] >= 0.99
    assert kept["coverage"] < 0.95


@pytest.mark.parametrize("jump_s", [-86400.0, -30.0, 3600.0])
def test_a_wall_clock_that_jumps_changes_nothing_at_all(jump_s: float) -> None:
    noise = random.Random(3)
    batches, times_s = _batches(noise), _times_s(noise, jitter_s=0.1, lost_share=0.01)
    assert _figures(_frame(times_s, jump_s), batches) == _figures(_frame(times_s), batches)


def test_rows_outside_of_measure_change_no_figure_of_measure() -> None:
    noise = random.Random(5)
    batches, times_s = _batches(noise), _times_s(noise, jitter_s=0.1, lost_share=0.0)
    frame = _frame(times_s)
    outside = (frame["Elapsed (s)"] < START_S) | (frame["Elapsed (s)"] > END_S)
    loud = frame.copy()
    loud.loc[outside, ["Power (W)", "VDD_GPU_SOC Current (mW)", "Used GR3D (%)"]] = 99_000.0
    ours = ("power_w_mean", "power_by_rail_w", "gr3d_pct_mean", "gr3d_pct_median", "energy_j", "power_first_half_w")
    quiet_figures, loud_figures = _figures(frame, batches), _figures(loud, batches)
    for key in ours:
        assert loud_figures[key] == quiet_figures[key], key
    assert loud_figures["power_idle_before_w"] != quiet_figures["power_idle_before_w"]


@pytest.mark.parametrize("seed", SEEDS)
def test_intervals_hold_their_figure_and_grow_with_what_really_varies(seed: int) -> None:
    noise = random.Random(seed)
    found = _figures(_frame(_times_s(noise, jitter_s=0.1, lost_share=0.01)), _batches(noise))
    for key in ("fps_end_to_end", "power_w_mean", "energy_per_item_j"):
        low, high = found["intervals_95"][key]
        assert low < found[key] < high, key
    assert found["intervals_95"]["gr3d_pct_mean"] == [95.0, 95.0]
