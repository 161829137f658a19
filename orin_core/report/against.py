"""What a row gains over the reference method: its speed-up, and beside it how far its results agree, always.

There is a speed-up only between rows that agree in everything but how images go through the model: never across
scopes, and only of rows that are VALID, or that carry the same labels where none is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from orin_core.analysis.verdict import Status
from orin_core.methods import Method, Precision
from orin_core.report.agreement import SETTING_BY_KEY, TORCH
from orin_core.report.cells import NOT_KNOWN
from orin_core.report.rows import AgainstReference, Row

FREE = ("method", "provider", "precision", "batch", "in_flight")
"""Settings in which a row may differ from its reference: what a method is chosen by."""
_VALUES_OF = 2
"""Of so many settings that differ both values are told; of more the names alone."""
_ALIKE = (Status.DEMO, Status.SIMULATED)
"""Verdicts whose rows may be held against each other where their labels are the same."""


def way_of(row: Row) -> str:
    """Returns how images went through the model, so far as it is known: ``batched fp16 batch 32``."""
    found = [row.settings.get(key) for key in ("method", "provider", "precision")]
    found = [None if text == TORCH else text for text in found]
    batch = row.settings.get("batch")
    return " ".join([text for text in found if text] + ([f"batch {batch}"] if batch else []))


def with_reference(rows: Sequence[Row]) -> list[Row]:
    """Returns rows with what each gains over the reference method of the same model and mode.

    Args:
        rows: of one model or of several.
    """
    references = [row for row in rows if _is_reference(row)]
    return [dataclasses.replace(row, against=_against(row, references)) if _is_held(row) else row for row in rows]


def _is_reference(row: Row) -> bool:
    return row.settings.get("method") == Method.REFERENCE.value and bool(row.run_ids)


def _is_held(row: Row) -> bool:
    return row.settings.get("method") not in (None, Method.REFERENCE.value) and bool(row.run_ids)


def _against(row: Row, references: Sequence[Row]) -> AgainstReference:
    same = [one for one in references if one.model == row.model and one.power_mode == row.power_mode]
    if not same:
        return AgainstReference(agreement=row.agreement)
    # The nearest: fewest settings apart, then the row's own precision, then the full one.
    precisions = (row.settings.get("precision"), Precision.FP32.value)
    reference = min(same, key=lambda one: (len(_apart(row, one)), _place(one.settings.get("precision"), precisions)))
    why = _why_not(row, reference)
    mine, theirs = _speed(row), _speed(reference)
    return AgainstReference(
        agreement=row.agreement,
        precision=reference.settings.get("precision") or "",
        speed_up=mine / theirs if mine and theirs and not why else None,
        why=why,
    )


def _place(precision: str | None, wanted: Sequence[str | None]) -> int:
    return wanted.index(precision) if precision in wanted else len(wanted)


def _apart(row: Row, reference: Row) -> list[str]:
    """Returns the settings that must agree and do not, each with both values where they are few."""
    keys = [key for key in SETTING_BY_KEY if key not in FREE and row.settings.get(key) != reference.settings.get(key)]
    names = [SETTING_BY_KEY[key].name for key in keys]
    if len(keys) > _VALUES_OF:
        return names
    ends = [[one.settings.get(key) or NOT_KNOWN for one in (row, reference)] for key in keys]
    return [f"{name} ({' against '.join(values)})" for name, values in zip(names, ends, strict=True)]


def _why_not(row: Row, reference: Row) -> str:
    """Returns why there is no speed-up though there is a reference row, a clause; empty where there is one."""
    if row.agreement is None:
        return "how far its results agree was not recorded"
    if not row.agreement.ok:
        return "its results do not agree with the reference"
    if not row.agreement.images:
        return "on no image was anything found that could agree"
    if apart := _apart(row, reference):
        return f"the two differ in {', '.join(apart)}"
    both_valid = row.status is Status.VALID and reference.status is Status.VALID
    alike = row.status is reference.status and row.status in _ALIKE and row.labels == reference.labels
    if not both_valid and not alike:
        return f"it is {row.validity} and the reference {reference.validity}"
    return "" if _speed(row) and _speed(reference) else "one of the two has no speed"


def _speed(row: Row) -> float | None:
    return row.average_fps or row.tokens_per_s
