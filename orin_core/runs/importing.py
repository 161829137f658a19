"""Old logs become runs: the cut is proposed, a person may move it, and each stretch becomes a run folder."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orin_core.analysis.cpu_ceiling import AGX_ORIN_MODES
from orin_core.analysis.old_logs import OldLog, read_old_log
from orin_core.analysis.stretches import MIN_STRETCH_S, Stretch, between, find_in
from orin_core.catalog import dataset_row, model_row
from orin_core.errors import BadRequest
from orin_core.runs.import_folder import Facts, already_imported, board_name, write_folder
from orin_core.runs.prepare import check_writable
from orin_core.runs.recording import Recording

__all__ = ["Imported", "Proposal", "board_name", "import_log", "import_runs", "propose"]

DISAGREE = 0.02
"""Items and FPS that lie further apart than this are noted."""
_MAX_TEXT = 200
_MAX_ITEMS = 10**12
_IDS = {"0": "MAXN", "1": "MODE_15W", "2": "MODE_30W", "3": "MODE_50W"}


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
        """Returns the stretch between two times of the log, s, with its mode; None where it has no two ticks."""
        return between(self.log.series, start_s, end_s, self.log.rails)

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
        notes: what a person should know, one sentence each; empty for an earlier import.
    """

    recording: Recording
    stretch: Stretch
    already: bool
    notes: tuple[str, ...]


def propose(path: Path) -> Proposal:
    """Returns a log with the cut that is proposed for it; nothing is written.

    Raises:
        BadRequest: there is no such file, or it is no log of a board.
    """
    log = read_old_log(path)
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

    Raises:
        BadRequest: no run was found, a value is out of range, or the folder cannot be written.
        RunFailed: the disk became full.
    """
    proposal = source if isinstance(source, Proposal) else propose(source)
    cut = _cut(proposal, stretches)
    if not cut:
        raise BadRequest(f"No run was found in {proposal.log.path.name}: {_why_none(proposal.log)}.", _NONE_HINT)
    items_each, items_note = _per_run(items, len(cut), "--items")
    fps_each, fps_note = _per_run(fps, len(cut), "--fps")
    given = [note for note in (items_note, fps_note) if note]
    facts = [
        _facts(
            proposal.log,
            stretch,
            model=_name(model, "--model", model_row),
            dataset=_name(dataset, "--dataset", dataset_row),
            items=_checked_items(items_each[place]),
            power_mode=_mode_name(power_mode),
            fps=_checked_fps(fps_each[place]),
            notes=given,
        )
        for place, stretch in enumerate(cut)
    ]
    check_writable(runs_dir)
    return [
        _import_one(
            runs_dir,
            proposal.log,
            stretch,
            facts[place],
            after=cut[place - 1].end_index if place else -1,
            before=cut[place + 1].start_index if place + 1 < len(cut) else None,
        )
        for place, stretch in enumerate(cut)
    ]


_NONE_HINT = "On the Import page a run can be marked by hand."


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
    runs_dir: Path, log: OldLog, stretch: Stretch, facts: Facts, *, after: int, before: int | None
) -> Imported:
    earlier = already_imported(runs_dir, log, stretch)
    if earlier is not None:
        return Imported(recording=earlier, stretch=stretch, already=True, notes=())
    recording = write_folder(runs_dir, log, stretch, facts, after=after, before=before)
    return Imported(recording=recording, stretch=stretch, already=False, notes=facts.notes)


def _why_none(log: OldLog) -> str:
    gr3d = log.series.gr3d_pct
    if not np.isfinite(gr3d).any():
        if not np.isfinite(log.series.power_w).any():
            return "it has neither GR3D nor power"
        return "it has no GR3D, and its power does not tell idle from work"
    return f"GR3D is never busy for {MIN_STRETCH_S:g} s (mean {np.nanmean(gr3d):.1f} %)"


def _per_run(given: Any, runs: int, option: str) -> tuple[list[Any], str | None]:
    """Returns one value per run, and what to say where the values do not fit the runs."""
    values = [] if given is None else list(given) if isinstance(given, Sequence) else [given]
    if not values:
        return [None] * runs, None
    if len(values) == runs:
        return values, None
    return [None] * runs, (
        f"{option} names {len(values)} {'value' if len(values) == 1 else 'values'} and there are {runs} runs: "
        f"left out; give one per run, as in {option} {','.join(['N'] * runs)}."
    )


def _facts(
    log: OldLog,
    stretch: Stretch,
    *,
    model: str | None,
    dataset: str | None,
    items: int | None,
    power_mode: str | None,
    fps: float | None,
    notes: Sequence[str],
) -> Facts:
    said = [*log.notes, *stretch.notes, *notes]
    mode, basis = stretch.power_mode, stretch.mode_basis
    if power_mode is not None and mode is None:
        mode, basis = power_mode, f"as given; {basis}"
    elif power_mode is not None and power_mode == mode:
        basis = f"as given, and {basis}"
    elif power_mode is not None:
        said.append(f"{power_mode} was given; the log says {mode} ({basis}), which stands.")
    by_fps = None if fps is None else max(1, round(fps * stretch.seconds))
    if items is not None and by_fps is not None and abs(by_fps - items) > DISAGREE * items:
        said.append(
            f"{fps:g} FPS over {stretch.seconds:.1f} s are {by_fps} images, not {items}; the number of images stands."
        )
    if log.garbled:
        said.append(f"{log.garbled} lines of the log were read in part, since cut or garbled.")
    if log.strangers:
        said.append(f"{log.strangers} lines of the log are no ticks.")
    return Facts(
        model=model,
        dataset=dataset,
        power_mode=mode,
        mode_basis=basis,
        items=by_fps if items is None else items,
        fps=fps,
        notes=tuple(said),
    )


def _name(text: str | None, option: str, row: Any) -> str | None:
    """Returns a name as given, or the catalogue's for what it knows by another."""
    name = (text or "").strip()
    if not name:
        return None
    if len(name) > _MAX_TEXT or not name.isprintable():
        raise BadRequest(f"{option} is no name.", f"Use at most {_MAX_TEXT} printable characters.")
    known = row(name)
    return known.name if known else name


def _mode_name(text: str | None) -> str | None:
    """Returns the name of a mode that was given by name, label (``50W``) or the AGX Orin's id."""
    name = _name(text, "--power-mode", lambda _: None)
    if name is None:
        return None
    key = _IDS.get(name, name).upper()
    names = [mode.name for mode in AGX_ORIN_MODES]
    return next((known for known in names if key in (known, known.removeprefix("MODE_"))), name)


def _checked_items(items: Any) -> int | None:
    if items is not None and not (isinstance(items, int) and 1 <= items <= _MAX_ITEMS):
        raise BadRequest(f"{items} is no number of images.", "Use 1 or more.")
    return items


def _checked_fps(fps: Any) -> float | None:
    if fps is None:
        return None
    if not math.isfinite(fps) or not 0 < fps < 1e6:
        raise BadRequest(f"{fps:g} is no number of images per second.", "Use more than 0.")
    return float(fps)
