"""Intervals against values from printed tables of Student's t, and against what they promise."""

from __future__ import annotations

import random

import pytest

from orin_core.analysis.intervals import block_count, block_interval, mean_interval, welch


def test_the_interval_of_five_repeats_is_that_of_the_printed_table() -> None:
    # t(0.975, 4 degrees) = 2.776; standard deviation 1.5811, standard error 0.70711.
    found = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found is not None
    assert list(found) == pytest.approx([3 - 2.776445 * 0.707107, 3 + 2.776445 * 0.707107])


@pytest.mark.parametrize("values", [[], [3.0]])
def test_one_value_has_no_interval(values: list[float]) -> None:
    assert mean_interval(values) is None


def test_equal_values_have_an_interval_without_width() -> None:
    assert mean_interval([2.5, 2.5, 2.5]) == (2.5, 2.5)


def test_nine_blocks_are_too_few() -> None:
    values = [float(i % 2) for i in range(10)]
    assert block_interval(values[:9]) is None
    assert block_interval(values) == mean_interval(values)


@pytest.mark.parametrize(
    ("seconds", "tick_s", "blocks"),
    [(199.9, 1.0, 0), (200.0, 1.0, 10), (450.0, None, 22), (3600.0, 0.1, 30), (600.0, 5.0, 12), (400.0, 5.0, 0)],
)
def test_blocks_are_twenty_seconds_and_ten_ticks_at_least(seconds: float, tick_s: float | None, blocks: int) -> None:
    assert block_count(seconds, tick_s) == blocks


def test_welch_agrees_with_a_worked_example() -> None:
    # Means 20 and 22, variances 1 and 4, five values each: df = 5.882, t = 2.4587, standard error 1.
    a = [20 + x for x in (-1.264911, -0.632456, 0.0, 0.632456, 1.264911)]
    b = [22 + 2 * x for x in (-1.264911, -0.632456, 0.0, 0.632456, 1.264911)]
    found = welch(a, b)
    assert found is not None
    assert found.mean == pytest.approx(-2.0)
    assert [found.low, found.high] == pytest.approx([-4.4587, 0.4587], abs=2e-3)
    assert not found.distinguishable
    far = welch(a, [value + 1 for value in b])
    assert far is not None
    assert far.distinguishable


def test_welch_needs_two_values_on_each_side_and_copes_with_equal_ones() -> None:
    assert welch([1.0], [2.0, 3.0]) is None
    assert welch([1.0, 2.0], []) is None
    same, apart = welch([5.0, 5.0], [5.0, 5.0]), welch([5.0, 5.0], [6.0, 6.0])
    assert same is not None
    assert apart is not None
    assert (same.distinguishable, apart.distinguishable, apart.mean) == (False, True, -1.0)


def test_the_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    noise = random.Random(7)
    held = 0
    for _ in range(1000):
        found = mean_interval([noise.gauss(14.78, 0.3) for _ in range(10)])
        assert found is not None
        held += found[0] <= 14.78 <= found[1]
    assert 925 <= held <= 975
