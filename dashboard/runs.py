"""The page of past runs: a table that can be searched, sorted and compared, and one run in detail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import links, run_delete, run_detail, run_rows, state
from dashboard.compare import QUERY_RUNS
from dashboard.run_rows import FIGURES, FILTERS, NEWEST, SEARCH, SORT, SORTS, TOKENS, Row, Wanted
from dashboard.words import plain
from orin_core.errors import BadRequest
from orin_core.report.overlay import MAX_RUNS, MIN_RUNS
from orin_core.runs.recording import list_runs

_KEY = "runs_{}"
_STYLE = """
<style>
[class*="st-key-runs_compare"] a { padding: 0.25rem 0.75rem; min-height: 2.5rem; border-radius: 4px;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.st-key-runs_compare_on a { background: light-dark(#0072b2, #1b7ab8) !important; }
.st-key-runs_compare_on a * { color: #fff !important; }
</style>
"""
"""The way to the comparison is a link that looks like the buttons beside it."""
_ANY = ""


def page() -> None:
    """Shows the table, or the run that the address names."""
    run_delete.tell()
    run_id = st.query_params.get(state.QUERY_RUN)
    if run_id:
        _detail(run_id)
    else:
        _table()


def _detail(run_id: str) -> None:
    finder = state.run_finder()
    active = finder.active()
    try:
        recording = finder.find(run_id)
        if recording is None:
            raise finder.missing(run_id)
    except BadRequest as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        st.query_params.pop(state.QUERY_RUN, None)
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("← All runs", key="all_runs"):
            run_delete.forget()
            st.query_params.pop(state.QUERY_RUN, None)
            st.rerun()
        run_detail.head(recording)
    run_detail.show(recording, active)


def _table() -> None:
    settings = state.settings()
    recordings = list_runs(settings.runs_dir)
    st.html(_STYLE)
    st.subheader("Runs")
    if not recordings:
        st.info(
            "There are no runs yet. Start one on the Live page, or bring old logs in on the Import "
            "page; each is kept here with its CSV and its figures."
        )
        links.link("import", "Import an old log")
        return
    active = state.run_finder().active()
    rows = [run_rows.row_of(recording, active) for recording in recordings]
    wanted = Wanted.of(st.query_params)
    found = run_rows.chosen(rows, wanted)
    filters = st.container()
    count = f"{len(rows)} run{'' if len(rows) == 1 else 's'}"
    shown = count if len(found) == len(rows) else f"{len(found)} of {count}"
    st.caption(
        f"{shown}. Tick runs at the left edge to open, compare or delete them.",
        help=f"They lie in {plain(settings.runs_dir)}.",
    )
    # Above the table, so that it is in sight however long that is; filled when the ticks are known.
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
    # Sent before the rest: a browser that is new here has the most to fetch for it.
    ticked = _ticked(found) if found else []
    with filters:
        _filters(rows, wanted)
    with bar:
        _bar([str(row["run"]) for row in ticked], offered=bool(found))


def _filters(rows: Sequence[Row], wanted: Wanted) -> None:
    """Shows search, filters and order; the address holds what they say, so that it can be passed on."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _bound(SEARCH, wanted.search)
        st.text_input(
            "Search",
            key=_KEY.format(SEARCH),
            on_change=_to_address,
            args=(SEARCH,),
            placeholder="model, mode, id …",
            width=210,
        )
        for name, label in FILTERS.items():
            value = wanted.filters.get(name, _ANY)
            options = run_rows.choices(rows, name)
            # A value that no run has stays visible: the page is then empty for a reason.
            unknown = [value] if value and value not in options else []
            _pick(name, label, {_ANY: "Any", **{option: option for option in (*options, *unknown)}}, value, 130)
        _pick(SORT, "Order", {name: words for name, (words, _, _) in SORTS.items()}, wanted.sort, 200)
        if wanted != Wanted():
            st.button("Clear", key="runs_clear", on_click=_clear, help="Shows all runs again, newest first.")


def _pick(name: str, label: str, labels: dict[str, str], value: str, width_px: int) -> None:
    _bound(name, value)
    st.selectbox(
        label,
        list(labels),
        format_func=lambda option: labels.get(option, option),
        key=_KEY.format(name),
        on_change=_to_address,
        args=(name,),
        width=width_px,
    )


def _bound(name: str, value: str) -> None:
    """Gives a widget what the address says: a link, the way back in the browser and a click mean the same."""
    st.session_state[_KEY.format(name)] = value


def _to_address(name: str) -> None:
    value = str(st.session_state.get(_KEY.format(name)) or "").strip()
    if value and not (name == SORT and value == NEWEST):
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _clear() -> None:
    for name in (SEARCH, SORT, *FILTERS):
        st.query_params.pop(name, None)


def _ticked(rows: Sequence[Row]) -> list[Row]:
    """Shows the table and returns the rows that are ticked in it."""
    # Ticks are kept by their place: with other rows it is another table, and none of them is ticked.
    places = hashlib.sha1(" ".join(str(row["run"]) for row in rows).encode(), usedforsecurity=False).hexdigest()
    columns = {title: [row[title] for row in rows] for title in rows[0] if title != "run"}
    of_text = any(one is not None for one in columns[TOKENS])
    if not of_text:
        del columns[TOKENS]
    chosen: Any = st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        width="stretch",
        height=min(36 + 35 * len(rows), 600),
        placeholder="",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"runs_table_{places[:12]}",
        column_config={
            "Started": st.column_config.DatetimeColumn("Started (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
            # Streamlit's own width goes by the first rows, and would cut SIMULATED off further down.
            "Validity": st.column_config.TextColumn(width=100),
            "Board and data": st.column_config.TextColumn(width=135),
            **{
                title: st.column_config.NumberColumn(run_rows.head_of(title, of_text=of_text), format=form)
                for title, form in FIGURES.values()
            },
        },
    )
    return [rows[place] for place in chosen["selection"]["rows"] if place < len(rows)]


def _bar(run_ids: Sequence[str], *, offered: bool) -> None:
    """Shows what can be done with the runs that are ticked; all of it always, so that the table stays in its place."""
    if run_delete.asking():
        return
    if not offered:
        st.info("No run is like this. Clear a filter or the search.")
        return
    count = len(run_ids)
    one, some = count == 1, MIN_RUNS <= count <= MAX_RUNS
    if st.button("Open this run", type="primary" if one else "secondary", disabled=not one, key="runs_open"):
        st.query_params[state.QUERY_RUN] = run_ids[0]
        st.rerun()
    # A link: the way back from the comparison is one step.
    with st.container(key="runs_compare_on" if some else "runs_compare", width="content"):
        links.link(
            "compare",
            f"Compare {count} runs" if some else "Compare",
            query=[(QUERY_RUNS, ",".join(run_ids))],
            disabled=not some,
            help=f"Lays {MIN_RUNS} to {MAX_RUNS} runs over each other.",
        )
    run_delete.offer(run_ids)
    if count > MAX_RUNS:
        st.caption(f"{count} runs are ticked; at most {MAX_RUNS} can be compared.")
