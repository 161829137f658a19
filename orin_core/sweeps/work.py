"""One sweep from where it stands to its end, a pause or a reboot: what the conductor does all day."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
import time
from collections.abc import Callable

from orin_core.errors import BadRequest, BoardBusy, OrinError, PowerModeNeedsReboot, RunFailed
from orin_core.runs import launcher, store
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording, list_runs
from orin_core.settings import Settings
from orin_core.spec import PowerMode, RunState
from orin_core.sweeps import reboots
from orin_core.sweeps.board_state import SweepBoard
from orin_core.sweeps.cooling import cool_down
from orin_core.sweeps.spec import Cell, OnFailure
from orin_core.sweeps.state import Attempt, CellState, Progress, Sweep, SweepState, Wanted

LOOK_S = 0.5
MAX_ATTEMPTS = 5
"""So often a cell is begun; one that was interrupted each time is not begun again."""


class Outcome(enum.Enum):
    """Why the conductor lets go of a sweep."""

    ENDED = "ended"
    PAUSED = "paused"
    LEAVING = "leaving"


class SweepWork:
    """Goes through the cells of a sweep.

    Args:
        sweep: the sweep folder.
        settings: where runs and the board's state lie.
        leaving: whether this process is asked to leave; the run that goes on is left to its runner.
    """

    def __init__(self, sweep: Sweep, settings: Settings, *, leaving: Callable[[], bool]) -> None:
        self._sweep = sweep
        self._settings = settings
        self._leaving = leaving
        self._progress: Progress = sweep.progress()
        self._spec = sweep.spec()
        self._cells = {cell.cell_id: cell for cell in self._spec.cells()}
        self._telemetry = str(self._spec.run["telemetry"])
        self._board = SweepBoard(self._telemetry, settings.state_dir)
        # Modes that nvpmodel has asked a reboot for since this process began.
        self._far: set[str] = set()

    # -- state on disk --------------------------------------------------------------------------

    def _write(self, **changes: object) -> None:
        self._progress = dataclasses.replace(self._progress, **changes)  # type: ignore[arg-type]
        self._sweep.write(self._progress)

    def _say(self, message: str) -> None:
        if message != self._progress.message:
            self._write(message=message)

    def _set_cell(self, cell_id: str, **changes: object) -> None:
        cell = dataclasses.replace(self._progress.cells[cell_id], **changes)  # type: ignore[arg-type]
        self._progress = self._progress.with_cell(cell_id, cell)
        self._sweep.write(self._progress)

    def fail(self, message: str) -> Outcome:
        """Ends the sweep with a reason."""
        return self._end(SweepState.FAILED, message)

    def _end(self, state: SweepState, message: str) -> Outcome:
        problem = self._restore_mode()
        self._write(state=state, message=f"{message} {problem}".strip(), conductor_pid=None, conductor_start=None)
        return Outcome.ENDED

    def _restore_mode(self) -> str:
        """Puts the power mode back as it was found; returns a sentence where that does not work."""
        if self._progress.mode_found is None:
            return ""
        try:
            mode = self._board.find_mode(self._progress.mode_found)
            if mode is not None:
                self._board.set_mode(mode)
        except OrinError as error:
            return f"The power mode {self._progress.mode_found} was not put back: {error}"
        return ""

    # -- the whole ------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Works until the end, a pause, or until this process is asked to leave."""
        me = ProcessId.of(os.getpid())
        self._write(state=SweepState.RUNNING, message="", **_who(me))
        self._settle_running()
        while True:
            wanted = self._sweep.wanted()
            if wanted is Wanted.STOP:
                return self._end(SweepState.STOPPED, "The sweep was stopped.")
            if self._leaving():
                return Outcome.LEAVING
            if wanted is Wanted.PAUSE:
                self._write(state=SweepState.PAUSED, message="", conductor_pid=None, conductor_start=None)
                return Outcome.PAUSED
            cell_id = self._next_cell()
            if cell_id is None:
                return self._finish()
            if (problem := self._run_cell(self._cells[cell_id])) is not None:
                return self._end(SweepState.FAILED, problem)

    def _finish(self) -> Outcome:
        failed = sum(one.state is CellState.FAILED for one in self._progress.cells.values())
        return self._end(SweepState.DONE, f"{failed} cells failed." if failed else "")

    def _next_cell(self) -> str | None:
        """Returns the next cell; those whose mode needs a reboot come last, since others may need none."""
        pending = [one for one in self._progress.order if self._progress.cells[one].state is CellState.PENDING]
        near = [one for one in pending if self._cells[one].power_mode not in self._far]
        return next(iter(near or pending), None)

    # -- one cell -------------------------------------------------------------------------------

    def _run_cell(self, cell: Cell) -> str | None:
        """Tries a cell once; returns why the whole sweep has to end, None where it goes on."""
        if (begun := self._run_of(cell)) is not None:
            # A runner whose conductor was killed before its folder was there.
            attempts = (*self._progress.cells[cell.cell_id].attempts, Attempt(begun_utc=_now()))
            self._set_cell(cell.cell_id, state=CellState.RUNNING, attempts=attempts)
            return self._follow(cell, begun, left_alone=True)
        try:
            if not self._reach_mode(cell) or not self._cool():
                return None
            started = self._start(cell)
        except RunFailed as error:
            self._interrupted(cell, Attempt(outcome="interrupted", message=str(error), begun_utc=_now()))
            return None
        except OrinError as error:
            return self._failed(cell, Attempt(outcome="refused", message=str(error), begun_utc=_now()))
        if started is None:
            return None
        return self._follow(cell, started)

    def _start(self, cell: Cell) -> Recording | None:
        """Starts the run of a cell; None where the board is held by another run or the sweep is to stop."""
        spec = self._spec.run_spec(cell, self._sweep.sweep_id)
        attempts = (*self._progress.cells[cell.cell_id].attempts, Attempt(begun_utc=_now()))
        # Before the run is there: whoever comes after a kill looks for the run of this cell.
        self._set_cell(cell.cell_id, state=CellState.RUNNING, attempts=attempts)
        try:
            started = launcher.start(spec, self._settings)
        except BoardBusy as error:
            self._set_cell(cell.cell_id, state=CellState.PENDING, attempts=attempts[:-1])
            self._wait_for_board(error.message)
            return None
        self._say("")
        return started.recording

    def _wait_for_board(self, message: str) -> None:
        self._say(message)
        while launcher.active(self._settings) is not None and self._may_go_on():
            time.sleep(LOOK_S)

    def _may_go_on(self) -> bool:
        return not self._leaving() and self._sweep.wanted() is Wanted.RUN

    def _follow(self, cell: Cell, recording: Recording, *, left_alone: bool = False) -> str | None:
        """Waits for the end of a run and notes what became of it.

        Args:
            cell: whose run.
            recording: the run.
            left_alone: whether whoever started it was killed; a runner that nobody listens to stops by itself.
        """
        self._note_attempt(cell, Attempt(run_id=recording.run_id, begun_utc=_now()))
        stopped = False
        while (summary := launcher.wait(recording, self._settings, timeout_s=LOOK_S)) is None:
            if self._leaving():
                return None
            if self._sweep.wanted() is Wanted.STOP and not stopped:
                stopped = True
                with contextlib.suppress(BadRequest):  # it had just ended
                    launcher.stop(recording)
            active = launcher.active(self._settings)
            if active is None or active.run_id != recording.run_id:
                launcher.recover(self._settings)
                summary = recording.summary()
                break
        return self._settle(cell, recording, summary or {}, left_alone=left_alone)

    def _settle(self, cell: Cell, recording: Recording, summary: dict[str, object], *, left_alone: bool) -> str | None:
        """Notes what became of a run; returns why the whole sweep has to end, None where it goes on."""
        state = str(summary.get("state") or RunState.INTERRUPTED.value)
        message = str(summary.get("message") or "")
        attempt = Attempt(run_id=recording.run_id, outcome=state, message=message, begun_utc=_now())
        if state == RunState.DONE.value:
            self._note_attempt(cell, attempt)
            self._set_cell(cell.cell_id, state=CellState.DONE, reason="", run_id=recording.run_id)
            return None
        # At a shutdown the run is told to stop together with this process.
        by_hand = not (left_alone or self._leaving() or self._sweep.wanted() is Wanted.STOP)
        if state == RunState.STOPPED.value and by_hand:
            attempt = dataclasses.replace(attempt, message="Somebody stopped the run.")
            return self._failed(cell, attempt)
        if state == RunState.FAILED.value:
            return self._failed(cell, attempt)
        self._interrupted(cell, attempt)
        return None

    def _interrupted(self, cell: Cell, attempt: Attempt) -> None:
        """Notes an attempt that did not end by itself; the cell's turn comes again."""
        self._note_attempt(cell, attempt)
        if len(self._progress.cells[cell.cell_id].attempts) >= MAX_ATTEMPTS:
            reason = f"It was begun {MAX_ATTEMPTS} times and never ended."
            self._set_cell(cell.cell_id, state=CellState.FAILED, reason=reason)
        else:
            self._set_cell(cell.cell_id, state=CellState.PENDING)

    def _note_attempt(self, cell: Cell, attempt: Attempt) -> None:
        """Puts what is known of the present attempt in the place of what was known."""
        before = self._progress.cells[cell.cell_id].attempts
        begun = before[-1].begun_utc if before else attempt.begun_utc
        self._set_cell(cell.cell_id, attempts=(*before[:-1], dataclasses.replace(attempt, begun_utc=begun)))

    def _failed(self, cell: Cell, attempt: Attempt) -> str | None:
        progress = self._progress.cells[cell.cell_id]
        if progress.state is CellState.RUNNING:
            self._note_attempt(cell, attempt)
        else:
            self._set_cell(cell.cell_id, attempts=(*progress.attempts, attempt))
        failures = sum(
            one.outcome in (RunState.FAILED.value, "refused") for one in self._progress.cells[cell.cell_id].attempts
        )
        if self._spec.on_failure is OnFailure.RETRY and failures < 2:
            self._set_cell(cell.cell_id, state=CellState.PENDING)
            return None
        self._set_cell(cell.cell_id, state=CellState.FAILED, reason=attempt.message)
        return f"Cell {cell.cell_id} failed: {attempt.message}" if self._spec.on_failure is OnFailure.STOP else None

    # -- after a kill ---------------------------------------------------------------------------

    def _settle_running(self) -> None:
        """Finds out what became of the cell that was running when the conductor before this one went."""
        for cell_id, progress in list(self._progress.cells.items()):
            if progress.state is CellState.RUNNING:
                cell = self._cells[cell_id]
                recording = self._run_of(cell)
                if recording is None:
                    # The kill came before the run was there.
                    self._set_cell(cell_id, state=CellState.PENDING, attempts=progress.attempts[:-1])
                else:
                    self._follow(cell, recording, left_alone=True)

    def _run_of(self, cell: Cell) -> Recording | None:
        """Returns a run of a cell of which nothing is noted yet, by what its ``spec.json`` says."""
        attempts = self._progress.cells[cell.cell_id].attempts
        settled = {one.run_id for one in attempts if one.outcome is not None}
        for recording in list_runs(self._settings.runs_dir):
            if recording.run_id in settled:
                continue
            spec = recording.spec()
            if (spec.get("sweep"), spec.get("cell")) == (self._sweep.sweep_id, cell.cell_id):
                return recording
        return None

    # -- the board ------------------------------------------------------------------------------

    def _cool(self) -> bool:
        """Waits for a cool board; False where the sweep is to stop or to pause meanwhile."""

        def go_on(words: str) -> bool:
            self._say(words)
            return self._may_go_on()

        last_c = cool_down(
            self._telemetry,
            self._settings,
            idle_c=self._progress.idle_c,
            within_c=self._spec.cooldown_within_c,
            at_most_s=self._spec.cooldown_at_most_s,
            go_on=go_on,
        )
        if self._progress.idle_c is None and last_c is not None:
            self._write(idle_c=last_c)
        self._say("")
        return self._may_go_on()

    def _reach_mode(self, cell: Cell) -> bool:
        """Puts the board into the mode of a cell; False where the sweep is to stop or to pause meanwhile.

        Raises:
            PowerModeError: the board does not go into it.
            BadRequest: it needs a reboot, and there were enough of them.
        """
        mode = self._board.find_mode(cell.power_mode)
        while mode is not None and not self._board.in_force(mode):
            try:
                self._board.set_mode(mode)
            except BoardBusy as error:
                self._wait_for_board(error.message)
            except PowerModeNeedsReboot:
                self._far.add(cell.power_mode)
                if self._next_cell() != cell.cell_id:
                    return False  # others come first
                self._reboot(mode)
            if not self._may_go_on():
                return False
        return True

    def _reboot(self, mode: PowerMode) -> None:
        """Reboots the board into a mode, or waits until a person has."""
        boot_id = self._board.boot_id()
        if self._spec.reboot:
            reboots.check(self._progress.reboots, mode.name)
            entry = {"utc": _now(), "unix_s": time.time(), "mode": mode.name, "boot_id": boot_id}
            self._write(
                state=SweepState.REBOOT,
                message=f"The board reboots into {mode.name}.",
                reboots=(*self._progress.reboots, entry),
            )
            self._board.reboot_into(mode)
            deadline_s = time.monotonic() + reboots.REBOOT_S
        else:
            command = self._board.reboot_command(mode)
            words = f"{mode.name} needs a reboot. Reboot now, the sweep goes on by itself: {command} (answer YES)."
            self._write(state=SweepState.REBOOT, message=words)
            deadline_s = float("inf")
        while self._board.boot_id() == boot_id and self._may_go_on() and time.monotonic() < deadline_s:
            time.sleep(LOOK_S)
        self._write(state=SweepState.RUNNING, message="")


def _who(me: ProcessId | None) -> dict[str, object]:
    return {"conductor_pid": me.pid if me else None, "conductor_start": me.start if me else None}


def _now() -> str:
    return store.utc_text(time.time())
