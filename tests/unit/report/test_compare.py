"""Who may be ranked, and when a difference is more than chance."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.report import table
from orin_core.report.compare import best_published, compare
from orin_core.report.published import published_rows
from orin_core.report.rows import ModelTable, Row
from tests.unit.report.built import environment, imported, reasoned, run


def build(*runs: dict[str, Any]) -> ModelTable:
    (found,) = table.build(runs, models=["resnet-152"])
    return found


def pair(*runs: dict[str, Any]) -> tuple[Row, Row]:
    found = {one.power_mode: one for one in build(*runs).rows if one.run_ids}
    return found["MAXN"], found["50W"]


def repeats(mode: str, start: int, *speeds: float, **changes: Any) -> list[dict[str, Any]]:
    return [run(start + place, mode=mode, fps=fps, **changes) for place, fps in enumerate(speeds)]


def test_repeats_that_lie_apart_are_ranked() -> None:
    found = compare(*pair(*repeats("MAXN", 0, 21.0, 21.1, 20.9), *repeats("50W", 10, 15.0, 15.1, 14.9)))
    assert found.comparable
    assert found.distinguishable
    assert found.low_pct is not None
    assert found.low_pct > 0
    assert found.difference_pct == pytest.approx(40.0, abs=0.1)


def test_repeats_that_overlap_are_not() -> None:
    found = compare(*pair(*repeats("MAXN", 0, 20.0, 22.0, 21.0), *repeats("50W", 10, 20.5, 21.5, 20.4)))
    assert found.comparable
    assert not found.distinguishable
    assert found.low_pct is not None
    assert found.high_pct is not None
    assert found.low_pct < 0 < found.high_pct


def test_one_run_each_cannot_be_told_apart_however_far_they_lie() -> None:
    found = compare(*pair(run(1, fps=42.0), run(2, mode="50W", fps=15.0)))
    assert found.comparable
    assert not found.distinguishable
    assert "one run each, so there is no interval" in found.why
    assert "1.3 %" in found.why


@pytest.mark.parametrize(("second", "apart"), [(20.0, True), (20.86, False)])
def test_blocks_of_single_runs_rank_only_beyond_what_a_repeat_may_change(second: float, apart: bool) -> None:
    def narrow(fps: float) -> dict[str, Any]:
        return {"fps_end_to_end": [fps - 0.01, fps + 0.01]}

    rows = pair(
        run(1, fps=21.0, intervals_95=narrow(21.0)), run(2, mode="50W", fps=second, intervals_95=narrow(second))
    )
    found = compare(*rows, "average_fps")
    assert found.distinguishable is apart
    assert found.low_pct is not None
    assert found.low_pct > 0


def test_wide_blocks_rank_nobody() -> None:
    wide = {"fps_end_to_end": [15.0, 25.0]}
    found = compare(
        *pair(run(1, fps=21.0, intervals_95=wide), run(2, mode="50W", fps=20.0, intervals_95=wide)), "average_fps"
    )
    assert not found.distinguishable


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 8}, "Batch"),
        ({"scope": "preloaded"}, "Scope"),
        ({"weights": "random"}, "Weights"),
        ({"env": environment(jetson_clocks="on")}, "jetson_clocks"),
        ({"env": environment(kernel="6.8")}, "Kernel"),
        ({"env": environment(page_open=True)}, "Page"),
        ({"env": environment(version="0.2.0")}, "Program version"),
        ({"env": environment(python="3.12.3")}, "Python"),
        ({"profile": "formal"}, "Profile"),
    ],
)
def test_rows_of_other_environments_are_not_compared(changes: dict[str, Any], named: str) -> None:
    mine = [one for one in build(run(1)).rows if one.run_ids]
    theirs = [one for one in build(run(2, mode="50W", **changes)).rows if one.run_ids]
    found = compare(mine[0], theirs[0])
    assert not found.comparable
    assert named in found.why


@pytest.mark.parametrize(
    "changes", [{"simulated": True, "status": "simulated"}, {"status": "demo"}, {"status": "invalid"}]
)
def test_simulated_demo_and_invalid_rows_rank_nobody(changes: dict[str, Any]) -> None:
    found = build(run(1, **changes), run(2, mode="50W", fps=15.0, **changes))
    assert found.rankings == ()
    assert found.best is None


def test_the_best_is_named_with_its_caveat_and_who_was_left_out() -> None:
    found = build(run(1, fps=21.0), run(2, mode="50W", fps=15.0, power_w=12.0), run(3, mode="30W", status="invalid"))
    assert found.best is not None
    assert (found.best.power_mode, found.best.certain) == ("MAXN", False)
    assert "one run each" in found.best.sentence
    assert "Not ranked: 30W (INVALID)" in found.best.sentence


def test_the_best_is_certain_where_every_interval_leaves_out_zero() -> None:
    found = build(*repeats("MAXN", 0, 21.0, 21.1, 20.9), *repeats("50W", 10, 15.0, 15.1, 14.9, power_w=12.0))
    assert found.best is not None
    assert found.best.certain
    assert "not distinguishable" not in found.best.sentence.lower()


def test_imported_and_random_rows_are_ranked_among_themselves_and_say_so() -> None:
    logs = build(imported(1, fps=21.0), imported(2, mode="50W", fps=15.0), run(3, mode="30W", fps=90.0))
    assert logs.best is not None
    assert logs.best.power_mode == "MAXN"
    assert "not verified" in logs.best.sentence
    random: dict[str, Any] = {"weights": "random", "images": "synthetic"}
    built = build(run(1, fps=21.0, **random), run(2, mode="50W", fps=15.0, **random), run(3, mode="30W", fps=90.0))
    assert built.best is not None
    assert built.best.power_mode == "MAXN"
    assert "random weights and synthetic images" in built.best.sentence


def test_of_the_published_depth_rows_50w_is_best_and_the_wrong_row_is_named() -> None:
    found = best_published([row for row in published_rows() if "Depth" in row.model])
    assert found is not None
    assert found.power_mode == "50W"
    assert found.energy_per_item_j == pytest.approx(27.78 * 269.25 / 1000)
    assert "MAXN is left out" in found.sentence
    assert not found.certain


@pytest.mark.parametrize(("second", "apart"), [(20.0, False), (19.0, False), (18.0, True)])
def test_block_intervals_add_as_squares(second: float, apart: bool) -> None:
    """Half widths of 1.5 and 2.0 give 2.5 for the difference: 2 lies inside it, 3 outside."""
    found = compare(
        *pair(
            run(1, fps=21.0, intervals_95={"fps_end_to_end": [19.5, 22.5]}),
            run(2, mode="50W", fps=second, intervals_95={"fps_end_to_end": [second - 2.0, second + 2.0]}),
        ),
        "average_fps",
    )
    assert found.distinguishable is apart
    assert found.low_pct == pytest.approx(100 * (21.0 - second - 2.5) / second)
    assert found.high_pct == pytest.approx(100 * (21.0 - second + 2.5) / second)


def test_repeats_against_one_run_are_not_called_one_run_each() -> None:
    found = compare(*pair(*repeats("MAXN", 0, 21.0, 21.1, 20.9), run(10, mode="50W", fps=15.0)))
    assert found.comparable
    assert not found.distinguishable
    assert found.why.startswith("3 runs against 1 run, so there is no interval")
    assert "one run each" not in found.why


def test_repeats_against_blocks_of_one_run_say_what_the_interval_rests_on() -> None:
    blocks = {"fps_end_to_end": [14.9, 15.1]}
    one = run(10, mode="50W", fps=15.0, intervals_95=blocks)
    found = compare(*pair(*repeats("MAXN", 0, 21.0, 21.1, 20.9), one), "average_fps")
    assert found.distinguishable
    assert found.why == "interval from repeats of one, blocks of the other"


@pytest.mark.parametrize(
    "code", ["idle-inside", "gaps", "fps-drift", "power-drift", "throttled", "over-current", "reading-out-of-range"]
)
def test_logs_whose_means_are_spoiled_are_not_ranked_and_the_reason_is_said(code: str) -> None:
    spoiled = imported(3, mode="30W", fps=30.0, verdict=reasoned("imported", (code, "Its means tell nothing.")))
    found = build(imported(1, fps=21.0), imported(2, mode="50W", fps=15.0), spoiled)
    assert found.best is not None
    assert found.best.power_mode == "MAXN"
    assert "Not ranked: 30W (Its means tell nothing)." in found.best.sentence
    assert any("30W · imported: not ranked and not offered" in note for note in found.notes)


@pytest.mark.parametrize("code", ["too-short", "too-few-ticks", "gpu-in-use"])
def test_other_reasons_of_a_log_are_told_and_rank_it_all_the_same(code: str) -> None:
    told = imported(1, fps=21.0, verdict=reasoned("imported", (code, "It is short.")))
    found = build(told, imported(2, mode="50W", fps=15.0))
    assert found.best is not None
    assert found.best.power_mode == "MAXN"


def test_logs_of_unnamed_models_are_neither_ranked_nor_diagnosed_together() -> None:
    speeds = {"MAXN": 21.015, "50W": 15.27, "30W": 16.91, "15W": 10.64}
    logs = [
        imported(place, model=None, mode=mode, fps=fps, log="one.txt 01234567")
        for place, (mode, fps) in enumerate(speeds.items())
    ]
    (found,) = table.build(logs, models=[table.UNNAMED])
    assert len(found.rows) == 4
    assert (found.rankings, found.diagnosis) == ((), None)
    named = build(*(imported(place, mode=mode, fps=fps) for place, (mode, fps) in enumerate(speeds.items())))
    assert named.diagnosis is not None


@pytest.mark.parametrize(("second_c", "apart"), [(26.0, False), (17.4, True), (28.0, True), (None, False)])
def test_temperatures_around_the_board_that_lie_apart_forbid_a_ranking(second_c: float | None, apart: bool) -> None:
    found = build(
        *repeats("MAXN", 0, 21.0, 21.1, 20.9),
        *repeats("50W", 10, 15.0, 15.1, 14.9, power_w=12.0, env=environment(ambient_c=second_c)),
    )
    assert found.best is not None
    assert found.best.certain is not apart
    assert ("Not distinguishable from 50W" in found.best.sentence) is apart
    assert ("more than 5 apart" in found.best.sentence) is apart
    unknown = "The temperature around the board is not known of 50W."
    assert (unknown in found.best.sentence) is (second_c is None)
    first, second, *_ = (row for row in found.rows if row.run_ids)
    compared = compare(first, second)
    assert (compared.comparable, compared.distinguishable) == (not apart, not apart)


def test_temperatures_that_nobody_typed_in_are_not_missed() -> None:
    env = environment(ambient_c=None)
    found = build(run(1, env=env), run(2, mode="50W", fps=15.0, env=env))
    assert found.best is not None
    assert "temperature" not in found.best.sentence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": "camera"}, "All with camera images."),
        ({"images": "synthetic", "weights": "random"}, "All with random weights and synthetic images."),
        ({"method": "batched", "scope": "preloaded"}, "All preloaded: images were decoded before the clock started."),
    ],
)
def test_what_all_ranked_rows_are_made_of_is_said_with_the_best(changes: dict[str, Any], said: str) -> None:
    best = build(run(1, **changes), run(2, mode="50W", fps=15.0, **changes)).best
    assert best is not None
    assert best.sentence.endswith(said)


def test_a_certain_best_is_the_best_of_those_that_are_ranked() -> None:
    rows = [*repeats("MAXN", 0, 21.0, 21.1, 20.9), *repeats("50W", 10, 15.0, 15.1, 14.9, power_w=12.0)]
    alone, beside = build(*rows).best, build(*rows, run(20, mode="15W", fps=90.0, env=environment(kernel="6.8"))).best
    assert alone is not None
    assert beside is not None
    assert "to every other mode leaves out 0" in alone.sentence
    assert "to every other mode ranked here leaves out 0" in beside.sentence
