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
from collections.abc import Sequence

import numpy as np

from orin_core.analysis import cpu_ceiling
from orin_core.analysis.log_busy import IDLE_SPLITS_S, MIN_STRETCH_S, Cut
from orin_core.analysis.log_series import HOLE_INSIDE_S, Series, series_of
from orin_core.board.sample import Sample

__all__ = ["IDLE_SPLITS_S", "MIN_STRETCH_S", "Stretch", "between", "find_in", "find_stretches"]

BY_LOAD, BY_PHASES, BY_PERSON = "load of the GPU", "phases of the file", "as set by a person"
_MANY_PERIODS = 3


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
        cut_basis: what the cut itself rests on: load, the file's own phases, or a person.
    """

    start_index: int
    end_index: int
    start_s: float
    end_s: float
    cpu_ceiling_mhz: float | None
    power_mode: str | None
    mode_basis: str
    notes: tuple[str, ...] = ()
    cut_basis: str = BY_LOAD

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
    cut = Cut(series)
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
    return _all_described(series, parts, rails, by_power=cut.by_power, cut_basis=BY_LOAD)


def from_phases(series: Series, spans: Sequence[tuple[int, int]], rails: Sequence[str] = ()) -> list[Stretch]:
    """Returns the runs that a file itself names.

    Args:
        series: the log.
        spans: first and last tick of each measure phase, in order.
        rails: names of its power rails.
    """
    spans = [(begin, end) for begin, end in spans if end > begin]
    return _all_described(series, spans, rails, by_power=False, cut_basis=BY_PHASES)


def _all_described(
    series: Series, parts: Sequence[tuple[int, int]], rails: Sequence[str], *, by_power: bool, cut_basis: str
) -> list[Stretch]:
    ends, begins = [-1, *(end for _, end in parts)], [*(begin for begin, _ in parts), len(series)]
    return [
        _described(
            series,
            begin,
            end,
            rails,
            after=ends[place],
            before=begins[place + 1],
            by_power=by_power,
            cut_basis=cut_basis,
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
    begins = series.restart.copy()
    begins[:1] = True
    # The first tick of a recording has none before it, so measure begins with it.
    after_start = (series.t_s > start_s) | (begins & (series.t_s == start_s))
    inside = np.flatnonzero(after_start & (series.t_s <= end_s))
    if len(inside) < 2:
        return None
    begin, end = int(inside[0]), int(inside[-1])
    return _described(series, begin, end, rails, after=-1, before=len(series), by_power=False, cut_basis=BY_PERSON)


def _described(
    series: Series,
    begin: int,
    end: int,
    rails: Sequence[str],
    *,
    after: int,
    before: int,
    by_power: bool,
    cut_basis: str,
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
        cut_basis: what the cut rests on.
    """
    t_s = series.t_s
    notes = []
    if by_power:
        notes.append("The log has no GR3D; the run was found by power alone.")
    if begin == 0 or series.restart[begin]:
        notes.append("The log begins inside this run.")
    if end == len(series) - 1 or series.restart[end + 1]:
        notes.append("The log ends inside this run.")
    hole_s = float(np.diff(t_s[begin : end + 1]).max(initial=0.0))
    if hole_s > max(HOLE_INSIDE_S, _MANY_PERIODS * series.period_s):
        notes.append(f"A hole of {hole_s:.0f} s lies inside this run; its length and FPS are doubtful.")
    ceiling = cpu_ceiling.ceiling_mhz(series.cpu_max_mhz[begin : end + 1])
    name, basis = cpu_ceiling.mode_in(series, begin, end, rails, after=after, before=before)
    higher_mhz = cpu_ceiling.higher_nearby(series, begin, end, after=after, before=before) if name else None
    if higher_mhz and ceiling and higher_mhz > ceiling and f"{higher_mhz:.0f} MHz" not in basis:
        notes.append(
            f"A CPU clock of {higher_mhz:.0f} MHz is met within a minute of this run, above its own {ceiling:.0f} MHz: "
            "the mode may be another, or was changed there."
        )
    return Stretch(
        start_index=begin,
        end_index=end,
        start_s=float(t_s[begin if begin == 0 or series.restart[begin] else begin - 1]),
        end_s=float(t_s[end]),
        cpu_ceiling_mhz=ceiling,
        power_mode=name,
        mode_basis=basis,
        notes=tuple(notes),
        cut_basis=cut_basis,
    )
