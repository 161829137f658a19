"""Pause, resume and stop of one sweep; stop asks once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import state
from dashboard.sweep_now import Standing
from orin_core.errors import OrinError
from orin_core.settings import Settings
from orin_core.sweeps import control
from orin_core.sweeps.state import CellState, Sweep, SweepState

_RESUMED = {
    "paused": "Resume",
    "held back": "Resume",
    "interrupted": "Resume",
    "stopped": "Resume",
    "failed": "Resume",
    "pausing": "Do not pause",
}
"""By how it stands, what the button that goes on is called."""
_PAUSED = {"running": "Pause after this cell", "reboot": "Pause", "queued": "Hold back"}
_STOPPABLE = ("running", "reboot", "pausing", "paused", "interrupted", "queued", "held back")


def show(now: Standing) -> None:
    """Shows what can be asked of a sweep as it stands."""
    again = _RESUMED.get(now.words)
    failed = any(one.state is CellState.FAILED for one in now.progress.cells.values())
    if now.progress.state is SweepState.DONE and failed:
        again = "Try the failed cells again"
    sweep_id = now.sweep.sweep_id
    with st.container(horizontal=True, gap="small"):
        if again and st.button(again, key="sweep_resume", type="primary"):
            _do(now.sweep, control.resume)
        if now.words in _PAUSED and st.button(_PAUSED[now.words], key="sweep_pause"):
            _do(now.sweep, control.pause)
        if now.words in _STOPPABLE and st.button("Stop now", key="sweep_stop"):
            st.session_state[state.KEY_SWEEP_STOP] = sweep_id
            st.rerun()
        if now.words == "stopping":
            st.caption("It stops as soon as its run has ended; what was measured is kept.")


def ask_to_stop(sweep: Sweep) -> None:
    """Asks whether to stop a sweep; the question stands with that sweep."""
    st.session_state[state.KEY_SWEEP_STOP] = sweep.sweep_id
    st.query_params[state.QUERY_SWEEP] = sweep.sweep_id
    st.rerun()


def confirm(now: Standing) -> None:
    """Asks once more, where somebody has pressed stop for this sweep."""
    sweep = now.sweep
    if st.session_state.get(state.KEY_SWEEP_STOP) != sweep.sweep_id or now.words not in _STOPPABLE:
        return
    with st.container(border=True):
        st.warning("Stop this sweep? Its present run ends now. Cells that are done are kept, and it can be resumed.")
        with st.container(horizontal=True, gap="small"):
            if st.button("Stop it", type="primary", key="sweep_stop_yes"):
                st.session_state.pop(state.KEY_SWEEP_STOP, None)
                _do(sweep, control.stop)
            if st.button("Keep it", key="sweep_stop_no"):
                st.session_state.pop(state.KEY_SWEEP_STOP, None)
                st.rerun()


def _do(sweep: Sweep, ask: Callable[[Sweep, Settings], None]) -> None:
    """Asks something of a sweep, shows a refusal, and draws the page anew."""
    try:
        with st.spinner("One moment …"):
            ask(sweep, state.settings())
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    except OSError as error:
        said = f"Sweep {sweep.sweep_id} cannot be written: {error.strerror or error}."
        st.session_state[state.KEY_ERROR] = (said, "Free disk space.")
    st.rerun()
