"""A tab of a real browser, and what it costs: bytes, main thread, heap, and how late it shows a tick."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS

LINES = ".js-plotly-plot .scatterlayer .trace path"
PATIENCE_MS = 60_000
FIGURES_SHOWN = """() => {
  const numbers = [...document.querySelectorAll(".orin-tile .orin-number")];
  return numbers.some((one) => /[0-9]/.test(one.textContent)) ? performance.now() : false;
}"""
CHART_DRAWN = f"() => document.querySelector({LINES!r}) ? performance.now() : false"
_PACE = """(() => {
  const real = window.setTimeout, ask = window.fetch;
  window.benchPace = 1;
  window.benchAsked = 0;
  window.setTimeout = (run, ms, ...rest) => real(run, ms >= 200 && ms <= 4500 ? ms * window.benchPace : ms, ...rest);
  window.fetch = (url, ...rest) => {
    if (String(url).includes("/api/live")) window.benchAsked += 1;
    return ask(url, ...rest);
  };
})()"""
_WATCH = """() => {
  const plot = document.querySelector(".js-plotly-plot");
  const end = (trace) => (trace.x && trace.x.length ? Number(trace.x[trace.x.length - 1]) || 0 : 0);
  const newest = () => Math.max(...plot.data.map(end));
  window.benchSeen = [];
  let last = newest();
  plot.on("plotly_afterplot", () => {
    const now = newest(), origin = Number(plot.dataset.originMs);
    if (now <= last) return;
    last = now;
    // Once the frame with it has been painted.
    requestAnimationFrame(() => setTimeout(() => {
      window.benchSeen.push([now - origin, performance.timeOrigin + performance.now()]);
    }, 0));
  });
}"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Starts the browser.

    Raises:
        SystemExit: there is none.
    """
    if not Path(CHROMIUM).exists():
        raise SystemExit("This bench needs chromium: apt-get install chromium.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield started
        finally:
            started.close()


class Wire:
    """Bytes that a tab sent and got for its live rows, and over its web socket, since it was last reset.

    Args:
        cdp: the tab's own connection.
        path: what in an address makes it a refresh.
    """

    def __init__(self, cdp: Any, path: str = "/api/live") -> None:
        self._path = path
        self._sent: dict[str, int] = {}
        self._got: dict[str, int] = {}
        self._live: set[str] = set()
        self.socket_bytes = 0
        cdp.on("Network.requestWillBeSent", self._asked)
        cdp.on("Network.requestWillBeSentExtraInfo", self._headers)
        cdp.on("Network.loadingFinished", self._finished)
        cdp.on("Network.webSocketFrameReceived", self._frame)
        cdp.on("Network.webSocketFrameSent", self._frame)
        cdp.send("Network.enable")

    def reset(self) -> None:
        """Forgets what was counted."""
        self._sent.clear()
        self._got.clear()
        self._live.clear()
        self.socket_bytes = 0

    def _asked(self, event: Any) -> None:
        if self._path in event["request"]["url"]:
            self._live.add(event["requestId"])
            self._sent[event["requestId"]] = self._sent.get(event["requestId"], 0) + len(event["request"]["url"]) + 12

    def _headers(self, event: Any) -> None:
        size = sum(len(name) + len(value) + 4 for name, value in event["headers"].items())
        self._sent[event["requestId"]] = self._sent.get(event["requestId"], 0) + size

    def _finished(self, event: Any) -> None:
        self._got[event["requestId"]] = int(event["encodedDataLength"])

    def _frame(self, event: Any) -> None:
        self.socket_bytes += len(event["response"]["payloadData"])

    def refreshes(self) -> list[tuple[int, int]]:
        """Returns bytes sent and got, headers included, of every refresh that is over."""
        return [(self._sent.get(one, 0), self._got[one]) for one in self._live if one in self._got]


class Tab:
    """One page in a window of its own.

    Args:
        browser: the browser.
        url: what it opens.
        slower: by how much the processor is made slower; 1 leaves it.
        context: the window to open it in; a new one, with an empty cache, where None.
        path: what in an address makes it a refresh.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        slower: float = 1.0,
        context: BrowserContext | None = None,
        path: str = "/api/live",
    ) -> None:
        self._closes = context is None
        self.context = context or browser.new_context(viewport={"width": 1280, "height": 720})
        self.page: Page = self.context.new_page()
        self.page.add_init_script(_PACE)
        self.cdp = self.context.new_cdp_session(self.page)
        # CPU time of the thread, so that what else runs on this machine is not counted.
        self.cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.wire = Wire(self.cdp, path)
        if slower != 1:
            self.cdp.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        self.page.goto(url, wait_until="commit", timeout=PATIENCE_MS)

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        if self._closes:
            self.context.close()
        else:
            self.page.close()

    def drawn_s(self, condition: str = CHART_DRAWN) -> float:
        """Waits for the first line of the chart, or another condition; returns the seconds since navigation began."""
        handle = self.page.wait_for_function(condition, polling="raf", timeout=PATIENCE_MS)
        return float(handle.json_value()) / 1000

    def first_contentful_s(self) -> float:
        """Returns when the browser painted anything at all, s since navigation began."""
        found = self.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
        return float(found) / 1000

    def rest(self, seconds: float) -> None:
        """Lets the page do what it does."""
        self.page.wait_for_timeout(seconds * 1000)

    def busy_s(self) -> float:
        """Returns the time that the main thread has been busy, s."""
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    def heap_mb(self) -> float:
        """Returns the JavaScript heap after a collection, MB."""
        for _ in range(2):  # what the first one finalises, the second one frees
            self.cdp.send("HeapProfiler.collectGarbage")
        return float(self.cdp.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def hurry(self, pace: float) -> None:
        """Multiplies every wait of the page between 0.2 and 4.5 s."""
        self.page.evaluate("(pace) => { window.benchPace = pace; }", pace)

    def asked(self) -> int:
        """Returns how often the page has asked for rows."""
        return int(self.page.evaluate("window.benchAsked"))

    def watch(self) -> None:
        """Begins to note when ticks are shown."""
        self.page.evaluate(_WATCH)

    def seen(self) -> list[tuple[float, float]]:
        """Returns every painted frame with something new: its newest tick, s since the run began, and when, unix s."""
        found = self.page.evaluate("window.benchSeen")
        return [(elapsed_ms / 1000, now_ms / 1000) for elapsed_ms, now_ms in found]
