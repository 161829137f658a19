"""What became of a sweep, on disk after every step: which cell is where, what was tried, what is asked for.

One folder per sweep, ``data/sweeps/<utc>_<name>_<4 hex>/``:

- ``sweep.json`` what was asked; never changed.
- ``state.json`` written by the conductor alone, replaced atomically.
- ``wanted.json`` what people ask for while it goes on: go on, pause after this cell, stop now.
"""

from __future__ import annotations

import dataclasses
import enum
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
from orin_core.sweeps.spec import SweepSpec

SWEEP_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z_[A-Za-z0-9.+-]{1,64}_[0-9a-f]{4}")
"""A sweep id is the name of its folder."""
SPEC, STATE, WANTED = "sweep.json", "state.json", "wanted.json"


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
    """

    run_id: str | None = None
    outcome: str | None = None
    message: str = ""
    begun_utc: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CellProgress:
    """Where a cell stands, and what was tried.

    Args:
        state: where it stands.
        reason: why it failed or was skipped.
        run_id: the run that counts; None before it is done.
        attempts: every try in order.
    """

    state: CellState = CellState.PENDING
    reason: str = ""
    run_id: str | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a sweep stands.

    Args:
        state: where it stands.
        message: what it waits for or why it ended.
        order: ids of the cells in the order in which they are run.
        cells: by id.
        mode_found: power mode of the board before the sweep; it is put back at the end.
        idle_c: hottest zone of the idle board, degree C.
        reboots: when and into which mode the board was rebooted: ``utc``, ``mode``, ``boot_id`` before.
        conductor_pid: the process that works on it.
        conductor_start: its start time, which tells it from another of that number.
    """

    state: SweepState = SweepState.QUEUED
    message: str = ""
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

    def next_cell(self) -> str | None:
        """Returns the first cell in order that has still to be run; None where there is none."""
        return next((one for one in self.order if self.cells[one].state is CellState.PENDING), None)


def _from_json(document: Mapping[str, Any]) -> Progress:
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
        return specs.from_json(store.read_json(self.folder / SPEC))

    def progress(self) -> Progress:
        """Where it stands.

        Raises:
            BadRequest: the file is damaged.
        """
        document = store.read_json(self.folder / STATE)
        try:
            return _from_json(document or {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest(
                f"The state of sweep {self.sweep_id} cannot be read.", f"Look at {self.folder / STATE}."
            ) from error

    def document(self) -> dict[str, Any]:
        """Returns where it stands as in its file; empty where that is damaged."""
        return store.read_json(self.folder / STATE) or {}

    def write(self, progress: Progress) -> None:
        """Replaces the state; by the conductor alone, and by whoever makes the folder.

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
            OSError: it cannot be written.
        """
        store.write_json(self.folder / WANTED, {"wanted": wanted.value})


def make(spec: SweepSpec, settings: Settings, order: Sequence[str], mode_found: str | None) -> Sweep:
    """Makes a sweep folder; whole or not at all.

    Args:
        spec: what is asked.
        settings: where sweeps lie.
        order: ids of the cells in the order in which they are run.
        mode_found: power mode of the board now.

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
        # Last, since a folder with a state is a sweep.
        store.write_json(sweep.folder / SPEC, specs.to_json(spec), durable=True)
        sweep.write(Progress(order=tuple(order), cells=cells, mode_found=mode_found))
    except OSError as error:
        raise BadRequest(f"{sweep.folder} cannot be written: {error.strerror}.", "Free disk space.") from error
    return sweep


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
