"""Clocks held at the power mode's caps for the length of a run, by jetson_clocks."""

from __future__ import annotations

import enum
import os
import stat
import time
from pathlib import Path
from types import TracebackType

from orin_core.board.paths import BoardPaths
from orin_core.board.programs import as_root, last_line, run_program, says_not_permitted
from orin_core.board.sysfs import Sysfs
from orin_core.errors import ClocksError

TIMEOUT_S = 30.0
SETTLE_S = 5.0
_POLL_S = 0.05


class ClockState(str, enum.Enum):
    """Whether jetson_clocks holds the clocks."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


def clock_state(paths: BoardPaths) -> ClockState:
    """Returns whether jetson_clocks holds the clocks; see :meth:`Sysfs.clocks_locked`."""
    locked = Sysfs(paths.sysfs).clocks_locked()
    if locked is None:
        return ClockState.UNKNOWN
    return ClockState.ON if locked else ClockState.OFF


class Clocks:
    """Locks the clocks and puts them back as they were; a context manager does both.

    What was found is kept in a file until it is restored, so that whoever comes after a killed run
    can restore it. That file holds the caps of the mode that was in force: set a mode before the
    clocks are locked and change it only after they are restored.

    **Source**: ``jetson_clocks --store FILE``, ``jetson_clocks``, ``jetson_clocks --restore FILE``;
    all need root, and none survives a reboot. ``--store`` asks before it overwrites a file.

    Args:
        paths: the board.
        store: file that keeps what was found; its folder exists and only this user may write there,
            since jetson_clocks as root writes wherever this file says when it restores.
    """

    def __init__(self, paths: BoardPaths, store: Path) -> None:
        self._paths = paths
        self._store = store

    def __enter__(self) -> Clocks:
        self.lock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def lock(self) -> None:
        """Stores the clocks as they are and holds them at the caps; does nothing where they are held already.

        Raises:
            ClocksError: jetson_clocks is missing, failed or changed nothing.
        """
        if self._store.exists():
            self.restore()  # a killed run left its clocks locked; what it found is what counts
        if clock_state(self._paths) is ClockState.ON:
            return
        self._call("--store", str(self._store))
        if not self._store.is_file():
            raise ClocksError(
                "jetson_clocks stored nothing, so the clocks were left alone.", f"Is {self._store.parent} writable?"
            )
        try:
            self._call()
            self._wait_until(locked=True)
        except ClocksError:
            self.restore()
            raise

    def restore(self) -> None:
        """Puts the clocks back as they were found; does nothing where nothing is stored.

        Raises:
            ClocksError: jetson_clocks is missing, failed or changed nothing; what was found stays stored.
        """
        if not self._store.exists():
            return
        self._check_own()
        self._call("--restore", str(self._store))
        self._wait_until(locked=False)
        self._store.unlink()

    def _check_own(self) -> None:
        """Refuses a file that somebody else may have written: root writes wherever it says.

        Raises:
            ClocksError: it is a link, belongs to another user, or others may write it.
        """
        found = self._store.lstat()
        own = stat.S_ISREG(found.st_mode) and found.st_uid in (0, os.geteuid())
        if not own or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ClocksError(
                f"{self._store} may have been written by another user and is not restored from.",
                f"Look at it, remove it, and restore by hand: sudo jetson_clocks --restore {self._store}",
            )

    def _call(self, *arguments: str) -> None:
        command = " ".join(("sudo jetson_clocks", *arguments))
        if not self._paths.jetson_clocks:
            raise ClocksError("There is no jetson_clocks on this machine.", "Run without locked clocks.")
        argv = as_root(self._paths, [*self._paths.jetson_clocks, *arguments])
        try:
            exit_code, output = run_program(argv, TIMEOUT_S)
        except OSError as problem:
            raise ClocksError(f"jetson_clocks cannot be started: {problem.strerror}.", "Reinstall it.") from problem
        if exit_code == 0:
            return
        if says_not_permitted(output):
            raise ClocksError(
                f"This user may not lock the clocks ({last_line(output)}).",
                f"By hand: {command} - or run without locked clocks.",
            )
        ended = f"did not answer within {TIMEOUT_S:g} s" if exit_code is None else f"ended with exit code {exit_code}"
        raise ClocksError(f"jetson_clocks {ended} ({last_line(output)}).", f"Try by hand: {command}")

    def _wait_until(self, *, locked: bool) -> None:
        """Waits until sysfs shows it; what sysfs does not tell is taken as done."""
        wrong = ClockState.OFF if locked else ClockState.ON
        deadline_s = time.monotonic() + SETTLE_S
        while clock_state(self._paths) is wrong:
            if time.monotonic() > deadline_s:
                raise ClocksError(
                    f"jetson_clocks reported success and the clocks are {wrong.value}.",
                    "In a container lock the clocks on the host.",
                )
            time.sleep(_POLL_S)
