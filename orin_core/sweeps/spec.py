"""A sweep file, read and checked: everything that can be wrong with it is said before its first run, by its key.

Pure: nothing here looks at the board or at the disk, but for the file itself.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orin_core import methods
from orin_core.errors import BadRequest, CellsRefused
from orin_core.methods import PRECISIONS, Method, Precision
from orin_core.profiles import PROFILES
from orin_core.spec import CAMERA
from orin_core.sweeps.cells import AXES, RUN_FIELDS, Cell, OnFailure, SweepSpec, axes_of, to_json
from orin_core.user_paths import expanded

__all__ = ["AXES", "RUN_FIELDS", "Cell", "OnFailure", "SweepSpec", "axes_of", "to_json"]

MAX_CELLS = 2000
"""More is taken for a mistake: at a minute a cell that is a day and a half."""
MAX_REPEATS = 100
MAX_COOLDOWN_S = 3600.0

_CHOICES = {"methods": [one.value for one in Method], "precisions": [one.value for one in Precision]}


def read_file(path: Path) -> SweepSpec:
    """Returns the sweep of a file; relative paths of models and data sets are seen from its folder.

    Raises:
        BadRequest: it cannot be read, is no JSON, or says something that cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.", "Name a sweep file.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path} is no text in UTF-8.", "Name a sweep file.") from error
    return from_text(text, what=str(path), folder=path.resolve().parent)


def from_text(text: str, *, what: str = "The text", folder: Path | None = None) -> SweepSpec:
    """Returns the sweep of the text of a file.

    Args:
        text: JSON.
        what: what it is called in an error.
        folder: where relative paths begin; None leaves them as they are.

    Raises:
        BadRequest: it is no JSON, or says something that cannot be.
    """
    hint = "See docs/sweeps.md for an example."
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"{what} is no JSON: {error}.", hint) from error
    except RecursionError as error:
        raise BadRequest(f"{what} is nested too deeply.", hint) from error
    return from_json(document, folder=folder)


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
    if key in _CHOICES and (not isinstance(value, str) or value not in _CHOICES[key]):
        raise BadRequest(f"{key} holds {value!r}.", f"Use some of {', '.join(_CHOICES[key])}.")
    if key == "power_modes" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{key} holds {value!r}.", "Use names.")
    text = value.strip()
    return _seen_from(folder, text) if key in ("models", "datasets") else text


def _seen_from(folder: Path | None, text: str) -> str:
    """Returns the name of a model or data set, relative paths as seen from a folder; without one as it is.

    Raises:
        BadRequest: it is a path in the home folder of nobody.
    """
    camera = CAMERA if text.startswith(CAMERA) else ""
    path = text.removeprefix(camera)
    is_file = bool(camera and path and not path.isdecimal())
    if not (is_file or path.startswith((".", "~"))):
        return text
    whole = expanded(path)
    return text if folder is None else f"{camera}{folder / whole}"


def _exclusions(given: Any, values: Mapping[str, Any], folder: Path | None) -> tuple[Mapping[str, Any], ...]:
    """Returns the combinations to leave out.

    Raises:
        BadRequest: one is no object, is empty, or names something that the sweep does not have.
    """
    if not isinstance(given, list):
        raise BadRequest(f"exclude is {given!r}.", 'Give a list of objects, for example [{"power_mode": "15W"}].')
    key_of = {field: key for key, field in AXES.items()}
    has = {**{field.name: field.default for field in dataclasses.fields(SweepSpec)}, **values}
    found = []
    for one in given:
        if not isinstance(one, dict) or not one:
            raise BadRequest(f"exclude holds {one!r}.", 'Use objects, for example {"power_mode": "15W"}.')
        _check_keys("An exclusion", one, list(key_of))
        exclusion = {field: _axis_value(key_of[field], value, folder) for field, value in one.items()}
        for field, value in exclusion.items():
            if value not in has[key_of[field]]:
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
    count = math.prod(len(getattr(spec, key)) for key in AXES) * spec.repeats
    if count > MAX_CELLS:
        raise BadRequest(f"The sweep has {count} cells; {MAX_CELLS} are the most.", "Make several sweeps of it.")
    cells = spec.cells()
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
    """Refuses what no run of it could be; one run of each method, precision and batch size tells.

    Raises:
        BadRequest: names the value.
        CellsRefused: names every combination that has to be left out.
    """
    preload = spec.run.get("preload") is True
    refused: dict[str, BadRequest] = {}
    for cell in {(cell.method, cell.precision, cell.batch_size): cell for cell in cells}.values():
        if (error := _refusal(cell, preload=preload)) is None:
            spec.run_spec(cell, "check")
        else:
            refused.setdefault(json.dumps(_meaningless(cell, preload=preload)), error)
    if refused:
        said = " ".join(dict.fromkeys(error.message for error in refused.values()))
        advice = next(iter(refused.values())).hint
        hint = f'{advice} Or leave out what means nothing: "exclude": [{", ".join(refused)}].'
        raise CellsRefused(said, hint, advice=advice, exclusions=tuple(map(json.loads, refused)))


def _refusal(cell: Cell, *, preload: bool) -> BadRequest | None:
    try:
        methods.check(cell.method, cell.precision, batch_size=cell.batch_size, preload=preload)
    except BadRequest as error:
        return error
    return None


def _meaningless(cell: Cell, *, preload: bool) -> dict[str, Any]:
    """Returns the smallest exclusion of a cell whose values do not go together."""
    if cell.precision not in [one.value for one in PRECISIONS[Method(cell.method)]]:
        return {"method": cell.method, "precision": cell.precision}
    if preload and Method(cell.method) not in methods.PRELOADABLE:
        return {"method": cell.method}
    return {"method": cell.method, "batch_size": cell.batch_size}
