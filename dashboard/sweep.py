"""The Sweeps page: the queue of the board, a sweep as a matrix that fills live, and the form of a new one."""

from __future__ import annotations

import datetime
import json
from typing import Any

import streamlit as st

from dashboard import (
    address,
    board,
    links,
    local_time,
    state,
    sweep_controls,
    sweep_head,
    sweep_matrix,
    sweep_now,
    sweep_queue,
    sweep_report,
    sweep_start,
)
from dashboard.live_chart import live_chart
from dashboard.sweep_board import sweep_board
from dashboard.sweep_head import Standing
from dashboard.words import plain, refusal
from orin_core.settings import Settings
from orin_core.sweeps import queue
from orin_core.sweeps import spec as specs
from orin_core.sweeps.state import Sweep, list_sweeps

_INTRO = (
    "**1.** A sweep runs every model in every power mode, unattended: choose them below, or write a `sweep.json`.  \n"
    "**2.** **Check** says how many runs, how long, until when and how much disk; only then can it be started.  \n"
    "**3.** The matrix fills by itself. Close this page, pull the plug: the sweep goes on where it was."
)
_EXAMPLE = (
    "For example, two models in two modes, each run twice, are 8 runs of about two minutes. Save this as `sweep.json` "
    "and start it with `python -m orin_core sweep start sweep.json`, or take it over into the form."
)


def page() -> None:
    """Shows the page."""
    settings = state.settings()
    _keep_said()
    sweep_start.jump()
    sweeps = list_sweeps(settings)
    asked = st.query_params.get(state.QUERY_NEW) is not None
    view = board.look(settings)
    # Once, and not with every refresh of what changes.
    st.html(sweep_head.STYLE + sweep_matrix.STYLE)
    _head(new=asked, any_sweeps=bool(sweeps))
    if view.error:
        st.error(refusal(view.error.message, view.error.hint))
    if view.kind == "simulated" and (asked or not sweeps):
        # The form is for this board; a sweep that is shown may be of another one.
        st.html(f'<div class="orin-sweep-note">{sweep_head.SIMULATED}</div>')
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
        st.session_state[state.KEY_SWEEP_GONE] = asked[:80]
        del st.query_params[state.QUERY_SWEEP]
        st.session_state.pop(state.FORM_SWEEP, None)
    if gone := st.session_state.get(state.KEY_SWEEP_GONE):
        st.warning(plain(f"There is no sweep {gone} (any more); another one is shown."))
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
    try:
        begun = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return sweep_id
    return f"{local_time.here(begun):%Y-%m-%d %H:%M} · {name} · {salt}"


def _sweep(settings: Settings, sweeps: list[Sweep]) -> None:
    left, right = st.columns([3, 2], vertical_alignment="bottom", gap="small")
    with left:
        sweep_id = _choose(sweeps)
    what = sweep_matrix.chosen(st.query_params.get(state.QUERY_SHOWN) or st.session_state.get(state.FORM_SWEEP_SHOWN))
    with st.spinner("Reading the sweep …"):
        moment = sweep_now.look(settings, sweep_id, what)
    now = moment.standing
    if now is None:
        if moment.error:
            st.error(refusal(moment.error.message, moment.error.hint))
        _board(settings, moment, sweep_id, what)
        sweep_queue.show(settings, sweep_id)
        return
    with right:
        sweep_controls.show(now)
    sweep_controls.confirm(now)
    sweep_controls.warn(now)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        _what()
        chart = moment.run_id is not None and _wants_chart()
        _download(now)
        sweep_report.offer(now.sweep, now.progress)
    _board(settings, moment, sweep_id, what)
    if chart and moment.run_id:
        active = state.run_finder().active()
        live_chart(
            run=moment.run_id,
            active=active.run_id if active else None,
            # The board beside it has the page run again.
            follow=False,
            span_s=600,
            key=state.KEY_SWEEP_CHART,
        )
    sweep_queue.show(settings, sweep_id)


def _board(settings: Settings, moment: sweep_now.Moment, sweep_id: str | None, what: str) -> None:
    """Shows what changes by itself, and the run that somebody chooses there."""
    chosen = sweep_board(sweep_id=sweep_id, what=what, moment=moment, key=state.KEY_SWEEP_BOARD, on_changed=_by_itself)
    if chosen is not None:
        kind, run_id = chosen
        links.go("live" if kind == "live" else "runs", query=[(state.QUERY_RUN, run_id)])


def _by_itself() -> None:
    """Notes that nobody has pressed anything: what was said last has still to be read."""
    st.session_state[state.KEY_SWEEP_BY_ITSELF] = True


def _keep_said() -> None:
    """Keeps the last refusal in sight until somebody does something."""
    if st.session_state.pop(state.KEY_SWEEP_BY_ITSELF, False):
        if state.KEY_SWEEP_SAID in st.session_state:
            st.session_state.setdefault(state.KEY_ERROR, st.session_state[state.KEY_SWEEP_SAID])
    else:
        st.session_state.pop(state.KEY_SWEEP_SAID, None)
        st.session_state.pop(state.KEY_SWEEP_GONE, None)
    if state.KEY_ERROR in st.session_state:
        st.session_state[state.KEY_SWEEP_SAID] = st.session_state[state.KEY_ERROR]


def _wants_chart() -> bool:
    """Shows whether the chart is folded away and returns whether it is wanted; it is at first."""
    st.session_state.setdefault(state.FORM_SWEEP_CHART, True)
    return bool(
        st.checkbox(
            "Live charts of the present run",
            **address.bound(
                state.QUERY_CHART,
                state.FORM_SWEEP_CHART,
                read=lambda text: text != "0",
                write=lambda wanted: "" if wanted in (None, True) else "0",
            ),
        )
    )


def _download(now: Standing) -> None:
    st.download_button(
        "Download sweep.json",
        json.dumps(specs.to_json(now.spec), indent=2),
        file_name=f"{now.sweep.sweep_id}.json",
        mime="application/json",
        key="sweep_download",
    )


def _what() -> None:
    """Shows what the cells can show."""
    names = list(sweep_matrix.SHOWN)
    st.session_state.setdefault(state.FORM_SWEEP_SHOWN, names[0])
    st.segmented_control(
        "Cells show",
        names,
        format_func=lambda name: sweep_matrix.SHOWN[name],
        **address.bound(
            state.QUERY_SHOWN,
            state.FORM_SWEEP_SHOWN,
            read=sweep_matrix.chosen,
            write=lambda name: "" if name == names[0] else str(name or ""),
        ),
    )


def _watch(settings: Settings) -> None:
    """Runs the page again when somebody, in another tab or on the command line, starts the first sweep."""
    what = sweep_matrix.chosen(None)
    _board(settings, sweep_now.look(settings, None, what), None, what)
