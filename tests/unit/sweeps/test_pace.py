"""How long a sweep has still to go."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.sweeps import pace
from orin_core.sweeps import spec as specs
from orin_core.sweeps.spec import SweepSpec
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Progress

MIDNIGHT_S = 1772323200.0
"""2026-03-01T00:00:00Z."""


def asked() -> SweepSpec:
    """Cells 001 and 002 are repeats of small, 003 and 004 of large."""
    return specs.from_json({"models": ["small", "large"], "datasets": ["c"], "repeats": 2})


def utc(minute: float) -> str:
    return f"2026-03-01T{int(minute) // 60:02d}:{int(minute) % 60:02d}:{minute % 1 * 60:06.3f}Z"


def attempt(begin_min: float, end_min: float | None = None, outcome: str | None = "done") -> Attempt:
    """A try with a run, in minutes after midnight; without an end it goes on."""
    if end_min is None:
        return Attempt(run_id=f"run-{begin_min}", begun_utc=utc(begin_min))
    return Attempt(run_id=f"run-{begin_min}", outcome=outcome, begun_utc=utc(begin_min), ended_utc=utc(end_min))


def cell(state: CellState, *attempts: Attempt) -> CellProgress:
    return CellProgress(state=state, attempts=attempts)


def left_s(cells: dict[str, CellProgress], now_min: float = 0.0, **planned_s: float) -> float | None:
    spec = asked()
    every = {one.cell_id: CellProgress() for one in spec.cells()}
    lengths = {key.removeprefix("_"): value for key, value in planned_s.items()}
    progress = Progress(order=tuple(every), cells={**every, **cells})
    return pace.left_s(spec, progress, planned_s=lengths, now_unix_s=MIDNIGHT_S + 60 * now_min)


PLANNED: dict[str, Any] = {"_001": 60.0, "_002": 60.0, "_003": 600.0, "_004": 600.0}
DONE, FAILED, RUNNING = CellState.DONE, CellState.FAILED, CellState.RUNNING


def test_before_the_first_run_the_plan_tells_and_without_one_nothing_does() -> None:
    assert left_s({}, **PLANNED) == 1320.0
    assert left_s({}) is None


def test_a_combination_goes_by_its_own_finished_runs_and_others_by_the_plan() -> None:
    assert left_s({"001": cell(DONE, attempt(0, 2))}, **PLANNED) == 120 + 2 * 600
    # What a hand-made state does not tell is guessed from what is known.
    assert left_s({"001": cell(DONE, attempt(0, 2))}) == 3 * 120


def test_attempts_that_came_to_nothing_tell_no_length() -> None:
    refused = Attempt(outcome="refused", begun_utc=utc(0), ended_utc=utc(0))
    cells = {
        "001": cell(FAILED, refused, attempt(1, 1.1, "failed")),
        "003": cell(DONE, attempt(2, 2.2, "interrupted"), attempt(3, 11)),
    }
    # Two waits: 0.9 min between the failed run and the interrupted one, 0.8 min after that.
    assert left_s(cells, **PLANNED) == pytest.approx(60 + 480 + 2 * 60 * 0.85)


def test_the_wait_between_two_runs_counts_and_a_night_does_not() -> None:
    cells = {
        "001": cell(DONE, attempt(0, 2)),
        "002": cell(DONE, attempt(3, 5)),
        "003": cell(DONE, attempt(6, 10)),
    }
    assert left_s(cells, **PLANNED) == 240 + 60
    cells["003"] = cell(DONE, attempt(6, 10, "interrupted"), attempt(600, 604))
    assert left_s(cells, **PLANNED) == 240 + 60


def test_what_the_present_run_has_taken_is_off() -> None:
    cells = {"001": cell(DONE, attempt(0, 2)), "002": cell(RUNNING, attempt(2)), "003": cell(FAILED), "004": cell(DONE)}
    assert left_s(cells, now_min=3.5) == 30.0
    assert left_s(cells, now_min=90.0) == 0.0
