"""What a run that is over says of its cell, by its summary; and that it is on the disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core.runs import store
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording
from orin_core.runs.worker_process import KILLED_BY
from orin_core.sweeps.progress import CellState, Progress


def mode_kept(summary: Mapping[str, Any]) -> bool:
    """Returns whether the board was in the power mode of the run from its start to its end, as far as it tells."""
    return all(summary.get(f"power_mode_verified_{when}") is not False for when in ("start", "end"))


def worker_was_killed(summary: Mapping[str, Any]) -> bool:
    """Returns whether the worker was ended by a signal: by somebody, by the kernel for want of memory, by a crash."""
    return str(summary.get("message") or "").startswith(KILLED_BY)


def to_disk(folder: Path) -> None:
    """Puts the files of a run folder on the disk, before anybody notes that it is done: a power cut may come."""
    for path in (*folder.iterdir(), folder, folder.parent):
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def ended_utc_of(folder: Path) -> str | None:
    """Returns when a run was over; whoever notes it may come long after. None where it has no summary."""
    with contextlib.suppress(OSError):
        return store.utc_text((folder / store.SUMMARY).stat().st_mtime)
    return None


def summaries(progress: Progress, runs_dir: Path) -> dict[str, dict[str, Any]]:
    """Reads summary and environment of every run that counts; those that cannot be read are left out."""
    found = {}
    for one in progress.cells.values():
        if one.state is CellState.DONE and one.run_id:
            recording = Recording(folder=runs_dir / one.run_id)
            if (summary := judged_summary(recording)) is not None:
                found[one.run_id] = {**summary, "environment": recording.environment()}
    return found
