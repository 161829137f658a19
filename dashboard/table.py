"""Ticks as numbers: the columns that the live chart shows, in one growing array.

Pure: text cells of ``run.csv`` go in, rows for the browser come out. A number is the float64 that
its CSV cell spells, so what is plotted equals the file to the digit.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from orin_core.board.sample import METRIC_BY_FIELD
from orin_core.runs import columns

Array = np.ndarray[Any, np.dtype[np.float64]]

GAP_INTERVALS = 2.5
"""A longer silence than so many intervals is drawn as a gap."""
_BULK_BYTES = 64 * 1024
_FIELDS = (
    "gr3d_pct",
    "gr3d_freq_mhz",
    "emc_pct",
    "ram_used_mb",
    "ram_total_mb",
    "swap_used_mb",
    "power_w",
    "tj_c",
)
_FIXED = (*(METRIC_BY_FIELD[field].column for field in _FIELDS), columns.FPS, columns.THROTTLED)
_TEMPERATURE = columns.temperature_column("")
_RAIL = columns.rail_column("")


def chart_columns(header: Sequence[str]) -> list[str]:
    """Returns the columns of a CSV header that the chart shows, ``Elapsed (s)`` first."""
    shown = [name for name in header if name in _FIXED or name.endswith((_TEMPERATURE, _RAIL))]
    return [columns.ELAPSED_S, *shown]


class Table:
    """Rows of the chart's columns, oldest first, in a preallocated array.

    Args:
        header: column names as in line 1 of ``run.csv``.
        keep: rows to keep; None keeps all of them.
    """

    def __init__(self, header: Sequence[str], *, keep: int | None = None) -> None:
        self.header = list(header)
        self.columns = chart_columns(header)
        self._places = [self.header.index(name) for name in self.columns]
        self._data: Array = np.empty((256, len(self.columns)), dtype=np.float64)
        self._count = 0
        self._keep = keep
        self._dropped = 0

    @property
    def end(self) -> int:
        """Number of rows ever added: the cursor of a reader that has them all."""
        return self._dropped + self._count

    @property
    def nbytes(self) -> int:
        """Size of the array in bytes."""
        return int(self._data.nbytes)

    @property
    def rows(self) -> Array:
        """The rows that are kept, shape (rows, columns), NaN where a cell is empty."""
        return self._data[: self._count]

    def since(self, cursor: int) -> Array | None:
        """Returns the rows after a cursor; None where the table no longer (or not yet) reaches it."""
        if not self._dropped <= cursor <= self.end:
            return None
        return self._data[cursor - self._dropped : self._count]

    def before(self, cursor: int) -> float | None:
        """Returns ``Elapsed (s)`` of the row just before a cursor, None where there is none."""
        place = cursor - self._dropped - 1
        return float(self._data[place, 0]) if 0 <= place < self._count else None

    def add_cells(self, cells: Sequence[str]) -> None:
        """Adds one row given as text, one cell per name of the header."""
        self._add(np.array([[_float(cells[place]) for place in self._places]], dtype=np.float64))

    def add_csv(self, data: bytes) -> None:
        """Adds whole lines of CSV; a line with another number of cells is left out."""
        if len(data) > _BULK_BYTES:
            self._add(self._bulk(data))
            return
        records = csv.reader(io.StringIO(data.decode("utf-8", errors="replace")))
        found = [
            [_float(record[place]) for place in self._places] for record in records if len(record) == len(self.header)
        ]
        if found:
            self._add(np.array(found, dtype=np.float64))

    def _bulk(self, data: bytes) -> Array:
        # Exact: a cell has less than 16 digits, so pandas' quick parser divides two exact numbers once.
        frame = pd.read_csv(
            io.BytesIO(data),
            header=None,
            names=self.header,
            usecols=self.columns,
            dtype=np.float64,
            on_bad_lines="skip",
        )
        values: Array = frame[self.columns].to_numpy(dtype=np.float64)
        return values[np.isfinite(values[:, 0])]

    def _add(self, block: Array) -> None:
        need = self._count + len(block)
        if self._keep is not None and need > 2 * self._keep:
            drop = max(0, self._count - self._keep)
            self._data[: self._count - drop] = self._data[drop : self._count].copy()
            self._count -= drop
            self._dropped += drop
            need -= drop
        if need > len(self._data):
            grown = np.empty((max(need, 2 * len(self._data)), len(self.columns)), dtype=np.float64)
            grown[: self._count] = self.rows
            self._data = grown
        self._data[self._count : need] = block
        self._count = need


def _float(cell: str) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.nan


def window(rows: Array, span_s: float | None) -> Array:
    """Returns the rows of the last ``span_s`` seconds; all of them where that is None."""
    if span_s is None or not len(rows):
        return rows
    first = int(np.searchsorted(rows[:, 0], rows[-1, 0] - span_s))
    return rows[first:]


def thinned(rows: Array, points: int) -> Array:
    """Returns at most about ``points`` rows that keep every peak and valley.

    Successive rows are taken together in buckets; a bucket becomes two rows with the least and
    the greatest value of each column, in the order in which they came.

    Args:
        rows: shape (rows, columns), time first, NaN where absent.
        points: rows wanted, 4 or more.
    """
    if len(rows) <= points:
        return rows
    starts = np.linspace(0, len(rows), num=points // 2, endpoint=False, dtype=np.intp)
    ends = np.append(starts[1:], len(rows)) - 1
    low = np.fmin.reduceat(rows, starts, axis=0)
    high = np.fmax.reduceat(rows, starts, axis=0)
    # Falling within the bucket: the greatest came first.
    falling = rows[ends] < rows[starts]
    result = np.empty((2 * len(starts), rows.shape[1]), dtype=np.float64)
    result[0::2] = np.where(falling, high, low)
    result[1::2] = np.where(falling, low, high)
    result[0::2, 0] = rows[starts, 0]
    result[1::2, 0] = rows[ends, 0]
    return result


def for_browser(rows: Array, gap_s: float, before_s: float | None = None) -> list[list[float | int | None]]:
    """Returns rows as JSON values, with an empty row wherever ticks are missing.

    Args:
        rows: shape (rows, columns), time first.
        gap_s: a longer silence is a gap.
        before_s: time of the row that the browser already has, None where it has none.
    """
    result: list[list[float | int | None]] = []
    for row in rows.tolist():
        if before_s is not None and row[0] - before_s > gap_s:
            result.append([round((row[0] + before_s) / 2, 3)] + [None] * (len(row) - 1))
        before_s = row[0]
        # x != x is NaN; whole numbers go without their ".0" to spare bytes.
        result.append([None if x != x else int(x) if x.is_integer() else x for x in row])
    return result
