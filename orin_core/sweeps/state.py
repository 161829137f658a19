"""What became of a sweep, on disk after every step: which cell is where, what was tried, what is asked for.

One folder per sweep, ``data/sweeps/<utc>_<name>_<4 hex>/``:

- ``sweep.json`` what was asked; never changed.
- ``plan.json`` how long each cell was expected to take; never changed.
- ``state.json`` written by the conductor, and where none works on it by who stops or resumes it; replaced atomically.
- ``wanted.json`` what people ask for while it goes on: go on, pause after this cell, stop now.
- ``.reserve`` room for the state, given up where the disk is full.
"""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.runs import store
from orin_core.settings import Settings
from orin_core.sweeps import spec as specs
from orin_core.sweeps.progress import (
    Attempt,
    CellProgress,
    CellState,
    Progress,
    SweepState,
    Wanted,
    progress_from_json,
)
from orin_core.sweeps.spec import SweepSpec

__all__ = [
    "Attempt", "CellProgress", "CellState", "Progress", "Sweep", "SweepState", "Wanted", "find_sweep", "list_sweeps",
    "make",
]  # fmt: skip

SWEEP_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z_[A-Za-z0-9.+-]{1,64}_[0-9a-f]{4}")
"""A sweep id is the name of its folder."""
SPEC, PLAN, STATE, WANTED, RESERVE = "sweep.json", "plan.json", "state.json", "wanted.json", ".reserve"
RESERVE_BYTES = 1024 * 1024
"""Room that a sweep keeps for its state: that of 2000 cells, each tried once, takes 0.85 MB."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep folder, read from disk at every call.

    Args:
        folder: the sweep folder.
    """

    folder: Path

    @property
    def sweep_id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    def spec(self) -> SweepSpec:
        """What was asked.

        Raises:
            BadRequest: the file is damaged.
        """
        try:
            return specs.from_json(store.read_json(self.folder / SPEC))
        except BadRequest as error:
            raise BadRequest(
                f"What sweep {self.sweep_id} is cannot be read: {error.message}", f"Look at {self.folder / SPEC}."
            ) from error

    def progress(self) -> Progress:
        """Where it stands.

        Raises:
            BadRequest: the file is damaged.
        """
        document = store.read_json(self.folder / STATE)
        try:
            return progress_from_json(document or {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest(
                f"The state of sweep {self.sweep_id} cannot be read.", f"Look at {self.folder / STATE}."
            ) from error

    def lengths_s(self) -> dict[str, float]:
        """Returns how long each cell was expected to take when the sweep was made, s; empty where nothing tells."""
        found = (store.read_json(self.folder / PLAN) or {}).get("lengths_s")
        if not isinstance(found, dict):
            return {}
        return {key: float(value) for key, value in found.items() if isinstance(value, (int, float)) and value >= 0}

    def keep_reserve(self) -> None:
        """Takes room on the disk for the state; it does nothing where it is taken.

        Raises:
            OSError: there is none.
        """
        path = self.folder / RESERVE
        if path.exists():
            return
        try:
            with path.open("wb") as reserve:
                os.posix_fallocate(reserve.fileno(), 0, RESERVE_BYTES)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def give_up_reserve(self) -> None:
        """Lets the state have the room that was kept for it."""
        (self.folder / RESERVE).unlink(missing_ok=True)

    def document(self) -> dict[str, Any]:
        """Returns where it stands as in its file; empty where that is damaged."""
        return store.read_json(self.folder / STATE) or {}

    def write(self, progress: Progress) -> None:
        """Replaces the state: the conductor does, and where none works on the sweep who makes, stops or resumes it.

        Raises:
            OSError: it cannot be written.
        """
        store.write_json(self.folder / STATE, dataclasses.asdict(progress), durable=True)

    def wanted(self) -> Wanted:
        """What people ask of it now."""
        try:
            return Wanted((store.read_json(self.folder / WANTED) or {}).get("wanted", Wanted.RUN.value))
        except ValueError:
            return Wanted.RUN

    def want(self, wanted: Wanted) -> None:
        """Asks something of it.

        Raises:
            BadRequest: it cannot be written.
        """
        try:
            store.write_json(self.folder / WANTED, {"wanted": wanted.value}, durable=True)
        except OSError as error:
            raise unwritable(self.folder, error) from error


def make(
    spec: SweepSpec, settings: Settings, order: Sequence[str], lengths_s: Mapping[str, float] | None = None
) -> Sweep:
    """Makes a sweep folder; whole or not at all.

    Args:
        spec: what is asked.
        settings: where sweeps lie.
        order: ids of the cells in the order in which they are run, as things are; it is taken anew when it begins.
        lengths_s: how long each cell is expected to take by its id, s; None where nothing tells.

    Raises:
        BadRequest: it cannot be written.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = re.sub(r"[^A-Za-z0-9.+-]+", "-", spec.name).strip("-")[:48] or "sweep"
    sweep = Sweep(folder=settings.sweeps_dir / f"{stamp}_{name}_{secrets.token_hex(2)}")
    cells = {
        cell.cell_id: CellProgress(state=CellState.SKIPPED, reason="The sweep leaves it out.")
        if cell.excluded
        else CellProgress()
        for cell in spec.cells()
    }
    try:
        sweep.folder.mkdir(parents=True)
        sweep.keep_reserve()
        store.write_json(sweep.folder / PLAN, {"lengths_s": dict(lengths_s or {})})
        store.write_json(sweep.folder / SPEC, specs.to_json(spec), durable=True)
        # Last, since a folder with a state is a sweep.
        sweep.write(Progress(order=tuple(order), cells=cells))
    except OSError as error:
        raise unwritable(sweep.folder, error) from error
    return sweep


def unwritable(folder: Path, error: OSError) -> BadRequest:
    """Returns what is said where a sweep cannot be written."""
    return BadRequest(f"{folder} cannot be written: {error.strerror or error}.", "Free disk space.")


def list_sweeps(settings: Settings) -> list[Sweep]:
    """Returns the sweeps, newest first; anything that is no sweep folder is left out."""
    try:
        folders = [one for one in settings.sweeps_dir.iterdir() if SWEEP_ID.fullmatch(one.name)]
    except FileNotFoundError:
        return []
    return [Sweep(folder=one) for one in sorted(folders, reverse=True) if (one / STATE).is_file()]


def find_sweep(settings: Settings, sweep_id: str) -> Sweep:
    """Returns one sweep.

    Raises:
        BadRequest: the id is malformed or there is no such sweep.
    """
    sweep = Sweep(folder=settings.sweeps_dir / sweep_id)
    if not SWEEP_ID.fullmatch(sweep_id) or not (sweep.folder / STATE).is_file():
        raise BadRequest("There is no such sweep.", "List them with: python -m orin_core sweep status")
    return sweep
