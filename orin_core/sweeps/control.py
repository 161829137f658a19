"""Start, pause, resume, stop and move sweeps: what the page and the command line share."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Mapping

from orin_core.errors import BadRequest
from orin_core.runs import launcher
from orin_core.settings import Settings
from orin_core.spec import RunSpec, to_json
from orin_core.sweeps import conductor, queue, state
from orin_core.sweeps.plan import Plan, as_seen_here, plan
from orin_core.sweeps.spec import RUN_FIELDS, SweepSpec
from orin_core.sweeps.standing import StateWord, at_work, state_words
from orin_core.sweeps.state import CellState, Progress, Sweep, SweepState, Wanted, list_sweeps, unwritable

__all__ = ["StateWord", "at_work", "plan", "state_words"]


def start(spec: SweepSpec, planned: Plan, settings: Settings) -> Sweep:
    """Queues a sweep that was checked, and sees to it that somebody works on the queue.

    Raises:
        BadRequest: it cannot be written.
        RunFailed: the queue's process does not start; the sweep is in the queue.
    """
    spec = as_seen_here(spec, settings)
    sweep = state.make(spec, settings, [cell.cell_id for cell in planned.order], planned.lengths_s)
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
        methods=(run.method,),
        precisions=(run.precision,),
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
    """Asks a sweep to stop now, its present run included; it can be resumed. A damaged one leaves the queue.

    Raises:
        BadRequest: it has ended.
        RunFailed: the queue's process does not start.
    """
    try:
        sweep.progress()
    except BadRequest:
        queue.remove(settings, sweep.sweep_id)
        return
    _refuse_ended(sweep)
    sweep.want(Wanted.STOP)
    # Read after that: a conductor that takes the sweep later than this finds what is wanted, and ends it itself.
    progress = sweep.progress()
    if not at_work(progress) and _nothing_is_owed(sweep, progress, settings):
        message = "The sweep was stopped."
        if progress.begun_utc and progress.mode_found is not None:
            message += f" The power mode was left as it is, since other work goes on; it was {progress.mode_found}."
        _write(sweep, dataclasses.replace(progress.at_rest(), state=SweepState.STOPPED, message=message, command=""))
        queue.remove(settings, sweep.sweep_id)
    else:
        # One that fell out of it would else never be ended.
        queue.add(settings, sweep.sweep_id)
    conductor.ensure(settings)


def _nothing_is_owed(sweep: Sweep, progress: Progress, settings: Settings) -> bool:
    """Returns whether a sweep that nobody works on can end at once.

    It has not begun; or the queue's process works on another one, so that the board cannot be put back now, and none
    of its own runs goes on. Else the queue's process ends it.
    """
    if progress.state is SweepState.QUEUED and not progress.begun_utc:
        return True
    active = launcher.active(settings)
    own = active is not None and active.spec().get("sweep") == sweep.sweep_id
    return not own and queue.conductor_of(settings.sweeps_dir) is not None


def resume(sweep: Sweep | None, settings: Settings) -> None:
    """Goes on with a sweep, or with whatever is in the queue: after a kill, a power cut, a reboot.

    Cells that are done stay done; those that failed are tried again only where the sweep had ended. Without a sweep,
    those that have not ended and are not in the queue come into it again.

    Raises:
        BadRequest: it is done, it is just being stopped, or it cannot be written.
        RunFailed: the queue's process does not start.
    """
    if sweep is None:
        _find_lost(settings)
    else:
        progress = sweep.progress()
        if state_words(sweep, progress) is StateWord.DONE:
            raise BadRequest(f"Sweep {sweep.sweep_id} is done.", "Start another one.")
        if at_work(progress) and sweep.wanted() is Wanted.STOP:
            # Its process may have looked for the last time what is wanted.
            raise BadRequest(f"Sweep {sweep.sweep_id} is just being stopped.", "Resume it once it has stopped.")
        sweep.want(Wanted.RUN)
        if progress.state.ended:
            _write(sweep, _again(progress))
        queue.add(settings, sweep.sweep_id)
    conductor.ensure(settings)


def _find_lost(settings: Settings) -> None:
    """Queues sweeps that have not ended and are in no queue: the queue was damaged, or a kill came before it."""
    ids = queue.order(settings)
    for sweep in reversed(list_sweeps(settings)):
        if sweep.sweep_id not in ids:
            with contextlib.suppress(BadRequest):
                if not sweep.progress().state.ended:
                    queue.add(settings, sweep.sweep_id)


def _write(sweep: Sweep, progress: Progress) -> None:
    try:
        sweep.write(progress)
    except OSError as error:
        raise unwritable(sweep.folder, error) from error


def _again(progress: Progress) -> Progress:
    # It begins anew: mode and order are those of then, and the caps on attempts and reboots count from then.
    cells = {cell_id: one.anew() for cell_id, one in progress.cells.items()}
    return dataclasses.replace(
        progress, state=SweepState.QUEUED, message="", command="", begun_utc="", reboots=(), cells=cells
    )


def move(sweep: Sweep, place: int, settings: Settings) -> None:
    """Puts a sweep to another place in the queue; the one that goes on is not interrupted.

    Raises:
        BadRequest: it is not in the queue, or the place is none.
    """
    queue.move(settings, sweep.sweep_id, place)


def _refuse_ended(sweep: Sweep) -> Progress:
    progress = sweep.progress()
    if progress.state.ended:
        raise BadRequest(
            f"Sweep {sweep.sweep_id} has ended.", f"Go on with: python -m orin_core sweep resume {sweep.sweep_id}"
        )
    return progress


def counts(progress: Progress) -> Mapping[str, int]:
    """Returns how many cells stand where, by the word for it."""
    states = [one.state for one in progress.cells.values()]
    return {one.value: states.count(one) for one in CellState}


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
    until = f"it ends at {end:%H:%M}{day}, later if cooling takes long."
    length = f"about {duration(planned.expected_s)} and {planned.disk_mb:.0f} MB"
    if planned.open_ended:
        guess, length = "", f"about {planned.disk_mb:.0f} MB"
        until = f"how long {planned.open_ended} of them take no earlier run tells, so its end is not known yet."
    parts = [
        f"{len(planned.order)} runs{guess}, {length}; {until}",
        f"Order: {', '.join(dict.fromkeys(cell.power_mode for cell in planned.order))}; seed {spec.seed}.",
    ]
    if planned.reboots:
        how = "reboots by itself for" if spec.reboot else "asks for a reboot before"
        parts.append(f"It {how} {', '.join(planned.reboots)}.")
    parts.append("At the end the board goes back to the mode that it is in when the sweep begins.")
    return "\n".join(parts)


def duration(seconds: float) -> str:
    """Returns a length of time for people: ``45 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
