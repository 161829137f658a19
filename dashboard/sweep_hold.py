"""The sweep that has the board, also between two of its runs, as the pages of single runs must know it."""

from __future__ import annotations

import functools
from pathlib import Path

from orin_core.errors import BadRequest, BoardBusy
from orin_core.runs.recording import Recording, file_version
from orin_core.settings import Settings
from orin_core.sweeps import control, queue
from orin_core.sweeps.spec import OnFailure
from orin_core.sweeps.state import STATE, Progress, Sweep, SweepState, find_sweep


def sweep_of(run: Recording, settings: Settings) -> Sweep | None:
    """Returns the sweep of the queue that a run is a cell of.

    None for a run of its own: also one whose ``spec.json`` names a sweep that is not queued here, as the cell file of
    a batch scheduler makes it.
    """
    sweep_id = run.spec().get("sweep")
    if not isinstance(sweep_id, str) or sweep_id not in queue.order(settings):
        return None
    try:
        return find_sweep(settings, sweep_id)
    except BadRequest:
        return None


def between_runs(settings: Settings) -> Sweep | None:
    """Returns the sweep that somebody works on now while no run holds the board: it cools, or sets a power mode.

    A run that is started meanwhile would be pushed into the sweep. One that waits for a reboot leaves the board free.
    """
    return _at_work(settings, (SweepState.RUNNING,))


def refuse_reboot(settings: Settings) -> None:
    """Sees to it that no sweep loses the board to a reboot that is not its own.

    Raises:
        BoardBusy: a sweep is at work, or waits for a reboot of its own.
    """
    sweep = _at_work(settings, (SweepState.RUNNING, SweepState.REBOOT))
    if sweep is not None:
        raise BoardBusy(f"Sweep {sweep.sweep_id} is at work.", "Pause or stop it on the Sweeps page first.")


def what_follows_a_stop(sweep: Sweep) -> str:
    """Returns what a sweep does when somebody stops the run of its present cell, as Markdown."""
    try:
        on_failure = sweep.spec().on_failure
    except BadRequest:
        on_failure = OnFailure.CONTINUE
    then = {
        OnFailure.STOP: "its cell counts as failed, and **the whole sweep ends with it**",
        OnFailure.RETRY: "**the sweep tries the same cell again**",
        OnFailure.CONTINUE: "its cell counts as failed, and **the sweep goes on with the next one**",
    }[on_failure]
    return f"Stop this run only? What it has measured is kept, {then}."


def name_of(sweep: Sweep) -> str:
    """Returns what a sweep is called, from its id alone."""
    return sweep.sweep_id.split("_")[1]


def _at_work(settings: Settings, states: tuple[SweepState, ...]) -> Sweep | None:
    for sweep_id in queue.order(settings):
        folder = settings.sweeps_dir / sweep_id
        progress = _progress(folder, file_version(folder / STATE))
        if progress is not None and progress.state in states and control.at_work(progress):
            return Sweep(folder=folder)
    return None


@functools.lru_cache(maxsize=64)
def _progress(folder: Path, version: tuple[int, int]) -> Progress | None:
    """Reads a state once for each of its versions: every tab's chart asks each second; None where it is damaged."""
    try:
        return Sweep(folder=folder).progress()
    except BadRequest:
        return None
