"""``python -m tests.e2e.screenshot``: makes docs/images/live.png from a real run on the simulated board."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from orin_core.runs import launcher
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import RunSpec
from tests.conftest import Home, wait_for
from tests.e2e.conftest import CHROMIUM, FLAGS, Server, free_port

TARGET = PROJECT_ROOT / "docs" / "images" / "live.png"
SPEC = RunSpec(
    model="resnet-152",
    dataset="cifar100",
    items=600,
    weights="random",
    images="synthetic",
    telemetry="simulated",
    idle_s=8,
    warmup_min_s=10,
    warmup_max_s=15,
)


def main() -> None:
    """Starts a server and a run in a temporary folder, waits until measure is well under way, and takes the picture."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder))
        server = Server(home=home, port=free_port())
        server.start()
        started = launcher.start(SPEC, home.settings)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = browser.new_page(viewport={"width": 1500, "height": 1060}, color_scheme="dark")
                page.goto(server.url)
                wait_for(lambda: (started.recording.status().get("measure_s") or 0) > 45, "45 s of measure")
                page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached")
                TARGET.parent.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=TARGET)
                browser.close()
        finally:
            launcher.stop(started.recording)
            launcher.wait(started.recording, home.settings)
            server.kill()
    print(TARGET)


if __name__ == "__main__":
    main()
