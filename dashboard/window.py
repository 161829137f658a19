"""What a browser gets of a table: rows as JSON values, a whole window thinned, and one such window for all tabs."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from dashboard.table import Table
from dashboard.thinning import Array

Rows = list[list[float | int | None]]

KEPT_S = 10.0
"""So long a thinned window serves every tab that asks for it, with the newest rows behind it, s."""
_FULL_S = 120.0
"""So much of the newest is not thinned: tiles compare with 30 s ago."""
_MAX_KEPT = 4

_Key = tuple[float | None, int, bool]


def for_browser(rows: Array, gap_s: float, before_s: float | None = None) -> Rows:
    """Returns rows as JSON values, with an empty row wherever ticks are missing.

    Args:
        rows: shape (rows, columns), time first.
        gap_s: a longer silence is a gap.
        before_s: time of the row that the browser already has, None where it has none.
    """
    result: Rows = []
    for row in rows.tolist():
        if before_s is not None and row[0] - before_s > gap_s:
            result.append([round((row[0] + before_s) / 2, 3)] + [None] * (len(row) - 1))
        before_s = row[0]
        # x != x is NaN; whole numbers go without their ".0" to spare bytes.
        result.append([None if x != x else int(x) if x.is_integer() else x for x in row])
    return result


def between(table: Table, from_s: float, to_s: float, *, points: int, cores: bool, gap_s: float) -> tuple[Rows, bool]:
    """Returns the rows between two times, and whether they are thinned.

    Args:
        table: the rows.
        from_s: first ``Elapsed (s)``.
        to_s: last ``Elapsed (s)``.
        points: rows that are wanted at most.
        cores: whether with the loads of cores.
        gap_s: a longer silence is a gap.
    """
    first, last = table.place(from_s), table.place(to_s, after=True)
    rows = table.thinned(first, last, points, table.picks(cores=cores))
    few = last - first > points
    return for_browser(rows, _wide(rows, gap_s) if few else gap_s), few


def _wide(thinned: Array, gap_s: float) -> float:
    """Returns what is a gap between thinned rows: there a silence is longer by nature."""
    return gap_s + 2 * float(thinned[-1, 0] - thinned[0, 0]) / len(thinned)


class Windows:
    """Whole windows of one table, for browsers that have nothing yet.

    A thinned one is made once in :data:`KEPT_S` and not once per tab.

    Args:
        clock: monotonic time, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[_Key, tuple[float, int, Rows]] = OrderedDict()

    def rows(self, table: Table, *, span_s: float | None, points: int, cores: bool, gap_s: float) -> tuple[Rows, bool]:
        """Returns a window that ends with the newest row, and whether it is thinned.

        Never thinned are its last two minutes, or what of them half the points can hold.

        Args:
            table: the rows.
            span_s: length of the window in s; None for all of them.
            points: rows that are wanted at most, but for what came since the window was made.
            cores: whether with the loads of cores.
            gap_s: a longer silence is a gap.
        """
        last_s = table.last_s
        if last_s is None:
            return [], False
        picks = table.picks(cores=cores)
        first = table.first if span_s is None else table.place(last_s - span_s)
        if table.end - first <= points:
            return for_browser(table.take(first, table.end, picks), gap_s), False
        key, now_s = (span_s, points, cores), self._clock()
        made_s, end, rows = self._kept.get(key, (float("-inf"), 0, []))
        if end < table.end and now_s - made_s >= KEPT_S:
            end, rows = table.end, self._make(table, first, points, picks, gap_s)
            self._kept[key] = (now_s, end, rows)
            self._kept.move_to_end(key)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return rows + for_browser(table.take(end, table.end, picks), gap_s, table.time_s(end - 1)), True

    @staticmethod
    def _make(table: Table, first: int, points: int, picks: list[int], gap_s: float) -> Rows:
        newest = max(first, table.end - points // 2, table.place((table.last_s or 0.0) - _FULL_S))
        head = table.thinned(first, newest, points - (table.end - newest), picks)
        tail = table.take(newest, table.end, picks)
        return for_browser(head, _wide(head, gap_s)) + for_browser(tail, gap_s, float(head[-1, 0]))
