"""Ways from one page to another within a tab, so that what the tab holds stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

KEY_PAGES = "pages"


def keep(pages: Mapping[str, Any]) -> None:
    """Makes the pages of the navigation known by name to :func:`link` and :func:`go`.

    Args:
        pages: what ``st.Page`` made, by the name in the address.
    """
    st.session_state[KEY_PAGES] = dict(pages)


def _page(name: str) -> Any | None:
    return st.session_state.get(KEY_PAGES, {}).get(name)


def known(name: str) -> bool:
    """Returns whether there is such a page."""
    return _page(name) is not None


def link(
    name: str, label: str, *, query: Sequence[tuple[str, str]] = (), disabled: bool = False, help: str | None = None
) -> None:
    """Shows a link to a page; nothing where there is no such page.

    Unlike :func:`go` it leaves one entry in the browser's history, so that its way back is one step.
    """
    page = _page(name)
    if page is not None:
        st.page_link(page, label=label, query_params=dict(query) or None, disabled=disabled, help=help)


def go(name: str, *, query: Sequence[tuple[str, str]] = ()) -> None:
    """Shows another page from here on; does nothing where there is no such page."""
    page = _page(name)
    if page is not None:
        st.switch_page(page, query_params=dict(query) or None)
