"""The worker as the runner sees it: a program that is told its spec and sends events."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orin_core.runs.processes import ProcessId
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import WorkerSpec, to_json

Send = Callable[[str, Any], None]
WORKER_MODULE = "orin_core.inference.worker"
TERM_AFTER_S = 15.0
KILL_AFTER_S = 5.0


class WorkerProcess:
    """Starts the worker and reads its events in a thread of its own.

    Args:
        spec: what to run; ``spec.lock_fd`` is inherited by the worker.
        log: file for its standard error.
        send: called with ("event", dict) for every event and ("worker_exit", code) at the end.
    """

    def __init__(self, spec: WorkerSpec, log: Path, send: Send) -> None:
        with log.open("ab") as stderr:
            self._child = subprocess.Popen(
                [sys.executable, "-m", WORKER_MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=PROJECT_ROOT,
                start_new_session=True,
                pass_fds=() if spec.lock_fd is None else (spec.lock_fd,),
            )
        self.process = ProcessId.of(self._child.pid) or ProcessId(pid=self._child.pid, start=-1)
        self._send = send
        self._stop_asked_s: float | None = None
        self._term_sent_s: float | None = None
        self._killed = False
        self._write(json.dumps(to_json(spec)))
        self._reader = threading.Thread(target=self._read, name="worker-events", daemon=True)
        self._reader.start()

    def _write(self, line: str) -> None:
        try:
            if self._child.stdin:
                self._child.stdin.write(line.encode() + b"\n")
                self._child.stdin.flush()
        except (BrokenPipeError, ValueError):
            # It died before it read the line; the reader reports the exit.
            return

    def _read(self) -> None:
        if self._child.stdout:
            for line in self._child.stdout:
                try:
                    event = json.loads(line)
                except ValueError:
                    event = None
                if isinstance(event, dict) and isinstance(event.get("event"), str):
                    self._send("event", event)
                else:
                    self._send("event", {"event": "stray", "text": line.decode(errors="replace").strip()[:500]})
        self._send("worker_exit", self._child.wait())

    @property
    def stopping(self) -> bool:
        """Whether the worker was asked to stop."""
        return self._stop_asked_s is not None

    def stop(self) -> None:
        """Asks the worker to finish its batch and leave; a second call sends TERM at once."""
        if self._stop_asked_s is None:
            self._stop_asked_s = time.monotonic()
            self._write("stop")
        elif self._term_sent_s is None:
            self._terminate()

    def _terminate(self) -> None:
        self._term_sent_s = time.monotonic()
        self.process.kill_group(signal.SIGTERM)

    def press(self, patience_s: float) -> None:
        """Goes down the stop ladder when its time has come: stop, TERM, KILL.

        Args:
            patience_s: how long one batch may reasonably take, s.
        """
        now_s = time.monotonic()
        if self._stop_asked_s is None or self._killed:
            return
        if self._term_sent_s is None:
            if now_s - self._stop_asked_s > TERM_AFTER_S + patience_s:
                self._terminate()
        elif now_s - self._term_sent_s > KILL_AFTER_S:
            self._killed = True
            self.process.kill_group(signal.SIGKILL)

    def close(self) -> None:
        """Ends the worker whatever it does; returns when it is gone."""
        if self._child.poll() is None:
            self.process.kill_group(signal.SIGKILL)
            self._child.wait()
        self._reader.join(timeout=5)
        for stream in (self._child.stdin, self._child.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue


def describe_worker(timeout_s: float) -> dict[str, Any] | None:
    """Returns what the worker says of torch and the device, None where it does not say it in time.

    Args:
        timeout_s: how long it may take, s; importing torch takes seconds.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", WORKER_MODULE, "--describe"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_ROOT,
            timeout=timeout_s,
        )
        facts = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


KILLED_BY = "The worker was killed by "
"""How the message of a run begins whose worker was ended by a signal."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a worker ended, in words.

    Args:
        code: exit status; negative is the signal that killed it.
    """

    code: int

    @property
    def message(self) -> str:
        """One sentence; empty where the worker ended well."""
        if self.code == 0:
            return ""
        if self.code < 0:
            try:
                name = signal.Signals(-self.code).name
            except ValueError:
                name = f"signal {-self.code}"
            return f"{KILLED_BY}{name}."
        return f"The worker left with exit code {self.code}."

    @property
    def hint(self) -> str:
        """What the user can do."""
        if self.code == -signal.SIGKILL:
            return "Out of memory is the usual cause: CPU and GPU share it. Try a smaller batch."
        return "See worker.log in the run folder." if self.code else ""
