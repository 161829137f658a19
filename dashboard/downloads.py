"""Offers the download of weights or images, and shows how far it is. The program is orin_core's."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.words import plain
from orin_core.assets import fetch_process
from orin_core.catalog import Choice
from orin_core.errors import OrinError

_LOOK_S = 1.0


def offer(choice: Choice, *, disabled: bool) -> None:
    """Shows the button, the progress, or why a download failed.

    Args:
        choice: row of the catalogue that is not on this machine.
        disabled: whether nothing may be started now: a download disturbs what a run measures.
    """
    state_dir = state.settings().state_dir
    now = fetch_process.state(choice.name, state_dir)
    if now.running:
        _watch(choice.name)
        return
    if now.state == "failed":
        st.error(plain(now.message))
    if st.button(f"Download {choice.label}", key=f"fetch_{choice.name}", disabled=disabled, width="stretch"):
        try:
            fetch_process.start(choice.name, state_dir)
        except OrinError as error:
            st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        st.rerun()


@st.fragment(run_every=_LOOK_S)
def _watch(name: str) -> None:
    """Shows the progress; mounted only while the download goes on."""
    now = fetch_process.state(name, state.settings().state_dir)
    if not now.running:
        st.rerun()
    if now.total_mb and now.done_mb is not None:
        st.progress(min(1.0, now.done_mb / now.total_mb), text=f"{now.done_mb:.0f} of {now.total_mb:.0f} MB")
    else:
        st.progress(0.0, text="Asking the hub …")
