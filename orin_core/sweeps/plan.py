"""Everything that can be known before the first run of a sweep: names, modes, disk, order, length."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from orin_core import combination
from orin_core.abilities import Work
from orin_core.catalog import dataset_row, model_row
from orin_core.errors import BadRequest, CellsRefused, OrinError
from orin_core.methods import Method, Precision
from orin_core.resolve import absolute, resolve_dataset, resolve_model
from orin_core.runs import device_check, launcher
from orin_core.runs.prepare import MIN_FREE_MB, check_writable
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps.board_state import SweepBoard
from orin_core.sweeps.order import ordered
from orin_core.sweeps.spec import Cell, SweepSpec, axes_of

LOAD_S = 20.0
"""Taken for loading a model where no earlier run tells."""
MB_PER_HOUR = 12.0
"""Rows, batches and raw lines of an hour at one tick a second, rounded up.

**Source**: a simulated run of 10 min at 1 Hz takes 1.1 MB.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known of a sweep before its first run.

    Args:
        order: its cells in the order in which they are run.
        lengths_s: how long each cell will take by its id, s, waits for cooling left out; one that measures a number of
            images, and that no earlier run tells the pace of, is not in it.
        unknown: how many cells no earlier run tells the length of; theirs is a guess.
        disk_mb: about so much it will write, MB.
        reboots: modes that need one, as things are.
    """

    order: tuple[Cell, ...]
    lengths_s: Mapping[str, float]
    unknown: int
    disk_mb: float
    reboots: tuple[str, ...]

    @property
    def expected_s(self) -> float:
        """How long the cells of known length will take, s, waits for cooling left out."""
        return sum(self.lengths_s.values())

    @property
    def open_ended(self) -> int:
        """How many cells nobody knows the length of."""
        return sum(cell.cell_id not in self.lengths_s for cell in self.order)


def plan(spec: SweepSpec, settings: Settings) -> Plan:
    """Checks a sweep whole and returns what is to come.

    Raises:
        BadRequest: names everything that is wrong: unknown names, data that is missing, modes that the board has
            not, what the device cannot do, too little disk.
        TelemetryError: this machine does not have the telemetry source.
    """
    spec = as_seen_here(spec, settings)
    board = SweepBoard(str(spec.run["telemetry"]), settings.state_dir)
    _check_names(spec, board)
    _check_together(spec)
    _check_device(spec, settings)
    order = order_now(spec, board)
    # Repeats are alike, and each look reads earlier runs.
    by_axes = {
        axes_of(cell): _length_s(spec.run_spec(cell, "plan"), settings)
        for cell in {axes_of(cell): cell for cell in order}.values()
    }
    told_s = {cell.cell_id: by_axes[axes_of(cell)][0] for cell in order}
    lengths_s = {cell_id: round(length_s, 1) for cell_id, length_s in told_s.items() if length_s is not None}
    interval_s = float(spec.run.get("interval_ms", 1000)) / 1000
    hours = sum(lengths_s.values()) / 3600
    disk_mb = math.ceil(hours * MB_PER_HOUR / min(1.0, interval_s)) + len(order) * 0.2
    _check_disk(settings, disk_mb)
    mask, places = board.mask_now(), {mode: board.place(mode) for mode in spec.power_modes}
    return Plan(
        order=order,
        lengths_s=lengths_s,
        unknown=sum(not by_axes[axes_of(cell)][1] for cell in order),
        disk_mb=disk_mb,
        reboots=tuple(
            mode
            for mode, place in places.items()
            if mask is not None and place.tpc_pg_mask is not None and place.tpc_pg_mask != mask
        ),
    )


def order_now(spec: SweepSpec, board: SweepBoard) -> tuple[Cell, ...]:
    """Returns the cells of a sweep in the order in which they are run, as the board stands now.

    Raises:
        PowerModeUnknown: the board has no such mode.
        BadRequest: this telemetry source has no modes at all.
    """
    places = {mode: board.place(mode) for mode in spec.power_modes}
    return ordered(spec.cells(), seed=spec.seed, places=places, mask_now=board.mask_now())


def as_seen_here(spec: SweepSpec, settings: Settings) -> SweepSpec:
    """Returns a sweep that means the same in any folder and under any settings: its runs begin elsewhere.

    It names its source of telemetry, the one of the settings where it named none, and its paths in full.

    Raises:
        BadRequest: one is a path in the home folder of nobody.
    """
    known = {"model": model_row, "dataset": dataset_row}

    def seen(field: str, value: Any) -> Any:
        return absolute(value, known[field]) if field in known else value

    return dataclasses.replace(
        spec,
        models=tuple(seen("model", name) for name in spec.models),
        datasets=tuple(seen("dataset", name) for name in spec.datasets),
        exclude=tuple({field: seen(field, value) for field, value in one.items()} for one in spec.exclude),
        run={"telemetry": settings.telemetry, **spec.run},
    )


def _check_names(spec: SweepSpec, board: SweepBoard) -> None:
    """Refuses a sweep for all its wrong names at once: it is mended in one go.

    Raises:
        BadRequest: one or more names are wrong.
    """
    weights, images = str(spec.run.get("weights", "auto")), str(spec.run.get("images", "auto"))
    looks: list[Callable[[], object]] = [
        *(functools.partial(resolve_model, model, weights=weights) for model in spec.models),
        *(functools.partial(resolve_dataset, dataset, images=images) for dataset in spec.datasets),
        *(functools.partial(board.find_mode, mode) for mode in spec.power_modes),
    ]
    _refuse(looks)


def _check_together(spec: SweepSpec) -> None:
    """Refuses a sweep with cells whose model, data set and method mean nothing together.

    Raises:
        BadRequest: one or more do.
    """
    weights, images = str(spec.run.get("weights", "auto")), str(spec.run.get("images", "auto"))
    models = {name: resolve_model(name, weights=weights) for name in spec.models}
    datasets = {name: resolve_dataset(name, images=images) for name in spec.datasets}
    together = {(cell.model, cell.dataset, cell.method): None for cell in spec.cells() if not cell.excluded}
    preload = bool(spec.run.get("preload", False))
    _refuse(
        [
            functools.partial(combination.check, models[model], datasets[dataset], method=method, preload=preload)
            for model, dataset, method in together
        ]
    )


def _check_device(spec: SweepSpec, settings: Settings) -> None:
    """Refuses a sweep with cells that the device of this machine cannot run.

    While a run goes on nothing more is asked of the device; a cell that it cannot run is then refused at its turn.

    Raises:
        CellsRefused: names what it cannot do, and the exclusions that leave out no more than that.
        BadRequest: it can run none of them.
    """
    weights = str(spec.run.get("weights", "auto"))
    tasks = {name: resolve_model(name, weights=weights).task for name in spec.models}
    asked = {
        (cell.model, cell.method, cell.precision): Work(
            method=Method(cell.method), precision=Precision(cell.precision), task=tasks[cell.model]
        )
        for cell in spec.cells()
        if not cell.excluded
    }
    may_ask = launcher.active(settings) is None
    found = device_check.refusals(list(asked.values()), settings.state_dir, may_ask=may_ask)
    refused = {key: error for key, error in zip(asked, found, strict=True) if error is not None}
    if not refused:
        return
    said = " ".join(dict.fromkeys(error.message for error in refused.values()))
    advice = " ".join(dict.fromkeys(error.hint for error in refused.values()))
    if len(refused) == len(asked):
        raise BadRequest(said, advice)
    exclusions = _exclusions(asked, refused)
    hint = f'{advice} Or leave out what cannot run here: "exclude": {json.dumps(exclusions)}.'
    raise CellsRefused(said, hint, advice=advice, exclusions=tuple(exclusions))


_Asked = tuple[str, str, str]
"""Model, method and precision of a cell."""


def _exclusions(asked: Collection[_Asked], refused: Collection[_Asked]) -> list[dict[str, str]]:
    """Returns few and short exclusions that leave out what was refused, and nothing else."""
    found: list[dict[str, str]] = []
    left = list(refused)
    for places in ((1,), (2,), (1, 2), (0, 1, 2)):
        for one in left:
            alike = [other for other in asked if all(other[place] == one[place] for place in places)]
            if one in left and all(other in refused for other in alike):
                found.append({("model", "method", "precision")[place]: one[place] for place in places})
                left = [other for other in left if other not in alike]
    return found


def _refuse(looks: Sequence[Callable[[], object]]) -> None:
    """Looks at everything, and refuses all that is wrong at once.

    Raises:
        BadRequest: one or more looks raised.
    """
    wrong = [error for error in map(_error_of, looks) if error is not None]
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise BadRequest(" ".join(error.message for error in wrong), " ".join(dict.fromkeys(e.hint for e in wrong)))


def _error_of(look: Callable[[], object]) -> OrinError | None:
    try:
        look()
    except OrinError as error:
        return error
    return None


def _length_s(spec: RunSpec, settings: Settings) -> tuple[float | None, bool]:
    """Returns how long a run takes, s, and whether an earlier run tells so; None where nothing does."""
    told = launcher.estimate_s(spec, settings.runs_dir)
    if told is not None:
        return told, True
    if spec.seconds is None:
        return None, False
    return spec.idle_s + LOAD_S + spec.warmup_min_s + spec.seconds + spec.cooldown_s, False


def _check_disk(settings: Settings, disk_mb: float) -> None:
    check_writable(settings.runs_dir)
    existing = settings.data_dir
    while not existing.exists():
        existing = existing.parent
    free_mb = shutil.disk_usage(existing).free / 1e6
    if free_mb < disk_mb + MIN_FREE_MB:
        raise BadRequest(
            f"The sweep needs about {disk_mb:.0f} MB and {free_mb:.0f} MB are free in {settings.data_dir}.",
            "Free disk space, or make a smaller sweep.",
        )
