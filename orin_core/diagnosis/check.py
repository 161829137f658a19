"""One line of doctor: what was looked at, how it stands, what to do."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable

from orin_core.errors import OrinError


class State(str, enum.Enum):
    """How a thing stands: a warning restricts something, a problem stops something."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of doctor.

    Args:
        group: which part of the machine it is about; lines of a group stand together.
        name: what was looked at.
        state: how it stands.
        message: what was found, one sentence.
        hint: what the user can do; empty where nothing is needed.
        details: what belongs beneath it, one sentence each.
    """

    group: str
    name: str
    state: State
    message: str
    hint: str = ""
    details: tuple[str, ...] = ()


Finding = tuple[State, str] | tuple[State, str, str] | tuple[State, str, str, tuple[str, ...]]
"""What a look finds: state, message, hint, details; the last two may be left out."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A check that has not been made yet.

    Args:
        group: as in :class:`Check`.
        name: as in :class:`Check`.
        find: looks; whatever it cannot read may come out of it as OrinError or OSError.
    """

    group: str
    name: str
    find: Callable[[], Finding]

    def check(self) -> Check:
        """Looks, and returns what was found; a look that fails is a problem like any other."""
        try:
            found = self.find()
        except OrinError as error:
            found = (State.PROBLEM, error.message, error.hint)
        except OSError as error:
            found = (State.PROBLEM, f"It cannot be looked at: {error}.", "Check the rights of this user.")
        state, message, *rest = found
        hint = rest[0] if rest else ""
        details = rest[1] if len(rest) > 1 else ()
        return Check(
            group=self.group, name=self.name, state=state, message=message, hint=str(hint), details=tuple(details)
        )
