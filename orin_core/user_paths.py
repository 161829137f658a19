"""Paths as people write them: what is wrong with one is an answer for them, not a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from orin_core.errors import BadRequest

_Options = ParamSpec("_Options")
_Found = TypeVar("_Found")


def expanded(text: str) -> Path:
    """Returns a path with ``~`` replaced by the home folder that it stands for.

    Raises:
        BadRequest: it begins with ``~`` and a name that no user of this machine has.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadRequest(f"{text} begins with no user of this machine.", "Write the path without ~.") from error


def absolute(path: Path) -> Path:
    """Returns a path as it is seen from any folder, ``~`` replaced and links followed.

    Raises:
        BadRequest: it begins with ``~`` and a name that no user of this machine has.
    """
    return expanded(str(path)).resolve()


def readable(
    resolve: Callable[Concatenate[str, _Options], _Found],
) -> Callable[Concatenate[str, _Options], _Found]:
    """Makes a function that looks at the path that it is given refuse one that the system does not let it look at."""

    @functools.wraps(resolve)
    def answered(name: str, /, *args: _Options.args, **options: _Options.kwargs) -> _Found:
        try:
            return resolve(name, *args, **options)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise BadRequest(f"{name} cannot be looked at: {why}.", "Check the path and who may read it.") from error

    return answered
