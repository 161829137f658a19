"""Whether the figures of a run can be trusted, and what held it back: two boxes in words."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from orin_core.analysis.diagnosis import diagnose
from orin_core.analysis.verdict import Status, Verdict
from orin_core.report import run_facts

# A sign and a word each, since colour alone tells some people nothing.
_SIGNS = {Status.VALID: "✔", Status.INVALID: "✖", Status.IMPLAUSIBLE: "✖"}
_TONES = {Status.VALID: "good", Status.INVALID: "bad", Status.IMPLAUSIBLE: "bad"}
_NEUTRAL_SIGN, _NEUTRAL_TONE = "◆", "neutral"
UNFOLDED = 4
"""So many reasons are in sight without a click; the first are the weightiest."""

_STYLE = """
<style>
.orin-judged { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 10px;
  align-items: start; }
.orin-verdict { --tone: #5b7290; padding: 9px 14px 10px; border-radius: 8px; font-size: 14px; line-height: 1.45;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-left: 4px solid var(--tone);
  overflow-wrap: anywhere; }
.orin-verdict[data-tone="good"] { --tone: #00735a; }
.orin-verdict[data-tone="bad"] { --tone: #b3261e; }
.orin-verdict b.badge { display: inline-block; margin-right: 8px; padding: 1px 9px; border-radius: 999px;
  font-size: 12px; letter-spacing: 0.03em; color: #fff; background: var(--tone); white-space: nowrap; }
.orin-verdict ul { margin: 6px 0 0 1.15rem; padding: 0; }
.orin-verdict li { margin: 2px 0; padding: 0; font-size: 13.5px; }
.orin-verdict .small { margin-top: 6px; font-size: 12px; opacity: 0.75; }
.orin-verdict .small ul { margin-top: 1px; }
.orin-verdict .small li { font-size: 12px; margin: 0; }
.orin-verdict details { margin-top: 4px; font-size: 13.5px; }
.orin-verdict summary { cursor: pointer; width: fit-content; text-decoration: underline; text-underline-offset: 2px; }
</style>
"""


def verdict_of(summary: Mapping[str, Any]) -> Verdict:
    """Returns the verdict of a summary; judged now where it was written by an older version.

    Args:
        summary: as in ``summary.json``.
    """
    return run_facts.verdict_of(summary)


def refused(summary: Mapping[str, Any]) -> bool:
    """Returns whether the figures cannot be true, so that they are shown struck out."""
    return verdict_of(summary).status is Status.IMPLAUSIBLE


def diagnosis_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what held a run back, as in ``summary.json``; found now where an older version wrote it."""
    found = summary.get("diagnosis")
    if isinstance(found, dict) and isinstance(found.get("sentence"), str) and found["sentence"]:
        return found
    document: dict[str, Any] = diagnose(summary).to_json()
    return document


def show(summary: Mapping[str, Any]) -> None:
    """Shows the verdict with every reason, and beside it the diagnosis with what to try.

    Args:
        summary: as in ``summary.json``.
    """
    verdict = verdict_of(summary)
    boxes = _verdict_box(verdict) + _diagnosis_box(diagnosis_of(summary))
    st.html(f'{_STYLE}<div class="orin-judged">{boxes}</div>')


def _list(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(text)}</li>' for text in texts)}</ul>" if texts else ""


def _folding_list(texts: Sequence[str]) -> str:
    """Returns a list of which the rest folds away where it is long."""
    if len(texts) <= UNFOLDED:
        return _list(texts)
    rest = texts[UNFOLDED:]
    return (
        f"{_list(texts[:UNFOLDED])}<details><summary>{len(rest)} more reason{'' if len(rest) == 1 else 's'}</summary>"
        f"{_list(rest)}</details>"
    )


def _verdict_box(verdict: Verdict) -> str:
    tone, sign = _TONES.get(verdict.status, _NEUTRAL_TONE), _SIGNS.get(verdict.status, _NEUTRAL_SIGN)
    # A reason that is the sentence itself is not said twice.
    reasons = [reason.text for reason in verdict.reasons if reason.text != verdict.sentence]
    unknown = f'<div class="small">Not known: {_list(verdict.unknown)}</div>' if verdict.unknown else ""
    return (
        f'<div class="orin-verdict" data-verdict="{verdict.status.value}" data-tone="{tone}">'
        f'<b class="badge">{sign} {html.escape(verdict.badge)}</b>{html.escape(verdict.sentence)}'
        f"{_folding_list(reasons)}{unknown}</div>"
    )


def _diagnosis_box(diagnosis: Mapping[str, Any]) -> str:
    kind, certainty = str(diagnosis.get("kind") or "unclear"), str(diagnosis.get("certainty") or "")
    title = kind if kind == "unclear" or certainty in ("", "yes") else f"{certainty} {kind}"
    told = diagnosis.get("advice")
    advice = [str(text) for text in told] if isinstance(told, (list, tuple)) else []
    tried = f'<div class="small">What to try: {_list(advice)}</div>' if advice else ""
    return (
        f'<div class="orin-verdict" data-diagnosis="{html.escape(kind)}" data-tone="{_NEUTRAL_TONE}">'
        f'<b class="badge">{html.escape(title)}</b>{html.escape(str(diagnosis.get("sentence") or ""))}{tried}</div>'
    )
