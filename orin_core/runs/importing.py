"""Old logs become runs: the cut is proposed, a person may move it, and each stretch becomes a run folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orin_core.analysis.old_logs import OldLog, read_old_log
from orin_core.analysis.stretches import MIN_STRETCH_S, Stretch, between, find_in, from_phases
from orin_core.errors import BadRequest
from orin_core.runs.import_alike import alike
from orin_core.runs.import_facts import check_given, facts_of, moved_note, per_run
from orin_core.runs.import_folder import imported_before, only_import, overlaps, same_as, write_folder
from orin_core.runs.import_records import Facts, board_name
from orin_core.runs.prepare import check_writable
from orin_core.runs.recording import Recording

__all__ = ["Imported", "Proposal", "board_name", "check_given", "import_log", "import_runs", "moved_note", "propose"]

_UNMOVED_S = 0.05  # less than any tick lasts; a page may show tenths
_NONE_HINT = "On the Import page a run can be marked by hand."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A log and the cut that is proposed for it.

    Args:
        log: the log; ``log.series`` has the arrays to chart.
        stretches: the runs that were found, in order; none where the log has no run.
    """

    log: OldLog
    stretches: tuple[Stretch, ...]

    def cut(self, start_s: float, end_s: float) -> Stretch | None:
        """Returns the stretch between two times of the log, s, with its mode; None where it has no two ticks.

        The proposed one where it was not moved, so that it is known again.
        """
        for stretch in self.stretches:
            if abs(stretch.start_s - start_s) < _UNMOVED_S and abs(stretch.end_s - end_s) < _UNMOVED_S:
                return stretch
        found = between(self.log.series, start_s, end_s, self.log.rails)
        if found is None:
            return None
        # An edge that moved past no tick moved nothing.
        same = (one for one in self.stretches if _ticks(one) == _ticks(found))
        return next(same, found)

    def proposed_for(self, stretch: Stretch) -> Stretch | None:
        """Returns the proposed run that a stretch shares most ticks with; None where it shares none with any."""

        def shared(one: Stretch) -> int:
            return min(one.end_index, stretch.end_index) - max(one.start_index, stretch.start_index) + 1

        best = max(self.stretches, key=shared, default=None)
        return None if best is None or shared(best) < 1 else best

    def figures(self, stretch: Stretch) -> dict[str, float | None]:
        """Returns what a stretch averages, weighted by tick length: s, %, W, MB; None where not known."""
        series = self.log.series
        inside = slice(stretch.start_index, stretch.end_index + 1)
        length_s = np.diff(series.t_s[inside], prepend=stretch.start_s)

        def mean(values: Any) -> float | None:
            known = np.isfinite(values[inside]) & (length_s > 0) & (length_s <= 2 * series.period_s + 1e-6)
            return float(np.average(values[inside][known], weights=length_s[known])) if known.any() else None

        return {
            "seconds": round(stretch.seconds, 3),
            "gr3d_pct_mean": mean(series.gr3d_pct),
            "power_w_mean": mean(series.power_w),
            "ram_used_mb_mean": mean(series.ram_mb),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One stretch that is a run now.

    Args:
        recording: its folder.
        stretch: where it lies in the log.
        already: whether an earlier import had made the folder.
        notes: what a person should know, one sentence each; empty where this file was imported before.
        alike: whether the folder was made from another file that holds the same rows.
    """

    recording: Recording
    stretch: Stretch
    already: bool
    notes: tuple[str, ...]
    alike: bool = False


def _ticks(stretch: Stretch) -> tuple[int, int]:
    return stretch.start_index, stretch.end_index


def propose(path: Path) -> Proposal:
    """Returns a log with the cut that is proposed for it; nothing is written.

    Raises:
        BadRequest: there is no such file, or it is no log of a board.
    """
    log = read_old_log(path)
    if log.names_phases:
        return Proposal(log=log, stretches=tuple(from_phases(log.series, log.measured, log.rails)))
    return Proposal(log=log, stretches=tuple(find_in(log.series, log.rails)))


def import_log(
    source: Proposal | Path,
    *,
    runs_dir: Path,
    stretches: Sequence[tuple[float, float]] | None = None,
    model: str | None = None,
    dataset: str | None = None,
    items: int | Sequence[int | None] | None = None,
    power_mode: str | None = None,
    fps: float | Sequence[float | None] | None = None,
    twice: bool = False,
) -> list[Recording]:
    """Makes a run folder of every stretch of a log; see :func:`import_runs`.

    Returns:
        One run per stretch, in order; one that had been imported before is not made anew.
    """
    made = import_runs(
        source,
        runs_dir=runs_dir,
        stretches=stretches,
        model=model,
        dataset=dataset,
        items=items,
        power_mode=power_mode,
        fps=fps,
        twice=twice,
    )
    return [one.recording for one in made]


def import_runs(
    source: Proposal | Path,
    *,
    runs_dir: Path,
    stretches: Sequence[tuple[float, float]] | None = None,
    model: str | None = None,
    dataset: str | None = None,
    items: int | Sequence[int | None] | None = None,
    power_mode: str | None = None,
    fps: float | Sequence[float | None] | None = None,
    notes: Sequence[str] = (),
    twice: bool = False,
) -> list[Imported]:
    """Makes a run folder of every stretch of a log; everything is checked before the first is written.

    Args:
        source: a log, or what was proposed for it.
        runs_dir: folder of run folders; made where it is missing.
        stretches: start and end of each run, s of the log, in place of the proposed ones.
        model: which model ran, as shown to people; the catalogue's name for its aliases and hub ids.
        dataset: which images it was fed, the same way.
        items: images of the run, one number per stretch; a single number is for a single stretch.
        power_mode: name, label or id of the mode; where a stretch's CPU ceiling tells another, the ceiling wins.
        fps: images per second, per stretch; gives ``items`` where those are not given.
        notes: what is to be said of every run besides.
        twice: whether a run is made as well where another file has become one with the same rows.

    Raises:
        BadRequest: no run was found, a value is out of range, or the folder cannot be written.
        RunFailed: the disk became full.
    """
    proposal = source if isinstance(source, Proposal) else propose(source)
    cut = _cut(proposal, stretches)
    if not cut:
        raise BadRequest(f"No run was found in {proposal.log.path.name}: {_why_none(proposal.log)}.", _NONE_HINT)
    facts = _facts_each(
        proposal,
        cut,
        notes,
        {"model": model, "dataset": dataset, "items": items, "power_mode": power_mode, "fps": fps},
    )
    check_writable(runs_dir)
    with only_import(runs_dir):
        return [
            _import_one(
                runs_dir,
                proposal.log,
                stretch,
                facts[place],
                after=cut[place - 1].end_index if place else -1,
                before=cut[place + 1].start_index if place + 1 < len(cut) else None,
                twice=twice,
            )
            for place, stretch in enumerate(cut)
        ]


def _facts_each(
    proposal: Proposal, cut: Sequence[Stretch], notes: Sequence[str], asked: Mapping[str, Any]
) -> list[Facts]:
    """Returns what is known of each run; every value is checked.

    Args:
        proposal: the log and what was proposed for it.
        cut: its runs.
        notes: what is to be said of each.
        asked: model, dataset, items, power_mode and fps as they were given.
    """
    model, dataset, power_mode = check_given(**asked)
    items_each, items_note = per_run(asked["items"], len(cut), "--items")
    fps_each, fps_note = per_run(asked["fps"], len(cut), "--fps")
    return [
        facts_of(
            proposal.log,
            stretch,
            model=model,
            dataset=dataset,
            items=items_each[place],
            power_mode=power_mode,
            fps=fps_each[place],
            notes=[*notes, *(note for note in (items_note, fps_note) if note)],
            proposed=proposal.proposed_for(stretch),
        )
        for place, stretch in enumerate(cut)
    ]


def _cut(proposal: Proposal, asked: Sequence[tuple[float, float]] | None) -> tuple[Stretch, ...]:
    if asked is None:
        return proposal.stretches
    cut: list[Stretch] = []
    for start_s, end_s in sorted(asked):
        stretch = proposal.cut(start_s, end_s) if math.isfinite(start_s) and math.isfinite(end_s) else None
        if stretch is None:
            raise BadRequest(f"There are no two ticks between {start_s:g} and {end_s:g} s.", "Widen the run.")
        if cut and stretch.start_index <= cut[-1].end_index:
            raise BadRequest(
                f"The run from {start_s:g} s overlaps the one before it, which ends at {cut[-1].end_s:g} s.",
                "A tick belongs to one run only.",
            )
        cut.append(stretch)
    return tuple(cut)


def _import_one(
    runs_dir: Path, log: OldLog, stretch: Stretch, facts: Facts, *, after: int, before: int | None, twice: bool
) -> Imported:
    earlier = imported_before(runs_dir, log)
    same = same_as(earlier, log, stretch)
    if same is not None:
        return Imported(recording=same, stretch=stretch, already=True, notes=())
    other = alike(runs_dir, log, stretch)
    if other is not None and not twice:
        return Imported(recording=other.recording, stretch=stretch, already=True, notes=(other.note,), alike=True)
    also = (*overlaps(earlier, log, stretch), *((other.note,) if other else ()))
    facts = dataclasses.replace(facts, notes=(*facts.notes, *also))
    recording = write_folder(runs_dir, log, stretch, facts, after=after, before=before)
    return Imported(recording=recording, stretch=stretch, already=False, notes=facts.notes)


def _why_none(log: OldLog) -> str:
    if log.names_phases:
        return "its Phase column names no measure phase of two rows"
    gr3d = log.series.gr3d_pct
    if not np.isfinite(gr3d).any():
        if not np.isfinite(log.series.power_w).any():
            return "it has neither GR3D nor power"
        return "it has no GR3D, and its power does not tell idle from work"
    return f"GR3D is never busy for {MIN_STRETCH_S:g} s (mean {np.nanmean(gr3d):.1f} %)"
