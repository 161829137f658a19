"""The board as the page needs it: its power modes, what it can do, and the reboot into a mode."""

from __future__ import annotations

import dataclasses

from dashboard import sweep_hold
from orin_core.board import power
from orin_core.board.paths import BoardPaths
from orin_core.board.probes import board_paths, resolve_telemetry
from orin_core.errors import BadRequest, BoardBusy, OrinError
from orin_core.runs import launcher
from orin_core.runs.lock import BoardLock
from orin_core.settings import Settings
from orin_core.spec import PowerMode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """The board as the form shows it.

    Args:
        kind: telemetry source; empty where there is none.
        modes: power modes in the order of the board's conf; empty where there are none.
        current: mode that was set last; None where the board does not tell.
        has_jetson_clocks: whether the clocks can be locked.
        error: why there is no telemetry; None where there is.
    """

    kind: str
    modes: tuple[PowerMode, ...] = ()
    current: PowerMode | None = None
    has_jetson_clocks: bool = False
    error: OrinError | None = None


def look(settings: Settings) -> BoardView:
    """Returns the board of this machine, read now."""
    try:
        kind, paths = _paths(settings)
        if paths is None:
            return BoardView(kind=kind)
        return BoardView(
            kind=kind,
            modes=power.list_modes(paths),
            current=power.current_mode(paths),
            has_jetson_clocks=bool(paths.jetson_clocks),
        )
    except OrinError as error:
        return BoardView(kind="", error=error)


def _paths(settings: Settings) -> tuple[str, BoardPaths | None]:
    kind = resolve_telemetry(settings.telemetry).kind
    return kind, board_paths(kind, settings.state_dir)


def reboot_into(settings: Settings, mode: str) -> bool:
    """Reboots the board into a mode, at once; only for a person who has just confirmed that.

    Args:
        settings: which board.
        mode: name of one of its modes.

    Returns:
        Whether it was the simulated board, so that this machine goes on.

    Raises:
        BoardBusy: a run holds the board, or a sweep is at work.
        PowerModeError: the board does not go into the mode, or this user may not reboot it.
        BadRequest: this telemetry source knows no power modes.
    """
    held = launcher.active(settings)
    if held is not None:
        raise BoardBusy(f"The board is held by run {held.run_id}.", "Wait for its end, or stop it.", run_id=held.run_id)
    sweep_hold.refuse_reboot(settings)
    _, paths = _paths(settings)
    if paths is None:
        raise BadRequest("This telemetry source knows no power modes.", "Run on a Jetson.")
    with BoardLock(settings.state_dir):
        power.reboot_into(paths, power.find_mode(mode, power.list_modes(paths)))
    return paths.simulated
