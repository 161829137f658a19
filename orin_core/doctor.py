"""``python -m orin_core doctor``: what works here, what does not, and what to do about it.

Needs no network and changes nothing. The page shows the same under "System".
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pwd
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orin_core.board import power
from orin_core.board.paths import BoardPaths
from orin_core.board.simulator.state import prepare
from orin_core.board.sudoers import sudoers_text
from orin_core.diagnosis import board_checks, machine_checks, telemetry_checks
from orin_core.diagnosis.check import Check, State
from orin_core.diagnosis.subject import Subject
from orin_core.errors import BadRequest, OrinError
from orin_core.settings import Settings
from orin_core.spec import to_json

__all__ = ["NOT_CONFIRMED", "Check", "State", "add_parser", "command", "run_checks", "sudoers", "worst"]

EXIT_OK = 0
EXIT_PROBLEM = 1
NOT_CONFIRMED = "Not yet confirmed on a Jetson: no kit-check of a real board is among the tests yet."
ROOTS_GROUP = "%orin"
"""Whom the sudoers lines are for when root asks, who needs none, or somebody without a name."""


def run_checks(settings: Settings, root: Path = Path("/")) -> list[Check]:
    """Looks at everything and returns what was found, in the order in which it is shown.

    Args:
        settings: where things lie, and which telemetry was asked for.
        root: root of the file system.
    """
    subject = Subject.of(settings, root)
    # What waits for other programs goes side by side.
    with concurrent.futures.ThreadPoolExecutor(2, thread_name_prefix="doctor") as pool:
        torch = pool.submit(machine_checks.torch_checks, subject)
        telemetry = pool.submit(_telemetry, subject)
        board = [look.check() for look in board_checks.looks(subject)]
        machine = [look.check() for look in machine_checks.looks(subject)]
        found = [*board, *telemetry.result(), *torch.result(), *machine]
    order = list(dict.fromkeys(check.group for check in found))
    return sorted(found, key=lambda check: order.index(check.group))


def _telemetry(subject: Subject) -> list[Check]:
    try:
        return telemetry_checks.checks(subject)
    except (OrinError, OSError) as error:
        message, hint = (error.message, error.hint) if isinstance(error, OrinError) else (f"{error}.", "")
        return [Check(group=telemetry_checks.GROUP, name="source", state=State.PROBLEM, message=message, hint=hint)]


def worst(checks: Sequence[Check]) -> State:
    """Returns the worst state of some checks; ok where there are none."""
    order = list(State)
    return max((check.state for check in checks), key=order.index, default=State.OK)


def sudoers(settings: Settings, user: str | None = None) -> str:
    """Returns the sudoers file that lets a user set this board's modes; the simulated board's without a real one.

    Args:
        settings: where the simulated board lies.
        user: a user, or a group as ``%group``; the present user where not given, for root ``%orin``.

    Raises:
        BadRequest: there are no modes to allow, or this is no name of a user.
    """
    paths = BoardPaths.real()
    if not power.list_modes(paths):
        try:
            paths = prepare(settings.state_dir / "simulator").paths()
        except OSError as error:
            raise BadRequest(
                f"This machine lists no power modes, and {settings.state_dir} cannot be written for a simulated board.",
                "Run this on the board.",
            ) from error
    return sudoers_text(paths, user or _user())


def _user() -> str:
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container an id may have no name
        return ROOTS_GROUP
    return ROOTS_GROUP if name == "root" else name


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``doctor`` to the command line."""
    doctor = commands.add_parser("doctor", help="what works here, what does not, and what to do")
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.add_argument("--sudoers", action="store_true", help="print the sudoers file that allows switching modes")
    doctor.add_argument("--user", help="with --sudoers: for whom; a user, or %%group (default: you; for root %%orin)")


def command(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs ``doctor`` and returns the exit code: 0, or 1 where there is a problem.

    Raises:
        BadRequest: there are no modes to allow.
    """
    if arguments.sudoers:
        print(sudoers(settings, arguments.user), end="")
        return EXIT_OK
    checks = run_checks(settings)
    if arguments.json:
        print(json.dumps(as_json(checks), indent=2))
    else:
        print(as_text(checks))
    return EXIT_PROBLEM if worst(checks) is State.PROBLEM else EXIT_OK


def as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """Returns the checks as one JSON object."""
    return {"state": worst(checks).value, "note": NOT_CONFIRMED, "checks": [to_json(check) for check in checks]}


def as_text(checks: Sequence[Check], width: int = 118) -> str:
    """Returns the checks as one screen of text.

    Args:
        checks: in order.
        width: of a line, characters.
    """
    lines: list[str] = []
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            lines += ["", group] if lines else [group]
        rest = " " * 33
        lines += textwrap.wrap(
            check.message, width, initial_indent=f"  {check.state.value:8} {check.name:21} ", subsequent_indent=rest
        )
        for detail in check.details:
            lines += textwrap.wrap(detail, width, initial_indent=f"{rest}- ", subsequent_indent=f"{rest}  ")
        if check.hint:
            lines += textwrap.wrap(check.hint, width, initial_indent=f"{rest}> ", subsequent_indent=f"{rest}  ")
    counts = ", ".join(f"{sum(check.state is state for check in checks)} {state.value}" for state in State)
    return "\n".join([*lines, "", counts, NOT_CONFIRMED])
