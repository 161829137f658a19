"""Whether a run can be trusted: VALID, or every reason why not, in words.

Everything is told from the summary alone, so that the page, the tables and the command line say the
same, and so that a run can be judged again later. The rules and where their thresholds come from:
``docs/protocol.md``.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from orin_core.analysis import plausibility, verdict_record, verdict_rules
from orin_core.analysis.findings import Finding
from orin_core.analysis.summary_keys import is_simulated, number, origin_of, text
from orin_core.profiles import PROFILES, Profile

__all__ = ["PROFILES", "Reason", "Status", "Verdict", "from_json", "judge", "repeats_needed"]


class Status(str, enum.Enum):
    """What a run is worth. Figures of an implausible one are refused: tables leave them out and say why."""

    VALID = "valid"
    INVALID = "invalid"
    IMPLAUSIBLE = "implausible"
    DEMO = "demo"
    SIMULATED = "simulated"
    IMPORTED = "imported"
    REPLAY = "replay"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a run is not VALID.

    Args:
        code: short name that does not change, for programs.
        text: for people: the figure, the limit, what to do.
    """

    code: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run is worth, and why.

    Args:
        status: the one word that programs go by.
        badge: the same in capitals, as shown.
        sentence: the verdict in one sentence.
        reasons: every rule that was not kept.
        unknown: what nobody could look at, one sentence each.
    """

    status: Status
    badge: str
    sentence: str
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the object that ``summary.json`` holds."""
        return {
            "status": self.status.value,
            "badge": self.badge,
            "sentence": self.sentence,
            "reasons": [{"code": reason.code, "text": reason.text} for reason in self.reasons],
            "unknown": list(self.unknown),
        }


def from_json(document: Mapping[str, Any]) -> Verdict:
    """Returns the verdict of an object that :meth:`Verdict.to_json` made.

    Raises:
        KeyError: a key is missing.
        ValueError: the status is unknown.
        TypeError: the object has another shape.
    """
    return Verdict(
        status=Status(document["status"]),
        badge=str(document["badge"]),
        sentence=str(document["sentence"]),
        reasons=tuple(Reason(code=str(one["code"]), text=str(one["text"])) for one in document["reasons"]),
        unknown=tuple(str(one) for one in document["unknown"]),
    )


def repeats_needed(profile: str) -> int:
    """Returns how many runs of one spec make a result of this profile; 1 for an unknown name."""
    return PROFILES[profile].repeats if profile in PROFILES else 1


def judge(summary: Mapping[str, Any]) -> Verdict:
    """Returns what a run is worth. Keys that are missing count as unknown, so old summaries can be judged too.

    Args:
        summary: as in ``summary.json``.
    """
    origin = origin_of(summary)
    if origin == "replay":
        return _verdict(Status.REPLAY, "Replayed log, not verified.")
    wrong = _reasons(plausibility.findings(summary))
    if origin == "imported":
        told = _reasons([*_least(summary), *verdict_rules.of_a_log(summary)])
        return _verdict(
            Status.IMPORTED, "Imported, not verified.", wrong + told, verdict_rules.unknown_of_a_log(summary)
        )
    unfinished = _reasons(verdict_record.unfinished(summary))
    measured = number(summary, "total_inference_time_s") is not None
    # Without a measure the rest was never reached; naming it would hide what went wrong.
    broken_rules = [*_least(summary), *(verdict_rules.protocol(summary) if measured else ())]
    kept_not = _reasons(sorted(broken_rules, key=_weight))
    unknown = (*verdict_rules.unknown(summary), *plausibility.unknown(summary)) if measured else ()
    if unfinished or not measured:
        broken = unfinished + kept_not + wrong
        return _verdict(Status.INVALID, broken[0].text, broken, unknown)
    if wrong:
        return _verdict(Status.IMPLAUSIBLE, "Refused: these figures cannot be true.", wrong + kept_not, unknown)
    if text(summary, "profile") == "demo":
        demo = "A demo on a simulated board" if is_simulated(summary) else "A demo"
        return _verdict(Status.DEMO, f"{demo}: to look at, never VALID.", _folded(kept_not), unknown)
    if is_simulated(summary):
        return _verdict(Status.SIMULATED, _simulated(kept_not), kept_not, unknown)
    if kept_not:
        return _verdict(Status.INVALID, _sentence(kept_not), kept_not, unknown)
    return _verdict(Status.VALID, _valid(_profile_of(summary)), (), unknown)


def _profile_of(summary: Mapping[str, Any]) -> Profile:
    """The profile whose minimum a run is held to; a demo is told what it lacks for the standard one."""
    profile = PROFILES.get(text(summary, "profile") or "", Profile.STANDARD)
    return Profile.STANDARD if profile is Profile.DEMO else profile


def _least(summary: Mapping[str, Any]) -> list[Finding]:
    return verdict_rules.minimum(summary, _profile_of(summary))


def _reasons(findings: list[Finding]) -> tuple[Reason, ...]:
    return tuple(Reason(code=code, text=words) for code, words in findings)


def _verdict(status: Status, sentence: str, reasons: tuple[Reason, ...] = (), unknown: tuple[str, ...] = ()) -> Verdict:
    return Verdict(
        status=status, badge=status.value.upper(), sentence=sentence, reasons=reasons, unknown=tuple(unknown)
    )


_SHORT = {
    "too-short": "length",
    "too-few-ticks": "ticks",
    "too-few-items": "images",
    "too-few-batches": "batches",
    "no-idle": "idle",
    "no-warm-up": "warm-up",
    "warm-up-short": "length of warm-up",
    "warm-up-not-settled": "a settled warm-up",
    "cooldown-short": "length of cooldown",
    "fps-drift": "a steady speed",
    "power-drift": "a steady power",
}
"""What a demo is short of by its nature."""

_COMPUTES_SOMETHING_ELSE = "disagrees"


def _weight(rule: Finding) -> int:
    """Returns the place of a broken rule: what makes the figures another model's first, what is only short last."""
    code, _ = rule
    return 0 if code == _COMPUTES_SOMETHING_ELSE else 2 if code in _SHORT else 1


def _folded(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Returns the reasons of a demo: what it is short of in one sentence, and what else was wrong."""
    short = list(dict.fromkeys(_SHORT[reason.code] for reason in reasons if reason.code in _SHORT))
    others = tuple(reason for reason in reasons if reason.code not in _SHORT)
    if not short:
        return others
    return (Reason(code="short-of-standard", text=f"As a standard run it would lack: {', '.join(short)}."), *others)


def _sentence(reasons: tuple[Reason, ...]) -> str:
    if len(reasons) == 1:
        return reasons[0].text
    return f"{len(reasons)} rules of the protocol were not kept: do not compare or publish these figures."


def _simulated(reasons: tuple[Reason, ...]) -> str:
    if not reasons:
        return "Protocol kept, not a measurement."
    rules = "1 rule" if len(reasons) == 1 else f"{len(reasons)} rules"
    return f"Not a measurement: the telemetry is simulated. {rules} of the protocol would not have been kept either."


def _valid(profile: Profile) -> str:
    if profile.repeats == 1:
        return "The protocol was kept: the figures can be compared and published."
    return (
        f"The protocol was kept. This is one of the {profile.repeats} repeats that a {profile.value} result is made of."
    )
