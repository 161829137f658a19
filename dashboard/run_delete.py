"""Deleting runs from the page: asked once, refused for the run that holds the board."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import state
from dashboard.words import plain
from orin_core.errors import OrinError
from orin_core.runs.removal import delete_run

KEY_ASKED = "runs_delete_asked"
KEY_TOLD = "runs_deleted"
_NAMED = 4


def forget() -> None:
    """Takes a question back that nobody answered."""
    st.session_state.pop(KEY_ASKED, None)


def offer(run_ids: Sequence[str]) -> None:
    """Shows the button; it only asks."""
    label = f"Delete {len(run_ids)} runs" if len(run_ids) > 1 else "Delete"
    if st.button(label, key="runs_delete", disabled=not run_ids):
        st.session_state[KEY_ASKED] = tuple(run_ids)
        st.rerun()


def asking(only: str | None = None) -> bool:
    """Shows the question, and does what is answered.

    It is about the runs that it was asked for, whatever is ticked or comes into the list meanwhile, as long as
    they are there.

    Args:
        only: the run that is looked at: a question about others is taken back. None where all are listed.

    Returns:
        Whether the question is shown.
    """
    asked: tuple[str, ...] = st.session_state.get(KEY_ASKED, ())
    finder = state.run_finder()
    run_ids = [run_id for run_id in asked if finder.find(run_id) is not None]
    if not run_ids or (only is not None and run_ids != [only]):
        forget()
        return False
    with st.container(border=True):
        named = ", ".join(plain(run_id) for run_id in run_ids[:_NAMED])
        more = f" and {len(run_ids) - _NAMED} more" if len(run_ids) > _NAMED else ""
        what = "this run" if len(run_ids) == 1 else f"these {len(run_ids)} runs"
        st.markdown(f"**Delete {what} for good?** {named}{more}. The CSV, the logs and the notes go with it.")
        with st.container(horizontal=True, gap="small"):
            if st.button("Delete for good", type="primary", key="runs_delete_yes"):
                _delete(run_ids)
                st.rerun()
            if st.button("Keep", key="runs_delete_no"):
                forget()
                st.rerun()
    return True


def tell() -> None:
    """Says once what was deleted."""
    text = st.session_state.pop(KEY_TOLD, "")
    if text:
        st.toast(text)


def _delete(run_ids: Sequence[str]) -> None:
    """Deletes what can be deleted; the first refusal is shown, and how many runs went."""
    forget()
    refused = [error for error in map(_refusal, run_ids) if error is not None]
    deleted = len(run_ids) - len(refused)
    if refused:
        others = f" {deleted} of {len(run_ids)} runs were deleted." if len(run_ids) > 1 else ""
        st.session_state[state.KEY_ERROR] = (refused[0].message, refused[0].hint + others)
    elif deleted:
        st.session_state[KEY_TOLD] = "1 run was deleted." if deleted == 1 else f"{deleted} runs were deleted."
    if not refused and st.query_params.get(state.QUERY_RUN) in run_ids:
        st.query_params.pop(state.QUERY_RUN, None)


def _refusal(run_id: str) -> OrinError | None:
    """Deletes a run; returns why not, None where it is gone."""
    finder = state.run_finder()
    try:
        recording = finder.find(run_id)
        if recording is None:
            return finder.missing(run_id)
        delete_run(recording, state.settings())
    except OrinError as error:
        return error
    return None
