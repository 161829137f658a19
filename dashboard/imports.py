"""The page of old logs: drop files, see the cut that is proposed, move it, accept it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard import cut_chart, cut_kept, state
from dashboard.cut_form import cut_inputs, input_key, subject_inputs
from dashboard.cut_shelf import SHELF
from dashboard.cut_table import Cut, cut_table, proposed_cuts, what_is_wrong
from dashboard.words import length_text, plain, refusal
from orin_core.errors import OrinError
from orin_core.runs import importing
from orin_core.runs.import_facts import NO_MODEL
from orin_core.runs.importing import Imported, Proposal

MAX_MB = 100
"""Largest upload; a longer log goes in packed (gzip makes it ten times smaller), or by the command line."""
_ENDINGS = ("txt", "log", "csv", "gz")
_DIALECTS = {
    "tegrastats": "tegrastats text",
    "scales": "CSV in the SCALES layout",
    "parser": "CSV of the older tegrastats_parser",
    "run": "CSV of this dashboard",
}
_KEY_DROPS = "import_drops"
"""How often files were taken out of the uploader of this tab."""
_MAX_NAME = 60
_LATE_S = 0.5


@dataclasses.dataclass(slots=True, kw_only=True)
class Opened:
    """One file of this tab.

    Args:
        upload: the file itself, and its name on the person's machine, which is foreign text. It is kept here, since
            the uploader forgets its files when another page is shown.
        refused: what was wrong and what can be done, where it was refused.
        cuts: the runs as they are marked now; None before the log was read.
        stored: the runs that were made of it.
    """

    upload: Any
    refused: tuple[str, str] = ("", "")
    cuts: list[Cut] | None = None
    stored: tuple[Imported, ...] = ()


def page() -> None:
    """Shows the page."""
    st.subheader("Import")
    st.caption(
        "Old logs become runs: tegrastats text, or a CSV that tegrastats_parser or the SCALES scripts wrote. "
        "The runs in a log are found and marked; look at the cut, move it where you know better, and accept. "
        "Idle, loading and pauses between runs stay out of the means. Imported figures are never VALID: nobody "
        "could watch the protocol."
    )
    measuring = state.run_finder().active() is not None
    if measuring:
        st.info(
            "A run is being measured, and reading logs would disturb it. What is dropped here is kept as long as this "
            "tab is open, and read when the run has ended."
        )
    opened: dict[str, Opened] = st.session_state.setdefault(state.KEY_IMPORT_OPENED, {})
    _drop(opened)
    for file_id, one in list(opened.items()):
        with st.container(border=True):
            _file(file_id, one, measuring=measuring)


def _drop(opened: dict[str, Opened]) -> None:
    """Shows where files are dropped, and takes those that were out of it."""
    drops = st.session_state.setdefault(_KEY_DROPS, 0)
    uploads = st.file_uploader(
        "Logs",
        type=list(_ENDINGS),
        accept_multiple_files=True,
        max_upload_size=MAX_MB,
        key=f"{state.KEY_IMPORT_UPLOADS}_{drops}",
        help="Plain or gzip. A CSV that holds no date gets the time of its upload. "
        "On the command line: python -m orin_core import FILE",
    )
    if uploads:
        opened |= {upload.file_id: Opened(upload=upload) for upload in uploads}
        # Another one, empty: the files that are here have boxes of their own.
        st.session_state[_KEY_DROPS] = drops + 1
        st.rerun()


def _remove(file_id: str) -> None:
    """Forgets a file with all that was typed for it."""
    st.session_state[state.KEY_IMPORT_OPENED].pop(file_id, None)
    SHELF.drop(file_id)
    for key in [key for key in st.session_state if str(key).startswith(input_key(f"import_{file_id}"))]:
        del st.session_state[key]


def _safe_name(name: str) -> str:
    """Returns a name that may become a file in a folder of ours, its end kept since it tells the kind."""
    kept = "".join(letter for letter in Path(name.replace("\\", "/")).name if letter.isprintable())
    return kept[-_MAX_NAME:].lstrip(".") or "log.txt"


def _proposal(file_id: str, opened: Opened, *, measuring: bool) -> Proposal | None:
    """Returns the log and its cut, read where it is not at hand; None where it was refused or must wait."""
    kept = SHELF.get(file_id)
    if kept is not None or measuring or opened.refused[0]:
        return kept
    try:
        with (
            tempfile.TemporaryDirectory(prefix="orin-import-") as folder,
            st.spinner(f"Reading {plain(opened.upload.name)} …"),
        ):
            # Its copy on disk goes with the folder.
            proposal = importing.propose(_written(opened.upload, folder))
    except OrinError as error:
        opened.refused = (error.message, error.hint)
    except OSError as error:
        opened.refused = (f"The upload could not be kept: {error.strerror or error}.", "Is the disk full?")
    else:
        SHELF.put(file_id, proposal)
        if opened.cuts is None:
            opened.cuts = proposed_cuts(proposal.stretches)
        return proposal
    return None


def _written(upload: Any, folder: str) -> Path:
    path = Path(folder) / _safe_name(upload.name)
    path.write_bytes(upload.getbuffer())
    return path


def _file(file_id: str, opened: Opened, *, measuring: bool) -> None:
    """Shows one file: what it is, the chart with its cut, the runs, and the button that keeps them."""
    key = f"import_{file_id}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(opened.upload.name)}**")
        st.button("Remove", key=f"{key}_remove", on_click=_remove, args=(file_id,))
    proposal, cuts = _proposal(file_id, opened, measuring=measuring), opened.cuts
    if opened.refused[0]:
        st.error(refusal(*opened.refused))
        return
    if proposal is None or cuts is None:
        st.caption("It is read when the run has ended.")
        return
    st.caption(_origin(proposal))
    for note in proposal.log.notes:
        st.caption(f"⚠ {plain(note)}")
    if not proposal.stretches:
        st.warning("No run was found in this log: the GPU is never busy for long. Mark one by hand, if there is one.")
    chart, table = st.container(), st.container()
    cut_inputs(proposal, cuts, key=key)
    series = proposal.log.series
    with chart:
        spans = [(cut.start_s, cut.end_s) for cut in cuts]
        drawn = cut_chart.figure(series.t_s, series.gr3d_pct, series.power_w, spans)
        st.plotly_chart(drawn, key=f"{key}_chart", config={"displayModeBar": False})
    with table:
        st.html(cut_table(proposal, cuts))
    wrong = what_is_wrong(proposal, cuts)
    if wrong:
        st.error(plain(wrong))
    subject = subject_inputs(key=key)
    if subject[0] is None:
        st.caption(f"⚠ {plain(NO_MODEL)}")
    twice = _asked_twice(opened, key)
    count = f"{len(cuts)} run{'' if len(cuts) == 1 else 's'}"
    barred = bool(wrong) or not cuts or measuring
    if st.button(f"Accept: keep {count}", type="primary", key=f"{key}_accept", disabled=barred):
        _accept(opened, proposal, cuts, subject, twice=twice)
        st.rerun()
    if opened.stored:
        cut_kept.show(opened.stored, key=f"{key}_stored")


def _asked_twice(opened: Opened, key: str) -> bool:
    """Shows, where an accepted run is there from another file, the choice to keep it all the same."""
    if not any(one.alike for one in opened.stored):
        return False
    return st.checkbox("Keep runs also where another file gave the same rows", key=input_key(f"{key}_twice"))


def _origin(proposal: Proposal) -> str:
    """Returns what kind of log this is, from when, how long, of which board; one line of Markdown."""
    log = proposal.log
    first_s, last_s = float(log.series.t_s[0]), float(log.series.t_s[-1])
    length = length_text(last_s - first_s)
    if first_s >= _LATE_S:
        # A log whose first row is not at 0: all times on the page are its own.
        length += f" (its own clock goes from {first_s:,.0f} to {last_s:,.0f} s)"
    parts = [
        _DIALECTS.get(log.dialect, log.dialect),
        f"{len(log.series):,} ticks in {length}",
        f"from {log.utc_start:%Y-%m-%d %H:%M:%S} UTC",
        importing.board_name(log) or "board not told",
    ]
    if log.rails:
        parts.append(f"rails {' + '.join(log.rails)}")
    return plain(" · ".join(parts))


def _accept(
    opened: Opened,
    proposal: Proposal,
    cuts: Sequence[Cut],
    subject: tuple[str | None, str | None, str | None],
    *,
    twice: bool,
) -> None:
    """Makes the runs; the upload is written out again for as long as that takes."""
    items = [cut.items for cut in cuts]
    model, dataset, power_mode = subject
    try:
        with tempfile.TemporaryDirectory(prefix="orin-import-") as folder, st.spinner("Keeping the runs …"):
            log = dataclasses.replace(proposal.log, path=_written(opened.upload, folder))
            made = importing.import_runs(
                dataclasses.replace(proposal, log=log),
                runs_dir=state.settings().runs_dir,
                stretches=[(cut.start_s, cut.end_s) for cut in cuts],
                items=items if any(items) else None,
                model=model,
                dataset=dataset,
                power_mode=power_mode,
                twice=twice,
            )
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    except OSError as error:
        said = f"The runs could not be kept: {error.strerror or error}."
        st.session_state[state.KEY_ERROR] = (said, "Is the disk full?")
    else:
        opened.stored = tuple(made)
