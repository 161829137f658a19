"""When warm-up is over: the rate of inference has stopped to change."""

from __future__ import annotations

WINDOW_S = 2.0
WINDOW_BATCHES = 3
AGREEING_WINDOWS = 3
AGREE_WITHIN = 0.05
MIN_ITEMS = 20
PROTOCOL_MAX_S = 120.0
PROTOCOL_MAX_BATCHES = 10


class Settling:
    """Watches warm-up in windows of max(2 s, 3 batches).

    It has settled when three successive windows agree within 5 %. Warm-up ends then, but not
    before its least length and 20 images; it ends unsettled at its greatest length, which for
    the protocol's 120 s is stretched to 10 batches of a slow model.

    Args:
        min_s: least length, s.
        max_s: greatest length, s; 0 means that there is no warm-up.
        start_s: when it began, s of the monotonic clock.
    """

    def __init__(self, *, min_s: float, max_s: float, start_s: float) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._start_s = start_s
        self._window_start_s = start_s
        self._window_items = 0
        self._window_batches = 0
        self._rates: list[float] = []
        self._items = 0
        self._batches = 0
        self._end_s = start_s

    def add(self, items: int, end_s: float) -> None:
        """Counts a batch that ended at a time, s."""
        self._items += items
        self._batches += 1
        self._window_items += items
        self._window_batches += 1
        self._end_s = end_s
        window_s = end_s - self._window_start_s
        if window_s >= WINDOW_S and self._window_batches >= WINDOW_BATCHES:
            self._rates.append(self._window_items / window_s)
            self._window_start_s, self._window_items, self._window_batches = end_s, 0, 0

    @property
    def windows(self) -> int:
        """Number of windows that are complete."""
        return len(self._rates)

    @property
    def seconds(self) -> float:
        """Length so far, s."""
        return self._end_s - self._start_s

    @property
    def settled(self) -> bool:
        """Whether the last three windows agree."""
        last = self._rates[-AGREEING_WINDOWS:]
        return len(last) == AGREEING_WINDOWS and max(last) - min(last) <= AGREE_WITHIN * max(last)

    @property
    def over(self) -> bool:
        """Whether warm-up ends here."""
        if self.settled and self.seconds >= self._min_s and (self._items >= MIN_ITEMS or self._min_s == 0):
            return True
        if self._max_s >= PROTOCOL_MAX_S and self._batches < PROTOCOL_MAX_BATCHES:
            return False
        return self.seconds >= self._max_s
