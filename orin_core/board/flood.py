"""When a source of lines prints far more than it was asked for; pure."""

from __future__ import annotations

FLOOD_FACTOR = 20
FLOOD_S = 2.0
_BURST_MIN_LINES = 40  # complaints at the start are no flood, however long the interval is


class FloodGate:
    """Lets lines pass at up to 20 times the asked rate, measured over 2 s.

    Lines that piled up while nobody read them (a suspended machine, a stopped process) are no
    flood: a gap earns as much as the same time of reading.

    Args:
        interval_s: asked time between lines, s.
    """

    def __init__(self, interval_s: float) -> None:
        self._lines_per_s = FLOOD_FACTOR / interval_s
        self._burst = max(FLOOD_S * self._lines_per_s, _BURST_MIN_LINES)
        self._left = self._burst
        self._last_s: float | None = None

    def passes(self, now_s: float) -> bool:
        """Returns whether one more line is not too much.

        Args:
            now_s: monotonic time at its reception, s.
        """
        earned = 0.0 if self._last_s is None else (now_s - self._last_s) * self._lines_per_s
        self._last_s = now_s
        self._left = max(self._left, earned, min(self._left + earned, self._burst))
        if self._left < 1:
            return False
        self._left -= 1
        return True
