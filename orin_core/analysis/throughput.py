"""Live FPS: the one place where the rate for the eye comes from."""

from __future__ import annotations

from collections import deque

WINDOW_S = 5.0
WINDOW_BATCHES = 5


class LiveRate:
    """Items per second over the last max(5 s, 5 batches), between two batch ends.

    It is None before the window is full, and it is never 0 because a batch is slow: only the
    ends of batches move it.
    """

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque()

    def reset(self) -> None:
        """Forgets everything, at the start of a phase."""
        self._ends.clear()

    def add(self, end_s: float, items: int) -> None:
        """Adds one batch.

        Args:
            end_s: monotonic time at which its last result was in host memory, s.
            items: images in it.
        """
        ends = self._ends
        ends.append((end_s, items))
        while len(ends) > WINDOW_BATCHES + 1 and end_s - ends[1][0] >= WINDOW_S:
            ends.popleft()

    @property
    def fps(self) -> float | None:
        """Items per second; None while fewer than 5 s or 5 batches lie behind."""
        ends = self._ends
        if len(ends) <= WINDOW_BATCHES:
            return None
        seconds = ends[-1][0] - ends[0][0]
        if seconds < WINDOW_S:
            return None
        return (sum(items for _, items in ends) - ends[0][1]) / seconds
