"""The rules for what lies around measure: idle, warm-up, cooldown. Thresholds: ``docs/protocol.md``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis.findings import Finding, finding
from orin_core.analysis.summary_keys import count, flag, number, part

_Summary = Mapping[str, Any]

MAX_GR3D_IDLE_PCT = 5.0
MIN_IDLE_S = 10.0
MIN_IDLE_INTERVALS = 4
MIN_IDLE_TICKS = 3
MIN_WARMUP_S = 10.0
MIN_COOLDOWN_S = 10.0
IDLE_EDGE_TICKS = 2
IDLE_EDGE_S = 1.5
"""Idle may miss so many ticks, or so much time, at its edges: tegrastats needs about 1 s for its first line."""


def floored(seconds: float) -> str:
    """Seconds cut off, so that 59.97 does not read as the 60 that it is not; below 1 s to two digits that count."""
    if seconds <= 0:
        return "0"
    scale = 10.0 ** (1 if seconds >= 1 else 1 - math.floor(math.log10(seconds)))
    return f"{math.floor(seconds * scale + 1e-9) / scale:.15g}"


def idle(summary: _Summary) -> Iterable[Finding]:
    """Yields what is missing of an idle phase in which another user of the GPU would have been seen."""
    idle_s = number(summary, "idle_before_s") or 0.0
    tick_s = number(summary, "tick_period_s") or number(summary, "interval_s") or 1.0
    least_s = max(MIN_IDLE_S, MIN_IDLE_INTERVALS * (number(summary, "interval_s") or 0.0))
    needed = f"{least_s:g} s are needed to see that nobody else uses the GPU."
    if idle_s <= 0 or idle_s + max(IDLE_EDGE_TICKS * tick_s, IDLE_EDGE_S) < least_s:
        slow = f" ({MIN_IDLE_INTERVALS} intervals)" if least_s > MIN_IDLE_S else ""
        had = f"Only {floored(idle_s)} s of idle were" if idle_s > 0 else "No idle was"
        yield finding(
            "no-idle",
            f"{had} recorded before the model was loaded; {needed}",
            f"Ask for {least_s:g} s of idle or more{slow}.",
        )
        return
    seen = count(summary, "gr3d_idle_pct_mean") or 0
    if number(summary, "gr3d_pct_mean") is not None and seen < MIN_IDLE_TICKS:
        ticks = "no tick" if not seen else "only 1 tick" if seen == 1 else f"only {seen} ticks"
        yield finding(
            "no-idle",
            f"In measure the load of the GPU (GR3D) was read, but in idle {ticks} had it; {MIN_IDLE_TICKS} are needed "
            "to see that nobody else uses the GPU.",
            "See in tegrastats.log what was printed in idle, and run again.",
        )


def other_gpu_user(summary: _Summary) -> Iterable[Finding]:
    """Yields whether somebody else used the GPU while idle."""
    idle_pct = number(summary, "gr3d_idle_pct_mean")
    if idle_pct is not None and idle_pct >= MAX_GR3D_IDLE_PCT:
        yield finding(
            "gpu-in-use",
            f"The GPU was at {idle_pct:.1f} % when nothing of this run used it (limit {MAX_GR3D_IDLE_PCT:g} %): "
            "somebody else did.",
            "End other GPU programs and the desktop's windows, and run again.",
        )


def warmup(summary: _Summary) -> Iterable[Finding]:
    """Yields what was wrong with warm-up: none, asked too short, or not settled."""
    settled = flag(summary, "warmup_settled")
    if settled is None:
        yield finding("no-warm-up", "There was no warm-up, so slow first images count.", "Leave the warm-up on.")
        return
    least_s = part(summary, "phases_asked_s", "warmup_min")
    if least_s is not None and least_s < MIN_WARMUP_S:
        lasted_s = number(summary, "warmup_s")
        lasted = f" and lasted {floored(lasted_s)} s" if lasted_s is not None else ""
        yield finding(
            "warm-up-short",
            f"Warm-up was asked to be {least_s:g} s at least{lasted}; {MIN_WARMUP_S:g} s are needed, since clocks and "
            "caches take that long to settle.",
            f"Leave the least warm-up at {MIN_WARMUP_S:g} s or more.",
        )
    if not settled:
        yield finding(
            "warm-up-not-settled",
            "When warm-up ended the speed had not settled within 5 %.",
            "Allow a longer warm-up, and see what else runs on the board.",
        )


def cooldown(summary: _Summary) -> Iterable[Finding]:
    """Yields whether cooldown was asked to be too short."""
    asked_s = part(summary, "phases_asked_s", "cooldown")
    if asked_s is not None and asked_s < MIN_COOLDOWN_S:
        yield finding(
            "cooldown-short",
            f"Cooldown was asked to be {asked_s:g} s; {MIN_COOLDOWN_S:g} s are needed, so that the next run does not "
            "begin on a hot board and the fall of power can be seen.",
            f"Leave cooldown at {MIN_COOLDOWN_S:g} s or more.",
        )
