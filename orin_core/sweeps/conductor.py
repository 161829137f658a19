"""The conductor: ``python -m orin_core.sweeps.conductor``, the one process that works on the queue.

It takes one sweep after the other, one cell after the other, and writes down every step before and
after it is made, so that whoever comes after it (SIGKILL, power cut, reboot) knows what is done. A
run is the runner's: it survives the conductor, and the next conductor finds it by the sweep and the
cell in its ``spec.json`` and waits for its end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from types import FrameType

from orin_core.errors import BadRequest, OrinError, RunFailed
from orin_core.runs import launcher
from orin_core.settings import PROJECT_ROOT, Settings, load
from orin_core.sweeps import queue
from orin_core.sweeps.state import Sweep, Wanted, find_sweep
from orin_core.sweeps.work import Outcome, SweepWork

STARTED_S = 60.0
LOG = "conductor.log"


def ensure(settings: Settings) -> None:
    """Starts the conductor where something waits and nobody works on it; returns once somebody does.

    Raises:
        RunFailed: it does not come up.
    """
    if next_sweep(settings) is None:
        return
    settings.sweeps_dir.mkdir(parents=True, exist_ok=True)
    with (settings.sweeps_dir / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "orin_core.sweeps.conductor"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=PROJECT_ROOT,
            start_new_session=True,
        )
    try:
        # It forks and this one leaves at once: nobody has to reap the conductor.
        failed = child.wait(timeout=STARTED_S) != 0
    except subprocess.TimeoutExpired:
        failed = True
    if failed:
        raise RunFailed("The queue's process does not start.", f"See {settings.sweeps_dir / LOG}.")


def next_sweep(settings: Settings) -> Sweep | None:
    """Returns the first sweep in the queue that is neither paused nor over; None where there is none."""
    for sweep_id in queue.order(settings):
        try:
            sweep = find_sweep(settings, sweep_id)
            ended = sweep.progress().state.ended
        except BadRequest:
            ended = True
        if ended:
            queue.remove(settings, sweep_id)
        elif sweep.wanted() is not Wanted.PAUSE:
            return sweep
    return None


class Conductor:
    """Works on the queue until it is empty, paused, or told to leave.

    Args:
        settings: where sweeps, runs and the board's state lie.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.leaving = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.leaving = True

    def run(self) -> None:
        """Works until nothing is left to do."""
        while not self.leaving and (sweep := next_sweep(self._settings)) is not None:
            work = SweepWork(sweep, self._settings, leaving=lambda: self.leaving)
            try:
                outcome = work.run()
            except OrinError as error:
                outcome = work.fail(f"{error.message} {error.hint}".strip())
            except Exception as error:  # boundary: one sweep must not hold up the queue  # noqa: BLE001
                traceback.print_exc()
                outcome = work.fail(f"The queue's process failed: {error!r} See {LOG} beside the sweeps.")
            if outcome is Outcome.ENDED:
                queue.remove(self._settings, sweep.sweep_id)


def main() -> None:
    """Detaches and works on the queue; leaves at once where another does."""
    settings = load()
    if os.fork():
        os._exit(0)
    os.setsid()
    with queue.conducting(settings) as mine:
        if mine:
            launcher.recover(settings)
            Conductor(settings).run()


if __name__ == "__main__":
    main()
