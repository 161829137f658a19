"""``python -m tests.bench.page.profile``: where the main thread's time goes while the live page is open.

Prints the functions with the most time of their own, per second, and what the browser itself does (style, layout,
paint), so that a target which was missed leads to a line of code.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from playwright.sync_api import CDPSession

from tests.bench.page.cost import SETTLE_S
from tests.bench.page.place import place
from tests.bench.page.tab import Tab, chromium

_OF_THE_BROWSER = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration", "V8CompileDuration")


def _metrics(cdp: CDPSession) -> dict[str, float]:
    return {one["name"]: float(one["value"]) for one in cdp.send("Performance.getMetrics")["metrics"]}


def _own_times_ms(found: dict[str, Any]) -> Counter[str]:
    """Returns the time of its own of every function, ms, by name and place."""
    names = {}
    for node in found["nodes"]:
        frame = node["callFrame"]
        file = frame["url"].rpartition("/")[2].partition("?")[0] or "browser"
        names[node["id"]] = f"{frame['functionName'] or '(anonymous)'} {file[:40]}:{frame['lineNumber'] + 1}"
    times: Counter[str] = Counter()
    for node_id, delta_us in zip(found["samples"], found["timeDeltas"], strict=True):
        times[names[node_id]] += delta_us / 1000
    return times


def main() -> None:
    """Opens the live page of a run and prints where its time goes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page.profile")
    parser.add_argument("--hours", type=float, default=1.0, help="rows behind the run, h")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to look, s")
    parser.add_argument("--light", action="store_true", help="the lighter view")
    parser.add_argument("--rows", type=int, default=25, help="functions to print")
    asked = parser.parse_args()
    with chromium() as browser, place(hours=asked.hours) as shown, Tab(browser, shown.live(light=asked.light)) as tab:
        tab.drawn_s()
        tab.rest(SETTLE_S)
        cpu_s, before = shown.cpu_s(), _metrics(tab.cdp)
        tab.cdp.send("Profiler.enable")
        tab.cdp.send("Profiler.setSamplingInterval", {"interval": 500})
        tab.cdp.send("Profiler.start")
        tab.rest(asked.seconds)
        found = tab.cdp.send("Profiler.stop")["profile"]
        after, cpu_s = _metrics(tab.cdp), shown.cpu_s() - cpu_s
    print(f"server {1000 * cpu_s / asked.seconds:.1f} ms/s")
    for name in _OF_THE_BROWSER:
        print(f"{name:<22} {1000 * (after[name] - before[name]) / asked.seconds:7.1f} ms/s")
    for name, spent_ms in _own_times_ms(found).most_common(asked.rows):
        print(f"{spent_ms / asked.seconds:8.2f} ms/s  {name}")


if __name__ == "__main__":
    main()
