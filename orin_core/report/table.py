"""The results table: per model one row per power mode, the published figure beside it.

What may share a row is decided in ``cells.py``, what may be ranked in ``compare.py``.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orin_core.analysis.intervals import mean_interval
from orin_core.analysis.verdict import Status, repeats_needed
from orin_core.catalog import MODELS, model_row
from orin_core.report import caption
from orin_core.report.cells import SETTING_BY_KEY, Cell, RunFacts, cells_of, origin_of, run_facts
from orin_core.report.compare import across, across_published, best_published, rankings
from orin_core.report.published import PublishedRow, hub_id, published_rows
from orin_core.report.rows import COLUMNS, Best, ModelTable, Row, mode_rank, number_or_none
from orin_core.runs.recording import Recording

__all__ = ["Best", "ModelTable", "Row", "build"]

_FAMILY = ("origin", "telemetry")
_FAMILY_WORDS = {"run": "", "board": "", "imported": "imported", "simulated board": "simulated board"}
_STATUS_ORDER = (Status.VALID, Status.IMPORTED, Status.DEMO, Status.INVALID, Status.IMPLAUSIBLE, Status.SIMULATED)
PUBLISHED_BATCH = "1"
"""The document names no batch size; the pipeline that it says it used takes one image at a time by default."""
PUBLISHED_DATASET = "cifar100"


def build(
    runs: Iterable[Recording | Mapping[str, Any]], *, models: Sequence[str] | None = None
) -> tuple[ModelTable, ...]:
    """Returns one table per model, those of the catalogue first.

    Args:
        runs: run folders, or summaries that may carry ``environment.json`` under ``environment``.
        models: names to keep (catalogue names, aliases, hub ids); None keeps all. A model without a run
            has a table where there are published figures.
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
    kept = [name for name in names if wanted is None or (name is not None and hub_id(name) in wanted)]
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
    varied = {family: _varied(found) for family, found in _families(cells).items()}
    rows = [_row(cell, varied[_family(cell)], published) for cell in cells]
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
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", text.rstrip("/").split("/")[-1]).strip("-.")[:48] or "unnamed"


def _published_of(model: str | None) -> list[PublishedRow]:
    if model is None:
        return []
    return [row for row in published_rows() if row.model.lower() == hub_id(model) and row.average_fps is not None]


# -- rows -----------------------------------------------------------------------------------------


def _family(cell: Cell) -> tuple[str | None, ...]:
    return tuple(cell.settings[key] for key in _FAMILY)


def _families(cells: Iterable[Cell]) -> dict[tuple[str | None, ...], list[Cell]]:
    found: dict[tuple[str | None, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(_family(cell), []).append(cell)
    return found


def _varied(cells: Sequence[Cell]) -> list[str]:
    """Returns the keys of the settings in which rows of one origin differ."""
    return [key for key in SETTING_BY_KEY if len({cell.settings[key] for cell in cells}) > 1]


def _row_rank(row: Row) -> tuple[tuple[int, str], int, str]:
    order = _STATUS_ORDER.index(row.status) if row.status in _STATUS_ORDER else len(_STATUS_ORDER)
    return (mode_rank(row.power_mode), order, row.test)


def _row(cell: Cell, varied: Sequence[str], published: Sequence[PublishedRow]) -> Row:
    newest = cell.newest
    refused = newest.verdict.status is Status.IMPLAUSIBLE
    values = {} if refused else {column.field: _values(cell, column.summary_key) for column in COLUMNS}
    figures = {field: sum(found) / len(found) if found else None for field, found in values.items()}
    intervals, basis = ({}, "") if refused else _intervals(cell, values)
    items = number_or_none(newest.summary.get("items"))
    beside = _beside(cell, published)
    not_compared = _not_compared(cell) if beside else ""
    compared = beside is not None and not not_compared
    return Row(
        model=cell.model,
        power_mode=cell.power_mode,
        test=_test(cell, varied),
        **figures,
        items=None if items is None or refused else round(items),
        status=newest.verdict.status,
        validity=newest.verdict.badge,
        sentence=newest.verdict.sentence,
        reasons=_reasons(cell),
        labels=_labels(newest),
        run_ids=tuple(run.run_id for run in cell.used),
        left_out=cell.left_out,
        values=values,
        intervals=intervals,
        interval_basis=basis,
        settings=cell.settings,
        setting_texts={SETTING_BY_KEY[key].name: text or "" for key, text in cell.settings.items()},
        facts=caption.facts(newest),
        rails=tuple(str(rail) for rail in newest.summary.get("power_rails") or ()),
        cpu_ceiling_mhz=caption.cpu_ceiling_mhz(newest),
        diagnosis=_diagnosis_text(newest),
        published=beside,
        differences=_differences(figures, items, beside) if beside and compared else {},
        not_compared=not_compared,
    )


def _values(cell: Cell, key: str) -> tuple[float, ...]:
    return tuple(value for run in cell.used if (value := run.figure(key)) is not None)


def _intervals(cell: Cell, values: Mapping[str, tuple[float, ...]]) -> tuple[dict[str, tuple[float, float]], str]:
    """Returns the 95 % intervals: from repeats where there are any, else the run's own from blocks."""
    found: dict[str, tuple[float, float]] = {}
    if len(cell.used) > 1:
        for field, repeats in values.items():
            if interval := mean_interval(repeats):
                found[field] = interval
        return found, "repeats" if found else ""
    stored = cell.newest.summary.get("intervals_95")
    for column in COLUMNS:
        ends = stored.get(column.summary_key) if isinstance(stored, Mapping) else None
        if isinstance(ends, Sequence) and len(ends) == 2:
            found[column.field] = (float(ends[0]), float(ends[1]))
    if "items_per_joule" not in found and (energy_j := found.get("energy_per_item_j")) and energy_j[0] > 0:
        found["items_per_joule"] = (1 / energy_j[1], 1 / energy_j[0])
    return found, "blocks" if found else ""


def _test(cell: Cell, varied: Sequence[str]) -> str:
    parts = [cell.power_mode or "mode not known"]
    parts += [words for key in _FAMILY if (words := _FAMILY_WORDS.get(str(cell.settings[key]), ""))]
    for key in varied:
        text, setting = cell.settings[key], SETTING_BY_KEY[key]
        parts.append(f"{setting.name} not known" if text is None else setting.label.format(text))
    return " · ".join(parts)


def _labels(run: RunFacts) -> tuple[str, ...]:
    found = []
    if run.summary.get("simulated"):
        found.append("SIMULATED BOARD")
    if run.verdict.status is Status.DEMO:
        found.append("DEMO")
    if run.verdict.status is Status.IMPORTED:
        found.append("imported, not verified")
    if run.summary.get("weights") == "random":
        found.append("random weights")
    if run.summary.get("images") == "synthetic":
        found.append("synthetic images")
    return tuple(found)


def _reasons(cell: Cell) -> tuple[str, ...]:
    reasons = [reason.text for reason in cell.newest.verdict.reasons]
    needed = repeats_needed(str(cell.newest.summary.get("profile") or ""))
    if cell.newest.verdict.status is Status.VALID and len(cell.used) < needed:
        reasons.append(f"A formal result is made of {needed} repeats; there are {len(cell.used)}.")
    return tuple(reasons)


def _diagnosis_text(run: RunFacts) -> str:
    found = run.summary.get("diagnosis")
    if not isinstance(found, Mapping):
        return ""
    return " ".join(str(part) for part in (found.get("sentence"), *(found.get("advice") or ())) if part)


# -- beside the published row ---------------------------------------------------------------------


def _beside(cell: Cell, published: Sequence[PublishedRow]) -> PublishedRow | None:
    """Returns the published row of the same work; an imported log that does not say is not held against it."""
    for key, theirs in (("dataset", PUBLISHED_DATASET), ("scope", "full")):
        ours = cell.settings[key]
        if ours != theirs and not (ours is None and cell.settings["origin"] == "imported"):
            return None
    return next((row for row in published if row.power_mode == cell.power_mode), None)


def _not_compared(cell: Cell) -> str:
    if cell.settings["telemetry"] == "simulated board":
        return "a simulated board is not compared"
    if cell.newest.verdict.status is Status.IMPLAUSIBLE:
        return "refused figures are not compared"
    batch = cell.settings["batch"]
    if batch not in (None, PUBLISHED_BATCH):
        return f"batch {batch} is not compared with single images"
    return ""


def _differences(figures: Mapping[str, float | None], items: float | None, published: PublishedRow) -> dict[str, float]:
    found = {}
    for column in COLUMNS:
        ours, theirs = figures[column.field], getattr(published, column.field)
        # A time over another number of images says nothing.
        if column.field == "total_inference_time_s" and items != published.items:
            continue
        if ours is not None and theirs:
            found[column.field] = 100 * (ours - theirs) / theirs
    return found
