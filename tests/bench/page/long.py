"""Does anything grow? Thousands of refreshes, faster than real time."""

from __future__ import annotations

import dataclasses
import time

from playwright.sync_api import Browser

from tests.bench.page.place import Place
from tests.bench.page.tab import Tab

REFRESHES = 3600
SAMPLES = 12
PACE = 0.02


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Memory over many refreshes.

    Args:
        refreshes: how many there were.
        seconds: how long they took, s.
        heap_mb: JavaScript heap after a collection, in turn, MB.
        rss_mb: memory of the server, in turn, MB.
    """

    refreshes: int
    seconds: float
    heap_mb: list[float]
    rss_mb: list[float]

    @property
    def heap_growth_mb(self) -> float:
        """Growth of the heap from the second third to the last, MB."""
        return _growth(self.heap_mb)

    @property
    def rss_growth_mb(self) -> float:
        """Growth of the server from the second third to the last, MB."""
        return _growth(self.rss_mb)


def _growth(values: list[float]) -> float:
    """The first third is left out: caches fill, code is compiled. Of the others the lowest, since memory swings."""
    third = len(values) // 3
    return min(values[2 * third :]) - min(values[third : 2 * third])


def long_look(browser: Browser, place: Place, *, limit_s: float) -> Growth:
    """Looks at the live page for many refreshes, its waits cut short.

    Args:
        browser: the browser.
        place: the server.
        limit_s: longest time, s.
    """
    heap_mb, rss_mb, done = list[float](), list[float](), 0
    with Tab(browser, place.live()) as tab:
        tab.drawn_s()
        tab.page.get_by_role("button", name="2 min").first.click()  # what is drawn is small, so refreshes are quick
        tab.cdp.send("Network.disable")  # the bench's own book-keeping would be what grows
        tab.hurry(PACE)
        begin_s, before = time.monotonic(), tab.asked()
        while done < REFRESHES and time.monotonic() - begin_s < limit_s:
            tab.rest(0.2)
            done = tab.asked() - before
            # In turn by refreshes, or by time where they are too slow for the limit.
            share = max(done / REFRESHES, (time.monotonic() - begin_s) / limit_s)
            if share * SAMPLES >= len(heap_mb) + 1:
                heap_mb.append(tab.heap_mb())
                rss_mb.append(place.rss_mb())
        return Growth(refreshes=done, seconds=time.monotonic() - begin_s, heap_mb=heap_mb, rss_mb=rss_mb)
