"""The Report page: results per model and power mode beside the published ones, what they say, and the mission view."""

from __future__ import annotations

import functools
import html
import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard import address, mission_view, report_charts, report_table, state
from dashboard.words import plain
from orin_core.report import guide, plots, table
from orin_core.report.published import PublishedRow, hub_id, published_rows
from orin_core.report.rows import ModelTable
from orin_core.report.write import write_report
from orin_core.runs import store
from orin_core.runs.recording import Recording, file_version, list_runs

QUERY_MODEL = "model"
"""Query key: the model that the page shows, by any of its names."""
FORM_MODEL = "form_report_model"
KEY_ALL = "report_all_models"
UNNAMED = "unnamed"
PLOTTED = 8
_MAX_GR3D_PCT = 103.0
Version = tuple[int, int]

_STYLE = """
<style>
.orin-findings { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 10px; }
.orin-finding { padding: 9px 14px 10px; border-radius: 8px; font-size: 14px; line-height: 1.45;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-left: 4px solid #0072B2; }
.orin-finding b { display: block; font-size: 13px; opacity: 0.8; margin-bottom: 2px; }
</style>
"""


def page() -> None:
    """Shows the results of the model that the address or the list names."""
    settings = state.settings()
    st.subheader("Report")
    tables = _tables(settings.runs_dir)
    chosen = _choose(tables)
    st.caption(plain(" ".join(part for part in (chosen.caption, chosen.common) if part)))
    if none := guide.no_runs(tables):
        st.info(
            f"{plain(none)} Start a run on the Live page, or bring old logs in on the Import page; "
            "it is then set beside them."
        )
    st.html(report_table.STYLE + _STYLE + report_table.results(chosen))
    _findings(chosen)
    _notes(chosen)
    _plots(chosen, settings.runs_dir)
    _downloads(chosen, settings.runs_dir)
    st.divider()
    mission_view.show(chosen)
    _other_published(tables)


def _tables(runs_dir: Path) -> tuple[ModelTable, ...]:
    """Returns the results of every model; read anew only where a run has come or changed."""
    versions = []
    for recording in list_runs(runs_dir):
        version = file_version(recording.folder / store.SUMMARY)
        # Without one it goes on, or was interrupted. The rows are looked at as well: they may be lost.
        if version != (0, 0):
            versions.append((recording.run_id, version, file_version(recording.csv_path)))
    return _built(runs_dir, tuple(versions))


@functools.lru_cache(maxsize=2)
def _built(runs_dir: Path, versions: tuple[tuple[str, Version, Version], ...]) -> tuple[ModelTable, ...]:
    return table.build([Recording(folder=runs_dir / run_id) for run_id, _, _ in versions])


def _choose(tables: Sequence[ModelTable]) -> ModelTable:
    by_name = {one.model or UNNAMED: one for one in tables}
    if st.session_state.get(FORM_MODEL) not in by_name:
        st.session_state[FORM_MODEL] = next(iter(by_name))
    name = st.selectbox(
        "Model",
        list(by_name),
        format_func=lambda name: by_name[name].label,
        width=360,
        **address.bound(QUERY_MODEL, FORM_MODEL, read=lambda asked: _named(asked, list(by_name)), write=str),
    )
    return by_name[str(name)]


def _named(asked: str, names: Sequence[str]) -> str:
    """Returns the model that an address names, the one shown before where there is none such, which is then said."""
    named = next((name for name in names if hub_id(name) == hub_id(asked)), None)
    if named is None:
        st.warning(f"There are neither runs nor published figures of a model {plain(asked)}.")
    return named or str(st.session_state[FORM_MODEL])


def _findings(chosen: ModelTable) -> None:
    found = guide.findings(chosen)
    boxes = "".join(
        f'<div class="orin-finding"><b>{html.escape(one.name)}</b>{html.escape(one.text)}</div>' for one in found
    )
    if boxes:
        st.html(f'<div class="orin-findings">{boxes}</div>')


def _notes(chosen: ModelTable) -> None:
    if chosen.notes:
        st.html(report_table.listed("Notes", chosen.notes))
    with st.expander("How to read this table"):
        st.markdown("\n".join(f"- {plain(line)}" for line in guide.GUIDE))


def _plots(chosen: ModelTable, runs_dir: Path) -> None:
    rows = [row for row in plots.plotted_rows(chosen) if row.run_id][:PLOTTED]
    read = {row.test: _trace(Recording(folder=runs_dir / str(row.run_id))) for row in rows}
    traces = {name: trace for name, trace in read.items() if trace is not None}
    if not traces:
        return
    st.markdown("**GPU load and RAM over time**, the newest run of each row; the dotted line is where measure began")
    for column, kind, label, high in zip(
        st.columns(2),
        (plots.GR3D, plots.USED_RAM),
        ("GPU load, GR3D (%)", "RAM in use (MB)"),
        (_MAX_GR3D_PCT, None),
        strict=True,
    ):
        with column:
            st.plotly_chart(
                report_charts.series(traces, kind, label, high),
                key=f"report_{kind}",
                config={"displayModeBar": False},
                alt=f"{label} over time, one line for each row of the table",
            )
    left_out = sum(bool(row.run_ids) for row in chosen.rows) - len(rows)
    if left_out:
        st.caption(f"{left_out} more rows are not drawn.")


def _trace(recording: Recording) -> plots.Trace | None:
    """Returns what is drawn of a run; read anew only where a file of it has changed."""
    return _trace_of(recording, (file_version(recording.csv_path), file_version(recording.folder / store.SUMMARY)))


@functools.lru_cache(maxsize=4 * PLOTTED)
def _trace_of(recording: Recording, versions: tuple[tuple[int, int], ...]) -> plots.Trace | None:
    return plots.read_trace(recording)


def _downloads(chosen: ModelTable, runs_dir: Path) -> None:
    """Shows one button per form of the report; a file is made when its button is pressed."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Download this report**", width="content")
        everything = st.checkbox("All models", key=KEY_ALL, help="Puts every model into the report, not only this one.")
        models = _models(chosen.model, everything)
        stem = "report" if models is None else f"report_{chosen.slug}"
        for label, form, ending, mime in (
            ("Markdown with plots (zip)", "md", ".zip", "application/zip"),
            ("HTML, one file", "html", ".html", "text/html"),
            ("CSV", "csv", ".csv", "text/csv"),
        ):
            st.download_button(
                label,
                functools.partial(_report_file, runs_dir, models, form),
                file_name=stem + ending,
                mime=mime,
                on_click="ignore",
                key=f"report_{form}",
            )


def _models(model: str | None, everything: bool) -> tuple[str, ...] | None:
    """Returns the models of a download: the one that is shown, or None for all."""
    return None if everything else (model or table.UNNAMED,)


def _report_file(runs_dir: Path, models: tuple[str, ...] | None, form: str) -> bytes:
    """Returns one form of the report as a file; Markdown comes with its pictures, zipped."""
    with tempfile.TemporaryDirectory(prefix="orin-report-") as folder:
        written = write_report(runs_dir, Path(folder), models=models, formats=(form,))
        if form != "md":
            return next(path for path in written if path.suffix == f".{form}").read_bytes()
        return zipped(Path(folder))


def zipped(folder: Path) -> bytes:
    """Returns everything in a folder as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _other_published(tables: Sequence[ModelTable]) -> None:
    """Shows the published rows of models that no table is about: those that are no image models."""
    shown = {hub_id(one.model) for one in tables if one.model}
    others: dict[str, list[PublishedRow]] = {}
    for row in published_rows():
        if hub_id(row.model) not in shown:
            others.setdefault(row.model, []).append(row)
    for model, rows in others.items():
        with st.expander(f"Also published: {plain(model)}"):
            heads = ("Test", "", "Tokens/s", "Average GPU %", "Average RAM (MB)", "Time (s)", "Power Draw (W)")
            cells = [
                (
                    row.power_mode,
                    "",
                    "" if row.tokens_per_s is None else f"{row.tokens_per_s:.2f}",
                    f"{row.average_gpu_pct:.2f}",
                    f"{row.average_ram_mb:.0f}",
                    f"{row.total_inference_time_s:.2f}",
                    f"{row.power_draw_w:.2f}",
                )
                for row in rows
            ]
            st.html(report_table.plain_table(f"Published rows of {model}", heads, cells))
