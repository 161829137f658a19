"""GPU load and RAM over a run as PNG files, named as in the team's document."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orin_core.board.sample import METRIC_BY_FIELD
from orin_core.report.cells import NOT_KNOWN
from orin_core.report.figures import number_or_none
from orin_core.report.file_names import file_part
from orin_core.report.measured import MAX_READING, rising, worker_window
from orin_core.report.rows import SEAM, ModelTable, Row
from orin_core.runs import columns
from orin_core.runs.recording import Recording
from orin_core.runs.whole_lines import open_plain

GR3D = "gr3d"
USED_RAM = "used_ram"
_MEANS = {GR3D: "gr3d_pct_mean", USED_RAM: "ram_used_mb_mean"}
TITLES = {GR3D: "Used GR3D %", USED_RAM: "Used RAM"}
MAX_POINTS = 2000
MAX_PLOTTED = 12
"""So many rows of one model get plots; a report over hundreds of them would take minutes."""
GAP_TICKS = 2.5
"""A longer silence, in median ticks, is drawn as a gap."""
_Floats = np.ndarray[Any, np.dtype[np.float64]]
_SIZE_INCH = (8.0, 3.2)
_DPI = 110
_LINE = "#0072B2"
_MEAN = "#D55E00"
_SHADE = "#E69F00"
_SERIES = {
    GR3D: (METRIC_BY_FIELD["gr3d_pct"].column, "GPU load, GR3D (%)", "{:.1f} %"),
    USED_RAM: (METRIC_BY_FIELD["ram_used_mb"].column, "RAM in use (MB)", "{:,.0f} MB"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One picture.

    Args:
        kind: ``gr3d`` or ``used_ram``.
        file_name: ``<model>_<mode>_<kind>.png``.
        png: the file.
    """

    kind: str
    file_name: str
    png: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is drawn of one run.

    Args:
        elapsed_s: s since the run began; NaN beside a gap.
        values: per kind of plot, NaN where absent; a kind without any value is left out.
        measure_s: start and end of measure, s since the run began; None where it was not reached.
        means: per kind, the mean over measure as the summary has it.
        simulated: whether the board is simulated.
    """

    elapsed_s: _Floats
    values: dict[str, _Floats]
    measure_s: tuple[float, float] | None
    means: dict[str, float | None]
    simulated: bool


def mode_name(power_mode: str | None) -> str:
    """Returns a mode as the published file names spell it: ``maxn``, ``50W``."""
    if power_mode is None:
        return "unknown"
    return "maxn" if power_mode.upper() == "MAXN" else _safe(power_mode)


def stems(table: ModelTable) -> dict[str, str]:
    """Returns per row (by its test) what its file names begin with: ``<model>_<mode>``, and more where it must.

    The first row of a mode has the plain name; others add in what they differ, so far as that is known.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for row in table.rows:
        if not row.run_ids:
            continue
        stem = f"{table.slug}_{mode_name(row.power_mode)}"
        parts = [part for part in row.test.split(SEAM)[1:] if not part.endswith(NOT_KNOWN)]
        if stem.lower() in taken and parts:
            stem = f"{stem}_{_safe(' '.join(parts))}"
        number, wanted = 2, stem
        while stem.lower() in taken:
            stem, number = f"{wanted}-{number}", number + 1
        taken.add(stem.lower())
        found[row.test] = stem
    return found


def plotted_rows(table: ModelTable) -> list[Row]:
    """Returns the rows that get plots, in their order."""
    return [row for row in table.rows if row.run_ids][:MAX_PLOTTED]


def _safe(text: str) -> str:
    return file_part(text, most=60, empty="other")


# -- reading --------------------------------------------------------------------------------------


def read_trace(recording: Recording) -> Trace | None:
    """Returns what can be drawn of a run, at most about :data:`MAX_POINTS` points; None where there is nothing."""
    wanted = {columns.ELAPSED_S, columns.PHASE, *(column for column, _, _ in _SERIES.values())}
    try:
        with open_plain(recording.csv_path) as stream:
            frame = pd.read_csv(stream, usecols=lambda name: name in wanted, on_bad_lines="skip")
    except (OSError, ValueError):  # no file, an empty one, or none of the columns
        return None
    if columns.ELAPSED_S not in frame:
        return None
    elapsed_s = _numbers(frame, columns.ELAPSED_S)
    kept = rising(elapsed_s)
    found = {
        kind: values[kept]
        for kind, (column, _, _) in _SERIES.items()
        if column in frame and np.isfinite(values := _numbers(frame, column)).any()
    }
    if not found or kept.sum() < 2:
        return None
    summary = recording.summary() or {}
    rows = thinned(np.column_stack([elapsed_s[kept], *found.values()]), MAX_POINTS)
    return Trace(
        elapsed_s=rows[:, 0],
        values={kind: rows[:, place] for place, kind in enumerate(found, start=1)},
        measure_s=_measure(recording, frame[kept]),
        means={kind: number_or_none(summary.get(key)) for kind, key in _MEANS.items()},
        simulated=bool(summary.get("simulated")),
    )


def _numbers(frame: pd.DataFrame, column: str) -> _Floats:
    values: _Floats = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
    return np.where(np.abs(values) < MAX_READING, values, np.nan)


def _measure(recording: Recording, frame: pd.DataFrame) -> tuple[float, float] | None:
    """Returns the ends of measure by the worker's word, else by the phase of the rows."""
    if (window := worker_window(recording)) is not None:
        return window.start_s, window.end_s
    if columns.PHASE not in frame:
        return None
    measured = _numbers(frame, columns.ELAPSED_S)[(frame[columns.PHASE] == "measure").to_numpy()]
    return (float(measured[0]), float(measured[-1])) if len(measured) else None


def thinned(rows: _Floats, points: int) -> _Floats:
    """Returns rows with an empty one wherever ticks are missing, thinned so that every peak and valley stays.

    Args:
        rows: shape (rows, columns), time in s first, NaN where absent.
        points: rows wanted, 4 or more.
    """
    steps = np.diff(rows[:, 0])
    gaps = np.flatnonzero(steps > GAP_TICKS * np.median(steps)) if len(steps) else np.empty(0, dtype=np.intp)
    parts = np.split(rows, gaps + 1)
    result = []
    for part in parts:
        share = max(4, points * len(part) // len(rows))
        result += [_thin(part, share), np.full((1, rows.shape[1]), np.nan)]
    return np.vstack(result[:-1])


def _thin(rows: _Floats, points: int) -> _Floats:
    if len(rows) <= points:
        return rows
    starts = np.linspace(0, len(rows), num=points // 2, endpoint=False, dtype=np.intp)
    ends = np.append(starts[1:], len(rows)) - 1
    result = np.empty((2 * len(starts), rows.shape[1]), dtype=np.float64)
    result[0::2] = np.fmin.reduceat(rows, starts, axis=0)
    result[1::2] = np.fmax.reduceat(rows, starts, axis=0)
    result[0::2, 0], result[1::2, 0] = rows[starts, 0], rows[ends, 0]
    return result


# -- drawing --------------------------------------------------------------------------------------


def draw(recording: Recording, *, title: str, stem: str) -> tuple[Plot, ...]:
    """Returns the plots of one run; none where it has no rows or no such readings.

    Args:
        recording: the run folder.
        title: what the pictures are headed with.
        stem: what the file names begin with.
    """
    trace = read_trace(recording)
    if trace is None:
        return ()
    return tuple(Plot(kind=kind, file_name=f"{stem}_{kind}.png", png=_png(trace, kind, title)) for kind in trace.values)


def plot_files(recording: Recording, folder: Path, *, title: str | None = None, stem: str | None = None) -> list[Path]:
    """Writes ``<model>_<mode>_gr3d.png`` and ``<model>_<mode>_used_ram.png`` of one run and returns their paths.

    Args:
        recording: the run folder.
        folder: where they go; it exists.
        title: what they are headed with; model and mode where it is None.
        stem: what the file names begin with; ``<model>_<mode>`` where it is None.
    """
    summary = recording.summary() or {}
    model = _safe(str(summary.get("model") or "unnamed").rstrip("/").split("/")[-1])
    mode = str(summary["power_mode"]).removeprefix("MODE_") if summary.get("power_mode") else None
    plots = draw(
        recording, title=title or f"{model}, {mode or 'mode not known'}", stem=stem or f"{model}_{mode_name(mode)}"
    )
    for plot in plots:
        (folder / plot.file_name).write_bytes(plot.png)
    return [folder / plot.file_name for plot in plots]


def _png(trace: Trace, kind: str, title: str) -> bytes:
    # Slow to import, and needed for pictures only. Figure without pyplot: no window, no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    _, label, pattern = _SERIES[kind]
    figure = Figure(figsize=_SIZE_INCH, dpi=_DPI)
    FigureCanvasAgg(figure)
    # A fixed place: a layout that is worked out takes as long as the drawing itself.
    axes = figure.add_axes((0.1, 0.15, 0.885, 0.75))
    if trace.measure_s is not None:
        axes.axvspan(*trace.measure_s, color=_SHADE, alpha=0.16, linewidth=0, label="measure")
    axes.plot(trace.elapsed_s, trace.values[kind], color=_LINE, linewidth=1.1)
    mean = trace.means[kind]
    if mean is not None and trace.measure_s is not None:
        text = f"mean over measure {pattern.format(mean)}"
        axes.hlines(mean, *trace.measure_s, color=_MEAN, linewidth=1.4, linestyles="dashed", label=text)
    if kind == GR3D:
        axes.set_ylim(0, 105)
    axes.margins(x=0.01)
    axes.set_xlabel("Time since the run began (s)")
    axes.set_ylabel(label)
    # Not parsed as a formula: names may hold a dollar sign.
    axes.set_title(f"SIMULATED BOARD: {title}" if trace.simulated else title, fontsize=11, parse_math=False)
    axes.grid(visible=True, color="#D5DBE0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if trace.measure_s is not None:
        axes.legend(loc="lower right", fontsize=8, framealpha=0.9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()
