"""What a dead runner left behind is put in order by whoever takes the board next."""

from __future__ import annotations

import signal
from pathlib import Path

from orin_core.runs import finish, store
from orin_core.runs.lock import Holder, read_holder
from orin_core.runs.mode_hold import restore_after_crash
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording, list_runs
from orin_core.runs.worker_process import WORKER_MODULE
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
    # The file may be written by every user of the machine: only what is a worker is ended.
    if WORKER_MODULE not in holder.worker.command_line() or not holder.worker.kill_group(signal.SIGKILL):
        return None
    holder.worker.wait_gone(ORPHAN_GONE_S)
    return "The worker of a runner that was killed still ran and was ended."


def recover(state_dir: Path, runs_dir: Path, last_folder: Path | None) -> list[str]:
    """Restores the mode and finalises interrupted runs; the caller holds the board.

    Args:
        state_dir: folder of the board's lock.
        runs_dir: folder of run folders.
        last_folder: run folder of whoever held the board last; it may lie elsewhere.

    Returns:
        One sentence per thing that was done.
    """
    recordings = {recording.folder: recording for recording in list_runs(runs_dir)}
    if last_folder is not None and last_folder.is_dir():
        recordings.setdefault(last_folder, Recording(folder=last_folder))
    said = [_finalise_safely(recording) for recording in recordings.values()]
    return [*restore_after_crash(state_dir), *(sentence for sentence in said if sentence)]


def _finalise_safely(recording: Recording) -> str | None:
    try:
        return _finalise(recording)
    except Exception as error:  # boundary: one damaged folder must not hold up the board  # noqa: BLE001
        return f"Run {recording.run_id} has no summary and cannot be finalised: {error!r}"


def _finalise(recording: Recording) -> str | None:
    if recording.summary() is not None or not recording.spec():
        return None
    status = recording.status()
    runner = ProcessId.from_json(status.get("runner_pid"), status.get("runner_start"))
    if runner is not None and runner.alive():
        # It holds another board: another state folder, or a container's.
        return None
    (recording.folder / store.RESERVE).unlink(missing_ok=True)
    damaged = (recording.folder / store.SUMMARY).exists()
    ended = status.get("state") in (RunState.DONE.value, RunState.STOPPED.value, RunState.FAILED.value)
    state = RunState(status["state"]) if ended else RunState.INTERRUPTED
    message = "The run was interrupted: its runner was killed or the machine went down."
    hint = "Every row written until then is kept."
    if ended:
        message, hint = str(status.get("message", "")), str(status.get("hint", ""))
    changed = {"state": state.value, "message": message, "hint": hint, "time_left_s": None}
    store.write_json(recording.folder / store.STATUS, {**status, **changed})
    finish.finish(recording, state=state, message=message, hint=hint)
    if damaged:
        return f"The summary of run {recording.run_id} could not be read and was computed again."
    if ended:
        return f"Run {recording.run_id} had ended without a summary; it was computed."
    return f"Run {recording.run_id} had been interrupted and was finalised."
