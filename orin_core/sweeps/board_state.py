"""The board as a sweep needs it: its boot, its modes, its temperature."""

from __future__ import annotations

import os
from pathlib import Path

from orin_core.board import nvpmodel, power
from orin_core.board.identity import identity
from orin_core.board.paths import BoardPaths
from orin_core.board.probes import board_paths, resolve_telemetry
from orin_core.errors import BadRequest
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.processes import ProcessId
from orin_core.spec import PowerMode
from orin_core.sweeps.order import ModePlace

CURRENT = "current"


class SweepBoard:
    """The board that a sweep runs on; nothing of it is changed but by :meth:`set_mode` and :meth:`reboot_into`.

    Args:
        telemetry: source of telemetry as in a run.
        state_dir: folder of the board's lock.

    Raises:
        BadRequest: the source is unknown.
        TelemetryError: this machine does not have it.
    """

    def __init__(self, telemetry: str, state_dir: Path) -> None:
        self._state_dir = state_dir
        self.paths: BoardPaths | None = board_paths(resolve_telemetry(telemetry).kind, state_dir)

    @property
    def simulated(self) -> bool:
        """Whether it is the simulated board."""
        return self.paths is not None and self.paths.simulated

    def boot_id(self) -> str | None:
        """Returns what changes with every boot of the board; None where it does not tell."""
        if self.paths is not None and self.paths.simulated:
            return (self.paths.status.parent / "boot_id").read_text(encoding="ascii").strip()
        return identity().boot_id

    def find_mode(self, text: str) -> PowerMode | None:
        """Returns the mode that a sweep names; None for ``current``.

        Raises:
            PowerModeUnknown: the board has no such mode.
            BadRequest: this telemetry source has no modes at all.
        """
        if text.lower() == CURRENT:
            return None
        if self.paths is None:
            raise BadRequest("This telemetry source knows no power modes.", 'Use "power_modes": ["current"].')
        return power.find_mode(text, power.list_modes(self.paths))

    def current_mode(self) -> PowerMode | None:
        """Returns the mode that the board tells; None where it has none or tells none."""
        return power.current_mode(self.paths) if self.paths else None

    def in_force(self, mode: PowerMode) -> bool:
        """Returns whether the board is in a mode and sysfs shows its limits."""
        return self.paths is not None and self.current_mode() == mode and not power.mismatches(self.paths, mode)

    def mask_now(self) -> int | None:
        """Returns the mask of GPU clusters that is in force; None where the board does not tell."""
        return power.effective_limits(self.paths).tpc_pg_mask if self.paths else None

    def place(self, text: str) -> ModePlace:
        """Returns where a mode of a sweep stands.

        Raises:
            PowerModeUnknown: the board has no such mode.
            BadRequest: this telemetry source has no modes at all.
        """
        mode = self.find_mode(text)
        if mode is None or self.paths is None:
            return ModePlace(is_current=True, tpc_pg_mask=self.mask_now())
        return ModePlace(is_current=self.in_force(mode), tpc_pg_mask=power.limits_of(self.paths, mode).tpc_pg_mask)

    def set_mode(self, mode: PowerMode) -> None:
        """Puts the board into a mode and leaves it there.

        Raises:
            BoardBusy: a run holds the board.
            PowerModeError: the board does not go into it.
        """
        if self.paths is None or self.in_force(mode):
            return
        with BoardLock(self._state_dir) as lock:
            lock.write(Holder(folder=None, runner=ProcessId.of(os.getpid()), worker=None))
            power.set_mode(self.paths, mode)

    def reboot_into(self, mode: PowerMode) -> None:
        """Reboots the board into a mode, at once.

        Raises:
            BoardBusy: a run holds the board.
            PowerModeError: the board does not go into it.
        """
        if self.paths is None:
            return
        with BoardLock(self._state_dir) as lock:
            lock.write(Holder(folder=None, runner=ProcessId.of(os.getpid()), worker=None))
            power.reboot_into(self.paths, mode)

    def reboot_command(self, mode: PowerMode) -> str:
        """Returns the command with which a person reboots the board into a mode."""
        return nvpmodel.set_command(self.paths, mode) if self.paths else ""
