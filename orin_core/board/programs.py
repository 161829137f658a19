"""The board's own programs, run with a time limit and, but for one answer, without input."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile

from orin_core.board.paths import BoardPaths

_NOT_PERMITTED = re.compile(
    r"password is required|a terminal is required|permission denied|operation not permitted|not allowed to execute"
    r"|may not run sudo|not in the sudoers|must be root|root privilege|run as root|as a root user",
    re.IGNORECASE,
)


def as_root(paths: BoardPaths, argv: list[str]) -> list[str]:
    """Returns the argv that runs a program as root, where sudo allows it without a password.

    Args:
        paths: the board; the simulated one needs no root.
        argv: program and arguments.
    """
    if paths.simulated or os.geteuid() == 0 or not shutil.which("sudo"):
        return argv
    return ["sudo", "-n", *argv]


def run_program(argv: list[str], timeout_s: float, *, answer: str = "") -> tuple[int | None, str]:
    """Runs a program to its end.

    Args:
        argv: program and arguments.
        timeout_s: how long it may take, s.
        answer: all that it finds on its standard input.

    Returns:
        Exit code (None where it had to be given up) and everything that it printed.

    Raises:
        OSError: it cannot be started.
    """
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output,
        tempfile.TemporaryFile("w+", encoding="utf-8") as given,
    ):
        given.write(answer)
        given.seek(0)
        # To a file, not a pipe: what a killed program left running would keep a pipe open.
        process = subprocess.Popen(argv, stdin=given, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        exit_code: int | None
        try:
            exit_code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            exit_code = None
            with contextlib.suppress(ProcessLookupError, PermissionError):  # sudo belongs to root
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        output.seek(0)
        return exit_code, output.read()


def says_not_permitted(output: str) -> bool:
    """Returns whether a program's words mean that this user lacks the right."""
    return _NOT_PERMITTED.search(output) is not None


def last_line(output: str) -> str:
    """Returns the last thing that a program said."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
