"""Two ways in turn, so that what disturbs the machine disturbs both; the 95 % limit of their ratio is what counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from orin_core.analysis.intervals import mean_interval
from tests.bench.rows import Row

PAIRS = 12


def ratios(one: Callable[[], float], other: Callable[[], float], pairs: int = PAIRS) -> list[float]:
    """Returns figure of the first by figure of the second, once a pair; who begins changes from pair to pair."""
    found = []
    for pair in range(pairs):
        if pair % 2:
            below = other()
            above = one()
        else:
            above = one()
            below = other()
        found.append(above / below)
    return found


def limits(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns geometric mean of ratios and the 95 % limits of it."""
    logs = [math.log(value) for value in values]
    interval = mean_interval(logs)
    assert interval is not None, "one pair tells nothing"
    return math.exp(math.fsum(logs) / len(logs)), math.exp(interval[0]), math.exp(interval[1])


def ratio_row(
    name: str, values: Sequence[float], how: str, *, least: float | None = None, most: float | None = None
) -> Row:
    """Returns a row of a ratio; with a target its 95 % limit must keep it.

    Args:
        name: what by what.
        values: one ratio a pair.
        how: the way it was measured.
        least: what its lower limit must reach.
        most: what its upper limit may reach.
    """
    mean, low, high = limits(values)
    target = ""
    if least is not None:
        target = f"target >= {least:g}: {'PASS' if low >= least else 'FAIL'}; "
    if most is not None:
        target = f"target <= {most:g}: {'PASS' if high <= most else 'FAIL'}; "
    return Row(
        name=name,
        value=mean,
        unit="x",
        how=f"{target}95 % limits {low:.3f} to {high:.3f}, {len(values)} pairs in turn; {how}",
        decimals=3,
    )
