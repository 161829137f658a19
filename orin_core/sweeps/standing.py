"""Where a sweep stands, in a word or two: what its state says, what was asked meanwhile, whether anybody works on it.

Pages and command line show these words and nothing else; :mod:`orin_core.sweeps.control` passes them on.
"""

from __future__ import annotations

import enum

from orin_core.runs.processes import ProcessId
from orin_core.sweeps import queue
from orin_core.sweeps.state import CellState, Progress, Sweep, SweepState, Wanted


class StateWord(str, enum.Enum):
    """Where a sweep stands; what each means is told in ``docs/sweeps.md``."""

    QUEUED = "queued"
    STALLED = "stalled"
    """It waits, but nobody works on the queue, or it is not in the queue."""
    HELD_BACK = "held back"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    REBOOT = "reboot needed"
    STOPPING = "stopping"
    INTERRUPTED = "interrupted"
    """It had begun, and whoever worked on it is gone."""
    DONE = "done"
    DONE_WITH_FAILURES = "done with failures"
    STOPPED = "stopped"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value

    @property
    def alive(self) -> bool:
        """Whether somebody works on it or will without being asked."""
        return self in _ALIVE

    @property
    def can_resume(self) -> bool:
        """Whether ``resume`` changes anything."""
        return self in _CAN_RESUME

    @property
    def can_pause(self) -> bool:
        """Whether ``pause`` changes anything."""
        return self in _CAN_PAUSE

    @property
    def can_stop(self) -> bool:
        """Whether ``stop`` changes anything."""
        return self not in (*_ENDED, StateWord.STOPPING)

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self in _ENDED


_ALIVE = (StateWord.QUEUED, StateWord.RUNNING, StateWord.PAUSING, StateWord.REBOOT, StateWord.STOPPING)
_ENDED = (StateWord.DONE, StateWord.DONE_WITH_FAILURES, StateWord.STOPPED, StateWord.FAILED)
_CAN_RESUME = (
    StateWord.STALLED, StateWord.HELD_BACK, StateWord.PAUSING, StateWord.PAUSED, StateWord.INTERRUPTED,
    StateWord.DONE_WITH_FAILURES, StateWord.STOPPED, StateWord.FAILED,
)  # fmt: skip
_CAN_PAUSE = (StateWord.QUEUED, StateWord.STALLED, StateWord.RUNNING, StateWord.REBOOT)


def at_work(progress: Progress) -> bool:
    """Returns whether the process that works on a sweep is alive."""
    process = ProcessId.from_json(progress.conductor_pid, progress.conductor_start)
    return process is not None and process.alive()


def state_words(sweep: Sweep, progress: Progress) -> StateWord:
    """Returns where a sweep stands, what was asked of it meanwhile included."""
    if progress.state.ended:
        failed = any(one.state is CellState.FAILED for one in progress.cells.values())
        return StateWord.DONE_WITH_FAILURES if failed and progress.state is SweepState.DONE else _END[progress.state]
    begun = progress.state in (SweepState.RUNNING, SweepState.REBOOT)
    wanted = sweep.wanted()
    if begun and at_work(progress):
        going_on = StateWord.REBOOT if progress.state is SweepState.REBOOT else StateWord.RUNNING
        return {Wanted.RUN: going_on, Wanted.PAUSE: StateWord.PAUSING, Wanted.STOP: StateWord.STOPPING}[wanted]
    if wanted is Wanted.PAUSE and not begun:
        return StateWord.HELD_BACK if progress.state is SweepState.QUEUED else StateWord.PAUSED
    sweeps_dir = sweep.folder.parent
    attended = queue.conductor_of(sweeps_dir) is not None and sweep.sweep_id in queue.order_of(sweeps_dir)
    if attended and wanted is not Wanted.PAUSE:
        return StateWord.STOPPING if wanted is Wanted.STOP else StateWord.QUEUED
    return StateWord.INTERRUPTED if begun else StateWord.STALLED


_END = {
    SweepState.DONE: StateWord.DONE,
    SweepState.STOPPED: StateWord.STOPPED,
    SweepState.FAILED: StateWord.FAILED,
}
