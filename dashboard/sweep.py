"""The Sweeps page: the queue of the board, a sweep as a matrix that fills live, and the form of a new one."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from dashboard import address, board, state, sweep_controls, sweep_matrix, sweep_now, sweep_queue, sweep_start
from dashboard.words import plain, refusal
from orin_core.errors import BadRequest
from orin_core.settings import Settings
from orin_core.sweeps import queue
from orin_core.sweeps import spec as specs
from orin_core.sweeps.state import Sweep, find_sweep, list_sweeps

_INTRO = (
    "**1.** A sweep runs every model in every power mode, unattended: choose them below, or write a `sweep.json`.  \n"
    "**2.** **Check** says how many runs, how long, until when and how much disk; only then can it be started.  \n"
    "**3.** The matrix fills by itself. Close this page, pull the plug: the sweep goes on where it was."
)
_EXAMPLE = (
    "For example, two models in two modes, each run twice, are 8 runs of about two minutes. Save this as `sweep.json` "
    "and start it with `python -m orin_core sweep start sweep.json`, or take it over into the form."
)
SIMULATED = (
    "<b>Simulated board.</b> FPS is that of this machine and does not follow the power mode; power and temperature are "
    "invented. The matrix shows how a sweep works; nothing in it is ranked."
)


def page() -> None:
    """Shows the page."""
    settings = state.settings()
    sweeps = list_sweeps(settings)
    asked = st.query_params.get(state.QUERY_NEW) is not None
    view = board.look(settings)
    # Once, and not with every refresh of what changes.
    st.html(sweep_now.STYLE + sweep_matrix.STYLE)
    _head(new=asked, any_sweeps=bool(sweeps))
    if view.error:
        st.error(refusal(view.error.message, view.error.hint))
    if view.kind == "simulated":
        st.html(f'<div class="orin-sweep-note">{SIMULATED}</div>')
    if not sweeps:
        _invite()
        sweep_start.show(view)
        _watch(settings)
    elif asked:
        sweep_start.show(view)
    else:
        _sweep(settings, sweeps)


def _head(*, new: bool, any_sweeps: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader("New sweep" if new and any_sweeps else "Sweeps", width="content")
        if any_sweeps and new and st.button("Back to the sweeps", key="sweep_back"):
            st.query_params.pop(state.QUERY_NEW, None)
            st.rerun()
        if any_sweeps and not new and st.button("New sweep", key="sweep_new"):
            st.query_params[state.QUERY_NEW] = "1"
            st.rerun()


def _invite() -> None:
    """Explains the page where there is no sweep yet."""
    with st.container(border=True, gap="small"):
        st.caption(_INTRO)
        with st.expander("A worked example"):
            st.caption(_EXAMPLE)
            # Without a language: Streamlit's colours of code have less contrast than text needs.
            st.code(sweep_start.EXAMPLE, language=None)
            st.button("Take the example over", key="sweep_example", on_click=_take_example)


def _take_example() -> None:
    st.session_state[state.FORM_SWEEP_WAY] = sweep_start.FILE
    st.session_state[state.FORM_SWEEP_TEXT] = sweep_start.EXAMPLE


# -- one sweep ------------------------------------------------------------------------------------


def _choose(sweeps: list[Sweep]) -> str:
    """Shows the list of sweeps and returns the id of the one that is chosen."""
    ids = [sweep.sweep_id for sweep in sweeps]
    asked = st.query_params.get(state.QUERY_SWEEP)
    if asked is not None and asked not in ids:
        st.warning(plain(f"There is no sweep {asked[:80]}; the newest is shown."))
        del st.query_params[state.QUERY_SWEEP]
        st.session_state.pop(state.FORM_SWEEP, None)
    if st.session_state.get(state.FORM_SWEEP) not in ids:
        st.session_state[state.FORM_SWEEP] = _first(ids)
    chosen: Any = st.selectbox(
        "Sweep, newest first",
        ids,
        format_func=_option,
        **address.bound(state.QUERY_SWEEP, state.FORM_SWEEP, read=lambda text: text, write=lambda one: str(one or "")),
    )
    return str(chosen)


def _first(ids: list[str]) -> str:
    """Returns the sweep that has the board, else the newest one."""
    waiting = [one for one in queue.order(state.settings()) if one in ids]
    return (waiting or ids)[0]


def _option(sweep_id: str) -> str:
    """Returns a sweep as the list names it, from its id alone: there may be hundreds."""
    stamp, name, salt = sweep_id.split("_")
    day, clock = stamp.split("T")
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]} UTC · {name} · {salt}"


def _sweep(settings: Settings, sweeps: list[Sweep]) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom", gap="small")
    with left:
        sweep_id = _choose(sweeps)
    seen = sweep_now.signature(settings, sweep_id)
    try:
        now = sweep_now.standing(find_sweep(settings, sweep_id), settings)
        sweep_now.table_of(now.sweep, settings)
    except BadRequest as error:
        st.error(refusal(error.message, error.hint))
        sweep_queue.show(settings, sweep_id)
        return
    with right:
        sweep_controls.show(now)
    sweep_controls.confirm(now)
    alive = now.words not in ("done", "stopped", "failed", "paused", "held back", "interrupted")
    every_s = sweep_now.LOOK_S if alive else sweep_now.IDLE_LOOK_S
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        what = _what()
        chart = st.checkbox("Live chart of the present run", key=state.FORM_SWEEP_CHART)
        _download(now)
    st.fragment(sweep_now.follow, run_every=every_s)(sweep_id, what, seen)
    sweep_queue.show(settings, sweep_id)
    if chart:
        st.fragment(sweep_now.chart, run_every=every_s)(sweep_id)


def _download(now: sweep_now.Standing) -> None:
    st.download_button(
        "Download sweep.json",
        json.dumps(specs.to_json(now.spec), indent=2),
        file_name=f"{now.sweep.sweep_id}.json",
        mime="application/json",
        key="sweep_download",
    )


def _what() -> str:
    """Shows what the cells can show and returns what they do."""
    names = list(sweep_matrix.SHOWN)
    st.session_state.setdefault(state.FORM_SWEEP_SHOWN, names[0])
    chosen: Any = st.segmented_control(
        "Cells show",
        names,
        format_func=lambda name: sweep_matrix.SHOWN[name],
        **address.bound(
            state.QUERY_SHOWN,
            state.FORM_SWEEP_SHOWN,
            read=lambda text: text if text in names else names[0],
            write=lambda name: "" if name == names[0] else str(name or ""),
        ),
    )
    return str(chosen or names[0])


def _watch(settings: Settings) -> None:
    """Runs the page again when somebody, in another tab or on the command line, starts the first sweep."""
    seen = sweep_now.signature(settings, None)
    st.fragment(sweep_now.watch, run_every=sweep_now.IDLE_LOOK_S)(seen)
