"""Who may be ranked, and when a difference is more than chance."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.report import table
from orin_core.report.compare import best_published, compare
from orin_core.report.published import published_rows
from orin_core.report.rows import ModelTable, Row
from tests.unit.report.built import environment, imported, run


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
