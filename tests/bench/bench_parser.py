"""parse_line against a naive field-by-field parser, in turn on the same lines of one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from orin_core.board.sample import Sample
from orin_core.board.tegrastats import parse_line
from tests.bench import naive_parser
from tests.bench.lines import orin_lines
from tests.bench.rows import Row

LINES = 2000
ROUNDS = 7


def _us_per_line(parse: Callable[[str], Sample | None], lines: list[str]) -> float:
    start = time.process_time()
    for line in lines:
        parse(line)
    return (time.process_time() - start) / len(lines) * 1e6


def run() -> list[Row]:
    """Returns µs a line of both parsers and their ratio.

    Raises:
        ValueError: they do not read the same values, so their times do not compare.
    """
    lines = orin_lines(LINES)
    for line in lines:
        ours, theirs = parse_line(line), naive_parser.parse_line(line)
        if ours != theirs:
            raise ValueError(f"The parsers differ on {line}\n{ours}\n{theirs}")
    ours_us, naive_us = [], []
    for _ in range(ROUNDS):  # in turn, so that both meet the same disturbances
        naive_us.append(_us_per_line(naive_parser.parse_line, lines))
        ours_us.append(_us_per_line(parse_line, lines))
    ratios = [naive / ours for naive, ours in zip(naive_us, ours_us, strict=True)]
    how = f"CPU time, median of {ROUNDS} rounds of {LINES} lines, one thread"
    return [
        Row(name="parse_line", value=statistics.median(ours_us), unit="µs/line", how=how),
        Row(name="naive reference", value=statistics.median(naive_us), unit="µs/line", how=how),
        Row(
            name="naive / parse_line",
            value=statistics.median(ratios),
            unit="x",
            how=f"median of the rounds' ratios, {min(ratios):.2f} to {max(ratios):.2f}",
            decimals=2,
        ),
    ]
