"""``python -m tests.e2e.screenshot``: makes the pictures of docs/images from real runs on the simulated board."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from orin_core.errors import BadRequest
from orin_core.runs import launcher
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import RunSpec
from orin_core.sweeps.state import CellState, find_sweep
from tests.conftest import Home, wait_for
from tests.e2e.conftest import CHROMIUM, FLAGS, Server, free_port
from tests.e2e.test_import import log_text
from tests.e2e.test_live import PLOT, settled

TARGET = PROJECT_ROOT / "docs" / "images"
SIZE = {"width": 1500, "height": 1060}
TIMEOUT_MS = 120_000
MODES = ("MAXN", "MODE_50W")
"""Modes that the board changes between without a reboot."""


def spec(mode: str, *, profile: str, seconds: float, idle_s: float) -> RunSpec:
    """Returns a short run of ResNet-152 as anybody can make it: random weights, synthetic images."""
    return RunSpec(
        model="resnet-152",
        dataset="cifar100",
        power_mode=mode,
        profile=profile,
        seconds=seconds,
        weights="random",
        images="synthetic",
        telemetry="simulated",
        idle_s=idle_s,
        warmup_min_s=2,
        warmup_max_s=4,
        cooldown_s=3,
    )


class Camera:
    """Takes pictures of one server's pages."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser, self._server = browser, server

    def shoot(
        self, name: str, path: str, ready: str, *, scheme: str = "light", prepare: Callable[[Page], None] | None = None
    ) -> None:
        """Opens a page, waits until it shows ``ready``, and writes ``docs/images/NAME.png``."""
        page = self._browser.new_page(
            viewport=SIZE,  # type: ignore[arg-type]
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(self._server.url + path)
        page.wait_for_selector(ready, state="attached")
        settled(page)
        if prepare:
            prepare(page)
        # What is drawn anew once its size is known.
        page.wait_for_timeout(1500)
        page.mouse.move(0, 0)
        TARGET.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=TARGET / f"{name}.png")
        page.close()
        print(TARGET / f"{name}.png", flush=True)


def drop_log(page: Page) -> None:
    """Drops an old log of two modes, so that the page shows the cut that it proposes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet152_MAXN_50W.txt"
        path.write_text(log_text((40, 240), (330, 480), seconds=560))
        page.locator('input[type="file"]').set_input_files(str(path))
        page.wait_for_selector(".orin-cut tr")
        settled(page)


def begin_sweep(home: Home) -> str:
    """Starts a sweep of two models, two modes and two batch sizes, and returns its id."""
    lengths = {"seconds": 6, "idle_s": 1, "warmup_min_s": 1, "warmup_max_s": 2, "cooldown_s": 1}
    document = {
        "name": "two models, two modes",
        "models": ["resnet-152", "yolov8n"],
        "datasets": ["cifar100"],
        "power_modes": ["MAXN", "50W"],
        "batch_sizes": [1, 4],
        "profile": "demo",
        "cooldown_at_most_s": 0,
        "run": {**lengths, "weights": "random", "images": "synthetic"},
    }
    path = home.root / "sweep.json"
    path.write_text(json.dumps(document))
    return home.cli("sweep", "start", str(path)).stdout.split()[-1]


def finished_cells(home: Home, sweep_id: str) -> int:
    """Returns how many of its runs have ended."""
    progress = find_sweep(home.settings, sweep_id).progress()
    return sum(cell.state is CellState.DONE for cell in progress.cells.values())


def at_work(home: Home) -> bool:
    """Returns whether a sweep or a run still has a process; the server and its telemetry stay."""
    return any("orin_core.sweeps" in command or "orin_core.runs" in command for command in home.processes().values())


def end(started: launcher.Started, home: Home) -> None:
    """Stops a run where it still goes on."""
    with contextlib.suppress(BadRequest):
        launcher.stop(started.recording)
    launcher.wait(started.recording, home.settings)


def main() -> None:
    """Runs two short runs one after the other, then one that is looked at while it measures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder))
        os.environ.update({key: value for key, value in home.env.items() if key.startswith(("ORIN_", "HF_", "OMP_"))})
        runs = []
        for mode in MODES:
            started = launcher.start(spec(mode, profile="demo", seconds=15, idle_s=4), home.settings)
            launcher.wait(started.recording, home.settings)
            runs.append(started.run_id)
        server = Server(home=home, port=free_port())
        server.start()
        live = launcher.start(spec("MAXN", profile="standard", seconds=300, idle_s=8), home.settings)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                camera = Camera(browser, server)
                wait_for(lambda: (live.recording.status().get("measure_s") or 0) > 30, "30 s of measure")
                camera.shoot("live", "/", PLOT, scheme="dark")
                end(live, home)
                camera.shoot("runs", "/runs", '[data-testid="stDataFrame"] canvas')
                camera.shoot("run", f"/runs?run={runs[0]}", PLOT)
                camera.shoot("compare", f"/compare?runs={','.join(runs)}", PLOT, scheme="dark")
                camera.shoot("report", "/report?model=resnet-152", PLOT)
                camera.shoot("import", "/import", '[data-testid="stFileUploader"]', prepare=drop_log)
                sweep_id = begin_sweep(home)
                wait_for(lambda: finished_cells(home, sweep_id) >= 5, "five cells of the sweep", 600)
                camera.shoot("sweeps", f"/sweeps?sweep={sweep_id}", '.orin-matrix td[data-state="running"]')
                home.cli("sweep", "stop", sweep_id)
                wait_for(lambda: not at_work(home), "the sweep's end")
                browser.close()
        finally:
            end(live, home)
            server.kill()


if __name__ == "__main__":
    main()
