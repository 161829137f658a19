"""95 % intervals: of a mean from repeats or from long blocks, and of the difference of two means.

Successive power readings are not independent: in logs of AGX Orin their lag-1 correlation is 0.81
to 0.91, so 194 ticks are worth about nine. No interval here comes from single ticks; it comes from
whole runs, or from at least ten blocks of at least 20 s, whose means are nearly independent.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

CONFIDENCE = 0.95
MIN_BLOCKS = 10
MAX_BLOCKS = 30
MIN_BLOCK_S = 20.0
MIN_BLOCK_TICKS = 10
"""A block holds at least so many ticks, which makes it longer than 20 s where ticks are far apart."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of two means with its 95 % interval, in the unit of the values.

    Args:
        mean: mean of the first values less mean of the second.
        low: lower end of the interval.
        high: upper end of the interval.
        distinguishable: whether the interval leaves 0 out, so that the two can be ranked.
    """

    mean: float
    low: float
    high: float
    distinguishable: bool


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Returns the 95 % interval of the mean of independent values (Student's t), None for fewer than two.

    Args:
        values: one figure per repeat or block, all in one unit.
    """
    if len(values) < 2:
        return None
    mean = statistics.fmean(values)
    half = _t_factor(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


def block_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Returns the 95 % interval of a run's mean from its blocks, None for fewer than ten of them.

    Args:
        values: one figure per block, in order.
    """
    return mean_interval(values) if len(values) >= MIN_BLOCKS else None


def block_count(seconds: float, tick_period_s: float | None = None) -> int:
    """Returns into how many equal blocks a measure is cut, 0 where it is too short for ten.

    Args:
        seconds: length of measure, s.
        tick_period_s: median length of a tick, s; None where there are no ticks.
    """
    shortest_s = max(MIN_BLOCK_S, MIN_BLOCK_TICKS * (tick_period_s or 0.0))
    count = min(MAX_BLOCKS, int(seconds / shortest_s + 1e-9))
    return count if count >= MIN_BLOCKS else 0


def welch(a_values: Sequence[float], b_values: Sequence[float]) -> Difference | None:
    """Returns how far two groups lie apart (Welch's t, unequal variances), None unless both have two values.

    Args:
        a_values: one figure per repeat or block.
        b_values: the same figure of the other group.
    """
    if len(a_values) < 2 or len(b_values) < 2:
        return None
    mean = statistics.fmean(a_values) - statistics.fmean(b_values)
    a_share = statistics.variance(a_values) / len(a_values)
    b_share = statistics.variance(b_values) / len(b_values)
    if a_share + b_share == 0:
        return Difference(mean=mean, low=mean, high=mean, distinguishable=mean != 0)
    spread = a_share**2 / (len(a_values) - 1) + b_share**2 / (len(b_values) - 1)
    half = _t_factor((a_share + b_share) ** 2 / spread) * math.sqrt(a_share + b_share)
    low, high = mean - half, mean + half
    return Difference(mean=mean, low=low, high=high, distinguishable=low > 0 or high < 0)


def _t_factor(degrees: float) -> float:
    """Returns the two-sided 95 % quantile of Student's t; degrees of freedom may be a fraction."""
    # The quantile alone: scipy.stats has it under another name and takes far longer to import.
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
