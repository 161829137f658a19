"""Where a sweep and its cells stand: the values of ``state.json`` and ``wanted.json``."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class CellState(str, enum.Enum):
    """Where a cell stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class SweepState(str, enum.Enum):
    """Where a sweep stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    REBOOT = "reboot"
    """It waits for the board to reboot, by itself or by hand."""
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self in (SweepState.DONE, SweepState.STOPPED, SweepState.FAILED)


class Wanted(str, enum.Enum):
    """What people ask of a sweep."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a cell.

    Args:
        run_id: its run folder; None where no run was started.
        outcome: ``done``, ``failed``, ``interrupted``, ``stopped`` or ``refused``; None while it goes on.
        message: why, in a sentence.
        begun_utc: when.
        ended_utc: when it was over; empty while it goes on.
    """

    run_id: str | None = None
    outcome: str | None = None
    message: str = ""
    begun_utc: str = ""
    ended_utc: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CellProgress:
    """Where a cell stands, and what was tried.

    Args:
        state: where it stands.
        reason: why it failed or was skipped.
        run_id: the run that counts; None before it is done.
        attempts: every try in order.
        earlier: how many of them were made before a person resumed the ended sweep; those count for no limit.
    """

    state: CellState = CellState.PENDING
    reason: str = ""
    run_id: str | None = None
    attempts: tuple[Attempt, ...] = ()
    earlier: int = 0

    @property
    def counted(self) -> tuple[Attempt, ...]:
        """The tries since the sweep began, or was last resumed from an end."""
        return self.attempts[self.earlier :]

    def anew(self) -> CellProgress:
        """Returns this as it stands when a person resumes the ended sweep: what is not done is tried again."""
        if self.state in (CellState.DONE, CellState.SKIPPED):
            return self
        # One without an outcome is dropped when the cell is begun.
        settled = sum(one.outcome is not None for one in self.attempts)
        return dataclasses.replace(self, state=CellState.PENDING, reason="", earlier=settled)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a sweep stands.

    Args:
        state: where it stands.
        message: what it waits for or why it ended.
        command: what a person has to type for it to go on; empty where nothing.
        begun_utc: when its first cell's turn came, or the first after it was resumed from an end; empty before.
        order: ids of the cells in the order in which they are run.
        cells: by id.
        mode_found: power mode of the board when it began; it is put back at the end. None where the board tells none.
        idle_c: hottest zone of the idle board, degree C.
        reboots: when and into which mode the board was rebooted: ``utc``, ``unix_s``, ``mode``, ``boot_id``
            before, ``reached`` once the board was in the mode.
        conductor_pid: the process that works on it.
        conductor_start: its start time, which tells it from another of that number.
    """

    state: SweepState = SweepState.QUEUED
    message: str = ""
    command: str = ""
    begun_utc: str = ""
    order: tuple[str, ...] = ()
    cells: Mapping[str, CellProgress] = dataclasses.field(default_factory=dict)
    mode_found: str | None = None
    idle_c: float | None = None
    reboots: tuple[Mapping[str, Any], ...] = ()
    conductor_pid: int | None = None
    conductor_start: int | None = None

    def with_cell(self, cell_id: str, progress: CellProgress) -> Progress:
        """Returns this with another state of one cell."""
        return dataclasses.replace(self, cells={**self.cells, cell_id: progress})

    def at_rest(self) -> Progress:
        """Returns this with no cell running: whoever takes it up finds the run of such a cell again."""
        cells = {
            cell_id: dataclasses.replace(one, state=CellState.PENDING) if one.state is CellState.RUNNING else one
            for cell_id, one in self.cells.items()
        }
        return dataclasses.replace(self, cells=cells)


def progress_from_json(document: Mapping[str, Any]) -> Progress:
    """Returns where a sweep stands, as in its file.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the file is damaged.
    """
    cells = {
        cell_id: CellProgress(
            **{
                **one,
                "state": CellState(one["state"]),
                "attempts": tuple(Attempt(**attempt) for attempt in one["attempts"]),
            }
        )
        for cell_id, one in document["cells"].items()
    }
    values = {
        **document,
        "state": SweepState(document["state"]),
        "order": tuple(document["order"]),
        "cells": cells,
        "reboots": tuple(document["reboots"]),
    }
    return Progress(**values)
