"""The two tables of what can run, models and data sets, and what a name means.

A name is a catalogue name, a hub id or a path. Resolving it answers at once, from this
machine alone: nothing is downloaded here, and nothing waits for a network.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core import combination
from orin_core.assets import hub_cache, model_configs
from orin_core.assets.camera import camera_dataset
from orin_core.assets.hub_names import hub_dataset, hub_file, hub_model, hub_yolo, is_hub_id
from orin_core.assets.libraries import missing_for
from orin_core.assets.local_paths import local_dataset, local_model
from orin_core.errors import BadRequest, NotCached
from orin_core.spec import CAMERA, IMAGES, PROMPTS, DatasetSpec, ModelSpec, Task
from orin_core.user_paths import expanded, readable


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model of the catalogue.

    Args:
        name: catalogue name.
        label: display name.
        task: decides the workload.
        model_id: hub id.
        aliases: other names in lower case.
        revision: hub commit to fetch; None takes the hub's ``main``, and the run records which that was.
        weights_file: the one file of the repository that is needed, where it is not a folder.
        config: what its ``config.json`` says; without it there are no random weights.
        processor: what its ``preprocessor_config.json`` says.
    """

    name: str
    label: str
    task: Task
    model_id: str
    aliases: tuple[str, ...]
    revision: str | None = None
    weights_file: str | None = None
    config: Mapping[str, Any] | None = None
    processor: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRow:
    """One data set of the catalogue.

    Args:
        name: catalogue name.
        label: display name.
        dataset_id: hub id.
        split: hub split.
        aliases: other names in lower case.
        items: images or prompts in the split.
        height_px: height of its images.
        width_px: width of its images.
        revision: hub commit to fetch; None takes the hub's ``main``, and the run records which that was.
        holds: ``images`` or ``prompts``.
    """

    name: str
    label: str
    dataset_id: str
    split: str
    aliases: tuple[str, ...]
    items: int
    height_px: int = 32
    width_px: int = 32
    revision: str | None = None
    holds: str = IMAGES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A row of the catalogue as a form offers it.

    Args:
        name: catalogue name.
        label: display name.
        cached: whether its weights or images are on this machine.
        size_mb: their size in the cache, MB; None where they are not there.
        missing: what this machine lacks to run it, one sentence; empty where nothing is.
        holds: what a model takes, or a data set holds: ``images`` or ``prompts``.
        replaceable: whether random weights or synthetic items can stand in for what is not there.
    """

    name: str
    label: str
    cached: bool
    size_mb: float | None = None
    missing: str = ""
    holds: str = IMAGES
    replaceable: bool = True


MODELS = (
    ModelRow(
        name="resnet-152",
        label="ResNet-152",
        task=Task.CLASSIFICATION,
        model_id="microsoft/resnet-152",
        aliases=("resnet152", "resnet"),
        config=model_configs.RESNET_152,
        processor=model_configs.RESNET_152_PROCESSOR,
    ),
    ModelRow(
        name="depth-anything-v2-base",
        label="Depth Anything V2 Base",
        task=Task.DEPTH,
        model_id="depth-anything/Depth-Anything-V2-Base-hf",
        aliases=("depth-anything-v2", "depth-anything", "depth-anything-v2-base-hf"),
        config=model_configs.DEPTH_ANYTHING_V2_BASE,
        processor=model_configs.DEPTH_ANYTHING_V2_PROCESSOR,
    ),
    ModelRow(
        name="yolov8n",
        label="YOLOv8n",
        task=Task.DETECTION,
        model_id="Ultralytics/YOLOv8",
        aliases=("yolov8", "yolo", "yolov8n.pt", "yolo-v8n"),
        weights_file="yolov8n.pt",
        config=model_configs.YOLOV8N,
    ),
    ModelRow(
        name="phi-3.5-mini-instruct",
        label="Phi-3.5-mini-instruct",
        task=Task.TEXT_GENERATION,
        model_id="microsoft/Phi-3.5-mini-instruct",
        aliases=("phi-3.5-mini", "phi-3.5", "phi3.5"),
    ),
)

DATASETS = (
    DatasetRow(
        name="cifar100",
        label="CIFAR-100 test",
        dataset_id="uoft-cs/cifar100",
        split="test",
        aliases=("cifar-100", "cifar"),
        items=10_000,
        height_px=32,
        width_px=32,
    ),
    DatasetRow(
        name="no-robots",
        label="No Robots test",
        dataset_id="HuggingFaceH4/no_robots",
        split="test",
        aliases=("no_robots", "norobots"),
        items=500,
        holds=PROMPTS,
    ),
)


# -- what there is --------------------------------------------------------------------------------


def model_choices() -> tuple[Choice, ...]:
    """Returns the models of the catalogue in its order."""
    return tuple(
        Choice(
            name=row.name,
            label=row.label,
            cached=found is not None,
            size_mb=found.size_mb if found else None,
            missing=missing_for(row.task),
            holds=combination.wanted(row.task),
            replaceable=row.config is not None,
        )
        for row in MODELS
        for found in (cached_weights(row),)
    )


def dataset_choices() -> tuple[Choice, ...]:
    """Returns the data sets of the catalogue in its order."""
    return tuple(
        Choice(
            name=row.name,
            label=row.label,
            cached=found is not None,
            size_mb=found.size_mb if found else None,
            holds=row.holds,
        )
        for row in DATASETS
        for found in (cached_images(row),)
    )


def model_row(name: str) -> ModelRow | None:
    """Returns the catalogue's row of a name, alias or hub id, whatever its case."""
    key = name.strip().lower()
    return next((row for row in MODELS if key in (row.name, row.model_id.lower(), *row.aliases)), None)


def dataset_row(name: str) -> DatasetRow | None:
    """Returns the catalogue's row of a name, alias or hub id, whatever its case."""
    key = name.strip().lower()
    return next((row for row in DATASETS if key in (row.name, row.dataset_id.lower(), *row.aliases)), None)


def cached_weights(row: ModelRow) -> hub_cache.CachedModel | None:
    """Returns where the weights of a row lie, None where they are not on this machine."""
    return hub_cache.cached_model(row.model_id, revision=row.revision, weights_file=row.weights_file)


def cached_images(row: DatasetRow) -> hub_cache.CachedDataset | None:
    """Returns where the images of a row lie, None where they are not on this machine."""
    return hub_cache.cached_dataset(row.dataset_id, row.split, revision=row.revision)


# -- models ---------------------------------------------------------------------------------------


@readable
def resolve_model(name: str, *, weights: str = "auto") -> ModelSpec:
    """Returns what a name means and where its weights come from.

    Args:
        name: catalogue name, alias, hub id, folder with ``config.json`` and safetensors, a ``.pt``
            file of YOLO, or one on the hub as ``owner/name/file.pt``.
        weights: ``auto`` takes the weights that are there and, for rows of the catalogue that have a
            configuration, random ones where none are; ``cached`` insists on them; ``random`` builds
            from the configuration.

    Raises:
        NotCached: the weights are not on this machine.
        BadRequest: the name means nothing, may not be looked at, or the model cannot run here.
    """
    name = name.strip()
    if row := model_row(name):
        spec = _catalogue_model(row, weights)
    elif hub_file(name) and not is_path(name):
        spec = hub_yolo(name, weights)
    elif is_path(name) or name.lower().endswith(".pt"):
        spec = local_model(expanded(name).resolve(), weights)
    elif is_hub_id(name):
        spec = hub_model(name, weights)
    else:
        raise _unknown("model", name, [row.name for row in MODELS], "a hub id, or the path of a model folder")
    if missing := missing_for(spec.task):
        raise BadRequest(f"{spec.label} cannot run here: {missing}", "The other models are not affected.")
    if spec.task is Task.TEXT_GENERATION and spec.weights == "random":
        raise BadRequest(
            f"{spec.label} is not built with random weights: a language model has billions of them.",
            "Fetch it, or name the folder of a small one.",
        )
    return spec


def is_path(name: str) -> bool:
    """Returns whether a name is written as a path or is one that exists and is no hub id."""
    return name.startswith((".", "~", "/")) or (bool(name) and Path(name).exists())


def _catalogue_model(row: ModelRow, weights: str) -> ModelSpec:
    found = None if weights == "random" else cached_weights(row)
    if found is None and (weights == "cached" or (weights == "auto" and row.config is None)):
        instead = "" if row.config is None else ", or use --weights random"
        raise NotCached(
            f"The weights of {row.label} are not on this machine.",
            f"Fetch them with: python -m orin_core fetch {row.name}{instead}.",
        )
    return ModelSpec(
        name=row.name,
        label=row.label,
        task=row.task,
        model_id=row.model_id,
        revision=found.revision if found else row.revision,
        weights="cached" if found else "random",
        path=str(found.path) if found else None,
    )


# -- data sets ------------------------------------------------------------------------------------


@readable
def resolve_dataset(name: str, *, images: str = "auto") -> DatasetSpec:
    """Returns what a name means and where its images come from.

    Args:
        name: catalogue name, alias, hub id, folder of image files (searched through), a parquet
            file or a folder of them, a folder that the datasets library saved, a ``.txt`` or ``.jsonl``
            file of prompts, or ``camera:0`` and the like.
        images: ``auto`` takes the images that are there and, for rows of the catalogue, synthetic
            ones where none are; ``cached`` insists on them; ``synthetic`` is seeded noise of the same shape.

    Raises:
        NotCached: the images are not on this machine.
        BadRequest: the name means nothing, may not be looked at, or there are no images, or no camera.
    """
    name = name.strip()
    if row := dataset_row(name):
        return _catalogue_dataset(row, images)
    path, camera = is_path(name), name.startswith(CAMERA)
    if not (path or camera or is_hub_id(name)):
        others = "a hub id, the path of an image folder, a parquet file or a file of prompts, or camera:0"
        raise _unknown("data set", name, [row.name for row in DATASETS], others)
    if images == "synthetic":
        raise BadRequest(
            f"No shape is known for synthetic images of {name}.", f"Use --dataset {DATASETS[0].name} for them."
        )
    if camera:
        return camera_dataset(name)
    return local_dataset(expanded(name).resolve()) if path else hub_dataset(name)


def _catalogue_dataset(row: DatasetRow, images: str) -> DatasetSpec:
    found = None if images == "synthetic" else cached_images(row)
    if found is None and images == "cached":
        raise NotCached(
            f"The images of {row.label} are not on this machine.",
            f"Fetch them with: python -m orin_core fetch {row.name}, or use --images synthetic.",
        )
    return DatasetSpec(
        name=row.name,
        label=row.label,
        kind="hub" if found else "synthetic",
        dataset_id=row.dataset_id,
        split=row.split,
        revision=found.revision if found else None,
        items=row.items,
        height_px=row.height_px,
        width_px=row.width_px,
        holds=row.holds,
    )


def _unknown(kind: str, name: str, known: list[str], others: str) -> BadRequest:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    guess = f"Did you mean {near[0]}? " if near else ""
    return BadRequest(f"There is no {kind} {name!r}.", f"{guess}There is {', '.join(known)}; or name {others}.")
