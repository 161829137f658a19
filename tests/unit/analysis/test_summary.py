"""Figures of built recordings, where the truth is known."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

from orin_core.analysis.summary import MeasureWindow, figures, latencies, ticks_of

T0_S = 1000.0


def _frame(rows: list[tuple[float, float, float]]) -> pd.DataFrame:
    """Rows of (elapsed s, GR3D %, power W); two rails that sum to the power."""
    columns = {
        "Elapsed (s)": [row[0] for row in rows],
        "Used GR3D (%)": [row[1] for row in rows],
        "Power (W)": [row[2] for row in rows],
        "Used RAM (MB)": [5000.0 + row[0] for row in rows],
        "VDD_GPU_SOC Current (mW)": [row[2] * 600 for row in rows],
        "VDD_CPU_CV Current (mW)": [row[2] * 400 for row in rows],
        "Hottest Temperature (C)": [40.0 + row[0] for row in rows],
    }
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def _batches(count: int, seconds: float, items: int = 2) -> pd.DataFrame:
    text = "start_s,end_s,phase,items,forward_ms,latency_ms,items_done,batch\n"
    for i in range(count):
        end_s = T0_S + 10 + (i + 1) * seconds
        text += (
            f"{end_s - seconds},{end_s},measure,{items},{seconds * 900},{seconds * 1000},{(i + 1) * items},{i + 1}\n"
        )
    frame: pd.DataFrame = pd.read_csv(io.StringIO(text))
    return frame


def _events(start_s: float, end_s: float, items: int) -> list[dict[str, Any]]:
    return [
        {"kind": "phase", "t_s": T0_S + start_s, "phase": "measure"},
        {"kind": "model_only", "items": 30, "seconds": 2.0},
        {"kind": "done", "t_start_s": T0_S + start_s, "t_end_s": T0_S + end_s, "items": items, "failed_items": 0},
        {"kind": "model_only", "items": 10, "seconds": 2.0},
    ]


def _figures(frame: pd.DataFrame, batches: pd.DataFrame, events: list[dict[str, Any]]) -> dict[str, Any]:
    return figures(frame=frame, batches=batches, events=events, t0_s=T0_S, interval_s=1.0)


def test_idle_ticks_do_not_touch_the_means() -> None:
    rows = [(t + 0.5, 99.0 if 10 <= t < 20 else 0.0, 40.0 if 10 <= t < 20 else 8.0) for t in range(30)]
    found = _figures(_frame(rows), _batches(20, 0.5), _events(10.0, 20.0, 40))
    assert found["gr3d_pct_mean"] == 99.0
    assert found["power_w_mean"] == 40.0
    assert found["ticks"] == 9
    assert found["items"] == 40
    assert found["fps_end_to_end"] == pytest.approx(4.0)
    assert found["fps_model"] == pytest.approx(10.0)
    assert found["energy_per_item_j"] == pytest.approx(10.0)
    assert found["power_rails"] == ["VDD_GPU_SOC", "VDD_CPU_CV"]
    assert found["latency_ms_p50"] == pytest.approx(500)
    assert found["latency_ms_p99"] is None


def test_means_are_weighted_by_tick_length() -> None:
    rows = [(10.0, 0.0, 0.0), (11.0, 100.0, 10.0), (12.0, 100.0, 10.0), (14.0, 50.0, 20.0)]
    found = _figures(_frame(rows), _batches(4, 1.0), _events(10.0, 14.0, 8))
    assert found["gr3d_pct_mean"] == pytest.approx((100 + 100 + 2 * 50) / 4)
    assert found["power_w_mean"] == pytest.approx((10 + 10 + 2 * 20) / 4)


def test_gaps_are_left_out_and_counted() -> None:
    rows = [(10.0, 0.0, 0.0), (11.0, 80.0, 10.0), (17.0, 0.0, 99.0), (18.0, 80.0, 10.0)]
    found = _figures(_frame(rows), _batches(8, 1.0), _events(10.0, 18.0, 16))
    assert (found["gr3d_pct_mean"], found["power_w_mean"]) == (80.0, 10.0)
    assert (found["ticks"], found["gaps"], found["ticks_expected"]) == (2, 1, 8)


def test_a_tick_that_straddles_an_end_belongs_to_neither() -> None:
    frame = _frame([(9.9, 1, 1), (10.9, 2, 2), (11.9, 3, 3), (12.9, 4, 4)])
    inside = ticks_of(frame, MeasureWindow(start_s=10.0, end_s=12.0), 1.0)
    assert list(inside.frame["Elapsed (s)"]) == [11.9]


def test_what_is_not_known_is_null_and_not_zero() -> None:
    found = _figures(_frame([(1.0, 5.0, 5.0)]), _batches(0, 1.0), [{"kind": "phase", "t_s": T0_S, "phase": "idle"}])
    unknown = {key for key, value in found.items() if value is None}
    assert {"fps_end_to_end", "fps_model", "gr3d_pct_mean", "power_w_mean", "tj_c_max"} <= unknown
    assert found["items"] == 0


def test_a_killed_worker_leaves_figures_up_to_its_last_batch() -> None:
    events = [{"kind": "phase", "t_s": T0_S + 10, "phase": "measure"}]
    rows = [(t + 0.5, 90.0, 30.0) for t in range(40)]
    found = _figures(_frame(rows), _batches(10, 1.0), events)
    assert found["total_inference_time_s"] == pytest.approx(10.0)
    assert found["fps_end_to_end"] == pytest.approx(2.0)


def test_p99_needs_a_thousand_batches() -> None:
    found = _figures(_frame([(t + 0.5, 90.0, 30.0) for t in range(40)]), _batches(1000, 0.02), _events(10, 30, 2000))
    assert found["latency_ms_p99"] == pytest.approx(20)


def test_percentiles_of_a_thinned_run_are_those_of_all_its_batches() -> None:
    fast, slow = pd.DataFrame({"batch": range(1, 501)}), pd.DataFrame({"batch": range(600, 4001, 100)})
    batches = pd.concat([fast.assign(latency_ms=20.0), slow.assign(latency_ms=40.0)]).assign(phase="measure")
    found = latencies(batches)
    assert (found["latency_ms_p50"], found["latency_ms_p90"]) == (40.0, 40.0)
    assert latencies(fast.assign(latency_ms=20.0, phase="measure"))["latency_ms_p99"] is None
