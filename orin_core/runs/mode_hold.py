"""Sets a power mode for one run and gives the board back as it was found.

``restore.json`` in the state folder is written before a mode is changed and removed once the mode
found is back, so that after a killed runner the next start knows what to restore. It restores
only where the board still is in the mode that the dead run had set.
"""

from __future__ import annotations

from pathlib import Path

from orin_core.board import power
from orin_core.board.paths import BoardPaths
from orin_core.board.probes import board_paths
from orin_core.errors import BadRequest, OrinError
from orin_core.runs import store
from orin_core.spec import PowerMode

RESTORE = "restore.json"


class ModeHold:
    """Holds a power mode from :meth:`take` to :meth:`restore`.

    Args:
        paths: the board's conf, status, sysfs and programs; None where there are no modes.
        state_dir: folder of ``restore.json``.
    """

    def __init__(self, paths: BoardPaths | None, state_dir: Path) -> None:
        self._paths = paths
        self._file = state_dir / RESTORE
        self._found: PowerMode | None = None

    def take(self, text: str) -> PowerMode | None:
        """Puts the board into the mode that was asked for.

        Args:
            text: ``current``, an id or a name.

        Returns:
            The mode that is in force; None where the board has no modes or tells none.

        Raises:
            PowerModeError: there is no such mode, or the board does not go into it.
            BadRequest: a mode was asked for where there are none.
        """
        if self._paths is None:
            if text.lower() != "current":
                raise BadRequest(
                    "This telemetry source knows no power modes.", "Ask for --power-mode current, or run on a Jetson."
                )
            return None
        found = power.current_mode(self._paths)
        if text.lower() == "current":
            return found
        wanted = power.find_mode(text, power.list_modes(self._paths))
        if found == wanted and not power.mismatches(self._paths, wanted):
            return wanted
        if found is not None:
            store.write_json(
                self._file,
                {
                    "found_id": found.mode_id,
                    "found_name": found.name,
                    "set_id": wanted.mode_id,
                    "set_name": wanted.name,
                    "simulated": self._paths.simulated,
                },
            )
            self._found = found
        try:
            power.set_mode(self._paths, wanted)
        except OrinError:
            self.restore()
            raise
        return wanted

    def restore(self) -> str | None:
        """Puts the mode that was found back; returns one sentence if that did not work."""
        if self._paths is None or self._found is None:
            return None
        found, self._found = self._found, None
        try:
            if power.current_mode(self._paths) != found:
                power.set_mode(self._paths, found)
        except OrinError as error:
            return f"The power mode {found.name} could not be restored: {error}"
        self._file.unlink(missing_ok=True)
        return None


def restore_after_crash(state_dir: Path) -> str | None:
    """Restores the mode that a dead run had changed; the caller holds the board.

    Args:
        state_dir: folder of ``restore.json`` and of the simulated board.

    Returns:
        One sentence on what was done, None where there was nothing to do.
    """
    file = state_dir / RESTORE
    document = store.read_json(file)
    if document is None:
        file.unlink(missing_ok=True)
        return None
    paths = board_paths("simulated" if document.get("simulated") else "tegrastats", state_dir) or BoardPaths.real()
    found = PowerMode(mode_id=int(document["found_id"]), name=str(document["found_name"]))
    current = power.current_mode(paths)
    if current is None or current.mode_id != document["set_id"]:
        file.unlink(missing_ok=True)
        if current is not None and current.mode_id == found.mode_id:
            return None
        return "An earlier run had changed the power mode and was killed; the mode was changed again since and is kept."
    try:
        power.set_mode(paths, found)
    except OrinError as error:
        return f"An earlier run was killed and left the power mode {document['set_name']}: {error}"
    file.unlink(missing_ok=True)
    return f"An earlier run was killed; the power mode {found.name} that it had found was restored."
