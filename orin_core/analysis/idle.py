"""The board before and after a run: what it takes when nothing runs, and what a run adds to that.

Before: the idle phase, which ends when the model begins to load. After: cooldown, from 10 s after
the worker is gone. Those 10 s are left out because in the logs of AGX Orin clocks and rails need
some seconds to fall back, and because the worker still times the bare model after measure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from orin_core.analysis.ticks import GR3D, LOAD_SUM, POWER, RAM_USED, Ticks, Window, ticks_of

SETTLE_S = 10.0
NET_MIN_S = 60.0
NET_MAX_LOAD_SUM_PCT = 30.0
NET_MAX_APART_W = 0.3

_Events = Sequence[Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Idle ticks on both sides of a run.

    Args:
        before: those before the model was loaded.
        after: those after the worker was gone and the board had settled.
    """

    before: Ticks
    after: Ticks

    @classmethod
    def of(cls, frame: pd.DataFrame, events: _Events, t0_s: float, asked_s: float) -> Idle:
        """Returns the idle ticks of a run; none on a side that it has not.

        Args:
            frame: rows of ``run.csv``, condensed.
            events: rows of ``events.jsonl``.
            t0_s: monotonic time at which the run began, s.
            asked_s: asked time between ticks, s.
        """
        before, after = idle_windows(events, t0_s)
        return cls(before=ticks_of(frame, before, asked_s), after=ticks_of(frame, after, asked_s))

    def gr3d_pct(self) -> float | None:
        """Returns how busy the GPU was before the run, or after it where nothing lies before; 0 to 100."""
        before = self.before.mean(GR3D)
        return self.after.mean(GR3D) if before is None else before

    def figures(self) -> dict[str, float | None]:
        """Returns the figures of both sides, None where a side was not watched."""
        return {
            "gr3d_idle_pct_mean": self.gr3d_pct(),
            "ram_idle_mb_mean": self.before.mean(RAM_USED),
            "power_idle_before_w": self.before.mean(POWER),
            "power_idle_after_w": self.after.mean(POWER),
            "idle_before_s": self.before.covered_s or None,
            "idle_after_s": self.after.covered_s or None,
            "cpu_load_sum_before_pct": self.before.mean(LOAD_SUM),
            "cpu_load_sum_after_pct": self.after.mean(LOAD_SUM),
        }

    def counts(self) -> dict[str, int]:
        """Returns the number of ticks behind each figure."""
        gr3d = self.before.count(GR3D) or self.after.count(GR3D)
        return {
            "gr3d_idle_pct_mean": gr3d,
            "ram_idle_mb_mean": self.before.count(RAM_USED),
            "power_idle_before_w": self.before.count(POWER),
            "power_idle_after_w": self.after.count(POWER),
            "cpu_load_sum_before_pct": self.before.count(LOAD_SUM),
            "cpu_load_sum_after_pct": self.after.count(LOAD_SUM),
        }


def idle_windows(events: _Events, t0_s: float) -> tuple[Window | None, Window | None]:
    """Returns the idle stretches before and after a run, None for one that is not there.

    Args:
        events: rows of ``events.jsonl``.
        t0_s: monotonic time at which the run began, s.
    """
    phases = [(str(event.get("phase")), float(event["t_s"]) - t0_s) for event in events if event["kind"] == "phase"]
    end_s = max((float(event["t_s"]) - t0_s for event in events if event["kind"] == "end"), default=float("inf"))
    before = after = None
    for number, (phase, start_s) in enumerate(phases):
        if phase == "idle" and before is None:
            before = _window(start_s, phases[number + 1][1] if number + 1 < len(phases) else end_s)
        elif phase == "cooldown":
            gone_s = [float(event["t_s"]) - t0_s for event in events if event["kind"] == "worker_exit"]
            after = _window(max([start_s, *gone_s]) + SETTLE_S, end_s)
    return before, after


def _window(start_s: float, end_s: float) -> Window | None:
    return Window(start_s=start_s, end_s=end_s) if end_s > start_s else None


def net_energy_j(idle: Mapping[str, float | None], power_w: float, seconds: float) -> float | None:
    """Returns what a run took beyond idle, J; None unless idle was watched well enough on both sides.

    Well enough: at least 60 s before and after, quiet (sum of CPU loads below 30 %), and both
    within 0.3 W of each other.

    Args:
        idle: the figures of :meth:`Idle.figures`.
        power_w: mean power of measure, W.
        seconds: length of measure, s.
    """
    before_w, after_w = idle["power_idle_before_w"], idle["power_idle_after_w"]
    if before_w is None or after_w is None or abs(before_w - after_w) > NET_MAX_APART_W:
        return None
    for side in ("before", "after"):
        watched_s, load_sum_pct = idle[f"idle_{side}_s"], idle[f"cpu_load_sum_{side}_pct"]
        if watched_s is None or watched_s < NET_MIN_S or load_sum_pct is None or load_sum_pct >= NET_MAX_LOAD_SUM_PCT:
            return None
    return (power_w - (before_w + after_w) / 2) * seconds
