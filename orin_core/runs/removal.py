"""Deleting runs: out of every list first, then from the disk."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path

from orin_core.errors import BadRequest, BoardBusy, RunFailed
from orin_core.runs import launcher
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import RUN_ID, Recording, check_run_id
from orin_core.settings import Settings
from orin_core.spec import RunState

HIDDEN = ".deleted-"
"""How the name of a folder begins that is being removed; no list of runs shows it."""
_LEFT = re.compile(rf"{re.escape(HIDDEN)}{RUN_ID.pattern}-[0-9a-f]{{8}}")
"""Exactly the names that :func:`delete_run` gives: whatever else begins like that is somebody's own."""


def delete_run(recording: Recording, settings: Settings) -> None:
    """Deletes a run with everything in its folder; there is no way back.

    The folder is renamed first, so that nobody ever sees half a run. What a deletion that was
    killed left behind goes with the next one.

    Args:
        recording: the run.
        settings: where the board's lock lies.

    Raises:
        BadRequest: this is no run folder, or it is gone.
        BoardBusy: the run holds this board, or its runner is alive on another.
        RunFailed: the folder cannot be renamed, or not all of it removed.
    """
    folder = recording.folder
    check_run_id(folder.name)
    if folder.is_symlink() or not folder.is_dir():
        raise BadRequest(f"Run {folder.name} is gone, or no folder of its own.", "Look at the list again.")
    _refuse_running(recording, settings)
    hidden = folder.with_name(f"{HIDDEN}{folder.name}-{secrets.token_hex(4)}")
    try:
        os.rename(folder, hidden)
    except FileNotFoundError as error:
        raise BadRequest(f"Run {folder.name} is gone.", "Somebody else deleted it.") from error
    except OSError as error:
        raise RunFailed(
            f"Run {folder.name} cannot be deleted: {error.strerror or error}.",
            f"May this user write in {folder.parent}?",
        ) from error
    _remove(hidden)
    _sweep(folder.parent)
    if hidden.exists():
        raise RunFailed(
            f"Run {folder.name} is out of the list, but not all of its files could be removed.",
            f"Remove {hidden} by hand.",
        )


def _refuse_running(recording: Recording, settings: Settings) -> None:
    held = launcher.active(settings)
    status = recording.status()
    runner = ProcessId.from_json(status.get("runner_pid"), status.get("runner_start"))
    runs_elsewhere = status.get("state") == RunState.RUNNING.value and runner is not None and runner.alive()
    if runs_elsewhere or (held is not None and held.run_id == recording.run_id):
        raise BoardBusy(
            f"Run {recording.run_id} holds the board and cannot be deleted.",
            "Stop it first, or wait for its end.",
            run_id=recording.run_id,
        )


def _remove(folder: Path) -> None:
    # Whoever else removes the same files is no reason to stop; what is left is looked at after it.
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Removes what deletions that were killed left behind."""
    for entry in list(os.scandir(parent)):
        if _LEFT.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            _remove(Path(entry.path))
