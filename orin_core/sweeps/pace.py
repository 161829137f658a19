"""How long a sweep has still to go: by its own finished runs, and by its plan where there is none of a kind yet."""

from __future__ import annotations

import datetime
import itertools
import statistics
from collections.abc import Mapping
from typing import Any

from orin_core.spec import RunState
from orin_core.sweeps.spec import SweepSpec, axes_of
from orin_core.sweeps.state import CellState, Progress


def left_s(spec: SweepSpec, progress: Progress, *, planned_s: Mapping[str, float], now_unix_s: float) -> float | None:
    """Returns how long the cells that are left will take, s; what the present one has taken is off.

    A cell takes the median of the finished runs of its combination; without one, its length by the plan; without
    that, the median of all finished runs. Between two runs lies the median of the waits so far: for a cool board, for
    a power mode. A pause or a night without power changes no median.

    Args:
        spec: what was asked.
        progress: where it stands.
        planned_s: how long each cell was expected to take, by its id, s.
        now_unix_s: time of day.

    Returns:
        The time, s; None where nothing tells the length of a cell that is left.
    """
    finished = _finished_s(spec, progress)
    every = [length for lengths in finished.values() for length in lengths]
    wait_s = _wait_s(progress)
    total_s = 0.0
    for cell in spec.cells():
        stands = progress.cells.get(cell.cell_id)
        if stands is None or stands.state not in (CellState.PENDING, CellState.RUNNING):
            continue
        lengths = finished.get(axes_of(cell))
        length_s = statistics.median(lengths) if lengths else planned_s.get(cell.cell_id)
        if length_s is None and every:
            length_s = statistics.median(every)
        if length_s is None:
            return None
        if stands.state is CellState.RUNNING:
            begun = _unix_s(stands.attempts[-1].begun_utc) if stands.attempts else None
            total_s += max(0.0, length_s - (now_unix_s - begun if begun is not None else 0.0))
        else:
            total_s += length_s + wait_s
    return total_s


def _finished_s(spec: SweepSpec, progress: Progress) -> dict[tuple[Any, ...], list[float]]:
    """Returns the lengths of the finished runs by their combination, s."""
    found: dict[tuple[Any, ...], list[float]] = {}
    for cell in spec.cells():
        stands = progress.cells.get(cell.cell_id)
        for attempt in stands.attempts if stands else ():
            begun, ended = _unix_s(attempt.begun_utc), _unix_s(attempt.ended_utc)
            if attempt.outcome == RunState.DONE.value and begun is not None and ended is not None:
                found.setdefault(axes_of(cell), []).append(ended - begun)
    return found


def _wait_s(progress: Progress) -> float:
    """Returns the median time from the end of a run to the begin of the next, s; 0 before there are two."""
    made = [
        (begun, ended)
        for one in progress.cells.values()
        for attempt in one.attempts
        if (begun := _unix_s(attempt.begun_utc)) is not None and attempt.run_id
        for ended in (_unix_s(attempt.ended_utc),)
    ]
    waits = [
        after[0] - before[1]
        for before, after in itertools.pairwise(sorted(made, key=lambda pair: pair[0]))
        if before[1] is not None
    ]
    return max(0.0, statistics.median(waits)) if waits else 0.0


def _unix_s(text: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
