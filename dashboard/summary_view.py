"""The figures of a run that has ended: tiles, the verdict on them, a table of all; every blank says why."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from dashboard import figure_rows, verdict_view
from dashboard.words import figure, label_of, length_text, plain
from orin_core.analysis.summary_keys import is_text
from orin_core.runs.judged import judged
from orin_core.runs.processes import ProcessId

_TILES = (
    ("FPS end to end", "fps_end_to_end", "{:.2f}", ""),
    ("GPU load (GR3D)", "gr3d_pct_mean", "{:.1f}", " %"),
    ("RAM", "ram_used_mb_mean", "{:,.0f}", " MB"),
    ("Power", "power_w_mean", "{:.2f}", " W"),
    ("Energy per image", "energy_per_item_j", "{:.3f}", " J"),
    ("Hottest", "tj_c_max", "{:.1f}", " °C"),
)
_OF_TEXT = {
    "fps_end_to_end": ("Tokens per second", "tokens_per_s", "{:.2f}", ""),
    "energy_per_item_j": ("Energy per prompt", "energy_per_item_j", "{:.2f}", " J"),
}
"""What text generation has in place of two of them."""
_STATE_NOTES = {
    "done": st.success,
    "stopped": st.info,
    "interrupted": st.warning,
}


def ended(document: dict[str, Any]) -> None:
    """Shows how a run ended, and why where it did not go well; nothing where there is nothing to say.

    Args:
        document: as in ``summary.json``, or as in ``status.json`` of a run that does not go on and has no summary.
    """
    state = str(document.get("state"))
    message = " ".join(str(part) for part in (document.get("message"), document.get("hint")) if part)
    if state == "failed":
        st.error(f"**This run failed.** {plain(message or 'Nobody said why; look into the logs in its folder.')}")
    elif state == "running":
        _abandoned(document)
    elif state in _STATE_NOTES and (state != "done" or message):
        _STATE_NOTES[state](plain(message or f"This run was {state}."))


def _abandoned(status: dict[str, Any]) -> None:
    """Says what became of a run that says it goes on, though it does not hold this board."""
    runner = ProcessId.from_json(status.get("runner_pid"), status.get("runner_start"))
    if runner is not None and runner.alive():
        st.info("This run is going on, but not on the board of this dashboard.")
    else:
        st.warning("This run was interrupted. Its figures are made when a run or this dashboard is next started.")


def show(summary: dict[str, Any], method: str = "") -> None:
    """Shows how a run ended, whether its figures can be trusted and what held it back, and the figures over measure.

    Args:
        summary: as in ``summary.json``.
        method: how items went through the model and what that gains, as Markdown; empty leaves the line out.
    """
    summary = judged(summary)
    ended(summary)
    verdict_view.show(summary)
    if method:
        st.markdown(method)
    shown = [_OF_TEXT.get(tile[1], tile) for tile in _TILES] if is_text(summary) else _TILES
    tiles = (
        f'<div class="orin-figure"><div>{html.escape(label)}</div>'
        f"<b>{html.escape(figure(summary.get(key), pattern))}</b>{html.escape(unit)}</div>"
        for label, key, pattern, unit in shown
    )
    struck = ' data-refused="true"' if verdict_view.refused(summary) else ""
    st.html(f'<div class="orin-figures"{struck}>{"".join(tiles)}</div>')
    st.caption(_qualification(summary))


def _qualification(summary: dict[str, Any]) -> str:
    """Returns what a reader must know beside the figures, as Markdown."""
    labels = ", ".join(plain(label_of(text)) for text in summary.get("labels") or [])
    text = f"**{labels}.** " if labels else ""
    ticks = summary.get("ticks") or 0
    text += f"Means over measure only: {ticks} tick{'' if ticks == 1 else 's'}"
    if summary.get("total_inference_time_s"):
        text += f" in {length_text(summary['total_inference_time_s'])}"
    rails = summary.get("power_rails") or []
    return text + (f"; power is {' + '.join(plain(rail) for rail in rails)}." if rails else ".")


def details(summary: dict[str, Any], spec: dict[str, Any]) -> None:
    """Shows every figure with its count and interval, and why a blank one is blank.

    Args:
        summary: as in ``summary.json``.
        spec: as in ``spec.json``; it names sweep and cell also where the summary is of a version that did not.
    """
    summary = judged(summary) | {key: spec.get(key) for key in ("sweep", "cell")}
    with st.expander("All figures"):
        lines = list(figure_rows.lines(summary, refused=verdict_view.refused(summary)))
        lines += [f"| Note | {plain(label)} | |" for label in summary.get("labels") or []]
        lines += [f"| Damaged in summary.json | {plain(key)} | |" for key in summary.get("damaged") or []]
        lines += [f"| Notice | {plain(notice)} | |" for notice in summary.get("notices") or []]
        st.markdown("\n".join(lines))


_DOWNLOADS = {
    "csv": ("CSV", "one row per tick, as recorded"),
    "scales": ("SCALES layout", "the same in the layout of tegrastats_parser"),
    "parquet": ("Parquet", "typed columns, small; for long runs"),
    "zip": ("Folder (zip)", "everything that was recorded"),
}


def downloads(run_id: str) -> None:
    """Shows the links that download a run.

    Args:
        run_id: checked, so that it may become part of an address.
    """
    # The answer says itself that it is a file; with the attribute a refusal would be saved as one, too.
    links = (
        f'<a class="orin-link" href="/api/runs/{html.escape(run_id)}/export/{name}" '
        f'title="{html.escape(why)}">{html.escape(label)}</a>'
        for name, (label, why) in _DOWNLOADS.items()
    )
    st.html(f'<div class="orin-links"><span>Download</span>{"".join(links)}</div>')
