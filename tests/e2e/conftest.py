"""A real server as a process, and a real browser."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from orin_core.settings import PROJECT_ROOT
from tests.conftest import Home, wait_for

ARTIFACTS = PROJECT_ROOT / "tests" / "artifacts"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# The chart looks once a second whether the theme has changed.
SETTLED = """() => {
  document.querySelector(".orin")?.liveChart?.draw();
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


@dataclasses.dataclass
class Server:
    """``python -m dashboard`` in a home of its own."""

    home: Home
    port: int
    child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home.root / "server.log"

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "dashboard"],
                env={**self.home.env, "ORIN_PORT": str(self.port)},
                cwd=PROJECT_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: self.get("/_stcore/health") == 200, f"the server; its log: {self.log}")

    def get(self, path: str, **headers: str) -> int:
        """Status of a GET request; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def kill(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.child and self.child.poll() is None:
            self.child.send_signal(number)
        if self.child:
            self.child.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    made = Server(home=home, port=free_port())
    made.start()
    try:
        yield made
    finally:
        made.kill()


DRIVER_S = 30.0
"""So long Playwright's driver may take to end, s."""


def kill(processes: list[psutil.Process]) -> None:
    for one in processes:
        one.kill()


# Not for the whole session: other tests of the same process run event loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        if os.environ.get("ORIN_REQUIRE_BROWSER") == "1":
            pytest.fail("There is no chromium, and ORIN_REQUIRE_BROWSER=1 asks for it.")
        pytest.skip("There is no chromium.")
    others, drivers = set(psutil.Process().children()), list[psutil.Process]()
    # Once in many sessions the driver was still there minutes after its browser had ended.
    force = threading.Timer(DRIVER_S, kill, (drivers,))
    try:
        with sync_playwright() as playwright:
            drivers += [child for child in psutil.Process().children() if child not in others]
            started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield started
            force.start()
            started.close()
    finally:
        force.cancel()


@dataclasses.dataclass
class Viewer:
    """A browser window that remembers what must not happen: errors, and requests to elsewhere."""

    context: BrowserContext
    problems: list[str]
    expected: list[str]

    def open(self, url: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on(
            "console", lambda message: self._on_console(message.type, message.text, message.location.get("url", ""))
        )
        page.on("request", lambda request: self._on_request(request.url))
        page.goto(url)
        return page

    def _on_console(self, kind: str, text: str, url: str) -> None:
        # Streamlit asks below the page's own path first to find out where it is served.
        if (
            kind == "error"
            and not re.search(r"\w/\w+/_stcore/", url)
            and not any(part in text for part in self.expected)
        ):
            self.problems.append(f"console: {text} {url}")

    def _on_request(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.problems.append(f"request to {url}")

    def shot(self, page: Page, name: str) -> None:
        """Writes screenshots of a page: on a small screen light and dark, and on a large one."""
        ARTIFACTS.mkdir(exist_ok=True)
        for scheme, width, height in (("dark", 1280, 720), ("light", 1280, 720), ("light", 1500, 1060)):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(SETTLED)
            page.screenshot(path=ARTIFACTS / f"{name}-{scheme}-{width}.png")


@pytest.fixture
def viewer(browser: Browser) -> Iterator[Viewer]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    made = Viewer(context=context, problems=[], expected=[])
    yield made
    context.close()
    assert not made.problems, made.problems
