"""Processes by pid, start time and boot, so that a reused pid is never taken for the old process."""

from __future__ import annotations

import dataclasses
import functools
import os
import signal
import time
from pathlib import Path

from orin_core.errors import BadRequest


def start_ticks(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Returns when a process started, in clock ticks since boot; None where it is gone or a zombie.

    **Source**: proc(5), ``/proc/PID/stat`` fields 3 (state) and 22 (starttime). The command in
    field 2 may hold blanks and brackets, so fields are counted from its last bracket.
    """
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


_TICKS_BITS = 33
"""Clock ticks of 2.7 years; with 20 bits of the boot's id still a whole number to every reader of JSON."""


@functools.cache
def _boot() -> int:
    """Returns 20 bits of this boot's id, 0 where there is none.

    **Source**: random(4), ``/proc/sys/kernel/random/boot_id``.
    """
    try:
        return int(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:5], 16)
    except (OSError, ValueError):
        return 0


def _start(pid: int) -> int | None:
    ticks = start_ticks(pid)
    return None if ticks is None else (_boot() << _TICKS_BITS) + ticks


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """One process for good: what is written of it outlives a boot, after which pids and ticks come again.

    Args:
        pid: process id.
        start: start time in clock ticks since boot, and above them 20 bits of the boot's id.
    """

    pid: int
    start: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Returns the process that has this pid now, None where there is none."""
        start = _start(pid)
        return None if start is None else cls(pid=pid, start=start)

    @classmethod
    def from_json(cls, pid: object, start: object) -> ProcessId | None:
        """Returns a process as written in a file, None where the file names none."""
        if isinstance(pid, int) and isinstance(start, int) and pid > 1:
            return cls(pid=pid, start=start)
        return None

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _start(self.pid) == self.start

    def command_line(self) -> list[str]:
        """Returns the arguments that this very process was started with; empty where it is gone."""
        try:
            text = Path(f"/proc/{self.pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.split("\0") if self.alive() else []

    def send(self, number: signal.Signals) -> bool:
        """Sends a signal to this very process; False where it is gone.

        Raises:
            BadRequest: it belongs to another user.
        """
        if not self.alive():
            return False
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError as error:
            raise BadRequest("This run belongs to another user.", "Ask that user, or use sudo.") from error
        return True

    def kill_group(self, number: signal.Signals) -> bool:
        """Sends a signal to the process group that this process leads; False where it is gone or not ours."""
        if not self.alive():
            return False
        try:
            if os.getpgid(self.pid) != self.pid:
                os.kill(self.pid, number)
            else:
                os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def wait_gone(self, timeout_s: float) -> bool:
        """Waits until this process is gone; False where it is still there after ``timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(0.02)
        return True
