"""How much of the protocol a run promises: what it must at least be, and how long it is where no length was given."""

from __future__ import annotations

import enum
import math

DEMO_S = 20.0
STANDARD_S = 70.0
FORMAL_S = 630.0
"""A little more than a run needs to be VALID (60 s and 600 s), since measure begins and ends between two ticks."""

_ROOM_FOR_LATE_TICKS = 1.1
"""tegrastats is late by up to 5 % at 1 s; the rest is for ticks that straddle the ends of measure."""


class Profile(str, enum.Enum):
    """What a run is judged by; the judging itself is ``analysis/verdict.py``."""

    DEMO = "demo"
    STANDARD = "standard"
    FORMAL = "formal"

    @property
    def min_s(self) -> float:
        """Least length of measure, s."""
        return _LEAST[self][0]

    @property
    def min_ticks(self) -> int:
        """Least number of ticks of measure."""
        return _LEAST[self][1]

    @property
    def min_items(self) -> int:
        """Least number of images."""
        return _LEAST[self][2]

    @property
    def repeats(self) -> int:
        """Runs of the same spec that a result is made of."""
        return 5 if self is Profile.FORMAL else 1

    def length(self, interval_s: float) -> tuple[float, int]:
        """Returns the length of measure of a run for which none was given.

        Args:
            interval_s: asked time between ticks, s.

        Returns:
            Least seconds and least images; measure goes on until both are reached.
        """
        usual_s = {Profile.DEMO: DEMO_S, Profile.STANDARD: STANDARD_S, Profile.FORMAL: FORMAL_S}[self]
        ticks = math.ceil(_ROOM_FOR_LATE_TICKS * self.min_ticks - 1e-9)
        return max(usual_s, ticks * interval_s), self.min_items


_LEAST: dict[Profile, tuple[float, int, int]] = {
    Profile.DEMO: (0.0, 0, 0),
    Profile.STANDARD: (60.0, 60, 100),
    Profile.FORMAL: (600.0, 60, 100),
}
"""Least seconds, ticks and images of measure: the one place where they are."""

PROFILES = {profile.value: profile for profile in Profile}
"""By name."""
