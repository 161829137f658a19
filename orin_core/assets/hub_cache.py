"""What of the hub is on this machine; answers at once and never looks at the network.

The cache is Hugging Face's own (``HF_HOME``), so that what other programs fetched is found.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import constants, try_to_load_from_cache

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_FILES = (TOKENIZER, "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
GENERATION = "generation_config.json"
MODEL_FILES = (
    *(CONFIG, PREPROCESSOR, WEIGHTS, WEIGHTS_INDEX, "model-*-of-*.safetensors"),
    *(*TOKENIZER_FILES, GENERATION),
)
"""What a model needs; pickles and code are never fetched."""

LANGUAGE_MODEL = "ForCausalLM"
"""How the architecture of a model that generates text ends."""

_SHARD = re.compile(r"-(\d+)-of-(\d+)\.[a-z]+$")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CachedModel:
    """A model in the cache.

    Args:
        path: snapshot folder, or the ``.pt`` file.
        revision: hub commit that the files belong to.
        size_mb: size of its files, MB (10^6 bytes).
    """

    path: Path
    revision: str
    size_mb: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CachedDataset:
    """One split of a data set in the cache.

    Args:
        files: its files in order, all of one kind.
        kind: ``parquet`` (fetched) or ``arrow`` (prepared by the datasets library).
        revision: hub commit that the files belong to.
        size_mb: size of its files, MB (10^6 bytes).
    """

    files: tuple[Path, ...]
    kind: str
    revision: str
    size_mb: float


def cached_file(repo_id: str, filename: str, *, revision: str | None = None) -> Path | None:
    """Returns the path of a model repository's file in the cache, None where it is not there."""
    found = try_to_load_from_cache(repo_id, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def cached_model(repo_id: str, *, revision: str | None = None, weights_file: str | None = None) -> CachedModel | None:
    """Returns a model whose files are all in the cache, None where one is missing.

    Args:
        repo_id: hub id.
        revision: hub commit; without it the cache's ``main``, else the newest that is whole: what is fetched or
            unpacked later moves ``main``, and other files of the repository stay with theirs.
        weights_file: the one file that is needed (a ``.pt``); without it a configuration, a
            processor or tokenizer, and safetensors are.
    """
    repo = Path(constants.HF_HUB_CACHE) / f"models--{repo_id.replace('/', '--')}"
    found = (_model_of(repo_id, one, weights_file) for one in _revisions(repo, revision))
    return next((model for model in found if model is not None), None)


def _revisions(repo: Path, revision: str | None) -> list[str]:
    """Returns the revisions of a repository folder to look at: the one that is asked for, else ``main`` and others."""
    if revision is not None:
        return [revision]
    try:
        main = [(repo / "refs" / "main").read_text(encoding="utf-8").strip()]
    except OSError:
        main = []
    others = sorted((repo / "snapshots").glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    return list(dict.fromkeys(filter(None, [*main, *(folder.name for folder in others)])))


def _model_of(repo_id: str, revision: str, weights_file: str | None) -> CachedModel | None:
    if weights_file is not None:
        weights = cached_file(repo_id, weights_file, revision=revision)
        if weights is None:
            return None
        snapshot = weights.parents[weights_file.count("/")]
        return CachedModel(path=weights, revision=snapshot.name, size_mb=_size_mb([weights]))
    config = cached_file(repo_id, CONFIG, revision=revision)
    if config is None or not (config.parent / input_file(config)).is_file():
        return None
    shards = weight_files(config.parent)
    if not shards:
        return None
    return CachedModel(path=config.parent, revision=config.parent.name, size_mb=_size_mb(shards))


def input_file(config: Path) -> str:
    """Returns which file says how a model takes what it is given: its tokenizer, or its image processor.

    Args:
        config: its ``config.json``.
    """
    architectures = (read_json(config) or {}).get("architectures") or []
    return TOKENIZER if any(str(one).endswith(LANGUAGE_MODEL) for one in architectures) else PREPROCESSOR


def weight_files(folder: Path) -> list[Path]:
    """Returns the safetensors of a model folder; empty where one of them is missing."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = read_json(folder / WEIGHTS_INDEX) or {}
    shards = sorted({folder / str(name) for name in index.get("weight_map", {}).values()})
    return shards if all(shard.is_file() for shard in shards) else []


def read_json(path: Path) -> dict[str, Any] | None:
    """Returns the object in a JSON file, None where there is none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def split_files(names: list[str], split: str) -> list[str]:
    """Returns the names among parquet or Arrow files that hold a split, in order.

    A name holds a split where the split is a word of it (``data/test-00000-of-00001.parquet``).
    Returns nothing where a shard is missing.
    """
    word = re.compile(rf"(^|[/_.-]){re.escape(split)}([/_.-]|$)")
    found = sorted(name for name in names if word.search(name))
    counts = {int(match[2]) for name in found if (match := _SHARD.search(name))}
    return [] if counts and len(found) != sum(counts) else found


def cached_dataset(dataset_id: str, split: str, *, revision: str | None = None) -> CachedDataset | None:
    """Returns a split that is in the hub cache or was prepared by the datasets library, else None.

    Args:
        dataset_id: hub id.
        split: name of the split.
        revision: hub commit; without it as for :func:`cached_model`.
    """
    return _fetched(dataset_id, split, revision) or _prepared(dataset_id, split, revision)


def _fetched(dataset_id: str, split: str, revision: str | None) -> CachedDataset | None:
    repo = Path(constants.HF_HUB_CACHE) / f"datasets--{dataset_id.replace('/', '--')}"
    for one in _revisions(repo, revision):
        snapshot = repo / "snapshots" / one
        names = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*.parquet") if path.is_file()]
        if files := tuple(snapshot / name for name in split_files(names, split)):
            return CachedDataset(files=files, kind="parquet", revision=one, size_mb=_size_mb(files))
    return None


def _prepared(dataset_id: str, split: str, revision: str | None) -> CachedDataset | None:
    root = Path(constants.HF_HOME) / "datasets" / dataset_id.replace("/", "___")
    folders = sorted(
        (info.parent for info in root.glob(f"*/*/{revision or '*'}/dataset_info.json")),
        key=lambda folder: folder.stat().st_mtime,
        reverse=True,
    )
    for folder in folders:
        files = tuple(folder / name for name in split_files([path.name for path in folder.glob("*.arrow")], split))
        if files:
            return CachedDataset(files=files, kind="arrow", revision=folder.name, size_mb=_size_mb(files))
    return None


def _size_mb(files: list[Path] | tuple[Path, ...]) -> float:
    return sum(path.stat().st_size for path in files) / 1e6
