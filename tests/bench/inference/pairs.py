"""Two ways in turn, so that what disturbs the machine disturbs both; the 95 % limit of their ratio is what counts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from tests.bench.rows import Row

PAIRS = 16


def ratios(one: Callable[[], float], other: Callable[[], float], pairs: int = PAIRS) -> list[float]:
    """Returns figure of the first by figure of the second, once a pair; who begins changes from pair to pair.

    A pair before them is left out: memory is taken and caches are filled there.
    """
    one(), other()
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
    """Returns the median of ratios and 95 % limits of it, or a little more, by order alone.

    What comes between on a shared machine is rare and large: a mean and its interval would tell of that.
    So many values lie below the median as heads fall, which leaves the limits to the binomial distribution.

    Raises:
        ValueError: fewer than six pairs tell nothing.
    """
    if len(values) < 6:
        raise ValueError(f"{len(values)} pairs have no 95 % limits.")
    below = ordered = 0
    for count in range(len(values)):
        below += math.comb(len(values), count)
        if below / 2 ** len(values) > 0.025:
            ordered = count
            break
    found = sorted(values)
    return statistics.median(found), found[ordered - 1], found[-ordered]


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
    median, low, high = limits(values)
    target = ""
    if least is not None:
        target = f"target >= {least:g}: {'PASS' if low >= least else 'FAIL'}; "
    if most is not None:
        target = f"target <= {most:g}: {'PASS' if high <= most else 'FAIL'}; "
    return Row(
        name=name,
        value=median,
        unit="x",
        how=f"{target}95 % limits {low:.3f} to {high:.3f}, {len(values)} pairs in turn; {how}",
        decimals=3,
    )
