"""Which ticks of a log are busy, and the stretches they make: the part of the cut that knows no power modes."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from orin_core.analysis import cpu_ceiling
from orin_core.analysis.log_series import Flags, Floats, Series, moving_mean

IDLE_SPLITS_S = 10.0
"""Idle of this length ends a run; a shorter pause stays inside and is flagged."""
MIN_STRETCH_S = 20.0
"""A shorter burst is a desktop, a notebook or a model that loads, and too short for a figure of power."""
_WIDTH_S = 5.0
_LEVEL_S = 60.0
_SLOW_S = 20.0
_BUSY_PCT = 8.0  # least GR3D of a busy tick; desktops of the published logs leave 0, with single ticks of 10
_BUSY_MEAN_PCT = 6.0
_RUN_MEAN_PCT = 10.0  # least mean GR3D of a run; models that load leave 4 to 6
_BUSY_SHARE = 0.2  # of the level around it: a desktop's 10 % in a pause of a run at 99 % is idle
_RISE_W = 1.0  # least that a run adds to the board's power
_DESKTOP_PCT = 15.0
_DESKTOP_SHARE = 0.3  # of the way from idle to a run: GR3D and power below both are a desktop
_FAINT_PCT = 20.0  # a run of less GR3D is one only if power says so too
_EDGE_SHARE = 0.3
_EDGE_MAX_S = 30.0  # more than that is no ramp but work of another kind
_ISLAND_S = 5.0
_PAUSE_S = 3.0
_POWER_STEP_W = 0.45  # **Source**: the INA3221 of the 20 V rails reads in steps of about 0.4 W
_KNOWN_TICKS = 5  # ticks of idle from which its power is known


@dataclasses.dataclass(slots=True, kw_only=True)
class _Power:
    """One power of the log.

    Args:
        values: per tick, W.
        mean: over 5 s around each tick, W.
        slow: over 20 s, W.
        low_w: least of ``slow``, W; NaN where there is none.
        idle_w: median over idle ticks, W; None where too few are idle.
    """

    values: Floats
    mean: Floats
    slow: Floats
    low_w: float
    idle_w: float | None = None

    @classmethod
    def of(cls, t_s: Floats, values: Floats, width_s: float) -> _Power:
        slow = moving_mean(t_s, values, max(_SLOW_S, 4 * width_s))
        low_w = float(np.nanmin(slow)) if np.isfinite(slow).any() else float("nan")
        return cls(values=values, mean=moving_mean(t_s, values, width_s), slow=slow, low_w=low_w)


class Cut:
    """Which ticks of a log are busy, and the stretches they make.

    Args:
        series: the log.
    """

    def __init__(self, series: Series) -> None:
        self.series = series
        t_s, gr3d = series.t_s, series.gr3d_pct
        self.width_s = max(_WIDTH_S, 5 * series.period_s)
        self.idle_s = max(IDLE_SPLITS_S, 3 * series.period_s)
        # Power of the GPU's own rail where there is one: a busy CPU does not move it.
        self.gpu_rail = bool(np.isfinite(series.gpu_w).mean() > 0.9)
        self.total = _Power.of(t_s, series.power_w, self.width_s)
        self.power = _Power.of(t_s, series.gpu_w, self.width_s) if self.gpu_rail else self.total
        self.by_power = bool(np.isfinite(gr3d).mean() < 0.05)
        self.gr3d_mean = moving_mean(t_s, gr3d, self.width_s)
        if self.by_power:
            self.busy = self._busy_by_power()
            self.quiet = ~self.busy
        else:
            level = moving_mean(t_s, gr3d, max(_LEVEL_S, 2 * self.width_s))
            with np.errstate(invalid="ignore"):
                self.busy = (gr3d >= np.maximum(_BUSY_PCT, _BUSY_SHARE * level)) & (self.gr3d_mean >= _BUSY_MEAN_PCT)
                self.quiet = ~(self.gr3d_mean >= 3.0)
            for span in self.spans():
                self._leave_out_desktop(*span)
        for power in (self.power, self.total):
            quiet = power.values[self.quiet & np.isfinite(power.values)]
            power.idle_w = float(np.median(quiet)) if len(quiet) >= _KNOWN_TICKS else None

    def _leave_out_desktop(self, first: int, last: int) -> None:
        """Makes the ticks of a span idle whose GR3D and power are both far below what the span does when it works."""
        inside = slice(first, last + 1)
        busy = self.busy[inside]
        for power in (self.power, self.total):
            if not np.isfinite(power.mean[inside][busy]).any():
                continue
            high_w = float(np.nanpercentile(power.mean[inside][busy], 90))
            high_pct = float(np.nanpercentile(self.gr3d_mean[inside][busy], 90))
            if not high_w - power.low_w >= _RISE_W:  # most of the span is no run: then its busiest 20 s
                top = first + int(np.nanargmax(np.where(busy, power.slow[inside], -np.inf)))
                high_w, high_pct = float(power.slow[top]), float(self.gr3d_mean[top])
            if not high_w - power.low_w >= _RISE_W:
                continue
            least_pct = max(_DESKTOP_SHARE * high_pct, min(0.5 * high_pct, _DESKTOP_PCT))
            with np.errstate(invalid="ignore"):
                desktop = (self.gr3d_mean[inside] < least_pct) & (
                    power.mean[inside] < power.low_w + _DESKTOP_SHARE * (high_w - power.low_w)
                )
            self.busy[inside] &= ~desktop
            self.quiet[inside] |= desktop
            return

    def _telling(self, run: Flags) -> _Power:
        """Returns the power that tells a run from idle: the GPU's rail, or the total where the rail hardly rises."""
        for power in (self.power, self.total):
            run_w = cpu_ceiling.typical(power.values[run])
            if run_w is not None and run_w - (power.idle_w or 0.0) >= _RISE_W:
                return power
        return self.power

    def _is_faint(self, first: int, last: int) -> bool:
        """Returns whether little GR3D goes without a rise of any power: a desktop at work."""
        inside = slice(first, last + 1)
        if self.by_power or float(np.nanmean(self.series.gr3d_pct[inside])) >= _FAINT_PCT:
            return False
        rises = []
        for power in (self.power, self.total):
            run_w = cpu_ceiling.typical(power.values[inside])
            if run_w is not None and power.idle_w is not None:
                rises.append(run_w - min(power.idle_w, power.low_w))
        return bool(rises) and max(rises) < _RISE_W

    def _busy_by_power(self) -> Flags:
        """Without GR3D: above half of the way from the quietest to the busiest 20 s of the log."""
        slow = self.power.slow
        if not np.isfinite(slow).any():
            return np.zeros(len(self.series), dtype=np.bool_)
        low, high = float(np.nanmin(slow)), float(np.nanmax(slow))
        if high - low < max(1.5, 0.25 * low):
            return np.zeros(len(self.series), dtype=np.bool_)
        with np.errstate(invalid="ignore"):
            return self.power.mean >= (low + high) / 2

    def spans(self) -> list[tuple[int, int]]:
        """Returns first and last busy tick of every stretch, ramps included."""
        at = np.flatnonzero(self.busy)
        spans: list[tuple[int, int]] = []
        if not len(at):
            return spans
        first = last = int(at[0])
        restart = self.series.restart
        # Neighbours are the rule, so only the others are looked at.
        for place in np.flatnonzero((np.diff(at) > 1) | restart[at[1:]]).tolist():
            last, tick = int(at[place]), int(at[place + 1])
            if self._apart(first, last, tick):
                spans.append((first, last))
                first = tick
        return [*spans, (first, int(at[-1]))]

    def _apart(self, first: int, last: int, tick: int) -> bool:
        """Returns whether a run that began at ``first`` and was busy at ``last`` is another than that of ``tick``."""
        if self.series.restart[last + 1 : tick + 1].any():
            return True
        t_s = self.series.t_s
        idle_s = t_s[tick - 1] - t_s[last] if tick - last > 1 else 0.0
        return bool(idle_s >= self.idle_s - 1e-6 and not self._goes_on(first, last, tick))

    def _goes_on(self, first: int, last: int, tick: int) -> bool:
        """Returns whether power stayed at the run's own through ticks without load."""
        run_w = self._run_w(max(first, last - 600), last)
        between_w = self.power.mean[last + 1 : tick]
        if run_w is None or not np.isfinite(between_w).all():
            return False
        idle_w = self.power.idle_w
        if idle_w is None:
            return bool((between_w >= 0.8 * run_w).all())
        return run_w - idle_w >= _RISE_W and bool((between_w >= idle_w + 0.6 * (run_w - idle_w)).all())

    def _run_w(self, first: int, last: int) -> float | None:
        return cpu_ceiling.typical(self.power.values[first : last + 1][self.busy[first : last + 1]])

    def trimmed(self, first: int, last: int) -> tuple[int, int] | None:
        """Returns the fully busy ticks of a span, None where it is no run."""
        full = self._full(first, last)
        ends = self._ends(full, first, last)
        ends = ends and self._ends(self._without_islands(full, *ends), *ends)
        if ends is None:
            return None
        first, last = self._over_zeros(*ends)
        t_s, gr3d = self.series.t_s, self.series.gr3d_pct[first : last + 1]
        seconds = t_s[last] - t_s[first] + self.series.period_s
        if seconds < MIN_STRETCH_S or last - first < 4 or self._is_faint(first, last):
            return None
        return (first, last) if self.by_power or float(np.nanmean(gr3d)) >= _RUN_MEAN_PCT else None

    def _full(self, first: int, last: int) -> Flags:
        """Returns which ticks of the log are as busy as this span usually is."""
        full: Flags = self.busy.copy()
        inside = slice(first, last + 1)
        if not self.by_power:
            level = cpu_ceiling.typical(self.series.gr3d_pct[inside][self.busy[inside]]) or 0.0
            with np.errstate(invalid="ignore"):
                full &= self.series.gr3d_pct >= max(_BUSY_PCT, _EDGE_SHARE * level)
        run = np.zeros(len(self.series), dtype=np.bool_)
        run[inside] = self.busy[inside]
        power = self._telling(run)
        run_w = cpu_ceiling.typical(power.values[run])
        rise_w = 0.0 if run_w is None else run_w - (power.idle_w or 0.0)
        if run_w is None or rise_w < _RISE_W:
            return full
        spread_w = float(np.nanmedian(np.abs(power.values[run] - run_w)))
        share = 0.10 if power.idle_w is None else 0.15
        step_w = _POWER_STEP_W if power is self.power else 2 * _POWER_STEP_W  # two rails may step at once
        slack_w = min(max(share * rise_w, step_w, 4 * spread_w), 0.5 * rise_w)
        with np.errstate(invalid="ignore"):
            enough: Flags = full & ~(power.values < run_w - slack_w)
        # Where that takes away more than a ramp, the load itself changed and stays.
        t_s = self.series.t_s
        ends, kept = self._ends(full, first, last), self._ends(enough, first, last)
        if ends is None or kept is None:
            return full
        if t_s[kept[0]] - t_s[ends[0]] > _EDGE_MAX_S:
            enough[ends[0] : kept[0]] = full[ends[0] : kept[0]]
        if t_s[ends[1]] - t_s[kept[1]] > _EDGE_MAX_S:
            enough[kept[1] : ends[1] + 1] = full[kept[1] : ends[1] + 1]
        return enough

    def _over_zeros(self, first: int, last: int) -> tuple[int, int]:
        """Moves both ends over ticks whose GR3D was sampled as 0 while the GPU's own rail drew what the run draws."""
        run_w, idle_w = self._run_w(first, last), self.power.idle_w
        if not self.gpu_rail or idle_w is None or run_w is None or run_w - idle_w < _RISE_W:
            return first, last
        least_w = max(run_w - max(0.15 * (run_w - idle_w), _POWER_STEP_W), (run_w + idle_w) / 2)
        t_s, restart, watts = self.series.t_s, self.series.restart, self.power.values
        begin, end = first, last
        while begin and not restart[begin] and watts[begin - 1] >= least_w and t_s[first] - t_s[begin - 1] < 10.0:
            begin -= 1
        while (
            end + 1 < len(t_s)
            and not restart[end + 1]
            and watts[end + 1] >= least_w
            and t_s[end + 1] - t_s[last] < 10.0
        ):
            end += 1
        return begin, end

    @staticmethod
    def _ends(full: Flags, first: int, last: int) -> tuple[int, int] | None:
        at = np.flatnonzero(full[first : last + 1])
        return (first + int(at[0]), first + int(at[-1])) if len(at) else None

    def _without_islands(self, full: Flags, first: int, last: int) -> Flags:
        """Leaves out short bursts at either end that a longer pause parts from the rest: a trial, a last image."""
        t_s = self.series.t_s
        full = full.copy()
        at = first + np.flatnonzero(full[first : last + 1])
        pauses = [
            (int(left), int(right))
            for left, right in itertools.pairwise(at)
            if right - left > 1
            and t_s[right - 1] - t_s[left] >= max(_PAUSE_S, 3 * self.series.period_s) - 1e-6
            and not self._goes_on(first, int(left), int(right))
        ]
        for left, right in pauses[:1]:
            if t_s[left] - t_s[first] < min(_ISLAND_S, t_s[right] - t_s[left]):
                full[first : left + 1] = False
        for left, right in pauses[-1:]:
            if t_s[last] - t_s[right] < min(_ISLAND_S, t_s[right] - t_s[left]):
                full[right : last + 1] = False
        return full
