"""The matrix of a sweep as HTML: an ordinary table, shaded by one figure. Text is escaped."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from dashboard import report_table
from orin_core.analysis.verdict import Status
from orin_core.report.figures import Column
from orin_core.sweeps.matrix import FIGURES, Matrix, MatrixCell, MatrixRow, Repeat
from orin_core.sweeps.state import CellState

VALIDITY = "validity"
SHOWN = {"average_fps": "FPS", "power_draw_w": "W", "energy_per_item_j": "J per image", VALIDITY: "Validity"}
"""What the cells can show, by name: its word on the button."""
_LONG = {
    "average_fps": "Images per second, end to end",
    "power_draw_w": "Mean power of the board in watt",
    "energy_per_item_j": "Energy per image in joule, gross of idle",
    VALIDITY: "Whether the runs can be trusted",
}
# A sign and a word each, since colour alone tells some people nothing.
_SIGNS = {
    CellState.DONE: "✔",
    CellState.RUNNING: "▶",
    CellState.PENDING: "○",
    CellState.FAILED: "✖",
    CellState.SKIPPED: "–",
}
_MEANINGS = {
    CellState.DONE: "done",
    CellState.RUNNING: "running now",
    CellState.PENDING: "pending: still to come",
    CellState.FAILED: "failed, with the reason",
    CellState.SKIPPED: "skipped: the sweep leaves it out",
}
_WAS_RUNNING = "running when its process ended"
_TONES = {Status.VALID: "good", Status.INVALID: "bad", Status.IMPLAUSIBLE: "bad"}
_AXES: tuple[tuple[str, Callable[[Matrix], bool], Callable[[MatrixRow], str]], ...] = (
    ("Data set", lambda shown: shown.has_datasets, lambda row: row.dataset_label),
    ("Method", lambda shown: shown.has_methods, lambda row: row.method),
    ("Precision", lambda shown: shown.has_precisions, lambda row: row.precision),
    ("Batch", lambda shown: shown.has_batch_sizes, lambda row: f"batch {row.batch_size}"),
)
"""What a line is of besides its model: heading, whether there are several, how a line says which."""
STEPS = 5
"""Shades from least to most."""
_MAX_REASON = 70


def chosen(text: Any) -> str:
    """Returns what the cells show by what an address or a button says, which may be anything."""
    return str(text) if text in SHOWN else next(iter(SHOWN))


STYLE = (
    report_table.STYLE
    + """
<style>
.orin-matrix { border-collapse: separate; border-spacing: 3px; width: auto; min-width: min(100%, 520px); }
.orin-matrix caption { text-align: left; font-size: 13px; padding: 0 3px 3px; }
.orin-matrix th[scope] { text-align: left !important; border: 0; padding: 4px 8px; }
.orin-matrix th[scope="row"] { min-width: 130px; max-width: 240px; overflow-wrap: anywhere; vertical-align: middle; }
.orin-matrix td { text-align: left !important; vertical-align: middle; min-width: 112px; max-width: 210px;
  padding: 6px 10px; border-radius: 5px; border: 1px solid color-mix(in srgb, currentColor 22%, transparent);
  line-height: 1.3; overflow-wrap: anywhere; }
.orin-matrix td b { font-size: 17px; font-weight: 650; }
.orin-matrix td div, .orin-matrix th div { font-size: 12px; font-weight: 400; }
.orin-matrix td a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
.orin-matrix [data-step] { border-color: transparent; }
.orin-matrix [data-step="0"] { background: #e3eef7; color: #10161b; }
.orin-matrix [data-step="1"] { background: #b9d7ee; color: #10161b; }
.orin-matrix [data-step="2"] { background: #83b8df; color: #10161b; }
.orin-matrix [data-step="3"] { background: #1a6fa8; color: #fff; }
.orin-matrix [data-step="4"] { background: #0b4674; color: #fff; }
.orin-matrix td[data-state="running"] { outline: 2px solid light-dark(#0072b2, #56b4e9); outline-offset: -1px; }
.orin-matrix td[data-state="failed"] { border: 2px dashed light-dark(#b3261e, #f2857c); }
.orin-matrix td[data-state="skipped"] { border-style: dotted; }
.orin-matrix-key { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12px; margin: 4px 3px 0;
  align-items: center; }
.orin-matrix-key .orin-matrix { display: inline-flex; gap: 2px; min-width: 0; vertical-align: middle; }
.orin-matrix-key i { display: inline-block; width: 20px; height: 12px; border-radius: 3px; }
</style>
"""
)


def table(shown: Matrix, what: str, *, goes_on: bool = True) -> str:
    """Returns the matrix.

    Args:
        shown: the sweep as a table.
        what: a key of :data:`SHOWN`.
        goes_on: whether a cell that is running is really run; not after a power cut.
    """
    column = next((one for one in FIGURES if one.field == what), None)
    heads = ["Model", *(name for name, there, _ in _AXES if there(shown))]
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in (*heads, *shown.headings))
    body = "".join(_line(shown, row, column, goes_on) for row in shown.rows)
    caption = f"{_LONG[what]}; a line per {' and '.join(text.lower() for text in heads)}, a column per power mode."
    text = f'<table class="orin-results orin-matrix"><caption>{caption}</caption><tr>{head}</tr>{body}</table>'
    return report_table.scrolling(f"Matrix of the sweep: {_LONG[what]}", text) + _key(shown, column, goes_on)


def _row_names(shown: Matrix, row: MatrixRow) -> list[str]:
    return [row.model_label, *(text(row) for _, there, text in _AXES if there(shown))]


def _line(shown: Matrix, row: MatrixRow, column: Column | None, goes_on: bool) -> str:
    heads = _row_names(shown, row)
    head = "".join(f'<th scope="row">{html.escape(text)}</th>' for text in heads)
    reach = _reach(shown, row, column)
    cells = (
        _cell(cell, column, reach, goes_on, ", ".join([*heads, heading]))
        for cell, heading in zip(row.cells, shown.headings, strict=True)
    )
    return f"<tr>{head}{''.join(cells)}</tr>"


def _reach(shown: Matrix, row: MatrixRow, column: Column | None) -> tuple[float, float] | None:
    """Returns least and greatest of what the shades tell; None where they would tell what is not so."""
    # Figures of a simulated board are noise or invented, and a shade would rank them.
    if column is None or shown.simulated:
        return None
    return shown.reach(row, column.field)


def _cell(cell: MatrixCell, column: Column | None, reach: tuple[float, float] | None, goes_on: bool, name: str) -> str:
    value = None if column is None else cell.mean(column.field)
    step = "" if value is None or reach is None else f' data-step="{_step(value, *reach)}"'
    lines = [_head(cell, column, value)]
    was_running = cell.state is CellState.RUNNING and not goes_on
    state = f"{_SIGNS[cell.state]} {'was ' if was_running else ''}{cell.words()}"
    lines.append(f"<div>{html.escape(' · '.join([state, *_beside(cell, column)]))}</div>")
    lines += [
        f"<div>{html.escape(_cut(reason))}</div>" for reason in cell.reasons if cell.state is not CellState.SKIPPED
    ]
    lines.append(_links(cell, name))
    return f'<td data-state="{"interrupted" if was_running else cell.state.value}"{step}>{"".join(lines)}</td>'


def _head(cell: MatrixCell, column: Column | None, value: float | None) -> str:
    """Returns what stands large in a cell; empty where there is nothing yet."""
    if column is None:
        return "".join(
            f'<span class="badge" data-tone="{_tone(cell.repeats, badge)}">{count} × {html.escape(badge)}</span> '
            if len(cell.repeats) > 1
            else f'<span class="badge" data-tone="{_tone(cell.repeats, badge)}">{html.escape(badge)}</span>'
            for badge, count in cell.badges.items()
        )
    return "" if value is None else f"<b>{html.escape(column.text(value))}</b>"


def _tone(repeats: Sequence[Repeat], badge: str) -> str:
    status = next((one.status for one in repeats if one.badge == badge), None)
    return "neutral" if status is None else _TONES.get(status, "neutral")


def _beside(cell: MatrixCell, column: Column | None) -> list[str]:
    """Returns what else must be known of a figure: the verdicts, and of how many runs it is the mean."""
    if column is None:
        return []
    told = [cell.validity()] if cell.badges else []
    counted = cell.counted_words()
    told += [counted] if counted else []
    if cell.count(CellState.DONE) and not cell.values(column.field):
        told.append("no figure")
    return told


def _links(cell: MatrixCell, name: str) -> str:
    """Returns a link to each run of a cell; read out, each says of which cell."""
    several = len(cell.repeats) > 1
    runs = [(one.run_id, f"run {one.cell.repeat}" if several else "open run") for one in cell.repeats if one.run_id]
    if not runs:
        return ""
    links = (
        f'<a href="/runs?run={html.escape(run_id)}" target="_self" aria-label="{text}: {html.escape(name)}">{text}</a>'
        for run_id, text in runs
    )
    return f"<div>{' '.join(links)}</div>"


def _step(value: float, low: float, high: float) -> int:
    return min(STEPS - 1, int((value - low) / (high - low) * STEPS))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_REASON else f"{text[:_MAX_REASON].rpartition(' ')[0] or text[:_MAX_REASON]}…"


def _key(shown: Matrix, column: Column | None, goes_on: bool) -> str:
    """Returns what the shades and the signs mean; of the signs those that are there."""
    states = {cell.state for row in shown.rows for cell in row.cells}
    meanings = _MEANINGS if goes_on else {**_MEANINGS, CellState.RUNNING: _WAS_RUNNING}
    parts = [f"{_SIGNS[state]} {text}" for state, text in meanings.items() if state in states]
    shaded = any(_reach(shown, row, column) for row in shown.rows)
    swatches = "".join(f'<i data-step="{step}"></i>' for step in range(STEPS))
    shades = f'<span>least <span class="orin-matrix">{swatches}</span> most of each model</span>' if shaded else ""
    if shown.simulated and column is not None and not shaded:
        shades = "<span>simulated board: not shaded, since nothing is ranked</span>"
    return f'<div class="orin-matrix-key">{shades}{"".join(f"<span>{part}</span>" for part in parts)}</div>'


def failures(shown: Matrix) -> list[str]:
    """Returns each failure whole, one sentence each, with what it is of; repeats that failed alike are one."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in shown.rows:
        for heading, cell in zip(shown.headings, row.cells, strict=True):
            names = [*_row_names(shown, row), heading]
            for one in cell.repeats:
                if one.state is CellState.FAILED:
                    found.setdefault((", ".join(names), one.reason), []).append(one.cell.repeat)
    return [
        f"{name}, repeat {', '.join(str(repeat) for repeat in repeats)}: {reason}"
        for (name, reason), repeats in found.items()
    ]
