"""The tables of the Compare page as HTML: figures against the first run, and in what runs differ. Text is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from dashboard import report_table
from dashboard.compare_charts import LOOKS, swatch
from orin_core.analysis.verdict import Status
from orin_core.report.against import way_of
from orin_core.report.compare import Comparison
from orin_core.report.differences import Compared, Differences
from orin_core.report.figures import Column, signed_pct
from orin_core.report.rows import columns_of

# A sign and a word each, since colour alone tells some people nothing.
_SIGNS = {Status.VALID: "✔", Status.INVALID: "✖", Status.IMPLAUSIBLE: "✖"}
_TONES = {Status.VALID: "good", Status.INVALID: "bad", Status.IMPLAUSIBLE: "bad"}

MARKS = (
    "Bold: more than chance; the 95 % interval below it leaves out 0.",
    "≈ in front: may be chance.",
    "? behind: there is no interval, so nobody can tell whether it is more than chance.",
    "* behind: arithmetic only, since the runs differ in more than the power mode, or one of them may not be ranked.",
    "not compared: the two figures are not the same thing.",
)
"""How a difference is marked."""
STYLE = (
    report_table.STYLE
    + """
<style>
.orin-compared td:first-child { min-width: 150px; }
.orin-mark { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap; }
.orin-mark i { display: inline-block; width: 30px; height: 3px; }
.orin-mark b { padding: 0 6px; border-radius: 3px; font-size: 12px; line-height: 17px; }
.orin-compared td:first-child a { color: inherit; font-weight: 600; text-decoration: underline;
  text-underline-offset: 2px; }
.orin-compared .small { white-space: normal; }
.orin-compared td:nth-child(n+3) .small { white-space: nowrap; }
.orin-compared .sure { font-weight: 700; opacity: 1; }
.orin-texts th, .orin-texts td { text-align: left !important; overflow-wrap: anywhere; }
.orin-texts td:first-child { font-weight: 600; white-space: nowrap; }
.orin-said { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 10px;
  align-items: start; }
.orin-said > div { padding: 9px 14px 10px; border-radius: 8px; font-size: 14px; line-height: 1.45;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-left: 4px solid #5b7290; }
.orin-said > div[data-tone="better"] { border-left-color: #009E73; }
.orin-said b { display: block; font-size: 13px; margin-bottom: 2px; }
.orin-said p { margin: 2px 0; font-size: 14px; }
.orin-run-ids { font-size: 12px; opacity: 0.8; margin: 0; overflow-wrap: anywhere; }
</style>
"""
)


def figures(found: Differences) -> str:
    """Returns one line per run: its look, its verdict, its figures, and the difference to the first run below each."""
    columns = columns_of(one.row for one in found.runs)
    head = "".join(f"<th>{html.escape(column.heading)}</th>" for column in columns)
    lines = [f"<tr><th>Run</th><th>Validity</th>{head}</tr>"]
    lines += [_line(place, one, columns) for place, one in enumerate(found.runs)]
    shown = f'<table class="orin-results orin-compared">{"".join(lines)}</table>'
    return report_table.scrolling("Figures of the runs", shown)


def texts(label: str, found: Differences, rows: Mapping[str, Sequence[str]]) -> str:
    """Returns a table with a line per name and a column per run."""
    head = "".join(f"<th>{mark(place, one)}</th>" for place, one in enumerate(found.runs))
    lines = [f"<tr><th></th>{head}</tr>"]
    for name, cells in rows.items():
        shown = "".join(f"<td>{html.escape(cell) or '–'}</td>" for cell in cells)
        lines.append(f'<tr class="first"><td>{html.escape(name)}</td>{shown}</tr>')
    return report_table.scrolling(label, f'<table class="orin-results orin-texts">{"".join(lines)}</table>')


def whys(found: Differences) -> list[str]:
    """Returns why runs are not VALID, and why differences carry a mark, one sentence each."""
    judged = [(one.letter, one.row) for one in found.runs if one.row is not None and one.row.reasons]
    verdicts = [f"{letter} is {row.validity}: {' '.join(row.reasons)}" for letter, row in judged]
    notes = [f"{one.letter} against {found.runs[0].letter}: {note}." for one in found.runs for note in one.notes]
    return verdicts + notes


def said(tone: str, title: str, lines: Sequence[str]) -> str:
    """Returns a box with sentences under a title."""
    shown = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    return f'<div data-tone="{html.escape(tone)}"><b>{html.escape(title)}</b>{shown}</div>'


def mark(place: int, one: Compared) -> str:
    """Returns what stands for a run: its dash in its colour, its letter and what differs."""
    look = LOOKS[place]
    return (
        f'<span class="orin-mark"><i style="background: {swatch(look)}"></i>'
        f'<b style="background: {look.color}; color: {look.ink}">{html.escape(one.name)}</b></span>'
    )


def _line(place: int, one: Compared, columns: Sequence[Column]) -> str:
    link = f"/runs?run={html.escape(one.run_id)}"
    name = f'<a href="{link}" target="_self">{html.escape(one.model or "model not named")}</a>'
    cells = "".join(f"<td>{_figure(one, column, is_first=place == 0)}</td>" for column in columns)
    # Beside a speed-up always how far the results agree.
    below = (way_of(one.row), one.row.against_text()) if one.row else ()
    small = "".join(f'<div class="small">{html.escape(text)}</div>' for text in below if text)
    return f'<tr class="first"><td>{mark(place, one)}<div>{name}</div>{small}</td><td>{_validity(one)}</td>{cells}</tr>'


def _validity(one: Compared) -> str:
    row = one.row
    if row is None:
        return '<span class="badge">◆ not finished</span>'
    tone, sign = (_TONES.get(row.status, "neutral"), _SIGNS.get(row.status, "◆")) if row.status else ("neutral", "◆")
    title = html.escape(" ".join([row.sentence, *row.reasons]))
    labels = [label for label in row.labels if label.lower() not in row.validity.lower()]
    return (
        f'<span class="badge" data-tone="{"bad" if row.refused else tone}" title="{title}">{sign} '
        f'{html.escape(row.validity)}</span><div class="small">{html.escape(", ".join(labels))}</div>'
    )


def _figure(one: Compared, column: Column, *, is_first: bool) -> str:
    text = html.escape(one.row.cell(column)) if one.row else ""
    if not text:
        return "–"
    if is_first:
        return f'{text}<div class="small">first run</div>'
    difference = one.differences.get(column.field)
    return text if difference is None else text + _difference(difference)


def _difference(found: Comparison) -> str:
    """Returns a difference with its interval, marked as :data:`MARKS` says."""
    why = html.escape(found.why)
    percent = signed_pct(found.difference_pct)
    if not percent:
        return f'<div class="small" title="{why}">not compared</div>'
    if found.distinguishable:
        shown = f'<div class="small sure" title="{why}">{percent}</div>'
    elif not found.comparable:
        shown = f'<div class="small" title="{why}">{percent} *</div>'
    elif found.low_pct is None:
        shown = f'<div class="small" title="{why}">{percent} ?</div>'
    else:
        shown = f'<div class="small" title="{why}">≈ {percent}</div>'
    if found.low_pct is None or found.high_pct is None:
        return shown
    return f'{shown}<div class="small" title="{why}">{found.low_pct:+.1f} to {found.high_pct:+.1f} %</div>'
