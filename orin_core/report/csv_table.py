"""The results table as CSV: one line per row, units in the column names, nothing rounded for the eye."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from orin_core.report.cells import SETTINGS
from orin_core.report.rows import COLUMNS, ModelTable, Row

_NAMED = ("Model", "Model Id", "Test", "Power Mode", "Validity", "Labels", "Runs", "Run Ids", "Images")


def header() -> list[str]:
    """Returns the column names in order."""
    names = [*_NAMED, *(column.csv_name for column in COLUMNS)]
    for column in COLUMNS:
        names += [f"{column.csv_name} 95% low", f"{column.csv_name} 95% high"]
    names.append("Interval From")
    names += [f"Published {column.csv_name}" for column in COLUMNS]
    names += [f"{column.heading.partition(' (')[0]} Difference (%)" for column in COLUMNS]
    names += ["Published Error", "Not Compared Because", *(setting.name for setting in SETTINGS)]
    return [*names, "Power Rails", "Reasons"]


def render(tables: Sequence[ModelTable]) -> str:
    """Returns every row of every table; an empty cell is an absent value."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header())
    for table in tables:
        for row in table.rows:
            writer.writerow(_cells(table, row))
    return buffer.getvalue()


def _cells(table: ModelTable, row: Row) -> list[str]:
    cells = [table.model or "", table.model_id or "", row.test, row.power_mode or "", row.validity]
    cells += ["; ".join(row.labels), str(row.n_runs) if row.run_ids else "", "; ".join(row.run_ids)]
    cells.append("" if row.items is None else str(row.items))
    cells += [_number(row.figure(column.field)) for column in COLUMNS]
    for column in COLUMNS:
        low, high = row.intervals.get(column.field, (None, None))
        cells += [_number(low), _number(high)]
    cells.append(row.interval_basis)
    theirs = row.published
    cells += [_number(getattr(theirs, column.field) if theirs else None) for column in COLUMNS]
    cells += [_number(row.differences.get(column.field), 2) for column in COLUMNS]
    cells += [(theirs.known_error or "") if theirs else "", row.not_compared]
    cells += [row.settings.get(setting.key) or "" for setting in SETTINGS]
    return [*cells, "; ".join(row.rails), " ".join(row.reasons)]


def _number(value: float | None, decimals: int = 6) -> str:
    """Returns digits without trailing zeros; empty where there is no value."""
    return "" if value is None else f"{value:.{decimals}f}".rstrip("0").rstrip(".")
