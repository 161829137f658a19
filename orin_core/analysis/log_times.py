"""Times of ticks whose printed stamps have whole seconds only."""

from __future__ import annotations

import numpy as np

from orin_core.analysis.log_series import Flags, Floats

_HALF_WIDTH = 60
"""Ticks on each side that a time is evened over: about one beat of a 1.01 s tick against whole seconds."""
_GAP_S = 2.5  # two successive whole seconds differ by at most 2 s while no tick is missing


def evened(t_s: Floats, restart: Flags) -> Floats:
    """Returns the times of ticks without the steps of 1 and 2 s that whole seconds make of an even pace.

    Each time becomes the mean of those around it, as many on either side, which leaves an even pace
    as it is; a gap, and the start of another recording, are never evened away.

    Args:
        t_s: stamps, s, never falling.
        restart: whether another recording begins with a tick.

    Returns:
        One time per tick, s, never falling, at most 1 s from its stamp.
    """
    result = t_s.copy()
    steps = np.diff(t_s)
    edges = np.flatnonzero((steps > _GAP_S) | restart[1:]) + 1
    for first, end in zip([0, *edges.tolist()], [*edges.tolist(), len(t_s)], strict=True):
        count = end - first
        place = np.arange(count)
        half = np.minimum(np.minimum(place, count - 1 - place), _HALF_WIDTH)
        sums = np.concatenate(([0.0], np.cumsum(t_s[first:end])))
        result[first:end] = (sums[place + half + 1] - sums[place - half]) / (2 * half + 1)
    evened_s: Floats = np.maximum.accumulate(np.clip(result, t_s - 1.0, t_s + 1.0))
    return evened_s
