"""Several runs laid over each other from the start of measure: their readings as lines, each with its gaps."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orin_core.board.sample import METRIC_BY_FIELD
from orin_core.errors import BadRequest
from orin_core.report.measured import MAX_READING, rising, worker_window
from orin_core.runs import columns, store
from orin_core.runs.recording import Recording, file_version
from orin_core.runs.whole_lines import open_whole
from orin_core.spec import Phase

MIN_RUNS, MAX_RUNS = 2, 8
"""More lines than that in one pane nobody tells apart."""
POINTS = 1500
"""Points of a line; more than a screen has pixels helps nobody."""
GAP_TICKS = 2.5
"""A longer silence, in median ticks, is drawn as a gap."""
_CHUNK_ROWS = 100_000
_GAP_SHARE = 8
"""At most one point in so many is spent on gaps; the longest of them stay."""
_Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One thing that can be laid over: a column of ``run.csv``.

    Args:
        key: its name in the code and in addresses.
        label: as shown to people.
        unit: the same.
        column: column of ``run.csv``.
        axis_range: fixed sensible range of its axis; None where it follows the data.
    """

    key: str
    label: str
    unit: str
    column: str
    axis_range: tuple[float, float] | None = None


def _of_metric(field: str, label: str) -> Reading:
    found = METRIC_BY_FIELD[field]
    return Reading(key=field, label=label, unit=found.unit, column=found.column, axis_range=found.axis_range)


READINGS = (
    Reading(key="fps", label="Throughput", unit="FPS", column=columns.FPS),
    _of_metric("gr3d_pct", "GPU load, GR3D"),
    _of_metric("gr3d_freq_mhz", "GPU clock"),
    _of_metric("power_w", "Power"),
    _of_metric("ram_used_mb", "RAM in use"),
    _of_metric("tj_c", "Hottest"),
)
READING_BY_KEY = {reading.key: reading for reading in READINGS}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One reading of one run over time.

    Args:
        run_id: the run.
        t_s: s since measure began, rising; since the first row where the run did not reach measure.
        values: in the reading's unit; NaN stands for a gap.
    """

    run_id: str
    t_s: _Floats
    values: _Floats


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunLines:
    """All readings of one run, by their keys; a reading that it has not is left out.

    Args:
        run_id: the run.
        measure_s: length of measure so far, s; None where the run did not reach it.
        measured: the readings over measure alone; over the whole run where it did not reach measure.
        whole: over the whole run.
    """

    run_id: str
    measure_s: float | None
    measured: Mapping[str, Line]
    whole: Mapping[str, Line]


def aligned(
    recordings: Sequence[Recording], metric: str, points: int = POINTS, *, whole: bool = False
) -> dict[str, Line]:
    """Returns one reading of several runs by run id, 0 where measure began; runs without it are left out.

    Args:
        recordings: the run folders.
        metric: key of one of :data:`READINGS`.
        points: points that a line may have, 16 or more; every peak and valley stays.
        whole: whether phases before and after measure are part of it.

    Raises:
        BadRequest: there is no such reading.
    """
    if metric not in READING_BY_KEY:
        raise BadRequest(f"There is no reading {metric[:40]!r}.", f"Choose from {', '.join(READING_BY_KEY)}.")
    found = (lines_of(recording, points) for recording in recordings)
    parts = {one.run_id: one.whole if whole else one.measured for one in found}
    return {run_id: lines[metric] for run_id, lines in parts.items() if metric in lines}


def lines_of(recording: Recording, points: int = POINTS) -> RunLines:
    """Returns all readings of a run; read anew only where a file of it has changed."""
    files = (recording.csv_path, recording.folder / store.EVENTS, recording.folder / store.STATUS)
    return _lines_of(recording.folder, points, tuple(map(file_version, files)))


@functools.lru_cache(maxsize=4 * MAX_RUNS)
def _lines_of(folder: Path, points: int, versions: tuple[tuple[int, int], ...]) -> RunLines:
    """Reads a run once for each version of its files; the versions are only part of the key."""
    recording = Recording(folder=folder)
    rows, labelled = _rows(recording.csv_path)
    t_s, begin_s, measure_s = rows[:, 0].copy(), 0.0, None
    inside = np.ones(len(rows), dtype=bool)
    if (window := worker_window(recording)) is not None:
        # The ticks that means are taken over: the tick before was received after measure began.
        before_s = np.concatenate(([np.nan], t_s[:-1]))[: len(t_s)]
        inside = (before_s >= window.start_s) & (t_s <= window.end_s)
        begin_s, measure_s = window.start_s, window.seconds
    elif labelled.any():
        inside, of_measure_s = labelled, t_s[labelled]
        begin_s, measure_s = float(of_measure_s[0]), float(of_measure_s[-1] - of_measure_s[0])
    elif len(t_s):
        begin_s = float(t_s[0])
    rows[:, 0] -= begin_s
    return RunLines(
        run_id=recording.run_id,
        measure_s=measure_s,
        measured=_lines(recording.run_id, rows[inside], points),
        whole=_lines(recording.run_id, rows, points),
    )


# -- reading --------------------------------------------------------------------------------------


def _rows(path: Path) -> tuple[_Floats, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Returns time and every reading, shape (rows, 1 + readings), NaN where absent, and which rows say measure."""
    wanted = {columns.ELAPSED_S, columns.PHASE, *(reading.column for reading in READINGS)}
    values, labelled = [np.empty((0, 1 + len(READINGS)))], [np.empty(0, dtype=bool)]
    # No file, an empty one, or none of the columns: a run without lines.
    with contextlib.suppress(OSError, ValueError), open_whole(path) as stream:
        for frame in pd.read_csv(
            stream, usecols=lambda name: name in wanted, on_bad_lines="skip", chunksize=_CHUNK_ROWS
        ):
            values.append(np.column_stack(list(_numbers(frame))))
            is_measure = frame[columns.PHASE] == Phase.MEASURE.value if columns.PHASE in frame else [False] * len(frame)
            labelled.append(np.asarray(is_measure, dtype=bool))
    rows, phases = np.vstack(values), np.concatenate(labelled)
    kept = rising(rows[:, 0])
    return rows[kept], phases[kept]


def _numbers(frame: pd.DataFrame) -> Iterator[_Floats]:
    for name in (columns.ELAPSED_S, *(reading.column for reading in READINGS)):
        if name not in frame:
            yield np.full(len(frame), np.nan)
            continue
        cells: _Floats = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        yield np.where(np.abs(cells) < MAX_READING, cells, np.nan)


# -- thinning -------------------------------------------------------------------------------------


def _lines(run_id: str, rows: _Floats, points: int) -> dict[str, Line]:
    tick_s = float(np.median(np.diff(rows[:, 0]))) if len(rows) > 1 else 0.0
    found = {}
    for place, reading in enumerate(READINGS, start=1):
        known = np.isfinite(rows[:, place])
        if known.any():
            t_s, values = thinned(rows[known, 0], rows[known, place], points, gap_s=GAP_TICKS * tick_s)
            found[reading.key] = Line(run_id=run_id, t_s=t_s, values=values)
    return found


def thinned(t_s: _Floats, values: _Floats, points: int, *, gap_s: float) -> tuple[_Floats, _Floats]:
    """Returns at most ``points`` points: real ones, every peak and valley among them, and one NaN per gap.

    Args:
        t_s: times in s, rising.
        values: one per time, none of them NaN.
        points: points wanted, 16 or more.
        gap_s: a longer silence is a gap, s.
    """
    steps_s = np.diff(t_s)
    silent = np.flatnonzero(steps_s > gap_s)
    gaps = np.sort(silent[np.argsort(steps_s[silent])[-(points // _GAP_SHARE) :]])
    if len(t_s) + len(gaps) > points:
        # Both sides of every gap stay, so that it is drawn as long as it was.
        kept = np.unique(np.concatenate((_extremes(values, points - 3 * len(gaps) - 2), gaps, gaps + 1)))
        t_kept, values_kept = t_s[kept], values[kept]
    else:
        t_kept, values_kept = t_s, values
    middles = (t_s[gaps] + t_s[gaps + 1]) / 2
    places = np.searchsorted(t_kept, middles)
    return np.insert(t_kept, places, middles), np.insert(values_kept, places, np.nan)


def _extremes(values: _Floats, points: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Returns the places of the least and the greatest value in each of ``points // 2`` stretches, and both ends."""
    count = points // 2
    width = -(-len(values) // count)
    padded = np.full(count * width, np.nan)
    padded[: len(values)] = values
    table = padded[: -(-len(values) // width) * width].reshape(-1, width)
    first = np.arange(len(table)) * width
    found = np.concatenate(
        ([0, len(values) - 1], first + np.nanargmin(table, axis=1), first + np.nanargmax(table, axis=1))
    )
    return np.unique(found).astype(np.intp)
