"""What the form needs to know of the board: its power modes, and whether it is a simulated one."""

from __future__ import annotations

import dataclasses

from orin_core.board import power
from orin_core.board.probes import board_paths, resolve_telemetry
from orin_core.errors import OrinError
from orin_core.settings import Settings
from orin_core.spec import PowerMode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """The board as the form shows it.

    Args:
        kind: telemetry source; empty where there is none.
        modes: power modes in the order of the board's conf; empty where there are none.
        current: mode that was set last; None where the board does not tell.
        error: why there is no telemetry; None where there is.
    """

    kind: str
    modes: tuple[PowerMode, ...] = ()
    current: PowerMode | None = None
    error: OrinError | None = None


def look(settings: Settings) -> BoardView:
    """Returns the board of this machine, read now."""
    try:
        kind = resolve_telemetry(settings.telemetry).kind
        paths = board_paths(kind, settings.state_dir)
        if paths is None:
            return BoardView(kind=kind)
        return BoardView(kind=kind, modes=power.list_modes(paths), current=power.current_mode(paths))
    except OrinError as error:
        return BoardView(kind="", error=error)
