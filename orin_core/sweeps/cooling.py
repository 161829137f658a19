"""The wait between two runs: until the board is nearly as cool as when it was idle."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from orin_core.board.probe import ProbeNotice
from orin_core.board.probes import open_probe, resolve_telemetry
from orin_core.board.sample import Tick, hottest_c
from orin_core.settings import Settings

INTERVAL_MS = 1000
FIRST_TICK_S = 10.0
"""A board that says nothing for so long is not waited for."""


def cool_down(
    telemetry: str,
    settings: Settings,
    *,
    idle_c: float | None,
    within_c: float,
    at_most_s: float,
    go_on: Callable[[str], bool],
) -> float | None:
    """Waits until the hottest zone is near its idle value, or until the time is over.

    Args:
        telemetry: source of telemetry as in a run.
        settings: where the board's state lies.
        idle_c: hottest zone of the idle board, degree C; None takes the first reading for it.
        within_c: how near is near enough, K.
        at_most_s: longest wait, s.
        go_on: told at every tick how things are, in words; returns whether to wait on.

    Returns:
        The last reading, degree C; None where there was none.

    Raises:
        TelemetryError: the source cannot be started.
    """
    ticks: queue.Queue[Tick | ProbeNotice] = queue.Queue()
    probe = open_probe(resolve_telemetry(telemetry), INTERVAL_MS, settings.state_dir)
    begin_s, last_c = time.monotonic(), None
    probe.start(ticks.put)
    try:
        while True:
            try:
                told = ticks.get(timeout=FIRST_TICK_S)
            except queue.Empty:
                return last_c
            now_c = hottest_c(told.sample) if isinstance(told, Tick) else None
            last_c = last_c if now_c is None else now_c
            waited_s = time.monotonic() - begin_s
            if last_c is not None and (idle_c is None or last_c <= idle_c + within_c):
                return last_c
            words = f"Cooling down: {last_c:.1f} °C, idle {idle_c:.1f} °C." if last_c and idle_c else "Cooling down."
            if waited_s >= at_most_s or not go_on(words):
                return last_c
    finally:
        probe.close()
