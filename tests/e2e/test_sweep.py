"""The Sweeps page in a real browser: a sweep from its form to its end, and a matrix in every state."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

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

BADGE = ".orin-sweep-head .badge"
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
    field = page.get_by_label("or its text")
    field.fill(json.dumps(document))
    field.press("Control+Enter")
    settled(page)


def test_empty_page_explains_itself_and_hands_its_example_over(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    watch(viewer, server)
    page = viewer.open(f"{server.url}/sweeps")
    expect(page.get_by_text("Choose at least one model")).to_be_visible(timeout=LONG_MS)
    settled(page)
    viewer.shot(page, "sweep-empty")
    with_all_open(page, tmp_path)
    inspect(page, "sweep-empty")
    press(page, "Take the example over")
    press(page, "Check")
    expect(page.locator(".orin-plan")).to_contain_text("a guess for 8 of 8", timeout=LONG_MS)
    inspect(page, "sweep-plan")


@pytest.mark.torch
def test_sweep_from_its_form_to_its_end(home: Home, server: Server, viewer: Viewer) -> None:
    watch(viewer, server)
    path = SweepHome(home=home).file(power_modes=["MAXN", "50W"], repeats=2)
    document = json.loads(path.read_text())
    document |= {key: [str(home.root / name) for name in document[key]] for key in ("models", "datasets")}
    document["run"] = {**{key: value for key, value in document["run"].items() if key != "items"}, "seconds": 6}

    page = viewer.open(f"{server.url}/sweeps")
    expect(page.get_by_text("runs every model in every power mode")).to_be_visible(timeout=LONG_MS)
    settled(page)
    fill_in_file(page, document)
    press(page, "Check")
    expect(page.locator(".orin-plan")).to_contain_text("mode by mode: MAXN, 50W", timeout=LONG_MS)
    viewer.shot(page, "sweep-checked")
    other = viewer.open(f"{server.url}/sweeps")
    press(page, "Start this sweep")
    page.wait_for_url(re.compile("sweep="), timeout=LONG_MS)
    expect(page.locator(CELLS)).to_have_count(2, timeout=LONG_MS)
    [sweep] = list_sweeps(home.settings)
    # The other tab finds out by itself.
    expect(other.locator(CELLS)).to_have_count(2, timeout=LONG_MS)
    other.close()

    wait_for(lambda: "running" in states(page), "a cell that runs")
    page.get_by_text("Live chart of the present run").click()
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    press(page, "Pause after this cell")
    expect(page.locator(BADGE)).to_have_text("paused", timeout=LONG_MS)
    expect(page.locator(".orin-sweep-head")).to_contain_text("1 of 4 runs done")
    expect(page.locator(CELLS).first).to_contain_text("pending, 1 of 2 done")
    viewer.shot(page, "sweep-paused")

    press(page, "Resume")
    expect(page.locator(BADGE)).to_have_text("running", timeout=LONG_MS)
    expect(page.locator(".orin-sweep-head")).to_contain_text(re.compile(r"ends at about \d\d:\d\d"), timeout=LONG_MS)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    page.set_viewport_size({"width": 1280, "height": 1400})
    settled(page)
    page.screenshot(path=ARTIFACTS / "sweep-running.png", full_page=True)
    press(page, "Stop now")
    expect(page.get_by_text("Stop this sweep?")).to_be_visible(timeout=LONG_MS)
    press(page, "Keep it")
    expect(page.get_by_text("Stop this sweep?")).to_be_hidden(timeout=LONG_MS)
    wait_for(lambda: "running" in states(page), "a cell that runs")
    press(page, "Stop now")
    press(page, "Stop it")
    expect(page.locator(BADGE)).to_have_text("stopped", timeout=LONG_MS)
    expect(page.get_by_text("Nothing waits")).to_be_visible(timeout=LONG_MS)
    press(page, "Resume")
    expect(page.locator(BADGE)).to_have_text("done", timeout=LONG_MS * 3)
    expect(page.locator(".orin-sweep-head")).to_contain_text("4 of 4 runs done")
    assert states(page) == ["done", "done"]
    expect(page.get_by_text("does not follow the power mode")).to_be_visible()
    viewer.shot(page, "sweep-done")
    page.get_by_role("link", name="run 1").first.click()
    page.wait_for_url(re.compile("/runs.run="), timeout=LONG_MS)
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
    sweep = state.make(spec, settings, [one.cell_id for one in cells if not one.excluded], "MAXN")
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
        attempt = Attempt(run_id=run_id, outcome=None if going else "done", begun_utc=begun)
        stands[cell.cell_id] = CellProgress(
            state=CellState.RUNNING if going else CellState.DONE, run_id=None if going else run_id, attempts=(attempt,)
        )
    me = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    sweep.write(
        Progress(
            state=SweepState.RUNNING,
            message="Cooling down: 47.5 °C, idle 43.0 °C.",
            order=sweep.progress().order,
            cells=stands,
            conductor_pid=int(Path("/proc/self").readlink().name),
            conductor_start=int(me[19]),
        )
    )
    queue.add(settings, sweep.sweep_id)
    waiting = specs.from_json({"name": "night run", "models": ["yolov8n"], "datasets": ["cifar100"], "repeats": 5})
    queue.add(settings, state.make(waiting, settings, [one.cell_id for one in waiting.cells()], "MAXN").sweep_id)
    return sweep


def test_every_state_can_be_read_named_and_reached(home: Home, server: Server, viewer: Viewer) -> None:
    watch(viewer, server)
    sweep = seeded(home.settings)
    page = viewer.open(f"{server.url}/sweeps?sweep={sweep.sweep_id}")
    expect(page.locator(CELLS)).to_have_count(12, timeout=LONG_MS)
    settled(page)
    assert sorted(set(states(page))) == ["done", "failed", "pending", "running", "skipped"]
    expect(page.locator(".orin-sweep-head")).to_contain_text("of 22 runs done")
    expect(page.get_by_text("Cooling down: 47.5")).to_be_visible()
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
    press(page, "↑ Earlier")
    wait_for(lambda: queue.order(home.settings)[1] == sweep.sweep_id, "the other order")
    press(page, "New sweep")
    expect(page.get_by_label("Name", exact=True)).to_be_visible(timeout=LONG_MS)
    viewer.shot(page, "sweep-form")
    inspect(page, "sweep-form")
    press(page, "Back to the sweeps")
    expect(page.locator(CELLS)).to_have_count(12, timeout=LONG_MS)
