"""FPS and energy per image against batch size, and from which batch on a larger one gains little."""

from __future__ import annotations

import dataclasses
import io
import statistics
from collections.abc import Sequence
from typing import Any

from orin_core.analysis.intervals import mean_interval
from orin_core.report.agreement import SETTING_BY_KEY
from orin_core.report.cells import best_status
from orin_core.report.figures import COLUMN_BY_FIELD, Column
from orin_core.report.plots import Plot
from orin_core.report.rows import ModelTable, Row
from orin_core.report.sections import Section
from orin_core.sweeps.repeats import Repeats

KNEE_SHARE = 0.95
"""The knee is the smallest batch that reaches this share of the best FPS of its curve: own choice."""
FPS, ENERGY = COLUMN_BY_FIELD["average_fps"], COLUMN_BY_FIELD["energy_per_item_j"]
KIND = "batch_sizes"
_SIZE_INCH = (8.0, 5.6)
_DPI = 110
_LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKS = "osD^vPX"
_KNEE = "#1B2126"
_RING = f"knee: {100 * KNEE_SHARE:g} % of the best FPS"
_NOT_COUNTED = "Of each line only the batches of its best verdict count; the others are shown, and are no knee."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One batch size of a curve.

    Args:
        batch: images per model call.
        repeats: its row, with the runs that ended with the verdict of the row.
    """

    batch: int
    repeats: Repeats

    @property
    def row(self) -> Row:
        """The row of the results table."""
        return self.repeats.row

    def mean(self, column: Column) -> float | None:
        """Returns the mean of a figure over the repeats; None where none has it."""
        values = [value for _, value in self.repeats.values(column)]
        return statistics.fmean(values) if values else None

    def half(self, column: Column) -> float | None:
        """Returns half the 95 % interval of the mean; of a single run half its own; None where it has none."""
        values = [value for _, value in self.repeats.values(column)]
        interval = mean_interval(values) if len(values) > 1 else self.row.intervals.get(column.field)
        return (interval[1] - interval[0]) / 2 if interval else None

    def text(self, column: Column) -> str:
        """Returns the mean with half its interval; empty where there is none."""
        mean, half = self.mean(column), self.half(column)
        if mean is None:
            return ""
        return column.text(mean) if half is None else f"{column.text(mean)} ± {half:.{column.decimals_of(mean)}f}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The rows of one model in one power mode that differ in nothing but the batch size.

    Args:
        label: the mode, and in what the curve differs from the others of its model.
        points: smallest batch first; every one has an FPS.
    """

    label: str
    points: tuple[Point, ...]

    @property
    def counted(self) -> tuple[Point, ...]:
        """The points of the best verdict: of another one a fault is known, which may be what its speed comes from."""
        best = best_status(point.row.status for point in self.points if point.row.status is not None)
        return tuple(point for point in self.points if point.row.status is best)

    @property
    def best_fps(self) -> float:
        """Highest FPS of the points that count, images/s."""
        return max(point.mean(FPS) or 0.0 for point in self.counted)

    @property
    def knee(self) -> Point:
        """The smallest batch among those that count that reaches 95 % of the best FPS."""
        return next(point for point in self.counted if (point.mean(FPS) or 0.0) >= KNEE_SHARE * self.best_fps)

    @property
    def at_its_end(self) -> bool:
        """Whether the largest batch that counts is the knee, so that a still larger one may gain more."""
        return self.knee is self.counted[-1]


def curves(repeated: Sequence[Repeats]) -> tuple[Curve, ...]:
    """Returns the curves of a model that have two batch sizes or more, in the order of the rows.

    Nothing but the batch size differs along a curve, so none goes over two methods or precisions.

    Args:
        repeated: the rows of the model with their repeats.
    """
    groups: dict[tuple[str | None, ...], dict[int, Point]] = {}
    for one in repeated:
        batch = one.row.settings.get("batch") or ""
        if not batch.isdecimal() or not one.values(FPS):
            continue
        others = (text for key, text in one.row.settings.items() if key != "batch")
        point = Point(batch=int(batch), repeats=one)
        groups.setdefault((one.row.power_mode, *others), {})[point.batch] = point
    sorted_points = (sorted(points.values(), key=lambda point: point.batch) for points in groups.values())
    return tuple(Curve(label=_label(found[0]), points=tuple(found)) for found in sorted_points if len(found) > 1)


def _label(point: Point) -> str:
    own = SETTING_BY_KEY["batch"].label.format(point.batch)
    return " · ".join(part for part in point.row.test.split(" · ") if part != own)


# -- the section ----------------------------------------------------------------------------------


def section(table: ModelTable, found: Sequence[Curve]) -> Section | None:
    """Returns what the report says of the batch sizes of a model; None where there is no curve.

    Args:
        table: of the model.
        found: its curves.
    """
    if not found:
        return None
    sentences = [
        f"The knee is the smallest batch that reaches {100 * KNEE_SHARE:g} % of the best FPS of its line.",
        (
            f"A larger batch gains at most {100 * (1 / KNEE_SHARE - 1):.0f} % over it, and costs latency and RAM. "
            "Nothing is guessed of batches that were not run."
        ),
        *_repeat_words(found),
        *([_NOT_COUNTED] if any(len(curve.counted) < len(curve.points) for curve in found) else []),
        *(_words(curve) for curve in found),
    ]
    picture = Plot(kind=KIND, file_name=f"{table.slug}_{KIND}.png", png=draw(found, title=table.label))
    return Section(
        title="Batch Sizes",
        names=("Test", "Batch", FPS.heading, "Of the Best FPS", ENERGY.heading, "Knee", "Validity"),
        rows=tuple(_cells(curve, point) for curve in found for point in curve.points),
        sentences=tuple(sentences),
        plots=(picture,),
    )


def _cells(curve: Curve, point: Point) -> tuple[str, ...]:
    is_counted = point in curve.counted and curve.best_fps
    share = f"{100 * (point.mean(FPS) or 0.0) / curve.best_fps:.1f} %" if is_counted else ""
    knee = "knee" if point is curve.knee else ""
    return (
        curve.label,
        str(point.batch),
        point.text(FPS),
        share,
        point.text(ENERGY),
        knee,
        point.row.validity,
    )


def _repeat_words(found: Sequence[Curve]) -> list[str]:
    if all(len(point.repeats.runs) < 2 for curve in found for point in curve.points):
        return []
    return ["Figures are means over the repeats that ended with the verdict of their row; ± is half a 95 % interval."]


def _words(curve: Curve) -> str:
    knee = curve.knee
    energy_j = knee.mean(ENERGY)
    energy = f" and {ENERGY.text(energy_j)} J per image" if energy_j is not None else ""
    words = f"{curve.label}: the knee is at batch {knee.batch}, {FPS.text(knee.mean(FPS))} FPS{energy}"
    return (
        f"{words}; it is the largest that was run, so a larger one may gain more." if curve.at_its_end else f"{words}."
    )


# -- the picture ----------------------------------------------------------------------------------


def draw(found: Sequence[Curve], *, title: str) -> bytes:
    """Returns FPS above energy per image, both against batch size, as PNG.

    Args:
        found: the curves.
        title: what the picture is headed with.
    """
    # Slow to import, and needed for pictures only. Figure without pyplot: no window, no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCH, dpi=_DPI)
    FigureCanvasAgg(figure)
    speed, energy = figure.add_axes((0.1, 0.53, 0.885, 0.4)), figure.add_axes((0.1, 0.09, 0.885, 0.4))
    for place, curve in enumerate(found):
        for axes, column in ((speed, FPS), (energy, ENERGY)):
            _line(axes, curve, column, place)
    batches = sorted({point.batch for curve in found for point in curve.points})
    for axes, label in ((speed, "FPS (images/s)"), (energy, "Energy per image (J)")):
        axes.set_xscale("log", base=2)
        axes.set_xticks(batches, [str(batch) for batch in batches])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.margins(x=0.04)
        axes.set_ylabel(label)
        axes.grid(visible=True, color="#D5DBE0", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    speed.tick_params(labelbottom=False)
    energy.set_xlabel("Batch size")
    rows = [point.row for curve in found for point in curve.points]
    simulated = any(row.settings.get("telemetry") == "simulated board" for row in rows)
    # Not parsed as a formula: names may hold a dollar sign.
    speed.set_title(f"SIMULATED BOARD: {title}" if simulated else title, fontsize=11, parse_math=False)
    handles, labels = speed.get_legend_handles_labels()
    last = sorted(zip(labels, handles, strict=True), key=lambda pair: pair[0] == _RING)
    speed.legend([handle for _, handle in last], [label for label, _ in last], loc="best", fontsize=8, framealpha=0.9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _line(axes: Any, curve: Curve, column: Column, place: int) -> None:
    """Draws a curve with its intervals, and a ring around its knee."""
    known = [(point, value) for point in curve.points if (value := point.mean(column)) is not None]
    if not known:
        return
    colour, mark = _LINES[place % len(_LINES)], _MARKS[place % len(_MARKS)]
    batches, values = [point.batch for point, _ in known], [value for _, value in known]
    # Nothing is drawn for NaN.
    halves = [float("nan") if (half := point.half(column)) is None else half for point, _ in known]
    # A label that begins with an underscore would be left out of the legend.
    label = curve.label.replace("$", r"\$").lstrip("_")
    axes.errorbar(
        batches, values, yerr=halves, color=colour, marker=mark, markersize=5, linewidth=1.4, capsize=3, label=label
    )
    for point, value in known:
        if point is curve.knee:
            ring = {"marker": "o", "markersize": 14, "markerfacecolor": "none", "markeredgecolor": _KNEE}
            axes.plot([point.batch], [value], linestyle="none", label=_RING if place == 0 else None, **ring)


# -- as CSV ---------------------------------------------------------------------------------------


def csv_header() -> list[str]:
    """Returns the columns of ``batch_sizes.csv``."""
    return ["Model", "Test", "Batch", FPS.csv_name, ENERGY.csv_name, "Knee", "Validity"]


def csv_rows(found: Sequence[Curve]) -> list[list[str]]:
    """Returns one line per point, nothing rounded for the eye; 1 marks the knee.

    Args:
        found: the curves of a model.
    """
    return [
        [
            point.row.model or "",
            curve.label,
            str(point.batch),
            *("" if value is None else repr(value) for value in (point.mean(FPS), point.mean(ENERGY))),
            str(int(point is curve.knee)),
            point.row.validity,
        ]
        for curve in found
        for point in curve.points
    ]
