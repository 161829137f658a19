"""One sweep from where it stands to its end, a pause or a reboot: what the conductor does all day."""

from __future__ import annotations

import contextlib
import enum
import os
import time
from collections.abc import Callable

from orin_core.errors import BadRequest, BoardBusy, OrinError, RunFailed
from orin_core.runs import launcher
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording, list_runs
from orin_core.settings import Settings
from orin_core.spec import RunState
from orin_core.sweeps.cooling import cool_down
from orin_core.sweeps.disk import too_little
from orin_core.sweeps.journal import LOOK_S, Journal, now_utc
from orin_core.sweeps.modes import SweepModes
from orin_core.sweeps.outcome import ended_utc_of, mode_kept, to_disk, worker_was_killed
from orin_core.sweeps.spec import Cell, OnFailure
from orin_core.sweeps.state import CellState, Sweep, SweepState, Wanted

MAX_INTERRUPTED = 10
"""A cell that was interrupted so often is not begun again: it may take the machine down, and bad luck ends before."""
MAX_KILLED = 3
"""Nor is one whose worker was killed so often: memory may be too small for it."""
START_AGAIN_S = 2.0
"""Wait after a runner that did not come up, s."""
REFUSED = "refused"
"""Outcome of an attempt that came to no run."""


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

    Raises:
        BadRequest: a file of the sweep is damaged, or its telemetry source is unknown.
        TelemetryError: this machine does not have the telemetry source.
    """

    def __init__(self, sweep: Sweep, settings: Settings, *, leaving: Callable[[], bool]) -> None:
        self._sweep = sweep
        self._settings = settings
        self._journal = Journal(sweep, leaving=leaving)
        self._spec = sweep.spec()
        self._cells = {cell.cell_id: cell for cell in self._spec.cells()}
        self._modes = SweepModes(self._journal, self._spec, settings)

    def fail(self, message: str) -> Outcome:
        """Ends the sweep with a reason."""
        return self._end(SweepState.FAILED, message)

    def _end(self, state: SweepState, message: str) -> Outcome:
        said = f"{message} {self._modes.restore()}".strip()
        cells = self._journal.progress.at_rest().cells
        self._journal.write(
            state=state, message=said, command="", cells=cells, conductor_pid=None, conductor_start=None
        )
        # What is over needs no room any more.
        self._sweep.give_up_reserve()
        return Outcome.ENDED

    def run(self) -> Outcome:
        """Works until the end, a pause, or until this process is asked to leave."""
        me = ProcessId.of(os.getpid())
        self._journal.write(
            state=SweepState.RUNNING,
            message="",
            command="",
            conductor_pid=me.pid if me else None,
            conductor_start=me.start if me else None,
        )
        self._settle_running()
        while True:
            wanted = self._sweep.wanted()
            if wanted is Wanted.STOP:
                return self._end(SweepState.STOPPED, "The sweep was stopped.")
            if self._journal.leaving():
                return Outcome.LEAVING
            if wanted is Wanted.PAUSE:
                self._journal.write(state=SweepState.PAUSED, message="", conductor_pid=None, conductor_start=None)
                return Outcome.PAUSED
            if not self._journal.progress.begun_utc:
                self._find_board()
                continue
            cell_id = self._modes.next_cell()
            if cell_id is None:
                return self._finish()
            if (problem := self._run_cell(self._cells[cell_id])) is not None:
                return self._end(SweepState.FAILED, problem)

    def _find_board(self) -> None:
        """Notes how the board is before the first cell, once no run holds it."""
        active = launcher.active(self._settings)
        if active is not None:
            self._modes.wait_for_board(f"Run {active.run_id} holds the board.")
        else:
            self._modes.find()

    def _finish(self) -> Outcome:
        failed = sum(one.state is CellState.FAILED for one in self._journal.progress.cells.values())
        words = {0: "", 1: "1 cell failed."}.get(failed, f"{failed} cells failed.")
        return self._end(SweepState.DONE, words)

    # -- one cell -------------------------------------------------------------------------------

    def _run_cell(self, cell: Cell) -> str | None:
        """Tries a cell once; returns why the whole sweep has to end, None where it goes on."""
        if (begun := self._run_of(cell)) is not None:
            # A runner whose conductor was killed before its folder was there.
            self._journal.begin(cell)
            return self._follow(cell, begun, left_alone=True)
        try:
            if not self._has_room() or not self._modes.reach(cell) or not self._cool():
                return None
            # Before the run is there: whoever comes after a kill looks for the run of this cell.
            self._journal.begin(cell)
            started = launcher.start(self._spec.run_spec(cell, self._sweep.sweep_id), self._settings).recording
        except BoardBusy as error:
            if self._journal.cell(cell).state is CellState.RUNNING:
                self._journal.take_back(cell)
            self._modes.wait_for_board(error.message)
            return None
        except RunFailed as error:
            self._ensure_begun(cell)
            self._interrupted(cell, message=str(error))
            time.sleep(START_AGAIN_S)
            return None
        except OrinError as error:
            self._ensure_begun(cell)
            return self._failed(cell, outcome=REFUSED, message=str(error))
        return self._follow(cell, started)

    def _ensure_begun(self, cell: Cell) -> None:
        if self._journal.cell(cell).state is not CellState.RUNNING:
            self._journal.begin(cell)

    def _has_room(self) -> bool:
        """Waits until there is room on the disk for a run; False where a pause or a stop is wanted meanwhile."""
        if too_little(self._settings.runs_dir):
            while (words := too_little(self._settings.runs_dir)) and self._journal.may_go_on():
                # Its figure changes all the time; the state need not be written for that.
                if not self._journal.progress.message:
                    self._journal.say(words)
                time.sleep(LOOK_S)
            self._journal.say("")
        self._journal.keep_room()
        return self._journal.may_go_on()

    def _follow(self, cell: Cell, recording: Recording, *, left_alone: bool = False) -> str | None:
        """Waits for the end of a run and notes what became of it.

        Args:
            cell: whose run.
            recording: the run.
            left_alone: whether whoever started it was killed; a runner that nobody listens to stops by itself.
        """
        self._journal.note(cell, run_id=recording.run_id)
        stopped = False
        while (summary := launcher.wait(recording, self._settings, timeout_s=LOOK_S)) is None:
            if self._journal.leaving():
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
        return self._settle(cell, recording, summary or {}, asked_to_stop=left_alone or stopped)

    def _settle(
        self, cell: Cell, recording: Recording, summary: dict[str, object], *, asked_to_stop: bool
    ) -> str | None:
        """Notes what became of a run; returns why the whole sweep has to end, None where it goes on."""
        state = str(summary.get("state") or RunState.INTERRUPTED.value)
        message = str(summary.get("message") or "")
        ended_utc = ended_utc_of(recording.folder) or now_utc()
        if state == RunState.DONE.value and not mode_kept(summary):
            mismatch = summary.get("power_mode_mismatch") or "The board was not in its power mode all the time."
            return self._failed(cell, outcome=RunState.FAILED.value, message=str(mismatch), ended_utc=ended_utc)
        if state == RunState.DONE.value:
            to_disk(recording.folder)
            self._journal.note(cell, outcome=state, message=message, ended_utc=ended_utc)
            self._journal.set_cell(cell, state=CellState.DONE, reason="", run_id=recording.run_id)
            return None
        # At a shutdown the run is told to stop together with this process.
        by_hand = not (asked_to_stop or self._journal.leaving() or self._sweep.wanted() is Wanted.STOP)
        if state == RunState.STOPPED.value and by_hand:
            return self._failed(cell, outcome=state, message="Somebody stopped the run.", ended_utc=ended_utc)
        # A disk that is full now was what it failed of, most likely; the other cells would fail of it as well.
        accident = worker_was_killed(summary) or too_little(self._settings.runs_dir)
        if state == RunState.FAILED.value and not accident:
            return self._failed(cell, outcome=state, message=message, ended_utc=ended_utc)
        said = RunState.STOPPED if state == RunState.STOPPED.value else RunState.INTERRUPTED
        self._interrupted(cell, outcome=said, message=message, ended_utc=ended_utc)
        return None

    def _interrupted(
        self, cell: Cell, *, message: str, outcome: RunState = RunState.INTERRUPTED, ended_utc: str = ""
    ) -> None:
        """Notes an attempt that did not come to its own end; the cell's turn comes again."""
        self._journal.note(cell, outcome=outcome.value, message=message, ended_utc=ended_utc or now_utc())
        told = [one for one in self._journal.cell(cell).counted if one.outcome == RunState.INTERRUPTED.value]
        killed = sum(worker_was_killed({"message": one.message}) for one in told)
        if len(told) >= MAX_INTERRUPTED or killed >= MAX_KILLED:
            reason = f"It was interrupted {len(told)} times and never ended. {message}".strip()
            self._journal.set_cell(cell, state=CellState.FAILED, reason=reason)
        else:
            self._journal.set_cell(cell, state=CellState.PENDING)

    def _failed(self, cell: Cell, *, outcome: str, message: str, ended_utc: str = "") -> str | None:
        """Notes a failure; returns why the whole sweep has to end, None where it goes on."""
        if self._journal.leaving():
            # A shutdown ends the board's programs as well: what a failure in it is worth is found out after the boot.
            self._interrupted(cell, message=message, ended_utc=ended_utc)
            return None
        self._journal.note(cell, outcome=outcome, message=message, ended_utc=ended_utc or now_utc())
        failures = sum(one.outcome in (RunState.FAILED.value, REFUSED) for one in self._journal.cell(cell).counted)
        if self._spec.on_failure is OnFailure.RETRY and failures < 2:
            self._journal.set_cell(cell, state=CellState.PENDING)
            return None
        self._journal.set_cell(cell, state=CellState.FAILED, reason=message)
        return f"Cell {cell.cell_id} failed: {message}" if self._spec.on_failure is OnFailure.STOP else None

    # -- after a kill ---------------------------------------------------------------------------

    def _settle_running(self) -> None:
        """Finds out what became of the cell that was running when the conductor before this one went."""
        for cell_id, progress in list(self._journal.progress.cells.items()):
            if progress.state is CellState.RUNNING:
                cell = self._cells[cell_id]
                recording = self._run_of(cell)
                if recording is None:
                    # It counts: a board that crashes at each start would else be started for ever.
                    self._interrupted(cell, message="The queue's process ended before its run was there.")
                else:
                    self._follow(cell, recording, left_alone=True)

    def _run_of(self, cell: Cell) -> Recording | None:
        """Returns a run of a cell of which nothing is noted yet, by what its ``spec.json`` says."""
        settled = {one.run_id for one in self._journal.cell(cell).attempts if one.outcome is not None}
        for recording in list_runs(self._settings.runs_dir):
            if recording.run_id in settled:
                continue
            spec = recording.spec()
            if (spec.get("sweep"), spec.get("cell")) == (self._sweep.sweep_id, cell.cell_id):
                return recording
        return None

    def _cool(self) -> bool:
        """Waits for a cool board; False where the sweep is to stop or to pause meanwhile."""

        def go_on(words: str) -> bool:
            self._journal.say(words)
            return self._journal.may_go_on()

        idle_c = self._journal.progress.idle_c
        last_c = cool_down(
            str(self._spec.run["telemetry"]),
            self._settings,
            idle_c=idle_c,
            within_c=self._spec.cooldown_within_c,
            at_most_s=self._spec.cooldown_at_most_s,
            go_on=go_on,
        )
        if idle_c is None and last_c is not None:
            self._journal.write(idle_c=last_c)
        self._journal.say("")
        return self._journal.may_go_on()
