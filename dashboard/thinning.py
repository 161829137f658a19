"""Many rows as few that look the same: each peak and each valley is kept. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]

NO_PLACES: Places = np.empty(0, dtype=np.intp)
GAP_INTERVALS = 2.5
"""A longer silence than so many intervals is drawn as a gap."""


def thinned(rows: Array, points: int) -> Array:
    """Returns at most about ``points`` rows that keep every peak and valley.

    Args:
        rows: shape (rows, columns), time first, NaN where absent.
        points: rows wanted, 4 or more.
    """
    if len(rows) <= points:
        return rows
    values = rows[:, 1:].T
    places, few = bucketed(np.arange(len(rows)), values, values, len(rows), points)
    return np.column_stack([rows[places, 0], few.T])


def extremes(low: Any, high: Any, first: Places, shared: Places) -> tuple[Any, Any]:
    """Takes successive groups of rows together in buckets; returns the least and the greatest of each column in each.

    Args:
        low: as for :func:`bucketed`.
        high: likewise.
        first: number of the first group of each bucket, ascending from 0.
        shared: numbers of columns that add up, their total first; all of them have the values of the row in which the
            total is least, or greatest, so that they still add up. Empty where there are none.
    """
    least = np.fmin.reduceat(low, first, axis=1)
    greatest = np.fmax.reduceat(high, first, axis=1)
    if shared.size:
        for values, found in ((low[shared], least), (high[shared], greatest)):
            found[shared] = values[:, _where(values[0], found[shared[0]], first)]
    return least, greatest


def _where(values: Any, wanted: Any, first: Places) -> Places:
    """Returns the number of the first group of each bucket that has the wanted value; of an empty one its first."""
    hits = np.flatnonzero(values == np.repeat(wanted, np.diff(first, append=len(values))))
    found = np.append(hits, 0)[np.searchsorted(hits, first)]
    return np.where(np.isnan(wanted), first, found)


def bucketed(
    starts: Places, low: Any, high: Any, end: int, points: int, shared: Places = NO_PLACES
) -> tuple[Places, Any]:
    """Takes successive groups of rows together in buckets of about as many rows each.

    A bucket becomes two rows with the least and the greatest value of each column, in the order
    in which they came.

    Args:
        starts: place of the first row of each group, ascending.
        low: least values by group, shape (columns, groups), NaN where absent; of single rows the values themselves.
        high: greatest values, likewise.
        end: place after the last row.
        points: rows wanted, 4 or more.
        shared: as for :func:`extremes`.

    Returns:
        The places whose times the rows have, and their values, shape (columns, rows).
    """
    begins = np.linspace(starts[0], end, num=points // 2, endpoint=False, dtype=np.intp)
    first = np.unique(np.searchsorted(starts, begins, side="right") - 1)
    last = np.append(first[1:], len(starts)) - 1
    least, greatest = extremes(low, high, first, shared)
    # Falling within the bucket: the greatest came first. Halves, since a sum could overflow.
    falling = low[:, last] / 2 + high[:, last] / 2 < low[:, first] / 2 + high[:, first] / 2
    falling[shared] = falling[shared[:1]]
    values = np.empty((len(least), 2 * len(first)), dtype=least.dtype)
    values[:, 0::2] = np.where(falling, greatest, least)
    values[:, 1::2] = np.where(falling, least, greatest)
    places = np.empty(2 * len(first), dtype=np.intp)
    places[0::2] = starts[first]
    places[1::2] = np.append(starts[first[1:]], end) - 1
    return places, values
