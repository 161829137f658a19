"""Downloads in processes of their own, so that a page that is closed does not end them.

``python -m orin_core fetch NAME`` writes its progress to a file in the state folder; any page, of
any tab, reads how far it is. It holds no board.
"""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.runs.processes import ProcessId
from orin_core.settings import PROJECT_ROOT

_END_S = 5.0
"""How long a download that was asked to end may take before it is killed."""

_children: dict[int, subprocess.Popen[bytes]] = {}
# Two tabs may press the button at once: looking and starting are one step.
_lock = threading.RLock()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FetchState:
    """How far a download is.

    Args:
        state: ``none`` (never started), ``connecting``, ``sized`` (its size is known and nothing goes
            on), ``downloading``, ``done``, ``cancelled`` or ``failed``.
        done_mb: MB (10^6 bytes) that are here; None before that is known.
        total_mb: MB in all; None before that is known.
        message: why it failed, with what to do; empty else.
    """

    state: str
    done_mb: float | None = None
    total_mb: float | None = None
    message: str = ""

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state in ("connecting", "downloading")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """What is kept of a download in the state folder: its lines, its errors, its process, and whether it was ended."""

    progress: Path
    log: Path
    pid: Path
    cancelled: Path

    @classmethod
    def of(cls, name: str, state_dir: Path) -> _Files:
        slug = re.sub(r"[^A-Za-z0-9.+-]+", "--", name).strip("-.")
        if not slug:
            raise BadRequest("Nothing to fetch was named.")
        paths = {key: state_dir / "fetch" / f"{slug}.{key}" for key in ("log", "pid", "cancelled")}
        return cls(progress=state_dir / "fetch" / f"{slug}.jsonl", **paths)

    def process(self) -> ProcessId | None:
        """Returns the process that was started last; None where none was."""
        try:
            number, start_ticks = json.loads(self.pid.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError):
            return None
        return ProcessId.from_json(number, start_ticks)


def start(name: str, state_dir: Path, *, size_only: bool = False) -> None:
    """Starts a download; one that goes on already is left alone.

    Args:
        name: catalogue name, hub id, or a file of the hub.
        state_dir: where its progress is kept.
        size_only: whether the hub is only asked for its size.

    Raises:
        BadRequest: the state folder cannot be written.
    """
    with _lock:
        if not state(name, state_dir).running:
            _start(name, _Files.of(name, state_dir), ["--size"] if size_only else [])


def cancel(name: str, state_dir: Path) -> None:
    """Ends a download; what it has received is kept, and the next one goes on there.

    Args:
        name: as it was started.
        state_dir: where its progress is kept.

    Raises:
        BadRequest: the state folder cannot be written, or another user started it.
    """
    with _lock:
        files = _Files.of(name, state_dir)
        process = files.process()
        if process is None or not process.alive():
            return
        try:
            files.cancelled.touch()
        except OSError as error:
            raise _not_writable(files) from error
        process.send(signal.SIGTERM)
        child = _children.get(process.pid)
        if child is not None:
            _wait(child)
        if not process.wait_gone(_END_S):
            process.kill_group(signal.SIGKILL)


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(_END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _not_writable(files: _Files) -> BadRequest:
    return BadRequest(f"{files.pid.parent} cannot be written.", "Set ORIN_STATE_DIR to a folder of your own.")


def _start(name: str, files: _Files, options: list[str]) -> None:
    try:
        files.pid.parent.mkdir(parents=True, exist_ok=True)
        files.cancelled.unlink(missing_ok=True)
        with files.progress.open("wb") as out, files.log.open("wb") as err:
            child = subprocess.Popen(
                [sys.executable, "-m", "orin_core", "fetch", *options, "--", name],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=PROJECT_ROOT,
                start_new_session=True,
            )
        process = ProcessId.of(child.pid)
        files.pid.write_text(json.dumps([child.pid, process.start if process else -1]), encoding="utf-8")
    except OSError as error:
        raise _not_writable(files) from error
    # Kept so that it is waited for once it has ended.
    _children[child.pid] = child


def state(name: str, state_dir: Path) -> FetchState:
    """Returns how far a download is, whoever started it."""
    files = _Files.of(name, state_dir)
    with _lock:
        for ended in [number for number, child in _children.items() if child.poll() is not None]:
            del _children[ended]
    try:
        lines = files.progress.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return FetchState(state="none")
    last, process = _last(lines), files.process()
    text = str(last.get("state") or "connecting")
    alive = process is not None and process.alive()
    if not alive and text != "done":
        # Asked for its size alone it ends there, with nothing to tell.
        sized = text == "sized" and not _why(files.log)
        text = "cancelled" if files.cancelled.exists() else "sized" if sized else "failed"
    elif alive and text == "sized":
        text = "downloading"
    return FetchState(
        state=text,
        done_mb=last.get("done_mb"),
        total_mb=last.get("total_mb"),
        message=(_why(files.log) or _BROKEN_OFF) if text == "failed" else "",
    )


_BROKEN_OFF = "The download ended before it was complete. Start it again; it goes on where it was."


def _last(lines: list[str]) -> dict[str, Any]:
    for line in reversed(lines):
        try:
            document = json.loads(line)
        except ValueError:
            # The line that is being written.
            continue
        if isinstance(document, dict):
            return document
    return {}


def _why(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else ""
