"""How much of the protocol a run promises, and how long that takes where no length was given."""

from __future__ import annotations

import enum

DEMO_S = 20.0
STANDARD_S = 70.0
FORMAL_S = 630.0
"""A little more than a run needs to be VALID (60 s and 600 s), since measure begins and ends between two ticks."""

TICKS = 66
"""Ticks that a length leaves room for: 60 are needed, and tegrastats is late by up to 5 %."""

MIN_ITEMS = 100


class Profile(str, enum.Enum):
    """What a run is judged by; the judging itself is ``analysis/verdict.py``."""

    DEMO = "demo"
    STANDARD = "standard"
    FORMAL = "formal"

    def length(self, interval_s: float) -> tuple[float, int]:
        """Returns the length of measure of a run for which none was given.

        Args:
            interval_s: asked time between ticks, s.

        Returns:
            Least seconds and least images; measure goes on until both are reached.
        """
        if self is Profile.DEMO:
            return DEMO_S, 0
        least_s = FORMAL_S if self is Profile.FORMAL else STANDARD_S
        return max(least_s, TICKS * interval_s), MIN_ITEMS
