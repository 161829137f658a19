"""The board is one per machine: who holds it, and how it is taken.

``board.lock`` is locked with flock(2) by the runner for life and inherited by its worker, so the
kernel frees it when both are gone, however they went. What is written in it only tells people
and pages who holds the board; the lock itself decides.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
import stat
import time
from pathlib import Path
from types import TracebackType

from orin_core.errors import BadRequest, BoardBusy
from orin_core.runs.processes import ProcessId

LOCK_FILE = "board.lock"
PATIENCE_S = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the board, or held it last.

    Args:
        folder: its run folder; None before that is made.
        runner: the runner.
        worker: the worker, None while there is none.
    """

    folder: Path | None
    runner: ProcessId | None
    worker: ProcessId | None

    def alive(self) -> bool:
        """Whether the runner or the worker still runs."""
        return any(process is not None and process.alive() for process in (self.runner, self.worker))


def read_holder(state_dir: Path) -> Holder | None:
    """Returns who is written in the lock file, None where nobody is."""
    try:
        document = json.loads((state_dir / LOCK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    folder = document.get("folder")
    return Holder(
        folder=Path(folder) if isinstance(folder, str) else None,
        runner=ProcessId.from_json(document.get("runner_pid"), document.get("runner_start")),
        worker=ProcessId.from_json(document.get("worker_pid"), document.get("worker_start")),
    )


def make_state_dir(state_dir: Path) -> None:
    """Makes the folder of the lock where it is missing.

    Raises:
        BadRequest: it cannot be made.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(state_dir, error) from error


def _unusable(state_dir: Path, error: OSError) -> BadRequest:
    return BadRequest(
        f"The board's lock in {state_dir} cannot be opened: {error.strerror}.",
        "Set ORIN_STATE_DIR to a folder that every user of this board can write.",
    )


def _open(path: Path) -> int:
    """Opens the lock file, made where it is missing; never through a link that somebody planted.

    Raises:
        OSError: it cannot be opened, or is no plain file of its own.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        fd = os.open(path, flags)
    else:
        os.fchmod(fd, 0o666)  # one board for every user of the machine, whatever the umask
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no plain file")
    return fd


def _lock(fd: int, state_dir: Path) -> None:
    """Takes the lock; gives a holder that is just leaving, or a page that puts things in order, a moment.

    Raises:
        BlockingIOError: it is held.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while not _try_lock(fd):
        holder = read_holder(state_dir)
        if (holder and holder.folder and holder.alive()) or time.monotonic() > deadline_s:
            raise BlockingIOError(errno.EAGAIN, "the board is held")
        time.sleep(0.05)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class BoardLock:
    """Holds the board while it is open.

    Args:
        state_dir: folder of the lock; made where it is missing.

    Raises:
        BoardBusy: another run holds the board.
        BadRequest: the folder cannot be made or written.
    """

    def __init__(self, state_dir: Path) -> None:
        make_state_dir(state_dir)
        try:
            self.fd = _open(state_dir / LOCK_FILE)
        except OSError as error:
            raise _unusable(state_dir, error) from error
        try:
            _lock(self.fd, state_dir)
        except BlockingIOError as error:
            os.close(self.fd)
            holder = read_holder(state_dir)
            run_id = holder.folder.name if holder and holder.folder and holder.alive() else None
            raise BoardBusy(
                f"The board is held by {f'run {run_id}' if run_id else 'a run that is just starting'}.",
                "Wait for its end, or stop it" + (f" with: python -m orin_core stop {run_id}" if run_id else "."),
                run_id=run_id,
            ) from error

    def write(self, holder: Holder) -> None:
        """Writes who holds the board, for people and pages."""
        document = {
            "folder": str(holder.folder) if holder.folder else None,
            "runner_pid": holder.runner.pid if holder.runner else None,
            "runner_start": holder.runner.start if holder.runner else None,
            "worker_pid": holder.worker.pid if holder.worker else None,
            "worker_start": holder.worker.start if holder.worker else None,
        }
        # Padded beyond any path, so that one write replaces what was there for readers too.
        os.pwrite(self.fd, (json.dumps(document)).encode().ljust(16_384), 0)

    def __enter__(self) -> BoardLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self.fd, 0)
        os.close(self.fd)
