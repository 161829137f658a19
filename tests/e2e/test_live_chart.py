"""The live chart, fed from a run that this test writes: what is shown is known to the digit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from orin_core.runs import store
from tests.conftest import wait_for
from tests.e2e.conftest import Server, Viewer
from tests.e2e.live_story import ENVIRONMENT, GAP_S, PHASES, Story
from tests.e2e.test_live import LONG_MS, PLOT

pytestmark = pytest.mark.browser

CHART = "document.querySelector('.orin').liveChart"
DRAWN = """() => {
  const plot = document.querySelector('.js-plotly-plot');
  const time = (x) => (x === null ? null : (x - plot.dataset.originMs) / 1000);
  return Object.fromEntries(plot.data.map((trace) => [trace.meta, trace.x.map((x, i) => [time(x), trace.y[i]])]));
}"""


@pytest.fixture
def story(server: Server) -> Iterator[Story]:
    """A run of 150 s with phases, a throttled stretch, a gap and three events."""
    made = Story(server, behind_s=150).begin()
    at = made.recorder.t0_s
    made.journal.notice("mode", "The power mode is now 30W instead of MAXN.", at + 70)
    made.journal.notice("restarted", "tegrastats was started again.", at + 118)
    made.recorder.event("item_failed", at + 130, name="/data/images/0007.jpg", reason="truncated")
    made.journal.write_status(None, force=True)
    yield made
    made.end()


def opened(server: Server, viewer: Viewer, query: str = "") -> Page:
    page = viewer.open(f"{server.url}/{query}")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    return page


def number(cell: str, scale: float = 1) -> float | None:
    return None if cell == "" else float(cell) / scale


def tile(page: Page, name: str) -> str:
    return page.locator(f'[data-tile="{name}"]').inner_text()


def drawn(page: Page) -> dict[str, list[list[float | None]]]:
    found: dict[str, list[list[float | None]]] = page.evaluate(DRAWN)
    return found


def asked(requests: list[str], name: str) -> list[str | None]:
    """Values of one parameter in the calls of /api/live."""
    return [parse_qs(urlsplit(url).query).get(name, [None])[0] for url in requests if "/api/live" in url]


def watch(page: Page) -> list[str]:
    """Addresses that the page asks from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        found.append(request.url)

    page.on("request", note)
    return found


def test_tiles_panes_and_marks(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    page.get_by_role("button", name="whole", exact=True).click()
    wait_for(lambda: "1300 MHz" in tile(page, "gr3d"), "a present value")
    assert "over idle" in tile(page, "ram")
    power_w, fps = (float(page.locator(f'[data-tile="{name}"] .orin-number').inner_text()) for name in ("power", "fps"))
    # The figures are rounded, each to its last digit.
    energy_j = float(page.locator('[data-tile="energy"] .orin-number').inner_text())
    assert energy_j == pytest.approx(power_w / fps, rel=0.01)
    # 97 °C stays below the 99 °C of the trip point, near enough for a word and a border.
    expect(page.locator('[data-tile="temperature"].orin-hot')).to_contain_text("near throttling")
    titles = page.locator(".orin-pane-title b").all_inner_texts()
    assert titles == ["GPU load", "GPU clock", "Throughput", "Memory", "Temperature", "Power"]
    assert page.locator(".orin-phase-name").all_inner_texts()[0] == "idle"
    assert page.locator(".orin-phase").count() == len(PHASES)
    assert page.locator(".orin-throttled").count() == 1
    expect(page.locator(".orin-pane-title", has_text="Memory")).to_contain_text("idle 9.4")
    expect(page.locator(".orin-pane-title", has_text="Temperature")).to_contain_text("throttles at 99")
    expect(page).to_have_title(re.compile(r"^running \d+ % · resnet-152 - Orin dashboard$"))
    for text in ("power mode: The power mode is now 30W", "tegrastats was started again", "0007.jpg could not be read"):
        mark = page.get_by_role("button", name=re.compile(text))
        mark.focus()
        expect(mark.locator(".orin-mark-text")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    viewer.shot(page, "chart")


def test_plotted_is_the_file_and_rails_are_stacked(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    page.get_by_role("button", name="whole", exact=True).click()
    story.still()
    rows = story.rows()
    wait_for(lambda: len([y for _, y in drawn(page)["Used GR3D (%)"] if y is not None]) == len(rows), "every row")
    found = drawn(page)
    assert [y for _, y in found["Latency (ms)"] if y is not None] == [
        float(row["Latency (ms)"]) for row in rows if row["Latency (ms)"]
    ]
    inside = [y for x, y in found["Used GR3D (%)"] if x is not None and GAP_S[0] - 1 < x < GAP_S[1]]
    assert inside == [None], "eight silent seconds are a gap"
    total = [number(row["Power (W)"]) for row in rows]
    top = {x: y for x, y in found["sum:VDDQ_VDD2_1V8AO Current (mW)"] if y}
    seconds = [float(row["Elapsed (s)"]) for row in rows]
    assert [top[second] for second in seconds] == pytest.approx(total, abs=1e-6)


def test_pause_keeps_collecting_and_says_so(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    chart = page.get_by_role("group", name=re.compile("Charts over time"))
    chart.focus()
    page.keyboard.press("Space")
    expect(page.locator(".orin-paused")).to_contain_text("Paused at")
    before = drawn(page)["Power (W)"]
    held = page.evaluate(f"{CHART}.rows.length")
    wait_for(lambda: page.evaluate(f"{CHART}.rows.length") >= held + 2, "two ticks")
    assert drawn(page)["Power (W)"] == before
    expect(page.locator(".orin-paused")).to_contain_text(re.compile(r"[2-9]\d* new ticks are kept"))
    viewer.shot(page, "chart-paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".orin-paused")).to_be_hidden()
    assert len(drawn(page)["Power (W)"]) >= len(before) + 2


def test_zoom_into_a_long_run_shows_every_row(server: Server, viewer: Viewer) -> None:
    made = Story(server, behind_s=9000).begin()
    try:
        page = opened(server, viewer)
        page.get_by_role("button", name="whole", exact=True).click()
        wait_for(lambda: page.evaluate(f"{CHART}.span") == 0 and len(drawn(page)["Power (W)"]) > 1000, "the whole run")
        assert len(drawn(page)["Power (W)"]) <= 1500
        requests = watch(page)
        box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.5 * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.53 * box["width"], middle, steps=6)
        page.mouse.up()
        wait_for(lambda: page.evaluate(f"Boolean({CHART}.detail)"), "the finer rows")
        low, high = page.evaluate(f"{CHART}.userRange.map((ms) => (ms - {CHART}.origin) / 1000)")
        assert any(asked(requests, "from"))
        wanted = [
            (float(row["Elapsed (s)"]), float(row["Power (W)"]))
            for row in made.rows()
            if low <= float(row["Elapsed (s)"]) <= high
        ]
        shown = [(x, y) for x, y in drawn(page)["Power (W)"] if x is not None and low <= x <= high]
        assert len(wanted) > 100
        assert shown == wanted
        page.mouse.dblclick(box["x"] + 0.5 * box["width"], middle)
        expect(page.get_by_role("button", name="back to live")).to_be_hidden()
    finally:
        made.end()


def test_cores_are_asked_for_only_while_their_heat_map_is_open(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    requests = watch(page)
    fold = page.get_by_role("button", name="CPU cores")
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.click()
    image = page.get_by_role("img", name=re.compile("Load of 12 CPU cores"))
    expect(image).to_be_visible(timeout=LONG_MS)
    assert asked(requests, "cores")[-1] == "1"
    # Row by row: eleven cores are on, the twelfth is off and has no colour at all.
    painted: list[bool] = image.evaluate(
        """(canvas) => Array.from({ length: canvas.height }, (_, row) =>
        canvas.getContext('2d').getImageData(0, row, canvas.width, 1).data.some((value) => value > 0))"""
    )
    assert painted == [True] * 11 + [False]
    page.evaluate("document.querySelector('.orin-cores').scrollIntoView()")
    viewer.shot(page, "chart-cores")
    fold.click()
    expect(image).to_be_hidden()
    with page.expect_request(lambda request: "/api/live" in request.url) as refresh:
        pass
    assert asked([refresh.value.url], "cores") == [None]


def test_run_without_images_has_no_throughput_pane(server: Server, viewer: Viewer) -> None:
    made = Story(server, behind_s=120, fps=False).begin()
    made.end()
    store.write_json(made.folder / store.STATUS, {**ENVIRONMENT, "state": "done", "interval_ms": 1000})
    store.write_json(made.folder / store.SUMMARY, {"run_id": made.run_id, "state": "done"})
    page = opened(server, viewer, f"runs?run={made.run_id}")
    titles = page.locator(".orin-pane-title b").all_inner_texts()
    assert "Power" in titles
    assert "Throughput" not in titles


def test_lighter_view_asks_for_less(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer, "?light=1")
    expect(page.locator(".orin-badge", has_text="lighter view")).to_be_visible()
    expect(page.get_by_role("button", name="CPU cores")).to_have_count(0)
    with page.expect_request(lambda request: "/api/live" in request.url) as refresh:
        pass
    assert asked([refresh.value.url], "points") == ["600"]
    assert page.evaluate(f"{CHART}.delayMs()") == 2000
    assert "soc0 Temperature (C)" not in drawn(page)
    viewer.shot(page, "chart-light-view")


def test_values_are_read_with_the_keyboard(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    chart = page.get_by_role("group", name=re.compile("Charts over time"))
    chart.focus()
    page.keyboard.press("ArrowLeft")
    read_s: float = page.evaluate(f"({CHART}.stage.hoverMs - {CHART}.origin) / 1000")
    row = next(row for row in story.rows() if float(row["Elapsed (s)"]) == read_s)
    said = page.locator(".orin-heard")
    expect(said).to_contain_text(f"GR3D {row['Used GR3D (%)']} %")
    expect(page.locator(".orin-crosshair")).to_have_count(1)
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="back to live")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="back to live")).to_be_hidden()


def test_nothing_moves_for_who_wants_less_motion(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    moving = "() => getComputedStyle(document.querySelector('.orin-fill')).transitionDuration"
    assert page.evaluate(moving) != "0s"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == "0s"


def test_old_rows_leave_a_window_that_moves_on(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    page.get_by_role("button", name="2 min", exact=True).click()
    wait_for(lambda: page.evaluate(f"{CHART}.span") == 120, "the window")
    ticks: int = page.evaluate(f"{CHART}.ticks")
    wait_for(lambda: page.evaluate(f"{CHART}.ticks") > ticks + 2, "ticks")
    span_s: float = page.evaluate(f"({CHART}.rows.endMs - {CHART}.rows.x[0]) / 1000")
    assert 119 <= span_s <= 130
