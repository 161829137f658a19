"""The figures of a run that has ended, as tiles and as a table; every blank says why."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from dashboard.words import figure, label_of, length_text, plain

_TILES = (
    ("FPS end to end", "fps_end_to_end", "{:.2f}", ""),
    ("GPU load (GR3D)", "gr3d_pct_mean", "{:.1f}", " %"),
    ("RAM", "ram_used_mb_mean", "{:,.0f}", " MB"),
    ("Power", "power_w_mean", "{:.2f}", " W"),
    ("Energy per image", "energy_per_item_j", "{:.3f}", " J"),
    ("Hottest", "tj_c_max", "{:.1f}", " °C"),
)
_NO_TICKS = "no tick lay within measure"
_NO_BATCH = "no batch of measure ended"
_ROWS = (
    ("Images measured", "items", "{:,}", "", "measure was not reached"),
    ("Images that could not be read", "failed_items", "{:,}", "", ""),
    ("Batch size", "batch_size", "{}", "", ""),
    ("Time of measure", "total_inference_time_s", "{:.3f}", " s", _NO_BATCH),
    ("FPS end to end", "fps_end_to_end", "{:.3f}", "", _NO_BATCH),
    ("FPS model only", "fps_model", "{:.3f}", "", "the bare loop was not run"),
    ("Latency, median", "latency_ms_p50", "{:.2f}", " ms", _NO_BATCH),
    ("Latency, 90 %", "latency_ms_p90", "{:.2f}", " ms", _NO_BATCH),
    ("Latency, 99 %", "latency_ms_p99", "{:.2f}", " ms", "needs 1000 batches"),
    ("GPU load (GR3D), mean", "gr3d_pct_mean", "{:.2f}", " %", _NO_TICKS),
    ("GPU clock, mean", "gr3d_freq_mhz_mean", "{:.0f}", " MHz", "not printed, or no tick within measure"),
    ("RAM, mean", "ram_used_mb_mean", "{:,.1f}", " MB", _NO_TICKS),
    ("RAM, highest", "ram_used_mb_max", "{:,.0f}", " MB", _NO_TICKS),
    ("Power, mean", "power_w_mean", "{:.3f}", " W", "no rails, or no tick within measure"),
    ("Energy per image", "energy_per_item_j", "{:.4f}", " J", "needs power and images"),
    ("Hottest", "tj_c_max", "{:.1f}", " °C", _NO_TICKS),
    ("Ticks of measure", "ticks", "{}", "", ""),
    ("Precision", "precision", "{}", "", "the model was not loaded"),
    ("Device", "device", "{}", "", "the model was not loaded"),
)
_STATE_NOTES = {
    "done": st.success,
    "stopped": st.info,
    "interrupted": st.warning,
}


def ended(document: dict[str, Any]) -> None:
    """Shows how a run ended, and why where it did not go well; nothing where there is nothing to say.

    Args:
        document: as in ``summary.json``, or as in ``status.json`` where there is no summary.
    """
    state = str(document.get("state"))
    message = " ".join(str(part) for part in (document.get("message"), document.get("hint")) if part)
    if state == "failed":
        st.error(f"**This run failed.** {plain(message or 'Nobody said why; look into the logs in its folder.')}")
    elif state in _STATE_NOTES and (state != "done" or message):
        _STATE_NOTES[state](plain(message or f"This run was {state}."))


def show(summary: dict[str, Any]) -> None:
    """Shows how a run ended and its figures over measure.

    Args:
        summary: as in ``summary.json``.
    """
    ended(summary)
    tiles = (
        f'<div class="orin-figure"><div>{html.escape(label)}</div>'
        f"<b>{html.escape(figure(summary.get(key), pattern))}</b>{html.escape(unit)}</div>"
        for label, key, pattern, unit in _TILES
    )
    st.html(f'<div class="orin-figures">{"".join(tiles)}</div>')
    st.caption(_qualification(summary))


def _qualification(summary: dict[str, Any]) -> str:
    """Returns what a reader must know beside the figures, as Markdown."""
    labels = ", ".join(plain(label_of(text)) for text in summary.get("labels") or [])
    text = f"**{labels}.** " if labels else ""
    text += f"Means over measure only: {summary.get('ticks') or 0} ticks"
    if summary.get("total_inference_time_s"):
        text += f" in {length_text(summary['total_inference_time_s'])}"
    rails = summary.get("power_rails") or []
    return text + (f"; power is {' + '.join(plain(rail) for rail in rails)}." if rails else ".")


def details(summary: dict[str, Any]) -> None:
    """Shows every figure, and why a blank one is blank."""
    with st.expander("All figures"):
        lines = ["| | |", "|---|---|"]
        for label, key, pattern, unit, why in _ROWS:
            value = summary.get(key)
            shown = plain(figure(value, pattern, unit)) if value is not None else f"– *({why})*" if why else "–"
            lines.append(f"| {label} | {shown} |")
        lines += [f"| Note | {plain(label)} |" for label in summary.get("labels") or []]
        lines += [f"| Notice | {plain(notice)} |" for notice in summary.get("notices") or []]
        st.markdown("\n".join(lines))
