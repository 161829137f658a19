"""The CPU's ceiling in a log: which power mode it tells, and where it changed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from orin_core.analysis.log_series import Floats, Series
from orin_core.board.sample import TOTAL_RAILS

SAME = 0.02
"""Clocks within 2 % are one: boards print 2188 and 2201, 729 and 730 in one line."""
WINDOW_S = 10.0
MIN_SIDE_S = 30.0
"""A ceiling must have held so long on either side of a change: the governor alone moves clocks for seconds."""
UNKNOWN_SIDE_S = 120.0
_CHANCE = 1e-3  # that a ceiling which is still in force is not met again
_STEP_WITHIN_S = 12.0  # a ceiling is not met at once; power steps with the mode itself
_STEP_LEAST_W = 0.5
_PLATEAU = 0.3  # share of windows that meet the lower ceiling; a clock that merely wanders has none


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KnownMode:
    """A power mode of the AGX Orin by what a log shows of it.

    Args:
        name: as nvpmodel prints it.
        cpu_mhz: highest CPU clock.
        cores: cores online of twelve.
    """

    name: str
    cpu_mhz: int
    cores: int


# **Source**: /etc/nvpmodel.conf of the AGX Orin with twelve cores, JetPack 5 and 6. Other modules have other modes.
AGX_ORIN_MODES = (
    KnownMode(name="MAXN", cpu_mhz=2201, cores=12),
    KnownMode(name="MODE_30W", cpu_mhz=1728, cores=8),
    KnownMode(name="MODE_50W", cpu_mhz=1497, cores=12),
    KnownMode(name="MODE_15W", cpu_mhz=1113, cores=4),
)
_AGX_CORES = 12
_OTHER_MODULES = (8, 14)  # AGX Orin 32 GB, Orin NX, Thor: their modes have other names for the same clocks
_MATCH = 0.007
_AROUND_S = 60.0


def ceiling_mhz(clocks: Floats) -> float | None:
    """Returns the highest clock that is met by two ticks or more, MHz; a single tick may be misread.

    Args:
        clocks: highest clock of any core per tick, NaN where unknown.
    """
    known = np.sort(clocks[np.isfinite(clocks)])[::-1]
    if not len(known):
        return None
    if len(known) < 10:
        return float(known[0])
    pairs = known[:-1][known[1:] >= known[:-1] * (1 - SAME)]
    return float(pairs[0]) if len(pairs) else float(known[0])


def is_agx_orin(listed: float | None, rails: Sequence[str]) -> bool:
    """Returns whether a log can be of an AGX Orin with twelve cores; fewer listed cores leave it open."""
    other_board = any(rail in TOTAL_RAILS for rail in rails)
    return not other_board and (listed is None or int(listed) not in _OTHER_MODULES)


def mode_of(ceiling: float | None, online: float | None, listed: float | None) -> KnownMode | None:
    """Returns the AGX Orin's mode with this ceiling, None where there is none or the cores contradict.

    Args:
        ceiling: highest CPU clock, MHz.
        online: cores that are on.
        listed: cores that are printed, off or on.
    """
    if ceiling is None:
        return None
    for mode in AGX_ORIN_MODES:
        if abs(ceiling - mode.cpu_mhz) <= _MATCH * mode.cpu_mhz:
            return mode if listed != _AGX_CORES or online == mode.cores else None
    return None


def typical(values: Floats) -> float | None:
    """Returns the median of the known values, None where none is known."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def changes(series: Series, first: int, last: int, floor_mhz: float | None) -> list[int]:
    """Returns the ticks from ``first`` to ``last`` at which another ceiling or number of cores comes into force.

    Args:
        series: the log.
        first: first tick of a stretch.
        last: last tick of it.
        floor_mhz: lowest clock of the log, where an idle core rests; it is no ceiling.
    """
    at = _cores_change(series, first, last)
    if at is None:
        at = _ceiling_change(series, first, last, floor_mhz)
        at = at if at is None else _at_power_step(series, first, at, last)
    if at is None:
        return []
    return [*changes(series, first, at - 1, floor_mhz), at, *changes(series, at, last, floor_mhz)]


def _long_enough(series: Series, first: int, at: int, last: int, least_s: float) -> bool:
    """Returns whether both sides of a cut are long enough, give or take one tick."""
    least_s -= series.period_s * 1.5
    shorter_s = min(series.t_s[at - 1] - series.t_s[first], series.t_s[last] - series.t_s[at])
    return bool(shorter_s >= least_s)


def _cores_change(series: Series, first: int, last: int) -> int | None:
    online = series.cores_online[first : last + 1]
    for offset in np.flatnonzero(online[1:] != online[:-1]):
        at = first + int(offset) + 1
        before, after = series.cores_online[first:at], series.cores_online[at : last + 1]
        known = np.isfinite(before[-1]) and np.isfinite(after[0])
        if not known or not _long_enough(series, first, at, last, MIN_SIDE_S):
            continue
        # A core that is off for a moment is no mode.
        if np.mean(before == before[-1]) > 0.9 and np.mean(after == after[0]) > 0.9:
            return at
    return None


def _ceiling_change(series: Series, first: int, last: int, floor_mhz: float | None) -> int | None:
    clocks = series.cpu_max_mhz[first : last + 1]
    high = ceiling_mhz(clocks)
    if high is None:
        return None
    met = np.flatnonzero(clocks >= high * (1 - SAME))
    ends = ((first + int(met[-1]) + 1, True), (first + int(met[0]), False))
    for at, falls in ends:
        low_range = (at, last) if falls else (first, at - 1)
        if not first < at <= last or not _long_enough(series, first, at, last, MIN_SIDE_S):
            continue
        low = ceiling_mhz(series.cpu_max_mhz[low_range[0] : low_range[1] + 1])
        high_range = (first, at - 1) if falls else (at, last)
        if low is None or low > high * (1 - 2 * SAME) or (floor_mhz is not None and low < 1.15 * floor_mhz):
            continue
        both_known = all(_is_mode_clock(clock) for clock in (low, high))
        if not both_known and not _long_enough(series, first, at, last, UNKNOWN_SIDE_S):
            continue
        meets_high = _windows_meeting(series, *high_range, high)
        meets_low = _windows_meeting(series, *low_range, low)
        windows = (series.t_s[low_range[1]] - series.t_s[low_range[0]] + series.period_s) / WINDOW_S
        if meets_low >= (_PLATEAU if both_known else 2 * _PLATEAU) and (1 - meets_high) ** windows < _CHANCE:
            return at
    return None


def _at_power_step(series: Series, first: int, at: int, last: int) -> int:
    """Returns the tick at which power steps within 12 s of a change, the change itself where it does not.

    The step is where two levels fit the power best; it must stand out of the noise on either side.
    """
    t_s = series.t_s
    low = max(first, int(np.searchsorted(t_s, t_s[at] - 2 * _STEP_WITHIN_S)))
    high = min(last + 1, int(np.searchsorted(t_s, t_s[at] + 2 * _STEP_WITHIN_S, side="right")))
    watts = series.power_w[low:high]
    if not np.isfinite(watts).all():
        return at
    found, least = at, math.inf
    for place in range(max(low + 4, first + 1), high - 4):
        if abs(t_s[place] - t_s[at]) > _STEP_WITHIN_S:
            continue
        before, after = watts[: place - low], watts[place - low :]
        noise_w = float(np.sqrt((np.var(before) * len(before) + np.var(after) * len(after)) / len(watts)))
        step_w = abs(float(np.mean(after) - np.mean(before)))
        if noise_w < least and step_w >= max(_STEP_LEAST_W, noise_w):
            found, least = place, noise_w
    return found if _long_enough(series, first, found, last, MIN_SIDE_S) else at


def _is_mode_clock(clock: float) -> bool:
    return any(abs(clock - mode.cpu_mhz) <= _MATCH * mode.cpu_mhz for mode in AGX_ORIN_MODES)


def _windows_meeting(series: Series, first: int, last: int, ceiling: float) -> float:
    """Returns the share of 10 s windows in which a ceiling is met."""
    window = ((series.t_s[first : last + 1] - series.t_s[first]) // WINDOW_S).astype(int)
    meets = series.cpu_max_mhz[first : last + 1] >= ceiling * (1 - SAME)
    return len(np.unique(window[meets])) / len(np.unique(window))


def mode_in(
    series: Series, begin: int, end: int, rails: Sequence[str], *, after: int, before: int
) -> tuple[str | None, str]:
    """Returns the name of the power mode of a stretch, None where the log does not tell it, and what that rests on.

    Args:
        series: the log.
        begin: first tick of the stretch.
        end: last tick.
        rails: names of the log's power rails.
        after: last tick of the stretch before it, -1 where there is none.
        before: first tick of the stretch after it; the number of ticks where there is none.
    """
    ceiling = ceiling_mhz(series.cpu_max_mhz[begin : end + 1])
    if ceiling is None:
        return None, "the log has no CPU clock"
    online = typical(series.cores_online[begin : end + 1])
    listed = typical(series.cores_listed[begin : end + 1])
    cores = f", {online:.0f} of {listed:.0f} cores online" if online and listed else ""
    basis = f"CPU ceiling {ceiling:.0f} MHz{cores}"
    if not is_agx_orin(listed, rails):
        return None, f"{basis}; modes are known of the AGX Orin with 12 cores only"
    if mode := mode_of(ceiling, online, listed):
        return mode.name, basis
    first, last = _around(series.t_s, begin, end, after, before)
    nearby = ceiling_mhz(series.cpu_max_mhz[first : last + 1])
    if nearby is not None and nearby > ceiling and (mode := mode_of(nearby, online, listed)):
        return mode.name, f"{basis}; {nearby:.0f} MHz within {_AROUND_S:.0f} s of it"
    return None, f"{basis}; no mode of the AGX Orin has that ceiling"


def higher_nearby(series: Series, begin: int, end: int, *, after: int, before: int) -> float | None:
    """Returns a CPU clock above a stretch's own ceiling that is met within a minute of it, MHz; None where none is.

    Args:
        series: the log.
        begin: first tick of the stretch.
        end: last tick.
        after: last tick of the stretch before it, -1 where there is none.
        before: first tick of the stretch after it; the number of ticks where there is none.
    """
    ceiling = ceiling_mhz(series.cpu_max_mhz[begin : end + 1])
    first, last = _around(series.t_s, begin, end, after, before)
    nearby = ceiling_mhz(series.cpu_max_mhz[first : last + 1])
    return nearby if ceiling is not None and nearby is not None and nearby > ceiling * (1 + 2 * SAME) else None


def _around(t_s: Floats, begin: int, end: int, after: int, before: int) -> tuple[int, int]:
    """Returns the ticks within a minute of a stretch that belong to no other."""
    first = int(np.searchsorted(t_s, t_s[begin] - _AROUND_S))
    last = int(np.searchsorted(t_s, t_s[end] + _AROUND_S, side="right")) - 1
    return max(first, after + 1), min(last, before - 1)
