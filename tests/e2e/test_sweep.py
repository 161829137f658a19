"""The Sweeps page in a real browser: a sweep from its form to its end, and a matrix in every state."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.sweeps import queue, state
from orin_core.sweeps import spec as specs
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Progress, Sweep, SweepState, list_sweeps
from tests.conftest import Home, wait_for
from tests.e2e.conftest import ARTIFACTS, Server, Viewer
from tests.e2e.quality.places import with_all_open
from tests.e2e.test_live import LONG_MS, PLOT, settled
from tests.e2e.test_quality import glance, inspect, watch
from tests.support_sweep import SweepHome
from tests.unit.report import built
from tests.unit.report.folders import write_run

pytestmark = pytest.mark.browser

HEAD, BADGE, LOST = ".orin-sweep-head", ".orin-sweep-head .badge", ".orin-sweep-lost"
CELLS = ".orin-matrix td[data-state]"
WIDE = "document.documentElement.scrollWidth <= window.innerWidth"
MODES = {"MAXN": (1.0, 1.0), "MODE_50W": (0.73, 0.82), "MODE_30W": (0.55, 0.61), "MODE_15W": (0.2, 0.4)}
MODELS = {"resnet-152": (21.0, 14.8), "depth-anything-v2-base": (5.25, 46.4), "yolov8n": (88.0, 17.9)}


def press(page: Page, name: str) -> None:
    settled(page)
    page.get_by_role("button", name=name, exact=True).click()
    settled(page)


def states(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(CELLS, "cells => cells.map((cell) => cell.dataset.state)")
    return found


def fill_in_file(page: Page, document: dict[str, Any]) -> None:
    page.get_by_text("From a sweep.json", exact=True).click()
    field = page.get_by_label("Text of the sweep.json")
    field.fill(json.dumps(document))
    field.press("Control+Enter")
    # Until the page has been run again the old button stands beside the new one.
    expect(page.get_by_role("button", name="Check", exact=True, disabled=True)).to_have_count(0, timeout=LONG_MS)
    expect(page.get_by_role("button", name="Check", exact=True)).to_have_count(1, timeout=LONG_MS)


def test_empty_page_explains_itself_and_hands_its_example_over(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    watch(viewer, server)
    page = viewer.open(f"{server.url}/sweeps")
    expect(page.get_by_text("Choose at least one model")).to_be_visible(timeout=LONG_MS)
    settled(page)
    viewer.shot(page, "sweep-empty")
    with_all_open(page, tmp_path)
    inspect(page, "sweep-empty")
    sizes = page.get_by_test_id("stMultiSelect").filter(has=page.get_by_role("combobox", name="Batch sizes"))
    sizes.get_by_role("combobox").fill("4")
    # The list is drawn anew while it is filtered, and Enter takes the first of it.
    expect(page.get_by_role("option")).to_have_text(["4"], timeout=LONG_MS)
    sizes.get_by_role("combobox").press("Enter")
    expect(sizes.locator("[data-tag]")).to_have_text(["1", "4"], timeout=LONG_MS)
    sizes.get_by_role("combobox").press("Escape")
    settled(page)
    press(page, "Take the example over")
    press(page, "Check")
    expect(page.locator(".orin-plan")).to_contain_text("a guess for 8 of 8", timeout=LONG_MS)
    inspect(page, "sweep-plan")


@pytest.mark.torch
def test_sweep_from_its_form_to_its_end(home: Home, server: Server, viewer: Viewer) -> None:
    watch(viewer, server)
    path = SweepHome(home=home).file(power_modes=["MAXN", "50W"])
    document = json.loads(path.read_text())
    document |= {key: [str(home.root / name) for name in document[key]] for key in ("models", "datasets")}
    document["run"] = {**{key: value for key, value in document["run"].items() if key != "items"}, "seconds": 3}

    page = viewer.open(f"{server.url}/sweeps")
    expect(page.get_by_text("runs every model in every power mode")).to_be_visible(timeout=LONG_MS)
    settled(page)
    fill_in_file(page, document)
    press(page, "Check")
    expect(page.locator(".orin-plan")).to_contain_text("mode by mode: MAXN, 50W", timeout=LONG_MS)
    viewer.shot(page, "sweep-checked")
    other = viewer.open(f"{server.url}/sweeps")
    expect(other.get_by_text("runs every model in every power mode")).to_be_visible(timeout=LONG_MS)
    press(page, "Start this sweep")
    page.wait_for_url(re.compile("sweep="), timeout=LONG_MS)
    [sweep] = list_sweeps(home.settings)

    # What one tab does, the other one finds out by itself.
    expect(other.locator(CELLS)).to_have_count(2, timeout=LONG_MS)
    wait_for(lambda: "running" in states(page), "a cell that runs")
    press(other, "Pause after this cell")
    expect(page.locator(BADGE)).to_have_text("pausing", timeout=LONG_MS)
    expect(page.locator(HEAD)).to_contain_text(re.compile(r"ends at about \d\d:\d\d"), timeout=LONG_MS)
    expect(page.locator(".orin-sweep-note")).to_be_visible()
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    first_run = page.locator(".orin").evaluate("(root) => root.liveChart.run")
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.screenshot(path=ARTIFACTS / "sweep-running.png", full_page=True)
    expect(page.locator(BADGE)).to_have_text("paused", timeout=LONG_MS)
    expect(page.locator(HEAD)).to_contain_text("1 of 2 runs done")
    expect(page.locator(".orin")).to_have_count(0, timeout=LONG_MS)
    viewer.shot(page, "sweep-paused")

    press(page, "Stop now")
    expect(page.get_by_text("Cells that are done are kept")).to_be_visible(timeout=LONG_MS)
    press(page, "Keep it")
    expect(page.get_by_text("Cells that are done are kept")).to_be_hidden(timeout=LONG_MS)
    press(page, "Stop now")
    press(page, "Stop it")
    expect(page.locator(BADGE)).to_have_text("stopped", timeout=LONG_MS)
    expect(page.get_by_text("Nothing waits")).to_be_visible(timeout=LONG_MS)
    press(page, "Resume")
    expect(other.locator(BADGE)).to_have_text("running", timeout=LONG_MS)
    other.close()
    wait_for(lambda: "running" in states(page), "the other cell")
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    page.wait_for_function(
        "(before) => ![before, undefined].includes(document.querySelector('.orin')?.liveChart.run)", arg=first_run
    )
    expect(page.locator(BADGE)).to_have_text("done", timeout=LONG_MS * 3)
    expect(page.locator(HEAD)).to_contain_text("2 of 2 runs done")
    assert states(page) == ["done", "done"]
    expect(page).to_have_title("done 2 of 2 · try - Orin dashboard", timeout=LONG_MS)
    settled(page)
    viewer.shot(page, "sweep-done")
    # A link of the matrix leads on within this tab.
    page.evaluate("window.stillHere = true")
    page.get_by_role("link", name="open run").first.click()
    page.wait_for_url(re.compile("/runs.run="), timeout=LONG_MS)
    assert page.evaluate("window.stillHere")
    wait_for(lambda: sweep.progress().state is SweepState.DONE and len(home.processes()) <= 2, "nobody works")


# -- every state ----------------------------------------------------------------------------------


def seeded(settings: Settings) -> Sweep:
    """A sweep in which there is a cell in every state, and another one that waits behind it."""
    spec = specs.from_json(
        {
            "name": "published table",
            "models": list(MODELS),
            "datasets": ["cifar100"],
            "power_modes": list(MODES),
            "repeats": 2,
            "exclude": [{"model": "yolov8n", "power_mode": "MODE_15W"}],
        }
    )
    cells = spec.cells()
    sweep = state.make(spec, settings, [one.cell_id for one in cells if not one.excluded])
    stands = dict(sweep.progress().cells)
    for number, cell in enumerate(cells):
        fps, power_w = MODELS[cell.model]
        faster, hungrier = MODES[cell.power_mode]
        begun = f"2026-03-01T{number // 20:02d}:{number % 20 * 3:02d}:00.000Z"
        if cell.excluded:
            continue
        if cell.model == "yolov8n" and cell.power_mode != "MAXN":
            continue
        if cell.power_mode == "MODE_15W" and cell.model.startswith("depth"):
            reason = "MODE_15W was not reached by 3 reboots. Set it by hand and see what nvpmodel -q says."
            attempt = Attempt(outcome="refused", message=reason, begun_utc=begun)
            stands[cell.cell_id] = CellProgress(state=CellState.FAILED, reason=reason, attempts=(attempt,))
            continue
        summary = built.run(
            100 + number,
            model=cell.model,
            mode=cell.power_mode.removeprefix("MODE_"),
            fps=fps * faster * (1 + 0.004 * cell.repeat),
            power_w=power_w * hungrier,
            status="invalid" if cell.model.startswith("depth") and cell.repeat == 2 else "valid",
        )
        write_run(settings.runs_dir, summary)
        run_id, going = str(summary["run_id"]), cell.model == "yolov8n" and cell.repeat == 2
        ended = "" if going else f"2026-03-01T{number // 20:02d}:{number % 20 * 3 + 2:02d}:30.000Z"
        attempt = Attempt(run_id=run_id, outcome=None if going else "done", begun_utc=begun, ended_utc=ended)
        stands[cell.cell_id] = CellProgress(
            state=CellState.RUNNING if going else CellState.DONE, run_id=None if going else run_id, attempts=(attempt,)
        )
    me = ProcessId.of(os.getpid())
    assert me is not None
    sweep.write(
        Progress(
            state=SweepState.RUNNING,
            message="Cooling down: 47.5 °C, idle 43.0 °C.",
            order=sweep.progress().order,
            cells=stands,
            conductor_pid=me.pid,
            conductor_start=me.start,
        )
    )
    queue.add(settings, sweep.sweep_id)
    waiting = specs.from_json({"name": "night run", "models": ["yolov8n"], "datasets": ["cifar100"], "repeats": 5})
    queue.add(settings, state.make(waiting, settings, [one.cell_id for one in waiting.cells()]).sweep_id)
    return sweep


def slow_to_read(settings: Settings) -> None:
    """Lets the runs be of an older version, whose figures are computed anew from their rows, and many rows they are."""
    one, *others = sorted(settings.runs_dir.iterdir())
    header, *lines = (one / "run.csv").read_text().splitlines()
    (one / "run.csv").write_text("\n".join([header, *lines * 3000]) + "\n")
    for folder in others:
        (folder / "run.csv").unlink()
        os.link(one / "run.csv", folder / "run.csv")
    for folder in (one, *others):
        (folder / "spec.json").write_text(json.dumps({"model": "resnet-152"}))


def test_every_state_can_be_read_named_and_reached(home: Home, server: Server, viewer: Viewer) -> None:
    watch(viewer, server)
    sweep = seeded(home.settings)
    slow_to_read(home.settings)
    page = viewer.open(f"{server.url}/sweeps?sweep={sweep.sweep_id}&chart=0")
    # At every frame: it lasts as long as a second or two of reading.
    page.wait_for_function("document.body.innerText.includes('Reading the sweep')", polling="raf", timeout=LONG_MS)
    page.screenshot(path=ARTIFACTS / "sweep-loading.png")
    expect(page.locator(CELLS)).to_have_count(12, timeout=LONG_MS)
    settled(page)
    assert sorted(set(states(page))) == ["done", "failed", "pending", "running", "skipped"]
    expect(page.locator(HEAD)).to_contain_text("of 22 runs done")
    expect(page.locator(HEAD)).to_contain_text(re.compile(r"about 1[0-9] min to go, ends at about \d\d:\d\d"))
    expect(page.get_by_text("Cooling down: 47.5")).to_be_visible()
    expect(page.locator(".orin-sweep-note")).to_have_count(0)  # its runs were not made on a simulated board
    expect(page).to_have_title(re.compile(r"^running \d+ of 22 · published table - "))
    assert page.evaluate(WIDE)
    viewer.shot(page, "sweep-matrix")
    inspect(page, "sweep")
    for what, name in (("W", "power_draw_w"), ("J per image", "energy_per_item_j"), ("Validity", "validity")):
        page.get_by_test_id("stButtonGroup").get_by_text(what, exact=True).click()
        page.wait_for_url(re.compile(f"show={name}"), timeout=LONG_MS)
        settled(page)
        glance(page, f"sweep-{name}")
    page.reload()
    expect(page.locator(".orin-matrix .badge").first).to_be_visible(timeout=LONG_MS)
    page.set_viewport_size({"width": 820, "height": 1180})
    page.wait_for_function(WIDE)
    page.screenshot(path=ARTIFACTS / "sweep-tablet.png", full_page=True)

    page.set_viewport_size({"width": 1280, "height": 720})
    page.get_by_role("button", name=re.compile("earlier")).first.click()
    wait_for(lambda: queue.order(home.settings)[1] == sweep.sweep_id, "the other order")
    press(page, "New sweep")
    expect(page.get_by_label("Name", exact=True)).to_be_visible(timeout=LONG_MS)
    with_all_open(page, home.root)
    viewer.shot(page, "sweep-form")
    inspect(page, "sweep-form")
    press(page, "Back to the sweeps")
    expect(page.locator(CELLS)).to_have_count(12, timeout=LONG_MS)
    whatever_becomes_of_it(page, sweep)
    server_that_goes_and_comes(page, server, viewer)
    settled(page)
    shutil.rmtree(sweep.folder)
    refresh(page)
    expect(page.get_by_text("There is no sweep")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(HEAD)).to_contain_text("0 of 5 runs done", timeout=LONG_MS)
    settled(page)
    glance(page, "sweep-stalled")


def refresh(page: Page) -> None:
    """Has the board look now; by itself it would in a few seconds."""
    page.evaluate("document.querySelector('.orin-sweep').sweepBoard.poll()")


def whatever_becomes_of_it(page: Page, sweep: Sweep) -> None:
    """The page follows, and what the keyboard was at stays."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/sweep" in request.url else None)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    asked.clear()
    refresh(page)
    assert not asked, "a hidden tab asks for nothing"
    link = page.get_by_role("link", name=re.compile("^run 1: ")).first
    link.focus()
    href = link.get_attribute("href")
    before = sweep.progress()
    cells = {
        key: dataclasses.replace(one, state=CellState.DONE, run_id=one.attempts[-1].run_id)
        if one.state is CellState.RUNNING
        else one
        for key, one in before.cells.items()
    }
    sweep.write(dataclasses.replace(before, cells=cells))
    with page.expect_response(lambda answer: "/api/sweep" in answer.url, timeout=LONG_MS):
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for(lambda: "running" not in states(page), "the cell that is over")
    assert page.evaluate("document.activeElement.getAttribute('href')") == href
    settled(page)
    with page.expect_response(lambda answer: "/api/sweep" in answer.url, timeout=LONG_MS) as seen:
        refresh(page)
    assert seen.value.json().keys() == {"tag", "now_unix_s"}

    sweep.write(dataclasses.replace(before, conductor_pid=None))
    refresh(page)
    expect(page.locator(BADGE)).to_have_text("interrupted", timeout=LONG_MS)
    expect(page.locator(HEAD)).to_contain_text("Was at:")
    expect(page.get_by_text("Cooling down: 47.5")).to_have_count(0)
    settled(page)
    glance(page, "sweep-interrupted")
    words = "MODE_15W needs a reboot: reboot now, then go on."
    before = dataclasses.replace(before, cells=cells)
    sweep.write(dataclasses.replace(before, state=SweepState.REBOOT, message=words, command="sudo nvpmodel -m 1"))
    refresh(page)
    expect(page.locator(BADGE)).to_have_text("reboot needed", timeout=LONG_MS)
    expect(page.get_by_test_id("stCode")).to_contain_text("sudo nvpmodel -m 1", timeout=LONG_MS)
    settled(page)
    glance(page, "sweep-reboot")
    spec = sweep.folder / "sweep.json"
    kept = spec.read_text()
    spec.write_text("{")
    refresh(page)
    expect(page.locator(CELLS)).to_have_count(0, timeout=LONG_MS)
    expect(page.get_by_test_id("stAlert").first).to_be_visible(timeout=LONG_MS)
    settled(page)
    glance(page, "sweep-damaged")
    spec.write_text(kept)
    refresh(page)
    expect(page.get_by_test_id("stCode")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(CELLS)).to_have_count(12, timeout=LONG_MS)
    settled(page)


def server_that_goes_and_comes(page: Page, server: Server, viewer: Viewer) -> None:
    viewer.expected += ["ERR_CONNECTION", "WebSocket", "Failed to fetch", "net::", "Client Error", "not responding"]
    viewer.expected += ["when disconnected from server"]
    server.kill(signal.SIGKILL)
    expect(page.locator(LOST)).to_be_visible(timeout=LONG_MS)
    assert float(page.locator(HEAD).evaluate("(head) => getComputedStyle(head).opacity")) < 1
    greyed = '[data-testid="stHeader"], [data-testid="stPageLink"], .orin-sweep'
    glance(page, "sweep-disconnected", greyed=greyed)
    server.start()
    expect(page.locator(LOST)).to_be_hidden(timeout=LONG_MS)
    assert page.locator(CELLS).count() == 12
