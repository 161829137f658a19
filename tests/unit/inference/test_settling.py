"""When warm-up is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orin_core.inference.settling import Settling


def _run(settling: Settling, batch_s: Iterator[float] | float, *, items: int = 1) -> float:
    """Feeds batches of a length each until it is over; returns when that was, s."""
    end_s = 0.0
    for _ in range(100_000):
        if settling.over:
            return end_s
        end_s += batch_s if isinstance(batch_s, float) else next(batch_s)
        settling.add(items, end_s)
    pytest.fail("warm-up never ended")


def _settling(min_s: float, max_s: float) -> Settling:
    return Settling(min_s=min_s, max_s=max_s, start_s=0.0)


def test_a_steady_rate_settles_after_three_windows_of_two_seconds() -> None:
    settling = _settling(0.0, 120.0)
    assert _run(settling, 0.1) == pytest.approx(6.0, abs=0.4)
    assert (settling.settled, settling.windows) == (True, 3)


def test_it_lasts_its_least_length_and_twenty_images() -> None:
    assert _run(_settling(10.0, 120.0), 0.1) == pytest.approx(10.0, abs=0.2)
    # Slow batches: 20 images take longer than 10 s.
    assert _run(_settling(10.0, 120.0), 1.0) == pytest.approx(20.0)
    assert _run(_settling(10.0, 120.0), 1.0, items=8) == pytest.approx(10.0)


def test_a_rate_that_drifts_ends_unsettled_at_the_greatest_length() -> None:
    def slower() -> Iterator[float]:
        length_s = 0.05
        while True:
            length_s *= 1.01
            yield length_s

    settling = _settling(3.0, 12.0)
    assert _run(settling, slower()) == pytest.approx(12.0, abs=1.0)
    assert not settling.settled


def test_a_rate_that_comes_to_rest_settles_then() -> None:
    def cold() -> Iterator[float]:
        for number in range(12):
            yield 1.2 - 0.08 * number
        while True:
            yield 0.2

    settling = _settling(0.0, 120.0)
    assert 10.0 <= _run(settling, cold()) <= 20.0
    assert settling.settled


def test_a_window_is_three_batches_of_a_slow_model() -> None:
    settling = _settling(0.0, 119.0)
    assert _run(settling, 3.0) == pytest.approx(27.0)
    assert (settling.settled, settling.windows) == (True, 3)


def test_the_protocol_gives_a_very_slow_model_ten_batches() -> None:
    assert _run(_settling(10.0, 120.0), 80.0) == pytest.approx(800.0)
    assert _run(_settling(10.0, 100.0), 80.0) == pytest.approx(160.0)
