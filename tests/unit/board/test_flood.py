from __future__ import annotations

import pytest

from orin_core.board.flood import FloodGate


def lines_until_flood(interval_s: float, lines_per_s: float, seconds: float) -> int | None:
    """Number of the line that is too much at a steady rate, None where none is."""
    gate = FloodGate(interval_s)
    for number in range(int(lines_per_s * seconds)):
        if not gate.passes(1000 + number / lines_per_s):
            return number
    return None


@pytest.mark.parametrize("interval_s", [0.05, 0.1, 1.0, 10.0])
def test_more_than_twenty_times_the_asked_rate_is_a_flood(interval_s: float) -> None:
    asked_per_s = 1 / interval_s
    seconds = 100 * max(1, interval_s)
    assert lines_until_flood(interval_s, asked_per_s, seconds) is None
    assert lines_until_flood(interval_s, 19 * asked_per_s, seconds) is None
    assert lines_until_flood(interval_s, 40 * asked_per_s, seconds) is not None


def test_far_more_is_seen_within_two_seconds() -> None:
    number = lines_until_flood(1.0, 50.0, 60.0)
    assert number is not None
    assert number / 50.0 < 2.0


def test_what_piled_up_in_a_gap_is_no_flood() -> None:
    gate = FloodGate(1.0)
    assert gate.passes(0.0)
    assert all(gate.passes(600.0) for _ in range(600))
    assert not all(gate.passes(600.1) for _ in range(60 * 600)), "but the gap earns no more than its length"


def test_a_few_complaints_are_no_flood() -> None:
    gate = FloodGate(60.0)
    assert all(gate.passes(5.0) for _ in range(40))
    assert not gate.passes(5.0)
