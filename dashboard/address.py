"""What a page shows stands in its address, so that it can be passed on as a link."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import streamlit as st


def bound(name: str, key: str, *, read: Callable[[str], Any], write: Callable[[Any], str]) -> dict[str, Any]:
    """Ties a widget to the address: a link fills it, and what it holds stands in the address.

    Args:
        name: query key.
        key: of the widget. What the tab keeps under it fills an address that says nothing, as that of a page to which
            one comes back.
        read: makes a value of the widget from the text of an address, which may be anything.
        write: makes the text from a value; an empty one leaves the address as it is without the widget.

    Returns:
        What the widget is to be called with.
    """
    text = st.query_params.get(name)
    if text is not None:
        st.session_state[key] = read(text)
    if key in st.session_state:
        _to_address(name, key, write)
    return {"key": key, "on_change": _to_address, "args": (name, key, write)}


def _to_address(name: str, key: str, write: Callable[[Any], str]) -> None:
    text = write(st.session_state.get(key))
    if not text:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text


def read_number(text: str) -> float | None:
    """Returns the number that a text is, None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def write_number(value: float | None) -> str:
    """Returns a number as a person types it, empty for None."""
    return "" if value is None else repr(value).removesuffix(".0")
