"""The live page: the form at the side, the board or the run in the middle, the figures after the end."""

from __future__ import annotations

import html

import streamlit as st

from dashboard import board, controls, demo, gallery, links, reboot, state, summary_view, sweep_queue
from dashboard.live_chart import live_chart
from dashboard.words import asked_text, length_text, plain, refusal
from orin_core.errors import BadRequest, BoardBusy, OrinError, PowerModeNeedsReboot
from orin_core.runs import launcher
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording, list_runs
from orin_core.spec import RunSpec

_INTRO = (
    "**1.** The board is shown live below: GPU, memory, temperatures, power.  \n"
    "**2.** Choose a model, images and a power mode at the left and press **Start**; the run goes on by itself, "
    "even when this page is closed.  \n"
    "**3.** Each run is kept with its CSV and its figures: see **Runs**."
)
_SIMULATED_IS_ON = (
    "**simulated board** is on: programs named tegrastats and nvpmodel that act like an AGX Orin's. Everything works "
    "as on the kit; its telemetry is invented, and the page and every file say so."
)
_SIMULATED_CAN_BE = (
    "To look around without touching the board, start the dashboard with a **simulated board**: "
    "`ORIN_TELEMETRY=simulated python -m dashboard`. Its telemetry is invented, and the page and every file say so."
)


def page() -> None:
    """Shows the page."""
    active = state.run_finder().active()
    shown = active or _followed()
    _remember(shown)
    view = board.look(state.settings())
    with st.sidebar:
        _side(active, view)
        address = html.escape(demo.link(shown.run_id if shown else None))
        st.html(f'<div class="orin-links"><a class="orin-link" href="{address}" target="_self">Demo view</a></div>')
    for notice in st.session_state.pop(state.KEY_NOTICES, ()):
        st.info(plain(notice))
    sweep_queue.offer()
    if not active:
        reboot.offer()
    summary = judged_summary(shown) if shown and not active else None
    if shown is None:
        _first_visit(view)
    elif not active:
        _after(shown, summary=summary is not None)
    if summary:
        summary_view.show(summary)
    elif shown and not active:
        summary_view.ended(shown.status())
    live_chart(
        run=shown.run_id if shown else "idle",
        active=active.run_id if active else None,
        follow=True,
        span_s=600 if active else 0 if shown else 120,
        key=state.KEY_LIVE,
    )
    if shown and not active:
        gallery.show(shown)
    if summary:
        summary_view.details(summary)


def _followed() -> Recording | None:
    """Returns the run that this tab followed to its end, by the address of the page."""
    run_id = st.query_params.get(state.QUERY_RUN)
    if not run_id:
        return None
    finder = state.run_finder()
    try:
        found = finder.find(run_id)
    except BadRequest as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        return None
    if found is None:
        st.session_state[state.KEY_NOTICES] = (str(finder.missing(run_id)),)
    return found


def _remember(shown: Recording | None) -> None:
    wanted = shown.run_id if shown else None
    if st.query_params.get(state.QUERY_RUN) == wanted:
        return
    if wanted is None:
        st.query_params.pop(state.QUERY_RUN, None)
    else:
        st.query_params[state.QUERY_RUN] = wanted


def _first_visit(view: board.BoardView) -> None:
    """Explains the page in three lines where nothing was ever run here, and offers what needs no board."""
    settings = state.settings()
    if list_runs(settings.runs_dir):
        return
    with st.container(border=True, gap="small"):
        st.caption(_INTRO)
        if view.kind == "simulated":
            why = "This machine is no Jetson, so a" if settings.telemetry == "auto" else "A"
            st.caption(f"{why} {_SIMULATED_IS_ON}")
        else:
            st.caption(_SIMULATED_CAN_BE)
        links.link("import", "Bring in an old tegrastats log or CSV →")


def _side(active: Recording | None, view: board.BoardView) -> None:
    if view.error:
        st.error(refusal(view.error.message, view.error.hint))
    # First on the page, so that it is in sight on a small screen; filled when the form is known.
    top = st.container(gap="small")
    form = controls.form(view, running=active is not None)
    ready = form.spec is not None and view.error is None
    # A click that finds the board taken meanwhile must not be lost with its button.
    asked = st.session_state.pop(state.KEY_START, False)
    with top:
        if active:
            if asked and form.spec:
                sweep_queue.remember(form.spec, f"Run {active.run_id} has just begun, so yours was not started.")
            _running(active, form.spec if ready else None)
        else:
            st.button("Start", type="primary", width="stretch", disabled=not ready, key="start", on_click=_ask_to_start)
            if asked:
                _start(form.spec)
            elif form.spec:
                _estimate(form.spec)
        if form.missing:
            st.caption(plain(form.missing))


def _ask_to_start() -> None:
    st.session_state[state.KEY_START] = True


def _running(active: Recording, spec: RunSpec | None) -> None:
    """Shows what runs and its Stop; what the form says may wait for it."""
    _stop(active)
    st.caption(plain(asked_text(active.spec())))
    st.divider()
    words = "What the form says waits in the queue, and starts by itself when the board is free."
    if (
        st.button("Queue as the next run", width="stretch", disabled=spec is None, key="queue_next", help=words)
        and spec
    ):
        sweep_queue.add(spec)


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


def _stop(active: Recording) -> None:
    """Asks once, then stops."""
    if st.session_state.get(state.KEY_CONFIRM_STOP) != active.run_id:
        if st.button("Stop", width="stretch", key="stop"):
            st.session_state[state.KEY_CONFIRM_STOP] = active.run_id
            st.rerun()
        return
    st.warning("Stop this run? What it has measured is kept.")
    yes, no = st.columns(2)
    if yes.button("Stop it", type="primary", width="stretch", key="stop_yes"):
        del st.session_state[state.KEY_CONFIRM_STOP]
        try:
            launcher.stop(active)
        except OrinError as error:
            if state.run_finder().active() is None:
                st.session_state[state.KEY_NOTICES] = ("It had just ended.",)
            else:
                st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        st.rerun()
    if no.button("Keep it", width="stretch", key="stop_no"):
        del st.session_state[state.KEY_CONFIRM_STOP]
        st.rerun()


def _after(shown: Recording, *, summary: bool) -> None:
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(f"**{'Last run' if summary else 'This run has no summary yet'}** `{shown.run_id}`")
    if right.button("Show the idle board", width="stretch", key="show_idle"):
        st.query_params.pop(state.QUERY_RUN, None)
        st.rerun()
