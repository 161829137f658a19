"""The report as Markdown, in the shape of the team's document, so that its readers know where to look."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from orin_core.report import published
from orin_core.report.assets import Assets
from orin_core.report.caption import WRONG_MARK
from orin_core.report.figures import Column, signed_pct
from orin_core.report.guide import AGAINST, GUIDE, TITLE, findings, no_runs
from orin_core.report.plots import TITLES
from orin_core.report.published import PublishedRow
from orin_core.report.rows import ModelTable, Row
from orin_core.report.sections import Frame, Section, at

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")


def plain(text: object) -> str:
    """Returns Markdown that shows a text as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


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
        assets: pictures and raw data per row, by model and test; none are linked without it.
        frame: what stands around the tables.
    """
    frame = frame or Frame()
    lines = [f"# {TITLE}", "", f"Made by `{frame.command}`{at(generated)}", ""]
    for sentence in frame.lead:
        lines += [plain(sentence), ""]
    if none := no_runs(tables):
        lines += [f"**{plain(none)}**", ""]
    lines += ["## Models Tested", ""]
    lines += [_model_line(table) for table in tables]
    lines += ["", "## How to Read the Figures", ""]
    lines += [f"- {plain(sentence)}" for sentence in GUIDE]
    for table in tables:
        lines += ["", *_section(table, assets or {}, frame.sections.get(table.model, ()))]
    lines += ["", "## Source of the Published Figures", "", plain(f"{published.SOURCE}; {published.BOARD}."), ""]
    return "\n".join(lines)


def _model_line(table: ModelTable) -> str:
    link = f" ([model card](https://huggingface.co/{table.model_id}))" if table.model_id else ""
    return f"- {plain(table.label)}{link}"


def _section(table: ModelTable, assets: Mapping[tuple[str | None, str], Assets], more: Sequence[Section]) -> list[str]:
    lines = [f"## {plain(table.label)} Results", "", plain(table.caption)]
    if table.common:
        lines += ["", plain(table.common)]
    lines += ["", f"<ins>{plain(table.label)} Test Results</ins>", "", *_results(table)]
    beside = [(row, theirs) for row in table.rows if (theirs := table.beside(row))]
    if beside:
        lines += ["", "<ins>Beside the Published Figures</ins>", "", *_beside(table, beside)]
    if said := findings(table):
        lines += ["", "### What It Says", ""]
        lines += [f"- **{plain(finding.name)}:** {plain(finding.text)}" for finding in said]
    if table.notes:
        lines += ["", "### Notes", "", *(f"- {plain(note)}" for note in table.notes)]
    for section in more:
        lines += _further(section)
    ours = [(row, found) for row in table.rows if row.run_ids and (found := assets.get((table.model, row.test)))]
    data = [f"- [{plain(row.test)} Raw Data]({found.data})" for row, found in ours if found.data]
    if data:
        lines += ["", "### Raw Data", "", *data]
    if any(found.plots for _, found in ours):
        lines += ["", "### Graphs"]
        for row, found in ours:
            if found.plots:
                lines += ["", f"#### {plain(row.test)} Data", ""]
                lines += [f"![{plain(row.test)} {TITLES[p.kind]}]({found.image(p)})" for p in found.plots]
    return lines


def _further(section: Section) -> list[str]:
    lines = ["", f"### {plain(section.title)}", ""]
    if section.names:
        lines += [*_table(list(map(plain, section.names)), [list(map(plain, row)) for row in section.rows]), ""]
    lines += [f"- {plain(sentence)}" for sentence in section.sentences]
    for plot in section.plots:
        lines += ["", f"![{plain(section.title)}]({section.image(plot)})"]
    return lines


def _results(table: ModelTable) -> list[str]:
    against = [AGAINST] if table.has_methods else []
    headings = (table.heading(column.heading) for column in table.columns)
    names = ["Test", *headings, *against, table.heading("Images"), "Runs", "Validity"]
    return _table(names, [_result_cells(table, row) for row in table.rows])


def _result_cells(table: ModelTable, row: Row) -> list[str]:
    test = plain(", ".join([row.test, *row.labels_beside_test()]))
    items = "" if row.items is None else str(row.items)
    against = [plain(row.against_text())] if table.has_methods else []
    figures = (_figure(row, column) for column in table.columns)
    return [test, *figures, *against, items, row.runs_text(), plain(row.validity)]


def _figure(row: Row, column: Column) -> str:
    behind = row.behind(column)
    return f"{row.cell(column)} ({behind})" if behind else row.cell(column)


def _published(row: PublishedRow, column: Column) -> str:
    mark = f" {WRONG_MARK}" if column.field in row.wrong_figures else ""
    return column.text(getattr(row, column.field)) + mark


def _beside(table: ModelTable, rows: Sequence[tuple[Row, PublishedRow]]) -> list[str]:
    names = ["Test"]
    for column in table.columns:
        names += [f"Published {table.heading(column.heading).removeprefix('Average ')}", "Difference"]
    lines = []
    for row, theirs in rows:
        cells = [plain(row.test)]
        for column in table.columns:
            cells += [_published(theirs, column), signed_pct(row.differences.get(column.field))]
        lines.append(cells)
    return _table(names, lines)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"|{'|'.join(names)}|", f"|{'|'.join([' --- '] * len(names))}|"]
    return [*lines, *(f"|{'|'.join(cells)}|" for cells in rows)]
