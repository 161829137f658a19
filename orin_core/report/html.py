"""The report as one HTML file that needs nothing else: no network, no script, no file beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

from orin_core.analysis.verdict import Status
from orin_core.report import published
from orin_core.report.assets import Assets
from orin_core.report.caption import WRONG_MARK
from orin_core.report.figures import Column, signed_pct
from orin_core.report.guide import AGAINST, GUIDE, TITLE, findings, no_runs
from orin_core.report.plots import TITLES, Plot
from orin_core.report.published import PublishedRow
from orin_core.report.rows import SEAM, ModelTable, Row
from orin_core.report.sections import Frame, Section, at
from orin_core.report.style import STYLE

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Nothing can be fetched, whatever a name or a note in the report looks like."""
_LEGEND = "Below each figure, in grey: the published one, and how far ours is from it."
_GOOD = (Status.VALID,)
_BAD = (Status.INVALID, Status.IMPLAUSIBLE)


def text(value: object) -> str:
    """Returns a text as HTML shows it, as it is."""
    return html.escape(" ".join(str(value).split()), quote=True)


def render(
    tables: Sequence[ModelTable],
    *,
    generated: str,
    assets: Mapping[tuple[str | None, str], Assets] | None = None,
    frame: Frame | None = None,
) -> str:
    """Returns the whole document.

    Args:
        tables: one per model.
        generated: when it was made, UTC as text; empty where that is not to be told.
        assets: pictures per row, by model and test; they are put into the file.
        frame: what stands around the tables.
    """
    frame = frame or Frame()
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        # An empty picture, so that no browser asks for /favicon.ico.
        '<link rel="icon" href="data:,">',
        f"<title>{text(TITLE)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        f"<header><h1>{text(TITLE)}</h1>",
        f'<p class="muted">Made by <code>{text(frame.command)}</code>{at(text(generated))}</p>',
        *(f"<p>{text(sentence)}</p>" for sentence in frame.lead),
    ]
    if none := no_runs(tables):
        parts.append(f'<p class="loud">{text(none)}</p>')
    if len(tables) > 1:
        links = " ".join(f'<a href="#{_anchor(table)}">{text(table.label)}</a>' for table in tables)
        parts.append(f"<nav>{links}</nav>")
    parts.append("</header>\n<main>")
    parts += [_section(table, assets or {}, frame.sections.get(table.model, ())) for table in tables]
    parts.append('<section class="guide"><h2>How to read the figures</h2>')
    parts.append(_list(GUIDE))
    parts.append(
        f'<p class="muted">Published figures: {text(published.SOURCE)}; {text(published.BOARD)}.</p></section>'
    )
    parts += ["</main>", "</body>", "</html>", ""]
    return "\n".join(parts)


def _anchor(table: ModelTable) -> str:
    return text(table.slug)


def _section(table: ModelTable, assets: Mapping[tuple[str | None, str], Assets], more: Sequence[Section]) -> str:
    parts = [f'<section class="model" id="{_anchor(table)}">', f"<h2>{text(table.label)}</h2>"]
    if said := findings(table):
        items = [f"<div><dt>{text(one.name)}</dt><dd>{text(one.text)}</dd></div>" for one in said]
        parts.append(f'<dl class="said">{"".join(items)}</dl>')
    parts.append(_results(table))
    if table.notes:
        parts += ["<h3>Notes</h3>", _list(table.notes)]
    parts += map(_further, more)
    parts.append(_graphs(table, assets))
    parts.append(_environment(table))
    parts.append("</section>")
    return "\n".join(part for part in parts if part)


def _list(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{text(sentence)}</li>' for sentence in sentences)}</ul>"


# -- the table ------------------------------------------------------------------------------------


def _results(table: ModelTable) -> str:
    headings = (_heading(table.heading(column.heading)) for column in table.columns)
    names = ["Test", *headings, *([text(AGAINST)] if table.has_methods else []), "Runs", "Validity"]
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    legend = _LEGEND if any(row.published for row in table.rows) else ""
    caption = " ".join(part for part in (table.caption, table.common, legend) if part)
    rows = "\n".join(_row(table, row) for row in table.rows)
    return (
        f'<p class="caption">{text(caption)}</p>\n<div class="scroll"><table class="results">\n'
        f"<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _heading(heading: str) -> str:
    name, bracket, unit = heading.partition(" (")
    return f"{text(name)}<br><small>({text(unit)}</small>" if bracket else text(name)


def _row(table: ModelTable, row: Row) -> str:
    name, _, more = row.test.partition(SEAM)
    head = f"<strong>{text(name)}</strong>" + (f" <small>{text(more)}</small>" if more else "")
    labels = "".join(f'<span class="label">{text(label)}</span>' for label in row.labels)
    published_row = table.beside(row)
    cells = "".join(_cell(row, column, published_row) for column in table.columns)
    cells += _against(row) if table.has_methods else ""
    runs = f"{row.n_runs}" if row.run_ids else ""
    basis = {"repeats": "± repeats", "blocks": "± blocks"}.get(row.interval_basis, "")
    kind = "none" if row.status is None else "refused" if row.refused else row.status.value
    return (
        f'<tr data-status="{kind}"><th scope="row">{head}{labels}</th>{cells}'
        f'<td class="runs">{runs}{f"<small>{basis}</small>" if basis else ""}</td><td>{_badge(row)}</td></tr>'
    )


def _cell(row: Row, column: Column, published_row: PublishedRow | None) -> str:
    ours = row.cell(column)
    value, _, spread = ours.partition(" ± ")
    parts = [f"<b>{text(value)}</b>" if ours else "", f"<small>± {text(spread)}</small>" if spread else ""]
    if behind := row.behind(column):
        parts.append(f"<small>{behind} runs</small>")
    theirs = getattr(published_row, column.field) if published_row else None
    if published_row is not None and theirs is not None:
        wrong = column.field in published_row.wrong_figures
        mark = f' <abbr title="known to be wrong, see the notes">{WRONG_MARK}</abbr>' if wrong else ""
        change = signed_pct(row.differences.get(column.field))
        parts.append(f'<span class="theirs">{column.text(theirs)}{mark}{f" ({change})" if change else ""}</span>')
    return f"<td>{''.join(parts)}</td>"


def _against(row: Row) -> str:
    """The speed-up, or why there is none, with the agreement below it; an empty cell for the reference itself."""
    found = row.against
    if found is None:
        return "<td></td>"
    speed = f"<b>{text(found.speed_text)}</b>" if found.speed_text else _small(found.why_text)
    return f'<td class="against">{speed}{_small(found.agreement_text)}</td>'


def _small(words: str) -> str:
    return f"<small>{text(words)}</small>" if words else ""


def _badge(row: Row) -> str:
    if row.status is None:
        return '<span class="theirs">published only</span>'
    kind = "good" if row.status in _GOOD else "bad" if row.refused or row.status in _BAD else "other"
    return f'<span class="badge {kind}">{text(row.validity)}</span>'


# -- further sections, pictures and environment ---------------------------------------------------------------------


def _further(section: Section) -> str:
    parts = [f"<h3>{text(section.title)}</h3>"]
    if section.names:
        heads = "".join(f'<th scope="col">{text(name)}</th>' for name in section.names)
        rows = "\n".join(
            f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
            for row in section.rows
        )
        parts.append(
            f'<div class="scroll"><table class="results"><thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div>"
        )
    if section.sentences:
        parts.append(_list(section.sentences))
    figures = "".join(_figure(plot, section.title) for plot in section.plots)
    return "\n".join([*parts, f'<div class="graphs" style="max-width: 880px">{figures}</div>'] if figures else parts)


def _figure(plot: Plot, name: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(plot.png).decode('ascii')}"
    return f'<figure><img src="{source}" alt="{text(name)}"><figcaption>{text(name)}</figcaption></figure>'


def _graphs(table: ModelTable, assets: Mapping[tuple[str | None, str], Assets]) -> str:
    figures = []
    for row in (row for row in table.rows if row.run_ids):
        found = assets.get((table.model, row.test), Assets()).plots
        figures += [_figure(plot, f"{row.test} {TITLES[plot.kind]}") for plot in found]
    return f'<h3>Graphs</h3>\n<div class="graphs">{"".join(figures)}</div>' if figures else ""


def _environment(table: ModelTable) -> str:
    tests = [row.test for row in table.rows if row.run_ids]
    if not tests:
        return ""
    lines = []
    for name, by_test in table.facts().items():
        values = [by_test.get(test, "") for test in tests]
        if len(set(values)) == 1:
            cells = f'<td colspan="{len(tests)}">{text(values[0])}</td>'
        else:
            cells = "".join(f"<td>{text(value)}</td>" for value in values)
        lines.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>')
    heads = "".join(f'<th scope="col">{text(test)}</th>' for test in tests)
    return (
        "<h3>Environment</h3>\n"
        f'<div class="scroll"><table class="environment"><thead><tr><th scope="col">Newest run of each row</th>{heads}'
        f"</tr></thead>\n<tbody>\n{chr(10).join(lines)}\n</tbody></table></div>"
    )
