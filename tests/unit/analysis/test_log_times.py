"""Whole seconds evened out, where the true times are known."""

from __future__ import annotations

import numpy as np
import pytest

from orin_core.analysis.log_times import evened


def _none(count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.zeros(count, dtype=np.bool_)


@pytest.mark.parametrize("period_s", [1.005, 1.013, 1.046, 0.522])
def test_an_even_pace_comes_back(period_s: float) -> None:
    true_s = 0.3 + period_s * np.arange(600)
    found_s = evened(np.floor(true_s), _none(600))
    steps_s = np.diff(found_s)[80:-80]
    assert np.abs(steps_s - period_s).max() < 0.02
    assert np.abs(found_s - np.floor(true_s)).max() <= 1.0


def test_a_gap_stays_a_gap() -> None:
    true_s = 1.013 * np.arange(400)
    true_s[200:] += 6.0
    found_s = evened(np.floor(true_s), _none(400))
    assert 5.5 <= found_s[200] - found_s[199] <= 8.0
    assert (np.diff(found_s) >= 0).all()


def test_another_recording_is_not_mixed_in() -> None:
    t_s = np.concatenate((np.arange(50.0), 51 + np.arange(50.0)))
    restart = _none(100)
    restart[50] = True
    found_s = evened(t_s, restart)
    assert found_s[49] == 49.0
    assert found_s[50] == 51.0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_logs_are_left_alone(count: int) -> None:
    t_s = np.arange(float(count))
    assert evened(t_s, _none(count)).tolist() == t_s.tolist()
