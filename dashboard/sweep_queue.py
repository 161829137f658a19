"""The queue of the board: what goes on, what waits, in which order; and a single run that joins it."""

from __future__ import annotations

import html
from collections.abc import Callable

import streamlit as st

from dashboard import links, state, sweep_controls, sweep_hold
from dashboard.words import plain, refusal
from orin_core.errors import BadRequest, OrinError
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps import control, queue
from orin_core.sweeps.state import CellState, Sweep, find_sweep

MAX_SHOWN = 12


def show(settings: Settings, chosen: str | None) -> None:
    """Shows what holds the board and what waits for it, with buttons that change the order.

    Args:
        settings: where the queue lies.
        chosen: id of the sweep that is shown; it has its own buttons.
    """
    ids = queue.order(settings)
    active = state.run_finder().active()
    # A cell that is run by hand, outside of its sweep, is a run of its own as well.
    alone = active if active is not None and active.spec().get("sweep") not in ids else None
    st.markdown("**Queue of the board**")
    if not ids and alone is None:
        st.caption("Nothing waits: what is started now begins at once.")
        return
    if alone is not None:
        _single(alone)
    for place in range(min(len(ids), MAX_SHOWN)):
        _line(settings, ids, place, chosen)
    if len(ids) > MAX_SHOWN:
        with st.expander(f"And {len(ids) - MAX_SHOWN} more behind them"):
            for place in range(MAX_SHOWN, len(ids)):
                _line(settings, ids, place, chosen)


def _single(run: Recording) -> None:
    run_id = html.escape(run.run_id)
    st.html(
        '<div class="orin-links"><span>On the board now: a single run</span>'
        f'<a class="orin-link" href="/?run={run_id}" target="_self">{run_id}</a></div>'
    )


def _line(settings: Settings, ids: list[str], place: int, chosen: str | None) -> None:
    """Shows one sweep of the queue.

    Args:
        settings: where the queue lies.
        ids: of the whole queue.
        place: of this one, from 0.
        chosen: id of the sweep that is shown.
    """
    sweep_id = ids[place]
    try:
        sweep = find_sweep(settings, sweep_id)
        progress, name = sweep.progress(), sweep.spec().name
        words, cells = control.state_words(sweep, progress), len(progress.order)
    except BadRequest as error:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(plain(f"{place + 1}. {sweep_id}: {error.message}"), width="content")
            if st.button(f"Take out {plain(sweep_id)}", key=f"sweep_out_{sweep_id}", help="Its files stay."):
                _change(lambda: queue.remove(settings, sweep_id))
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        what = "1 run" if cells == 1 else f"{cells} runs"
        bold = "**" if sweep_id == chosen else ""
        st.markdown(f"{place + 1}\\. {bold}{plain(name)}{bold} · {plain(words)} · {what}", width="content")
        _buttons(settings, sweep, ids, place=place, chosen=chosen)


def _buttons(settings: Settings, sweep: Sweep, ids: list[str], *, place: int, chosen: str | None) -> None:
    sweep_id, name = sweep.sweep_id, plain(sweep_hold.name_of(sweep))
    if sweep_id != chosen and st.button(f"Show {name}", key=f"sweep_show_{sweep_id}"):
        st.query_params[state.QUERY_SWEEP] = sweep_id
        st.rerun()
    if place > 0 and st.button(
        f"↑ {name} earlier", key=f"sweep_up_{sweep_id}", help="The run that goes on is not interrupted."
    ):
        _change(lambda: _move(settings, sweep, before=ids[place - 1]))
    if place + 1 < len(ids) and st.button(f"↓ {name} later", key=f"sweep_down_{sweep_id}"):
        _change(lambda: _move(settings, sweep, after=ids[place + 1]))
    if sweep_id != chosen and st.button(f"Take out {name}", key=f"sweep_out_{sweep_id}", help="Asks once more."):
        sweep_controls.ask_to_stop(sweep)


def _move(settings: Settings, sweep: Sweep, *, before: str = "", after: str = "") -> None:
    """Moves a sweep past the neighbour that the page shows: its own place may be another by now.

    Raises:
        BadRequest: it is not in the queue any more.
    """
    ids = queue.order(settings)
    neighbour = before or after
    if neighbour not in ids or sweep.sweep_id not in ids:
        raise BadRequest("The queue is another one by now.", "Look at it again.")
    now, there = ids.index(sweep.sweep_id), ids.index(neighbour)
    if (now > there) == bool(before):
        control.move(sweep, there + 1, settings)


def _change(change: Callable[[], None]) -> None:
    """Changes the queue, shows a refusal, and draws the page anew."""
    try:
        change()
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    except OSError as error:
        st.session_state[state.KEY_ERROR] = _not_written(error)
    st.rerun()


def _not_written(error: OSError) -> tuple[str, str]:
    return f"The queue cannot be changed: {error.strerror or error}.", "Is the disk full, or owned by another user?"


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
                _add(spec)
            if st.button("Not now", key="queue_dismiss"):
                st.session_state.pop(state.KEY_SWEEP_QUEUE)
                st.rerun()


def add_button(spec: RunSpec | None) -> None:
    """Shows the button that puts a run at the end of the queue, and what is before it there.

    Args:
        spec: the run; None where the form says none yet.
    """
    # Another button after each run that was added: the second click of a double click presses one that is gone.
    key = f"queue_next_{st.session_state.get(state.KEY_SWEEP_QUEUED_COUNT, 0)}"
    words = "What the form says waits in the queue, and starts by itself when its turn comes."
    if st.button("Add to the queue", width="stretch", disabled=spec is None, key=key, help=words) and spec:
        _add(spec)
    st.caption(plain(_place_words(state.settings())))


def _place_words(settings: Settings) -> str:
    """Returns at which place of the queue another run would wait."""
    ids = queue.order(settings)
    if not ids:
        return "Nothing else waits: it is the next run."
    runs = sum(_runs_left(settings, sweep_id) for sweep_id in ids)
    others = "1 other is" if len(ids) == 1 else f"{len(ids)} others are"
    return f"Place {len(ids) + 1}: {others} before it, {runs} run{'' if runs == 1 else 's'} to go."


def _runs_left(settings: Settings, sweep_id: str) -> int:
    try:
        cells = find_sweep(settings, sweep_id).progress().cells.values()
    except BadRequest:
        return 0
    return sum(one.state in (CellState.PENDING, CellState.RUNNING) for one in cells)


def _add(spec: RunSpec) -> None:
    """Puts a single run into the queue; a refusal is shown where the page is."""
    settings = state.settings()
    try:
        asked = control.single(spec)
        with st.spinner("Into the queue …"):
            # Nothing is shown between these: a click that comes meanwhile ends this run of the script there.
            st.session_state.pop(state.KEY_SWEEP_QUEUE, None)
            count = st.session_state.get(state.KEY_SWEEP_QUEUED_COUNT, 0)
            st.session_state[state.KEY_SWEEP_QUEUED_COUNT] = count + 1
            sweep = control.start(asked, control.plan(asked, settings), settings)
            st.session_state[state.KEY_SWEEP_QUEUED] = sweep.sweep_id
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    except OSError as error:
        st.session_state[state.KEY_ERROR] = _not_written(error)
    st.rerun()


def told() -> None:
    """Says where the run waits that this tab has queued last; nothing once it is not in the queue any more."""
    sweep_id, ids = st.session_state.get(state.KEY_SWEEP_QUEUED), queue.order(state.settings())
    active = state.run_finder().active()
    if sweep_id not in ids or (active is not None and active.spec().get("sweep") == sweep_id):
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.info(f"Your run waits in the queue: place {ids.index(sweep_id) + 1} of {len(ids)}.")
        links.link("sweep", "Show the queue", query=[(state.QUERY_SWEEP, sweep_id)])
