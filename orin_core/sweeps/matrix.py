"""A sweep as a table: a column per power mode, a line per combination of all else, repeats within a cell.

Pure: :func:`orin_core.sweeps.outcome.summaries` reads the runs.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.analysis.verdict import Status
from orin_core.catalog import dataset_row, model_row
from orin_core.report.agreement import settings_of
from orin_core.report.cells import best_status
from orin_core.report.figures import COLUMN_BY_FIELD, Column, number_or_none
from orin_core.report.published import mode_label
from orin_core.report.run_facts import run_facts
from orin_core.runs.judged import judged
from orin_core.sweeps.spec import AXES, Cell, SweepSpec
from orin_core.sweeps.state import CellProgress, CellState, Progress

FPS, POWER_W, ENERGY_J = (COLUMN_BY_FIELD[field] for field in ("average_fps", "power_draw_w", "energy_per_item_j"))
FIGURES: tuple[Column, ...] = (FPS, POWER_W, ENERGY_J)
"""What a cell can show besides its validity."""
NO_SUMMARY = "no summary"
"""Badge of a run that is done and whose folder is gone or cannot be read."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One run of a cell, as far as it has come.

    Args:
        cell: what is to be run.
        state: where it stands.
        reason: why it failed or was skipped; empty else.
        run_id: the run that counts, or the one that goes on; None where there is none.
        figures: by field of :data:`FIGURES`; those of a refused run are left out.
        status: verdict on the run; None before there is one.
        badge: the same in capitals; empty before there is one.
        sentence: the verdict in one sentence.
        settings: what must agree for runs to be averaged, as in the report; empty before there is a verdict.
    """

    cell: Cell
    state: CellState
    reason: str = ""
    run_id: str | None = None
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)
    status: Status | None = None
    badge: str = ""
    sentence: str = ""
    settings: Mapping[str, str | None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """The repeats of one combination.

    Args:
        power_mode: as written in the sweep.
        repeats: in their order.
    """

    power_mode: str
    repeats: tuple[Repeat, ...]

    def count(self, state: CellState) -> int:
        """Returns how many repeats stand so."""
        return sum(one.state is state for one in self.repeats)

    @property
    def wanted(self) -> int:
        """How many repeats are to be run."""
        return len(self.repeats) - self.count(CellState.SKIPPED)

    @property
    def state(self) -> CellState:
        """Where the cell stands: what goes on first, then what is to come, then what went wrong."""
        states = {one.state for one in self.repeats} - {CellState.SKIPPED}
        order = (CellState.RUNNING, CellState.PENDING, CellState.FAILED, CellState.DONE)
        return next((state for state in order if state in states), CellState.SKIPPED)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why repeats failed, or why all were skipped; each once."""
        state = CellState.SKIPPED if self.state is CellState.SKIPPED else CellState.FAILED
        return tuple(dict.fromkeys(one.reason for one in self.repeats if one.state is state and one.reason))

    @property
    def counted(self) -> tuple[Repeat, ...]:
        """The repeats whose figures count, as in the report: of the best verdict, and of one setting.

        Of several settings the one of most repeats counts, of as many the later one.
        """
        judged_ones = [one for one in self.repeats if one.status is not None]
        if not judged_ones:
            return ()
        best = best_status(one.status for one in judged_ones if one.status is not None)
        alike: dict[tuple[str | None, ...], list[Repeat]] = {}
        for one in judged_ones:
            if one.status is best:
                alike.setdefault(tuple(one.settings.values()), []).append(one)
        most = max(alike.values(), key=lambda group: (len(group), max(one.run_id or "" for one in group)))
        return tuple(most)

    def counted_words(self) -> str:
        """Returns how many of the runs count, and at which batch where that was halved; empty where all do as asked."""
        counted, of = self.counted, sum(one.status is not None for one in self.repeats)
        told = [f"{len(counted)} of {of} counted"] if len(counted) < of else []
        batch = counted[0].settings.get("batch") if counted else None
        told += [f"at batch {batch}"] if batch not in (None, str(self.repeats[0].cell.batch_size)) else []
        return ", ".join(told)

    def values(self, field: str) -> tuple[float, ...]:
        """Returns one figure of every run that counts and has it."""
        return tuple(one.figures[field] for one in self.counted if field in one.figures)

    def mean(self, field: str) -> float | None:
        """Returns the mean of one figure over the repeats that count; None where there is none yet."""
        values = self.values(field)
        return sum(values) / len(values) if values else None

    @property
    def badges(self) -> Mapping[str, int]:
        """How many runs have which verdict, the most frequent first."""
        return dict(Counter(one.badge for one in self.repeats if one.badge).most_common())

    def validity(self) -> str:
        """Returns the verdicts in words: ``VALID``, or ``2 VALID, 1 INVALID``; empty before there is one."""
        badges = self.badges
        return (
            next(iter(badges)) if len(badges) == 1 else ", ".join(f"{count} {badge}" for badge, count in badges.items())
        )

    def words(self) -> str:
        """Returns where the cell stands, in words: ``done``, ``running, 1 of 2 done``, ``pending, 1 of 2 failed``."""
        done, failed = self.count(CellState.DONE), self.count(CellState.FAILED)
        told = [self.state.value]
        if self.wanted > 1 and self.state is CellState.DONE:
            told.append(f"{done} of {self.wanted}")
        elif self.wanted > 1 and done:
            told.append(f"{done} of {self.wanted} done")
        if failed and self.wanted > 1:
            told.append(f"{failed} of {self.wanted} failed" if not done else f"{failed} failed")
        return ", ".join(told)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One combination of everything but power mode and repeat.

    Args:
        model: as written in the sweep.
        dataset: the same.
        batch_size: images per model call.
        method: how batches go through the model.
        precision: arithmetic of the model.
        cells: one per column.
    """

    model: str
    dataset: str
    batch_size: int
    method: str
    precision: str
    cells: tuple[MatrixCell, ...]

    @property
    def model_label(self) -> str:
        """The model for people: display name of the catalogue, else the last part of its path."""
        row = model_row(self.model)
        return row.label if row else _last(self.model)

    @property
    def dataset_label(self) -> str:
        """The data set for people."""
        row = dataset_row(self.dataset)
        return row.label if row else _last(self.dataset)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A sweep as a table.

    Args:
        power_modes: the columns, as written in the sweep.
        headings: the same for people.
        rows: in the order of the file.
        simulated: whether any of its runs was made on a simulated board.
    """

    power_modes: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    simulated: bool

    @property
    def has_datasets(self) -> bool:
        """Whether there are several data sets, so that rows have to name theirs."""
        return len({row.dataset for row in self.rows}) > 1

    @property
    def has_batch_sizes(self) -> bool:
        """Whether there are several batch sizes."""
        return len({row.batch_size for row in self.rows}) > 1

    @property
    def has_methods(self) -> bool:
        """Whether there are several methods."""
        return len({row.method for row in self.rows}) > 1

    @property
    def has_precisions(self) -> bool:
        """Whether there are several precisions."""
        return len({row.precision for row in self.rows}) > 1

    def reach(self, row: MatrixRow, field: str) -> tuple[float, float] | None:
        """Returns least and greatest mean of a figure over the rows that may be compared with this one.

        Those are the rows that differ from it in nothing but the batch size. None where there are not two means that
        differ: models lie so far apart that one scale for all would show nothing but that.
        """
        same = [one for one in self.rows if dataclasses.replace(one, batch_size=row.batch_size, cells=row.cells) == row]
        means = [mean for one in same for cell in one.cells if (mean := cell.mean(field)) is not None]
        return (min(means), max(means)) if means and min(means) < max(means) else None


def matrix(spec: SweepSpec, progress: Progress, runs: Mapping[str, Mapping[str, Any]]) -> Matrix:
    """Returns a sweep as a table.

    Args:
        spec: what was asked.
        progress: where it stands.
        runs: summary of each run that counts, by run id, with its environment under ``environment``; one that is
            missing leaves its cell without figures.
    """
    repeats: dict[tuple[Any, ...], dict[str, list[Repeat]]] = {}
    for cell in spec.cells():
        # Excluded cells included, so that every row has every mode.
        modes = repeats.setdefault(_row_of(cell), {mode: [] for mode in spec.power_modes})
        modes[cell.power_mode].append(_repeat(cell, progress.cells.get(cell.cell_id), runs))
    rows = tuple(
        MatrixRow(
            **dict(zip(_ROW_FIELDS, key, strict=True)),
            cells=tuple(MatrixCell(power_mode=mode, repeats=tuple(found)) for mode, found in modes.items()),
        )
        for key, modes in repeats.items()
    )
    return Matrix(
        power_modes=spec.power_modes,
        headings=tuple(_heading(mode, rows, place, runs) for place, mode in enumerate(spec.power_modes)),
        rows=rows,
        simulated=any(summary.get("simulated") is True for summary in runs.values()),
    )


_ROW_FIELDS = tuple(field for field in AXES.values() if field != "power_mode")


def _row_of(cell: Cell) -> tuple[Any, ...]:
    return tuple(getattr(cell, field) for field in _ROW_FIELDS)


def _repeat(cell: Cell, progress: CellProgress | None, runs: Mapping[str, Mapping[str, Any]]) -> Repeat:
    if progress is None:
        return Repeat(cell=cell, state=CellState.SKIPPED if cell.excluded else CellState.PENDING)
    if progress.state is not CellState.DONE:
        last = progress.attempts[-1].run_id if progress.attempts else None
        shown = last if progress.state in (CellState.RUNNING, CellState.FAILED) else None
        return Repeat(cell=cell, state=progress.state, reason=progress.reason, run_id=shown)
    summary = runs.get(progress.run_id or "")
    if summary is None:
        return Repeat(cell=cell, state=progress.state, run_id=progress.run_id, badge=NO_SUMMARY)
    verdict = judged(summary)["verdict"]
    status = Status(verdict["status"])
    facts = run_facts(summary)
    figures = {column.field: number_or_none(summary.get(column.summary_key)) for column in FIGURES}
    refused = status is Status.IMPLAUSIBLE
    return Repeat(
        cell=cell,
        state=progress.state,
        run_id=progress.run_id,
        figures={} if refused else {field: value for field, value in figures.items() if value is not None},
        status=status,
        badge=str(verdict["badge"]),
        sentence=str(verdict["sentence"]),
        settings=settings_of(facts) if facts else {},
    )


def _heading(mode: str, rows: Sequence[MatrixRow], place: int, runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns a mode for people; one that is written as ``current`` or as a number is named by its runs."""
    if mode.lower() != "current" and not mode.isdecimal():
        return mode_label(mode)
    ids = [one.run_id for row in rows for one in row.cells[place].repeats if one.run_id]
    told = {str(runs[run_id]["power_mode"]) for run_id in ids if runs.get(run_id, {}).get("power_mode")}
    written = f"id {mode}" if mode.isdecimal() else "current"
    return f"{mode_label(told.pop())} ({written})" if len(told) == 1 else written


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2] or name
