"""Live FPS by its definition: items between two batch ends over max(5 s, 5 batches)."""

from __future__ import annotations

import pytest

from orin_core.analysis.throughput import LiveRate


def _fed(ends: list[tuple[float, int]]) -> LiveRate:
    rate = LiveRate()
    for end_s, items in ends:
        rate.add(end_s, items)
    return rate


def test_is_blank_before_five_batches_lie_behind() -> None:
    assert _fed([(t * 10.0, 4) for t in range(5)]).fps is None
    assert _fed([(t * 10.0, 4) for t in range(6)]).fps == pytest.approx(0.4)


def test_is_blank_before_five_seconds_lie_behind() -> None:
    assert _fed([(t * 0.1, 1) for t in range(50)]).fps is None
    assert _fed([(t * 0.1, 1) for t in range(52)]).fps == pytest.approx(10.0)


def test_window_forgets_what_is_older_than_five_seconds() -> None:
    slow = [(float(t), 1) for t in range(20)]
    fast = [(19 + t * 0.5, 1) for t in range(1, 21)]
    assert _fed(slow + fast).fps == pytest.approx(2.0)


def test_a_long_batch_is_never_zero() -> None:
    rate = _fed([(t * 60.0, 8) for t in range(6)])
    assert rate.fps == pytest.approx(8 / 60)


def test_reset_forgets_everything() -> None:
    rate = _fed([(float(t), 1) for t in range(20)])
    rate.reset()
    assert rate.fps is None
