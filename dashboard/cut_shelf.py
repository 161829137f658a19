"""Logs that were read for the Import page: kept for a while, within a bound for all tabs together."""

from __future__ import annotations

import threading
from collections import OrderedDict

from orin_core.runs.importing import Proposal

MAX_TICKS = 2_000_000
"""Ticks that are kept, about 90 bytes each; what was longest out of use goes first, and is read again when needed."""


class Shelf:
    """Proposals by the id of their upload; a tab that was closed cannot say that it has gone, so none is kept for sure.

    Args:
        max_ticks: ticks of all logs together that are kept; one log alone may be longer.
    """

    def __init__(self, max_ticks: int = MAX_TICKS) -> None:
        self._max_ticks = max_ticks
        self._kept: OrderedDict[str, Proposal] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Proposal | None:
        """Returns what was put under a key, None where it has gone."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, proposal: Proposal) -> None:
        """Keeps a proposal, and lets go of others where there are too many ticks."""
        with self._lock:
            self._kept[key] = proposal
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(len(one.log.series) for one in self._kept.values()) > self._max_ticks:
                self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        """Lets go of a proposal that nobody needs any more."""
        with self._lock:
            self._kept.pop(key, None)


SHELF = Shelf()
"""Of the whole server."""
