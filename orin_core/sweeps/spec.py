"""What a sweep is: lists of models, data sets, power modes and batch sizes, and how to go through them.

A sweep is a file that people write by hand. Everything that can be wrong with it is said before
its first run, in words that name the key. Pure: nothing here looks at the board or at the disk.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.profiles import PROFILES, Profile
from orin_core.spec import RunSpec, run_spec_from_json

MAX_CELLS = 2000
"""More is taken for a mistake: at a minute a cell that is a day and a half."""
MAX_REPEATS = 100
MAX_COOLDOWN_S = 3600.0

AXES: Mapping[str, str] = {
    "models": "model",
    "datasets": "dataset",
    "power_modes": "power_mode",
    "batch_sizes": "batch_size",
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
        repeat: 1 to the number of repeats.
        excluded: whether the file leaves it out.
    """

    cell_id: str
    model: str
    dataset: str
    power_mode: str
    batch_size: int
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
        combined = itertools.product(
            self.models, self.datasets, self.power_modes, self.batch_sizes, range(1, self.repeats + 1)
        )
        return tuple(
            Cell(
                cell_id=f"{number:03d}",
                model=model,
                dataset=dataset,
                power_mode=mode,
                batch_size=batch_size,
                repeat=repeat,
                excluded=any(_matches(one, (model, dataset, mode, batch_size)) for one in self.exclude),
            )
            for number, (model, dataset, mode, batch_size, repeat) in enumerate(combined, start=1)
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


def read_file(path: Path) -> SweepSpec:
    """Returns the sweep of a file; relative paths of models and data sets are seen from its folder.

    Raises:
        BadRequest: it cannot be read, is no JSON, or says something that cannot be.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.", "Name a sweep file.") from error
    except ValueError as error:
        raise BadRequest(f"{path} is no JSON: {error}.", "See docs/sweeps.md for an example.") from error
    return from_json(document, folder=path.resolve().parent)


def from_json(document: Any, *, folder: Path | None = None) -> SweepSpec:
    """Returns the sweep of a JSON object.

    Args:
        document: as in the file.
        folder: where relative paths begin; None leaves them as they are.

    Raises:
        BadRequest: a key is unknown or missing, or a value is of the wrong kind or out of range.
    """
    if not isinstance(document, dict):
        raise BadRequest("A sweep is a JSON object.", "See docs/sweeps.md for an example.")
    _check_keys("A sweep", document, [field.name for field in dataclasses.fields(SweepSpec)])
    values = dict(document)
    for key in AXES:
        if key in values:
            values[key] = _axis(key, values[key], folder)
        elif key in ("models", "datasets"):
            raise BadRequest(f"The sweep names no {key}.", f'Add "{key}": [...].')
    values["exclude"] = _exclusions(values.get("exclude", []), values, folder)
    values["on_failure"] = _on_failure(values.get("on_failure", OnFailure.CONTINUE.value))
    values["run"] = _common(values.get("run", {}))
    spec = SweepSpec(**values)
    _check_values(spec)
    return spec


def _check_keys(what: str, document: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in document:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Is {near[0]} meant?" if near else f"It has {', '.join(known)}."
            raise BadRequest(f"{what} has no key {key!r}.", hint)


def _axis(key: str, given: Any, folder: Path | None) -> tuple[Any, ...]:
    """Returns the values of an axis, each once.

    Raises:
        BadRequest: it is no list, empty, or a value is of the wrong kind.
    """
    if not isinstance(given, list) or not given:
        raise BadRequest(f"{key} is {given!r}.", f'Give a list of one or more, for example "{key}": [...].')
    values = tuple(_axis_value(key, value, folder) for value in given)
    if len(set(values)) < len(values):
        raise BadRequest(f"{key} names a value twice.", "Use repeats to run a combination several times.")
    return values


def _axis_value(key: str, value: Any, folder: Path | None) -> Any:
    if key == "batch_sizes":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadRequest(f"batch_sizes holds {value!r}.", "Use whole numbers from 1 on.")
        return value
    if key == "power_modes" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{key} holds {value!r}.", "Use names.")
    text = value.strip()
    if key in ("models", "datasets") and text.startswith((".", "~")):
        return str((folder or Path()) / Path(text).expanduser())
    return text


def _exclusions(given: Any, values: Mapping[str, Any], folder: Path | None) -> tuple[Mapping[str, Any], ...]:
    """Returns the combinations to leave out.

    Raises:
        BadRequest: one is no object, is empty, or names something that the sweep does not have.
    """
    if not isinstance(given, list):
        raise BadRequest(f"exclude is {given!r}.", 'Give a list of objects, for example [{"power_mode": "15W"}].')
    key_of = {field: key for key, field in AXES.items()}
    found = []
    for one in given:
        if not isinstance(one, dict) or not one:
            raise BadRequest(f"exclude holds {one!r}.", 'Use objects, for example {"power_mode": "15W"}.')
        _check_keys("An exclusion", one, list(key_of))
        exclusion = {field: _axis_value(key_of[field], value, folder) for field, value in one.items()}
        for field, value in exclusion.items():
            if value not in values.get(key_of[field], getattr(SweepSpec, key_of[field], ())):
                raise BadRequest(
                    f"exclude names the {field} {value!r}, which the sweep does not have.", "Write it as in its list."
                )
        found.append(exclusion)
    return tuple(found)


def _on_failure(given: Any) -> OnFailure:
    try:
        return OnFailure(given)
    except ValueError as error:
        known = ", ".join(one.value for one in OnFailure)
        raise BadRequest(f"on_failure is {given!r}.", f"Use one of {known}.") from error


def _common(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadRequest(f"run is {given!r}.", 'Give an object, for example {"items": 1000}.')
    _check_keys("run", given, RUN_FIELDS)
    if str(given.get("telemetry", "")).startswith("replay:"):
        raise BadRequest("A replay runs no model, so it has no place in a sweep.", "Leave telemetry out.")
    return dict(given)


def _check_values(spec: SweepSpec) -> None:
    """Refuses numbers that are none or out of range.

    Raises:
        BadRequest: names the key.
    """
    name: Any = spec.name
    profile: Any = spec.profile
    reboot: Any = spec.reboot
    if not isinstance(name, str) or not 1 <= len(name) <= 80:
        raise BadRequest(f"name is {name!r}.", "Use 1 to 80 characters.")
    if not isinstance(profile, str) or profile not in PROFILES:
        raise BadRequest(f"profile is {profile!r}.", f"Use one of {', '.join(PROFILES)}.")
    if not isinstance(reboot, bool):
        raise BadRequest(f"reboot is {reboot!r}.", "Use true or false.")
    _check_whole("repeats", spec.repeats, 1, MAX_REPEATS)
    _check_whole("seed", spec.seed, 0, 2**32 - 1)
    _check_number("cooldown_within_c", spec.cooldown_within_c, 0.5, 100.0)
    _check_number("cooldown_at_most_s", spec.cooldown_at_most_s, 0.0, MAX_COOLDOWN_S)
    cells = spec.cells()
    if len(cells) > MAX_CELLS:
        raise BadRequest(f"The sweep has {len(cells)} cells; {MAX_CELLS} are the most.", "Make several sweeps of it.")
    if all(cell.excluded for cell in cells):
        raise BadRequest("The exclusions leave no cell to run.", "Exclude less.")
    _check_runs(spec, (cell for cell in cells if not cell.excluded))


def _check_whole(key: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequest(f"{key} is {value!r}.", f"Use a whole number from {low} to {high}.")


def _check_number(key: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        raise BadRequest(f"{key} is {value!r}.", f"Use {low:g} to {high:g}.")


def _check_runs(spec: SweepSpec, cells: Iterable[Cell]) -> None:
    """Refuses what no run of it could be; the runs differ in their axes only, so one of each batch size is enough.

    Raises:
        BadRequest: names the value.
    """
    for cell in {cell.batch_size: cell for cell in cells}.values():
        spec.run_spec(cell, "check")
