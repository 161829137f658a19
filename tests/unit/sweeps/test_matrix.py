"""A sweep as a table, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.sweeps import matrix
from orin_core.sweeps import spec as specs
from orin_core.sweeps.matrix import Matrix
from orin_core.sweeps.spec import SweepSpec
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Progress
from tests.unit.report import built

DONE, FAILED, PENDING, RUNNING, SKIPPED = (
    CellState.DONE, CellState.FAILED, CellState.PENDING, CellState.RUNNING, CellState.SKIPPED
)  # fmt: skip


def spec(**changes: Any) -> SweepSpec:
    document = {"models": ["resnet-152", "/models/own/"], "datasets": ["cifar100"], "power_modes": ["MAXN", "MODE_50W"]}
    return specs.from_json({**document, "repeats": 2, **changes})


def progress(asked: SweepSpec, **cells: CellProgress) -> Progress:
    """Every cell pending but those that are given, by their id after an underscore."""
    given = {key.removeprefix("_"): one for key, one in cells.items()}
    rest = {one.cell_id: CellProgress(state=SKIPPED if one.excluded else PENDING) for one in asked.cells()}
    return Progress(order=tuple(rest), cells={**rest, **given})


def done(number: int, **changes: Any) -> tuple[CellProgress, dict[str, dict[str, Any]]]:
    summary = built.run(number, **changes)
    run_id = str(summary["run_id"])
    attempt = Attempt(run_id=run_id, outcome="done", begun_utc=f"2026-03-01T00:0{number}:00.000Z")
    return CellProgress(state=DONE, run_id=run_id, attempts=(attempt,)), {run_id: summary}


def cell(shown: Matrix, row: int, column: int) -> matrix.MatrixCell:
    return shown.rows[row].cells[column]


def test_a_cell_is_the_mean_of_the_repeats_that_count_and_says_how_many_they_are() -> None:
    asked = spec()
    (first, one), (second, two) = done(1, fps=20.0, power_w=10.0), done(2, fps=22.0, power_w=12.0, status="invalid")
    shown = matrix.matrix(asked, progress(asked, _001=first, _002=second), {**one, **two})
    assert [row.model_label for row in shown.rows] == ["ResNet-152", "own"]
    assert shown.headings == ("MAXN", "50W")
    assert (shown.has_datasets, shown.has_batch_sizes, shown.simulated) == (False, False, False)
    found = cell(shown, 0, 0)
    assert (found.state, found.words(), found.validity()) == (DONE, "done, 2 of 2", "1 VALID, 1 INVALID")
    # The other one is known to be wrong: as in the report, it is in no mean beside a VALID one.
    assert found.mean("average_fps") == 20.0
    assert found.counted_words() == "1 of 2 counted"
    empty = cell(shown, 1, 1)
    assert (empty.words(), empty.mean("average_fps"), empty.validity()) == ("pending", None, "")


@pytest.mark.parametrize("status", ["valid", "invalid", "simulated", "demo"])
def test_repeats_of_one_verdict_all_count(status: str) -> None:
    asked = spec()
    (first, one), (second, two) = (done(1, fps=20.0, power_w=10.0, status=status),
                                   done(2, fps=22.0, power_w=12.0, status=status))  # fmt: skip
    found = cell(matrix.matrix(asked, progress(asked, _001=first, _002=second), {**one, **two}), 0, 0)
    assert (found.mean("average_fps"), found.mean("power_draw_w"), found.counted_words()) == (21.0, 11.0, "")
    assert found.mean("energy_per_item_j") == pytest.approx((10 / 20 + 12 / 22) / 2)


def test_repeats_that_the_report_keeps_apart_are_in_no_mean_together() -> None:
    asked = spec(repeats=3, batch_sizes=[64], methods=["batched"])
    open_page = built.environment(page_open=True)
    (first, one), (second, two), (third, three) = (
        done(1, fps=20.0, method="batched", batch_size=64),
        done(2, fps=26.0, method="batched", batch_size=32, env=open_page),
        done(3, fps=28.0, method="batched", batch_size=32, env=open_page),
    )
    runs = {**one, **two, **three}
    found = cell(matrix.matrix(asked, progress(asked, _001=first, _002=second, _003=third), runs), 0, 0)
    assert (found.mean("average_fps"), found.counted_words()) == (27.0, "2 of 3 counted, at batch 32")
    # Of as many the later one.
    found = cell(matrix.matrix(asked, progress(asked, _001=first, _002=second), runs), 0, 0)
    assert (found.mean("average_fps"), found.counted_words()) == (26.0, "1 of 2 counted, at batch 32")
    found = cell(matrix.matrix(asked, progress(asked, _001=first), runs), 0, 0)
    assert (found.mean("average_fps"), found.counted_words()) == (20.0, "")


def test_methods_and_precisions_have_rows_of_their_own_and_shades_of_their_own() -> None:
    axes = {"batch_sizes": [1, 8], "methods": ["batched", "onnx"], "precisions": ["fp32", "fp16"]}
    asked = spec(repeats=1, models=["resnet-152"], power_modes=["MAXN"], **axes)
    made = [done(number, fps=float(number)) for number in range(1, 9)]
    runs = {key: value for _, found in made for key, value in found.items()}
    stands = progress(asked, **{f"_{number:03d}": one for number, (one, _) in enumerate(made, start=1)})
    shown = matrix.matrix(asked, stands, runs)
    assert (shown.has_methods, shown.has_precisions) == (True, True)
    assert [(row.batch_size, row.method, row.precision) for row in shown.rows[:3]] == [
        (1, "batched", "fp32"), (1, "batched", "fp16"), (1, "onnx", "fp32")
    ]  # fmt: skip
    # Cells 1 and 5 differ in nothing but the batch size; no other row may be compared with them.
    assert shown.reach(shown.rows[0], "average_fps") == (1.0, 5.0)
    assert shown.reach(shown.rows[3], "average_fps") == (4.0, 8.0)


def test_every_state_is_in_words_with_its_reason() -> None:
    asked = spec(repeats=3, exclude=[{"model": "/models/own/", "power_mode": "MODE_50W"}])
    first, runs = done(1, fps=20.0)
    begun = CellProgress(state=RUNNING, attempts=(Attempt(run_id="now", begun_utc="2026-03-01T00:05:00.000Z"),))
    broken = CellProgress(state=FAILED, reason="The model is gone.")
    stands = progress(asked, _001=first, _002=begun, _003=broken, _004=broken, _005=broken, _006=first, _007=broken)
    shown = matrix.matrix(asked, stands, runs)
    assert [(one.state, one.words()) for row in shown.rows for one in row.cells] == [
        (RUNNING, "running, 1 of 3 done, 1 failed"),
        (FAILED, "failed, 1 of 3 done, 2 failed"),
        (PENDING, "pending, 1 of 3 failed"),
        (SKIPPED, "skipped"),
    ]
    assert cell(shown, 0, 1).reasons == ("The model is gone.",)
    assert cell(shown, 0, 0).repeats[1].run_id == "now"
    assert cell(shown, 1, 1).wanted == 0


def test_figures_that_cannot_be_true_are_in_no_mean() -> None:
    asked = spec()
    (first, one), (second, two) = done(1, fps=20.0), done(2, fps=900.0, status="implausible")
    shown = matrix.matrix(asked, progress(asked, _001=first, _002=second), {**one, **two})
    assert cell(shown, 0, 0).values("average_fps") == (20.0,)
    assert cell(shown, 0, 0).validity() == "1 VALID, 1 IMPLAUSIBLE"


def test_run_that_was_deleted_is_named() -> None:
    asked = spec(repeats=1)
    first, _ = done(1)
    shown = matrix.matrix(asked, progress(asked, _001=first), {})
    assert (cell(shown, 0, 0).words(), cell(shown, 0, 0).validity()) == ("done", matrix.NO_SUMMARY)


def test_modes_that_are_numbers_are_named_by_their_runs() -> None:
    asked = spec(repeats=1, power_modes=["current", 2, "3"])
    (first, one), (second, two) = done(1), done(2, mode="30W", simulated=True)
    shown = matrix.matrix(asked, progress(asked, _001=first, _002=second), {**one, **two})
    assert shown.headings == ("MAXN (current)", "30W (id 2)", "id 3")
    assert shown.simulated


def test_shades_reach_over_the_rows_of_one_model() -> None:
    asked = spec(repeats=1, batch_sizes=[1, 8])
    made = [done(1, fps=20.0), done(2, fps=80.0), done(3, fps=3.0)]
    runs = {key: value for _, found in made for key, value in found.items()}
    stands = progress(asked, _001=made[0][0], _002=made[1][0], _005=made[2][0])
    shown = matrix.matrix(asked, stands, runs)
    assert [(row.model_label, row.batch_size) for row in shown.rows] == [
        ("ResNet-152", 1), ("ResNet-152", 8), ("own", 1), ("own", 8)
    ]  # fmt: skip
    assert [shown.reach(row, "average_fps") for row in shown.rows] == [(20.0, 80.0), (20.0, 80.0), None, None]
