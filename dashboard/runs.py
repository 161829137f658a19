"""The page of past runs: a table, newest first, and one run in detail."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import state, summary_view, verdict_view
from dashboard.live_chart import live_chart
from dashboard.words import plain, source_label, started_utc
from orin_core.analysis.verdict import Status
from orin_core.errors import BadRequest
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording, list_runs
from orin_core.spec import RunState

_COLUMNS: dict[str, tuple[str, str]] = {
    "fps_end_to_end": ("FPS", "%.2f"),
    "gr3d_pct_mean": ("GR3D (%)", "%.1f"),
    "ram_used_mb_mean": ("RAM (MB)", "%.0f"),
    "power_w_mean": ("Power (W)", "%.2f"),
    "energy_per_item_j": ("J / image", "%.3f"),
    "items_per_joule": ("Images / J", "%.3f"),
    "tj_c_max": ("Hottest (°C)", "%.1f"),
}


def _summary(recording: Recording) -> dict[str, Any] | None:
    """Returns what the table shows of a run that has ended."""
    summary = judged_summary(recording)
    if summary is None:
        return None
    energy_j = summary.get("energy_per_item_j")
    if energy_j and summary.get("items_per_joule") is None:  # of an older version, without the rows to tell it anew
        summary["items_per_joule"] = 1 / energy_j
    kept = ("model", "dataset", "power_mode", "state", "profile", "source", "simulated", "weights", "images")
    verdict = verdict_view.verdict_of(summary)
    # Figures that cannot be true are left out; the run's own page says why.
    figures = {key: None if verdict.status is Status.IMPLAUSIBLE else summary.get(key) for key in _COLUMNS}
    return {**{key: summary.get(key) for key in kept}, **figures, "validity": verdict.badge}


def _row(recording: Recording, active: Recording | None) -> dict[str, Any]:
    found = _summary(recording)
    if found is None:
        running = active is not None and active.run_id == recording.run_id
        state_text = RunState.RUNNING.value if running else RunState.INTERRUPTED.value
        found = {**recording.status(), "state": state_text}
    return {
        "run": recording.run_id,
        "Started": started_utc(recording.run_id),
        "Model": found.get("model") or "",
        "Images": found.get("dataset") or "",
        "Mode": found.get("power_mode") or "",
        "Validity": found.get("validity") or "",
        "State": found.get("state"),
        # Before the figures, so that it is in sight on a small screen.
        "Board and data": source_label(found),
        **{title: found.get(key) for key, (title, _) in _COLUMNS.items()},
        "Profile": found.get("profile") or "",
    }


def page() -> None:
    """Shows the table, or the run that the address names."""
    run_id = st.query_params.get(state.QUERY_RUN)
    if run_id:
        _detail(run_id)
    else:
        _table()


def _table() -> None:
    settings = state.settings()
    recordings = list_runs(settings.runs_dir)
    st.subheader("Runs")
    if not recordings:
        st.info(
            "There are no runs yet. Start one on the Live page, or bring old logs in on the Import "
            "page; each is kept here with its CSV and its figures."
        )
        return
    active = state.run_finder().active()
    frame = pd.DataFrame([_row(recording, active) for recording in recordings])
    count = f"{len(frame)} run{'' if len(frame) == 1 else 's'}"
    st.caption(f"{count} in {plain(settings.runs_dir)}. Select a row to open it.")
    chosen = st.dataframe(
        frame.drop(columns="run"),
        hide_index=True,
        width="stretch",
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        key="runs_table",
        column_config={
            "Started": st.column_config.DatetimeColumn("Started (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
            **{title: st.column_config.NumberColumn(title, format=form) for title, form in _COLUMNS.values()},
        },
    )
    rows = chosen["selection"]["rows"]
    if rows:
        st.query_params[state.QUERY_RUN] = str(frame["run"].iloc[rows[0]])
        st.rerun()


def _detail(run_id: str) -> None:
    if st.button("← All runs", key="all_runs"):
        st.query_params.pop(state.QUERY_RUN, None)
        st.session_state.pop("runs_table", None)
        st.rerun()
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
    summary = judged_summary(recording)
    st.markdown(f"`{recording.run_id}`")
    if summary:
        summary_view.show(summary)
    elif active is None or active.run_id != recording.run_id:
        summary_view.ended(recording.status())
    live_chart(
        run=recording.run_id, active=active.run_id if active else None, follow=False, key="detail_chart", span_s=0
    )
    if summary:
        summary_view.details(summary)
    summary_view.downloads(recording.run_id)
