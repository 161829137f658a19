"""The programs that doctor and kit-check ask, each without input and with a time limit."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time

from orin_core.board.programs import run_program

_TERM_S = 3.0


def sudo_listing() -> str | None:
    """Returns what ``sudo -n -l`` prints in English, None where it wants a password or is not there."""
    try:
        exit_code, output = run_program(["env", "LC_ALL=C", "sudo", "-n", "-l"], 5.0)
    except OSError:
        return None
    return output if exit_code == 0 else None


def clock_synchronised() -> bool | None:
    """Returns whether the wall clock follows a time server, None where that cannot be told.

    **Source**: timedatectl(1), property ``NTPSynchronized``.
    """
    try:
        exit_code, output = run_program(["timedatectl", "show", "-p", "NTPSynchronized", "--value"], 5.0)
    except OSError:
        return None
    answer = output.strip()
    return answer == "yes" if exit_code == 0 and answer in ("yes", "no") else None


def capture_lines(argv: list[str], count: int, timeout_s: float) -> list[str]:
    """Returns the first whole lines that a program prints, and ends it.

    Args:
        argv: program and arguments; run until it has printed enough.
        count: how many lines are wanted.
        timeout_s: how long that may take, s; then fewer are returned.

    Raises:
        OSError: it cannot be started.
    """
    child = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    data = b""
    deadline_s = time.monotonic() + timeout_s
    try:
        if child.stdout is None:
            return []
        descriptor = child.stdout.fileno()
        while data.count(b"\n") < count:
            if not select.select([descriptor], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
                break
            chunk = os.read(descriptor, 65_536)
            if not chunk:
                break
            data += chunk
    finally:
        _end(child)
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode("utf-8", errors="replace").splitlines()[:count]


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends a child and its group; one that sudo made root's ends by itself once nobody reads it."""
    if child.stdout is not None:
        child.stdout.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_TERM_S)
