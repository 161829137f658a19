"""Where measure lies in the rows of a run, and which of the rows have a time that can be true."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from typing import Any

import numpy as np
import pandas as pd

from orin_core.analysis.summary import Window, measure_window
from orin_core.runs.recording import Recording

MAX_READING = 1e9
"""No axis reaches so far: a damaged cell is no reading."""
_EARLY_S = 1.0
"""Measure cannot begin before its run, but for what rounding does."""
_Floats = np.ndarray[Any, np.dtype[np.float64]]
_Mask = np.ndarray[Any, np.dtype[np.bool_]]


def worker_window(recording: Recording) -> Window | None:
    """Returns measure by the worker's own time stamps; None without them, or where nobody knows when the run began."""
    # A line of events that is damaged in its values costs the word of the worker, not the run.
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        events = recording.events()
        t0_s = recording.began_s()
        window = None if t0_s is None else measure_window(events, pd.DataFrame(), t0_s)
        if window is not None and -_EARLY_S < window.start_s < window.end_s < MAX_READING:
            return window
    return None


def rising(t_s: _Floats) -> _Mask:
    """Returns which rows to keep, as many as there can be, so that time rises; the others are damaged.

    Args:
        t_s: times in s, NaN where absent.
    """
    kept = np.isfinite(t_s)
    times = t_s[kept]
    if (np.diff(times) > 0).all():
        return kept
    # The longest rising sequence, sought from the end: a time far too late or too early costs its own row only.
    ends: list[float] = []
    places: list[int] = []
    after = np.full(len(times), -1)
    for place in range(len(times) - 1, -1, -1):
        length = bisect_left(ends, -float(times[place]))
        ends[length : length + 1] = [-float(times[place])]
        places[length : length + 1] = [place]
        after[place] = places[length - 1] if length else -1
    chosen, place = np.zeros(len(times), dtype=bool), places[-1]
    while place >= 0:
        chosen[place] = True
        place = int(after[place])
    kept[kept] = chosen
    return kept
