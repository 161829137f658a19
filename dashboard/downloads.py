"""Offers the download of weights or images with its size, shows how far it is, ends it. The program is orin_core's."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import state
from dashboard.words import plain
from orin_core.assets import fetch_process
from orin_core.assets.fetch_process import FetchState
from orin_core.errors import OrinError

_LOOK_S = 1.0


def offer(name: str, label: str, *, disabled: bool) -> None:
    """Shows the button, the size, the progress, or why a download failed.

    Args:
        name: catalogue name or hub id of what is not on this machine.
        label: for people.
        disabled: whether nothing may be started now: a download disturbs what a run measures.
    """
    now = fetch_process.state(name, state.settings().state_dir)
    if now.running:
        _watch(name)
        return
    if now.state == "failed":
        st.error(plain(now.message))
    # What is done and not here was deleted since: its size is asked for anew.
    known = now.total_mb is not None and now.state != "done"
    if known:
        st.caption(_size(now))
    words = ("Go on with the download" if now.done_mb else f"Download {_mb(now.total_mb)}") if known else ""
    if st.button(plain(words or f"Download {label}"), key=f"fetch_{name}", disabled=disabled, width="stretch"):
        _do(lambda: fetch_process.start(name, state.settings().state_dir, size_only=not known))


def _size(now: FetchState) -> str:
    here = f", {_mb(now.done_mb)} of it here already" if now.done_mb else ""
    stopped = "Stopped; what has come is kept. " if now.state == "cancelled" else ""
    return f"{stopped}It is {_mb(now.total_mb)}{here}."


def _mb(size_mb: float | None) -> str:
    return f"{size_mb or 0:.1f} MB" if (size_mb or 0) < 10 else f"{size_mb:.0f} MB"


def _do(step: Callable[[], None]) -> None:
    try:
        step()
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    st.rerun()


@st.fragment(run_every=_LOOK_S)
def _watch(name: str) -> None:
    """Shows the progress and the way to end it; mounted only while the download goes on."""
    now = fetch_process.state(name, state.settings().state_dir)
    if not now.running:
        st.rerun()
    if now.total_mb and now.done_mb is not None:
        st.progress(min(1.0, now.done_mb / now.total_mb), text=f"{_mb(now.done_mb)} of {_mb(now.total_mb)}")
    else:
        st.progress(0.0, text="Asking the hub …")
    if st.button("Stop the download", key=f"fetch_stop_{name}", width="stretch"):
        _do(lambda: fetch_process.cancel(name, state.settings().state_dir))
