"""The values that say what a run is: what was asked, in which phases it goes, how it ended.

Everything here is frozen and goes to and from JSON; these values are what crosses process
borders (page to runner, runner to worker) and what ``spec.json`` holds.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import typing
from typing import Any

from orin_core import methods
from orin_core.errors import BadRequest
from orin_core.profiles import Profile

IMAGES, PROMPTS = "images", "prompts"
"""What a data set can hold."""

CAMERA = "camera:"
"""How the name of a camera begins as a data set: a number, a device or a video file follows."""

MAX_NOTES = 2000
"""Longest notes of a run, characters."""


class Phase(str, enum.Enum):
    """The phases of a run, in order; ``replay`` is the only phase of a replayed log."""

    IDLE = "idle"
    LOAD = "load"
    WARMUP = "warmup"
    MEASURE = "measure"
    COOLDOWN = "cooldown"
    REPLAY = "replay"


class RunState(str, enum.Enum):
    """How a run stands. ``running`` on disk with the board free means interrupted."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Task(str, enum.Enum):
    """What a model does; decides which workload runs it."""

    CLASSIFICATION = "image-classification"
    DEPTH = "depth-estimation"
    DETECTION = "object-detection"
    TEXT_GENERATION = "text-generation"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PowerMode:
    """A power mode as the board's nvpmodel conf names it.

    Args:
        mode_id: nvpmodel id, 0 or more.
        name: as printed by ``nvpmodel -q``, for example ``MODE_30W``.
    """

    mode_id: int
    name: str

    @property
    def label(self) -> str:
        """Short name for people: ``30W`` for ``MODE_30W``, ``MAXN`` for ``MAXN``."""
        return self.name.removeprefix("MODE_")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Which model runs, and where its weights come from.

    Args:
        name: catalogue name (``resnet-152``), hub id or path, as shown to people.
        label: display name.
        task: decides the workload.
        model_id: hub id (``microsoft/resnet-152``), or the absolute path of a local model.
        revision: hub commit, or None for a local path.
        weights: ``cached`` (hub cache), ``local`` (a path the user named) or ``random``
            (built from the configuration with random weights: same arithmetic, no meaning).
        path: folder or ``.pt`` file that holds the weights; None for ``random``.
    """

    name: str
    label: str
    task: Task
    model_id: str
    revision: str | None = None
    weights: str
    path: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """Which images, or prompts, are fed to the model.

    Args:
        name: catalogue name (``cifar100``), hub id or path, as shown to people.
        label: display name.
        kind: ``hub`` (datasets cache), ``folder`` (image files, or what the datasets library saved),
            ``parquet``, ``text`` (prompts, one a line), ``camera`` or ``synthetic`` (seeded noise).
        dataset_id: hub id, absolute path, or a camera's number.
        split: hub split, or None.
        revision: hub commit, or None.
        items: number of images in one pass; None where it is not known, or a camera has no end.
        height_px: height of synthetic images.
        width_px: width of synthetic images.
        holds: ``images`` or ``prompts``; None where only who opens it can tell.
    """

    name: str
    label: str
    kind: str
    dataset_id: str
    split: str | None = None
    revision: str | None = None
    items: int | None = None
    height_px: int = 32
    width_px: int = 32
    holds: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What a person asked for: one model, one data set, one power mode, once.

    Lengths of phases may be 0. A phase shorter than the protocol makes the run's figures
    weaker, not the run impossible; the spec records it.

    Args:
        model: catalogue name, hub id or path; None only for a replay.
        dataset: catalogue name, hub id or path; None only for a replay.
        power_mode: ``current``, an id, or a name (``MODE_30W``, ``30W``).
        items: images to measure; None when ``seconds`` decides.
        seconds: least length of measure in s; None when ``items`` decides.
        min_items: measure goes on past ``seconds`` until so many images are done; 0 where
            ``items`` decides.
        profile: ``demo``, ``standard`` or ``formal``: what the run is judged by, and its length
            where none was given.
        batch_size: images per model call, 1 or more.
        method: how batches go through the model: :class:`orin_core.methods.Method`.
        precision: arithmetic of the model: :class:`orin_core.methods.Precision`.
        preload: whether images are decoded before the clock starts, which makes the scope ``preloaded``.
        smaller_batch: consent that the batch is halved where memory runs out.
        weights: ``auto`` (cached where they are, else random), ``cached`` or ``random``.
        images: ``auto`` (cached where they are, else synthetic), ``cached`` or ``synthetic``.
        telemetry: ``auto``, ``tegrastats``, ``host``, ``simulated`` or ``replay:FILE[@SPEED]``.
        interval_ms: asked time between ticks, 50 to 60 000.
        idle_s: length of idle in s.
        warmup_min_s: least length of warm-up in s.
        warmup_max_s: length in s after which warm-up gives up settling.
        cooldown_s: length of cooldown in s.
        lock_clocks: whether jetson_clocks holds the clocks at the mode's caps during the run.
        seed: of random weights and synthetic images, 0 to 2**32 - 1.
        notes: what a person wants kept with the run, at most 2000 characters.
        ambient_c: temperature around the board as read by a person, degree C.
        sweep: id of the sweep that this run belongs to; None for a run of its own.
        cell: which cell of that sweep it is.
    """

    model: str | None = None
    dataset: str | None = None
    power_mode: str = "current"
    items: int | None = None
    seconds: float | None = None
    min_items: int = 0
    profile: str = Profile.STANDARD.value
    batch_size: int = 1
    method: str = methods.Method.BATCHED.value
    precision: str = methods.Precision.FP32.value
    preload: bool = False
    smaller_batch: bool = False
    weights: str = "auto"
    images: str = "auto"
    telemetry: str = "auto"
    interval_ms: int = 1000
    idle_s: float = 10.0
    warmup_min_s: float = 10.0
    warmup_max_s: float = 120.0
    cooldown_s: float = 10.0
    lock_clocks: bool = False
    seed: int = 0
    notes: str = ""
    ambient_c: float | None = None
    sweep: str | None = None
    cell: str | None = None

    @property
    def is_replay(self) -> bool:
        """Whether this run replays a log instead of running a model."""
        return self.telemetry.startswith("replay:")

    def validated(self) -> RunSpec:
        """Returns this spec with the length of measure decided.

        Where none was given it is that of the profile.

        Raises:
            BadRequest: a value is missing or out of range; says which and what would do.
        """
        _check_subject(self)
        _check_numbers(self)
        _check_phases(self)
        _check_protocol(self)
        if self.items is not None or self.seconds is not None or self.is_replay:
            return self
        seconds, min_items = Profile(self.profile).length(self.interval_ms / 1000)
        return dataclasses.replace(self, seconds=seconds, min_items=max(self.min_items, min_items))


def _refuse_if(bad: bool, message: str, hint: str) -> None:
    if bad:
        raise BadRequest(message, hint)


def _check_subject(spec: RunSpec) -> None:
    if not spec.is_replay:
        _refuse_if(not spec.model, "No model was named.", "Name one with --model, for example resnet-152.")
        _refuse_if(not spec.dataset, "No data set was named.", "Name one with --dataset, for example cifar100.")
    _refuse_if(
        spec.preload and (spec.dataset or "").startswith(CAMERA),
        "A camera's images cannot be preloaded.",
        "They are read as they come; do not preload them.",
    )
    for field, value, allowed in (
        ("weights", spec.weights, ("auto", "cached", "random")),
        ("images", spec.images, ("auto", "cached", "synthetic")),
    ):
        _refuse_if(value not in allowed, f"{field} = {value!r} is unknown.", f"Use one of {', '.join(allowed)}.")


def _check_numbers(spec: RunSpec) -> None:
    items, seconds, batch_size, interval_ms = spec.items, spec.seconds, spec.batch_size, spec.interval_ms
    _refuse_if(
        items is not None and seconds is not None,
        "Both a number of items and a number of seconds were given.",
        "Give one of them.",
    )
    if items is not None:
        _refuse_if(items < 1, f"{items} items cannot be measured.", "Ask for 1 item or more.")
    if seconds is not None:
        usable = math.isfinite(seconds) and seconds > 0
        _refuse_if(not usable, f"A measure of {seconds:g} s cannot be made.", "Ask for more than 0 s.")
    _refuse_if(batch_size < 1, f"A batch of {batch_size} images is not possible.", "Use 1 or more.")
    methods.check(spec.method, spec.precision, batch_size=batch_size, preload=spec.preload)
    seed_usable = 0 <= spec.seed < 2**32
    _refuse_if(not seed_usable, f"The seed {spec.seed} is out of range.", "Use a number from 0 to 4294967295.")
    usable = 50 <= interval_ms <= 60_000
    _refuse_if(not usable, f"An interval of {interval_ms} ms is out of range.", "Use 50 to 60000 ms; 1000 is usual.")


def _check_phases(spec: RunSpec) -> None:
    for field in ("idle_s", "warmup_min_s", "warmup_max_s", "cooldown_s"):
        value = getattr(spec, field)
        usable = math.isfinite(value) and value >= 0
        _refuse_if(not usable, f"{field} = {value:g} is not a length of time.", "Use 0 or more seconds.")
    _refuse_if(
        spec.warmup_max_s < spec.warmup_min_s,
        f"Warm-up cannot last at least {spec.warmup_min_s:g} s and at most {spec.warmup_max_s:g} s.",
        "Raise the latter or lower the former.",
    )


def _check_protocol(spec: RunSpec) -> None:
    profiles = [profile.value for profile in Profile]
    known = spec.profile in profiles
    _refuse_if(not known, f"profile = {spec.profile!r} is unknown.", f"Use one of {', '.join(profiles)}.")
    _refuse_if(spec.min_items < 0, f"At least {spec.min_items} items cannot be measured.", "Use 0 or more.")
    too_long = len(spec.notes) > MAX_NOTES
    _refuse_if(too_long, f"Notes of {len(spec.notes)} characters are too long.", f"Use at most {MAX_NOTES}.")
    if spec.ambient_c is not None:
        usable = -60 <= spec.ambient_c <= 80
        _refuse_if(not usable, f"{spec.ambient_c:g} degree C around the board is not possible.", "Use -60 to 80.")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What the runner hands to the worker on its first line of standard input.

    Args:
        run: the run as asked, lengths decided.
        model: resolved model.
        dataset: resolved data set.
        lock_fd: inherited descriptor of the board's lock; the worker only keeps it open.
    """

    run: RunSpec
    model: ModelSpec
    dataset: DatasetSpec
    lock_fd: int | None = None


def to_json(value: Any) -> dict[str, Any]:
    """Returns the JSON object of one of the values above; enums become their text."""
    return {key: _plain(item) for key, item in dataclasses.asdict(value).items()}


def _plain(item: Any) -> Any:
    if isinstance(item, enum.Enum):
        return item.value
    if isinstance(item, dict):
        return {key: _plain(inner) for key, inner in item.items()}
    if isinstance(item, (list, tuple)):
        return [_plain(inner) for inner in item]
    return item


def _from_json(cls: Any, document: Any) -> Any:
    if not isinstance(document, dict):
        raise BadRequest(f"A {cls.__name__} is a JSON object.", "Check the file or the line that was sent.")
    names = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(document) - names)
    if unknown:
        raise BadRequest(f"{cls.__name__} has no field {', '.join(unknown)}.", f"It has {', '.join(sorted(names))}.")
    _check_types(cls, document)
    try:
        return cls(**document)
    except TypeError as error:
        raise BadRequest(f"This is no {cls.__name__}: {error}.") from error


def _check_types(cls: Any, document: dict[str, Any]) -> None:
    for name, hint in typing.get_type_hints(cls).items():
        kinds = typing.get_args(hint) or (hint,)
        value = document.get(name)
        fits = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
        if name in document and (not fits or (isinstance(value, bool) and bool not in kinds)):
            wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise BadRequest(f"{name} is {value!r}.", f"It must be {wanted}.")


def run_spec_from_json(document: Any) -> RunSpec:
    """Returns the RunSpec of a JSON object.

    Raises:
        BadRequest: not an object, a field is unknown or missing, or a value is of the wrong kind.
    """
    spec: RunSpec = _from_json(RunSpec, document)
    return spec


def worker_spec_from_json(document: Any) -> WorkerSpec:
    """Returns the WorkerSpec of a JSON object.

    Raises:
        BadRequest: not an object, or a field is unknown or missing.
    """
    if not isinstance(document, dict):
        raise BadRequest("A WorkerSpec is a JSON object.")
    model = dict(document.get("model") or {})
    try:
        model["task"] = Task(model.get("task"))
    except ValueError as error:
        raise BadRequest(f"{model.get('task')!r} is no task.") from error
    return WorkerSpec(
        run=run_spec_from_json(document.get("run")),
        model=_from_json(ModelSpec, model),
        dataset=_from_json(DatasetSpec, document.get("dataset")),
        lock_fd=document.get("lock_fd"),
    )
