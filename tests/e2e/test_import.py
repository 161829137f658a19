"""Old logs through the page: dropped, cut, moved, accepted; a real browser against a real server."""

from __future__ import annotations

import gzip
import re
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from orin_core.runs.recording import Recording
from tests.conftest import wait_for
from tests.e2e.conftest import Server, Viewer
from tests.e2e.test_live import LONG_MS, number_input, settled

pytestmark = pytest.mark.browser

STORED = '[class*="st-key-import_"][class*="_stored"]'
DRAWN = """() => {
  const plot = document.querySelector('.js-plotly-plot');
  return plot?.layout && {
    points: plot.data.map((trace) => trace.x.length),
    bands: plot.layout.shapes.map((shape) => [shape.x0, shape.x1]),
    numbers: plot.layout.annotations.map((one) => one.text),
  };
}"""


def bands(page: Page) -> list[list[float]] | None:
    """The runs as the chart marks them, s; None where nothing is drawn."""
    drawn: dict[str, list[list[float]]] | None = page.evaluate(DRAWN)
    return drawn["bands"] if drawn else None


def log_text(*busy: tuple[int, int], seconds: int) -> str:
    """A tegrastats log of one tick a second whose GPU is busy from one second to another; two modes by its CPU."""
    lines = ["Wed Oct 23 03:07:29 AM UTC 2024\n"]
    for second in range(seconds):
        clock = (
            f"{3 + (7 * 60 + 29 + second) // 3600:02}:{(7 * 60 + 29 + second) // 60 % 60:02}:{(29 + second) % 60:02}"
        )
        on = next((place for place, (begin, end) in enumerate(busy) if begin <= second < end), None)
        gr3d = 0 if on is None else 92 + second % 7
        mhz = (2201, 1497)[on or 0] if on is not None else 729
        cores = ",".join([f"{20 if on is not None else 2}%@{mhz}"] * 12)
        gpu_mw = 2000 if on is None else 20_000 - 8000 * on
        lines.append(
            f"10-23-2024 {clock} RAM {9000 if on is None else 10_400}/30698MB (lfb 3x4MB) CPU [{cores}] "
            f"GR3D_FREQ {gr3d}% cpu@45C tj@46.5C VDD_GPU_SOC {gpu_mw}mW/{gpu_mw}mW VDD_CPU_CV 800mW/800mW "
            "VIN_SYS_5V0 4000mW/4000mW\n"
        )
    return "".join(lines)


def drop(page: Page, *files: Path) -> None:
    page.locator('input[type="file"]').set_input_files([str(path) for path in files])
    settled(page)


def left_behind() -> list[str]:
    return [entry.name for entry in Path(tempfile.gettempdir()).glob("orin-import-*")]


def test_log_becomes_runs_as_proposed(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    before = left_behind()
    path = tmp_path / "two modes *a*.txt.gz"
    path.write_bytes(gzip.compress(log_text((40, 240), (330, 480), seconds=560).encode()))
    page = viewer.open(f"{server.url}/import")
    drop(page, path)
    table = page.locator(".orin-cut tr")
    expect(table).to_have_count(3, timeout=LONG_MS)
    expect(table.nth(1)).to_contain_text("MAXN")
    expect(table.nth(1)).to_contain_text("CPU ceiling 2201 MHz")
    expect(table.nth(2)).to_contain_text("50W")
    expect(page.get_by_text("two modes *a*.txt.gz").last).to_be_visible()
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached")
    drawn = page.evaluate(DRAWN)
    assert drawn["numbers"] == ["<b>1</b>", "<b>2</b>"]
    assert [[round(x) for x in band] for band in drawn["bands"]] == [[39, 239], [329, 479]]
    assert max(drawn["points"]) <= 2000
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    viewer.shot(page, "import")
    page.get_by_role("button", name="Accept: keep 2 runs").click()
    links = page.locator(f"{STORED} a")
    expect(links).to_have_count(2, timeout=LONG_MS)
    viewer.shot(page, "import-kept")
    assert len(server.home.runs) == 2
    assert left_behind() == before
    page.get_by_role("button", name="Accept: keep 2 runs").click()
    expect(page.get_by_text("Nothing was stored")).to_be_visible(timeout=LONG_MS)
    expect(page.locator(STORED)).to_contain_text("delete it there, come back and accept again")
    expect(page.locator(STORED)).not_to_contain_text("Kept")
    assert len(server.home.runs) == 2

    links.first.click()
    expect(page.locator('[data-verdict="imported"]')).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".orin-figures").first).to_contain_text("95.0", timeout=LONG_MS)
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached", timeout=LONG_MS)
    viewer.shot(page, "import-run")
    # The way back: the file is still there, and is gone for good when that is asked for.
    page.get_by_role("link", name="Import", exact=True).click()
    expect(links).to_have_count(2, timeout=LONG_MS)
    page.get_by_role("button", name="Remove").click()
    expect(table).to_have_count(0, timeout=LONG_MS)


def test_moved_cut_changes_figures_and_is_what_is_kept(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(log_text((40, 240), (330, 480), seconds=560))
    page = viewer.open(f"{server.url}/import")
    drop(page, path)
    table = page.locator(".orin-cut tr")
    expect(table).to_have_count(3, timeout=LONG_MS)
    page.get_by_role("button", name="Leave out").nth(1).click()
    expect(table).to_have_count(2, timeout=LONG_MS)
    number_input(page, "Run 1: start (s)", "100")
    number_input(page, "Run 1: images", "695")
    number_input(page, "Run 1: end (s)", "300")
    expect(table.nth(1)).to_contain_text("3 min 20 s", timeout=LONG_MS)
    # 139 busy ticks of a mean of 95 %, then 61 at rest.
    expect(table.nth(1)).to_contain_text(re.compile(r"66\.\d %"))
    number_input(page, "Run 1: end (s)", "239")
    expect(table.nth(1)).to_contain_text("5.00", timeout=LONG_MS)
    wait_for(lambda: bands(page) == [[100, 239]], "the cut on the chart")
    number_input(page, "Run 1: end (s)", "99")
    expect(page.get_by_text("Run 1 ends before it begins.")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("button", name="Accept: keep 1 run")).to_be_disabled()
    viewer.shot(page, "import-wrong")
    number_input(page, "Run 1: end (s)", "239")
    expect(page.get_by_text("Run 1 ends before it begins.")).to_be_hidden(timeout=LONG_MS)
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_text("There are no runs yet.")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("link", name="Import", exact=True).click()
    expect(page.get_by_label("Run 1: images")).to_have_value("695", timeout=LONG_MS)
    wait_for(lambda: bands(page) == [[100, 239]], "the cut on the chart")
    page.get_by_role("button", name="Accept: keep 1 run").click()
    expect(page.locator(f"{STORED} a")).to_have_count(1, timeout=LONG_MS)
    said = "The cut was moved by hand: 39 to 239 s proposed, 100 to 239 s kept."
    expect(table.nth(1)).to_contain_text(said)
    expect(page.locator(STORED)).to_contain_text(said)
    [folder] = server.home.runs
    summary = Recording(folder=folder).summary()
    assert summary is not None
    assert (summary["items"], summary["origin"]) == (695, "imported")
    assert summary["total_inference_time_s"] == pytest.approx(139)
    assert summary["fps_end_to_end"] == pytest.approx(5)
    assert said in summary["notices"]


def test_files_that_are_no_logs_are_refused_beside_one_that_is(server: Server, viewer: Viewer, tmp_path: Path) -> None:
    good, junk, foreign = tmp_path / "good.txt", tmp_path / "junk.log", tmp_path / "foreign.csv"
    good.write_text(log_text((20, 80), seconds=100))
    junk.write_bytes(bytes(range(256)) * 40)
    foreign.write_text("name,age\n$x^2$,7\n")
    page = viewer.open(f"{server.url}/import")
    drop(page, good, junk, foreign)
    expect(page.locator(".orin-cut tr")).to_have_count(2, timeout=LONG_MS)
    expect(page.get_by_test_id("stAlert")).to_have_count(2, timeout=LONG_MS)
    for box in page.get_by_test_id("stAlert").all():
        expect(box).to_contain_text("tegrastats")
    viewer.shot(page, "import-refused")
    assert server.home.runs == []
