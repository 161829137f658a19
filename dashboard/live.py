"""The live page: the form at the side, the board or the run in the middle, the figures after the end."""

from __future__ import annotations

import html

import streamlit as st

from dashboard import (
    board,
    demo,
    gallery,
    links,
    live_side,
    method_line,
    reboot,
    state,
    summary_view,
    sweep_hold,
    sweep_queue,
)
from dashboard.live_chart import live_chart
from dashboard.words import plain
from orin_core.errors import BadRequest
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording, list_runs

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
    between = None if active else sweep_hold.between_runs(state.settings())
    with st.sidebar:
        live_side.show(active, between, view)
        address = html.escape(demo.link(shown.run_id if shown else None))
        st.html(f'<div class="orin-links"><a class="orin-link" href="{address}" target="_self">Demo view</a></div>')
    for notice in st.session_state.pop(state.KEY_NOTICES, ()):
        st.info(plain(notice))
    sweep_queue.told()
    sweep_queue.offer()
    if not active:
        reboot.offer()
    ended = shown if shown and not active else None
    summary = judged_summary(ended) if ended else None
    if shown is None:
        _first_visit(view)
    elif not active:
        _after(shown, summary=summary is not None)
    if ended and summary:
        summary_view.show(summary, method_line.text(ended))
    elif ended:
        summary_view.ended(ended.status())
    live_chart(
        run=shown.run_id if shown else "idle",
        active=active.run_id if active else None,
        follow=True,
        span_s=600 if active else 0 if shown else 120,
        key=state.KEY_LIVE,
        sweep=between.sweep_id if between else "",
    )
    if ended:
        gallery.show(ended)
    if ended and summary:
        summary_view.details(summary, ended.spec())


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


def _after(shown: Recording, *, summary: bool) -> None:
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.markdown(f"**{'Last run' if summary else 'This run has no summary yet'}** `{shown.run_id}`")
    if right.button("Show the idle board", width="stretch", key="show_idle"):
        st.query_params.pop(state.QUERY_RUN, None)
        st.rerun()
