"""Reboots that a sweep makes by itself: which modes need one, and when there were enough of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.errors import PowerModeNotApplied

MAX_PER_MODE = 3
"""A mode that was not reached by so many reboots of a sweep is given up."""
MAX_PER_HOUR = 4
"""A board that reboots more often is in a loop."""
REBOOT_S = 120.0
"""A board that is still up so long after it was told to reboot does not."""


def check(reboots: Sequence[Mapping[str, Any]], mode_name: str) -> None:
    """Refuses one reboot too many.

    Args:
        reboots: those of the sweep: ``mode``, ``unix_s`` and ``reached`` of each.
        mode_name: where the next one would lead.

    Raises:
        PowerModeNotApplied: there were enough.
    """
    into = sum(one["mode"] == mode_name and not one.get("reached") for one in reboots)
    if into >= MAX_PER_MODE:
        raise PowerModeNotApplied(
            f"{mode_name} was not reached by {into} reboots.", "Set it by hand and see what nvpmodel -q says."
        )
    # A board without a clock of its own may wake up in the past: what lies ahead counts as well.
    lately = sum(float(one["unix_s"]) > time.time() - 3600 for one in reboots)
    if lately >= MAX_PER_HOUR:
        raise PowerModeNotApplied(
            f"{mode_name} needs a reboot, and there were {lately} within the hour.", "Resume the sweep later."
        )
