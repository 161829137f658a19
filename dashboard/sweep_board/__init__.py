"""The board of a sweep as a Streamlit component: where it stands and its matrix, kept up to date by ``/api/sweep``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from dashboard.sweep_now import Moment


@functools.cache
def _component() -> Any:
    """Registers the component with the server that runs now."""
    return st.components.v2.component(
        "orin_sweep_board",
        js=Path(__file__).with_name("sweep_board.js").read_text(encoding="utf-8"),
        # The page has the styles of its tables already.
        isolate_styles=False,
    )


def sweep_board(
    *, sweep_id: str | None, what: str, moment: Moment, key: str, on_changed: Callable[[], None]
) -> tuple[str, str] | None:
    """Mounts the board.

    Args:
        sweep_id: the sweep that is shown; None for a page without one, which is then only watched.
        what: what the cells of the matrix show.
        moment: how it stands as the page is drawn; what follows the browser asks for itself.
        key: names the instance.
        on_changed: called before the page is run again because something has changed.

    Returns:
        Kind (``run`` or ``live``) and id of the run that somebody has chosen, None else.
    """
    arguments: dict[str, Any] = {
        "key": key,
        "data": {"sweep": sweep_id, "show": what, **moment.answer()},
        "on_changed_change": on_changed,
        "on_chosen_change": lambda: None,
    }
    try:
        found = _component()(**arguments)
    except StreamlitAPIException:
        # Registered with a server of this process that is gone (Streamlit 1.65 in tests): once more.
        _component.cache_clear()
        found = _component()(**arguments)
    kind, _, run_id = str(found.chosen or "").partition(" ")
    return (kind, run_id) if run_id else None
