"""The report of one sweep as a file to keep: what ``sweep report`` writes, in one zip."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.report import zipped
from orin_core.runs import store
from orin_core.sweeps.report import make_report
from orin_core.sweeps.state import Progress, Sweep


def offer(sweep: Sweep, progress: Progress) -> None:
    """Shows the button once a cell is done and its run is there; the files are made when it is pressed.

    Args:
        sweep: which; of one that goes on the report holds what has ended so far.
        progress: where it stands.
    """
    runs_dir = state.settings().runs_dir
    if not any(one.run_id and (runs_dir / one.run_id / store.SUMMARY).is_file() for one in progress.cells.values()):
        return
    st.download_button(
        "Download report (zip)",
        functools.partial(report_zip, sweep.sweep_id, runs_dir),
        file_name=f"{sweep.sweep_id}_report.zip",
        mime="application/zip",
        on_click="ignore",
        key="sweep_report",
        help="Results table, batch sizes and repeats as Markdown, HTML and CSV, with the data of the runs.",
    )


def report_zip(sweep_id: str, runs_dir: Path) -> bytes:
    """Returns the report of a sweep, every form of it, as a zip.

    Args:
        sweep_id: name of its folder.
        runs_dir: folder of run folders.

    Raises:
        BadRequest: no run of the sweep has figures any more.
        RunFailed: the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix="orin-report-") as folder:
        make_report(sweep_id, runs_dir, Path(folder))
        return zipped(Path(folder))
