"""The Compare page: two to eight runs laid over each other from the start of measure, each held against the first."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from dashboard import address, compare_table, report_table, run_rows, state
from dashboard.compare_charts import CHART_KEY, Pane, figure, text_style
from dashboard.words import plain
from orin_core.errors import BadRequest
from orin_core.report.differences import UNKNOWN, Differences, differences
from orin_core.report.overlay import MAX_RUNS, MIN_RUNS, READING_BY_KEY, READINGS, Reading, RunLines, lines_of
from orin_core.runs.recording import Recording, is_run_id, list_runs, started_utc

QUERY_RUNS = "runs"
"""Query key: ids of the runs, with commas between them; the first is what the others are held against."""
QUERY_PANES = "panes"
"""Query key: keys of the readings that are drawn, with commas between them; all without it."""
QUERY_PART = "part"
"""Query key: ``whole`` where the lines are those of the whole run."""
FORM_RUNS = "form_compare_runs"
FORM_PANES = "form_compare_panes"
FORM_PART = "form_compare_part"
MEASURE, WHOLE = "Measure only", "Whole run"
_NO_PANES = "none"


def page() -> None:
    """Shows the runs that the address or the list names."""
    st.subheader("Compare")
    recordings = _chosen()
    if len(recordings) < MIN_RUNS:
        _invite([recording.run_id for recording in recordings])
        return
    with st.spinner("Reading the runs …"):
        found = differences(recordings)
        lines = [lines_of(recording) for recording in recordings]
    st.html(compare_table.STYLE + compare_table.figures(found))
    _said(found)
    _chart(found, lines)
    _conditions(found)


def _invite(chosen: Sequence[str]) -> None:
    # A run elsewhere is known by its address only.
    there = {recording.run_id for recording in list_runs(state.settings().runs_dir)}.union(chosen)
    if len(there) < MIN_RUNS:
        st.info(
            "There are not yet two runs to compare. Start one on the Live page, or bring old logs in on the "
            "Import page."
        )
    elif chosen:
        st.info("Choose one more run to hold against it.")
    else:
        st.info(
            f"Choose {MIN_RUNS} to {MAX_RUNS} runs above: their lines are laid over each other from the start of "
            "measure, and every figure is held against the first run."
        )


# -- choosing -------------------------------------------------------------------------------------


def _chosen() -> list[Recording]:
    """Shows the list of runs and returns those that are chosen; what the address names goes first."""
    finder = state.run_finder()
    finder.active()
    asked = st.query_params.get(QUERY_RUNS)
    if asked:
        st.session_state[FORM_RUNS] = _asked(asked)
    kept = [run_id for run_id in st.session_state.get(FORM_RUNS, []) if finder.find(run_id) is not None]
    st.session_state[FORM_RUNS] = kept
    listed = {recording.run_id: recording for recording in list_runs(state.settings().runs_dir)}
    # A run elsewhere is known by its address only.
    elsewhere = {run_id: one for run_id in kept if run_id not in listed and (one := finder.find(run_id))}
    known = {**elsewhere, **listed}
    st.multiselect(
        f"Runs ({MIN_RUNS} to {MAX_RUNS}; the first is what the others are held against)",
        list(known),
        format_func=lambda run_id: _option(run_id, known.get(run_id)),
        key=FORM_RUNS,
        on_change=_remember,
        max_selections=MAX_RUNS,
        placeholder="Type a model, a method, a mode or a date",
    )
    if kept and not asked:
        _remember()
    found = (finder.find(run_id) for run_id in st.session_state[FORM_RUNS])
    return [recording for recording in found if recording is not None]


def _asked(text: str) -> list[str]:
    """Returns the runs that an address names, and says which of them cannot be shown."""
    named = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    found = [run_id for run_id in named if _is_there(run_id)]
    if len(found) > MAX_RUNS:
        st.warning(f"Only the first {MAX_RUNS} of {len(found)} runs are shown; more lines nobody tells apart.")
    return found[:MAX_RUNS]


def _is_there(run_id: str) -> bool:
    finder = state.run_finder()
    try:
        if finder.find(run_id) is not None:
            return True
        raise finder.missing(run_id)
    except BadRequest as error:
        st.warning(plain(error.message if run_id in error.message else f"{run_id[:80]}: {error.message}"))
        return False


def _remember() -> None:
    """Puts the runs that were chosen into the address, so that it can be passed on."""
    run_ids = st.session_state[FORM_RUNS]
    if run_ids:
        st.query_params[QUERY_RUNS] = ",".join(run_ids)
    else:
        st.query_params.pop(QUERY_RUNS, None)


def _option(run_id: str, recording: Recording | None) -> str:
    """Returns a run as the list names it, from its id and what was asked of it: there may be a thousand."""
    if not is_run_id(run_id):
        return run_id
    _, model, dataset, mode, salt = run_id.split("_")
    way = run_rows.way_asked(recording) if recording else ""
    return " · ".join(filter(None, (f"{started_utc(run_id):%Y-%m-%d %H:%M:%S}", model, way, dataset, mode, salt)))


# -- what is shown --------------------------------------------------------------------------------


def _said(found: Differences) -> None:
    """Shows who is better where that may be said, and why not where it may not."""
    boxes = [("better", "★ Ranked by images per joule", found.ranking), ("none", "Not ranked", found.not_ranked)]
    shown = [compare_table.said(tone, title, lines) for tone, title, lines in boxes if lines]
    if shown:
        st.html(f'<div class="orin-said">{"".join(shown)}</div>')
    whys = compare_table.whys(found)
    with st.expander("What the marks mean" + (", and why they are there" if whys else "")):
        st.html(report_table.listed("Marks", compare_table.MARKS))
        if whys:
            st.html(report_table.listed("Why", whys))


def _drawn() -> tuple[list[Reading], bool]:
    """Shows what can be drawn, and returns the readings that are, and whether over the whole run."""
    st.session_state.setdefault(FORM_PANES, [reading.key for reading in READINGS])
    st.session_state.setdefault(FORM_PART, MEASURE)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills(
            "Panes",
            [reading.key for reading in READINGS],
            format_func=lambda key: READING_BY_KEY[key].label,
            selection_mode="multi",
            **address.bound(QUERY_PANES, FORM_PANES, read=_read_panes, write=_write_panes),
        )
        part = st.segmented_control(
            "Part",
            [MEASURE, WHOLE],
            **address.bound(
                QUERY_PART,
                FORM_PART,
                read=lambda text: WHOLE if text == "whole" else MEASURE,
                write=lambda part: "whole" if part == WHOLE else "",
            ),
        )
    return [reading for reading in READINGS if reading.key in chosen], part == WHOLE


def _read_panes(text: str) -> list[str]:
    named = text.split(",")
    found = [reading.key for reading in READINGS if reading.key in named]
    return found if found or text == _NO_PANES else [reading.key for reading in READINGS]


def _write_panes(chosen: Sequence[str]) -> str:
    return "" if len(chosen) == len(READINGS) else ",".join(chosen) or _NO_PANES


def _chart(found: Differences, lines: Sequence[RunLines]) -> None:
    readings, whole = _drawn()
    names = {one.run_id: one.name for one in found.runs}
    panes, empty = [], []
    for reading in readings:
        of_runs = [one.whole if whole else one.measured for one in lines]
        drawn = {run.run_id: kept[reading.key] for run, kept in zip(lines, of_runs, strict=True) if reading.key in kept}
        if drawn:
            panes.append(Pane(reading=reading, lines=drawn))
        else:
            empty.append(reading.label)
    if panes:
        st.html(text_style(len(panes)))
        st.plotly_chart(
            figure(panes, names),
            key=CHART_KEY,
            config={"displayModeBar": False},
            alt=f"{', '.join(pane.reading.label for pane in panes)} over time, a line for each of {len(lines)} runs",
        )
    elif not readings:
        st.info("Choose at least one pane.")
    _caption(found, lines, empty)


def _caption(found: Differences, lines: Sequence[RunLines], empty: Sequence[str]) -> None:
    """Says what the chart leaves out, and how it is used."""
    texts = ["Drag to zoom in, double click to see all. Gaps in a line are gaps in the record."]
    runs = list(zip(found.runs, lines, strict=True))
    if bare := [run.letter for run, one in runs if not one.whole]:
        texts.append(
            f"Of {', '.join(bare)} no rows can be read, so {'it has' if len(bare) == 1 else 'they have'} no line."
        )
    if early := [run.letter for run, one in runs if one.whole and one.measure_s is None]:
        drawn = "is drawn from its first row" if len(early) == 1 else "are drawn from their first rows"
        texts.append(f"{', '.join(early)} did not reach measure and {drawn}.")
    if empty:
        texts.append(f"No run here has {', '.join(empty)}.")
    st.caption(plain(" ".join(texts)))


def _split(found: Differences) -> tuple[dict[str, tuple[str, ...]], dict[str, list[str]]]:
    """Returns what differs in known values, and the names of what only some runs tell, by the letters of the others."""
    known: dict[str, tuple[str, ...]] = {}
    unknown: dict[str, list[str]] = {}
    for name, texts in found.differing.items():
        if len({text for text in texts if text not in ("", UNKNOWN)}) > 1:
            known[name] = texts
        else:
            who = [run.letter for run, text in zip(found.runs, texts, strict=True) if text == UNKNOWN]
            unknown.setdefault(", ".join(who), []).append(name)
    return known, unknown


def _conditions(found: Differences) -> None:
    st.markdown("**In what they differ**")
    known, unknown = _split(found)
    if known:
        st.html(compare_table.texts("In what the runs differ", found, known))
    if unknown:
        texts = [f"{who}: {', '.join(names)}." for who, names in unknown.items()]
        st.html(report_table.listed("Not known, though known of the others", texts))
    if found.same:
        st.caption(plain(found.same))
    if found.results:
        with st.expander("What else they came to"):
            st.html(compare_table.texts("What else the runs came to", found, found.results))
    names = ", ".join(html.escape(one.run_id) for one in found.runs)
    st.html(f'<p class="orin-run-ids">{names}</p>')
