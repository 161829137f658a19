"""The conductor: ``python -m orin_core.sweeps.conductor``, the one process that works on the queue.

It takes one sweep after the other, one cell after the other, and writes down every step before and
after it is made, so that whoever comes after it (SIGKILL, power cut, reboot) knows what is done. A
run is the runner's: it survives the conductor, and the next conductor finds it by the sweep and the
cell in its ``spec.json`` and waits for its end.
"""

from __future__ import annotations

import dataclasses
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
from orin_core.sweeps.state import Sweep, SweepState, Wanted, find_sweep
from orin_core.sweeps.work import Outcome, SweepWork

STARTED_S = 60.0
LOG = "conductor.log"


def ensure(settings: Settings) -> None:
    """Starts the conductor where something waits and nobody works on it; returns once somebody does.

    Raises:
        RunFailed: it does not come up.
    """
    # One that works on the queue looks once more after it has let go, so it sees what came before this line.
    if next_sweep(settings) is None or queue.conductor_of(settings.sweeps_dir) is not None:
        return
    path = settings.sweeps_dir / LOG
    try:
        with path.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "orin_core.sweeps.conductor"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=PROJECT_ROOT,
                start_new_session=True,
            )
    except OSError as error:
        raise RunFailed(
            f"The queue's process does not start: {error.strerror}.", f"Is there room for {path}?"
        ) from error
    try:
        # It forks and this one leaves once it is known who works on the queue: nobody has to reap the conductor.
        failed = child.wait(timeout=STARTED_S) != 0
    except subprocess.TimeoutExpired:
        failed = True
    if failed:
        raise RunFailed("The queue's process does not start.", f"See {path}.")


def next_sweep(settings: Settings) -> Sweep | None:
    """Returns the first sweep in the queue that is neither paused nor over; None where there is none."""
    for sweep_id in queue.order(settings):
        try:
            sweep = find_sweep(settings, sweep_id)
        except BadRequest:
            queue.remove(settings, sweep_id)
            continue
        try:
            ended = sweep.progress().state.ended
        except BadRequest:
            # Left for people to see and to take out.
            continue
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
            if self._work(sweep) is Outcome.ENDED:
                queue.remove(self._settings, sweep.sweep_id)

    def _work(self, sweep: Sweep) -> Outcome:
        work = None
        try:
            work = SweepWork(sweep, self._settings, leaving=lambda: self.leaving)
            return work.run()
        except OrinError as error:
            return _fail(sweep, work, f"{error.message} {error.hint}".strip())
        except Exception as error:  # boundary: one sweep must not hold up the queue  # noqa: BLE001
            traceback.print_exc()
            if self.leaving:
                # A shutdown takes programs and disks away; whoever comes after it finds the sweep as it stands.
                return Outcome.LEAVING
            return _fail(sweep, work, f"The queue's process failed: {error!r} See {LOG} beside the sweeps.")


def _fail(sweep: Sweep, work: SweepWork | None, message: str) -> Outcome:
    """Ends a sweep that cannot go on, by its work where it came so far; it leaves the queue in any case."""
    try:
        if work is not None:
            return work.fail(message)
        failed = {"state": SweepState.FAILED, "message": message, "conductor_pid": None, "conductor_start": None}
        sweep.write(dataclasses.replace(sweep.progress().at_rest(), **failed))  # type: ignore[arg-type]
    except Exception:  # boundary: what cannot even be written down must not hold up the queue  # noqa: BLE001
        traceback.print_exc()
    return Outcome.ENDED


def main() -> None:
    """Detaches and works on the queue; leaves at once where another does."""
    settings = load()
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        # Nothing comes from a process that died before it took the queue or found another at it.
        os._exit(0 if os.read(told, 1) else 1)
    os.close(told)
    os.setsid()
    conductor = Conductor(settings)
    with queue.conducting(settings) as mine:
        os.write(tell, b"1")
        os.close(tell)
        if mine:
            _conduct(settings, conductor)
    # Somebody may have queued a sweep when this one had seen that nothing is left, and had not let go yet.
    while mine and not conductor.leaving and next_sweep(settings) is not None:
        with queue.conducting(settings) as mine:
            if mine:
                _conduct(settings, conductor)


def _conduct(settings: Settings, conductor: Conductor) -> None:
    try:
        launcher.recover(settings)
    except Exception:  # boundary: what a killed run left behind must not hold up the queue  # noqa: BLE001
        traceback.print_exc()
    conductor.run()


if __name__ == "__main__":
    main()
