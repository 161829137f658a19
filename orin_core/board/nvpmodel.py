"""The program nvpmodel: ask it for the mode, tell it to set one, understand what it answers."""

from __future__ import annotations

import re
import shlex

from orin_core.board.paths import BoardPaths
from orin_core.board.programs import as_root, last_line, run_program, says_not_permitted
from orin_core.errors import PowerModeNeedsReboot, PowerModeNotPermitted, PowerModeRefused
from orin_core.spec import PowerMode

_QUERY_TIMEOUT_S = 5.0
# **Source**: exit code of nvpmodel when its reboot question is answered with anything but yes.
_EXIT_REBOOT_DECLINED = 234


def query(paths: BoardPaths) -> PowerMode | None:
    """Returns the mode that ``nvpmodel -q`` prints, None where it prints none.

    **Source**: ``NV Power Mode: MODE_30W`` and the id on the next bare line, possibly after
    ``NVPM WARN:`` or fan lines.
    """
    if not paths.nvpmodel:
        return None
    try:
        _, output = run_program([*paths.nvpmodel, "-q"], _QUERY_TIMEOUT_S)
    except OSError:
        return None
    name = re.search(r"^NV Power Mode:\s*(\S+)", output, re.MULTILINE)
    number = re.search(r"^\s*([0-9]+)\s*$", output[name.end() :], re.MULTILINE) if name else None
    if name is None or number is None:
        return None
    return PowerMode(mode_id=int(number[1]), name=name[1])


def set_command(paths: BoardPaths, mode: PowerMode) -> str:
    """Returns the command line with which a person sets the mode by hand."""
    if paths.simulated:
        return shlex.join([*paths.nvpmodel, "-m", str(mode.mode_id)])
    return f"sudo nvpmodel -m {mode.mode_id}"


def set_mode(paths: BoardPaths, mode: PowerMode, timeout_s: float) -> None:
    """Calls ``nvpmodel -m ID`` without standard input, as root where sudo allows it without a password.

    Returns when nvpmodel reports success, which proves nothing: see :func:`orin_core.board.power.mismatches`.

    Args:
        paths: the board.
        mode: one of its modes.
        timeout_s: how long nvpmodel may take, s.

    Raises:
        PowerModeNeedsReboot: it asks for a reboot first.
        PowerModeNotPermitted: this user may not set modes.
        PowerModeRefused: it is missing, failed, or did not answer in time.
    """
    exit_code, output = _call(paths, mode, timeout_s)
    if exit_code == _EXIT_REBOOT_DECLINED or re.search("reboot required", output, re.IGNORECASE):
        raise PowerModeNeedsReboot(
            f"{mode.name} needs a reboot.",
            f"Run {set_command(paths, mode)} and answer YES: the board reboots at once. Then start again.",
        )
    _check(paths, mode, exit_code, output, timeout_s)


def reboot_into(paths: BoardPaths, mode: PowerMode, timeout_s: float) -> None:
    """Calls ``nvpmodel -m ID`` and answers its reboot question with ``YES``: the board reboots at once.

    Only for a person who has just said so. Where the mode needs no reboot (any more) it is set at once.

    **Source**: ``DO YOU WANT TO REBOOT NOW? enter YES/yes to confirm:``, read from standard input.

    Args:
        paths: the board.
        mode: one of its modes.
        timeout_s: how long nvpmodel may take, s.

    Raises:
        PowerModeNotPermitted: this user may not set modes.
        PowerModeRefused: it is missing, failed, or did not answer in time.
    """
    _check(paths, mode, *_call(paths, mode, timeout_s, answer="YES\n"), timeout_s)


def _call(paths: BoardPaths, mode: PowerMode, timeout_s: float, *, answer: str = "") -> tuple[int | None, str]:
    """Returns the exit code of ``nvpmodel -m ID``, None where it took too long, and what it said."""
    if not paths.nvpmodel:
        raise PowerModeRefused(
            f"{mode.name} cannot be set: there is no nvpmodel on this machine.", "Use power mode current."
        )
    argv = as_root(paths, [*paths.nvpmodel, "-m", str(mode.mode_id)])
    try:
        return run_program(argv, timeout_s, answer=answer)
    except OSError as problem:
        raise PowerModeRefused(f"nvpmodel cannot be started: {problem.strerror}.", "Reinstall it.") from problem


def _check(paths: BoardPaths, mode: PowerMode, exit_code: int | None, output: str, timeout_s: float) -> None:
    """Raises the error that nvpmodel's answer means, none where it reported success."""
    command = set_command(paths, mode)
    said = last_line(output)
    if exit_code is None:
        raise PowerModeRefused(
            f"nvpmodel did not answer within {timeout_s:g} s when asked for {mode.name}.", f"Try by hand: {command}"
        )
    if exit_code != 0 and says_not_permitted(output):
        raise PowerModeNotPermitted(
            f"This user may not set the power mode ({said}).",
            f"Set it by hand: {command} - or allow exactly that command in sudoers.",
        )
    if exit_code != 0:
        raise PowerModeRefused(
            f"nvpmodel refused {mode.name} with exit code {exit_code} ({said}).", f"Try by hand: {command}"
        )
