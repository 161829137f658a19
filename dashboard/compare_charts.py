"""The chart of the Compare page as Plotly's JSON: panes on one time axis, a line for each run. Pure."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from orin_core.report.overlay import Line, Reading
from orin_core.report.rows import SEAM

_GRID, _MUTED, _CLEAR = "rgba(128,140,152,0.22)", "#7b8894", "rgba(0,0,0,0)"
_PANE_PX, _GAP_PX, _TOP_PX, _BOTTOM_PX, _LEFT_PX = 116, 34, 30, 46, 58
_LABEL_PX, _LETTER_PX, _AROUND_PX = 15, 5.8, 18
"""Height of a name at the end of a line; about the width of one of its letters, and of what is around it."""
_RIGHT_PX, _MOST_RIGHT_PX = 92, 190
"""Room for the names behind the lines: at least, and at most, beyond which a name is cut there."""
_TIME_UNITS = ((6 * 3600.0, 3600.0, "h"), (1800.0, 60.0, "min"), (0.0, 1.0, "s"))
"""From which length on, s; its divisor; its name."""
_EARLY = 0.06
"""A line that ends further than this share before the right edge is named where it ends."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one run is told from others: a colour and a dash, since colour alone tells some people nothing.

    Args:
        color: of its lines.
        ink: of text on that colour.
        dash_px: lengths of line and space in turn, px; empty for a solid line.
    """

    color: str
    ink: str
    dash_px: tuple[int, ...] = ()


CHART_KEY = "compare_chart"
"""Names the chart's place in the page."""
_DARK, _WHITE = "#0b0f13", "#ffffff"
LOOKS = (
    Look(color="#0072B2", ink=_WHITE),
    Look(color="#D55E00", ink=_DARK, dash_px=(9, 4)),
    Look(color="#009E73", ink=_DARK, dash_px=(3, 3)),
    Look(color="#CC79A7", ink=_DARK, dash_px=(12, 3, 3, 3)),
    Look(color="#C08400", ink=_DARK, dash_px=(18, 5)),
    Look(color="#3A97D4", ink=_DARK, dash_px=(6, 2)),
    Look(color="#AA4499", ink=_WHITE, dash_px=(12, 3, 3, 3, 3, 3)),
    Look(color="#7B8894", ink=_DARK, dash_px=(2, 5)),
)
"""Okabe-Ito, orange and sky blue darker: each stands out 3:1 from the light and from the dark page."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """One reading of all runs.

    Args:
        reading: which.
        lines: by run id; a run without the reading is not in it.
    """

    reading: Reading
    lines: Mapping[str, Line]


def swatch(look: Look) -> str:
    """Returns the CSS background that draws a run's dash in its colour, from left to right."""
    if not look.dash_px:
        return look.color
    stops, place = [], 0
    for number, length in enumerate(look.dash_px):
        color = "transparent" if number % 2 else look.color
        stops.append(f"{color} {place}px {place + length}px")
        place += length
    return f"repeating-linear-gradient(90deg, {', '.join(stops)})"


def figure(panes: Sequence[Pane], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns the chart: panes from top to bottom, 0 where measure began, every line named at its end.

    Args:
        panes: at least one, each with at least one line.
        names: of the runs by id, in their order, which also gives each its look.
    """
    looks = dict(zip(names, LOOKS, strict=False))
    ends_s = [float(end) for pane in panes for line in pane.lines.values() for end in (line.t_s[0], line.t_s[-1])]
    first_s, last_s = min(0.0, *ends_s), max(*ends_s, 1.0)
    divisor, unit = next((div, name) for least_s, div, name in _TIME_UNITS if last_s - first_s >= least_s)
    span = (first_s / divisor, last_s / divisor)
    data, axes = [], {}
    ends = {run_id: _cut(name) for run_id, name in names.items()}
    annotations = [_title(pane.reading, _axis(place)) for place, pane in enumerate(panes)]
    for place, pane in enumerate(panes):
        axis = _axis(place)
        low_high = _range(pane)
        axes[f"yaxis{axis[1:]}"] = _y_axis(place, len(panes), low_high)
        annotations += _end_labels(pane, ends, looks, axis, low_high, span, divisor)
        data += [_trace(pane, run_id, names[run_id], looks[run_id], axis, divisor) for run_id in pane.lines]
    layout = _layout(len(panes), unit, span, right_px=_right_px(ends.values()))
    layout["annotations"] = annotations
    # A box with more lines than that hides what it tells of.
    layout["hoversubplots"] = "axis" if len(data) <= 18 else "overlaying"
    return {"data": data, "layout": {**layout, **axes}}


def text_style(panes: int) -> str:
    """Returns the CSS that gives the chart's titles and ticks the colour of the page's text; Streamlit's is too pale.

    Args:
        panes: how many there are; their titles are the first annotations.
    """
    titles = [f'.annotation[data-index="{place}"] text' for place in range(panes)]
    places = ['[class$="tick"] text', ".g-xtitle text", *titles]
    chosen = ", ".join(f".st-key-{CHART_KEY} {place}" for place in places)
    return f"<style>{chosen} {{ fill: currentColor !important; }}</style>"


def _axis(place: int) -> str:
    return "y" if place == 0 else f"y{place + 1}"


def _trace(pane: Pane, run_id: str, name: str, look: Look, axis: str, divisor: float) -> dict[str, Any]:
    line = pane.lines[run_id]
    decimals = 0 if pane.reading.unit in ("MB", "MHz") else 1
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "meta": f"{pane.reading.key} {run_id}",
        "x": [round(t_s / divisor, 4) for t_s in line.t_s.tolist()],
        "y": _cells(line.values),
        "yaxis": axis,
        "connectgaps": False,
        "line": {
            "color": look.color,
            "width": 1.8,
            "dash": ",".join(f"{length}px" for length in look.dash_px) or "solid",
        },
        "hovertemplate": f"%{{y:,.{decimals}f}} {pane.reading.unit}<extra>{_text(name)}</extra>",
    }


def _range(pane: Pane) -> tuple[float, float]:
    """Returns the fixed range of a pane; from 0 on where the reading has none of its own."""
    high = max(float(np.nanmax(line.values)) for line in pane.lines.values())
    if pane.reading.axis_range is None:
        return 0.0, 1.12 * high or 1.0
    low, usual = pane.reading.axis_range
    least = min(float(np.nanmin(line.values)) for line in pane.lines.values())
    # Some room above what is the most there can be, so that its line is not cut in half.
    return min(low, least), max(1.04 * usual, 1.04 * high)


def _y_axis(place: int, count: int, low_high: tuple[float, float]) -> dict[str, Any]:
    plot_px = _plot_px(count)
    top_px = plot_px - place * (_PANE_PX + _GAP_PX)
    return {
        "domain": [max(0.0, (top_px - _PANE_PX) / plot_px), top_px / plot_px],
        "range": list(low_high),
        "nticks": 5,
        "gridcolor": _GRID,
        "zeroline": False,
        "fixedrange": True,
        "tickformat": ",",
    }


def _title(reading: Reading, axis: str) -> dict[str, Any]:
    return {
        "text": f"<b>{reading.label}</b> {reading.unit}" if reading.label != reading.unit else f"<b>{reading.unit}</b>",
        "xref": "paper", "x": 0, "xanchor": "left", "xshift": -4,
        "yref": f"{axis} domain", "y": 1, "yanchor": "bottom", "yshift": 3,
        "showarrow": False, "font": {"size": 13},
    }  # fmt: skip


def _end_labels(
    pane: Pane,
    texts: Mapping[str, str],
    looks: Mapping[str, Look],
    axis: str,
    low_high: tuple[float, float],
    span: tuple[float, float],
    divisor: float,
) -> list[dict[str, Any]]:
    """Returns the names at the ends of the lines, moved apart where they would lie on each other."""
    low, high = low_high
    last = {run_id: float(line.values[np.isfinite(line.values)][-1]) for run_id, line in pane.lines.items()}
    ends = {run_id: float(line.t_s[-1]) / divisor for run_id, line in pane.lines.items()}
    is_early = {run_id: end < span[1] - _EARLY * (span[1] - span[0]) for run_id, end in ends.items()}
    placed_px: dict[str, float] = {}
    for group in (True, False):  # those at the right edge are not in the way of those before it
        ids = [run_id for run_id, early in is_early.items() if early is group]
        heights_px = [(last[run_id] - low) / (high - low) * _PANE_PX for run_id in ids]
        placed_px.update(zip(ids, _apart(heights_px), strict=True))
    result = []
    for run_id in pane.lines:
        early, end, height_px, look = is_early[run_id], ends[run_id], placed_px[run_id], looks[run_id]
        result.append(
            {
                "text": f"<b>{_text(texts[run_id])}</b>",
                "xref": "x" if early else "paper", "x": end if early else 1, "xanchor": "left",
                "xshift": 4 if early else 6,
                "yref": axis, "y": low + height_px / _PANE_PX * (high - low), "yanchor": "middle",
                "showarrow": False, "bgcolor": look.color, "borderpad": 1,
                "font": {"size": 11, "color": look.ink},
            }
        )  # fmt: skip
    return result


def _apart(heights_px: Sequence[float]) -> list[float]:
    """Returns heights that lie at least a label apart, in the same order, within the pane as far as they fit."""
    # Plotly hides what stands beyond the range of its axis.
    step_px = min(_LABEL_PX, _PANE_PX / max(1, len(heights_px) - 1))
    order = sorted(range(len(heights_px)), key=heights_px.__getitem__)
    found = [0.0] * len(heights_px)
    floor_px = 0.0
    for place in order:
        found[place] = floor_px = max(heights_px[place], floor_px)
        floor_px += step_px
    ceiling_px = float(_PANE_PX)
    for place in reversed(order):
        found[place] = ceiling_px = min(found[place], ceiling_px)
        ceiling_px -= step_px
    return found


def _right_px(ends: Iterable[str]) -> int:
    longest_px = max(len(end) for end in ends) * _LETTER_PX + _AROUND_PX
    return max(_RIGHT_PX, math.ceil(longest_px))


def _cut(name: str) -> str:
    """Returns a name as it stands at the end of its lines: of a long one its first words."""
    most = int((_MOST_RIGHT_PX - _AROUND_PX) / _LETTER_PX)
    return name if len(name) <= most else textwrap.shorten(name, most, placeholder=" …").replace(f"{SEAM}…", " …")


def _layout(count: int, unit: str, span: tuple[float, float], *, right_px: int) -> dict[str, Any]:
    shapes = []
    if span[0] < 0:
        shapes.append(
            {
                "type": "line", "xref": "x", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
                "line": {"color": _MUTED, "width": 1.5, "dash": "dash"},
            }
        )  # fmt: skip
    return {
        "height": _TOP_PX + _plot_px(count) + _BOTTOM_PX,
        "margin": {"l": _LEFT_PX, "r": right_px, "t": _TOP_PX, "b": _BOTTOM_PX},
        "showlegend": False,
        "hovermode": "x unified",
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "shapes": shapes,
        "xaxis": {
            "title": {"text": f"Time since measure began ({unit})"},
            "range": list(span),
            "anchor": "y" if count == 1 else f"y{count}",
            "gridcolor": _GRID,
            "zeroline": False,
            "tickformat": ",",
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": _MUTED,
        },
    }


def _plot_px(count: int) -> int:
    return count * _PANE_PX + (count - 1) * _GAP_PX


def _text(name: str) -> str:
    """Plotly reads some tags in its texts; names are shown as they are."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cells(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [None if value != value else round(value, 3) for value in values.tolist()]
