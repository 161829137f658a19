"""The demo view in a real browser: the idle board, a run, its verdict, and what the model says beside them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from orin_core.runs import gallery
from orin_core.runs.recording import Recording
from tests.conftest import GENEROUS_S, wait_for
from tests.e2e.conftest import ARTIFACTS, Server, Viewer
from tests.support_models import save_tiny_depth

pytestmark = pytest.mark.browser

LONG_MS = GENEROUS_S * 1000
PLOT = ".js-plotly-plot .scatterlayer .trace"
LOADED = """() => {
  const images = [...document.querySelectorAll('.orin-gallery img')];
  return images.length > 0 && images.every((image) => image.complete && image.naturalWidth > 0);
}"""
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
IN_SIGHT = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return main.scrollHeight <= main.clientHeight + 1;
}"""
SCREENS = (("dark", 1920, 1080), ("light", 1920, 1080), ("light", 1280, 720), ("light", 820, 1180))


def scenes(folder: Path, count: int) -> Path:
    """Images with a sky, a ground and something on it, so that a person sees what is shown."""
    folder.mkdir()
    dice = np.random.default_rng(0)
    for number in range(count):
        sky, ground, thing = (tuple(int(value) for value in dice.integers(40, 230, 3)) for _ in range(3))
        image = Image.new("RGB", (256, 192), sky)
        canvas = ImageDraw.Draw(image)
        canvas.rectangle((0, 110, 256, 192), fill=ground)
        left = int(dice.integers(20, 150))
        canvas.ellipse((left, 60, left + 80, 150), fill=thing)
        image.save(folder / f"{number}.png")
    return folder


def shot(page: Page, name: str) -> None:
    """Writes screenshots for a projector, light and dark, a small screen and a tablet."""
    ARTIFACTS.mkdir(exist_ok=True)
    for scheme, width, height in SCREENS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        page.wait_for_timeout(300)
        assert page.evaluate(FITS), f"{name} is wider than {width}"
        page.screenshot(path=ARTIFACTS / f"{name}-{scheme}-{width}.png")
        if height == 720:
            assert page.evaluate(IN_SIGHT), f"{name} is higher than {height}"


@pytest.mark.torch
def test_demo_view_follows_a_run_to_its_verdict(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    model, images = save_tiny_depth(tmp_path / "tiny-depth"), scenes(tmp_path / "scenes", 24)
    page = viewer.open(f"{server.url}/?view=demo")
    page.set_viewport_size({"width": 1920, "height": 1080})
    expect(page.get_by_text("The board is idle")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    assert page.get_by_test_id("stSidebar").count() == 0 or not page.get_by_test_id("stSidebar").is_visible()
    shot(page, "demo-idle")

    arguments = ("run", "--model", str(model), "--dataset", str(images), "--idle-s", "3", "--cooldown-s", "1")
    more = (
        "--warmup-min-s",
        "2",
        "--warmup-max-s",
        "3",
        "--seconds",
        "20",
        "--interval-ms",
        "250",
        "--profile",
        "demo",
    )
    with server.home.popen(*arguments, *more) as child:
        page.wait_for_url(re.compile(r"run=2"), timeout=LONG_MS)
        run_id = page.url.partition("run=")[2]
        page.wait_for_function(LOADED, timeout=LONG_MS)
        expect(page.get_by_text("Bright is near")).to_be_visible()
        recording = Recording(folder=server.home.root / "data" / "runs" / run_id)
        wait_for(lambda: (recording.status().get("measure_s") or 0) > 12, "measure under way")
        shot(page, "demo-running")
        assert child.wait(timeout=2 * GENEROUS_S) == 0
        child.communicate()

    expect(page.locator("[data-verdict]")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".orin-gallery figure")).to_have_count(gallery.count(recording), timeout=LONG_MS)
    page.wait_for_function(LOADED, timeout=LONG_MS)
    shot(page, "demo-ended")

    # A run that is over gives way to the idle board, which shows its pictures until the next one.
    page.goto(f"{server.url}/?view=demo")
    expect(page.get_by_text("From an earlier run")).to_be_visible(timeout=LONG_MS)
    page.wait_for_function(LOADED, timeout=LONG_MS)
    shot(page, "demo-waiting")
    page.goto(f"{server.url}/?view=demo&run={run_id}")
    expect(page.locator("[data-verdict]")).to_be_visible(timeout=LONG_MS)

    # By the keyboard alone.
    leave = page.get_by_role("link", name="leave demo view")
    leave.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/\?run={run_id}$"), timeout=LONG_MS)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible(timeout=LONG_MS)


def test_pictures_are_given_out_by_the_real_server(server: Server) -> None:
    assert server.get("/api/runs/20260102T030405Z_a_b_c_ffff/gallery.json") == 404
    assert server.get("/api/runs/nonsense/gallery/0.jpg") == 400
    assert server.get("/api/runs/nonsense/gallery.json", Host="rebound.example") == 403
