"""What became of a cut that was accepted: new runs, and those that an earlier import had made."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import links, state
from dashboard.words import plain
from orin_core.runs.importing import Imported


def show(made: Sequence[Imported], *, key: str) -> None:
    """Shows the runs of an accepted cut, each with a link to it that keeps what this tab holds.

    Args:
        made: the runs, in order.
        key: names the box.
    """
    with st.container(key=key, border=True, gap="small"):
        st.markdown(f"**{heading(made)}**")
        for one in made:
            _run(one)
        if any(one.already and not one.alike and one.recording.folder.is_dir() for one in made):
            st.caption(
                "Model, data set, images and mode that are typed now do not change a run that is there. To change "
                "them, open the run, delete it there, come back and accept again."
            )


def heading(made: Sequence[Imported]) -> str:
    """Returns how many of the runs are new."""
    there = sum(one.already for one in made)
    if not there:
        return "✔ Kept."
    if there == len(made) and all(one.alike for one in made):
        return "Nothing was stored: another file holds the same rows."
    if there == len(made):
        return "Nothing was stored: this was imported before."
    return f"✔ {_runs(len(made) - there)} kept; {_runs(there)} imported before."


def _runs(count: int) -> str:
    return "1 run was" if count == 1 else f"{count} runs were"


def _run(one: Imported) -> None:
    run_id = plain(one.recording.run_id)
    if not one.recording.folder.is_dir():
        st.caption(f"{run_id} was removed since.")
        return
    links.link("runs", f"Open {run_id}", query=[(state.QUERY_RUN, one.recording.run_id)])
    said = [f"It was imported before and is as it was: {_is(one)}."] if one.already and not one.alike else []
    for text in (*said, *one.notes):
        st.caption(plain(text))


def _is(one: Imported) -> str:
    """Returns what an earlier import said of a run: what was typed now changed none of it."""
    spec = one.recording.spec()
    items = spec.get("items")
    parts = [
        str(spec.get("model") or "model not known"),
        str(spec.get("dataset") or "data set not known"),
        f"{items:,} images" if isinstance(items, int) else "images not known",
    ]
    return ", ".join(parts)
