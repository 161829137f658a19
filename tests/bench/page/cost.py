"""What one open tab costs, and five."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
import time

from playwright.sync_api import Browser

from tests.bench.page.place import Place
from tests.bench.page.tab import Tab

REFRESHES = 60
SETTLE_S = 4.0
"""So long a tab is left alone before it is measured: the first draw and the server's first read are over."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What tabs cost while they showed a run.

    Args:
        seconds: how long they were looked at, s.
        refreshes: how many answers they got in all.
        wire_bytes: median of a refresh, both ways, headers included, with its share of the web socket.
        answer_bytes: median of an answer with its headers.
        wire_mean_bytes: mean of a refresh, both ways; long answers that come seldom count here.
        server_ms_s: CPU time of the server per second, ms/s.
        busy_ms_s: median over seconds of the main thread's CPU time, ms/s; of the first tab.
        busy_mean_ms_s: the mean of it.
        late_s: 95th percentile from a tick's own time to the frame that shows it, s; of the first tab.
        ticks: how many ticks that percentile is of.
    """

    seconds: float
    refreshes: int
    wire_bytes: float
    answer_bytes: float
    wire_mean_bytes: float
    server_ms_s: float
    busy_ms_s: float
    busy_mean_ms_s: float
    late_s: float
    ticks: int

    @property
    def server_ms(self) -> float:
        """CPU time of the server per refresh, ms."""
        return self.server_ms_s * self.seconds / max(1, self.refreshes)


def look(place: Place, tabs: list[Tab], *, refreshes: int = REFRESHES, limit_s: float = 90.0) -> Cost:
    """Looks at tabs until they have had so many refreshes in all.

    Args:
        place: the server.
        tabs: the tabs, their charts drawn.
        refreshes: how many to wait for.
        limit_s: longest time, s.
    """
    first = tabs[0]
    first.rest(SETTLE_S)
    first.watch()
    for tab in tabs:
        tab.wire.reset()
    begin_s, cpu_s, busy_s = time.monotonic(), place.cpu_s(), [first.busy_s()]
    while time.monotonic() - begin_s < limit_s and sum(len(tab.wire.refreshes()) for tab in tabs) < refreshes:
        first.rest(1.0)
        busy_s.append(first.busy_s())
    seconds, cpu_s = time.monotonic() - begin_s, place.cpu_s() - cpu_s
    sizes = [size for tab in tabs for size in tab.wire.refreshes()]
    if len(sizes) < refreshes:
        raise RuntimeError(f"{len(sizes)} refreshes in {seconds:.0f} s, {refreshes} were waited for.")
    socket = sum(tab.wire.socket_bytes for tab in tabs) / len(sizes)
    both = [sent + got + socket for sent, got in sizes]
    pace = seconds / (len(busy_s) - 1)
    late_s = delays_s(place, first.seen())
    return Cost(
        seconds=seconds,
        refreshes=len(sizes),
        wire_bytes=statistics.median(both),
        answer_bytes=statistics.median(got for _, got in sizes),
        wire_mean_bytes=statistics.fmean(both),
        server_ms_s=1000 * cpu_s / seconds,
        busy_ms_s=1000 * statistics.median(b - a for a, b in itertools.pairwise(busy_s)) / pace,
        busy_mean_ms_s=1000 * (busy_s[-1] - busy_s[0]) / seconds,
        late_s=statistics.quantiles(late_s, n=100)[94] if len(late_s) > 10 else math.inf,
        ticks=len(late_s),
    )


def delays_s(place: Place, seen: list[tuple[float, float]]) -> list[float]:
    """Returns how long after its own time each tick was in a painted frame, s.

    Args:
        place: what is shown.
        seen: the frames: newest tick, s since the run began, and when it was painted, unix s.
    """
    found: list[float] = []
    ticks = place.ticks_s()
    for (before_s, _), (newest_s, painted_s) in itertools.pairwise(seen):
        # A tick's text has thousandths, and so has what the chart makes of it.
        shown = [tick_s for tick_s in ticks if before_s + 0.0005 < tick_s <= newest_s + 0.0005]
        found += [painted_s - place.utc0_s - tick_s for tick_s in shown]
    return found


def one_tab(browser: Browser, place: Place) -> Cost:
    """Returns the cost of one tab on the live page."""
    with Tab(browser, place.live()) as tab:
        tab.drawn_s()
        return look(place, [tab])


def whole_run(browser: Browser, place: Place) -> Cost:
    """Returns the cost of one tab that shows the whole run."""
    with Tab(browser, place.live()) as tab:
        tab.drawn_s()
        tab.page.get_by_role("button", name="whole", exact=False).first.click()
        return look(place, [tab], refreshes=REFRESHES // 3)


def five_tabs(browser: Browser, place: Place) -> Cost:
    """Returns the cost of five tabs on the live page, for the server."""
    with Tab(browser, place.live()) as first:
        others = [Tab(browser, place.live(), context=first.context) for _ in range(4)]
        for tab in (first, *others):
            tab.drawn_s()
        return look(place, [first, *others], refreshes=REFRESHES + 20)


def light_tab(browser: Browser, place: Place, *, slower: float, hurried: float, refreshes: int = REFRESHES) -> Cost:
    """Returns the cost of the lighter view on a slow processor.

    Args:
        browser: the browser.
        place: the server.
        slower: by how much the processor is slower.
        hurried: how much faster than its own pace it refreshes, to save time.
        refreshes: how many to wait for.
    """
    with Tab(browser, place.live(light=True), slower=slower) as tab:
        tab.drawn_s()
        tab.hurry(1 / hurried)
        return look(place, [tab], refreshes=refreshes, limit_s=150.0)
