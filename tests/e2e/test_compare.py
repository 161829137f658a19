"""The Compare page in a real browser: a link that names runs, the list, the chart and what is said of the figures."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Home
from tests.e2e.conftest import ARTIFACTS, Server, Viewer
from tests.e2e.test_live import LONG_MS, settled
from tests.unit.report.built import imported, run
from tests.unit.report.folders import T0_S, write_run

pytestmark = pytest.mark.browser

HEADER = (
    "Index,Used RAM (MB),Used GR3D (%),GR3D Frequency (MHz),Elapsed (s),Phase,FPS,Power (W),Hottest Temperature (C)"
)
TRACES = """() => {
  const plot = document.querySelector('.js-plotly-plot');
  return plot.data.map((trace) => ({meta: trace.meta, x: Array.from(trace.x), y: Array.from(trace.y)}));
}"""
WIDE = "document.documentElement.scrollWidth <= window.innerWidth"


def lifelike(
    runs_dir: Path, summary: dict[str, Any], *, idle_s: int = 20, measure_s: int = 180, clock_mhz: int = 1300
) -> str:
    """Writes a run whose readings look like a board's: noise, a slow rise of heat, a dip of the clock, a gap."""
    folder = write_run(runs_dir, summary)
    noise = np.random.default_rng(measure_s + idle_s)
    fps, power_w = summary["fps_end_to_end"] or 0.0, summary["power_w_mean"]
    rows, heat_c = [HEADER], 38.0
    for second in range(idle_s + measure_s + 10):
        # A tick tells of the time before it.
        measured = idle_s < second <= idle_s + measure_s
        phase = "measure" if measured else "idle" if second <= idle_s else "cooldown"
        heat_c += ((30 + 1.4 * power_w if measured else 38.0) - heat_c) / 60
        if measured and 90 <= second - idle_s < 104:
            continue  # the reader was away
        load = min(100, 92 + noise.normal(0, 3)) if measured else 0
        warm = second in range(idle_s + 6, idle_s + measure_s + 1)  # live FPS is blank at first
        live_fps = f"{fps * noise.normal(1, 0.01):.3f}" if fps and warm else ""
        power = power_w * noise.normal(1, 0.02) if measured else 8.0 + noise.normal(0, 0.1)
        clock = clock_mhz - (150 if second % 60 > 50 else 0) if measured else 306
        rows.append(
            f"{second},{9600 + (1900 if measured else 0)},{load:.0f},{clock},{second}.000,{phase},{live_fps},"
            f"{power:.3f},{heat_c:.3f}"
        )
    (folder / "run.csv").write_text("\n".join(rows) + "\n")
    ends = f'"t_start_s": {T0_S + idle_s}, "t_end_s": {T0_S + idle_s + measure_s}'
    (folder / "events.jsonl").write_text(f'{{"kind": "done", "t_s": {T0_S}, "items": 10, {ends}}}\n')
    return folder.name


def four_runs(home: Home) -> list[str]:
    """Two modes that can be ranked, a simulated run and an imported log."""
    runs_dir = home.settings.runs_dir
    intervals: dict[str, Any] = {"fps_end_to_end": [20.9, 21.1], "energy_per_item_j": [0.700, 0.709]}
    slow: dict[str, Any] = {"fps_end_to_end": [15.2, 15.4], "energy_per_item_j": [0.793, 0.801]}
    simulated: dict[str, Any] = {"simulated": True, "source": "simulated", "weights": "random", "images": "synthetic"}
    return [
        lifelike(runs_dir, run(1, fps=21.0, power_w=14.8, intervals_95=intervals)),
        lifelike(runs_dir, run(2, mode="50W", fps=15.3, power_w=12.2, intervals_95=slow), idle_s=45, clock_mhz=828),
        lifelike(
            runs_dir,
            run(3, mode="30W", fps=9.0, power_w=21.0, status="simulated", **simulated),
            measure_s=110,
            clock_mhz=624,
        ),
        lifelike(runs_dir, imported(4, mode="15W", fps=10.6, power_w=10.1), idle_s=5, clock_mhz=420),
    ]


def open_compare(server: Server, viewer: Viewer, run_ids: list[str]) -> Page:
    page = viewer.open(f"{server.url}/compare?runs={','.join(run_ids)}")
    expect(page.locator(".orin-compared")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached", timeout=LONG_MS)
    settled(page)
    return page


def test_link_lays_runs_over_each_other_and_says_who_is_better(home: Home, server: Server, viewer: Viewer) -> None:
    run_ids = four_runs(home)
    page = open_compare(server, viewer, run_ids)
    expect(page.locator(".orin-compared tr.first")).to_have_count(4)
    expect(page.locator(".orin-compared")).to_contain_text("SIMULATED BOARD")
    expect(page.locator(".orin-said")).to_contain_text("MAXN gives most images per joule")
    expect(page.locator(".orin-texts").first).to_contain_text("Origin")

    traces = {trace["meta"]: trace for trace in page.evaluate(TRACES)}
    assert len(traces) == 24
    with (home.settings.runs_dir / run_ids[1] / "run.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["Phase"] == "measure"]
    plotted = traces[f"power_w {run_ids[1]}"]
    known = [(x, y) for x, y in zip(plotted["x"], plotted["y"], strict=True) if y is not None]
    assert known == [(float(row["Elapsed (s)"]) - 45, float(row["Power (W)"])) for row in rows]
    assert plotted["y"].count(None) == 1, "the time without a reader is a gap"
    assert page.evaluate(WIDE)
    viewer.shot(page, "compare")
    page.set_viewport_size({"width": 820, "height": 1180})
    page.wait_for_function(WIDE)
    page.screenshot(path=ARTIFACTS / "compare-tablet.png", full_page=True)

    page.get_by_text("In what they differ").scroll_into_view_if_needed()
    viewer.shot(page, "compare-settings")
    page.get_by_test_id("stButtonGroup").get_by_text("Whole run").click()
    settled(page)
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot')?.data?.some((trace) => Math.min(...trace.x) < 0)"
    )


def test_runs_are_found_by_typing_and_the_address_follows(home: Home, server: Server, viewer: Viewer) -> None:
    run_ids = four_runs(home)
    page = viewer.open(f"{server.url}/compare")
    expect(page.get_by_text("Choose 2 to 8 runs above")).to_be_visible(timeout=LONG_MS)
    viewer.shot(page, "compare-empty")
    field = page.get_by_role("combobox", name=re.compile("Runs"))
    for typed in ("50W", "MAXN"):
        field.fill(typed)
        # The list is drawn anew while it is filtered, and Enter takes every run until it is: wait for the one.
        page.wait_for_function(
            "typed => [...document.querySelectorAll('[role=option]')].every((one) => /select|"
            + typed
            + "/i.test(one.textContent))",
            arg=typed,
            timeout=LONG_MS,
        )
        page.get_by_role("option", name=re.compile(typed)).last.dispatch_event("click", timeout=LONG_MS)
        settled(page)
    expect(page.locator(".orin-compared tr.first")).to_have_count(2, timeout=LONG_MS)
    page.wait_for_url(re.compile(f"runs={run_ids[1]}(,|%2C){run_ids[0]}"), timeout=LONG_MS)
    field.press("Escape")

    page.get_by_test_id("stButtonGroup").get_by_text("Power", exact=True).click()
    page.get_by_test_id("stButtonGroup").get_by_text("Whole run").click()
    settled(page)
    whole = "() => { const data = document.querySelector('.js-plotly-plot')?.data;"
    whole += " return data?.length === 10 && data.some((trace) => Math.min(...trace.x) < 0); }"
    page.wait_for_function(whole)
    page.wait_for_url(re.compile("part=whole"), timeout=LONG_MS)
    page.get_by_role("link", name="Live").click()
    expect(page.locator(".orin-compared")).to_have_count(0, timeout=LONG_MS)
    settled(page)  # while a script runs, Streamlit may show the next page under the old path
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url(re.compile(f"/compare.*runs={run_ids[1]}.*panes=.*part=whole"), timeout=LONG_MS)
    page.reload()
    expect(page.locator(".orin-compared tr.first")).to_have_count(2, timeout=LONG_MS)
    page.wait_for_function(whole, timeout=LONG_MS)
