"""Many rows as few that look the same: each peak and each valley is kept. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]

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


def bucketed(starts: Places, low: Any, high: Any, end: int, points: int) -> tuple[Places, Any]:
    """Takes successive groups of rows together in buckets of about as many rows each.

    A bucket becomes two rows with the least and the greatest value of each column, in the order
    in which they came.

    Args:
        starts: place of the first row of each group, ascending.
        low: least values by group, shape (columns, groups), NaN where absent; of single rows the values themselves.
        high: greatest values, likewise.
        end: place after the last row.
        points: rows wanted, 4 or more.

    Returns:
        The places whose times the rows have, and their values, shape (columns, rows).
    """
    begins = np.linspace(starts[0], end, num=points // 2, endpoint=False, dtype=np.intp)
    first = np.unique(np.searchsorted(starts, begins, side="right") - 1)
    last = np.append(first[1:], len(starts)) - 1
    least = np.fmin.reduceat(low, first, axis=1)
    greatest = np.fmax.reduceat(high, first, axis=1)
    # Falling within the bucket: the greatest came first. Halves, since a sum could overflow.
    falling = low[:, last] / 2 + high[:, last] / 2 < low[:, first] / 2 + high[:, first] / 2
    values = np.empty((len(least), 2 * len(first)), dtype=least.dtype)
    values[:, 0::2] = np.where(falling, greatest, least)
    values[:, 1::2] = np.where(falling, least, greatest)
    places = np.empty(2 * len(first), dtype=np.intp)
    places[0::2] = starts[first]
    places[1::2] = np.append(starts[first[1:]], end) - 1
    return places, values
