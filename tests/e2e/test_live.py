"""The path of a person, in a real browser against a real server."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, expect

from orin_core.runs import store
from orin_core.runs.recording import Recording
from tests.conftest import GENEROUS_S, wait_for
from tests.e2e.conftest import Server, Viewer

pytestmark = pytest.mark.browser

PLOT = ".js-plotly-plot .scatterlayer .trace"
PLOTTED = """() => {
  const plot = document.querySelector('.js-plotly-plot');
  const origin = Number(plot.dataset.originMs);
  // Areas of the stacked rails are sums: tests/e2e/test_live_chart.py looks at those.
  return plot.data.filter((trace) => !trace.meta.startsWith('sum:')).map((trace) => ({
    column: trace.meta, x: trace.x.map((x) => (x - origin) / 1000),
    y: Array.from(trace.y),
  }));
}"""
AXIS_IN_SIGHT = """() => {
  const ticks = [...document.querySelectorAll('.js-plotly-plot .xtick text')];
  return ticks.length > 0 && ticks.every((tick) => tick.getBoundingClientRect().bottom <= window.innerHeight);
}"""
LONG_MS = GENEROUS_S * 1000


def settled(page: Page) -> None:
    """Waits until the page's script has run to its end."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=LONG_MS)


def number_input(page: Page, label: str, value: str) -> None:
    settled(page)
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Enter")
    settled(page)


def choose(page: Page, label: str, option: str) -> None:
    """Chooses from a list; a rerun that comes in between closes the list, so it may take another click."""

    def chosen() -> bool:
        settled(page)
        page.get_by_role("combobox", name=label).click()
        try:
            page.get_by_role("option", name=option, exact=True).click(timeout=5000)
        except BrowserError:
            return False
        return True

    wait_for(chosen, f"the choice {option}")
    settled(page)


def short_phases(page: Page) -> None:
    page.get_by_text("Phases and telemetry").click()
    for label in ("Idle before (s)", "Warm-up at least (s)", "Warm-up at most (s)", "Cool-down after (s)"):
        number_input(page, label, "1" if "Idle" in label or "Cool" in label else "0")
    page.get_by_text("Phases and telemetry").click()


def start(page: Page, *, length: str, value: str) -> str:
    """Starts a run by hand and returns its id."""
    short_phases(page)
    choose(page, "Length", length)
    number_input(page, "How many images" if length == "Number of images" else "How many seconds", value)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"run=2"), timeout=LONG_MS)
    return page.url.partition("run=")[2]


def value_of(cell: str, column: str) -> float | None:
    if cell == "":
        return None
    scale = 1024 if column.endswith("(MB)") else 1000 if column.endswith("(mW)") else 1
    return float(cell) / scale


def plotted_rows(page: Page) -> dict[str, list[tuple[float, float]]]:
    """Plotted points by column, gaps left out."""
    traces: list[dict[str, Any]] = page.evaluate(PLOTTED)
    return {
        trace["column"]: [(x, y) for x, y in zip(trace["x"], trace["y"], strict=True) if y is not None]
        for trace in traces
    }


def csv_rows(text: str, column: str) -> list[tuple[float, float]]:
    rows = csv.DictReader(io.StringIO(text))
    found = [(float(row["Elapsed (s)"]), value_of(row[column], column)) for row in rows]
    return [(x, y) for x, y in found if y is not None]


def assert_plot_equals(page: Page, text: str) -> None:
    plotted = plotted_rows(page)
    wanted = ("Used GR3D (%)", "Used RAM (MB)", "FPS", "Power (W)", "tj Temperature (C)")
    assert {column for column in wanted if csv_rows(text, column)} <= set(plotted)
    for column, points in plotted.items():
        assert points == csv_rows(text, column), column


def tile(page: Page, name: str) -> str:
    return page.locator(f'[data-tile="{name}"] .orin-number').inner_text()


def wait_for_end(server: Server, run_id: str) -> Recording:
    recording = Recording(folder=server.home.root / "data" / "runs" / run_id)
    wait_for(lambda: recording.summary() is not None, "the summary", timeout_s=2 * GENEROUS_S)
    return recording


def test_idle_board_is_live_and_the_probe_ends_with_the_last_viewer(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    expect(page.locator(".orin-badge", has_text="SIMULATED BOARD")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    assert tile(page, "fps") == "–"
    assert float(tile(page, "power")) > 0
    first = len(plotted_rows(page)["Power (W)"])
    wait_for(lambda: len(plotted_rows(page)["Power (W)"]) > first + 1, "more ticks")
    assert any("tegrastats" in line for line in server.home.processes().values())
    # Here, where the page's script has run: a plain GET runs none.
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert "python" in maps
    assert not [name for name in ("libtorch", "torchvision", "ultralytics") if name in maps]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.get_by_role("button", name="Start", exact=True).bounding_box()
    assert box is not None
    assert box["width"] > 230, "the form uses the room that its sidebar has"
    viewer.shot(page, "idle")
    page.close()
    wait_for(lambda: not any("tegrastats" in line for line in server.home.processes().values()), "the probe's end", 60)


@pytest.mark.torch
def test_run_from_click_to_csv(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    run_id = start(page, length="Number of images", value="40")
    expect(page.locator('.orin-state[data-state="running"]')).to_be_visible(timeout=LONG_MS)
    for badge in ("SIMULATED BOARD", "random weights", "synthetic images"):
        expect(page.locator(".orin-badge", has_text=badge)).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    wait_for(lambda: page.locator(".orin-now").inner_text() == "measure", "measure")
    wait_for(lambda: tile(page, "fps") != "–", "a live FPS")
    viewer.shot(page, "running")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function(AXIS_IN_SIGHT, timeout=LONG_MS)

    during = server.text(f"/api/runs/{run_id}/run.csv")
    assert during.endswith("\n")

    second = viewer.open(server.url)
    expect(second.locator(".orin-title")).to_have_text(re.compile("resnet-152 · cifar100"), timeout=LONG_MS)
    assert run_id in second.url

    page.reload()
    expect(page.locator(".orin-title")).to_have_text(re.compile("resnet-152 · cifar100"), timeout=LONG_MS)

    summary = wait_for_end(server, run_id).summary()
    assert summary is not None
    assert (summary["state"], summary["items"], summary["simulated"]) == ("done", 40, True)
    for tab in (page, second):
        expect(tab.get_by_text("FPS end to end").first).to_be_visible(timeout=LONG_MS)
        expect(tab.locator('.orin-state[data-state="done"]')).to_be_visible(timeout=LONG_MS)
        # Forty images are no measure, and a simulated board is none anyway: said without a click.
        expect(tab.locator('[data-verdict="simulated"]')).to_contain_text("40 images", timeout=LONG_MS)
    text = server.text(f"/api/runs/{run_id}/run.csv")
    assert text.startswith(during)
    assert csv_rows(text, "FPS")
    wait_for(lambda: len(plotted_rows(page)["Used RAM (MB)"]) == len(csv_rows(text, "Used RAM (MB)")), "every row")
    assert_plot_equals(page, text)
    metric = page.locator(".orin-figure b").first.inner_text()
    assert metric == f"{summary['fps_end_to_end']:.2f}"
    viewer.shot(page, "done")
    with page.expect_download() as download:
        page.get_by_text("Download CSV").click()
    assert Path(download.value.path()).read_text() == text
    assert download.value.suggested_filename == f"{run_id}.csv"

    page.goto(f"{server.url}/runs")
    expect(page.get_by_text(re.compile(r"^1 run\."))).to_be_visible(timeout=LONG_MS)
    viewer.shot(page, "runs")
    page.goto(f"{server.url}/runs?run={run_id}")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    assert_plot_equals(page, text)
    viewer.shot(page, "detail")
    assert not [line for line in Path(f"/proc/{server.pid}/maps").read_text().splitlines() if "torch" in line]


@pytest.mark.torch
def test_stop_asks_once(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    run_id = start(page, length="Number of seconds", value="600")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stop this run?")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Stop it").click()
    summary = wait_for_end(server, run_id).summary()
    assert summary is not None
    assert summary["state"] == "stopped"
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("The run was stopped.").first).to_be_visible(timeout=LONG_MS)


@pytest.mark.torch
def test_page_finds_the_run_again_after_the_server_was_killed(server: Server, viewer: Viewer) -> None:
    viewer.expected += ["ERR_CONNECTION", "WebSocket", "Failed to fetch", "net::", "Client Error", "not responding"]
    viewer.expected += ["when disconnected from server"]
    page = viewer.open(server.url)
    run_id = start(page, length="Number of seconds", value="600")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    server.kill(signal.SIGKILL)
    expect(page.get_by_text("Disconnected:")).to_be_visible(timeout=LONG_MS)
    assert tile(page, "power") == "–"
    # Streamlit's own words come as a dialog over the page: beside ours, not on them.
    dialog = page.get_by_test_id("stDialog")
    expect(dialog).to_contain_text("Connection error", timeout=LONG_MS)
    # The page behind it is inert, so what lies over what is told by where it is.
    box, alert = dialog.get_by_role("dialog").bounding_box(), page.locator(".orin-alert").bounding_box()
    assert box is not None
    assert alert is not None
    assert alert["y"] + alert["height"] < box["y"]
    look = dialog.evaluate("(node) => [getComputedStyle(node).backgroundColor, getComputedStyle(node).backdropFilter]")
    assert look == ["rgba(0, 0, 0, 0)", "none"]
    viewer.shot(page, "disconnected")
    server.start()
    expect(page.get_by_text("Disconnected:")).to_be_hidden(timeout=LONG_MS)
    wait_for(lambda: tile(page, "power") != "–", "ticks again")
    assert json.loads(server.text("/api/live?run=idle"))["active"] == run_id
    assert server.home.cli("stop", run_id).returncode == 0
    wait_for_end(server, run_id)
    text = server.text(f"/api/runs/{run_id}/run.csv")
    elapsed = [x for x, _ in csv_rows(text, "Elapsed (s)")]
    assert elapsed == sorted(set(elapsed))
    wait_for(lambda: len(plotted_rows(page)["Used RAM (MB)"]) == len(csv_rows(text, "Used RAM (MB)")), "every row")
    assert_plot_equals(page, text)


def test_text_of_others_is_shown_as_it_is(server: Server, viewer: Viewer) -> None:
    """No picture is asked for (the viewer fails at any outside request), no formula set, no cell opened."""
    hostile = "*a* $x^2$ `b` [l](http://e.example) ![p](http://e.example/p.png) <b>|c| :red[d] https://e.example/q"
    run_id = "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"
    folder = server.home.root / "data" / "runs" / run_id
    folder.mkdir(parents=True)
    ended = {"run_id": run_id, "state": "failed", "message": hostile}
    for name in (store.SPEC, store.STATUS, store.SUMMARY):
        store.write_json(folder / name, ended)
    notice = {"kind": "notice", "t_s": 1.0, "elapsed_s": 1.0, "message": hostile}
    (folder / store.EVENTS).write_text(json.dumps(notice) + "\n", encoding="utf-8")
    page = viewer.open(f"{server.url}/runs?run={run_id}")
    box = page.get_by_test_id("stAlert")
    expect(box).to_contain_text(f"This run failed. {hostile}", timeout=LONG_MS)
    page.get_by_text("All figures").click()
    cell = page.get_by_role("cell", name=hostile)
    expect(cell).to_be_visible()
    for inside in (box, cell):
        assert inside.locator(".katex, img, code, em").count() == 0
        # A bare address may become a link, but only to what it says.
        for link in inside.locator("a").all():
            assert link.get_attribute("href") == link.inner_text()


def test_silent_board_is_not_shown_as_live(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    number = next(pid for pid, command in server.home.processes().items() if "/tegrastats" in command)
    os.kill(number, signal.SIGSTOP)
    # The probe ends a tegrastats that is silent for too long and starts another.
    expect(page.locator(".orin-alert")).to_contain_text(re.compile(r"no data for \d+ s"), timeout=LONG_MS)
    assert tile(page, "power") == "–"
    wait_for(lambda: tile(page, "power") != "–", "ticks again")


HOTTEST, IMPORTED = "Hottest Temperature (C)", "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"


def told(*, temperature_c: float = 60.0, throttled: int = 0, age_s: float | None = None, **meta: Any) -> str:
    """An answer of /api/live with thinned rows."""
    columns = ["Elapsed (s)", "GR3D Frequency (MHz)", "Used GR3D (%)", "Throttled", HOTTEST]
    rows = [[10 * index, 1300, 50 + index % 2, throttled, temperature_c] for index in range(20)]
    known = {
        "model": "/models/mine/resnet-152/",
        "phases": [["load", 0], ["measure", 40]],
        "end_s": 190,
        "columns": columns,
    }
    known |= {
        "state": "running",
        "phase": "measure",
        "interval_s": 1,
        "throttle_c": 99,
        "ram_idle_mb": None,
        "events": [],
    }
    progress = dict.fromkeys(
        ("step", "items_done", "items_total", "measure_s", "measure_total_s", "rate_fps", "time_left_s")
    )
    answer = {**progress, "cursor": "", "tag": "", "active": None, "age_s": age_s, "reset": True, "rows": rows}
    return json.dumps({**answer, "thinned": True, "meta": {**known, **meta}})


def test_head_tiles_and_labels_say_what_is_so(server: Server, viewer: Viewer) -> None:
    folder = server.home.root / "data" / "runs" / IMPORTED
    folder.mkdir(parents=True)
    for name in (store.SPEC, store.STATUS):
        store.write_json(folder / name, {"run_id": IMPORTED, "state": "done"})
    answer = [told(state="done", imported=True)]
    viewer.context.route("**/api/live?*", lambda route: route.fulfill(body=answer[0], content_type="application/json"))
    page = viewer.open(f"{server.url}/?run={IMPORTED}")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    # A log may lack phases that every run of ours has.
    assert page.locator(".orin-badge").all_inner_texts() == ["IMPORTED LOG"]
    assert page.locator(".orin-step").all_inner_texts() == ["load", "measure"]
    assert page.locator(".orin-step.orin-past").count() == 2
    expect(page).to_have_title("done · resnet-152 - Orin dashboard")
    page.locator(".orin-chart").focus()
    page.keyboard.press("ArrowLeft")
    # Extremes of many ticks are no readings of one instant.
    expect(page.locator(".orin-heard").first).to_contain_text("about 3:")
    expect(page.locator(".orin-hover-time")).to_contain_text("~ 3:")

    # A phase that did not come to its end is not ticked as done.
    answer[0] = told(state="stopped")
    steps = ["idle", "load", "warm-up", "✕ measure", "cool-down"]
    expect(page.locator(".orin-step")).to_have_text(steps, timeout=LONG_MS)
    expect(page.locator(".orin-step.orin-past")).to_have_text(["load"])

    heat = page.locator('[data-tile="temperature"]')
    for state, word, hot in (
        (told(throttled=1), "clocks limited", False),
        (told(throttled=0, temperature_c=96), "near throttling", True),
        (told(throttled=1, temperature_c=99), "at throttle limit", True),
    ):
        answer[0] = state
        expect(heat.locator(".orin-extra")).to_have_text(word, timeout=LONG_MS)
        assert ("orin-hot" in str(heat.get_attribute("class"))) is hot

    answer[0] = told(age_s=70, recent="It died.")
    alert = page.locator(".orin-alert")
    expect(alert).to_contain_text(re.compile(r"no data for 7\d s"), timeout=LONG_MS)
    # The seconds are not read out: a screen reader would speak without end.
    expect(alert.get_by_role("status")).to_have_text("The board is silent. It died.")


def test_zoom_survives_refreshes_and_double_click_goes_back(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    wait_for(lambda: len(plotted_rows(page)["Power (W)"]) > 5, "some ticks")
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=8)
    page.mouse.up()
    expect(page.get_by_role("button", name="back to live")).to_be_visible()
    window = "() => document.querySelector('.js-plotly-plot').layout.xaxis.range.map(Number)"
    zoomed = page.evaluate(window)
    assert all(math.isfinite(edge) for edge in zoomed)
    ticks = "document.querySelector('.orin').liveChart.ticks"
    count = page.evaluate(ticks)
    wait_for(lambda: page.evaluate(ticks) > count + 2, "more ticks")
    assert page.evaluate(window) == zoomed
    page.mouse.dblclick(box["x"] + 0.5 * box["width"], middle)
    expect(page.get_by_role("button", name="back to live")).to_be_hidden()
    assert page.evaluate(window) != zoomed


def test_bad_choice_is_refused_in_one_box_and_leaves_nothing(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    page = viewer.open(server.url)
    # What a list shows is what the run takes, also where another choice has changed it.
    choose(page, "Model", "Phi-3.5-mini-instruct")
    expect(page.get_by_role("combobox", name="Prompts")).to_have_value("No Robots test", timeout=LONG_MS)
    choose(page, "Model", "ResNet-152")
    expect(page.get_by_role("combobox", name="Images")).to_have_value("CIFAR-100 test", timeout=LONG_MS)
    choose(page, "Images", "Own images (path, camera or hub id)")
    field = page.get_by_label("Path, camera or hub id", exact=True)
    (tmp_path / "empty").mkdir()
    field.fill(str(tmp_path / "empty"))
    field.press("Enter")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("holds no images", timeout=LONG_MS)
    assert page.get_by_test_id("stAlert").count() == 1
    assert server.home.runs == []
