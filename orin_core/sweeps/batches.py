"""FPS and energy per image against batch size, and from which batch on a larger one gains little."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from typing import Any

from orin_core.report.agreement import SETTING_BY_KEY
from orin_core.report.figures import COLUMN_BY_FIELD, Column
from orin_core.report.plots import Plot
from orin_core.report.rows import ModelTable, Row
from orin_core.report.sections import Section

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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The rows of one model in one power mode that differ in nothing but the batch size.

    Args:
        label: the mode, and in what the curve differs from the others of its model.
        points: batch size with its row, smallest batch first; every row has an FPS.
    """

    label: str
    points: tuple[tuple[int, Row], ...]

    @property
    def best_fps(self) -> float:
        """Highest FPS of the curve, images/s."""
        return max(row.average_fps or 0.0 for _, row in self.points)

    @property
    def knee(self) -> int:
        """The smallest batch that reaches 95 % of the best FPS."""
        return next(batch for batch, row in self.points if (row.average_fps or 0.0) >= KNEE_SHARE * self.best_fps)

    @property
    def at_its_end(self) -> bool:
        """Whether the largest batch is the knee, so that a still larger one may gain more."""
        return self.knee == self.points[-1][0]


def curves(table: ModelTable) -> tuple[Curve, ...]:
    """Returns the curves of a model that have two batch sizes or more, in the order of the rows."""
    groups: dict[tuple[str | None, ...], dict[int, Row]] = {}
    for row in table.rows:
        batch = row.settings.get("batch") or ""
        if row.average_fps is None or not row.run_ids or not batch.isdecimal():
            continue
        others = (text for key, text in row.settings.items() if key != "batch")
        groups.setdefault((row.power_mode, *others), {})[int(batch)] = row
    return tuple(
        Curve(label=_label(rows), points=tuple(sorted(rows.items()))) for rows in groups.values() if len(rows) > 1
    )


def _label(rows: dict[int, Row]) -> str:
    batch, row = min(rows.items())
    own = SETTING_BY_KEY["batch"].label.format(batch)
    return " · ".join(part for part in row.test.split(" · ") if part != own)


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
        *(_words(curve) for curve in found),
    ]
    picture = Plot(kind=KIND, file_name=f"{table.slug}_{KIND}.png", png=draw(found, title=table.label))
    return Section(
        title="Batch Sizes",
        names=("Test", "Batch", FPS.heading, "Of the Best FPS", ENERGY.heading, "Knee", "Validity"),
        rows=tuple(_cells(curve, batch, row) for curve in found for batch, row in curve.points),
        sentences=tuple(sentences),
        plots=(picture,),
    )


def _cells(curve: Curve, batch: int, row: Row) -> tuple[str, ...]:
    share = 100 * (row.average_fps or 0.0) / curve.best_fps if curve.best_fps else 0.0
    knee = "knee" if batch == curve.knee else ""
    return curve.label, str(batch), row.cell(FPS), f"{share:.1f} %", row.cell(ENERGY), knee, row.validity


def _words(curve: Curve) -> str:
    row = dict(curve.points)[curve.knee]
    energy = f" and {ENERGY.text(row.energy_per_item_j)} J per image" if row.energy_per_item_j is not None else ""
    words = f"{curve.label}: the knee is at batch {curve.knee}, {FPS.text(row.average_fps)} FPS{energy}"
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
    batches = sorted({batch for curve in found for batch, _ in curve.points})
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
    simulated = any(row.settings.get("telemetry") == "simulated board" for curve in found for _, row in curve.points)
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
    known = [(batch, row, value) for batch, row in curve.points if (value := row.figure(column.field)) is not None]
    if not known:
        return
    colour, mark = _LINES[place % len(_LINES)], _MARKS[place % len(_MARKS)]
    batches, values = [batch for batch, _, _ in known], [value for _, _, value in known]
    halves = [_half(row, column) for _, row, _ in known]
    # A label that begins with an underscore would be left out of the legend.
    label = curve.label.replace("$", r"\$").lstrip("_")
    axes.errorbar(
        batches, values, yerr=halves, color=colour, marker=mark, markersize=5, linewidth=1.4, capsize=3, label=label
    )
    for batch, value in zip(batches, values, strict=True):
        if batch == curve.knee:
            ring = {"marker": "o", "markersize": 14, "markerfacecolor": "none", "markeredgecolor": _KNEE}
            axes.plot([batch], [value], linestyle="none", label=_RING if place == 0 else None, **ring)


def _half(row: Row, column: Column) -> float:
    """Returns half the interval of a figure; NaN, for which nothing is drawn, where there is none."""
    interval = row.intervals.get(column.field)
    return (interval[1] - interval[0]) / 2 if interval else float("nan")


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
            row.model or "",
            curve.label,
            str(batch),
            *("" if value is None else repr(value) for value in (row.average_fps, row.energy_per_item_j)),
            str(int(batch == curve.knee)),
            row.validity,
        ]
        for curve in found
        for batch, row in curve.points
    ]
