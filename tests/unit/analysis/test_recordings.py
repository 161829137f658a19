"""Verdict, diagnosis and figures of built recordings: a clean one of every kind, one of every planted fault.

``make bench`` judges 200 of them; these are the hardest of each sort.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.recordings.cases import clean_plans, faulty_plans
from tests.bench.recordings.judging import judged, right_codes
from tests.bench.recordings.plan import Plan
from tests.bench.recordings.story import tell

CLEAN, FAULTY = clean_plans(), faulty_plans()
UNTRUE = {"no synchronisation", "faster than its model", "results not read", "above the bound", "impossible reading"}


def _chosen_clean() -> list[Plan]:
    """One of every kind at one tick a second, and those with something that must not matter."""
    usual = [plan for plan in CLEAN if plan.interval_ms == 1000 and plan.profile == "standard"]
    return [
        *({plan.kind: plan for plan in reversed(usual)}.values()),
        next(plan for plan in CLEAN if plan.bursts),
        next(plan for plan in CLEAN if plan.wall_jumps_s),
        next(plan for plan in usual if plan.wrong.drift_fps),
        next(plan for plan in CLEAN if plan.throttled_ticks and plan.profile == "formal"),
    ]


def _chosen_faulty() -> list[Plan]:
    """The first of every fault and of every reason that it has to be named by."""
    first: dict[tuple[str, ...], Plan] = {}
    for plan in reversed(FAULTY):
        reason = (plan.wrong.fault, *sorted(right_codes(plan)))
        first[reason] = plan
    late = next(plan for plan in FAULTY if plan.wrong.late_s)
    return [*reversed(first.values()), late]


def _name(plan: Plan) -> str:
    return f"{plan.seed}-{plan.wrong.fault or plan.kind}".replace(" ", "-")


def test_there_are_two_hundred_of_them() -> None:
    assert (len(CLEAN), len(FAULTY)) == (80, 120)
    assert len({plan.seed for plan in (*CLEAN, *FAULTY)}) == 200


def test_clean_ones_are_steady_and_drifting_ones_are_not() -> None:
    """The generator's own truth, by its formulas: 5 % of FPS and 3 % of power between the halves are allowed."""
    short = [plan for plan in (*CLEAN, *FAULTY) if plan.profile == "standard" and plan.fps < 100]
    for plan in short:
        fps, power = (abs(share) for share in tell(plan).halves_apart)
        if not plan.wrong.fault:
            assert (fps < 0.045, power < 0.025) == (True, True), plan.seed
        elif plan.wrong.fault == "drift":
            assert (fps > 0.055 or power > 0.04) is True, plan.seed


@pytest.mark.parametrize("plan", _chosen_clean(), ids=_name)
def test_a_clean_recording_is_valid_and_its_figures_are_true(plan: Plan, tmp_path: Path) -> None:
    outcome = judged(plan, tmp_path)
    assert (outcome.status, outcome.codes) == ("valid", set())
    assert outcome.kind == plan.limited_by
    assert outcome.fps_error < 0.001
    assert outcome.energy_error < 0.01


@pytest.mark.parametrize("plan", _chosen_faulty(), ids=_name)
def test_a_planted_fault_is_caught_and_named(plan: Plan, tmp_path: Path) -> None:
    outcome = judged(plan, tmp_path)
    assert outcome.status == ("implausible" if plan.wrong.fault in UNTRUE else "invalid")
    assert right_codes(plan) & outcome.codes, outcome.summary["verdict"]
