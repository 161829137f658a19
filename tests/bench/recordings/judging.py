"""What the product says of a built recording, held against the truth."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from orin_core.runs.finish import summary_of
from tests.bench.recordings.plan import Plan
from tests.bench.recordings.write import Built, build

VALID = "valid"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One recording, judged.

    Args:
        built: the recording with its truth.
        summary: what ``summary.json`` would hold.
    """

    built: Built
    summary: dict[str, Any]

    @property
    def plan(self) -> Plan:
        """What the recording was to be."""
        return self.built.plan

    @property
    def status(self) -> str:
        """The verdict in one word."""
        return str(self.summary["verdict"]["status"])

    @property
    def codes(self) -> set[str]:
        """Codes of the reasons."""
        return {str(reason["code"]) for reason in self.summary["verdict"]["reasons"]}

    @property
    def kind(self) -> str:
        """The diagnosis."""
        return str(self.summary["diagnosis"]["kind"])

    @property
    def caught(self) -> bool:
        """Whether the verdict is not VALID."""
        return self.status != VALID

    @property
    def named(self) -> bool:
        """Whether the planted fault is among the reasons."""
        return bool(right_codes(self.plan) & self.codes)

    @property
    def fps_error(self) -> float:
        """By how much FPS end to end is off, as a share; infinite where it is missing."""
        return _error(self.summary["fps_end_to_end"], self.built.story.fps)

    @property
    def energy_error(self) -> float:
        """By how much energy per image is off, as a share; infinite where it is missing."""
        return _error(self.summary["energy_per_item_j"], self.built.story.energy_per_item_j)


def _error(found: float | None, truth: float) -> float:
    return float("inf") if found is None else abs(found / truth - 1)


def judged(plan: Plan, runs_dir: Path) -> Outcome:
    """Returns what the product says of a recording that is written and read for it."""
    return judged_folder(build(plan, runs_dir))


def judged_folder(built: Built) -> Outcome:
    """Returns what the product says of a written recording."""
    summary = summary_of(built.recording, state=built.state, message=built.message, hint="")
    return Outcome(built=built, summary=summary)


def right_codes(plan: Plan) -> set[str]:
    """Returns the reasons of which one has to be named, by the fault that was planted; empty for a clean one."""
    wrong = plan.wrong
    codes = {
        "no synchronisation": {
            *({"forward-too-short"} if wrong.forward_factor < 1 else ()),
            *({"final-sync"} if wrong.final_sync_batches else ()),
        },
        "faster than its model": {"faster-than-its-model"},
        "results not read": {"results-not-read"},
        "above the bound": {"above-the-bound"},
        "idle ticks inside": {"idle-inside"},
        "throttling": {"throttled"},
        "mode flipped": {"mode-changed" if wrong.verified[0] else "mode-not-verified"},
        "another GPU user": {"gpu-in-use"},
        "window too short": {_short_code(plan)},
        "gaps": {"gaps"},
        "drift": {"fps-drift" if wrong.drift_fps else "power-drift"},
        "failed items": {"failed-items"},
        "worker killed": {"worker-exit", "run-failed"},
        "over-current": {"over-current"},
        "short phase": {{"idle": "no-idle", "warmup": "warm-up-short"}.get(wrong.short_phase, "cooldown-short")},
        "not recorded": {"record-incomplete"},
        "impossible reading": {"reading-out-of-range"},
        "warm-up not settled": {"no-warm-up" if wrong.settled is None else "warm-up-not-settled"},
    }
    return codes[wrong.fault] if wrong.fault else set()


def _short_code(plan: Plan) -> str:
    if plan.measure_s < 60:
        return "too-short"
    return "too-few-ticks" if plan.interval_ms == 2000 else "too-few-items"
