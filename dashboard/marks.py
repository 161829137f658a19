"""Which events of a run are marks on its time axis, and in which words."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from orin_core.spec import RunState

Mark = tuple[float, str, str]
"""Elapsed time in s, kind (``mode reader image stop notice``), text."""

MAX_MARKS = 50
READER_KINDS = ("died", "stalled", "flooded", "restarted")
"""Notices of the telemetry source that a viewer is told of."""
_NO_MARKS = ("unparsed", "imported")
"""Told elsewhere: lines that are no ticks are counted, where a log came from stands beside the run."""
_MAX_TEXT = 200


def marks_of(event: dict[str, Any]) -> list[Mark]:
    """Returns the marks of one event of ``events.jsonl``; most events are none.

    Raises:
        KeyError, ValueError, TypeError, AttributeError: the event is garbled.
    """
    at_s = round(max(0.0, float(event["elapsed_s"])), 3)
    return [(at_s, kind, text[:_MAX_TEXT]) for kind, text in _told(event) if text]


def _told(event: dict[str, Any]) -> list[tuple[str, str]]:
    kind = event.get("kind")
    if kind == "notice":
        return _notice(str(event["notice"]), str(event["message"]))
    if kind == "item_failed":
        # The name alone: a viewer need not know where on this machine the image lies.
        return [("image", f"{PurePath(str(event['name'])).name} could not be read: {event['reason']}")]
    if kind == "warmup" and event.get("settled") is False:
        return [("notice", "Warm-up did not settle.")]
    if kind == "end":
        return _end(event)
    return []


def _notice(name: str, message: str) -> list[tuple[str, str]]:
    if name in _NO_MARKS:
        return []
    if name in READER_KINDS or name == "unreadable":
        return [("reader", message)]
    return [("mode" if name == "mode" else "notice", message)]


def _end(event: dict[str, Any]) -> list[tuple[str, str]]:
    told = [("mode", str(event.get("power_mode_mismatch") or ""))]
    if event.get("state") not in (RunState.DONE.value, RunState.RUNNING.value):
        told.append(("stop", str(event.get("message") or "")))
    return told
