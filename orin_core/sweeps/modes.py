"""The power modes of a sweep: what it found, how it gets into the next one, and what it puts back."""

from __future__ import annotations

import contextlib
import time

from orin_core.errors import BoardBusy, OrinError, PowerModeNeedsReboot, PowerModeNotApplied, PowerModeRefused
from orin_core.runs import launcher
from orin_core.settings import Settings
from orin_core.spec import PowerMode
from orin_core.sweeps import reboots
from orin_core.sweeps.board_state import SweepBoard
from orin_core.sweeps.journal import LOOK_S, Journal, now_utc
from orin_core.sweeps.plan import order_now
from orin_core.sweeps.spec import Cell, SweepSpec
from orin_core.sweeps.state import CellState, SweepState

AGAIN_S = 2.0
"""Wait before nvpmodel is asked once more, s."""
RESTORE_S = 10.0
"""So long a board that is held for a moment is waited for at the end, s."""


class SweepModes:
    """Puts the board into the modes of a sweep.

    Args:
        journal: where the steps are written down.
        spec: the sweep.
        settings: where the board's state lies.

    Raises:
        BadRequest: the telemetry source is unknown.
        TelemetryError: this machine does not have it.
    """

    def __init__(self, journal: Journal, spec: SweepSpec, settings: Settings) -> None:
        self._journal = journal
        self._spec = spec
        self._settings = settings
        self._mode_of = {cell.cell_id: cell.power_mode for cell in spec.cells()}
        self._board = SweepBoard(str(spec.run["telemetry"]), settings.state_dir)
        # Modes that nvpmodel has asked a reboot for since this process began.
        self._far: set[str] = set()

    def find(self) -> None:
        """Notes the mode that the board is in, and the order of the cells that follows from it.

        Not before the sweep begins: the one before it may have changed the mode. The board is free, so what it is in
        is not the mode of a run that puts it back.
        """
        launcher.recover(self._settings)
        found, order = self._board.current_mode(), self._journal.progress.order
        # Where a mode is gone since the sweep was checked, its cells say so; the others need an order all the same.
        with contextlib.suppress(OrinError):
            order = tuple(cell.cell_id for cell in order_now(self._spec, self._board))
        self._journal.write(begun_utc=now_utc(), mode_found=found.name if found else None, order=order)

    def restore(self) -> str:
        """Puts the mode back as it was found; returns a sentence where that does not work."""
        name = self._journal.progress.mode_found
        if name is None:
            return ""
        deadline_s = time.monotonic() + RESTORE_S
        while isinstance(problem := self._put_back(name), BoardBusy) and time.monotonic() < deadline_s:
            time.sleep(LOOK_S)
        return f"The power mode {name} was not put back: {problem}" if problem else ""

    def _put_back(self, name: str) -> OrinError | None:
        try:
            mode = self._board.find_mode(name)
            if mode is not None:
                self._board.set_mode(mode)
        except OrinError as error:
            return error
        return None

    def next_cell(self) -> str | None:
        """Returns the next cell; those whose mode needs a reboot come last, since others may need none."""
        progress = self._journal.progress
        pending = [one for one in progress.order if progress.cells[one].state is CellState.PENDING]
        near = [one for one in pending if self._mode_of[one] not in self._far]
        return next(iter(near or pending), None)

    def reach(self, cell: Cell) -> bool:
        """Puts the board into the mode of a cell; False where others come first, or a pause or stop is wanted.

        Raises:
            PowerModeError: the board does not go into it, or there were enough reboots.
        """
        mode = self._board.find_mode(cell.power_mode)
        if mode is None:
            return True
        is_set = refused = False
        while not self._board.in_force(mode):
            if is_set:
                raise PowerModeNotApplied(
                    f"nvpmodel has set {mode.name}, and the board does not tell that it is in it.", "See nvpmodel -q."
                )
            try:
                self._board.set_mode(mode)
                is_set = True
            except BoardBusy as error:
                self.wait_for_board(error.message)
            except PowerModeNeedsReboot:
                self._far.add(cell.power_mode)
                if self.next_cell() != cell.cell_id:
                    return False
                self._reboot(mode)
            except PowerModeRefused:
                # Once may be a program that was killed, at a shutdown together with this process.
                if refused:
                    raise
                refused = True
                time.sleep(AGAIN_S)
            if not self._journal.may_go_on():
                return False
        self._note_reached(mode)
        return True

    def _note_reached(self, mode: PowerMode) -> None:
        """Notes of the newest reboot that it led where it should."""
        *before, last = self._journal.progress.reboots or ({},)
        if last.get("mode") == mode.name and not last.get("reached"):
            self._journal.write(reboots=(*before, {**last, "reached": True}))

    def wait_for_board(self, message: str) -> None:
        """Waits until no run holds the board, or a pause or stop is wanted."""
        self._journal.say(message)
        time.sleep(LOOK_S)
        while launcher.active(self._settings) is not None and self._journal.may_go_on():
            time.sleep(LOOK_S)
        self._journal.say("")

    def _reboot(self, mode: PowerMode) -> None:
        """Reboots the board into a mode, or waits until a person has; tried again where a run holds the board.

        Raises:
            PowerModeError: the board does not go into it, or there were enough reboots.
        """
        boot_id = self._board.boot_id()
        try:
            if self._spec.reboot:
                deadline_s = self._reboot_by_itself(mode, boot_id)
            else:
                self._ask_for_reboot(mode)
                deadline_s = float("inf")
            while self._board.boot_id() == boot_id and self._journal.may_go_on() and time.monotonic() < deadline_s:
                time.sleep(LOOK_S)
        except BoardBusy as error:
            self.wait_for_board(error.message)
        except OrinError:
            # A shutdown ends nvpmodel and this process at once; which of the two is first nobody can tell.
            time.sleep(AGAIN_S)
            if not self._journal.leaving():
                self._journal.write(state=SweepState.RUNNING, message="", command="")
                raise
        if not self._journal.leaving():
            self._journal.write(state=SweepState.RUNNING, message="", command="")

    def _reboot_by_itself(self, mode: PowerMode, boot_id: str | None) -> float:
        """Returns until when the board should be down, on the monotonic clock, s."""
        reboots.check(self._journal.progress.reboots, mode.name)
        entry = {"utc": now_utc(), "unix_s": time.time(), "mode": mode.name, "boot_id": boot_id}
        self._journal.write(
            state=SweepState.REBOOT,
            message=f"The board reboots into {mode.name}.",
            reboots=(*self._journal.progress.reboots, entry),
        )
        try:
            self._board.reboot_into(mode)
        except BoardBusy:
            # A run took the board meanwhile: nobody was asked to reboot, so it counts for no attempt.
            self._journal.write(reboots=self._journal.progress.reboots[:-1])
            raise
        return time.monotonic() + reboots.REBOOT_S

    def _ask_for_reboot(self, mode: PowerMode) -> None:
        words = (
            f"{mode.name} needs a reboot. Type the command and answer YES. After the boot the sweep goes on by itself "
            "where the systemd unit is installed, else with: python -m orin_core sweep resume"
        )
        self._journal.write(state=SweepState.REBOOT, message=words, command=self._board.reboot_command(mode))
