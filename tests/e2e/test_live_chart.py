"""The live chart, fed from a run that this test writes: what is shown is known to the digit."""

from __future__ import annotations

import re
import time
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

STACKED_AND_TOTAL = """() => {
  const { data } = document.querySelector('.js-plotly-plot');
  const values = (found) => data.find(found).y.filter((y) => y);
  return [values((trace) => trace.meta.startsWith('sum:')), values((trace) => trace.meta === 'Power (W)')];
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
    # Only what does not change with every tick is read aloud.
    expect(page.locator(".orin-heard")).to_have_text(re.compile("^Paused at [0-9:]+[.]$"))
    assert page.locator(".orin-paused[role], .orin-paused [role]").count() == 0
    # A whole window comes anew, a much shorter one: what is looked at stays, and can be read.
    page.evaluate(f"{CHART}.setSpan(5)")
    wait_for(lambda: page.evaluate(f"{CHART}.rows.length") < 10, "another window")
    page.evaluate(f"{CHART}.resized()")
    assert drawn(page)["Power (W)"] == before
    page.get_by_role("button", name="CPU cores").click()
    expect(page.get_by_role("img", name=re.compile("Load of 12 CPU cores"))).to_be_visible(timeout=LONG_MS)
    inside = page.evaluate(f"{CHART}.paused.range.map((ms) => (ms - {CHART}.origin) / 1000)")
    again = [one for one in drawn(page)["Power (W)"] if one[0] is not None and inside[0] <= one[0] <= inside[1]]
    assert again == [one for one in before if one[0] is not None and inside[0] <= one[0] <= inside[1]]
    page.evaluate(f"{CHART}.stage.read({CHART}.paused.range[0] + 60_000)")
    expect(page.locator(".orin-line-label", has_text="GR3D")).to_be_visible()
    page.get_by_role("button", name="whole", exact=True).click()
    expect(page.locator(".orin-paused")).to_be_hidden()
    assert len(drawn(page)["Power (W)"]) >= len(before) + 2


def test_zoom_into_a_long_run_shows_every_row(server: Server, viewer: Viewer) -> None:
    made = Story(server, behind_s=9000).begin()
    try:
        page = opened(server, viewer)
        page.get_by_role("button", name="whole", exact=True).click()
        wait_for(lambda: page.evaluate(f"{CHART}.span") == 0 and len(drawn(page)["Power (W)"]) > 1000, "the whole run")
        wait_for(lambda: page.evaluate(f"{CHART}.rows.length") > 1502, "more rows than are drawn")
        assert len(drawn(page)["Power (W)"]) <= 1500
        # Extremes of single rails belong to different instants: the stack is what there was at one of them.
        stacked, total = page.evaluate(STACKED_AND_TOTAL)
        assert stacked == pytest.approx(total, rel=1e-6)
        reading = f"(ms) => {{ {CHART}.stage.read(ms); return {CHART}.stage.view.thinned; }}"
        assert page.evaluate(reading, page.evaluate(f"{CHART}.rows.x[100]")) is True
        newest = f"() => ({reading})({CHART}.rows.endMs)"
        wait_for(lambda: page.evaluate(newest) is False, "a newest row that came as a tick of its own")
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
        # With the cores come other columns: the finer rows are asked for with them.
        page.get_by_role("button", name="CPU cores").click()
        wait_for(lambda: page.evaluate(f"{CHART}.detail?.columns.includes('CPU 1 Load (%)')"), "the loads of the cores")
        assert [(x, y) for x, y in drawn(page)["Power (W)"] if x is not None and low <= x <= high] == wanted
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


def test_run_of_prompts_speaks_of_no_images_and_has_no_throughput_pane(server: Server, viewer: Viewer) -> None:
    made = Story(server, behind_s=120, fps=False).begin()
    made.end()
    status = {**ENVIRONMENT, "state": "done", "interval_ms": 1000, "items_done": 12, "items_total": 100}
    store.write_json(made.folder / store.STATUS, status)
    store.write_json(made.folder / store.ENVIRONMENT, {**ENVIRONMENT, "model_spec": {"task": "text-generation"}})
    store.write_json(made.folder / store.SUMMARY, {"run_id": made.run_id, "state": "done"})
    page = opened(server, viewer, f"runs?run={made.run_id}")
    titles = page.locator(".orin-pane-title b").all_inner_texts()
    assert "Power" in titles
    assert "Throughput" not in titles
    expect(page.locator(".orin-progress-text")).to_contain_text("12 of 100 prompts")
    energy = page.locator('[data-tile="energy"]')
    expect(energy).to_contain_text("J/prompt")
    expect(energy).to_have_attribute("aria-label", "Energy per prompt: power / live FPS")


def test_lighter_view_asks_for_less(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer, "?light=1")
    expect(page.locator(".orin-badge", has_text="lighter view")).to_be_visible()
    expect(page.get_by_role("button", name="CPU cores")).to_have_count(0)
    with page.expect_request(lambda request: "/api/live" in request.url) as refresh:
        pass
    assert asked([refresh.value.url], "points") == ["300"]
    with page.expect_request(lambda request: "/api/live" in request.url):
        before_s = time.monotonic()
    with page.expect_request(lambda request: "/api/live" in request.url):
        pass
    assert time.monotonic() - before_s > 3
    columns = ["Used GR3D (%)", "FPS", "Used RAM (MB)", "Hottest Temperature (C)", "Power (W)"]
    assert list(drawn(page)) == columns
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
    range_s = f"{CHART}.stage.view.xRange.map((ms) => (ms - {CHART}.origin) / 1000)"
    low, high = page.evaluate(range_s)
    page.keyboard.press("Shift+ArrowLeft")
    assert page.evaluate(range_s) == pytest.approx([low - (high - low) / 4, high - (high - low) / 4])
    # There is nothing left of the start, and nothing to come at the right.
    for _ in range(6):
        page.keyboard.press("-")
    low, high = page.evaluate(range_s)
    assert (low, high) == (0, pytest.approx(150, abs=30))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="back to live")).to_be_hidden()
    page.goto(f"{server.url}/?view=demo")
    shown = page.get_by_role("group", name="Charts over time", exact=True)
    expect(shown).to_be_visible(timeout=LONG_MS)
    expect(shown).to_have_attribute("tabindex", "-1")


def test_end_of_a_run_leaves_zoom_and_pause_alone(server: Server, viewer: Viewer, story: Story) -> None:
    page = opened(server, viewer)
    page.get_by_role("group", name=re.compile("Charts over time")).focus()
    page.keyboard.press("+")
    page.keyboard.press("Space")
    window = page.evaluate(f"{CHART}.userRange")
    story.end()
    expect(page.locator('.orin-state[data-state="interrupted"]')).to_be_visible(timeout=LONG_MS)
    wait_for(lambda: page.evaluate(f"{CHART}.askedSpan") == 0, "the page after the end")
    assert page.evaluate(f"{CHART}.stage.view.xRange") == window
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    assert page.evaluate(f"{CHART}.stage.view.xRange") == window
    page.get_by_role("button", name="zoom out").click()
    # What the page asked for meanwhile: the whole run.
    assert page.evaluate(f"{CHART}.stage.view.xRange[0] - {CHART}.origin") == 0


def test_faults_are_said_and_the_chart_goes_on(server: Server, viewer: Viewer, story: Story) -> None:
    viewer.expected += ["no such value", "status of 500", "ERR_FAILED"]
    # A script that does not come keeps the chart away, not the figures.
    viewer.context.route("**/api/plotly.min.js?*", lambda route: route.abort())
    page = viewer.open(server.url)
    expect(page.get_by_text("The chart could not be loaded. Trying again …")).to_be_visible(timeout=LONG_MS)
    assert re.search(r"\d", tile(page, "gr3d"))
    viewer.context.unroute("**/api/plotly.min.js?*")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    page.evaluate("() => { window.first = document.querySelector('.orin').liveChart; }")
    alert = page.locator(".orin-alert")
    page.evaluate("() => { first.stage.draw = () => { throw new Error('no such value'); }; }")
    expect(alert).to_contain_text("could not be drawn. Error: no such value", timeout=LONG_MS)
    page.evaluate("delete first.stage.draw")
    expect(alert).not_to_contain_text("could not be drawn", timeout=LONG_MS)
    page.route("**/api/live?*", lambda route: route.fulfill(status=500, body="Internal Server Error"))
    expect(alert).to_contain_text("answers with an error (500)", timeout=LONG_MS)
    page.unroute("**/api/live?*")
    expect(alert).not_to_contain_text("answers with an error", timeout=LONG_MS)
    assert page.evaluate("() => { first.last.partial = true; first.draw(); return !first.stage.partial.hidden; }")
    height = page.evaluate("first.stage.view.height")
    page.set_viewport_size({"width": 1280, "height": 1300})
    wait_for(lambda: page.evaluate("first.stage.view.height") > height + 100, "a higher figure")
    page.get_by_role("link", name="Runs", exact=True).click()
    wait_for(lambda: page.evaluate("first.over.signal.aborted && !first.stage.plot.data"), "the end of the first chart")


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
    # Zoomed to the newest rows: also those that come with a whole window.
    page.evaluate(f"{CHART}.zoomTo([{CHART}.rows.endMs - 20_000, {CHART}.rows.endMs])")
    wait_for(lambda: page.evaluate(f"Boolean({CHART}.detail?.grows)"), "rows that grow")
    newest = page.evaluate(f"{CHART}.cursor = '', {CHART}.rows.endMs")
    wait_for(lambda: page.evaluate(f"{CHART}.rows.endMs") > newest + 2000, "ticks")
    missed = f"{CHART}.rows.x.filter((ms) => ms > {CHART}.detail.x[0] && !{CHART}.detail.x.includes(ms)).length"
    wait_for(lambda: page.evaluate(missed) == 0, "every row of them", 10)
