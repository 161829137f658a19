"""The two widgets that the form of a run is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def pick(
    labels: Mapping[str, str], *, label: str, key: str, disabled: bool = False, help_text: str | None = None
) -> str:
    """Shows a list of choices and returns the one that is chosen; the first at first."""
    # What was chosen before may be none of these: the list can depend on another choice. Said and not forgotten: the
    # browser keeps what it shows until it is told otherwise.
    if st.session_state.get(key) not in labels:
        st.session_state[key] = next(iter(labels))
    chosen: Any = st.selectbox(
        label, list(labels), format_func=lambda name: labels[name], key=key, disabled=disabled, help=help_text
    )
    return str(chosen)


def number(label: str, low: float, high: float, default: float, *, key: str, help_text: str | None = None) -> float:
    """Shows a number and returns it; whole where its bounds are."""
    # Not as value=: the page keeps what was typed while another page is shown, and Streamlit wants one of the two.
    st.session_state.setdefault(key, default)
    step = 1 if isinstance(low, int) else 1.0
    typed: Any = st.number_input(label, low, high, step=step, key=key, help=help_text)
    return float(typed)
