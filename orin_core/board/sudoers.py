"""The sudoers lines that let one user set the board's power modes, and nothing else."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from orin_core.board.paths import BoardPaths
from orin_core.board.power import list_modes
from orin_core.errors import BadRequest

_PROGRAM = "/usr/sbin/nvpmodel"
_USER = re.compile(r"%?[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_SPECIAL = re.compile(r"([\\,:=#!*?\[\]() \t\"])")

_HEADER = """\
# Lets {user} set the power modes of this board without a password. Generated from {conf}.
# Every line is one command with its whole argument list: nvpmodel with any other arguments
# (-f FILE makes root read any file) stays forbidden. jetson_clocks is left out on purpose:
# its --restore FILE makes root write wherever that file says.
# Check:    visudo -c -f FILE
# Install:  sudo install -o root -g root -m 0440 FILE /etc/sudoers.d/orin-dashboard
"""


def sudoers_text(paths: BoardPaths, user: str) -> str:
    """Returns a sudoers file with one exact command for every mode of the board's conf.

    For the simulated board the lines name the program of a real one, since no simulated program
    needs root.

    **Source**: JetPack installs nvpmodel to ``/usr/sbin``; sudo compares a command that is listed
    with arguments as a whole.

    Args:
        paths: the board.
        user: a user, or a group as ``%group``.

    Raises:
        BadRequest: the conf lists no modes, this is no name of a user, or others than root can
            replace nvpmodel (whoever may would be root then).
    """
    modes = list_modes(paths)
    if not modes:
        raise BadRequest(f"{paths.conf} lists no power modes, so there is nothing to allow.", "Run this on the board.")
    if not _USER.fullmatch(user) or user.lstrip("%") == "ALL":
        raise BadRequest(f"{user!r} is no name of a user.", "Name a user, or a group as %group.")
    program = _PROGRAM if paths.simulated or not paths.nvpmodel else paths.nvpmodel[0]
    if not paths.simulated:
        _check_only_root_can_replace(Path(program))
    command = _SPECIAL.sub(r"\\\1", program)
    lines = [
        f"# {mode.label}\n{user} ALL=(root) NOPASSWD: {command} -m {mode.mode_id}"
        for mode in sorted(modes, key=lambda mode: mode.mode_id)
    ]
    conf = f"{paths.conf.name} of the simulated board" if paths.simulated else str(paths.conf)
    return "\n".join([_HEADER.format(user=user, conf=conf), *lines, ""])


def _check_only_root_can_replace(program: Path) -> None:
    if not program.is_absolute():
        raise BadRequest(f"{program} is no absolute path.", "Check PATH: nvpmodel is usually in /usr/sbin.")
    if program != program.resolve():
        raise BadRequest(
            f"{program} is a link to {program.resolve()}, and whoever can change a link on the way could be root.",
            f"Check PATH: nvpmodel is usually {_PROGRAM}.",
        )
    for path in (program, *program.parents):
        try:
            found = path.stat()
        except OSError as problem:
            raise BadRequest(f"{path} cannot be looked at: {problem.strerror}.", "Reinstall nvpmodel.") from problem
        if found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise BadRequest(
                f"{path} can be changed by others than root, so nothing there may run as root.",
                f"Check PATH: nvpmodel is usually {_PROGRAM}.",
            )
