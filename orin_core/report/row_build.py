"""One row of a results table from the runs that share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.analysis.agreement_words import agreement_of
from orin_core.analysis.intervals import mean_interval
from orin_core.analysis.verdict import Status, repeats_needed
from orin_core.methods import Method
from orin_core.report import caption
from orin_core.report.agreement import SETTING_BY_KEY
from orin_core.report.cells import NOT_KNOWN, Cell, cells_of, told, words
from orin_core.report.figures import COLUMNS, number_or_none
from orin_core.report.published import PublishedRow
from orin_core.report.rows import CUT_BY_HAND, SEAM, Row
from orin_core.report.run_facts import RunFacts

FAMILY = ("origin", "telemetry")
_FAMILY_WORDS = {"run": "", "board": "", "imported": "imported", "simulated board": "simulated board"}
PUBLISHED_BATCH = "1"
"""The document names no batch size; the pipeline that it says it used takes one image at a time by default."""
PUBLISHED_DATASET = "cifar100"
PUBLISHED_BOARD = "AGX Orin"
SAME_ITEMS = 0.01
"""Repeats over numbers of images that lie further apart took times that have no mean."""
MAX_FPS = 20_000.0
"""No AGX Orin does so many images of any model of the catalogue: a typed-in number of images is wrong.

**Source**: MLPerf v3.1, ResNet-50, a fifth of the work of ResNet-152, in INT8: 6424 images/s.
"""
_REFUSED = {"reading-out-of-range", "above-the-bound", "model-above-the-bound", "faster-than-its-model"}
_SPOILED = {"idle-inside", "gaps", "fps-drift", "power-drift", "throttled", "over-current"}
"""Reasons of an imported log, by code: figures that cannot be true, and means that tell nothing."""
_NAMED_BROKEN = 3
_OF_ITEMS = ("average_fps", "energy_per_item_j", "items_per_joule")


def make_row(cell: Cell, varied: Sequence[str], published: Sequence[PublishedRow]) -> Row:
    """Returns the row of a cell.

    Args:
        cell: the runs.
        varied: keys of the settings that tell rows of this origin apart.
        published: the published rows of the model.
    """
    newest = cell.newest
    refused, spoiled = _refused(newest), _spoiled(newest)
    items, same_items = _items(cell)
    hidden = _hidden(newest, refused=refused, same_items=same_items)
    values = {column.field: _values(cell, column.summary_key) for column in COLUMNS if column.field not in hidden}
    figures: dict[str, Any] = {column.field: _mean(values.get(column.field, ())) for column in COLUMNS}
    intervals, basis = ({}, "") if refused else _intervals(cell, values)
    beside = _beside(cell, published)
    not_compared = _not_compared(cell, refused) if beside else ""
    compared = beside is not None and not not_compared
    return Row(
        model=cell.model,
        power_mode=cell.power_mode,
        test=_test(cell, varied),
        **figures,
        items=None if refused or "items" in hidden else items,
        status=newest.verdict.status,
        refused=refused,
        validity=newest.verdict.badge,
        sentence=newest.verdict.sentence,
        reasons=_reasons(cell),
        spoiled=spoiled,
        labels=_labels(cell),
        run_ids=tuple(run.run_id for run in cell.used),
        left_out=cell.left_out,
        values=values,
        intervals=intervals,
        interval_basis=basis,
        settings=cell.settings,
        setting_texts={SETTING_BY_KEY[key].name: text or "" for key, text in cell.settings.items()},
        facts=caption.facts(newest),
        rails=tuple(newest.summary.get("power_rails") or ()),
        ambients_c=_ambients_c(cell),
        cpu_ceiling_mhz=caption.cpu_ceiling_mhz(newest),
        diagnosis=_diagnosis_text(newest),
        published=beside,
        differences=_differences(cell, figures, beside) if beside and compared else {},
        not_compared=not_compared,
        remarks=_remarks(cell, refused=refused, same_items=same_items),
        commits=tuple(dict.fromkeys(str(run.environment.get("git_commit") or "")[:12] for run in cell.used)),
        agreement=agreement_of(newest.summary),
    )


def row_of(run: RunFacts) -> Row:
    """Returns a single run as a row of its own."""
    (cell,) = cells_of([run])
    return make_row(cell, (), ())


# -- figures --------------------------------------------------------------------------------------


def _refused(run: RunFacts) -> bool:
    """Whether the figures cannot be true; a log keeps its own verdict, so its reasons say it."""
    codes = {reason.code for reason in run.verdict.reasons}
    status = run.verdict.status
    return status is Status.IMPLAUSIBLE or (status is Status.IMPORTED and not codes.isdisjoint(_REFUSED))


def _spoiled(run: RunFacts) -> tuple[str, ...]:
    """Returns why an imported log can be shown, but neither ranked nor planned with, one sentence each."""
    if run.verdict.status is not Status.IMPORTED:
        return ()
    found = [reason.text for reason in run.verdict.reasons if reason.code in _REFUSED | _SPOILED]
    if _is_too_fast(run):
        found.append(
            f"{run.figure('fps_end_to_end'):,.0f} images/s are more than any AGX Orin does: the number of images is "
            "wrong."
        )
    return tuple(found)


def _is_too_fast(run: RunFacts) -> bool:
    return run.verdict.status is Status.IMPORTED and (run.figure("fps_end_to_end") or 0.0) > MAX_FPS


def _hidden(run: RunFacts, *, refused: bool, same_items: bool) -> set[str]:
    """Returns the figures that are left empty though there are values."""
    if refused:
        return {column.field for column in COLUMNS}
    hidden = {"items", *_OF_ITEMS} if _is_too_fast(run) else set()
    return hidden if same_items else hidden | {"items", "total_inference_time_s"}


def _items(cell: Cell) -> tuple[int | None, bool]:
    """Returns how many images a run of the cell measured, and whether its runs agree in that within 1 %."""
    found = [number_or_none(run.summary.get("items")) for run in cell.used]
    known = [items for items in found if items is not None]
    if not known:
        return None, len(found) == 1
    same = len(known) == len(found) and max(known) - min(known) <= SAME_ITEMS * max(known)
    return round(sum(known) / len(known)), same


def _values(cell: Cell, key: str) -> tuple[float, ...]:
    return tuple(value for run in cell.used if (value := run.figure(key)) is not None)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _intervals(cell: Cell, values: Mapping[str, tuple[float, ...]]) -> tuple[dict[str, tuple[float, float]], str]:
    """Returns the 95 % intervals: from repeats where there are any, else the run's own from blocks."""
    found: dict[str, tuple[float, float]] = {}
    if len(cell.used) > 1:
        for field, repeats in values.items():
            if interval := mean_interval(repeats):
                found[field] = interval
        return found, "repeats" if found else ""
    stored = cell.newest.summary["intervals_95"]
    for column in COLUMNS:
        if column.summary_key in stored and column.field in values:
            low, high = stored[column.summary_key]
            found[column.field] = (float(low), float(high))
    if "items_per_joule" not in found and (energy_j := found.get("energy_per_item_j")) and energy_j[0] > 0:
        found["items_per_joule"] = (1 / energy_j[1], 1 / energy_j[0])
    return found, "blocks" if found else ""


def _ambients_c(cell: Cell) -> tuple[float, ...]:
    found = (number_or_none(run.environment.get("ambient_c")) for run in cell.used)
    return tuple(ambient_c for ambient_c in found if ambient_c is not None)


# -- words ----------------------------------------------------------------------------------------


def _test(cell: Cell, varied: Sequence[str]) -> str:
    parts = [cell.power_mode or f"mode {NOT_KNOWN}"]
    parts += [family for key in FAMILY if (family := _FAMILY_WORDS.get(str(cell.settings[key]), ""))]
    return SEAM.join([*parts, *words(told(cell), varied)])


def _needed(cell: Cell) -> int:
    """How many VALID runs make a result of this profile."""
    return repeats_needed(str(cell.newest.summary.get("profile") or ""))


def _labels(cell: Cell) -> tuple[str, ...]:
    summary, status = cell.newest.summary, cell.newest.verdict.status
    found = []
    if summary.get("simulated"):
        found.append("SIMULATED BOARD")
    if status is Status.DEMO:
        found.append("DEMO")
    if status is Status.IMPORTED:
        found.append("imported, not verified")
    if summary.get("weights") == "random":
        found.append("random weights")
    if summary.get("images") in ("synthetic", "camera"):
        found.append(f"{summary['images']} images")
    if summary.get("scope") == "preloaded":
        found.append("preloaded")
    if any(run.cut_by_hand for run in cell.used):
        found.append(CUT_BY_HAND)
    if status is Status.VALID and (needed := _needed(cell)) > 1:
        found.append(f"{len(cell.used)} of {needed} repeats")
    return tuple(found)


def _reasons(cell: Cell) -> tuple[str, ...]:
    reasons = [reason.text for reason in cell.newest.verdict.reasons]
    needed = _needed(cell)
    if cell.newest.verdict.status is Status.VALID and len(cell.used) < needed:
        reasons.append(f"A formal result is made of {needed} repeats; there are {len(cell.used)}.")
    return tuple(reasons)


def _remarks(cell: Cell, *, refused: bool, same_items: bool) -> tuple[str, ...]:
    found = []
    if not same_items and not refused:
        found.append("its runs measured different numbers of images, so total time and images are left empty.")
    asked, used = (cell.newest.summary.get(key) for key in ("batch_size_asked", "batch_size"))
    if asked and used and used < asked:
        found.append(f"batch {asked:g} was asked for and memory ran out, so with consent it was halved to {used:g}.")
    if _is_too_fast(cell.newest):
        found.append("what rests on the number of images is left empty.")
    found += [
        f"in the files of {run.run_id} {', '.join(run.damaged)} cannot be read and is left out."
        for run in cell.used
        if run.damaged
    ]
    found += [
        f"{run.lost_rows} of {run.run_id}: its figures stand, and nobody can check them any more."
        for run in cell.used
        if run.lost_rows
    ]
    found += [f"the cut of {run.run_id} {run.cut_by_hand}." for run in cell.used if run.cut_by_hand]
    found += [f"{run.run_id} {run.broken} and is not used." for run in cell.broken[:_NAMED_BROKEN]]
    if (more := len(cell.broken) - _NAMED_BROKEN) > 0:
        found.append(f"{more} more did not reach their end and are not used.")
    return tuple(found)


def _diagnosis_text(run: RunFacts) -> str:
    found = run.summary.get("diagnosis") or {}
    return " ".join(part for part in (found.get("sentence"), *(found.get("advice") or ())) if part)


# -- beside the published row ---------------------------------------------------------------------


def _beside(cell: Cell, published: Sequence[PublishedRow]) -> PublishedRow | None:
    """Returns the published row of the same work; an imported log that does not say is not held against it."""
    for key, theirs in (("dataset", PUBLISHED_DATASET), ("scope", "full")):
        ours = cell.settings[key]
        if ours != theirs and not (ours is None and cell.settings["origin"] == "imported"):
            return None
    return next((row for row in published if row.power_mode == cell.power_mode), None)


def _not_compared(cell: Cell, refused: bool) -> str:
    if cell.settings["telemetry"] == "simulated board":
        return "a simulated board is not compared"
    if refused:
        return "refused figures are not compared"
    board = cell.settings["board"]
    if board is not None and PUBLISHED_BOARD.lower() not in board.lower():
        return f"{board} is no {PUBLISHED_BOARD}"
    method = cell.settings["method"]
    if method != Method.REFERENCE.value and cell.settings["origin"] == "run":
        theirs = f"that of the published rows, {Method.REFERENCE.value}"
        return f"{method} is another method than {theirs}" if method else f"its method may be another than {theirs}"
    batch = cell.settings["batch"]
    if batch not in (None, PUBLISHED_BATCH):
        return f"batch {batch} is not compared with single images"
    return ""


def _differences(cell: Cell, figures: Mapping[str, float | None], published: PublishedRow) -> dict[str, float]:
    """Returns ours against published, %; none against a figure that is known to be wrong."""
    same_work = all(run.summary.get("items") == published.items for run in cell.used)
    found = {}
    for column in COLUMNS:
        ours, theirs = figures[column.field], getattr(published, column.field)
        # A time over another number of images says nothing.
        if column.field in published.wrong_figures or (column.field == "total_inference_time_s" and not same_work):
            continue
        if ours is not None and theirs:
            found[column.field] = 100 * (ours - theirs) / theirs
    return found
