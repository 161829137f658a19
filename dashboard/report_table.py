"""The results table of one model as HTML: ours, the published figure below, the difference. Pure; text is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

from orin_core.analysis.verdict import Status
from orin_core.report.caption import WRONG_MARK
from orin_core.report.figures import Column, signed_pct
from orin_core.report.published import PublishedRow
from orin_core.report.rows import Best, ModelTable, Row

# A sign and a word each, since colour alone tells some people nothing.
_SIGNS = {Status.VALID: "✔", Status.INVALID: "✖", Status.IMPLAUSIBLE: "✖"}
_TONES = {Status.VALID: "good", Status.INVALID: "bad", Status.IMPLAUSIBLE: "bad"}

STYLE = """
<style>
/* Where there is more to the side a shadow says so: it stands still, and a cover of the page's colour moves over it. */
.orin-scroll { overflow-x: auto; scrollbar-width: thin; --page: light-dark(#ffffff, #11161b);
  --shade: light-dark(rgb(0 0 0 / 0.22), rgb(255 255 255 / 0.28));
  background: linear-gradient(to right, var(--page) 40%, transparent) left / 36px 100% no-repeat local,
    linear-gradient(to left, var(--page) 40%, transparent) right / 36px 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 14px 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / 14px 100% no-repeat scroll; }
.orin-results { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
.orin-results th { text-align: right; padding: 4px 10px; font-weight: 600; font-size: 13px; vertical-align: bottom;
  border-bottom: 1px solid color-mix(in srgb, currentColor 40%, transparent); }
.orin-results td { text-align: right; padding: 5px 10px; vertical-align: top; }
.orin-results th:nth-child(-n+2), .orin-results td:nth-child(-n+2) { text-align: left; }
.orin-results tr.first td { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.orin-results tr.published td { padding-top: 0; padding-bottom: 6px; font-size: 13px; opacity: 0.82; }
.orin-results tr.published.first td { padding-top: 6px; }
.orin-results tr.published td:first-child { font-style: italic; }
.orin-results .small { font-size: 12px; opacity: 0.8; white-space: nowrap; }
.orin-results td:first-child .small { white-space: normal; max-width: 34ch; }
.orin-results s { opacity: 0.7; }
.orin-results .badge { display: inline-block; padding: 0 8px; border-radius: 999px; font-size: 12px; color: #fff;
  background: #5b7290; white-space: nowrap; font-weight: 600; }
.orin-results .badge[data-tone="good"] { background: #00735a; }
.orin-results .badge[data-tone="bad"] { background: #b3261e; }
.orin-results td.best { font-weight: 700; }
.orin-results td.best::before { content: "★ "; color: #c98a00; }
.orin-listed { font-size: 14px; line-height: 1.5; }
.orin-listed ul { margin: 3px 0 0 1.15rem; padding: 0; }
.orin-listed li { margin: 2px 0; padding: 0; font-size: 13.5px; overflow-wrap: anywhere; }
</style>
"""


def results(table: ModelTable) -> str:
    """Returns the table of a model; a mode that nobody ran has its published line alone."""
    head = "".join(f"<th>{html.escape(table.heading(column.heading))}</th>" for column in table.columns)
    lines = [f"<tr><th>Test</th><th>Validity</th>{head}</tr>"]
    starred = table.published_best
    for row in table.rows:
        if row.run_ids:
            lines.append(_ours(row, table))
        if (theirs := table.beside(row)) is not None:
            lines.append(_published(row, theirs, starred, table.columns))
            if starred is not None and starred.power_mode == theirs.power_mode:
                starred = None  # a published row may stand below several of ours; one star is enough
    return scrolling(f"Results of {table.label}", f'<table class="orin-results">{"".join(lines)}</table>')


def scrolling(label: str, table: str) -> str:
    """Returns a table that scrolls by itself on a narrow screen, also by the keyboard.

    Args:
        label: what it shows, in words.
        table: HTML.
    """
    return f'<div class="orin-scroll" role="region" tabindex="0" aria-label="{html.escape(label)}">{table}</div>'


def plain_table(label: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table of text in the same look, its first two columns to the left."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    body = "".join(f'<tr class="first">{"".join(f"<td>{html.escape(cell)}</td>" for cell in row)}</tr>' for row in rows)
    return scrolling(label, f'<table class="orin-results"><tr>{head}</tr>{body}</table>')


def listed(title: str, texts: Sequence[str]) -> str:
    """Returns a list of sentences under a title, in small letters."""
    lines = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f'<div class="orin-listed"><b>{html.escape(title)}</b><ul>{lines}</ul></div>'


def _ours(row: Row, table: ModelTable) -> str:
    tone, sign = (_TONES.get(row.status, "neutral"), _SIGNS.get(row.status, "◆")) if row.status else ("neutral", "◆")
    if row.refused:
        tone, sign = "bad", "✖"
    labels = [label for label in row.labels if label.lower() not in row.validity.lower()]
    runs = f"{row.n_runs} runs" if row.n_runs > 1 else "1 run"
    title = html.escape(" ".join([row.sentence, *row.reasons]))
    validity = f'<span class="badge" data-tone="{tone}" title="{title}">{sign} {html.escape(row.validity)}</span>'
    validity += f'<div class="small">{html.escape(", ".join([runs, *labels]))}</div>'
    cells = "".join(
        _cell(column, _figure(row, column), _is_best(column, row, table.rankings)) for column in table.columns
    )
    # Beside a speed-up always how far the results agree; where there is none, why.
    against = "".join(
        f'<div class="small">{html.escape(part)}</div>'
        for part in (
            (row.against.speed_text or row.against.why_text, row.against.agreement_text) if row.against else ()
        )
        if part
    )
    return f'<tr class="first"><td><b>{html.escape(row.test)}</b>{against}</td><td>{validity}</td>{cells}</tr>'


def _figure(row: Row, column: Column) -> str:
    behind = row.behind(column)
    few = f'<div class="small" title="The other runs have no such figure.">{behind} runs</div>' if behind else ""
    return html.escape(row.cell(column)) + few


def _published(row: Row, published: PublishedRow, best: Best | None, columns: Sequence[Column]) -> str:
    alone = not row.run_ids
    name = f"{row.power_mode}, published" if alone else "published"
    note = "no run of ours" if alone else row.not_compared and "not compared"
    cells = []
    for column in columns:
        value = column.text(getattr(published, column.field))
        if column.field in published.wrong_figures:
            value = f"<s>{value}</s> {WRONG_MARK}"
        elif difference := signed_pct(row.differences.get(column.field)):
            value += f'<div class="small">{html.escape(difference)}</div>'
        is_best = best is not None and best.power_mode == published.power_mode and column.field == "items_per_joule"
        cells.append(_cell(column, value, is_best))
    first = ' first"' if alone else '"'
    title = html.escape(published.known_error or row.not_compared or published.note)
    return (
        f'<tr class="published{first} title="{title}"><td>{html.escape(name)}</td>'
        f'<td class="small">{html.escape(note)}</td>{"".join(cells)}</tr>'
    )


def _is_best(column: Column, row: Row, rankings: Sequence[Best]) -> bool:
    return column.field == "items_per_joule" and any(best.test == row.test for best in rankings)


def _cell(column: Column, text: str, best: bool) -> str:
    return f'<td class="best">{text}</td>' if best else f"<td>{text}</td>"
