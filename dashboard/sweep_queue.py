"""The queue of the board: what goes on, what waits, in which order; and a single run that joins it."""

from __future__ import annotations

import html

import streamlit as st

from dashboard import links, state, sweep_controls
from dashboard.words import plain, refusal
from orin_core.errors import BadRequest, OrinError
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps import control, queue
from orin_core.sweeps.state import Progress, Sweep, find_sweep

MAX_SHOWN = 12


def show(settings: Settings, chosen: str | None) -> None:
    """Shows what holds the board and what waits for it, with buttons that change the order.

    Args:
        settings: where the queue lies.
        chosen: id of the sweep that is shown; it has its own buttons below.
    """
    ids = queue.order(settings)
    active = state.run_finder().active()
    alone = active if active is not None and not active.spec().get("sweep") else None
    st.markdown("**Queue of the board**")
    if not ids and alone is None:
        st.caption("Nothing waits: what is started now begins at once.")
        return
    if alone is not None:
        _single(alone)
    for place, sweep_id in enumerate(ids[:MAX_SHOWN], start=1):
        _line(settings, sweep_id, place, len(ids), chosen)
    if len(ids) > MAX_SHOWN:
        st.caption(f"And {len(ids) - MAX_SHOWN} more behind them.")


def _single(run: Recording) -> None:
    run_id = html.escape(run.run_id)
    st.html(
        '<div class="orin-links"><span>On the board now: a single run</span>'
        f'<a class="orin-link" href="/?run={run_id}" target="_self">{run_id}</a></div>'
    )


def _line(settings: Settings, sweep_id: str, place: int, count: int, chosen: str | None) -> None:
    try:
        sweep = find_sweep(settings, sweep_id)
        progress, name = sweep.progress(), sweep.spec().name
        words, cells = control.state_words(sweep, progress), len(progress.order)
    except BadRequest as error:
        st.caption(plain(f"{place}. {sweep_id}: {error.message}"))
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        what = "1 run" if cells == 1 else f"{cells} runs"
        bold = "**" if sweep_id == chosen else ""
        st.markdown(f"{place}\\. {bold}{plain(name)}{bold} · {plain(words)} · {what}", width="content")
        _buttons(settings, sweep, progress, place=place, count=count, chosen=chosen)


def _buttons(
    settings: Settings, sweep: Sweep, progress: Progress, *, place: int, count: int, chosen: str | None
) -> None:
    sweep_id, name = sweep.sweep_id, sweep.sweep_id.split("_")[1]
    if sweep_id != chosen and st.button("Show", key=f"sweep_show_{sweep_id}", help=f"Shows {plain(name)} below."):
        st.query_params[state.QUERY_SWEEP] = sweep_id
        st.rerun()
    if place > 1 and st.button(
        "↑ Earlier", key=f"sweep_up_{sweep_id}", help="The run that goes on is not interrupted."
    ):
        _move(settings, sweep, place - 1)
    if place < count and st.button("↓ Later", key=f"sweep_down_{sweep_id}"):
        _move(settings, sweep, place + 1)
    if sweep_id != chosen and st.button("Take out", key=f"sweep_out_{sweep_id}", help="Asks once more."):
        sweep_controls.ask_to_stop(sweep)


def _move(settings: Settings, sweep: Sweep, place: int) -> None:
    try:
        control.move(sweep, place, settings)
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    st.rerun()


# -- a single run ---------------------------------------------------------------------------------


def remember(spec: RunSpec, message: str) -> None:
    """Keeps for this tab a run that was refused since the board is held, so that it can be queued.

    Args:
        spec: the run.
        message: why it was not started.
    """
    st.session_state[state.KEY_SWEEP_QUEUE] = (spec, message)


def offer() -> None:
    """Shows why a run did not start, and a button that puts it into the queue."""
    spec, message = st.session_state.get(state.KEY_SWEEP_QUEUE, (None, ""))
    if spec is None:
        return
    with st.container(border=True):
        st.warning(refusal(message, "It can wait in the queue, and starts by itself when the board is free."))
        with st.container(horizontal=True, gap="small"):
            if st.button("Queue this run", type="primary", key="queue_run"):
                st.session_state.pop(state.KEY_SWEEP_QUEUE)
                add(spec)
            if st.button("Not now", key="queue_dismiss"):
                st.session_state.pop(state.KEY_SWEEP_QUEUE)
                st.rerun()


def add(spec: RunSpec) -> None:
    """Puts a single run into the queue and shows it there; a refusal is shown where the page is."""
    settings = state.settings()
    try:
        asked = control.single(spec)
        with st.spinner("Into the queue …"):
            sweep = control.start(asked, control.plan(asked, settings), settings)
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        st.rerun()
    if links.known("sweep"):
        links.go("sweep", query=[(state.QUERY_SWEEP, sweep.sweep_id)])
    st.rerun()
