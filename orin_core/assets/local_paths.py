"""Models and data sets that a person names by a path: what they are and whether they can be used."""

from __future__ import annotations

from pathlib import Path

from orin_core.assets import hub_cache, parquet, prompt_file
from orin_core.assets.image_folder import image_files, is_saved_dataset
from orin_core.errors import BadRequest, NotCached
from orin_core.spec import IMAGES, PROMPTS, DatasetSpec, ModelSpec, Task

SPLITS = ("test", "validation", "val", "train")
"""Splits of a data set outside the catalogue, the first that is there being taken."""


def local_model(path: Path, weights: str) -> ModelSpec:
    """Returns the model that a path holds.

    Args:
        path: absolute; a folder with ``config.json``, processor or tokenizer, and safetensors, or a ``.pt`` file.
        weights: ``random`` builds from the configuration alone; all else wants the weights.

    Raises:
        NotCached: the folder has no weights.
        BadRequest: the path holds no model that can run here.
    """
    if path.suffix.lower() == ".pt":
        return _local_yolo(path, weights)
    if not path.is_dir():
        raise BadRequest(f"There is no model folder {path}.", "Name a folder with config.json, or a YOLO .pt file.")
    config = path / hub_cache.CONFIG
    if not config.is_file():
        raise BadRequest(
            f"{path} is no model folder: it has no config.json.",
            "Name a folder that save_pretrained wrote, or a YOLO .pt file.",
        )
    task = task_of(config)
    needed = hub_cache.input_file(config)
    if not (path / needed).is_file():
        what = "tokenizer" if task is Task.TEXT_GENERATION else "image processor"
        raise BadRequest(f"{path} has no {needed}.", f"Save the model's {what} into the same folder.")
    if weights != "random" and not hub_cache.weight_files(path):
        raise NotCached(
            f"{path} has no complete safetensors.",
            "Save the model with safe_serialization, or use random weights.",
        )
    return ModelSpec(
        name=str(path),
        label=path.name,
        task=task,
        model_id=str(path),
        weights="random" if weights == "random" else "local",
        path=None if weights == "random" else str(path),
    )


def _local_yolo(path: Path, weights: str) -> ModelSpec:
    if not path.is_file():
        raise BadRequest(f"There is no file {path}.", "Name an existing YOLO .pt file, or yolov8n.")
    if weights == "random":
        raise BadRequest("Random weights need a configuration, and a .pt file has none.", "Use weights auto.")
    return ModelSpec(
        name=str(path), label=path.stem, task=Task.DETECTION, model_id=str(path), weights="local", path=str(path)
    )


def task_of(config: Path, name: str = "") -> Task:
    """Returns the task that a ``config.json`` names by its architecture.

    Args:
        config: the file.
        name: of its model, for people; its folder's without one.

    Raises:
        BadRequest: it cannot be read, or names none that has a workload.
    """
    document = hub_cache.read_json(config)
    if document is None:
        raise BadRequest(f"{config} is no JSON object.", "Save the model's configuration anew.")
    architectures = [str(one) for one in document.get("architectures") or []]
    for architecture in architectures:
        if architecture.endswith("ForImageClassification"):
            return Task.CLASSIFICATION
        if architecture.endswith("ForDepthEstimation"):
            return Task.DEPTH
        if architecture.endswith(hub_cache.LANGUAGE_MODEL):
            return Task.TEXT_GENERATION
    what = ", ".join(architectures) or "a model of no named architecture"
    detection = any(one.endswith("ForObjectDetection") for one in architectures)
    raise BadRequest(
        f"{name or config.parent.name} is {what}, which has no workload here.",
        "Detection runs YOLO alone: yolov8n, a .pt file, or one on the hub as owner/name/file.pt."
        if detection
        else "Models for image classification, depth estimation and text generation run, and YOLO .pt files.",
    )


def local_dataset(path: Path) -> DatasetSpec:
    """Returns the data set that a path holds: image files, prompts, parquet, or what the datasets library saved.

    Args:
        path: absolute; a folder, a parquet file, or a file of prompts.

    Raises:
        BadRequest: there is no such folder, or it holds neither images nor prompts.
    """
    if path.is_file() and path.suffix.lower() == parquet.SUFFIX:
        return _parquet_dataset(path)
    if path.is_file() and path.suffix.lower() in prompt_file.SUFFIXES:
        return _prompts_dataset(path)
    if not path.is_dir():
        raise BadRequest(
            f"There is no folder {path}."
            if not path.exists()
            else f"{path} is neither a folder nor a file of parquet or prompts.",
            "Name a folder of image files, a parquet file, a .txt file with one prompt a line, or cifar100.",
        )
    if splits := (hub_cache.read_json(path / "dataset_dict.json") or {}).get("splits"):
        path = path / next((split for split in SPLITS if split in splits), str(splits[0]))
    items: int | None = None
    holds: str | None = None
    if not is_saved_dataset(path):
        items, holds = len(image_files(path)), IMAGES
        if not items and parquet.parquet_files(path):
            return _parquet_dataset(path)
        if not items:
            raise BadRequest(
                f"{path} holds no images.",
                "Put PNG, JPEG, WebP or BMP files there, or parquet files with images, or name another folder.",
            )
    return DatasetSpec(name=str(path), label=path.name, kind="folder", dataset_id=str(path), items=items, holds=holds)


def _prompts_dataset(path: Path) -> DatasetSpec:
    items = len(prompt_file.read_prompts(path))
    return DatasetSpec(name=str(path), label=path.name, kind="text", dataset_id=str(path), items=items, holds=PROMPTS)


def _parquet_dataset(path: Path) -> DatasetSpec:
    items, holds = parquet.rows_of(path)
    return DatasetSpec(name=str(path), label=path.stem, kind="parquet", dataset_id=str(path), items=items, holds=holds)
