"""The charts of the Report page as Plotly's JSON: runs over time, and what each mode costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from orin_core.analysis.verdict import Status
from orin_core.report.mission import Candidate, MissionAnswer
from orin_core.report.plots import Trace

_GRID = "rgba(128,140,152,0.22)"
_MUTED = "#7b8894"
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#7b8894")
_DASHES = ("solid", "dash", "dot", "dashdot")
_FRONT, _LIMIT = "#E69F00", "#D55E00"
_KINDS = (
    ("measured here", "circle", "#0072B2"),
    ("imported", "diamond", "#009E73"),
    ("published", "square", "#CC79A7"),
)
"""What a point is, its shape and colour; open where a limit is missed."""
_CLEAR = "rgba(0,0,0,0)"


def series(traces: Mapping[str, Trace], kind: str, label: str, high: float | None = None) -> dict[str, Any]:
    """Returns one reading of several runs over time, 0 where measure began.

    Args:
        traces: the runs by how they are named to people.
        kind: which reading.
        label: of the axis, with the unit.
        high: upper end of the axis; None follows the data.
    """
    shown = {name: trace for name, trace in traces.items() if kind in trace.values}
    data = []
    for place, (name, trace) in enumerate(shown.items()):
        start_s = trace.measure_s[0] if trace.measure_s else 0.0
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": _cells(trace.elapsed_s - start_s),
                "y": _cells(trace.values[kind]),
                "line": {
                    "color": _COLORS[place % len(_COLORS)],
                    "width": 1.4,
                    "dash": _DASHES[place // len(_COLORS) % len(_DASHES)],
                },
                "hovertemplate": f"%{{y:,.0f}}<extra>{_text(name)}</extra>",
            }
        )
    layout = _layout("Time since measure began (s)", label)
    layout["yaxis"]["range"] = None if high is None else [0, high]
    layout["hovermode"] = "x unified"
    layout["height"] = 320
    layout["shapes"] = [_line(x=0.0)] if shown else []
    return {"data": data, "layout": layout}


def pareto(answer: MissionAnswer, *, power_cap_w: float | None, fps_floor: float | None) -> tuple[dict[str, Any], ...]:
    """Returns two charts: FPS against W, and FPS against J per image, each with its front.

    Args:
        answer: what was weighed.
        power_cap_w: drawn as a line where it is given, W.
        fps_floor: the same, images/s.
    """
    power = _front_chart(answer, answer.front_power, "power_w", "Power (W)")
    energy = _front_chart(answer, answer.front_energy, "energy_per_item_j", "Energy per image (J)")
    if power_cap_w is not None:
        power["layout"]["shapes"].append(_line(x=power_cap_w, dash="dash", color=_LIMIT))
    if fps_floor is not None:
        for chart in (power, energy):
            chart["layout"]["shapes"].append(_line(y=fps_floor, dash="dash", color=_LIMIT))
    return power, energy


def _front_chart(answer: MissionAnswer, front: Sequence[Candidate], cost: str, label: str) -> dict[str, Any]:
    allowed = {id(option.candidate) for option in answer.options}
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "no other is both faster and cheaper",
            "x": [getattr(row, cost) for row in front],
            "y": [row.fps for row in front],
            "line": {"color": _FRONT, "width": 2},
            "marker": {"size": 19, "symbol": "circle-open", "color": _FRONT, "line": {"width": 2}},
            "hoverinfo": "skip",
        }
    ]
    named = _named(answer.offered)
    for name, symbol, color in _KINDS:
        rows = [row for row in answer.offered if _kind(row) == name]
        if rows:
            data.append(_points(rows, name, symbol, color, cost, allowed, named))
    layout = _layout(label, "FPS, end to end")
    layout["height"] = 330
    layout["xaxis"]["range"] = _padded([getattr(row, cost) for row in answer.offered])
    layout["yaxis"]["range"] = _padded([row.fps for row in answer.offered])
    return {"data": data, "layout": layout}


def _points(
    rows: Sequence[Candidate], name: str, symbol: str, color: str, cost: str, allowed: set[int], named: set[int]
) -> dict[str, Any]:
    states = ["" if id(row) in allowed else ", misses a limit" for row in rows]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": name,
        "x": [getattr(row, cost) for row in rows],
        "y": [row.fps for row in rows],
        "text": [_text(row.power_mode or "") if id(row) in named else "" for row in rows],
        "customdata": [_text(row.label + state) for row, state in zip(rows, states, strict=True)],
        "textposition": "top center",
        "cliponaxis": False,
        "marker": {
            "size": 10,
            "symbol": [symbol if id(row) in allowed else f"{symbol}-open" for row in rows],
            "color": color,
            "line": {"width": 2, "color": color},
        },
        "hovertemplate": "%{customdata}<br>%{x:.3g}, %{y:.2f} FPS<extra></extra>",
    }


def _kind(row: Candidate) -> str:
    return "published" if row.published else "imported" if row.status is Status.IMPORTED else "measured here"


def _named(rows: Sequence[Candidate]) -> set[int]:
    """The rows whose mode is written beside them, by identity: the fastest of each, so that names do not overlap."""
    fastest: dict[str | None, Candidate] = {}
    for row in sorted(rows, key=lambda row: row.fps or 0.0):
        fastest[row.power_mode] = row
    return {id(row) for row in fastest.values()}


def _padded(values: Sequence[float | None]) -> list[float]:
    known = [value for value in values if value is not None]
    return [0.0, 1.18 * max(known)] if known else [0.0, 1.0]


def _layout(x_label: str, y_label: str) -> dict[str, Any]:
    axis = {"gridcolor": _GRID, "zeroline": False}
    return {
        "margin": {"l": 60, "r": 16, "t": 34, "b": 44},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "showlegend": True,
        "shapes": [],
        "xaxis": {"title": {"text": x_label}, **axis},
        "yaxis": {"title": {"text": y_label}, **axis},
    }


def _line(*, x: float | None = None, y: float | None = None, dash: str = "dot", color: str = _MUTED) -> dict[str, Any]:
    ends = (
        {"xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
        if x is not None
        else {"xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": y, "y1": y}
    )
    return {"type": "line", **ends, "line": {"color": color, "width": 1.5, "dash": dash}, "layer": "below"}


def _text(name: str) -> str:
    """Plotly reads some tags in its texts; names are shown as they are."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cells(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [None if value != value else round(value, 3) for value in values.tolist()]
