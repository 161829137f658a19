"""Figures of built recordings, where the truth is known."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from orin_core.analysis.pace import Batches
from orin_core.analysis.summary import figures
from orin_core.analysis.ticks import Window, interval_of, ticks_of

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
    assert (found["ticks"], found["gaps"], found["ticks_expected"]) == (2, 1, 7)
    assert found["coverage"] == pytest.approx(2 / 7, abs=1e-4)


def test_a_tick_that_straddles_an_end_belongs_to_neither() -> None:
    frame = _frame([(9.9, 1, 1), (10.9, 2, 2), (11.9, 3, 3), (12.9, 4, 4)])
    inside = ticks_of(frame, Window(start_s=10.0, end_s=12.0), 1.0)
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
    thinned = pd.concat([fast.assign(latency_ms=20.0), slow.assign(latency_ms=40.0)]).assign(phase="measure")
    found = Batches.of(thinned, 0.0).latencies()
    assert (found["latency_ms_p50"], found["latency_ms_p90"]) == (40.0, 40.0)
    few = Batches.of(fast.assign(latency_ms=20.0, phase="measure"), 0.0)
    assert few.latencies()["latency_ms_p99"] is None
    assert (few.count, Batches.of(thinned, 0.0).count) == (500, 4000)


def test_the_count_at_a_moment_is_a_straight_line_inside_a_batch_and_flat_between_batches() -> None:
    text = "start_s,end_s,phase,items,items_done,batch\n"
    text += "0,1,warmup,4,0,1\n10,12,measure,4,4,2\n12,14,measure,4,8,3\n18,20,measure,4,12,4\n20,22,measure,2,14,5\n"
    batches = Batches.of(pd.read_csv(io.StringIO(text)), 0.0)
    moments = np.array([10.0, 11.0, 13.0, 14.0, 16.0, 18.0, 19.0, 22.0])
    done = batches.items_at(moments, Window(start_s=10.0, end_s=22.0))
    assert done is not None
    assert list(done) == [0, 2, 6, 8, 8, 8, 10, 14]


def test_batches_in_flight_together_never_count_backwards() -> None:
    text = "start_s,end_s,phase,items,items_done,batch\n"
    text += "".join(f"{i - 1.5},{i + 1.0},measure,10,{10 * (i + 1)},{i + 1}\n" for i in range(6))
    batches = Batches.of(pd.read_csv(io.StringIO(text)), 0.0)
    done = batches.items_at(np.linspace(0, 6, 61), Window(start_s=0.0, end_s=6.0))
    assert done is not None
    assert list(done) == pytest.approx(list(np.linspace(0, 60, 61)))


def test_halves_of_a_run_that_slows_down_differ_and_add_up() -> None:
    rows = [(t + 0.3, 90.0, 20.0 if t < 20 else 30.0) for t in range(40)]
    text = "start_s,end_s,phase,items,forward_ms,latency_ms,items_done,batch\n"
    ends = [10 + (i + 1) * 0.5 for i in range(20)] + [20 + (i + 1) * 1.0 for i in range(10)]
    for i, (start_s, end_s) in enumerate(zip([10.0, *ends], ends, strict=False)):
        text += f"{T0_S + start_s},{T0_S + end_s},measure,3,1,1,{3 * (i + 1)},{i + 1}\n"
    found = _figures(_frame(rows), pd.read_csv(io.StringIO(text)), _events(10.0, 30.0, 90))
    assert (found["fps_first_half"], found["fps_second_half"]) == (pytest.approx(6.0), pytest.approx(3.0))
    # The tick at 20.3 s speaks of 19.3 to 20.3 s, most of which lies in the first half.
    assert found["power_first_half_w"] == pytest.approx((9 * 20 + 30) / 10)
    assert found["power_second_half_w"] == pytest.approx(30.0)
    assert found["batch_s_p50"] == pytest.approx(0.5)


def test_a_handful_of_batches_says_nothing_of_the_halves() -> None:
    rows = [(t + 0.5, 90.0, 20.0) for t in range(40)]
    found = _figures(_frame(rows), _batches(3, 5.0), _events(10.0, 25.0, 6))
    assert (found["fps_first_half"], found["fps_second_half"]) == (None, None)
    assert found["power_first_half_w"] == pytest.approx(20.0)


def test_a_slow_source_is_not_all_gaps_but_its_coverage_says_so() -> None:
    rows = [(t * 2.5, 90.0, 20.0) for t in range(60)]
    found = _figures(_frame(rows), _batches(20, 5.0), _events(10.0, 110.0, 40))
    assert (found["gaps"], found["tick_period_s"]) == (0, 2.5)
    assert found["power_w_mean"] == pytest.approx(20.0)
    assert found["coverage"] == pytest.approx(40 / (int(100 / 1.1) - 1), abs=1e-4)
    assert interval_of(1.4, 1.0) == 1.0
    assert interval_of(None, 1.0) == 1.0


def test_idle_ticks_inside_are_counted_and_short_dips_are_not() -> None:
    def gr3d(t: int) -> float:
        return 0.0 if 30 <= t < 36 or t in (15, 16, 40, 50, 51) else 98.0

    rows = [(float(t), gr3d(t), 20.0) for t in range(100)]
    assert _figures(_frame(rows), _batches(80, 1.0), _events(10.0, 90.0, 160))["idle_ticks_inside"] == 6
    steady = [(float(t), 98.0, 20.0) for t in range(100)]
    assert _figures(_frame(steady), _batches(80, 1.0), _events(10.0, 90.0, 160))["idle_ticks_inside"] == 0
    # A batch of six seconds may keep the GPU waiting for most of it.
    slow = _figures(_frame(rows), _batches(13, 6.0), _events(10.0, 88.0, 26))
    assert slow["idle_ticks_inside"] == 0
    # More than half of the rows are idle.
    mostly = [(float(t), 98.0 if 30 <= t < 50 else 0.0, 20.0) for t in range(100)]
    assert _figures(_frame(mostly), _batches(80, 1.0), _events(10.0, 90.0, 160))["idle_ticks_inside"] == 60
    # Nothing runs on the GPU at all, or next to nothing.
    for least in (0.0, 12.0):
        unused = [(float(t), least if t % 10 == 0 else 0.0, 20.0) for t in range(100)]
        assert _figures(_frame(unused), _batches(80, 1.0), _events(10.0, 90.0, 160))["idle_ticks_inside"] == 0
    # A tenth of a second apart, three ticks are one slow batch.
    quick = [(10 + t / 10, 0.0 if 300 <= t < 304 or 500 <= t < 530 else 98.0, 20.0) for t in range(900)]
    found = figures(
        frame=_frame(quick), batches=_batches(80, 1.0), events=_events(10.0, 90.0, 160), t0_s=T0_S, interval_s=0.1
    )
    assert found["idle_ticks_inside"] == 30


def test_counts_tell_what_stands_behind_a_figure() -> None:
    frame = _frame([(t + 0.5, 99.0, 40.0) for t in range(30)])
    frame.loc[12:14, "Used GR3D (%)"] = float("nan")
    found = _figures(frame, _batches(20, 0.5), _events(10.0, 20.0, 40))
    counts = found["counts"]
    assert (counts["power_w_mean"], counts["gr3d_pct_mean"], counts["fps_end_to_end"]) == (9, 6, 40)
    assert (counts["latency_ms_p50"], counts["fps_model"]) == (20, 40)
    assert (counts["coverage"], counts["fps_first_half"], counts["fps_second_half"]) == (9, 10, 10)
    assert (found["ticks_expected"], "own_cpu_pct" in counts) == (9, False)
    assert "latency_ms_p99" not in counts
    assert all(found[key] is not None for key in counts)


def test_the_synchronised_segment_that_is_shown_is_the_one_that_is_counted() -> None:
    events = [
        *_events(10.0, 20.0, 40),
        {"kind": "synchronised", "when": "before", "batches": 12, "items": 12, "forward_ms_p50": 91.0},
        {"kind": "synchronised", "when": "after", "batches": 7, "items": 7, "forward_ms_p50": 90.0},
    ]
    found = _figures(_frame([(t + 0.5, 99.0, 40.0) for t in range(30)]), _batches(20, 0.5), events)
    assert (found["forward_synchronised_ms_p50"], found["counts"]["forward_synchronised_ms_p50"]) == (90.0, 7)


def test_a_percentile_counts_the_batches_that_it_speaks_for() -> None:
    """A row of a thinned run stands for those that were left out; a row without the value for none."""
    batches = _batches(20, 0.5)
    batches.loc[10:, "batch"] = [20 + 10 * i for i in range(10)]
    batches.loc[19, "latency_ms"] = float("nan")
    counts = _figures(_frame([(t + 0.5, 99.0, 40.0) for t in range(30)]), batches, _events(10.0, 20.0, 40))["counts"]
    assert (counts["latency_ms_p50"], counts["forward_ms_p50"], counts["batch_s_p50"]) == (100, 110, 110)
    assert counts["fps_first_half"] + counts["fps_second_half"] == 110


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("Used GR3D (%)", 250.0, "GR3D"),
        ("Used GR3D (%)", -1.0, "GR3D"),
        ("Power (W)", 0.0, "power"),
        ("Power (W)", 200.1, "power"),
        ("VDD_CPU_CV Current (mW)", -1.0, "rail VDD_CPU_CV"),
        ("Used RAM (MB)", 30_699.0, "used RAM"),
        ("Hottest Temperature (C)", -256.0, "hottest temperature"),
        ("Hottest Temperature (C)", 125.1, "hottest temperature"),
    ],
)
def test_a_single_reading_that_cannot_be_true_is_counted_and_stays_in_the_means(
    column: str, value: float, what: str
) -> None:
    def found(changed: dict[int, float]) -> dict[str, Any]:
        frame = _frame([(t + 0.5, 99.0, 40.0) for t in range(30)])
        frame["Total RAM (MB)"] = 30_698.0
        for row, reading in changed.items():
            frame.loc[row, column] = reading
        return _figures(frame, _batches(20, 0.5), _events(10.0, 20.0, 40))

    assert found({})["readings_out_of_range"] == {}
    assert found({3: value, 25: value})["readings_out_of_range"] == {}  # outside of measure
    assert found({13: float("nan")})["readings_out_of_range"] == {}
    assert found({13: value, 17: value})["readings_out_of_range"] == {what: 2}
    if column == "Used GR3D (%)":
        assert found({13: value})["gr3d_pct_mean"] == pytest.approx((8 * 99 + value) / 9, abs=1e-3)


@pytest.mark.parametrize(
    ("asked_s", "period_s", "complete"),
    [
        (0.1, 0.122, True),  # tegrastats adds about 22 ms, however short the interval
        (0.1, 0.149, True),
        (0.1, 0.175, False),
        (0.5, 0.549, True),
        (1.0, 1.099, True),
        (1.0, 1.2, False),
    ],
)
def test_ticks_are_expected_at_the_pace_that_a_source_can_keep(asked_s: float, period_s: float, complete: bool) -> None:
    rows = [(t * period_s, 90.0, 20.0) for t in range(int(130 / period_s))]
    found = figures(
        frame=_frame(rows), batches=_batches(20, 5.0), events=_events(10.0, 110.0, 40), t0_s=T0_S, interval_s=asked_s
    )
    assert (found["coverage"] >= 0.98) is complete
    if not complete:
        assert found["coverage"] == pytest.approx(max(1.1 * asked_s, asked_s + 0.05) / period_s, abs=0.02)


def test_core_columns_give_the_busiest_core_of_each_tick() -> None:
    frame = _frame([(float(t), 50.0, 20.0) for t in range(30)])
    # The thread changes cores: each of the two is busy half the time, one of them at every tick.
    frame["CPU 0 Load (%)"] = [100.0 if t % 2 else 0.0 for t in range(30)]
    frame["CPU 1 Load (%)"] = [0.0 if t % 2 else 100.0 for t in range(30)]
    frame["CPU 2 Load (%)"] = [None] * 30
    frame["CPU Frequency (MHz)"] = 1113.0
    frame["CPU 1 Frequency (MHz)"] = [2201.0 if t == 15 else 729.0 for t in range(30)]
    found = _figures(frame, _batches(20, 0.5), _events(10.0, 20.0, 40))
    assert (found["busiest_core_pct_mean"], found["cpu_ceiling_mhz"], found["cores_online"]) == (100.0, 2201.0, 2)


def test_memory_figures_are_taken_from_the_start_of_the_run() -> None:
    frame = _frame([(float(t), 50.0, 20.0) for t in range(30)])
    frame["Used SWAP (MB)"] = [100.0 if t < 15 else 180.0 for t in range(30)]
    frame["Total RAM (MB)"] = 30698.0
    frame["Number of Free RAM Blocks"] = [400 if t < 15 else 3 for t in range(30)]
    frame["Size of Free RAM Blocks (MB)"] = [4.0 if t < 15 else 2.0 for t in range(30)]
    found = _figures(frame, _batches(20, 0.5), _events(10.0, 20.0, 40))
    assert (found["swap_rise_mb"], found["ram_total_mb"]) == (80.0, 30698.0)
    assert (found["lfb_start_mb"], found["lfb_min_mb"]) == (1600.0, 6.0)


def test_energy_is_power_times_time_and_the_rails_are_told_apart() -> None:
    frame = _frame([(t + 0.5, 99.0, 40.0) for t in range(30)])
    found = _figures(frame, _batches(20, 0.5), _events(10.0, 20.0, 40))
    assert found["energy_j"] == pytest.approx(400.0)
    assert found["items_per_joule"] == pytest.approx(0.1)
    assert found["power_by_rail_w"] == {"VDD_GPU_SOC": pytest.approx(24.0), "VDD_CPU_CV": pytest.approx(16.0)}
    assert (found["tj_c_start"], found["tj_c_end"]) == (pytest.approx(52.5), pytest.approx(58.5))


def test_blocks_of_twenty_seconds_give_intervals_and_a_minute_gives_none() -> None:
    rows = [(float(t), 90.0 + t % 2, 20.0 + ((t - 10) // 20) % 2) for t in range(640)]
    long = _figures(_frame(rows), _batches(600, 1.0), _events(10.0, 610.0, 1200))
    for key in ("fps_end_to_end", "power_w_mean", "gr3d_pct_mean", "ram_used_mb_mean", "energy_per_item_j"):
        low, high = long["intervals_95"][key]
        assert low <= long[key] <= high, key
    low, high = long["intervals_95"]["power_w_mean"]
    assert 0.2 < high - low < 0.5  # thirty blocks that alternate around 20.5 W
    short = _figures(_frame(rows), _batches(60, 1.0), _events(10.0, 70.0, 120))
    assert short["intervals_95"] == {}


def test_net_energy_needs_a_quiet_minute_on_both_sides() -> None:
    def found(after_w: float = 8.1, load_pct: float = 5.0, idle_s: float = 62.0) -> float | None:
        start_s, end_s = 100.0, 200.0
        exit_s = end_s + 5.0
        over_s = exit_s + 10.0 + idle_s
        times = [float(t) for t in range(int(over_s) + 1)]
        power_w = [8.0 if t < start_s else 40.0 if t <= exit_s else after_w for t in times]
        frame = _frame([(t, 0.0, watts) for t, watts in zip(times, power_w, strict=True)])
        frame["CPU 0 Load (%)"] = load_pct
        events = [
            {"kind": "phase", "t_s": T0_S + 90 - idle_s, "phase": "idle"},
            {"kind": "phase", "t_s": T0_S + 90, "phase": "load"},
            *_events(start_s, end_s, 200),
            {"kind": "phase", "t_s": T0_S + end_s, "phase": "cooldown"},
            {"kind": "worker_exit", "t_s": T0_S + exit_s, "code": 0},
            {"kind": "end", "t_s": T0_S + over_s},
        ]
        result = _figures(frame, _batches(200, 0.5), events)
        assert result["idle_before_s"] == pytest.approx(idle_s)
        assert result["idle_after_s"] == pytest.approx(idle_s)
        assert result["power_idle_before_w"] == pytest.approx(8.0)
        assert result["power_idle_after_w"] == pytest.approx(after_w)
        value = result["energy_per_item_net_j"]
        return None if value is None else float(value)

    assert found() == pytest.approx((40 - 8.05) * 100 / 200)
    assert found(after_w=8.4) is None
    assert found(load_pct=30.0) is None
    assert found(idle_s=58.0) is None


def test_a_gap_in_idle_is_not_watched() -> None:
    frame = _frame([(float(t), 0.0, 8.0) for t in range(100) if not 20 < t < 30])
    events = [
        {"kind": "phase", "t_s": T0_S, "phase": "idle"},
        {"kind": "phase", "t_s": T0_S + 65, "phase": "load"},
        {"kind": "phase", "t_s": T0_S + 70, "phase": "cooldown"},
        {"kind": "end", "t_s": T0_S + 99},
    ]
    found = _figures(frame, _batches(0, 1.0), events)
    assert (found["idle_before_s"], found["idle_after_s"]) == (pytest.approx(55.0), pytest.approx(19.0))
    assert found["gr3d_idle_pct_mean"] == 0.0


def test_a_damaged_row_of_batches_is_left_out() -> None:
    damaged = _batches(10, 1.0)
    damaged.loc[9, "end_s"] = float("nan")
    events = [{"kind": "phase", "t_s": T0_S + 10, "phase": "measure"}]
    found = _figures(_frame([(t + 0.5, 90.0, 30.0) for t in range(40)]), damaged, events)
    assert (found["items"], found["total_inference_time_s"]) == (18, pytest.approx(9.0))
