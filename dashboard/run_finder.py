"""Finds runs by id: in the usual folder, or wherever a run lay that this server saw holding the board."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.runs import launcher
from orin_core.runs.recording import RUN_ID, Recording, check_run_id
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
        if held is not None and RUN_ID.fullmatch(held.run_id) and not self._usual(held.run_id).is_dir():
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
        check_run_id(run_id)
        with self._lock:
            elsewhere = self._elsewhere.get(run_id)
        for folder in (self._usual(run_id), elsewhere):
            if folder is not None and folder.is_dir():
                return Recording(folder=folder)
        return None

    def missing(self, run_id: str) -> BadRequest:
        """Returns what to say of a run that :meth:`find` does not find."""
        return BadRequest(
            f"There is no run {run_id} in {self._settings.runs_dir}.",
            "A run that was started with --runs-dir lies in a folder of its own.",
        )

    def _usual(self, run_id: str) -> Path:
        return self._settings.runs_dir / run_id
