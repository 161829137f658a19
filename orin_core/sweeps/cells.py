"""What a sweep is: lists of models, data sets, power modes, batch sizes, methods and precisions, and how to go through.

Values only; ``spec.py`` reads them from a file and says what is wrong with one.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.methods import Method, Precision
from orin_core.profiles import Profile
from orin_core.spec import RunSpec, run_spec_from_json

AXES: Mapping[str, str] = {
    "models": "model",
    "datasets": "dataset",
    "power_modes": "power_mode",
    "batch_sizes": "batch_size",
    "methods": "method",
    "precisions": "precision",
}
"""Key of the file: field of a run. Each is a list, and a cell has one value of each."""

_OWN = {*AXES.values(), "profile", "sweep", "cell"}
RUN_FIELDS = tuple(field.name for field in dataclasses.fields(RunSpec) if field.name not in _OWN)
"""Fields of a run that all cells have in common, under ``run``."""


class OnFailure(str, enum.Enum):
    """What follows a cell that failed."""

    CONTINUE = "continue"
    RETRY = "retry"
    STOP = "stop"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run of a sweep.

    Args:
        cell_id: its number in the order of the file, three digits or more, repeats innermost.
        model: catalogue name, hub id or path.
        dataset: catalogue name, hub id or path.
        power_mode: as written in the file.
        batch_size: images per model call.
        method: how batches go through the model.
        precision: arithmetic of the model.
        repeat: 1 to the number of repeats.
        excluded: whether the file leaves it out.
    """

    cell_id: str
    model: str
    dataset: str
    power_mode: str
    batch_size: int
    method: str
    precision: str
    repeat: int
    excluded: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """Everything that a sweep file says.

    Args:
        name: for people, up to 80 characters.
        models: catalogue names, hub ids or paths.
        datasets: catalogue names, hub ids or paths.
        power_modes: ids or names, or ``current``.
        batch_sizes: images per model call.
        methods: how batches go through the model: :class:`orin_core.methods.Method`.
        precisions: arithmetic of the model: :class:`orin_core.methods.Precision`.
        repeats: runs of each combination.
        profile: ``demo``, ``standard`` or ``formal``.
        exclude: combinations to leave out; each names a value of one or more axes.
        cooldown_within_c: a run starts when the hottest zone is so close to its idle value, K.
        cooldown_at_most_s: or after so long, s.
        on_failure: what follows a cell that failed.
        reboot: consent to reboots; without it the modes that need one are asked for by hand.
        seed: of the order within a mode.
        run: what all runs have in common: other fields of a run.
    """

    name: str = "sweep"
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    power_modes: tuple[str, ...] = ("current",)
    batch_sizes: tuple[int, ...] = (1,)
    methods: tuple[str, ...] = (Method.BATCHED.value,)
    precisions: tuple[str, ...] = (Precision.FP32.value,)
    repeats: int = 1
    profile: str = Profile.STANDARD.value
    exclude: tuple[Mapping[str, Any], ...] = ()
    cooldown_within_c: float = 3.0
    cooldown_at_most_s: float = 120.0
    on_failure: OnFailure = OnFailure.CONTINUE
    reboot: bool = False
    seed: int = 0
    run: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def cells(self) -> tuple[Cell, ...]:
        """Returns every cell in the order of the file, excluded ones included."""
        combined = itertools.product(*(getattr(self, key) for key in AXES), range(1, self.repeats + 1))
        return tuple(
            Cell(
                cell_id=f"{number:03d}",
                **dict(zip(AXES.values(), values, strict=True)),
                repeat=repeat,
                excluded=any(_matches(one, values) for one in self.exclude),
            )
            for number, (*values, repeat) in enumerate(combined, start=1)
        )

    def run_spec(self, cell: Cell, sweep_id: str) -> RunSpec:
        """Returns what to run for a cell.

        Raises:
            BadRequest: a value of the run is out of range.
        """
        axes = dict(zip(AXES.values(), axes_of(cell), strict=True))
        own = {"profile": self.profile, "sweep": sweep_id, "cell": cell.cell_id}
        return run_spec_from_json({**self.run, **axes, **own}).validated()


def axes_of(cell: Cell) -> tuple[Any, ...]:
    """Returns a cell's value of each axis; repeats have the same."""
    return tuple(getattr(cell, field) for field in AXES.values())


def _matches(exclusion: Mapping[str, Any], values: Sequence[Any]) -> bool:
    return all(exclusion.get(field, value) == value for field, value in zip(AXES.values(), values, strict=True))


def to_json(spec: SweepSpec) -> dict[str, Any]:
    """Returns the sweep as its file would say it."""
    document = {field.name: getattr(spec, field.name) for field in dataclasses.fields(SweepSpec)}
    document |= {key: list(document[key]) for key in AXES}
    document["exclude"] = [dict(one) for one in spec.exclude]
    return {**document, "on_failure": spec.on_failure.value, "run": dict(spec.run)}
