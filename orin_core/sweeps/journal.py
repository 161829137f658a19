"""What the conductor writes down of a sweep: its state on disk, before and after every step."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import time
from collections.abc import Callable

from orin_core.runs import store
from orin_core.sweeps.cells import Cell
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Progress, Sweep, Wanted

LOOK_S = 0.5
"""Time between two looks at what people want, and at what is waited for, s."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Journal:
    """The state of a sweep, in memory and on disk.

    Args:
        sweep: the sweep folder.
        leaving: whether this process is asked to leave.

    Raises:
        BadRequest: the state is damaged.
    """

    def __init__(self, sweep: Sweep, *, leaving: Callable[[], bool]) -> None:
        self.sweep = sweep
        self.leaving = leaving
        self.progress: Progress = sweep.progress()

    def may_go_on(self) -> bool:
        """Returns whether to wait on: nobody wants a pause or a stop, and this process is not to leave."""
        return not self.leaving() and self.sweep.wanted() is Wanted.RUN

    def write(self, **changes: object) -> None:
        """Changes the state; waits where the disk is full, and the room kept for it is used up as well.

        Raises:
            OSError: it cannot be written, or this process is to leave meanwhile.
        """
        self.progress = dataclasses.replace(self.progress, **changes)  # type: ignore[arg-type]
        while not self._written():
            time.sleep(LOOK_S)

    def _written(self) -> bool:
        try:
            self.sweep.write(self.progress)
        except OSError as error:
            if error.errno not in _FULL or self.leaving():
                raise
            self.sweep.give_up_reserve()
            return False
        return True

    def say(self, message: str) -> None:
        """Says what the sweep waits for."""
        if message != self.progress.message:
            self.write(message=message)

    def keep_room(self) -> None:
        """Takes room for the state again, where it was given up."""
        with contextlib.suppress(OSError):
            self.sweep.keep_reserve()

    def cell(self, cell: Cell) -> CellProgress:
        """Returns where a cell stands."""
        return self.progress.cells[cell.cell_id]

    def set_cell(self, cell: Cell, **changes: object) -> None:
        """Changes where a cell stands.

        Raises:
            OSError: it cannot be written.
        """
        changed = dataclasses.replace(self.cell(cell), **changes)  # type: ignore[arg-type]
        self.write(cells=self.progress.with_cell(cell.cell_id, changed).cells)

    def begin(self, cell: Cell) -> None:
        """Notes that a cell is tried, before its run is there: whoever comes after a kill looks for that run."""
        # One without an outcome is of a sweep that was ended in the middle of it; it goes on now, or begins anew.
        settled = tuple(one for one in self.cell(cell).attempts if one.outcome is not None)
        self.set_cell(cell, state=CellState.RUNNING, attempts=(*settled, Attempt(begun_utc=now_utc())))

    def take_back(self, cell: Cell) -> None:
        """Takes back an attempt that came to no run."""
        self.set_cell(cell, state=CellState.PENDING, attempts=self.cell(cell).attempts[:-1])

    def note(self, cell: Cell, **changes: object) -> None:
        """Notes what is known of the present attempt."""
        *before, last = self.cell(cell).attempts
        self.set_cell(cell, attempts=(*before, dataclasses.replace(last, **changes)))  # type: ignore[arg-type]


def now_utc() -> str:
    """Returns the time of day as it stands in the state."""
    return store.utc_text(time.time())
