"""Reading a summary that may be old, foreign or damaged: what is missing or no number is None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def number(summary: Mapping[str, Any], key: str) -> float | None:
    """Returns a figure of a summary; None where it is absent, no number, or not finite."""
    value = summary.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def text(summary: Mapping[str, Any], key: str) -> str | None:
    """Returns a text of a summary; None where it is absent, empty, or no text."""
    value = summary.get(key)
    return value if isinstance(value, str) and value else None


def flag(summary: Mapping[str, Any], key: str) -> bool | None:
    """Returns a yes or no of a summary; None where it is absent or neither."""
    value = summary.get(key)
    return value if isinstance(value, bool) else None


def origin_of(summary: Mapping[str, Any]) -> str:
    """Returns where the rows come from: ``run``, ``replay`` or ``imported``; old summaries tell it by their source."""
    found = text(summary, "origin") or text(summary, "source")
    return found if found in ("replay", "imported") else "run"


def is_simulated(summary: Mapping[str, Any]) -> bool:
    """Returns whether the telemetry was invented."""
    return flag(summary, "simulated") is True or text(summary, "source") == "simulated"


def mode_label(name: str) -> str:
    """Returns the short name of a power mode: ``30W`` for ``MODE_30W``."""
    return name.removeprefix("MODE_")


def over_current_events(summary: Mapping[str, Any]) -> int:
    """Returns how many over-current alarms the run counted, 0 where none were counted or could be."""
    found = summary.get("over_current")
    counts = found.values() if isinstance(found, Mapping) else ()
    return sum(int(count) for count in counts if isinstance(count, (int, float)) and math.isfinite(count) and count > 0)


def is_text(summary: Mapping[str, Any]) -> bool:
    """Returns whether the run generated text: its speed is in tokens, and FPS is null."""
    return number(summary, "tokens_per_s") is not None


def item_word(summary: Mapping[str, Any]) -> str:
    """Returns what one item of the run is called: an image, or a prompt."""
    return "prompt" if is_text(summary) else "image"


def part(summary: Mapping[str, Any], key: str, name: str) -> float | None:
    """Returns one figure of an object of figures; None where either is absent or it is no number."""
    found = summary.get(key)
    return number(found, name) if isinstance(found, Mapping) else None


def count(summary: Mapping[str, Any], key: str) -> int | None:
    """Returns how many ticks, batches or images stand behind a figure; None where that is not known."""
    found = part(summary, "counts", key)
    return None if found is None else int(found)


def has_power_modes(summary: Mapping[str, Any]) -> bool:
    """Returns whether the machine has power modes, so that somebody could have verified the mode of the run.

    A Jetson has them also where its telemetry came from the host's own counters.
    """
    is_jetson = text(summary, "source") == "tegrastats" or text(summary, "l4t") is not None
    return is_jetson or is_simulated(summary)
