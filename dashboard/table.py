"""Ticks as numbers: the columns that the live chart shows, in blocks that are filled once and never moved.

Text cells of ``run.csv`` go in, rows come out. A day at ten ticks a second is 864 000 rows, so values are kept as
float32, and each filled block remembers the extremes of its groups: a view of the whole run reads those instead of
the rows. Times are float64. On the way out a value is rounded to the digits that its cell can have, which gives back
the float64 that the cell spells: what is plotted equals the file to the digit.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.thinning import GAP_INTERVALS, NO_PLACES, Array, Places, bucketed, extremes, thinned
from orin_core.board.sample import METRIC_BY_FIELD
from orin_core.runs import columns

__all__ = ["GAP_INTERVALS", "Array", "Table", "chart_columns", "thinned"]

Values = np.ndarray[Any, np.dtype[np.float32]]

_BULK_BYTES = 64 * 1024
_BLOCK_ROWS = 4096
_GROUP_ROWS = 32
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
_FIXED = (
    *(METRIC_BY_FIELD[field].column for field in _FIELDS),
    columns.FPS,
    columns.LATENCY_MS,
    columns.THROTTLED,
)
_TEMPERATURE = columns.temperature_column("")
_RAIL = columns.rail_column("")
_POWER = METRIC_BY_FIELD["power_w"].column
_CORE = re.compile(r"CPU [0-9]+ Load \(%\)")
_DECIMALS = 3
"""No cell has more digits after its point."""
_MAX_S = 1e9
"""No run lasts thirty years: a later time is no time."""


def chart_columns(header: Sequence[str]) -> list[str]:
    """Returns the columns of a CSV header that the chart shows, ``Elapsed (s)`` first, loads of cores included."""
    shown = [
        name
        for name in header
        if name in _FIXED or name.endswith((_TEMPERATURE, _RAIL)) or _CORE.fullmatch(name) is not None
    ]
    return [columns.ELAPSED_S, *shown]


class Table:
    """Rows of the chart's columns, oldest first. A row's place is its number since the first that was ever added.

    Args:
        header: column names as in line 1 of ``run.csv``.
        keep: rows to keep; None keeps all of them.
    """

    def __init__(self, header: Sequence[str], *, keep: int | None = None) -> None:
        self.header = list(header)
        self.columns = chart_columns(header)
        self._cells = [self.header.index(name) for name in self.columns]
        self._power = _power_columns(self.columns[1:])
        self._keep = keep
        self._block_rows = _BLOCK_ROWS if keep is None else min(keep, _BLOCK_ROWS)
        # Shape (columns without the time, rows); least and greatest of its groups for each block that is full.
        self._blocks: list[Values] = []
        self._low: list[Values] = []
        self._high: list[Values] = []
        self._times: Array = np.empty(self._block_rows, dtype=np.float64)
        self._count = 0
        self._dropped = 0
        decimals = [columns.LATENCY_DECIMALS if name == columns.LATENCY_MS else _DECIMALS for name in self.columns[1:]]
        self._scale: Array = np.power(10.0, decimals)

    @property
    def first(self) -> int:
        """Place of the oldest row that is kept."""
        return self._dropped

    @property
    def end(self) -> int:
        """Number of rows ever added: the cursor of a reader that has them all."""
        return self._dropped + self._count

    @property
    def nbytes(self) -> int:
        """Memory of the rows, bytes."""
        return int(self._times.nbytes + sum(array.nbytes for array in (*self._blocks, *self._low, *self._high)))

    @property
    def last_s(self) -> float | None:
        """``Elapsed (s)`` of the newest row, None where there is none."""
        return self.time_s(self.end - 1)

    def time_s(self, place: int) -> float | None:
        """Returns ``Elapsed (s)`` of a row, None where it is not kept."""
        return float(self._times[place - self._dropped]) if self._dropped <= place < self.end else None

    def place(self, elapsed_s: float, *, after: bool = False) -> int:
        """Returns the place of the first row at or after a time; with ``after`` of the first one after it."""
        times = self._times[: self._count]
        return self._dropped + int(np.searchsorted(times, elapsed_s, side="right" if after else "left"))

    def picks(self, *, cores: bool) -> list[int]:
        """Returns which of :attr:`columns` are wanted, by their numbers: all, or all but the loads of cores."""
        return [number for number, name in enumerate(self.columns) if cores or not _CORE.fullmatch(name)]

    # -- rows in ------------------------------------------------------------------------------

    def add_cells(self, cells: Sequence[str]) -> None:
        """Adds one row given as text, one cell per name of the header."""
        self._add(np.array([[_float(cells[place])] for place in self._cells], dtype=np.float64))

    def add_csv(self, data: bytes) -> None:
        """Adds whole lines of CSV; a line with another number of cells is left out."""
        block = self._bulk(data) if len(data) > _BULK_BYTES else None
        self._add(self._by_line(data) if block is None else block)

    def _by_line(self, data: bytes) -> Array:
        # No cell of a row is ever quoted, and a torn line that has a quote must not take the next ones with it.
        records = (line.split(",") for line in data.decode("utf-8", errors="replace").split("\n"))
        found = [[_float(one[place]) for place in self._cells] for one in records if len(one) == len(self.header)]
        by_column: Array = np.array(found, dtype=np.float64).reshape(-1, len(self.columns)).T
        return by_column

    def _bulk(self, data: bytes) -> list[Any] | None:
        """Returns the columns of many lines, None where a cell is no number."""
        # Slow to import, and needed only where much is read at once.
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        types = dict.fromkeys(self.columns, pa.float32()) | {columns.ELAPSED_S: pa.float64()}
        try:
            read = arrow_csv.read_csv(
                io.BytesIO(data),
                # One thread: whoever looks at a run must not take the cores that it is measured on.
                read_options=arrow_csv.ReadOptions(column_names=self.header, use_threads=False),
                parse_options=arrow_csv.ParseOptions(quote_char=False, invalid_row_handler=lambda row: "skip"),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=self.columns, column_types=types, null_values=[""], check_utf8=False
                ),
            )
        except (pa.ArrowInvalid, KeyError):
            return None
        return [read.column(name).to_numpy() for name in self.columns]

    def _add(self, found: Any) -> None:
        """Adds rows given by column, the time first; a row without a time is left out, and infinity is no value."""
        times = np.asarray(found[0], dtype=np.float64)
        good = np.abs(times) < _MAX_S
        if not good.all():
            times, found = times[good], [np.asarray(values)[good] for values in found]
        done = 0
        while done < len(times):
            used = self._count % self._block_rows
            if not used:
                self._blocks.append(np.empty((len(self.columns) - 1, self._block_rows), dtype=np.float32))
            more = min(len(times) - done, self._block_rows - used)
            added = self._blocks[-1][:, used : used + more]
            with np.errstate(over="ignore"):
                for values, kept in zip(found[1:], added, strict=True):
                    kept[:] = values[done : done + more]
            added[np.isinf(added)] = np.nan
            self._add_times(times[done : done + more])
            done += more
            if used + more == self._block_rows:
                self._close_block()

    def _add_times(self, times: Array) -> None:
        need = self._count + len(times)
        if need > len(self._times):
            grown = np.empty(2 * need, dtype=np.float64)
            grown[: self._count] = self._times[: self._count]
            self._times = grown
        self._times[self._count : need] = times
        self._count = need

    def _close_block(self) -> None:
        if self._keep is None:
            block, first = self._blocks[-1], np.arange(0, self._block_rows, _GROUP_ROWS)
            low, high = extremes(block, block, first, self._power)
            self._low.append(low)
            self._high.append(high)
            return
        while self._count - self._block_rows >= self._keep:
            del self._blocks[0]
            self._count -= self._block_rows
            self._dropped += self._block_rows
            self._times[: self._count] = self._times[self._block_rows : self._block_rows + self._count].copy()

    # -- rows out -----------------------------------------------------------------------------

    def take(self, first: int, last: int, picks: Sequence[int] | None = None) -> Array:
        """Returns rows as they are.

        Args:
            first: place of the first row.
            last: place after the last row.
            picks: numbers of the columns, the time (0) first; None takes all.

        Returns:
            Shape (rows, columns), NaN where a cell is empty.
        """
        wanted = self._wanted(picks)
        values = self._values(first, last, wanted)
        return self._rows(self._times[first - self._dropped : last - self._dropped], values, wanted)

    def thinned(self, first: int, last: int, points: int, picks: Sequence[int] | None = None) -> Array:
        """Returns at most about ``points`` rows that keep every peak and valley.

        Of the rails they keep what each had at the peaks and valleys of the power, so that they add up to it.

        Args:
            first: place of the first row.
            last: place after the last row.
            points: rows wanted, 4 or more.
            picks: as for :meth:`take`.
        """
        if last - first <= points:
            return self.take(first, last, picks)
        wanted = self._wanted(picks)
        grouped = self._keep is None and last - first > points * _GROUP_ROWS
        starts, low, high = self._grouped(first, last, wanted) if grouped else self._single(first, last, wanted)
        shared = np.searchsorted(wanted, self._power)
        places, values = bucketed(starts, low, high, last - self._dropped, points, shared)
        return self._rows(self._times[places], values, wanted)

    def mean(self, column: str, first: int, last: int) -> float | None:
        """Returns the mean of the readings of a column over rows, None where there is none."""
        if column not in self.columns or first >= last:
            return None
        values = self._values(first, last, np.array([self.columns.index(column) - 1]))
        values = values[np.isfinite(values)]
        return float(values.mean(dtype=np.float64)) if values.size else None

    def _wanted(self, picks: Sequence[int] | None) -> Places:
        return np.arange(len(self.columns) - 1) if picks is None else np.array(picks[1:], dtype=np.intp) - 1

    def _rows(self, times: Array, values: Values, wanted: Places) -> Array:
        scale = self._scale[wanted]
        rows = np.empty((len(times), 1 + len(wanted)), dtype=np.float64)
        rows[:, 0] = times
        rows[:, 1:] = np.rint(values.T.astype(np.float64) * scale) / scale
        return rows

    def _values(self, first: int, last: int, wanted: Places) -> Values:
        """Returns values by column, shape (columns, rows)."""
        start, end, size = first - self._dropped, last - self._dropped, self._block_rows
        if start >= end:
            return np.empty((len(wanted), 0), dtype=np.float32)
        parts = [
            self._blocks[number][wanted, max(0, start - number * size) : min(size, end - number * size)]
            for number in range(start // size, (end - 1) // size + 1)
        ]
        return np.concatenate(parts, axis=1)

    def _single(self, first: int, last: int, wanted: Places) -> tuple[Places, Values, Values]:
        values = self._values(first, last, wanted)
        return np.arange(first - self._dropped, last - self._dropped), values, values

    def _grouped(self, first: int, last: int, wanted: Places) -> tuple[Places, Values, Values]:
        """Returns starts, least and greatest of groups: whole groups where blocks are full, single rows around them."""
        start = -(-first // _GROUP_ROWS) * _GROUP_ROWS
        end = max(start, min(last // _GROUP_ROWS * _GROUP_ROWS, len(self._low) * self._block_rows))
        in_block = self._block_rows // _GROUP_ROWS
        blocks = slice(start // self._block_rows, -(-end // self._block_rows))
        groups = slice(start // _GROUP_ROWS - blocks.start * in_block, end // _GROUP_ROWS - blocks.start * in_block)
        head, tail = self._values(first, start, wanted), self._values(end, last, wanted)
        found = []
        for kept in (self._low, self._high):
            middle = [one[wanted] for one in kept[blocks]]
            whole = np.concatenate(middle, axis=1)[:, groups] if middle else head[:, :0]
            found.append(np.concatenate([head, whole, tail], axis=1))
        starts = np.concatenate([np.arange(first, start), np.arange(start, end, _GROUP_ROWS), np.arange(end, last)])
        return starts, found[0], found[1]


def _power_columns(names: Sequence[str]) -> Places:
    """Returns the numbers of the columns of the power: the total, then its rails; none where one of both is missing."""
    rails = [number for number, name in enumerate(names) if name.endswith(_RAIL)]
    return np.array([names.index(_POWER), *rails], dtype=np.intp) if rails and _POWER in names else NO_PLACES


def _float(cell: str) -> float:
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        return math.nan
