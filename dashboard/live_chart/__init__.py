"""The live chart as a Streamlit component: tiles, progress and one Plotly figure, fed by ``/api/live``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.errors import StreamlitAPIException

# The version is in the address, since browsers keep it for a year.
PLOTLY_URL = f"/api/plotly.min.js?v={plotly.__version__}"
_FOLDER = Path(__file__).resolve().parent
# One module for the browser: a component takes one text, and there is no build step.
_SCRIPTS = (
    "format.js",
    "page.js",
    "rows.js",
    "panes.js",
    "figure.js",
    "marks.js",
    "labels.js",
    "tiles.js",
    "asking.js",
    "tools.js",
    "head.js",
    "cores.js",
    "stage.js",
    "detail.js",
    "live_chart.js",
)


def _source(*names: str) -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


@functools.cache
def _component() -> Any:
    """Registers the component with the server that runs now."""
    return st.components.v2.component(
        "orin_live_chart",
        css=_source("live_chart.css"),
        js=_source(*_SCRIPTS),
        # Plotly puts its own rules into the document, so the chart has to live there too.
        isolate_styles=False,
    )


def _mount(**arguments: Any) -> None:
    try:
        _component()(**arguments)
    except StreamlitAPIException:
        # Registered with a server of this process that is gone (Streamlit 1.65 in tests): once more.
        _component.cache_clear()
        _component()(**arguments)


def live_chart(
    *,
    run: str,
    active: str | None,
    follow: bool,
    key: str,
    span_s: int = 120,
    demo: bool = False,
    sweep: str | None = None,
) -> None:
    """Mounts the live chart.

    Args:
        run: run id, or ``idle`` for the idle board.
        active: the run that holds the board as far as this page knows.
        follow: whether the page is run again when another run, or none, holds the board.
        key: names the instance; it keeps zoom and rows over reruns.
        span_s: window at first, s; 0 for the whole run.
        demo: for a projector: large type and no controls.
        sweep: the sweep that has the board between two of its runs, empty for none; where it is given the page is run
            again for another one, too.
    """
    _mount(
        key=key,
        data={
            "run": run,
            "active": active,
            "follow": follow,
            "span": span_s,
            "plotly": PLOTLY_URL,
            "demo": demo,
            "sweep": sweep,
        },
        on_changed_change=lambda: None,
    )
