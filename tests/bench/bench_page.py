"""What the pages cost in a real browser, with 1 h and with 24 h of rows at 10 Hz behind the run that is shown.

A run that goes on is written by a program that holds the board (``tests.bench.page.writer``); server and browser are
real. CPU times are those of their own threads, but on a busy machine caches, clocks and waits scatter all the same.
"""

from __future__ import annotations

import dataclasses
import os
import time

from playwright.sync_api import Browser

from tests.bench.page import cost, long, paint, shelf, sweeping
from tests.bench.page.cost import Cost
from tests.bench.page.place import place
from tests.bench.page.tab import chromium
from tests.bench.rows import Row, as_table

WIRE_BYTES = 2000.0
SERVER_MS_S = 10.0
BUSY_MS_S = 150.0
RATIO = 1.5
LATE_S = 0.3
TABS_RATIO = 5.0
LIVE_PAINT_S = 2.0
RUNS_PAINT_S = 1.5
RUNS = 1000
DONE = 16
"""Finished runs of the sweep that is looked at, of 24."""
HEAP_MB = 3.0
"""So much the heap may grow from the second third of the refreshes to the last and still be called flat: 2 kB each."""
RSS_MB = 5.0
SLOWER = 6.0
LONG_S = 600.0
"""So long at most the long look takes."""
REFRESH_S = 1.0
LIGHT_REFRESH_S = 4.0
HURRIED = 4.0
CALM = 20
"""Refreshes of the lighter view at its own pace: four ticks in each."""


def _aim(name: str, value: float, limit: float, unit: str, note: str, decimals: int = 1) -> Row:
    verdict = "PASS" if value <= limit else "FAIL"
    how = f"target <= {limit:g} {unit}: {verdict}; {note}; load {os.getloadavg()[0]:.1f}"
    return Row(name=name, value=value, unit=unit, how=how, decimals=decimals)


def _rows(label: str, found: Cost, at_own_pace: Cost | None = None) -> list[Row]:
    """Rows of one tab; where it was hurried, how late it shows a tick is that of its own pace."""
    median = f"median of {found.refreshes} refreshes"
    wire = f"{median}, both ways with headers; answer alone {found.answer_bytes:.0f}, mean {found.wire_mean_bytes:.0f}"
    server = f"{found.server_ms:.2f} ms a refresh, one tab"
    busy = f"median of seconds, CPU time of the thread; mean {found.busy_mean_ms_s:.0f}"
    interval_s = LIGHT_REFRESH_S if at_own_pace else REFRESH_S
    seen = at_own_pace or found
    late = f"95th percentile of {seen.ticks} ticks, refresh every {interval_s:g} s"
    return [
        _aim(f"{label}: wire", found.wire_bytes, WIRE_BYTES, "B", wire, 0),
        _aim(f"{label}: server", found.server_ms_s, SERVER_MS_S, "ms/s", server),
        _aim(f"{label}: main thread", found.busy_ms_s, BUSY_MS_S, "ms/s", busy, 0),
        _aim(f"{label}: tick to pixel", seen.late_s, interval_s + LATE_S, "s", late, 2),
    ]


def _at_own_pace(found: Cost) -> Cost:
    """Returns the cost of a tab that was hurried as if it had kept its own pace: the same work for each refresh."""
    # By the refreshes that there were: a slow processor does not keep up with being hurried.
    slower = LIGHT_REFRESH_S * found.refreshes / found.seconds
    return dataclasses.replace(
        found,
        seconds=found.seconds * slower,
        server_ms_s=found.server_ms_s / slower,
        busy_ms_s=found.busy_ms_s / slower,
        busy_mean_ms_s=found.busy_mean_ms_s / slower,
    )


def _ratio_rows(hour: Cost, day: Cost) -> list[Row]:
    pairs = (
        ("wire", day.wire_bytes, hour.wire_bytes),
        ("server", day.server_ms_s, hour.server_ms_s),
        ("main thread", day.busy_ms_s, hour.busy_ms_s),
    )
    return [_aim(f"24 h over 1 h: {name}", a / b, RATIO, "x", f"{a:.1f} over {b:.1f}", 2) for name, a, b in pairs]


def _hour(browser: Browser) -> tuple[Cost, list[Row]]:
    with place(hours=1) as hour:
        found = cost.one_tab(browser, hour)
    return found, _rows("1 h, 1 Hz", found)


def _day(browser: Browser) -> tuple[Cost, list[Row]]:
    with place(hours=24) as day:
        paints = paint.live_page(browser, day)
        one, five = cost.one_tab(browser, day), cost.five_tabs(browser, day)
        whole = cost.whole_run(browser, day)
        light = _at_own_pace(cost.light_tab(browser, day, slower=SLOWER, hurried=HURRIED))
        calm = cost.light_tab(browser, day, slower=SLOWER, hurried=1, refreshes=CALM)
    note = f"median of {paint.LOADS} with an empty cache, until the figures of the run stand; {paints.work}"
    lines = "the same loads, until the lines of the chart are drawn: Plotly's script alone runs 0.4 s; no target"
    first = f"figures, the first after the server's start, which took {day.started_s:.1f} s; no target"
    tabs = f"server {five.server_ms_s:.1f} over {one.server_ms_s:.1f} ms/s; {five.refreshes} refreshes"
    rows = [
        _aim("live page, 24 h", paints.median_s, LIVE_PAINT_S, "s", note, 2),
        Row(name="live page, 24 h, lines", value=paints.lines_s, unit="s", how=lines, decimals=2),
        Row(name="live page, 24 h, cold server", value=paints.first_s, unit="s", how=first, decimals=2),
        *_rows("24 h, 1 Hz", one),
        *_rows("24 h, whole run", whole),
        _aim("five tabs over one", five.server_ms_s / one.server_ms_s, TABS_RATIO, "x", tabs, 2),
        *_rows(f"lighter, {SLOWER:g}x slower", light, calm),
    ]
    return one, rows


def _fast(browser: Browser) -> list[Row]:
    with place(hours=24, interval_ms=100) as day:
        return _rows("24 h, 10 Hz", cost.one_tab(browser, day))


def _long(browser: Browser) -> list[Row]:
    # Ten ticks a second: many refreshes have something to draw, and there is time for all of them.
    with place(hours=1, interval_ms=100) as hour:
        growth = long.long_look(browser, hour, limit_s=LONG_S)
    reached = f"{growth.refreshes:,} of {long.REFRESHES:,}"
    note = f"over {reached} refreshes in {growth.seconds:.0f} s, from the second third to the last"
    heap = f"{note}: {' '.join(f'{one:.1f}' for one in growth.heap_mb)}"
    rss = f"{note}: {' '.join(f'{one:.0f}' for one in growth.rss_mb)}"
    return [
        _aim("JS heap, growth", growth.heap_growth_mb, HEAP_MB, "MB", heap),
        _aim("server RSS, growth", growth.rss_growth_mb, RSS_MB, "MB", rss),
    ]


def _sweeps(browser: Browser, refreshes: int = cost.REFRESHES) -> list[Row]:
    with place(hours=1) as hour:
        settings = hour.server.home.settings
        shelf.fill(settings.runs_dir, DONE)
        done = [one.name for one in sorted(settings.runs_dir.iterdir()) if one.name != hour.run_id]
        sweep = sweeping.make(settings, str(hour.run_id), done)
        with sweeping.cooling(sweep):
            cools = sweeping.look(browser, hour, sweep, chart=False, refreshes=refreshes)
        # With the live chart, which asks for itself every second: all of the page counts but its bytes.
        runs = sweeping.look(browser, hour, sweep, chart=True, refreshes=refreshes)
    return [*_sweep_rows("Sweeps, cooling", cools), *_sweep_rows("Sweeps, running, live chart", runs)]


def _sweep_rows(label: str, found: sweeping.SweepCost) -> list[Row]:
    wire = f"median of {found.refreshes} refreshes, both ways with headers; the largest {found.wire_most_bytes:.0f}"
    return [
        _aim(f"{label}: wire", found.wire_bytes, WIRE_BYTES, "B", wire, 0),
        _aim(f"{label}: server", found.server_ms_s, SERVER_MS_S, "ms/s", "one tab"),
        _aim(f"{label}: main thread", found.busy_ms_s, BUSY_MS_S, "ms/s", "median of seconds", 0),
    ]


def _shelf(browser: Browser) -> list[Row]:
    with place() as runs:
        shelf.fill(runs.server.home.settings.runs_dir, RUNS)
        paints = paint.runs_page(browser, runs)
    until = f"until the table is drawn; the first {paints.first_s:.2f} s"
    note = f"median of {paint.LOADS} with an empty cache, {until}; {paints.work}"
    return [_aim(f"Runs page, {RUNS} runs", paints.median_s, RUNS_PAINT_S, "s", note, 2)]


def _told(rows: list[Row]) -> list[Row]:
    """Prints rows as soon as they are there: the whole takes minutes."""
    print(as_table(rows), flush=True)
    return rows


def run() -> list[Row]:
    """Prints what a tab costs, each figure with its target; returns how many of the targets were kept, and the time.

    Raises:
        SystemExit: there is no chromium, or a target was missed.
        RuntimeError: the page did not refresh.
    """
    begin_s = time.monotonic()
    with chromium() as browser:
        hour, rows = _hour(browser)
        _told(rows)
        day, more = _day(browser)
        rows += _told([*more, *_ratio_rows(hour, day)])
        rows += _told(_sweeps(browser))
        rows += _told([*_shelf(browser), *_fast(browser)])
        rows += _told(_long(browser))
    held = [row for row in rows if "target <= " in row.how]
    missed = [row.name for row in held if ": FAIL;" in row.how]
    if missed:
        raise SystemExit(f"FAIL, {len(missed)} of {len(held)} targets: {', '.join(missed)}")
    note = f"of {len(held)} targets; the bench took {time.monotonic() - begin_s:.0f} s"
    return [Row(name="kept", value=len(held), unit="", how=note, decimals=0)]
