"""The chart of a proposed cut: GPU load and power of a log over time, what becomes a run shaded. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.table import GAP_INTERVALS, Array, thinned

POINTS = 2000
"""Points of a trace on screen; more than a screen has pixels helps nobody."""
_MAX_GAPS = 200
_GPU, _POWER, _BAND = "#2b8fd1", "#e0692b", "rgba(0, 158, 115, 0.20)"
_MUTED, _GRID = "#7b8894", "rgba(128,140,152,0.22)"


def figure(t_s: Array, gr3d_pct: Array, power_w: Array, cuts: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Returns the chart as Plotly's JSON.

    Args:
        t_s: seconds since the log began, rising.
        gr3d_pct: GPU load in %, NaN where it was not printed.
        power_w: power in W, NaN where it was not printed.
        cuts: start and end of each proposed run, s, in order.
    """
    rows = _without_infinite(np.column_stack([t_s, gr3d_pct, power_w]))
    panes = [
        (name, unit, color, 1 + place)
        for place, (name, unit, color) in enumerate((("GR3D", "%", _GPU), ("Power", "W", _POWER)))
        if np.isfinite(rows[:, 1 + place]).any()
    ]
    shown = _with_gaps(rows)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": _cells(shown[:, 0]),
            "y": _cells(shown[:, column]),
            "yaxis": "y" if index == 0 else f"y{index + 1}",
            "line": {"color": color, "width": 1.4},
            "hovertemplate": f"%{{y:.1f}} {unit}<extra>{name}</extra>",
        }
        for index, (name, unit, color, column) in enumerate(panes)
    ]
    return {"data": traces, "layout": _layout(panes, cuts, rows)}


def _layout(panes: Sequence[tuple[str, str, str, int]], cuts: Sequence[tuple[float, float]], rows: Array) -> Any:
    layout: dict[str, Any] = {
        "height": 330 if len(panes) > 1 else 220,
        "margin": {"l": 54, "r": 12, "t": 22, "b": 40},
        "showlegend": False,
        "hovermode": "x unified",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "shapes": [_band(start_s, end_s) for start_s, end_s in cuts],
        "annotations": [_number(index, *cut) for index, cut in enumerate(cuts, start=1)],
        "xaxis": {
            "title": {"text": "Time on the log's own clock (s)"},
            "gridcolor": _GRID,
            "zeroline": False,
            "tickformat": ",",
            "range": [float(rows[0, 0]), float(rows[-1, 0])] if len(rows) else None,
            "anchor": "y" if len(panes) < 2 else "y2",
        },
    }
    count = max(1, len(panes))
    for index, (name, unit, _, column) in enumerate(panes):
        high = float(np.nanmax(rows[:, column]))
        bottom = 1 - (index + 1) / count
        layout["yaxis" if index == 0 else f"yaxis{index + 1}"] = {
            "title": {"text": f"{name} ({unit})"},
            "domain": [bottom + (0.06 if index + 1 < count else 0), bottom + 1 / count],
            "range": [0, 103 if unit == "%" else 1.08 * high or 1],
            "gridcolor": _GRID,
            "zeroline": False,
            "nticks": 5,
        }
    return layout


def _band(start_s: float, end_s: float) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": start_s,
        "x1": end_s,
        "y0": 0,
        "y1": 1,
        "fillcolor": _BAND,
        "line": {"color": "rgba(0, 158, 115, 0.75)", "width": 1},
        "layer": "below",
    }


def _number(index: int, start_s: float, end_s: float) -> dict[str, Any]:
    return {
        "x": (start_s + end_s) / 2,
        "y": 1.0,
        "xref": "x",
        "yref": "paper",
        "yanchor": "bottom",
        "text": f"<b>{index}</b>",
        "showarrow": False,
        # A chip of its own colours reads on the light and on the dark page.
        "font": {"size": 12, "color": "#FFFFFF"},
        "bgcolor": "#00735A",
        "borderpad": 2,
    }


def _with_gaps(rows: Array) -> Array:
    """Returns the rows to draw, with an empty one wherever the log is silent."""
    t_s = rows[:, 0]
    steps_s = np.diff(t_s)
    if not len(steps_s):
        return rows
    silent = np.flatnonzero(steps_s > GAP_INTERVALS * np.median(steps_s))
    longest = silent[np.argsort(steps_s[silent])[-_MAX_GAPS:]]
    middles = np.sort((t_s[longest] + t_s[longest + 1]) / 2)
    shown = thinned(rows, POINTS - len(middles))
    empty = np.full((len(middles), rows.shape[1]), np.nan)
    empty[:, 0] = middles
    result: Array = np.insert(shown, np.searchsorted(shown[:, 0], middles), empty, axis=0)
    return result


def _without_infinite(rows: Array) -> Array:
    return np.where(np.isfinite(rows), rows, np.nan)


def _cells(values: Array) -> list[float | None]:
    return [None if value != value else round(value, 3) for value in values.tolist()]
