"""The order in which sweeps get the board; a single run that waits is a sweep of one cell.

``data/sweeps/queue.json`` names the sweeps that have not ended, first come first served unless
somebody changes the order. It lies with the data, so that it survives a reboot.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.runs import store
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings

QUEUE, QUEUE_LOCK, CONDUCTOR_LOCK = "queue.json", "queue.lock", "conductor.lock"


def order(settings: Settings) -> list[str]:
    """Returns the ids of the sweeps that wait or go on, first the next."""
    return order_of(settings.sweeps_dir)


def order_of(sweeps_dir: Path) -> list[str]:
    """Returns the same for a folder of sweeps."""
    found = (store.read_json(sweeps_dir / QUEUE) or {}).get("order", [])
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def add(settings: Settings, sweep_id: str) -> None:
    """Appends a sweep; one that is queued stays where it is."""
    _change(settings, lambda ids: ids if sweep_id in ids else [*ids, sweep_id])


def remove(settings: Settings, sweep_id: str) -> None:
    """Takes a sweep out; it does nothing where it is not in."""
    _change(settings, lambda ids: [one for one in ids if one != sweep_id])


def move(settings: Settings, sweep_id: str, place: int) -> None:
    """Puts a sweep to another place.

    Args:
        settings: where the queue lies.
        sweep_id: which one.
        place: 1 is the next to run; beyond the end is the end.

    Raises:
        BadRequest: it is not in the queue, or the place is none.
    """
    if place < 1:
        raise BadRequest(f"There is no place {place} in the queue.", "The next to run is 1.")

    def moved(ids: list[str]) -> list[str]:
        if sweep_id not in ids:
            raise BadRequest(f"{sweep_id} is not in the queue.", "See: python -m orin_core sweep status")
        others = [one for one in ids if one != sweep_id]
        return [*others[: place - 1], sweep_id, *others[place - 1 :]]

    _change(settings, moved)


def _change(settings: Settings, change: Callable[[list[str]], list[str]]) -> None:
    try:
        settings.sweeps_dir.mkdir(parents=True, exist_ok=True)
        with _locked(settings.sweeps_dir / QUEUE_LOCK, wait=True):
            store.write_json(settings.sweeps_dir / QUEUE, {"order": change(order(settings))}, durable=True)
    except OSError as error:
        raise BadRequest(
            f"The queue in {settings.sweeps_dir} cannot be written: {error.strerror}.", "Free disk space."
        ) from error


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield fd
    finally:
        os.close(fd)


def conductor_of(sweeps_dir: Path) -> ProcessId | None:
    """Returns the live process that works on a queue; None where there is none."""
    document = store.read_json(sweeps_dir / CONDUCTOR_LOCK) or {}
    process = ProcessId.from_json(document.get("pid"), document.get("start"))
    return process if process is not None and process.alive() else None


@contextlib.contextmanager
def conducting(settings: Settings) -> Iterator[bool]:
    """Makes this process the one that works on the queue; gives False where another is.

    The kernel ends it with the process, however that ends. Who it is stands in the lock's file meanwhile.
    """
    settings.sweeps_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            fd = stack.enter_context(_locked(settings.sweeps_dir / CONDUCTOR_LOCK, wait=False))
        except BlockingIOError:
            yield False
            return
        me = ProcessId.of(os.getpid())
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": me.pid, "start": me.start} if me else {}).encode("ascii"), 0)
        # Before the lock is let go, so that it is not the next one's that is wiped.
        stack.callback(os.ftruncate, fd, 0)
        yield True
