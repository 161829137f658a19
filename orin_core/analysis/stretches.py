"""Where a log holds a run: the cut that nobody makes by hand.

A tick is busy when GR3D is well above what a desktop leaves idle, both in the tick and in the mean
over 5 s around it. Busy ticks make a stretch until the GPU has been idle for 10 s: in the published
logs no idle inside a run is longer than 1 s, and that between two runs lasts minutes. GR3D is
sampled, so zeros occur inside a run; where the GPU's rail keeps drawing what the run draws, the run
goes on. The first and the last tick of a stretch are fully busy in both: ramps, the load of the
model and single bursts before it stay outside.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from orin_core.analysis import cpu_ceiling
from orin_core.analysis.log_series import Flags, Series, moving_mean, series_of
from orin_core.board.sample import Sample

IDLE_SPLITS_S = 10.0
"""Idle of this length ends a run; a shorter pause stays inside and is flagged."""
MIN_STRETCH_S = 20.0
"""A shorter burst is a desktop, a notebook or a model that loads, and too short for a figure of power."""
_WIDTH_S = 5.0
_LEVEL_S = 60.0
_BUSY_PCT = 8.0  # least GR3D of a busy tick; desktops of the published logs leave 0, with single ticks of 10
_BUSY_MEAN_PCT = 6.0
_RUN_MEAN_PCT = 10.0  # least mean GR3D of a run; models that load leave 4 to 6
_BUSY_SHARE = 0.2  # of the level around it: a desktop's 10 % in a pause of a run at 99 % is idle
_EDGE_SHARE = 0.3
_EDGE_MAX_S = 30.0  # more than that is no ramp but work of another kind
_ISLAND_S = 5.0
_PAUSE_S = 3.0
_POWER_STEP_W = 0.45  # **Source**: the INA3221 of the 20 V rails reads in steps of about 0.4 W


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One run of a log.

    Args:
        start_index: first fully busy tick.
        end_index: last one.
        start_s: where measure begins: time of the tick before the first, since a tick speaks of the time before it.
        end_s: time of the last tick.
        cpu_ceiling_mhz: highest CPU clock in it, MHz; None where the log has none.
        power_mode: name of the mode that the ceiling tells; None where it tells none.
        mode_basis: what that rests on, in words.
        notes: what a person should know, one sentence each.
    """

    start_index: int
    end_index: int
    start_s: float
    end_s: float
    cpu_ceiling_mhz: float | None
    power_mode: str | None
    mode_basis: str
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length, s."""
        return self.end_s - self.start_s


def find_stretches(t_s: Sequence[float], samples: Sequence[Sample]) -> list[Stretch]:
    """Returns the runs in samples that are at hand; see :func:`find_in`.

    Args:
        t_s: time of each sample, s, never falling.
        samples: as many samples.
    """
    rails = dict.fromkeys(rail for sample in samples[:100] for rail in sample.power_mw)
    return find_in(series_of(t_s, samples), tuple(rails))


def find_in(series: Series, rails: Sequence[str] = ()) -> list[Stretch]:
    """Returns the runs in a log, in order.

    Args:
        series: the log.
        rails: names of its power rails; a total rail tells another board than the AGX Orin.
    """
    if len(series) < 2:
        return []
    cut = _Cut(series)
    pieces: list[tuple[int, int]] = []
    for span in cut.spans():
        piece = cut.trimmed(*span)
        if piece is not None:
            pieces.append((max(piece[0], pieces[-1][1] + 1) if pieces else piece[0], piece[1]))
    floor_mhz = float(np.nanmin(series.cpu_max_mhz)) if np.isfinite(series.cpu_max_mhz).any() else None
    parts = []
    for first, last in pieces:
        edges = cpu_ceiling.changes(series, first, last, floor_mhz)
        # The tick in which a mode changes belongs to neither side.
        for begin, end in zip(
            [first, *(edge + 1 for edge in edges)], [*(edge - 1 for edge in edges), last], strict=True
        ):
            parts.append((begin, end))
    bounds = [-1, *(end for _, end in parts)], [*(begin for begin, _ in parts), len(series)]
    return [
        _described(
            series, begin, end, rails, after=bounds[0][place], before=bounds[1][place + 1], by_power=cut.by_power
        )
        for place, (begin, end) in enumerate(parts)
    ]


def between(series: Series, start_s: float, end_s: float, rails: Sequence[str] = ()) -> Stretch | None:
    """Returns the stretch of the ticks from one time to another, as a person set them; None where there are not two.

    Args:
        series: the log.
        start_s: where measure begins, s.
        end_s: where it ends, s.
        rails: names of the log's power rails.
    """
    inside = np.flatnonzero((series.t_s > start_s) & (series.t_s <= end_s))
    if len(inside) < 2:
        return None
    begin, end = int(inside[0]), int(inside[-1])
    return _described(series, begin, end, rails, after=-1, before=len(series), by_power=False)


class _Cut:
    """Which ticks of a log are busy, and the stretches they make."""

    def __init__(self, series: Series) -> None:
        self.series = series
        t_s, gr3d = series.t_s, series.gr3d_pct
        self.width_s = max(_WIDTH_S, 5 * series.period_s)
        self.idle_s = max(IDLE_SPLITS_S, 3 * series.period_s)
        # Power of the GPU's own rail where there is one: a busy CPU does not move it.
        self.gpu_rail = bool(np.isfinite(series.gpu_w).mean() > 0.9)
        self.power = series.gpu_w if self.gpu_rail else series.power_w
        self.power_mean = moving_mean(t_s, self.power, self.width_s)
        self.by_power = bool(np.isfinite(gr3d).mean() < 0.05)
        if self.by_power:
            self.busy = self._busy_by_power()
            self.quiet = ~self.busy
        else:
            mean = moving_mean(t_s, gr3d, self.width_s)
            level = moving_mean(t_s, gr3d, max(_LEVEL_S, 2 * self.width_s))
            with np.errstate(invalid="ignore"):
                self.busy = (gr3d >= np.maximum(_BUSY_PCT, _BUSY_SHARE * level)) & (mean >= _BUSY_MEAN_PCT)
                self.quiet = ~(mean >= 3.0)
        quiet = self.power[self.quiet & np.isfinite(self.power)]
        self.idle_w = float(np.median(quiet)) if len(quiet) >= 5 else None

    def _busy_by_power(self) -> Flags:
        """Without GR3D: above half of the way from the quietest to the busiest 20 s of the log."""
        slow = moving_mean(self.series.t_s, self.power, max(20.0, 4 * self.width_s))
        if not np.isfinite(slow).any():
            return np.zeros(len(self.series), dtype=np.bool_)
        low, high = float(np.nanmin(slow)), float(np.nanmax(slow))
        if high - low < max(1.5, 0.25 * low):
            return np.zeros(len(self.series), dtype=np.bool_)
        with np.errstate(invalid="ignore"):
            return self.power_mean >= (low + high) / 2

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
        between_w = self.power_mean[last + 1 : tick]
        if run_w is None or not np.isfinite(between_w).all():
            return False
        if self.idle_w is None:
            return bool((between_w >= 0.8 * run_w).all())
        return run_w - self.idle_w >= 1.0 and bool((between_w >= self.idle_w + 0.6 * (run_w - self.idle_w)).all())

    def _run_w(self, first: int, last: int) -> float | None:
        power = self.power[first : last + 1][self.busy[first : last + 1]]
        return cpu_ceiling.typical(power)

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
        if seconds < MIN_STRETCH_S or last - first < 4:
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
        power = self.power[inside][self.busy[inside]]
        run_w = cpu_ceiling.typical(power)
        rise_w = None if run_w is None else run_w - (self.idle_w or 0.0)
        if run_w is None or rise_w is None or rise_w < 1.0:
            return full
        spread_w = float(np.nanmedian(np.abs(power - run_w)))
        share = 0.10 if self.idle_w is None else 0.15
        slack_w = min(max(share * rise_w, _POWER_STEP_W, 4 * spread_w), 0.5 * rise_w)
        with np.errstate(invalid="ignore"):
            enough: Flags = full & ~(self.power < run_w - slack_w)
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
        run_w = self._run_w(first, last)
        if not self.gpu_rail or self.idle_w is None or run_w is None or run_w - self.idle_w < 1.0:
            return first, last
        least_w = max(run_w - max(0.15 * (run_w - self.idle_w), _POWER_STEP_W), (run_w + self.idle_w) / 2)
        t_s, restart = self.series.t_s, self.series.restart
        begin, end = first, last
        while begin and not restart[begin] and self.power[begin - 1] >= least_w and t_s[first] - t_s[begin - 1] < 10.0:
            begin -= 1
        while (
            end + 1 < len(t_s)
            and not restart[end + 1]
            and self.power[end + 1] >= least_w
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


def _described(
    series: Series, begin: int, end: int, rails: Sequence[str], *, after: int, before: int, by_power: bool
) -> Stretch:
    """Returns a stretch with its mode.

    Args:
        series: the log.
        begin: first tick.
        end: last tick.
        rails: names of the power rails.
        after: last tick of the stretch before it, -1 where there is none.
        before: first tick of the stretch after it; the number of ticks where there is none.
        by_power: whether it was found by power alone.
    """
    t_s = series.t_s
    notes = []
    if by_power:
        notes.append("The log has no GR3D; the run was found by power alone.")
    if begin == 0 or series.restart[begin]:
        notes.append("The log begins inside this run.")
    if end == len(series) - 1 or series.restart[end + 1]:
        notes.append("The log ends inside this run.")
    ceiling = cpu_ceiling.ceiling_mhz(series.cpu_max_mhz[begin : end + 1])
    name, basis = cpu_ceiling.mode_in(series, begin, end, rails, after=after, before=before)
    return Stretch(
        start_index=begin,
        end_index=end,
        start_s=float(t_s[begin if begin == 0 or series.restart[begin] else begin - 1]),
        end_s=float(t_s[end]),
        cpu_ceiling_mhz=ceiling,
        power_mode=name,
        mode_basis=basis,
        notes=tuple(notes),
    )
