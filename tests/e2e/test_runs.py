"""The Runs page in a real browser: many runs, ticks, deep links, one run in detail, deletion."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from orin_core.runs import store
from orin_core.runs.notes import read_notes
from orin_core.runs.recording import Recording
from tests.conftest import wait_for
from tests.e2e.conftest import Server, Viewer
from tests.e2e.test_live import LONG_MS, PLOT, settled
from tests.e2e.test_verdict import make_run

pytestmark = pytest.mark.browser

TABLE = '[data-testid="stDataFrame"] canvas'


READ_ANYWAY = (
    "See http://e.example/a?b or HTTPS://e.example, www.e.example, a.b@e.example: :material/home: :smile: :streamlit: "
    "a -> b <- c <-> d -- e >= f <= g ~= h *i* $j$ :red[k]"
)
"""What Streamlit makes links, icons and other signs of."""


def runs_dir(server: Server) -> Path:
    return server.home.root / "data" / "runs"


def tick(page: Page, row: int) -> None:
    """Ticks a row at the left edge; the table is a canvas, its rows are 35 px high below a head of the same."""
    settled(page)
    table = page.get_by_test_id("stDataFrame")
    wait_for(lambda: table.bounding_box() is not None, "the table")
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 15, box["y"] + 35 * (row + 1) + 17)
    settled(page)


def no_sideways_scrolling(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_runs_are_found_by_the_address_compared_and_deleted(server: Server, viewer: Viewer) -> None:
    made = [
        make_run(runs_dir(server), f"000{place}", fps_end_to_end=10.0 + place, power_mode=mode)
        for place, mode in enumerate(("MAXN", "MODE_30W", "MODE_30W"))
    ]
    page = viewer.open(f"{server.url}/runs?mode=MODE_30W&sort=fps")
    expect(page.get_by_text("2 of 3 runs")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector(TABLE)
    settled(page)
    assert no_sideways_scrolling(page)
    tick(page, 0)
    expect(page.get_by_role("button", name="Open this run")).to_be_visible(timeout=LONG_MS)
    tick(page, 1)
    compare = page.get_by_role("link", name="Compare 2 runs")
    expect(compare).to_be_visible(timeout=LONG_MS)
    viewer.shot(page, "runs-ticked")
    page.set_viewport_size({"width": 1280, "height": 720})
    compare.click()
    page.wait_for_url(re.compile(r"/compare\?runs="), timeout=LONG_MS)
    assert all(run_id in page.url for run_id in made[1:])
    assert made[0] not in page.url
    page.go_back()
    page.wait_for_url(re.compile(r"/runs\?mode=MODE_30W&sort=fps$"), timeout=LONG_MS)
    expect(page.get_by_text("2 of 3 runs")).to_be_visible(timeout=LONG_MS)

    page.goto(f"{server.url}/runs?q=0001")
    page.wait_for_selector(TABLE)
    settled(page)
    tick(page, 0)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Delete this run for good?")).to_be_visible(timeout=LONG_MS)
    viewer.shot(page, "runs-delete")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Delete this run for good?")).to_be_hidden(timeout=LONG_MS)
    assert len(server.home.runs) == 3
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("No run is like this")).to_be_visible(timeout=LONG_MS)
    assert [folder.name for folder in server.home.runs] == [made[0], made[2]]


def test_run_in_detail_has_everything_and_keeps_notes(server: Server, viewer: Viewer) -> None:
    run_id = make_run(runs_dir(server), "0a1b", state="failed", message=READ_ANYWAY)
    recording = Recording(folder=runs_dir(server) / run_id)
    (recording.folder / store.WORKER_LOG).write_text("loading <b>weights</b>\n")
    page = viewer.open(f"{server.url}/runs?run={run_id}")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    box = page.get_by_test_id("stAlert").first
    expect(box).to_contain_text(READ_ANYWAY)
    assert box.locator("a, img, [role=img]").count() == 0
    verdict, tiles = page.locator(".orin-judged"), page.locator(".orin-figures")
    first, second = verdict.bounding_box(), tiles.bounding_box()
    assert first is not None
    assert second is not None
    assert first["y"] < second["y"] < 720
    viewer.shot(page, "detail-top")
    page.set_viewport_size({"width": 820, "height": 1180})
    assert no_sideways_scrolling(page)
    page.get_by_text("Notes (none yet)").click()
    area = page.get_by_role("textbox", name="Notes")
    area.fill("Lid open, fan at full speed.")
    page.get_by_role("button", name="Save notes").click()
    wait_for(lambda: read_notes(recording) == "Lid open, fan at full speed.", "the notes on disk")
    page.reload()
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("Lid open, fan at full speed.", timeout=LONG_MS)
    page.get_by_text("Environment", exact=True).click()
    expect(page.get_by_role("cell", name="Power mode", exact=True).first).to_be_visible(timeout=LONG_MS)
    page.get_by_text("Events and logs").click()
    expect(page.get_by_text("loading <b>weights</b>")).to_be_visible()
    page.get_by_text("Events and logs").scroll_into_view_if_needed()
    viewer.shot(page, "detail-below")
    page.get_by_role("button", name="Repeat this run").click()
    said = "The form is filled as for the earlier run, but for: weights that are random"
    expect(page.get_by_text(said)).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled(timeout=LONG_MS)
    viewer.shot(page, "repeat")


def test_thousand_runs_are_shown_and_filtered(server: Server, viewer: Viewer) -> None:
    first = make_run(runs_dir(server), "0000")
    summary = json.loads((runs_dir(server) / first / store.SUMMARY).read_text())
    for place in range(1, 1000):
        run_id = f"20260102T030405Z_resnet-152_cifar100_MAXN_{place:04x}"
        (runs_dir(server) / run_id).mkdir()
        store.write_json(runs_dir(server) / run_id / store.SUMMARY, {**summary, "run_id": run_id})
    shutil.rmtree(runs_dir(server) / first)
    page = viewer.open(f"{server.url}/runs")
    expect(page.get_by_text("999 runs")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector(TABLE)
    page.get_by_role("textbox", name="Search").fill("_03e7")
    page.get_by_role("textbox", name="Search").press("Enter")
    expect(page.get_by_text("1 of 999 runs")).to_be_visible(timeout=LONG_MS)
    assert "q=_03e7" in page.url
    page.reload()
    expect(page.get_by_text("1 of 999 runs")).to_be_visible(timeout=LONG_MS)


def test_first_page_to_csv_is_four_clicks_at_most(server: Server, viewer: Viewer) -> None:
    """A run's own time aside; here it has ended, and the long way over the Runs page is taken."""
    run_id = make_run(runs_dir(server), "0a1b")
    page = viewer.open(server.url)
    page.get_by_role("link", name="Runs", exact=True).click()
    page.wait_for_selector(TABLE, timeout=LONG_MS)
    settled(page)
    tick(page, 0)
    page.get_by_role("button", name="Open this run").click()
    with page.expect_download() as download:
        page.locator(".orin-links").get_by_text("CSV", exact=True).click()
    assert download.value.suggested_filename == f"{run_id}.csv"


def test_first_visit_on_three_screens(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    expect(page.get_by_text("A simulated board is on")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    for width, height in ((820, 1180), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        assert no_sideways_scrolling(page)
    viewer.shot(page, "first-visit")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.get_by_role("link", name="Bring in an old").click()
    page.wait_for_url(re.compile("/import"), timeout=LONG_MS)
