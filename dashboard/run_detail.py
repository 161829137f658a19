"""One run in detail: what its figures are worth, then the figures, the chart, what was found, the logs, the notes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import (
    board,
    gallery,
    links,
    method_line,
    run_again,
    run_delete,
    run_facts_view,
    state,
    summary_view,
    sweep_hold,
)
from dashboard.live_chart import live_chart
from dashboard.words import asked_text, item_of, plain
from orin_core.errors import BadRequest, OrinError
from orin_core.runs import store
from orin_core.runs.judged import judged_summary
from orin_core.runs.notes import edited_utc, read_notes, write_notes
from orin_core.runs.recording import Recording
from orin_core.runs.rows_check import lost_rows
from orin_core.spec import MAX_NOTES
from orin_core.sweeps.state import find_sweep

_KEY_NOTES = "run_notes_{}"
_KEY_NOTES_LOADED = "run_notes_loaded_{}"
"""The notes that were in the file when the text to be edited was taken from it."""
_LOG_HEIGHT_PX = 260


def head(recording: Recording) -> None:
    """Shows which run this is, in one line where there is room."""
    st.markdown(f"`{recording.run_id}`", width="content")
    spec = recording.spec()
    if spec.get("model"):
        st.caption(plain(asked_text(spec, item_of(recording.environment()))), width="content")
    _sweep_link(spec)


def _sweep_link(spec: dict[str, Any]) -> None:
    """Shows of which sweep a run is a cell, where that sweep is still here."""
    sweep_id = spec.get("sweep")
    if not isinstance(sweep_id, str):
        return
    try:
        sweep = find_sweep(state.settings(), sweep_id)
    except BadRequest:
        return
    label = f"Cell {plain(spec.get('cell'))} of sweep {plain(sweep_hold.name_of(sweep))}"
    links.link("sweep", label, query=[(state.QUERY_SWEEP, sweep_id)])


def show(recording: Recording, active: Recording | None) -> None:
    """Shows a run.

    Args:
        recording: the run; it may still go on.
        active: the run that holds the board, if any.
    """
    summary = judged_summary(recording)
    is_on = active is not None and active.run_id == recording.run_id
    _actions(recording, is_on=is_on)
    if summary:
        summary_view.show(summary, method_line.text(recording))
        if lost := lost_rows(recording, summary):
            st.warning(f"{plain(lost)}. The figures are those that were made from the whole file; the chart is not.")
    elif is_on:
        st.info("This run is going on; its figures come when it has ended.")
    else:
        summary_view.ended({"state": "running", **recording.status()})
    live_chart(
        run=recording.run_id,
        active=active.run_id if active else None,
        # Else nobody would tell this page that the run has ended.
        follow=is_on,
        key="detail_chart",
        span_s=0,
    )
    gallery.show(recording)
    _notes(recording)
    if summary:
        summary_view.details(summary, recording.spec())
    _environment(recording)
    _log(recording)


def _actions(recording: Recording, *, is_on: bool) -> None:
    """Shows what can be done with the run: download, repeat, delete."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="content"):
            summary_view.downloads(recording.run_id)
        if is_on:
            links.link("live", "To the Live page")
        else:
            run_again.offer(recording.spec(), board.look(state.settings()))
            if st.session_state.get(run_delete.KEY_ASKED) != (recording.run_id,):
                run_delete.offer([recording.run_id])
    run_delete.asking(recording.run_id)


def _notes(recording: Recording) -> None:
    """Shows the notes, to be edited at any time."""
    key, key_loaded = _KEY_NOTES.format(recording.run_id), _KEY_NOTES_LOADED.format(recording.run_id)
    kept = read_notes(recording)
    loaded: str | None = st.session_state.get(key_loaded)
    typed = key in st.session_state and not _same(st.session_state[key], loaded or "")
    if not typed or _same(st.session_state[key], kept):
        # Nothing of this tab would be lost, so it shows what is in the file by now.
        if key not in st.session_state or loaded != kept:
            st.session_state[key] = kept[:MAX_NOTES]
        loaded, typed = kept, False
        st.session_state[key_loaded] = kept
    with st.expander("Notes" if kept else "Notes (none yet)", expanded=bool(kept)):
        text: str = st.text_area(
            "Notes",
            key=key,
            max_chars=MAX_NOTES,
            height=110,
            label_visibility="collapsed",
            placeholder="Fan, case, supply, anything unusual; they are kept in the run folder.",
        )
        if typed and loaded != kept:
            _changed_elsewhere(recording, text, kept)
            return
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button("Save notes", key="run_notes_save"):
                _save(recording, text, instead_of=kept)
            edited = edited_utc(recording)
            if edited:
                st.caption(f"Edited {plain(edited[:19].replace('T', ' '))} UTC.")
            if typed:
                st.caption("Not saved yet.")


def _same(typed: str, kept: str) -> bool:
    """Returns whether the text to be edited is what is kept, as far as it can be edited."""
    return typed.strip() == kept[:MAX_NOTES].strip()


def _changed_elsewhere(recording: Recording, text: str, kept: str) -> None:
    """Says that these notes and those in the file have both changed, and lets a person decide."""
    st.warning(
        "These notes were changed elsewhere while you were typing; yours are not saved. They now say: "
        + (plain(kept) or "nothing")
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("Save mine instead", key="run_notes_mine"):
            _save(recording, text, instead_of=kept)
        if st.button("Take theirs", key="run_notes_theirs"):
            _forget_typed(recording)
            st.rerun()


def _save(recording: Recording, text: str, *, instead_of: str) -> None:
    try:
        write_notes(recording, text, instead_of=instead_of)
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    else:
        _forget_typed(recording)
    st.rerun()


def _forget_typed(recording: Recording) -> None:
    """Has the text read anew from the file, as any other tab does."""
    st.session_state.pop(_KEY_NOTES.format(recording.run_id), None)


def _environment(recording: Recording) -> None:
    table = run_facts_view.environment_table(recording.environment())
    with st.expander("Environment"):
        if table:
            st.html(run_facts_view.STYLE + table)
        else:
            st.caption("Nobody wrote down what was found before this run.")


def _log(recording: Recording) -> None:
    """Shows events and the ends of the logs; texts of others, so as text and nothing else."""
    with st.expander("Events and logs"):
        events = run_facts_view.events_table(recording)
        if events:
            st.markdown("**Events**, newest first")
            with st.container(height=_LOG_HEIGHT_PX):
                st.html(run_facts_view.STYLE + events)
        shown = bool(events)
        for name in (store.WORKER_LOG, run_facts_view.RUNNER_LOG):
            text = run_facts_view.tail(recording.folder / name)
            if text.strip():
                shown = True
                st.markdown(f"**The end of `{name}`**")
                st.code(text, language=None, wrap_lines=True, height=_LOG_HEIGHT_PX)
        if not shown:
            st.caption("There are no events and no logs.")
