"""What the name of a model or a data set means: a catalogue name, a hub id or a path.

Resolving it answers at once, from this machine alone: nothing is downloaded here, and nothing waits for a network.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

from orin_core.assets.camera import camera_dataset, camera_name
from orin_core.assets.hub_names import hub_dataset, hub_file, hub_model, hub_yolo, is_hub_id
from orin_core.assets.libraries import missing_for
from orin_core.assets.local_paths import local_dataset, local_model
from orin_core.catalog import (
    DATASETS,
    MODELS,
    DatasetRow,
    ModelRow,
    cached_images,
    cached_weights,
    dataset_row,
    model_row,
)
from orin_core.errors import BadRequest, NotCached
from orin_core.spec import CAMERA, DatasetSpec, ModelSpec, Task
from orin_core.user_paths import expanded, readable

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
    """Returns whether a name is written as a path or is one that exists, which goes before a hub id."""
    return name.startswith((".", "~", "/")) or (bool(name) and Path(name).exists())


@readable
def absolute(name: str, known: Callable[[str], object]) -> str:
    """Returns the name of a model or data set as it is seen from any folder; other names than paths are left alone.

    Args:
        name: as a person wrote it.
        known: :func:`model_row` or :func:`dataset_row`, by which of the two it is a name of.

    Raises:
        BadRequest: it is a path in the home folder of nobody, or one that may not be looked at.
    """
    if name.startswith(CAMERA):
        return camera_name(name)
    return str(expanded(name).resolve()) if not known(name) and is_path(name) else name


def _catalogue_model(row: ModelRow, weights: str) -> ModelSpec:
    found = None if weights == "random" else cached_weights(row)
    if found is None and (weights == "cached" or (weights == "auto" and row.config is None)):
        instead = "" if row.config is None else ", or use random weights"
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
            f"No shape is known for synthetic images of {name}.", f"Use data set {DATASETS[0].name} for them."
        )
    if camera:
        return camera_dataset(name)
    return local_dataset(expanded(name).resolve()) if path else hub_dataset(name)


def _catalogue_dataset(row: DatasetRow, images: str) -> DatasetSpec:
    found = None if images == "synthetic" else cached_images(row)
    if found is None and images == "cached":
        raise NotCached(
            f"The images of {row.label} are not on this machine.",
            f"Fetch them with: python -m orin_core fetch {row.name}, or use synthetic images.",
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
