"""What a dead runner left behind is put in order by whoever takes the board next."""

from __future__ import annotations

import signal
from pathlib import Path

from orin_core.runs import finish, store
from orin_core.runs.lock import Holder, read_holder
from orin_core.runs.mode_hold import restore_after_crash
from orin_core.runs.recording import Recording, list_runs
from orin_core.spec import RunState

ORPHAN_GONE_S = 10.0


def end_orphan(state_dir: Path) -> str | None:
    """Ends the worker of a runner that is dead; call before the board is taken.

    Returns:
        One sentence on what was done, None where there was nothing to do.
    """
    holder: Holder | None = read_holder(state_dir)
    if holder is None or holder.worker is None or (holder.runner and holder.runner.alive()):
        return None
    if not holder.worker.kill_group(signal.SIGKILL):
        return None
    holder.worker.wait_gone(ORPHAN_GONE_S)
    return "The worker of a runner that was killed still ran and was ended."


def finalise_interrupted(runs_dir: Path) -> list[str]:
    """Writes the summary of every run that has none; the caller holds the board.

    Returns:
        One sentence per run that was finalised.
    """
    return [message for recording in list_runs(runs_dir) if (message := _finalise(recording))]


def _finalise(recording: Recording) -> str | None:
    if recording.summary() is not None or not recording.spec():
        return None
    (recording.folder / store.RESERVE).unlink(missing_ok=True)
    message = "The run was interrupted: its runner was killed or the machine went down."
    hint = "Every row written until then is kept."
    status = recording.status()
    store.write_json(
        recording.folder / store.STATUS,
        {**status, "state": RunState.INTERRUPTED.value, "message": message, "hint": hint, "time_left_s": None},
    )
    finish.finish(recording, state=RunState.INTERRUPTED, message=message, hint=hint)
    return f"Run {recording.run_id} had been interrupted and was finalised."


def recover(state_dir: Path, runs_dir: Path) -> list[str]:
    """Restores the mode and finalises interrupted runs; the caller holds the board."""
    messages = [restore_after_crash(state_dir), *finalise_interrupted(runs_dir)]
    return [message for message in messages if message]
