"""The side of the live page: the form, Start, and while the board is taken Stop and the way into the queue."""

from __future__ import annotations

import streamlit as st

from dashboard import board, controls, links, reboot, state, sweep_hold, sweep_queue
from dashboard.words import asked_text, item_of, length_text, plain, refusal
from orin_core.errors import BoardBusy, OrinError, PowerModeNeedsReboot
from orin_core.runs import launcher
from orin_core.runs.recording import Recording
from orin_core.spec import RunSpec
from orin_core.sweeps import control
from orin_core.sweeps.state import Sweep


def show(active: Recording | None, between: Sweep | None, view: board.BoardView) -> None:
    """Shows the form and what can be done with it.

    Args:
        active: the run that holds the board.
        between: the sweep that has the board between two of its runs.
        view: the board.
    """
    if view.error:
        st.error(refusal(view.error.message, view.error.hint))
    # First on the page, so that it is in sight on a small screen; filled when the form is known.
    top = st.container(gap="small")
    form = controls.form(view, running=active is not None)
    ready = form.spec is not None and view.error is None
    # A click that finds the board taken meanwhile must not be lost with its button.
    asked = st.session_state.pop(state.KEY_START, False)
    with top:
        if active or between:
            if asked and form.spec:
                sweep_queue.remember(form.spec, f"{_holder(active, between)}, so yours was not started.")
            if active:
                _running(active)
            elif between:
                _between(between)
            sweep_queue.add_button(form.spec if ready else None)
        else:
            st.button("Start", type="primary", width="stretch", disabled=not ready, key="start", on_click=_ask_to_start)
            if asked:
                _start(form.spec)
            elif form.spec:
                _estimate(form.spec)
        if form.missing:
            st.caption(plain(form.missing))


def _holder(active: Recording | None, between: Sweep | None) -> str:
    if active:
        return f"Run {active.run_id} has just begun"
    return f"Sweep {between.sweep_id if between else ''} is between two runs"


def _ask_to_start() -> None:
    st.session_state[state.KEY_START] = True


def _running(active: Recording) -> None:
    """Shows what runs and its Stop."""
    sweep = sweep_hold.sweep_of(active, state.settings())
    _stop(active, sweep)
    st.caption(plain(asked_text(active.spec(), item_of(active.environment()))))
    if sweep:
        _of_sweep(sweep, "A run of sweep")
    st.divider()


def _between(sweep: Sweep) -> None:
    """Shows in the place of Start that the board is a sweep's, though no run goes on."""
    _of_sweep(sweep, "Between two runs of sweep")
    message = sweep.document().get("message")
    st.caption(plain(message) if isinstance(message, str) and message else "It goes on by itself.")
    st.divider()


def _of_sweep(sweep: Sweep, what: str) -> None:
    st.caption(f"{what} **{plain(sweep_hold.name_of(sweep))}**.")
    links.link("sweep", "To this sweep", query=[(state.QUERY_SWEEP, sweep.sweep_id)])


def _estimate(spec: RunSpec) -> None:
    expected_s = launcher.estimate_s(spec, state.settings().runs_dir)
    if expected_s is not None:
        st.caption(f"Takes about {length_text(expected_s)}, by an earlier run of the same.")
    else:
        warmup = f"warm-up ({spec.warmup_min_s:g} to {spec.warmup_max_s:g} s)"
        phases = f"idle ({spec.idle_s:g} s), loading, {warmup} and cool-down ({spec.cooldown_s:g} s)"
        st.caption(f"On top of measure come {phases}.")


def _start(spec: RunSpec | None) -> None:
    if spec is None:
        return
    reboot.forget()
    try:
        # The run wants tegrastats for itself from its first tick on.
        with st.spinner("Preparing the board …"), state.idle_board().held_off():
            started = launcher.start(spec, state.settings())
    except PowerModeNeedsReboot as error:
        reboot.remember(error, spec.power_mode)
    except BoardBusy as error:
        sweep_queue.remember(spec, error.message)
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    else:
        st.session_state[state.KEY_NOTICES] = started.notices
        st.query_params[state.QUERY_RUN] = started.run_id
    st.rerun()


def _stop(active: Recording, sweep: Sweep | None) -> None:
    """Asks once, then stops; of a cell it says what follows, and offers to stop its sweep."""
    if st.session_state.get(state.KEY_CONFIRM_STOP) != active.run_id:
        if st.button("Stop", width="stretch", key="stop"):
            st.session_state[state.KEY_CONFIRM_STOP] = active.run_id
            st.rerun()
        return
    st.warning(sweep_hold.what_follows_a_stop(sweep) if sweep else "Stop this run? What it has measured is kept.")
    if sweep and st.button("Stop the sweep", type="primary", width="stretch", key="stop_sweep"):
        del st.session_state[state.KEY_CONFIRM_STOP]
        _stop_sweep(sweep)
    yes, no = st.columns(2)
    if yes.button(
        "Stop this run" if sweep else "Stop it",
        type="secondary" if sweep else "primary",
        width="stretch",
        key="stop_yes",
    ):
        del st.session_state[state.KEY_CONFIRM_STOP]
        _stop_run(active)
    if no.button("Keep it", width="stretch", key="stop_no"):
        del st.session_state[state.KEY_CONFIRM_STOP]
        st.rerun()


def _stop_run(active: Recording) -> None:
    try:
        launcher.stop(active)
    except OrinError as error:
        if state.run_finder().active() is None:
            st.session_state[state.KEY_NOTICES] = ("It had just ended.",)
        else:
            st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    st.rerun()


def _stop_sweep(sweep: Sweep) -> None:
    try:
        with st.spinner("One moment …"):
            control.stop(sweep, state.settings())
            st.session_state[state.KEY_NOTICES] = ("The sweep ends with this run; it can be resumed.",)
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    except OSError as error:
        st.session_state[state.KEY_ERROR] = (
            f"Sweep {sweep.sweep_id} cannot be written: {error.strerror or error}.",
            "Free disk space.",
        )
    st.rerun()
