"""Downloads in processes of their own, so that a page that is closed does not end them.

``python -m orin_core fetch NAME`` writes its progress to a file in the state folder; any page, of
any tab, reads how far it is. It holds no board.
"""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.runs.processes import ProcessId
from orin_core.settings import PROJECT_ROOT

_children: dict[int, subprocess.Popen[bytes]] = {}
# Two tabs may press the button at once: looking and starting are one step.
_lock = threading.RLock()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FetchState:
    """How far a download is.

    Args:
        state: ``none`` (never started), ``connecting``, ``downloading``, ``done`` or ``failed``.
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


def _files(name: str, state_dir: Path) -> tuple[Path, Path, Path]:
    slug = re.sub(r"[^A-Za-z0-9.+-]+", "--", name).strip("-.")
    if not slug:
        raise BadRequest("Nothing to fetch was named.")
    folder = state_dir / "fetch"
    return folder / f"{slug}.jsonl", folder / f"{slug}.log", folder / f"{slug}.pid"


def start(name: str, state_dir: Path) -> None:
    """Starts a download; one that goes on already is left alone.

    Args:
        name: catalogue name or hub id.
        state_dir: where its progress is kept.

    Raises:
        BadRequest: the state folder cannot be written.
    """
    with _lock:
        if not state(name, state_dir).running:
            _start(name, state_dir)


def _start(name: str, state_dir: Path) -> None:
    progress, log, pid = _files(name, state_dir)
    try:
        progress.parent.mkdir(parents=True, exist_ok=True)
        with progress.open("wb") as out, log.open("wb") as err:
            child = subprocess.Popen(
                [sys.executable, "-m", "orin_core", "fetch", name],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=PROJECT_ROOT,
                start_new_session=True,
            )
        process = ProcessId.of(child.pid)
        pid.write_text(json.dumps([child.pid, process.start if process else -1]), encoding="utf-8")
    except OSError as error:
        raise BadRequest(
            f"{progress.parent} cannot be written: {error.strerror}.", "Set ORIN_STATE_DIR to a folder of your own."
        ) from error
    # Kept so that it is waited for once it has ended.
    _children[child.pid] = child


def state(name: str, state_dir: Path) -> FetchState:
    """Returns how far a download is, whoever started it."""
    progress, log, pid = _files(name, state_dir)
    with _lock:
        for ended in [number for number, child in _children.items() if child.poll() is not None]:
            del _children[ended]
    try:
        number, start_ticks = json.loads(pid.read_text(encoding="utf-8"))
        lines = progress.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return FetchState(state="none")
    last = _last(lines)
    if last.get("state") == "done":
        return FetchState(state="done", done_mb=last.get("done_mb"), total_mb=last.get("total_mb"))
    process = ProcessId.from_json(number, start_ticks)
    if process is not None and process.alive():
        text = str(last.get("state") or "connecting")
        return FetchState(state=text, done_mb=last.get("done_mb"), total_mb=last.get("total_mb"))
    return FetchState(state="failed", message=_why(log))


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
    return lines[-1] if lines else "The download ended before it was complete. Start it again; what is there is kept."
