"""The rules for what a run must have written down: how it ended, and the facts that the other rules rest on."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis import agreement_words
from orin_core.analysis.findings import Finding, finding
from orin_core.analysis.summary_keys import flag, is_text, number, part, text

_Summary = Mapping[str, Any]

SOURCES = ("tegrastats", "host", "simulated")
"""Where the telemetry of a run can come from."""

_MODEL = "fps_model"
_NUMBERS = {
    "failed_items": "how many images failed",
    "ticks": "how many ticks came",
    "final_sync_s": "how long the device still worked at the end",
    "results": "how many results were read",
    "forward_ms_p50": "the forward passes of the loop",
    "forward_synchronised_ms_p50": "the forward pass with the device waited for",
    "batch_s_p50": "how long a batch took",
    _MODEL: "the speed of the model alone",
}
_PHASES = ("idle", "warmup_min", "cooldown")


def unfinished(summary: _Summary) -> list[Finding]:
    """Returns why a run did not come to its planned end."""
    state, message = text(summary, "state"), text(summary, "message")
    hint = text(summary, "hint")
    if state == "failed":
        return [
            finding(
                "run-failed",
                _said("The run failed", message),
                hint or "See worker.log in its folder, and run it again.",
            )
        ]
    if state == "interrupted":
        hints = [hint, "Run it again."] if hint else ["Run it again."]
        return [finding("run-interrupted", _said("The run was interrupted", message), *hints)]
    if state == "stopped" and flag(summary, "stopped") is False:
        return [finding("run-stopped", "The run was stopped in cooldown; measure was whole.", "Let it run to its end.")]
    if state == "stopped" or flag(summary, "stopped") is True:
        return [finding("run-stopped", "The run was stopped before its end.", "Let it run to its end.")]
    if state == "running":
        return [finding("run-unfinished", "The run has not come to its end yet.")]
    if state != "done":
        return [finding("run-unfinished", "Whether the run came to its end was not recorded.", "Run it again.")]
    return []


def _said(start: str, message: str | None) -> str:
    """Returns how a run ended as one sentence: its own where that says so already."""
    said = " ".join((message or "").split()).rstrip(".")
    if said.startswith(start):
        return f"{said}."
    return f"{start}: {said}." if said else f"{start}."


def incomplete(summary: _Summary) -> Iterable[Finding]:
    """Yields, as one finding, all that the program itself should have recorded and did not."""
    lacks = [] if text(summary, "source") in SOURCES else ["where the telemetry came from"]
    lacks += [] if text(summary, "device_type") else ["what computed (CPU or GPU)"]
    owed = {key: words for key, words in _NUMBERS.items() if not (key == _MODEL and is_text(summary))}
    lacks += [words for key, words in owed.items() if number(summary, key) is None]
    if any(part(summary, "phases_asked_s", phase) is None for phase in _PHASES):
        lacks.append("how long the phases were asked to be")
    if not agreement_words.is_told(summary):
        lacks.append("whether its results agree with the reference")
    if lacks:
        listed = lacks[0] if len(lacks) == 1 else f"{', '.join(lacks[:-1])} and {lacks[-1]}"
        yield finding(
            "record-incomplete",
            f"The run was recorded by an older version or cut off. Not recorded: {listed}.",
            "Run it again with this version.",
        )


def worker(summary: _Summary) -> Iterable[Finding]:
    """Yields whether the inference program did not end well."""
    code = number(summary, "worker_exit_code")
    if code is None:
        yield finding("worker-exit-unknown", "How the inference program ended was not recorded.", "Run it again.")
    elif code < 0:
        try:
            name = signal.Signals(-int(code)).name
        except ValueError:
            name = f"signal {-code:.0f}"
        yield finding("worker-exit", f"The inference program was killed by {name}.", "See worker.log.")
    elif code != 0:
        yield finding(
            "worker-exit", f"The inference program ended with code {code:.0f} instead of 0.", "See worker.log."
        )
