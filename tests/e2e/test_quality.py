"""Every page, light and dark, small and upright: readable, nameable, reachable by keyboard, and asking nobody else."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from playwright.sync_api import Error as BrowserError

from orin_core.runs import launcher
from orin_core.spec import RunSpec
from tests.conftest import Home, wait_for
from tests.e2e.conftest import ARTIFACTS, Server, Viewer, free_port
from tests.e2e.quality import audits, colour
from tests.e2e.quality.places import PLACES
from tests.e2e.quality.seeds import make_run
from tests.e2e.test_live import LONG_MS, PLOT, settled
from tests.support import write_tiny_model

SILENT = re.compile(r"no data for \d+ s")


@dataclasses.dataclass(frozen=True)
class Site:
    """A server with finished runs, for all tests of this file that change nothing."""

    server: Server
    runs: tuple[str, ...]

    def url(self, path: str) -> str:
        return self.server.url + path.format(first=self.runs[0], all=",".join(self.runs[:3]))


def serve(home: Home) -> Iterator[Server]:
    """A server for several tests; at its end no process of its home may be left."""
    server = Server(home=home, port=free_port())
    server.start()
    try:
        yield server
    finally:
        server.kill()
        deadline_s = time.monotonic() + 20
        while (left := home.processes()) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    home = Home(root=tmp_path_factory.mktemp("site"))
    runs_dir = home.settings.runs_dir
    runs = [make_run(runs_dir, f"000{place}", mode) for place, mode in enumerate(("MAXN", "MODE_50W", "MODE_30W"))]
    runs.append(make_run(runs_dir, "0003", simulated=True))
    for server in serve(home):
        yield Site(server=server, runs=tuple(runs))


def watch(viewer: Viewer, server: Server) -> None:
    """Makes every request to another origin than the server's a problem, the WebSocket's included."""

    def check(url: str) -> None:
        own = (server.url + "/", server.url.replace("http:", "ws:") + "/", "data:", "blob:" + server.url)
        if not url.startswith(own):
            viewer.problems.append(f"request to another origin: {url}")

    viewer.context.on("request", lambda request: check(request.url))
    viewer.context.on("page", lambda page: page.on("websocket", lambda socket: check(socket.url)))


def drawn(page: Page) -> None:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def looks(page: Page, name: str, *, sizes: tuple[tuple[int, int], ...] = audits.SIZES, greyed: str = "") -> list[str]:
    """Faults that depend on theme and size, with a picture of each."""
    ARTIFACTS.mkdir(exist_ok=True)
    faults: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        # Colours do not depend on the size.
        for width, height in sizes if scheme == "light" else sizes[:1]:
            page.set_viewport_size({"width": width, "height": height})
            drawn(page)
            found = audits.lasting(
                lambda: [*audits.contrast(page, greyed), *audits.sideways(page), *audits.lines(page)]
            )
            faults += [f"{name}, {scheme} {width}: {fault}" for fault in found]
            page.screenshot(path=ARTIFACTS / f"quality-{name}-{scheme}-{width}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": sizes[0][0], "height": sizes[0][1]})
    drawn(page)
    return faults


def expect_none(faults: list[str]) -> None:
    """Fails with every fault at once."""
    assert not faults, "\n".join(faults)


def inspect(page: Page, name: str) -> None:
    """Asks everything of a page and fails with all that was found."""
    faults = looks(page, name)
    found = [*audits.lasting(lambda: audits.names(page)), *audits.motion(page), *audits.keyboard(page)]
    expect_none([*faults, *(f"{name}: {fault}" for fault in found)])


def glance(page: Page, name: str, *, greyed: str = "") -> None:
    """The same of a state that does not last, without the keyboard."""
    expect_none([*looks(page, name, sizes=audits.SIZES[:1], greyed=greyed), *audits.names(page), *audits.motion(page)])


@pytest.mark.browser
@pytest.mark.parametrize("name", PLACES)
def test_page_can_be_read_named_and_reached(site: Site, viewer: Viewer, tmp_path: Path, name: str) -> None:
    watch(viewer, site.server)
    place = PLACES[name]
    page = viewer.open(site.url(place.path))
    page.wait_for_selector(place.ready, state="attached", timeout=LONG_MS)
    settled(page)
    if place.prepare:
        place.prepare(page, tmp_path)
    inspect(page, name)


@pytest.mark.browser
def test_idle_board_from_loading_to_silence_and_back(server: Server, viewer: Viewer) -> None:
    watch(viewer, server)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    viewer.context.route("**/api/live?*", hold)
    page = viewer.open(server.url)
    expect(page.locator(".orin-empty")).to_contain_text("Waiting for the first tick", timeout=LONG_MS)
    glance(page, "loading")

    viewer.context.unroute("**/api/live?*", hold)
    for route in held:
        with contextlib.suppress(BrowserError):  # the page has given some of them up
            route.continue_()
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    inspect(page, "idle")

    number = next(pid for pid, command in server.home.processes().items() if "/tegrastats" in command)
    os.kill(number, signal.SIGSTOP)
    expect(page.locator(".orin-alert")).to_contain_text(SILENT, timeout=LONG_MS)
    expect(page.locator('[data-tile="power"]')).to_contain_text(SILENT)
    assert page.locator('[data-tile="power"] .orin-number').inner_text() == "–"
    assert float(page.locator(".orin-plot").evaluate("(plot) => getComputedStyle(plot).opacity")) < 1
    glance(page, "stale")
    expect(page.locator(".orin-alert")).to_be_hidden(timeout=LONG_MS)


@pytest.mark.browser
def test_disconnected_page_says_so(server: Server, viewer: Viewer) -> None:
    viewer.expected += ["ERR_CONNECTION", "WebSocket", "Failed to fetch", "net::", "Client Error", "not responding"]
    viewer.expected += ["when disconnected from server"]
    watch(viewer, server)
    page = viewer.open(server.url)
    page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
    server.kill(signal.SIGKILL)
    expect(page.get_by_text("Disconnected:")).to_be_visible(timeout=LONG_MS)
    assert page.locator('[data-tile="power"] .orin-number').inner_text() == "–"
    # Without a server no link leads anywhere: Streamlit greys them.
    glance(page, "disconnected", greyed='[data-testid="stHeader"], [data-testid="stPageLink"]')


@pytest.mark.browser
def test_first_visit_finds_no_page_empty_without_a_word(server: Server, viewer: Viewer) -> None:
    watch(viewer, server)
    page = viewer.open(f"{server.url}/runs")
    for path, name, said in (
        ("/runs", "runs-empty", "There are no runs yet"),
        ("/report", "report-empty", "Start a run on the Live page"),
        ("/compare", "compare-empty", "run"),
        ("/runs?run=20260102T030405Z_resnet-152_cifar100_MAXN_0a1b", "error-unknown-run", "0a1b"),
    ):
        page.goto(server.url + path)
        expect(page.get_by_test_id("stAlert").filter(has_text=said).first).to_be_visible(timeout=LONG_MS)
        settled(page)
        glance(page, name)


class NoBoard(Home):
    """A machine that is asked for tegrastats and has none."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "ORIN_TELEMETRY": "tegrastats"}


@pytest.fixture
def no_board(home: Home) -> Iterator[Server]:
    yield from serve(NoBoard(root=home.root))


@pytest.mark.browser
def test_missing_telemetry_is_an_error_with_advice(no_board: Server, viewer: Viewer) -> None:
    watch(viewer, no_board)
    page = viewer.open(no_board.url)
    expect(page.get_by_test_id("stAlert").filter(has_text="tegrastats").first).to_be_visible(timeout=LONG_MS)
    expect(page.locator(".orin-empty")).to_contain_text("tegrastats", timeout=LONG_MS)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    inspect(page, "error-no-telemetry")


@pytest.mark.browser
@pytest.mark.torch
def test_running_page_and_demo_view(home: Home, server: Server, viewer: Viewer, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny-resnet")
    spec = RunSpec(
        model=str(model), dataset="cifar100", seconds=600, weights="random", images="synthetic",
        telemetry="simulated", idle_s=1, warmup_min_s=0, warmup_max_s=0, cooldown_s=0,
    )  # fmt: skip
    started = launcher.start(spec, home.settings)
    try:
        watch(viewer, server)
        page = viewer.open(server.url)
        wait_for(lambda: page.locator(".orin-now").all_inner_texts() == ["measure"], "measure")
        wait_for(lambda: page.locator('[data-tile="fps"] .orin-number').inner_text() != "–", "a live FPS")
        inspect(page, "running")
        page.goto(f"{server.url}/?view=demo")
        page.wait_for_selector(PLOT, state="attached", timeout=LONG_MS)
        page.set_viewport_size({"width": 1920, "height": 1080})
        expect_none(looks(page, "running-demo", sizes=((1920, 1080), (1280, 720))))
    finally:
        launcher.stop(started.recording)
        launcher.wait(started.recording, home.settings)


PLANTED = """
<style>.orin-mover { transition: width 1s } .faint { color: #999; background: #fff } .half { opacity: 0.5; color: #000 }
.big { font-size: 24px; color: #949494 } .bare { outline: none } body { background: #fff; color: #000 }</style>
<p class="faint">grey on white</p><p class="half">black at half strength</p><p class="big">large enough at 3 to 1</p>
<p style="color: #999"><button disabled>off</button></p><p>one two three</p><p>four five</p><p>six</p><p>seven</p>
<a href="#a" class="bare">a link</a><button></button><button class="good">named</button><input aria-label="a field">
<button tabindex="-1">not by Tab</button><div class="orin-mover" style="width: 2000px">wide</div>
"""


@pytest.mark.browser
def test_audits_find_what_was_planted(viewer: Viewer) -> None:
    page = viewer.context.new_page()
    page.set_content(PLANTED)
    contrast = audits.contrast(page)
    assert [fault.partition(":")[0] for fault in contrast] == [
        "p.faint #999999 on #ffffff",
        "p.half #808080 on #ffffff",
    ]
    assert "2.85 < 4.5" in contrast[0]
    [unnamed] = audits.names(page)
    assert unnamed.startswith("button without a name")
    assert audits.sideways(page)
    assert audits.motion(page) == ["moves: div.orin-mover none width 1s"]
    assert audits.keyboard(page) == ['the focus cannot be seen on a.bare "a link"']


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_distance_of_colours_is_that_of_the_published_pairs(
    first: colour.Triple, second: colour.Triple, known: float
) -> None:
    assert colour.delta_e(first, second) == pytest.approx(known, abs=1e-4)


def test_red_and_green_are_alike_for_some_eyes_and_okabe_ito_is_not() -> None:
    line = {"chart": 0, "pane": "y", "dash": "solid", "labelled": False}
    red, green = {**line, "name": "red", "colour": "#c05040"}, {**line, "name": "green", "colour": "#708a2e"}
    assert colour.distance("#c05040", "#708a2e")[0] < colour.MIN_DELTA_E
    assert len(colour.alike([red, green])) == 1
    assert colour.alike([red, {**green, "dash": "dash"}]) == []
    blue, orange = {**line, "name": "a", "colour": "#0072b2"}, {**line, "name": "b", "colour": "#e69f00"}
    assert colour.alike([blue, orange, {**line, "name": "c", "colour": "#009e73"}]) == []
    assert len(colour.alike([blue, {**blue, "name": "b"}])) == 1
