"""What the tool itself costs while a model runs: runner with its reader, server with one page open at 1 Hz."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil

from orin_core.runs.recording import Recording
from tests.bench.page.place import server
from tests.bench.page.tab import Tab, chromium
from tests.bench.rows import Row
from tests.conftest import Home, wait_for
from tests.support import write_images

LOOK_S = 90.0
WAIT_S = 300.0
OWN_PCT = 1.5
CORES = 2
"""The target is a share of two cores, whatever this machine has."""

PARTS = {"runner, reader in it": "orin_core run", "server": "-m dashboard", "worker": "inference.worker"}
STAND_IN = "simulator"


def run() -> list[Row]:
    """Returns CPU time by process as share of two cores, with YOLOv8n running on a simulated board.

    Raises:
        RuntimeError: a process was not there for all of the time.
    """
    with tempfile.TemporaryDirectory(prefix="orin-bench-") as name:
        home = Home(root=Path(name))
        images = write_images(home.root / "images", 64, size_px=32)
        asked = ["--model", "yolov8n", "--weights", "random", "--dataset", str(images), "--profile", "demo"]
        lengths = ["--idle-s", "1", "--warmup-min-s", "1", "--warmup-max-s", "5", "--seconds", str(LOOK_S + 60)]
        with server(home) as (running, _), chromium() as browser:
            runner = home.popen("run", *asked, *lengths)
            try:
                wait_for(lambda: home.runs and _measures(home.runs[-1]), "measure", WAIT_S)
                with Tab(browser, f"{running.url}/?run={home.runs[-1].name}") as tab:
                    tab.drawn_s()
                    return _looked(home, tab)
            finally:
                runner.terminate()
                runner.communicate()


def _measures(folder: Path) -> bool:
    return any(event.get("phase") == "measure" for event in Recording(folder=folder).events())


def _looked(home: Home, tab: Tab) -> list[Row]:
    tab.rest(10.0)
    before_s, begin_s, browser_s = _cpu_s(home), time.monotonic(), _browser_s()
    tab.rest(LOOK_S)
    seconds = time.monotonic() - begin_s
    after_s, browser_s = _cpu_s(home), _browser_s() - browser_s
    if set(before_s) != set(after_s):
        raise RuntimeError(f"Processes came or went: {sorted(set(before_s) ^ set(after_s))}.")
    spent = {part: 100 * (after_s[part] - before_s[part]) / seconds / CORES for part in after_s}
    own = sum(share for part, share in spent.items() if part not in ("worker", STAND_IN))
    how = f"CPU time in {seconds:.0f} s of measure, YOLOv8n on the CPU, one page open at 1 Hz"
    target = f"target <= {OWN_PCT:g} %: {'PASS' if own <= OWN_PCT else 'FAIL'}; "
    rows = [Row(name="runner + reader + server, of two cores", value=own, unit="%", how=target + how, decimals=2)]
    rows += [
        Row(name=f"  {part}", value=share, unit="%", how="of two cores", decimals=2) for part, share in spent.items()
    ]
    share = 100 * browser_s / seconds / CORES
    return [*rows, Row(name="  browser, apart", value=share, unit="%", how="all its processes", decimals=2)]


def _cpu_s(home: Home) -> dict[str, float]:
    """Returns CPU time by part, s; what is none of the known parts is the simulated board's."""
    found: dict[str, float] = {}
    for pid, command in home.processes().items():
        part = next((part for part, mark in PARTS.items() if mark in command), STAND_IN)
        found[part] = found.get(part, 0.0) + _of(psutil.Process(pid))
    return found


def _browser_s() -> float:
    return sum(_of(one) for one in psutil.Process().children(recursive=True) if "chrom" in one.name())


def _of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
