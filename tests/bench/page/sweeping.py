"""A sweep in the middle of its matrix, as its files show it, and what a tab on the Sweeps page costs."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import statistics
import threading
import time
from collections.abc import Iterator

from playwright.sync_api import Browser

from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.sweeps import queue, state
from orin_core.sweeps import spec as specs
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Sweep, SweepState
from tests.bench.page.cost import REFRESHES, SETTLE_S
from tests.bench.page.place import Place
from tests.bench.page.tab import CHART_DRAWN, Tab

PATH = "/api/sweep"
_MATRIX = "() => document.querySelector('.orin-matrix td[data-state=running]') ? performance.now() : false"
MESSAGE_S = 1.0
"""A sweep that cools writes its state so often, s."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SweepCost:
    """What a tab costs while it shows a sweep.

    Args:
        refreshes: how many answers it got.
        wire_bytes: median of a refresh, both ways, headers and its share of the web socket included.
        wire_most_bytes: the largest refresh.
        server_ms_s: CPU time of the server per second, ms/s.
        busy_ms_s: median over seconds of the main thread's CPU time, ms/s.
    """

    refreshes: int
    wire_bytes: float
    wire_most_bytes: float
    server_ms_s: float
    busy_ms_s: float


def make(settings: Settings, run_id: str, runs: list[str]) -> Sweep:
    """Makes a sweep of 12 combinations, twice each: some are done, one goes on.

    Args:
        settings: where it goes.
        run_id: the run that goes on.
        runs: finished runs, for the cells that are done.
    """
    spec = specs.from_json(
        {
            "name": "bench",
            "models": ["resnet-152", "depth-anything-v2-base", "yolov8n"],
            "datasets": ["cifar100"],
            "power_modes": ["MAXN", "MODE_50W", "MODE_30W", "MODE_15W"],
            "repeats": 2,
        }
    )
    order = [cell.cell_id for cell in spec.cells()]
    sweep = state.make(spec, settings, order)
    cells = dict(sweep.progress().cells)
    begun = "2026-03-01T00:00:00.000Z"
    for cell_id, done in zip(order, runs, strict=False):
        attempt = Attempt(run_id=done, outcome="done", begun_utc=begun, ended_utc="2026-03-01T00:01:40.000Z")
        cells[cell_id] = CellProgress(state=CellState.DONE, run_id=done, attempts=(attempt,))
    attempt = Attempt(run_id=run_id, begun_utc=begun)
    cells[order[len(runs)]] = CellProgress(state=CellState.RUNNING, attempts=(attempt,))
    me = ProcessId.of(os.getpid())
    going = dataclasses.replace(sweep.progress(), state=SweepState.RUNNING, cells=cells)
    pid, start = (me.pid, me.start) if me else (None, None)
    sweep.write(dataclasses.replace(going, conductor_pid=pid, conductor_start=start))
    queue.add(settings, sweep.sweep_id)
    return sweep


@contextlib.contextmanager
def cooling(sweep: Sweep) -> Iterator[None]:
    """Writes the state of a sweep every second, as while it waits for a cool board."""
    over, before = threading.Event(), sweep.progress()

    def work() -> None:
        for number in itertools.count():
            if over.wait(MESSAGE_S):
                return
            message = f"Cooling down: {60 - number % 150 / 10:.1f} °C, idle 43.0 °C."
            sweep.write(dataclasses.replace(before, message=message))

    writer = threading.Thread(target=work)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def look(browser: Browser, place: Place, sweep: Sweep, *, chart: bool, refreshes: int = REFRESHES) -> SweepCost:
    """Looks at a sweep, at the page's own pace.

    Args:
        browser: the browser.
        place: the server.
        sweep: what is shown.
        chart: whether the charts of its present run are unfolded.
        refreshes: how many to wait for.
    """
    url = f"{place.server.url}/sweeps?sweep={sweep.sweep_id}{'' if chart else '&chart=0'}"
    with Tab(browser, url, path=PATH) as tab:
        tab.drawn_s(CHART_DRAWN if chart else _MATRIX)
        tab.rest(SETTLE_S)
        tab.wire.reset()
        begin_s, cpu_s, busy_s = time.monotonic(), place.cpu_s(), [tab.busy_s()]
        while len(tab.wire.refreshes()) < refreshes:
            if time.monotonic() - begin_s > 10.0 * refreshes:
                raise RuntimeError(f"{len(tab.wire.refreshes())} refreshes of the Sweeps page, {refreshes} were due.")
            tab.rest(1.0)
            busy_s.append(tab.busy_s())
        seconds, cpu_s = time.monotonic() - begin_s, place.cpu_s() - cpu_s
        sizes = tab.wire.refreshes()
        socket = tab.wire.socket_bytes / len(sizes)
    both = [sent + got + socket for sent, got in sizes]
    return SweepCost(
        refreshes=len(sizes),
        wire_bytes=statistics.median(both),
        wire_most_bytes=max(both),
        server_ms_s=1000 * cpu_s / seconds,
        busy_ms_s=1000 * statistics.median(b - a for a, b in itertools.pairwise(busy_s)) * (len(busy_s) - 1) / seconds,
    )
