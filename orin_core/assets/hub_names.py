"""Models and data sets that a person names as the hub does: what of them is in the cache and can be used."""

from __future__ import annotations

import re
from pathlib import Path

from orin_core.assets import hub_cache
from orin_core.assets.local_paths import SPLITS, task_of
from orin_core.errors import BadRequest, NotCached
from orin_core.spec import DatasetSpec, ModelSpec, Task

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_HUB_FILE = re.compile(rf"({_HUB_ID.pattern})/((?:\w[\w.-]*/)*\w[\w.-]*\.pt)", re.IGNORECASE)


def is_hub_id(name: str) -> bool:
    """Returns whether a name is written as ``owner/name``."""
    return _HUB_ID.fullmatch(name) is not None


def hub_file(name: str) -> tuple[str, str] | None:
    """Returns hub id and file of a name written as ``owner/name/file.pt``, None for all else.

    A pickle can run code when it is loaded, so it is taken only where somebody named that very file.
    """
    found = _HUB_FILE.fullmatch(name)
    return (found[1], found[2]) if found else None


def hub_model(model_id: str, weights: str) -> ModelSpec:
    """Returns a model of the cache, by its hub id.

    Args:
        model_id: hub id.
        weights: ``random`` builds from the configuration alone; all else wants the weights.

    Raises:
        NotCached: it is not in the cache.
        BadRequest: its task has no workload.
    """
    found = hub_cache.cached_model(model_id)
    config = found.path / hub_cache.CONFIG if found else hub_cache.cached_file(model_id, hub_cache.CONFIG)
    task = task_of(config, model_id) if config else None
    if config is None or task is None or (found is None and weights != "random"):
        raise _not_cached(f"{model_id} is not on this machine.", model_id)
    use = found if weights != "random" else None
    return ModelSpec(
        name=model_id,
        label=model_id.split("/")[-1],
        task=task,
        model_id=model_id,
        revision=config.parent.name,
        weights="cached" if use else "random",
        path=str(use.path) if use else None,
    )


def hub_yolo(name: str, weights: str) -> ModelSpec:
    """Returns a YOLO file of the cache.

    Args:
        name: as ``hub_file`` understands it.
        weights: anything but ``random``.

    Raises:
        NotCached: it is not in the cache.
        BadRequest: random weights were asked for.
    """
    repo_id, filename = hub_file(name) or ("", "")
    if weights == "random":
        raise BadRequest("Random weights need a configuration, and a .pt file has none.", "Use weights auto.")
    found = hub_cache.cached_model(repo_id, weights_file=filename)
    if found is None:
        raise _not_cached(f"{name} is not on this machine, neither as a file nor from the hub.", name)
    return ModelSpec(
        name=name,
        label=Path(filename).stem,
        task=Task.DETECTION,
        model_id=repo_id,
        revision=found.revision,
        weights="cached",
        path=str(found.path),
    )


def hub_dataset(dataset_id: str) -> DatasetSpec:
    """Returns the first split of a data set that is in the cache, by its hub id.

    Raises:
        NotCached: none is.
    """
    for split in SPLITS:
        if found := hub_cache.cached_dataset(dataset_id, split):
            label = f"{dataset_id.split('/')[-1]} {split}"
            return DatasetSpec(
                name=dataset_id, label=label, kind="hub", dataset_id=dataset_id, split=split, revision=found.revision
            )
    raise _not_cached(f"{dataset_id} is not on this machine.", dataset_id)


def _not_cached(message: str, name: str) -> NotCached:
    return NotCached(message, f"Fetch it with: python -m orin_core fetch {name}.")
