"""The two tables of what can run, models and data sets, and what of them is on this machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from orin_core import combination
from orin_core.assets import hub_cache, model_configs
from orin_core.assets.libraries import missing_for
from orin_core.spec import IMAGES, PROMPTS, Task


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
