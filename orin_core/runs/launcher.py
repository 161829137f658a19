"""Start, find and stop runs: what the pages and the command line share."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core import errors
from orin_core.errors import BadRequest, BoardBusy, OrinError, RunFailed
from orin_core.runs import recovery
from orin_core.runs.lock import BoardLock, Holder, read_holder
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording, list_runs
from orin_core.settings import PROJECT_ROOT, Settings
from orin_core.spec import RunSpec, RunState, to_json

ANSWER_TIMEOUT_S = 120.0
"""Longest wait for a runner's answer; setting a power mode is what takes long."""
POLL_S = 0.2
ESTIMATE_RUNS = 50
"""So many of the newest runs are looked through for an estimate; the page asks at every change of its form."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that has begun.

    Args:
        run_id: name of its folder.
        folder: the run folder.
        notices: what was put in order after an earlier run that was killed.
    """

    run_id: str
    folder: Path
    notices: tuple[str, ...]

    @property
    def recording(self) -> Recording:
        """The run folder, for reading."""
        return Recording(folder=self.folder)


def start(spec: RunSpec, settings: Settings, *, runs_dir: Path | None = None) -> Started:
    """Starts a run in a process of its own and returns when it has begun.

    Args:
        spec: what to run.
        settings: where the board's lock lies and, without ``runs_dir``, where runs lie.
        runs_dir: folder of run folders.

    Raises:
        BadRequest: a value, a name or a path is wrong; nothing was started.
        BoardBusy: another run holds the board.
        PowerModeError: the board does not go into the mode.
        ClocksError: the clocks cannot be locked.
        TelemetryError: this machine does not have the telemetry source.
        RunFailed: the runner died before it answered.
    """
    spec = spec.validated()
    request = {
        "spec": to_json(spec),
        "runs_dir": str((runs_dir or settings.runs_dir).resolve()),
        "state_dir": str(settings.state_dir),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "orin_core.runs.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT_ROOT,
        start_new_session=True,
    ) as child:
        answer = _ask(child, json.dumps(request))
    if answer.get("answer") == "started":
        return Started(
            run_id=str(answer["run_id"]), folder=Path(answer["folder"]), notices=tuple(answer.get("notices", ()))
        )
    message, hint = str(answer.get("message", "The runner gave no answer.")), str(answer.get("hint", ""))
    if answer.get("answer") == "busy":
        raise BoardBusy(message, hint, run_id=answer.get("run_id"))
    kind = getattr(errors, str(answer.get("kind")), RunFailed)
    raise kind(message, hint) if issubclass(kind, OrinError) else RunFailed(message, hint)


def _ask(child: subprocess.Popen[bytes], request: str) -> dict[str, Any]:
    """Sends the request and returns the runner's one line, or why there was none."""
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RunFailed("The runner has no pipes.")
    try:
        child.stdin.write(request.encode())
        child.stdin.close()
    except BrokenPipeError:
        return {"message": "The runner died at once.", "hint": child.stderr.read().decode(errors="replace")[-500:]}
    if not select.select([child.stdout], [], [], ANSWER_TIMEOUT_S)[0]:
        # One that has detached stops by itself once it answers and nobody hears it; this one is waited for.
        child.kill()
        return {"message": f"The runner gave no answer in {ANSWER_TIMEOUT_S:.0f} s.", "hint": "Start it again."}
    line = child.stdout.readline()
    if line:
        document: dict[str, Any] = json.loads(line)
        return document
    last = child.stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
    return {"message": "The runner died before it answered.", "hint": last}


def active(settings: Settings) -> Recording | None:
    """Returns the run that holds the board now, None where nobody does."""
    holder = read_holder(settings.state_dir)
    if holder is None or holder.folder is None or not holder.alive():
        return None
    return Recording(folder=holder.folder)


def stop(recording: Recording) -> None:
    """Asks a run to stop and returns at once.

    Raises:
        BadRequest: the run does not run, or belongs to another user.
    """
    status = recording.status()
    runner = ProcessId.from_json(status.get("runner_pid"), status.get("runner_start"))
    if status.get("state") != RunState.RUNNING.value or runner is None or not runner.send(signal.SIGTERM):
        raise BadRequest(f"Run {recording.run_id} does not run.", "List runs with: python -m orin_core runs")


def wait(recording: Recording, settings: Settings, timeout_s: float | None = None) -> dict[str, Any] | None:
    """Waits until a run has let go of the board and returns its summary.

    Args:
        recording: the run.
        settings: where the board's lock lies.
        timeout_s: longest wait, s; None waits for the end.

    Returns:
        The summary; None where the time is over, or where the runner was killed.
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    while (running := active(settings)) is not None and running.run_id == recording.run_id:
        if deadline_s is not None and time.monotonic() > deadline_s:
            return None
        time.sleep(POLL_S)
    return recording.summary()


def recover(settings: Settings) -> tuple[str, ...]:
    """Puts in order what a killed runner left behind, unless the board is held.

    Returns:
        One sentence per thing that was done.
    """
    ended = recovery.end_orphan(settings.state_dir)
    try:
        with BoardLock(settings.state_dir) as lock:
            last = read_holder(settings.state_dir)
            lock.write(Holder(folder=None, runner=ProcessId.of(os.getpid()), worker=None))
            messages = recovery.recover(settings.state_dir, settings.runs_dir, last.folder if last else None)
    except BoardBusy:
        return ()
    return tuple(([ended] if ended else []) + messages)


def estimate_s(spec: RunSpec, runs_dir: Path) -> float | None:
    """Returns how long a run will take by the newest finished run of the same spec, s.

    Lengths of phases and of measure may differ from that run's; its rate, its load time and what it did between
    measure and cooldown count.
    """
    spec = spec.validated()
    work = ("batch_size", "method", "precision", "preload")
    same = ("model", "dataset", "power_mode", "weights", "images", "telemetry", *work)
    for recording in list_runs(runs_dir)[:ESTIMATE_RUNS]:
        earlier, summary = recording.spec(), recording.summary()
        if not summary or summary.get("state") != RunState.DONE.value or not summary.get("fps_end_to_end"):
            continue
        if any(earlier.get(key) != getattr(spec, key) for key in same):
            continue
        images = spec.min_items if spec.items is None else spec.items
        measure_s = max(spec.seconds or 0.0, images / float(summary["fps_end_to_end"]))
        begins = {
            str(event.get("phase", event["kind"])): float(event["t_s"])
            for event in recording.events()
            if event["kind"] in ("phase", "end")
        }
        around_s = _before_measure_s(begins, spec) + _after_measure_s(begins, earlier.get("cooldown_s"))
        return spec.idle_s + around_s + measure_s + spec.cooldown_s
    return None


def _before_measure_s(begins: Mapping[str, float], spec: RunSpec) -> float:
    """Returns load and warm-up of an earlier run, s."""
    if "load" not in begins or "measure" not in begins:
        return spec.warmup_min_s
    return max(begins["measure"] - begins["load"], spec.warmup_min_s)


def _after_measure_s(begins: Mapping[str, float], cooldown_s: object) -> float:
    """Returns what an earlier run took after measure beside its cooldown, s: the model alone is timed once more."""
    if "cooldown" not in begins or "end" not in begins or not isinstance(cooldown_s, (int, float)):
        return 0.0
    return max(0.0, begins["end"] - begins["cooldown"] - cooldown_s)
