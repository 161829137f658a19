"""The Report page in a real browser: a newcomer's two questions, the mission view, the downloads."""

from __future__ import annotations

import re
import zipfile
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orin_core.runs import store
from orin_core.spec import RunSpec, to_json
from tests.conftest import Home
from tests.e2e.conftest import Server, Viewer
from tests.e2e.test_live import LONG_MS, number_input, settled
from tests.unit.dashboard.test_report_page import recorded, summary

pytestmark = pytest.mark.browser

TRACES = """() => [...document.querySelectorAll('.js-plotly-plot')].map(
  (plot) => plot.data.map((trace) => ({name: trace.name, count: trace.x.length})))"""


def open_report(server: Server, viewer: Viewer, query: str = "") -> Page:
    page = viewer.open(f"{server.url}/report{query}")
    expect(page.locator(".orin-results").first).to_be_visible(timeout=LONG_MS)
    settled(page)
    return page


def test_newcomer_answers_both_questions_from_the_page_alone(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    page.get_by_role("link", name="Report").click()
    expect(page.locator(".orin-results").first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("50W is slower than 30W").first).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".orin-finding", has_text="1497 MHz")).to_contain_text("1728 MHz")

    page = open_report(server, viewer, "?model=depth-anything")
    best = page.locator("td.best")
    expect(best).to_have_count(1)
    expect(best.locator("xpath=..")).to_contain_text("50W")
    expect(page.locator("tr.published", has_text="MAXN").locator("s")).to_have_count(5)
    expect(page.get_by_text("Published MAXN: what is marked † is wrong").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    viewer.shot(page, "report")


def test_mission_view_answers_and_draws_the_front(server: Server, viewer: Viewer) -> None:
    page = open_report(server, viewer, "?model=depth-anything")
    number_input(page, "Power cap (W)", "20")
    number_input(page, "Energy per orbit (Wh)", "10")
    expect(page.get_by_text("with at most 20 W: 30W, published")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".orin-figure", has_text="Images per orbit").locator("b")).to_have_text("3,630")
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached")
    traces: list[list[dict[str, Any]]] = page.evaluate(TRACES)
    assert [[trace["count"] for trace in chart] for chart in traces] == [[3, 3], [1, 3]]
    page.get_by_text("Mission", exact=True).scroll_into_view_if_needed()
    viewer.shot(page, "mission")

    # In whatever order: the page writes them one by one.
    asked = re.compile(r"/report\?(?=.*model=depth-anything-v2-base)(?=.*cap_w=20\b)(?=.*orbit_wh=10\b)")
    expect(page).to_have_url(asked, timeout=LONG_MS)
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", name="Mission")).to_have_count(0, timeout=LONG_MS)
    settled(page)  # while a script runs, Streamlit may show the next page under the old path
    page.get_by_role("link", name="Report").click()
    expect(page).to_have_url(asked, timeout=LONG_MS)
    page.reload()
    expect(page.get_by_text("with at most 20 W: 30W, published")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("spinbutton", name="Energy per orbit (Wh)")).to_have_value("10")
    # Tables that may be wider than the screen are reached and moved by keyboard.
    page.set_viewport_size({"width": 600, "height": 720})
    table = page.get_by_role("region", name="Results of")
    table.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_own_run_is_set_beside_the_published_row_and_the_report_downloads(
    home: Home, server: Server, viewer: Viewer
) -> None:
    document = summary("MODE_30W", 18.0, 12.0)
    folder = recorded(home.settings, document, ticks=30)
    store.write_json(folder.path / store.SPEC, to_json(RunSpec(model="resnet-152", dataset="cifar100")))
    page = open_report(server, viewer, "?model=resnet-152")
    expect(page.locator(".orin-results .badge")).to_contain_text("VALID")
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached")
    for label, ending in (("Markdown with plots (zip)", ".zip"), ("HTML, one file", ".html"), ("CSV", ".csv")):
        with page.expect_download(timeout=LONG_MS) as coming:
            page.get_by_role("button", name=label, exact=True).click()
        assert coming.value.suggested_filename == f"report_resnet-152{ending}"
        path = coming.value.path()
        assert path.stat().st_size > 0
        if ending == ".zip":
            with zipfile.ZipFile(path) as archive:
                assert "report.md" in archive.namelist()
    for file_format in ("csv", "scales", "parquet", "zip"):
        assert server.get(f"/api/runs/{document['run_id']}/export/{file_format}") == 200
    assert server.get(f"/api/runs/{document['run_id']}/export/nothing") == 400
