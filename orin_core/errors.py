"""Every exception that this project raises on purpose.

::

    OrinError                 message, hint, exit_code 4
    +-- BadRequest            2  the spec, a name or a path is wrong; nothing was started
    |   +-- NotCached         2  weights or images are not on this machine (fetch them)
    |   +-- CellsRefused      2  a sweep has cells whose values do not go together
    |   +-- PowerModeError    2  the board will not run in the mode that was asked for
    |       +-- PowerModeUnknown       no such mode in the board's conf
    |       +-- PowerModeRefused       nvpmodel said no
    |       +-- PowerModeNeedsReboot   nvpmodel wants a reboot first
    |       +-- PowerModeNotPermitted  this user may not set it
    |       +-- PowerModeNotApplied    nvpmodel said yes, the board says otherwise
    |   +-- ClocksError       2  jetson_clocks cannot lock or restore the clocks
    +-- BoardBusy             3  another run holds the board
    +-- TelemetryError        2  this machine does not have the telemetry source; nothing was started
    +-- RunFailed             4  a run that had started did not reach its end
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class OrinError(Exception):
    """One sentence on what is wrong and one on what the user can do.

    Args:
        message: what is wrong, one sentence, no trailing newline.
        hint: what the user can do about it; empty where nothing can be done.
    """

    exit_code = 4

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadRequest(OrinError):
    """The request cannot be carried out as written; nothing was started."""

    exit_code = 2


class NotCached(BadRequest):
    """Weights or images are not on this machine."""


class CellsRefused(BadRequest):
    """A sweep has cells whose values do not go together.

    Args:
        message: what does not.
        hint: what the user can do about it in the file of the sweep.
        advice: what would do instead.
        exclusions: what has to be left out, as the file has it.
    """

    def __init__(self, message: str, hint: str, *, advice: str, exclusions: tuple[Mapping[str, Any], ...]) -> None:
        super().__init__(message, hint)
        self.advice = advice
        self.exclusions = exclusions


class PowerModeError(BadRequest):
    """The board will not run in the power mode that was asked for."""


class PowerModeUnknown(PowerModeError):
    """The board's conf has no such mode."""


class PowerModeRefused(PowerModeError):
    """nvpmodel answered with an error."""


class PowerModeNeedsReboot(PowerModeError):
    """nvpmodel will change to this mode only by a reboot."""


class PowerModeNotPermitted(PowerModeError):
    """This user may not change the power mode."""


class PowerModeNotApplied(PowerModeError):
    """nvpmodel reported success and the board shows other limits."""


class ClocksError(BadRequest):
    """jetson_clocks cannot lock or restore the clocks."""


class BoardBusy(OrinError):
    """Another run holds the board.

    Args:
        message: names the run that holds it.
        hint: what the user can do.
        run_id: folder name of the run that holds the board, where it is known.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "", *, run_id: str | None = None) -> None:
        super().__init__(message, hint)
        self.run_id = run_id


class TelemetryError(OrinError):
    """This machine does not have the telemetry source."""

    exit_code = 2


class RunFailed(OrinError):
    """A run that had started did not reach its end."""
