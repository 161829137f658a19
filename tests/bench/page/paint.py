"""How soon a page is there."""

from __future__ import annotations

import dataclasses
import math
import statistics

from playwright.sync_api import Browser

from tests.bench.page.place import Place
from tests.bench.page.tab import CHART_DRAWN, FIGURES_SHOWN, Tab

LOADS = 5
_TABLE = """() => {
  const done = document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]');
  const table = document.querySelector('[data-testid="stDataFrame"] canvas');
  return done && table && table.width > 0 ? performance.now() : false;
}"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paints:
    """Loads of a page in windows with an empty cache.

    Args:
        first_s: the first after the start of the server, s.
        median_s: median of those after it, s.
        lines_s: median time until the lines of the chart were drawn, s; NaN on a page without.
        any_s: median time until the browser painted anything at all, s.
        busy_s: median CPU time of the main thread in a load, s.
        server_s: mean CPU time of the server for a load, s.
    """

    first_s: float
    median_s: float
    lines_s: float
    any_s: float
    busy_s: float
    server_s: float

    @property
    def work(self) -> str:
        """Returns where the time goes: what is left of the whole is waiting for a processor."""
        anything = f"anything at all {self.any_s:.2f} s"
        return f"{anything}; CPU time of the main thread {self.busy_s:.2f} s, of the server {self.server_s:.2f} s"


def live_page(browser: Browser, place: Place) -> Paints:
    """Returns how soon the live page shows the figures of the run, and the lines of its chart."""
    return _paints(browser, place, place.live(), FIGURES_SHOWN, CHART_DRAWN)


def runs_page(browser: Browser, place: Place) -> Paints:
    """Returns how soon the page of runs shows its table."""
    return _paints(browser, place, f"{place.server.url}/runs", _TABLE)


def _paints(browser: Browser, place: Place, url: str, condition: str, last: str | None = None) -> Paints:
    shown_s, lines_s, any_s, busy_s, server_s = [], [], [], [], 0.0
    for number in range(LOADS + 1):
        if number == 1:
            server_s = place.cpu_s()
        with Tab(browser, url) as tab:
            shown_s.append(tab.drawn_s(condition))
            lines_s.append(tab.drawn_s(last) if last else math.nan)
            busy_s.append(tab.busy_s())
            any_s.append(tab.first_contentful_s())
    return Paints(
        first_s=shown_s[0],
        median_s=statistics.median(shown_s[1:]),
        lines_s=statistics.median(lines_s[1:]),
        any_s=statistics.median(any_s),
        busy_s=statistics.median(busy_s[1:]),
        server_s=(place.cpu_s() - server_s) / LOADS,
    )
