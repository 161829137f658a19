"""Does the verdict work? 200 seeded recordings of an AGX Orin, 120 of them with one planted fault.

It shows that the rules are kept as they are written and where they fail; whether they are the right rules only a
board can show.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.bench.recordings.cases import CLEAN_SEEDS, FAULTY_SEEDS, clean_plans, faulty_plans
from tests.bench.recordings.judging import Outcome, judged
from tests.bench.recordings.plan import Plan
from tests.bench.rows import Row, as_table

RECALL_PCT = 98.0
FALSE_INVALID_PCT = 2.0
DIAGNOSIS_PCT = 90.0
FPS_ERROR_PCT = 0.1
ENERGY_ERROR_PCT = 1.0


def _outcomes(plans: list[Plan]) -> list[Outcome]:
    found = []
    for plan in plans:
        folder = Path(tempfile.mkdtemp(prefix="orin-bench-"))
        try:
            found.append(judged(plan, folder))
        finally:
            shutil.rmtree(folder)
    return found


def _fault_rows(faulty: list[Outcome]) -> list[Row]:
    rows = []
    for fault in dict.fromkeys(one.plan.wrong.fault for one in faulty):
        group = [one for one in faulty if one.plan.wrong.fault == fault]
        caught, named = [one for one in group if one.caught], [one for one in group if one.named]
        missed = [
            f"{one.plan.seed} {one.status} {sorted(one.codes)}" for one in group if not one.caught or not one.named
        ]
        how = f"{len(caught)} of {len(group)} not VALID, right reason named in {len(named)}"
        rows.append(
            Row(
                name=f"caught: {fault}",
                value=100 * len(caught) / len(group),
                unit="%",
                how=f"{how}{'; see ' + '; '.join(missed) if missed else ''}",
            )
        )
    return rows


def _kind_rows(outcomes: list[Outcome]) -> list[Row]:
    rows = []
    for kind in sorted({one.plan.limited_by or "" for one in outcomes} - {""}):
        group = [one for one in outcomes if one.plan.limited_by == kind]
        wrong = [f"{one.plan.seed} {one.kind}" for one in group if one.kind != kind]
        how = f"{len(group) - len(wrong)} of {len(group)}{'; see ' + '; '.join(wrong) if wrong else ''}"
        rows.append(Row(name=f"diagnosis: {kind}", value=100 * (1 - len(wrong) / len(group)), unit="%", how=how))
    return rows


def _total(name: str, value: float, target: float, *, least: bool, note: str, decimals: int = 1) -> Row:
    kept = value >= target if least else value <= target
    sign = ">=" if least else "<="
    how = f"target {sign} {target:g} %: {'PASS' if kept else 'FAIL'}; {note}"
    return Row(name=name, value=value, unit="%", how=how, decimals=decimals)


def _totals(clean: list[Outcome], faulty: list[Outcome]) -> list[Row]:
    caught = sum(one.caught for one in faulty)
    named = sum(one.named for one in faulty)
    refused = [one for one in clean if one.caught]
    seen = [one for one in [*clean, *faulty] if one.plan.limited_by]
    right = sum(one.kind == one.plan.limited_by for one in seen)
    fps, energy = (max(clean, key=lambda one: one.fps_error), max(clean, key=lambda one: one.energy_error))
    false_note = "; ".join(f"{one.plan.seed} {one.status} {sorted(one.codes)}" for one in refused)
    rows = [
        _total("recall", 100 * caught / len(faulty), RECALL_PCT, least=True, note=f"{caught} of {len(faulty)} faulty"),
        Row(
            name="right reason",
            value=100 * named / len(faulty),
            unit="%",
            how=f"{named} of {len(faulty)} faulty; no target: a run that is not VALID is not used",
        ),
        _total(
            "false INVALID",
            100 * len(refused) / len(clean),
            FALSE_INVALID_PCT,
            least=False,
            note=f"{len(refused)} of {len(clean)} clean{': ' + false_note if refused else ''}",
        ),
        _total(
            "right diagnosis",
            100 * right / len(seen),
            DIAGNOSIS_PCT,
            least=True,
            note=f"{right} of the {len(seen)} that have one",
        ),
    ]
    for name, worst, error, limit in (
        ("FPS, largest error", fps, fps.fps_error, FPS_ERROR_PCT),
        ("energy, largest error", energy, energy.energy_error, ENERGY_ERROR_PCT),
    ):
        note = f"seed {worst.plan.seed}; {len(clean)} clean recordings with jitter and gaps"
        rows.append(_total(name, 100 * error, limit, least=False, note=note, decimals=4))
    return rows


def run() -> list[Row]:
    """Returns how many planted faults were caught, how many clean recordings were not, and how good the figures are.

    Raises:
        SystemExit: a target was missed; the rows are printed before.
    """
    clean, faulty = _outcomes(clean_plans()), _outcomes(faulty_plans())
    print(f"seeds {CLEAN_SEEDS[0]} to {CLEAN_SEEDS[-1]} clean, {FAULTY_SEEDS[0]} to {FAULTY_SEEDS[-1]} faulty")
    totals = _totals(clean, faulty)
    rows = [*_fault_rows(faulty), *_kind_rows([*clean, *faulty]), *totals]
    missed = [row.name for row in totals if ": FAIL;" in row.how]
    if missed:
        print(as_table(rows), flush=True)
        raise SystemExit(f"FAIL: {', '.join(missed)}")
    return rows
