"""What can be asked of one sweep: pause, resume, stop; stop asks once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import state
from dashboard.sweep_head import Standing
from dashboard.words import plain
from orin_core.errors import OrinError
from orin_core.settings import Settings
from orin_core.sweeps import control
from orin_core.sweeps.control import StateWord
from orin_core.sweeps.state import CellState, Sweep

_RESUMED = {
    StateWord.STALLED: "Start the queue",
    StateWord.PAUSING: "Do not pause",
    StateWord.DONE_WITH_FAILURES: "Try the failed cells again",
}
"""By how it stands, what the button that goes on is called."""
_PAUSED = {StateWord.RUNNING: "Pause after this cell", StateWord.REBOOT: "Pause"}


def show(now: Standing) -> None:
    """Shows what can be asked of a sweep as it stands."""
    words = now.words
    again = _RESUMED.get(words, "Resume, failed cells too" if now.failed and words.ended else "Resume")
    with st.container(horizontal=True, gap="small"):
        if words.can_resume and st.button(again, key="sweep_resume", type="primary"):
            _do(now.sweep, control.resume)
        if words.can_pause and st.button(_PAUSED.get(words, "Hold back"), key="sweep_pause"):
            _do(now.sweep, control.pause)
        if words.can_stop and st.button("Stop now", key="sweep_stop"):
            st.session_state[state.KEY_SWEEP_STOP] = now.sweep.sweep_id
            st.rerun()
        if words is StateWord.STOPPING:
            st.caption("It stops as soon as its run has ended; what was measured is kept.")


def warn(now: Standing) -> None:
    """Shows what must not be overlooked: that nobody works on a sweep, or that it waits for a person."""
    if now.words is StateWord.INTERRUPTED:
        st.warning("Nobody works on this sweep: its process ended, or the machine was off. **Resume** goes on with it.")
    if now.words is StateWord.STALLED:
        st.warning("This sweep waits, but nobody works on the queue. **Start the queue** sees to it.")
    if not now.loud:
        return
    st.warning(plain(now.loud))
    if now.progress.command:
        st.code(now.progress.command, language=None)


def ask_to_stop(sweep: Sweep) -> None:
    """Asks whether to stop a sweep; the question stands with that sweep."""
    st.session_state[state.KEY_SWEEP_STOP] = sweep.sweep_id
    st.query_params[state.QUERY_SWEEP] = sweep.sweep_id
    st.rerun()


def confirm(now: Standing) -> None:
    """Asks once more, where somebody has pressed stop for this sweep."""
    sweep = now.sweep
    if st.session_state.get(state.KEY_SWEEP_STOP) != sweep.sweep_id:
        return
    if not now.words.can_stop:
        # It has ended meanwhile; after a resume the question would be nobody's.
        del st.session_state[state.KEY_SWEEP_STOP]
        return
    with st.container(border=True):
        st.warning(_question(now))
        with st.container(horizontal=True, gap="small"):
            if st.button("Stop it", type="primary", key="sweep_stop_yes"):
                st.session_state.pop(state.KEY_SWEEP_STOP, None)
                _do(sweep, control.stop)
            if st.button("Keep it", key="sweep_stop_no"):
                st.session_state.pop(state.KEY_SWEEP_STOP, None)
                st.rerun()


def _question(now: Standing) -> str:
    states = [one.state for one in now.progress.cells.values()]
    if CellState.RUNNING in states and now.words is not StateWord.INTERRUPTED:
        return "Stop this sweep? Its present run ends now. Cells that are done are kept, and it can be resumed."
    if CellState.DONE in states:
        return "Stop this sweep? Cells that are done are kept, and it can be resumed."
    return "Stop this sweep? It has no run yet. It leaves the queue, and it can be resumed."


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
