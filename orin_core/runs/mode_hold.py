"""Sets a power mode, and locks the clocks where asked, for one run; gives the board back as it was found.

``restore.json`` in the state folder is written before a mode is changed and removed once the mode
found is back, so that after a killed runner the next start knows what to restore. It restores
only where the board still is in the mode that the dead run had set.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path
from typing import Any

from orin_core.board import power
from orin_core.board.clocks import Clocks
from orin_core.board.paths import BoardPaths
from orin_core.board.probes import board_paths
from orin_core.errors import BadRequest, OrinError
from orin_core.runs import store
from orin_core.spec import PowerMode

RESTORE = "restore.json"
CLOCKS_STORE = "jetson_clocks.store"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModeCheck:
    """Whether the board is in the mode of the run.

    Args:
        name: the mode that the board tells; None where it has none or tells none.
        verified: whether that is the run's mode and sysfs shows its limits; None where that
            cannot be known.
        mismatch: what differs; None where nothing does.
    """

    name: str | None = None
    verified: bool | None = None
    mismatch: str | None = None


class ModeHold:
    """Holds a power mode from :meth:`take` to :meth:`restore`.

    Args:
        paths: the board's conf, status, sysfs and programs; None where there are no modes.
        state_dir: folder of ``restore.json``.
    """

    def __init__(self, paths: BoardPaths | None, state_dir: Path) -> None:
        self._paths = paths
        self._file = state_dir / RESTORE
        self._clocks = None if paths is None else Clocks(paths, state_dir / CLOCKS_STORE)
        self._found: PowerMode | None = None
        self._held: PowerMode | None = None

    def take(self, text: str, *, lock_clocks: bool = False) -> PowerMode | None:
        """Puts the board into the mode that was asked for, and locks its clocks where that was asked.

        Args:
            text: ``current``, an id or a name.
            lock_clocks: whether jetson_clocks holds the clocks at the mode's caps.

        Returns:
            The mode that is in force; None where the board has no modes or tells none.

        Raises:
            PowerModeError: there is no such mode, or the board does not go into it.
            ClocksError: the clocks cannot be locked; the mode is back as it was.
            BadRequest: a mode or locked clocks were asked for where there are none.
        """
        if self._paths is None or self._clocks is None:
            if text.lower() != "current" or lock_clocks:
                raise BadRequest(
                    "This telemetry source knows no power modes and no clocks.",
                    "Ask for power mode current, or run on a Jetson.",
                )
            return None
        found = power.current_mode(self._paths)
        current = text.lower() == "current"
        wanted = found if current else power.find_mode(text, power.list_modes(self._paths))
        change = wanted is not None and not current and (found != wanted or bool(power.mismatches(self._paths, wanted)))
        if change and found is None:
            raise BadRequest(
                "The board does not tell its present power mode, so it could not be restored.",
                "Set a mode by hand first, for example: sudo nvpmodel -m 0",
            )
        pending = self._pending(found)
        if found is not None and (change or lock_clocks or pending):
            self._remember(pending or found, wanted or found)
        try:
            if change and wanted is not None:
                power.set_mode(self._paths, wanted)
            if lock_clocks:
                self._clocks.lock()
        except OrinError:
            self.restore()
            raise
        self._held = wanted
        return wanted

    def check(self) -> ModeCheck:
        """Returns whether the board is in the mode that :meth:`take` returned, by its limits in sysfs."""
        if self._paths is None:
            return ModeCheck()
        now, held = power.current_mode(self._paths), self._held
        name = now.name if now else None
        if now is None or held is None:
            return ModeCheck(name=name, mismatch="The board does not tell its power mode.")
        if now != held:
            return ModeCheck(
                name=name, verified=False, mismatch=f"The board is in {now.name}, the run was in {held.name}."
            )
        try:
            wrong = power.mismatches(self._paths, held)
        except OrinError as error:
            return ModeCheck(name=name, mismatch=str(error))
        return ModeCheck(name=name, verified=not wrong, mismatch="; ".join(wrong) or None)

    def _pending(self, found: PowerMode | None) -> PowerMode | None:
        """Returns what an earlier run had found and could not restore, None where nothing is owed."""
        pending = _read(self._file) or {}
        if found is None or pending.get("set_id") != found.mode_id or "found_id" not in pending:
            return None
        return PowerMode(mode_id=int(pending["found_id"]), name=str(pending.get("found_name")))

    def _remember(self, found: PowerMode, wanted: PowerMode) -> None:
        """Writes down what to restore."""
        document = {
            "found_id": found.mode_id,
            "found_name": found.name,
            "set_id": wanted.mode_id,
            "set_name": wanted.name,
            "simulated": self._paths is not None and self._paths.simulated,
        }
        try:
            store.write_json(self._file, document)
        except OSError as error:
            raise BadRequest(
                f"What to restore cannot be written to {self._file.parent}: {error.strerror}.",
                "Set ORIN_STATE_DIR to a folder that every user of this board can write.",
            ) from error
        self._found = found

    def restore(self) -> str | None:
        """Puts clocks and mode back as they were found; returns one sentence if that did not work."""
        if self._paths is None or self._clocks is None:
            return None
        try:
            # First, since what was stored are the caps of the mode that is in force.
            self._clocks.restore()
        except OrinError as error:
            return f"The clocks could not be restored: {error}"
        if self._found is None:
            return None
        found, self._found = self._found, None
        try:
            power.set_mode(self._paths, found)  # does nothing where sysfs agrees; the status file may lie
        except OrinError as error:
            return f"The power mode {found.name} could not be restored: {error}"
        self._file.unlink(missing_ok=True)
        return None


def _is_own(file: Path) -> bool:
    found = file.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid in (0, os.geteuid())


def _read(file: Path) -> dict[str, Any] | None:
    """Returns what is to be restored; None where nothing is, or where another user may have written it."""
    try:
        own = _is_own(file)
    except FileNotFoundError:
        return None
    return store.read_json(file) if own else None


def restore_after_crash(state_dir: Path) -> list[str]:
    """Restores clocks and mode that a dead run had changed; the caller holds the board.

    Args:
        state_dir: folder of ``restore.json`` and of the simulated board.

    Returns:
        One sentence per thing that was done, or that could not be done and is tried again next time.
    """
    document = _read(state_dir / RESTORE)
    if document is None and (state_dir / RESTORE).exists() and not _is_own(state_dir / RESTORE):
        return ["An earlier run of another user was killed; its power mode is that user's to restore."]
    if document is None or not {"found_id", "found_name", "set_id", "set_name"} <= set(document):
        (state_dir / RESTORE).unlink(missing_ok=True)
        return []
    paths = board_paths("simulated" if document.get("simulated") else "tegrastats", state_dir)
    if paths is None:
        return []
    said = [_restore_clocks(paths, state_dir), _restore_mode(paths, state_dir / RESTORE, document)]
    return [sentence for sentence in said if sentence]


def _restore_clocks(paths: BoardPaths, state_dir: Path) -> str | None:
    if not (state_dir / CLOCKS_STORE).exists():
        return None
    try:
        Clocks(paths, state_dir / CLOCKS_STORE).restore()
    except OrinError as error:
        return f"An earlier run was killed and left the clocks locked: {error}"
    return "An earlier run was killed; the clocks that it had locked were restored."


def _restore_mode(paths: BoardPaths, file: Path, document: dict[str, Any]) -> str | None:
    found = PowerMode(mode_id=int(document["found_id"]), name=str(document["found_name"]))
    current = power.current_mode(paths)
    if current == found and not power.mismatches(paths, found):
        file.unlink(missing_ok=True)
        return None
    if current is None or current.mode_id != document["set_id"]:
        file.unlink(missing_ok=True)
        return "An earlier run had changed the power mode and was killed; the mode was changed again since and is kept."
    try:
        power.set_mode(paths, found)
    except OrinError as error:
        return f"An earlier run was killed and left the power mode {document['set_name']}: {error}"
    file.unlink(missing_ok=True)
    return f"An earlier run was killed; the power mode {found.name} that it had found was restored."
