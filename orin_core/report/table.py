"""The results table: per model one row per power mode, the published figure beside it.

What may share a row is decided in ``agreement.py``, what may be ranked in ``compare.py``; ``row_build.py`` makes a row.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orin_core.analysis.verdict import Status
from orin_core.catalog import MODELS, model_row
from orin_core.report import against, caption
from orin_core.report.cells import Cell, cells_of, told, varied
from orin_core.report.compare import across, across_published, best_published, rankings
from orin_core.report.file_names import file_part
from orin_core.report.published import PublishedRow, hub_id, published_rows
from orin_core.report.row_build import FAMILY, make_row
from orin_core.report.rows import Best, ModelTable, Row, mode_rank
from orin_core.report.run_facts import origin_of, run_facts
from orin_core.runs.recording import Recording

__all__ = ["UNNAMED", "Best", "ModelTable", "Row", "build"]

_STATUS_ORDER = (Status.VALID, Status.IMPORTED, Status.DEMO, Status.INVALID, Status.IMPLAUSIBLE, Status.SIMULATED)
UNNAMED = ""
"""Stands for imported logs of an unnamed model where models are chosen by name."""


def build(
    runs: Iterable[Recording | Mapping[str, Any]], *, models: Sequence[str] | None = None
) -> tuple[ModelTable, ...]:
    """Returns one table per model, those of the catalogue first.

    Args:
        runs: run folders, or summaries that may carry ``environment.json`` under ``environment``.
        models: names to keep (catalogue names, aliases, hub ids, :data:`UNNAMED`); None keeps all. A model
            without a run has a table where there are published figures.
    """
    wanted = None if models is None else {hub_id(name) for name in models}
    known = [facts for run in runs if (facts := run_facts(run)) is not None and origin_of(facts) != "replay"]
    found = sorted(known, key=lambda facts: facts.run_id)
    empty = Counter(facts.model for facts in found if not facts.has_figures)
    by_model: dict[str | None, list[Cell]] = {}
    for cell in cells_of(facts for facts in found if facts.has_figures):
        by_model.setdefault(cell.model, []).append(cell)
    for published in published_rows():
        row = model_row(published.model)
        if row is not None:
            by_model.setdefault(row.name, [])
    names = sorted(by_model, key=_model_rank)
    kept = [name for name in names if wanted is None or hub_id(name or UNNAMED) in wanted]
    return _apart([_table(name, by_model[name], empty[name]) for name in kept])


def _apart(tables: Sequence[ModelTable]) -> tuple[ModelTable, ...]:
    """Returns tables whose file names cannot meet: two local models may lie in folders of one name."""
    result: list[ModelTable] = []
    taken: set[str] = set()
    for one in tables:
        number, name = 2, one.slug
        while name.lower() in taken:
            name, number = f"{one.slug}-{number}", number + 1
        taken.add(name.lower())
        result.append(dataclasses.replace(one, slug=name))
    return tuple(result)


def _model_rank(name: str | None) -> tuple[int, str]:
    known = [row.name for row in MODELS]
    if name is None:
        return (len(known) + 1, "")
    return (known.index(name), "") if name in known else (len(known), name)


def _table(model: str | None, cells: Sequence[Cell], empty: int) -> ModelTable:
    published = _published_of(model)
    apart = {family: varied([told(cell) for cell in found]) for family, found in _families(cells).items()}
    rows = against.with_reference([make_row(cell, apart[_family(cell)], published) for cell in cells])
    beside = {row.published.power_mode for row in rows if row.published is not None}
    rows += [
        Row(model=model, power_mode=one.power_mode, test=one.power_mode, published=one)
        for one in published
        if one.power_mode not in beside
    ]
    rows.sort(key=_row_rank)
    catalogue = model_row(model) if model else None
    found = rankings(rows)
    return ModelTable(
        model=model,
        label=catalogue.label if catalogue else model.rstrip("/").split("/")[-1] if model else "Model not named",
        slug=slug(catalogue.name if catalogue else model or "unnamed"),
        model_id=catalogue.model_id if catalogue else None,
        caption=caption.boards([cell.newest for cell in cells], published=bool(published)),
        common=caption.common([row for row in rows if row.run_ids]),
        rows=tuple(rows),
        best=found[0] if found else None,
        rankings=found,
        published_best=best_published(published),
        diagnosis=across(rows),
        published_diagnosis=across_published(published),
        notes=caption.notes(rows, empty=empty),
    )


def slug(text: str) -> str:
    """Returns a name as it may stand in a file name."""
    return file_part(text.rstrip("/").split("/")[-1], most=48, empty="unnamed")


def _published_of(model: str | None) -> list[PublishedRow]:
    if model is None:
        return []
    return [row for row in published_rows() if row.model.lower() == hub_id(model)]


# -- rows -----------------------------------------------------------------------------------------


def _family(cell: Cell) -> tuple[str | None, ...]:
    return tuple(cell.settings[key] for key in FAMILY)


def _families(cells: Iterable[Cell]) -> dict[tuple[str | None, ...], list[Cell]]:
    found: dict[tuple[str | None, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(_family(cell), []).append(cell)
    return found


def _row_rank(row: Row) -> tuple[tuple[int, str], int, bool, tuple[tuple[int, str], ...]]:
    order = _STATUS_ORDER.index(row.status) if row.status in _STATUS_ORDER else len(_STATUS_ORDER)
    # By number: batch 2 stands before batch 16.
    parts = tuple((int(part) if part.isdecimal() else 0, part) for part in re.split(r"([0-9]+)", row.test))
    # The reference stands before what is held against it.
    return (mode_rank(row.power_mode), order, row.against is not None, parts)
