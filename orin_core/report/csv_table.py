"""The results table as CSV: one line per row, units in the column names, nothing rounded for the eye."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from orin_core.report.agreement import SETTINGS
from orin_core.report.figures import COLUMN_BY_FIELD, COLUMNS
from orin_core.report.rows import ModelTable, Row

_AGAINST = (
    "Speed-up over Reference", "Reference Precision", "Agreement Metric", "Agreement", "Agreement Threshold",
    "Agreement Kept", "Images Compared", "No Speed-up Because",
)  # fmt: skip
_NAMED = ("Model", "Model Id", "Test", "Power Mode", "Validity", "Labels", "Runs", "Run Ids", "Images")


def header() -> list[str]:
    """Returns the column names in order."""
    names = [*_NAMED, *(column.csv_name for column in COLUMNS)]
    for column in COLUMNS:
        names += [f"{column.csv_name} 95% low", f"{column.csv_name} 95% high"]
    names.append("Interval From")
    names += [f"Published {column.csv_name}" for column in COLUMNS]
    names += [f"{column.heading.partition(' (')[0]} Difference (%)" for column in COLUMNS]
    names += _AGAINST
    names += [
        "Published Wrong Figures",
        "Published Error",
        "Not Compared Because",
        *(setting.name for setting in SETTINGS),
    ]
    return [*names, "Power Rails", "Fewer Runs Behind", "Commits", "Reasons", "Not Ranked Because", "Remarks"]


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
    cells = [*map(safe_text, (table.model, table.model_id, row.test, row.power_mode, row.validity))]
    cells += [
        safe_text("; ".join(row.labels)),
        str(row.n_runs) if row.run_ids else "",
        safe_text("; ".join(row.run_ids)),
    ]
    cells.append("" if row.items is None else str(row.items))
    cells += [_number(row.figure(column.field)) for column in COLUMNS]
    for column in COLUMNS:
        low, high = row.intervals.get(column.field, (None, None))
        cells += [_number(low), _number(high)]
    cells.append(row.interval_basis)
    theirs = row.published
    cells += [_number(getattr(theirs, column.field) if theirs else None) for column in COLUMNS]
    cells += [_number(row.differences.get(column.field), 2) for column in COLUMNS]
    cells += _against(row)
    wrong = [_name(field) for field in theirs.wrong_figures] if theirs else []
    cells += ["; ".join(wrong), safe_text(theirs.known_error) if theirs else "", safe_text(row.not_compared)]
    cells += [safe_text(row.settings.get(setting.key)) for setting in SETTINGS]
    fewer = [f"{_name(column.field)}: {behind}" for column in COLUMNS if (behind := row.behind(column))]
    texts = ("; ".join(row.rails), "; ".join(fewer), "; ".join(filter(None, row.commits)), " ".join(row.reasons))
    return [*cells, *map(safe_text, (*texts, " ".join(row.spoiled), " ".join(row.remarks)))]


def _against(row: Row) -> list[str]:
    over, agreement = row.against, row.agreement
    cells = [_number(over.speed_up), over.precision] if over else ["", ""]
    if agreement is None:
        cells += [""] * 5
    elif not agreement.images:
        # Nothing was found to compare, which is no agreement.
        cells += [agreement.metric, "", _number(agreement.threshold), "", "0"]
    else:
        cells += [agreement.metric, _number(agreement.value), _number(agreement.threshold)]
        cells += ["yes" if agreement.ok else "no", str(agreement.images)]
    return [*map(safe_text, cells), safe_text(over.why if over else "")]


def _name(field: str) -> str:
    return COLUMN_BY_FIELD[field].heading.partition(" (")[0]


def safe_text(value: str | None) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    text = value or ""
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") and text.strip() else text


def _number(value: float | None, decimals: int = 6) -> str:
    """Returns digits without trailing zeros; empty where there is no value."""
    return "" if value is None else f"{value:.{decimals}f}".rstrip("0").rstrip(".")
