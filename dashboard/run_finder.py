"""Finds runs by id: in the usual folder, or wherever a run lay that this server saw holding the board."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.runs import launcher
from orin_core.runs.lock import read_holder
from orin_core.runs.recording import Recording, is_run_id
from orin_core.settings import Settings

_KEPT = 64


class RunFinder:
    """Knows the usual folder, and the folders of runs elsewhere (``--runs-dir`` of the command line).

    Args:
        settings: where runs and the board's lock lie.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._elsewhere: OrderedDict[str, Path] = OrderedDict()
        self._lock = threading.Lock()

    def active(self) -> Recording | None:
        """Returns the run that holds the board now, None where nobody does; remembers where it lies."""
        held = launcher.active(self._settings)
        if held is None or not is_run_id(held.run_id) or self._usual(held.run_id).is_dir():
            return held
        if self._elsewhere.get(held.run_id) != held.folder and self._may_be_shown(held.folder):
            with self._lock:
                self._elsewhere[held.run_id] = held.folder
                while len(self._elsewhere) > _KEPT:
                    self._elsewhere.popitem(last=False)
        return held

    def find(self, run_id: str) -> Recording | None:
        """Returns a run, None where there is no such folder.

        Raises:
            BadRequest: the id is malformed, so it may not become part of a path.
        """
        if not is_run_id(run_id):
            raise BadRequest("This is no run id.", "Look for the run on the Runs page.")
        with self._lock:
            elsewhere = self._elsewhere.get(run_id)
        for folder in (self._usual(run_id), elsewhere):
            if folder is not None and folder.is_dir():
                return Recording(folder=folder)
        return None

    def missing(self, run_id: str) -> BadRequest:
        """Returns what to say of a run that :meth:`find` does not find."""
        return BadRequest(f"Run {run_id} is not here (any more).")

    def _may_be_shown(self, folder: Path) -> bool:
        """Returns whether a folder that the lock file names is one of a run that lies elsewhere.

        Every user of the machine may write that file. A folder of this server's own user, or of the user of the runner
        that is named with it, is what such a run has; a link, or a folder of a third one, is not.
        """
        holder = read_holder(self._settings.state_dir)
        owners = {os.getuid()}
        try:
            if holder is not None and holder.runner is not None and holder.folder == folder:
                owners.add(os.stat(f"/proc/{holder.runner.pid}").st_uid)
            found = folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid in owners

    def _usual(self, run_id: str) -> Path:
        return self._settings.runs_dir / run_id
