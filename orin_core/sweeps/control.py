"""Start, pause, resume, stop and move sweeps: what the page and the command line share."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from orin_core.errors import BadRequest
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.spec import RunSpec, to_json
from orin_core.sweeps import conductor, queue, state
from orin_core.sweeps.plan import Plan, plan, with_telemetry
from orin_core.sweeps.spec import RUN_FIELDS, SweepSpec
from orin_core.sweeps.state import CellState, Progress, Sweep, SweepState, Wanted

__all__ = ["plan"]


def start(spec: SweepSpec, planned: Plan, settings: Settings) -> Sweep:
    """Queues a sweep that was checked, and sees to it that somebody works on the queue.

    Raises:
        BadRequest: it cannot be written.
        RunFailed: the queue's process does not start; the sweep is in the queue.
    """
    spec = with_telemetry(spec, settings)
    sweep = state.make(spec, settings, [cell.cell_id for cell in planned.order], planned.mode_found)
    queue.add(settings, sweep.sweep_id)
    conductor.ensure(settings)
    return sweep


def single(run: RunSpec) -> SweepSpec:
    """Returns a run as a sweep of one cell, so that it can wait in the queue.

    Raises:
        BadRequest: it is a replay, which needs no board.
    """
    if run.model is None or run.dataset is None or run.is_replay:
        raise BadRequest("A replay needs no board, so it need not wait for one.", "Start it at once.")
    common = {key: value for key, value in to_json(run).items() if key in RUN_FIELDS and value is not None}
    return SweepSpec(
        name=f"{run.model.rstrip('/').rpartition('/')[2]} {run.power_mode}"[:80],
        models=(run.model,),
        datasets=(run.dataset,),
        power_modes=(run.power_mode,),
        batch_sizes=(run.batch_size,),
        profile=run.profile,
        cooldown_at_most_s=0.0,
        run=common,
    )


def pause(sweep: Sweep, settings: Settings) -> None:
    """Asks a sweep to pause after its present cell.

    Raises:
        BadRequest: it has ended.
    """
    _refuse_ended(sweep)
    sweep.want(Wanted.PAUSE)


def stop(sweep: Sweep, settings: Settings) -> None:
    """Asks a sweep to stop now, its present run included; it can be resumed.

    Raises:
        BadRequest: it has ended.
    """
    progress = _refuse_ended(sweep)
    sweep.want(Wanted.STOP)
    if not at_work(progress) and progress.state is SweepState.QUEUED:
        # Not begun, so nothing of the board is to be put back. A conductor that takes it at this very moment finds
        # what is wanted and ends it as well.
        sweep.write(dataclasses.replace(progress, state=SweepState.STOPPED, message="The sweep was stopped."))
        queue.remove(settings, sweep.sweep_id)
    conductor.ensure(settings)


def resume(sweep: Sweep | None, settings: Settings) -> None:
    """Goes on with a sweep, or with whatever is in the queue: after a kill, a power cut, a reboot.

    Cells that are done stay done; those that failed are tried again only where the sweep had ended.

    Raises:
        BadRequest: it is done, or it cannot be written.
        RunFailed: the queue's process does not start.
    """
    if sweep is not None:
        progress = sweep.progress()
        if progress.state is SweepState.DONE and not any(
            one.state is CellState.FAILED for one in progress.cells.values()
        ):
            raise BadRequest(f"Sweep {sweep.sweep_id} is done.", "Start another one.")
        sweep.want(Wanted.RUN)
        if progress.state.ended:
            sweep.write(_again(progress))
        queue.add(settings, sweep.sweep_id)
    conductor.ensure(settings)


def _again(progress: Progress) -> Progress:
    cells = {
        cell_id: dataclasses.replace(one, state=CellState.PENDING, reason="") if one.state is CellState.FAILED else one
        for cell_id, one in progress.cells.items()
    }
    return dataclasses.replace(progress, state=SweepState.QUEUED, message="", cells=cells)


def move(sweep: Sweep, place: int, settings: Settings) -> None:
    """Puts a sweep to another place in the queue; the one that goes on is not interrupted.

    Raises:
        BadRequest: it is not in the queue, or the place is none.
    """
    queue.move(settings, sweep.sweep_id, place)


def _refuse_ended(sweep: Sweep) -> Progress:
    progress = sweep.progress()
    if progress.state.ended:
        raise BadRequest(f"Sweep {sweep.sweep_id} has ended.", "Go on with: python -m orin_core sweep resume ID")
    return progress


def counts(progress: Progress) -> Mapping[str, int]:
    """Returns how many cells stand where, by the word for it."""
    states = [one.state for one in progress.cells.values()]
    return {one.value: states.count(one) for one in CellState}


def at_work(progress: Progress) -> bool:
    """Returns whether the process that works on a sweep is alive."""
    process = ProcessId.from_json(progress.conductor_pid, progress.conductor_start)
    return process is not None and process.alive()


def state_words(sweep: Sweep, progress: Progress) -> str:
    """Returns where a sweep stands, what was asked of it meanwhile included, in a word or two."""
    if progress.state in (SweepState.RUNNING, SweepState.REBOOT) and not at_work(progress):
        return "interrupted"
    if progress.state.ended:
        return progress.state.value
    return _ASKED.get((progress.state, sweep.wanted()), progress.state.value)


_ASKED: Mapping[tuple[SweepState, Wanted], str] = {
    (SweepState.QUEUED, Wanted.PAUSE): "held back",
    (SweepState.QUEUED, Wanted.STOP): "stopping",
    (SweepState.PAUSED, Wanted.STOP): "stopping",
    (SweepState.PAUSED, Wanted.RUN): "queued",
    (SweepState.RUNNING, Wanted.PAUSE): "pausing",
    (SweepState.RUNNING, Wanted.STOP): "stopping",
    (SweepState.REBOOT, Wanted.PAUSE): "pausing",
    (SweepState.REBOOT, Wanted.STOP): "stopping",
}


def words(spec: SweepSpec, planned: Plan, *, now: datetime.datetime) -> str:
    """Returns what a sweep is about to do, for people.

    Args:
        spec: the sweep.
        planned: what is known of it.
        now: time of day.
    """
    end = now + datetime.timedelta(seconds=planned.expected_s)
    day = "" if end.date() == now.date() else f" on {end:%a %d %b}"
    guess = f" (a guess for {planned.unknown} of them)" if planned.unknown else ""
    length = f"about {duration(planned.expected_s)} and {planned.disk_mb:.0f} MB"
    parts = [
        f"{len(planned.order)} runs{guess}, {length}; it ends at {end:%H:%M}{day}, later if cooling takes long.",
        f"Order: {', '.join(dict.fromkeys(cell.power_mode for cell in planned.order))}; seed {spec.seed}.",
    ]
    if planned.reboots:
        how = "reboots by itself for" if spec.reboot else "asks for a reboot before"
        parts.append(f"It {how} {', '.join(planned.reboots)}.")
    return "\n".join(parts)


def duration(seconds: float) -> str:
    """Returns a length of time for people: ``45 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
