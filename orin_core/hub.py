"""Downloads a model or a data set into the hub cache and says how far it is.

``python -m orin_core fetch NAME`` is a program of its own: it holds no board, and a page that
is closed does not end it. What was fetched is found by ``orin_core.assets.hub_cache``; what was
cut off goes on where it was (``orin_core.assets.transfer``).
"""

from __future__ import annotations

import dataclasses
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from huggingface_hub import DryRunFileInfo, HfApi, constants, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils.tqdm import tqdm

from orin_core import catalog, resolve
from orin_core.assets import hub_cache, hub_names, transfer
from orin_core.assets.local_paths import SPLITS, task_of
from orin_core.errors import BadRequest, OrinError
from orin_core.spec import Task

Emit = Callable[[dict[str, Any]], None]

PROBE_TIMEOUT_S = 5.0
ETAG_TIMEOUT_S = 10.0
EMIT_EVERY_S = 0.25
MIN_LEFT_MB = 500
"""A download that would leave less on the disk is refused."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Repo:
    """Where something lies on the hub, and which of its files are wanted.

    Args:
        name: as asked for.
        repo_id: hub id.
        repo_type: ``model`` or ``dataset``.
        revision: hub commit; None for the hub's ``main``.
        weights_file: the one file that is wanted; None for a model folder or a data set.
        split: of a data set of the catalogue.
    """

    name: str
    repo_id: str
    repo_type: str
    revision: str | None = None
    weights_file: str | None = None
    split: str | None = None

    @property
    def patterns(self) -> list[str]:
        """Which of its files are looked at; pickles only to tell that they are there."""
        if self.repo_type == "dataset":
            return ["*.parquet"]
        return [self.weights_file] if self.weights_file else [*hub_cache.MODEL_FILES, "*.pt"]


def fetch(name: str, emit: Emit, *, size_only: bool = False) -> None:
    """Downloads what a name means.

    Args:
        name: catalogue name, hub id, or a file of the hub as ``owner/name/file.pt``.
        emit: called with ``{"state": "connecting" | "sized" | "downloading" | "done", "name",
            "done_mb", "total_mb", "files", "path"}`` at most four times a second; sizes in MB
            (10^6 bytes) with what was there before counted as done, None before they are known.
        size_only: whether it ends with ``sized``, nothing being downloaded but the configuration.

    Raises:
        BadRequest: the name means nothing on the hub, or has no files that can be used here.
        OrinError: the hub cannot be reached, the disk is too small, or the download broke off.
    """
    repo = _repo_of(name)
    emit(_progress(repo, "connecting"))
    check_reachable()
    try:
        repo, files = _list_files(repo)
        wanted = _wanted(repo, files)
        parts = _parts(repo, wanted)
        progress = _Progress(repo, wanted, parts, emit)
        progress.show("sized")
        if size_only:
            return
        _check_room(wanted, parts)
        progress.show("done", _download(repo, wanted, parts, progress))
    except OrinError:
        raise
    except RepositoryNotFoundError as error:
        raise BadRequest(
            f"The hub has no model or data set {repo.repo_id}.", "Check its name; private ones need a login."
        ) from error
    except Exception as error:  # boundary: hub and transport raise what their releases please
        raise OrinError(
            f"The download of {repo.repo_id} broke off: {_first_line(error)}",
            "Start it again; it goes on where it was.",
        ) from error


def check_reachable() -> None:
    """Asks the hub for any answer, so that a machine without it is told so at once.

    Raises:
        OrinError: there was none within a few seconds, or the hub is switched off here.
    """
    offline = (
        "Use random weights and synthetic images, or pack a bundle on a machine that reaches it "
        "(python -m orin_core bundle pack)."
    )
    if constants.HF_HUB_OFFLINE:
        raise OrinError("HF_HUB_OFFLINE is set, so nothing is downloaded.", f"Unset it. {offline}")
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD", headers={"User-Agent": "orin-dashboard"})
    try:
        with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        # Any status is an answer.
        error.close()
    except (OSError, ValueError) as error:
        raise OrinError(f"{constants.ENDPOINT} cannot be reached.", offline) from error


def _repo_of(name: str) -> _Repo:
    name = name.strip()
    if model := catalog.model_row(name):
        return _Repo(
            name=model.name,
            repo_id=model.model_id,
            repo_type="model",
            revision=model.revision,
            weights_file=model.weights_file,
        )
    if data := catalog.dataset_row(name):
        return _Repo(
            name=data.name, repo_id=data.dataset_id, repo_type="dataset", revision=data.revision, split=data.split
        )
    if resolve.is_path(name) or not (hub_names.is_hub_id(name) or hub_names.hub_file(name)):
        known = ", ".join(choice.name for choice in (*catalog.MODELS, *catalog.DATASETS))
        raise BadRequest(f"{name!r} is nothing that can be fetched.", f"Name {known}, or a hub id such as owner/name.")
    repo_id, weights_file = hub_names.hub_file(name) or (name, None)
    return _Repo(name=name, repo_id=repo_id, repo_type="model", weights_file=weights_file)


def _list_files(repo: _Repo) -> tuple[_Repo, list[DryRunFileInfo]]:
    """Returns what the hub has of a repository; an id that is no model is looked up as a data set."""
    # Asked for by itself, since a listing hides the reason why it failed.
    api = HfApi()
    try:
        api.repo_info(repo.repo_id, repo_type=repo.repo_type, revision=repo.revision, timeout=ETAG_TIMEOUT_S)
    except RepositoryNotFoundError:
        if repo.repo_type == "dataset" or repo.name != repo.repo_id:
            raise
        repo = dataclasses.replace(repo, repo_type="dataset")
        api.repo_info(repo.repo_id, repo_type=repo.repo_type, timeout=ETAG_TIMEOUT_S)
    files = snapshot_download(
        repo.repo_id,
        repo_type=repo.repo_type,
        revision=repo.revision,
        allow_patterns=repo.patterns,
        etag_timeout=ETAG_TIMEOUT_S,
        dry_run=True,
        tqdm_class=_Silent,
    )
    return repo, files


def _wanted(repo: _Repo, files: list[DryRunFileInfo]) -> list[DryRunFileInfo]:
    """Returns the files to have: those of one split, of a model with safetensors, or the one that was named."""
    names = [info.filename for info in files]
    if repo.repo_type == "dataset":
        splits = (repo.split,) if repo.split else SPLITS
        chosen = next((found for split in splits if (found := hub_cache.split_files(names, split))), [])
        if not chosen:
            raise BadRequest(f"{repo.repo_id} has no parquet files of a split {' or '.join(splits)}.")
    elif repo.weights_file:
        chosen = names
        if not chosen:
            raise BadRequest(f"{repo.repo_id} has no file {repo.weights_file}.", "Look at its files on the hub.")
    else:
        chosen = _model_files(repo, names)
    return [info for info in files if info.filename in chosen]


def _model_files(repo: _Repo, names: list[str]) -> list[str]:
    """Returns the files of a transformers model; one that nobody vouches for is looked at before it is fetched.

    Raises:
        BadRequest: it has no safetensors, no processor or tokenizer, or a task that has no workload.
    """
    if not any(fnmatch(name, "*.safetensors") for name in names):
        pickles = [f"{repo.repo_id}/{name}" for name in names if name.endswith(".pt")]
        hint = f"If one of its YOLO files is meant, name it: {', '.join(pickles[:3])}." if pickles else ""
        raise BadRequest(f"{repo.repo_id} has no safetensors.", hint or "Pickled weights are not fetched.")
    if hub_cache.CONFIG not in names:
        raise BadRequest(f"{repo.repo_id} has no {hub_cache.CONFIG}.", "Models of the transformers library have one.")
    row = catalog.model_row(repo.name)
    task = row.task if row else _task_there(repo)
    needed = hub_cache.TOKENIZER if task is Task.TEXT_GENERATION else hub_cache.PREPROCESSOR
    if needed not in names:
        raise BadRequest(f"{repo.repo_id} has no {needed}.", "It says how the model takes images or prompts.")
    return [name for name in names if not name.endswith(".pt")]


def _task_there(repo: _Repo) -> Task:
    folder = snapshot_download(
        repo.repo_id,
        revision=repo.revision,
        allow_patterns=[hub_cache.CONFIG],
        etag_timeout=ETAG_TIMEOUT_S,
        tqdm_class=_Silent,
    )
    return task_of(Path(folder) / hub_cache.CONFIG, repo.repo_id)


def _parts(repo: _Repo, wanted: list[DryRunFileInfo]) -> dict[str, transfer.RemoteFile]:
    """Returns what must be fetched, by its name in the repository."""
    found = {
        info.filename: transfer.look_up(
            repo.repo_id, repo.repo_type, info.commit_hash, info.filename, timeout_s=ETAG_TIMEOUT_S
        )
        for info in wanted
        if info.will_download
    }
    return {name: file for name, file in found.items() if file is not None}


def _check_room(wanted: list[DryRunFileInfo], parts: dict[str, transfer.RemoteFile]) -> None:
    here = sum(file.here_bytes for file in parts.values())
    needed_mb = (sum(info.file_size or 0 for info in wanted if info.will_download) - here) / 1e6
    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free / 1e6
    if needed_mb + MIN_LEFT_MB > free_mb:
        raise OrinError(
            f"The download takes {needed_mb:.0f} MB and {folder} has {free_mb:.0f} MB free.",
            "Free disk space, or let HF_HOME name another disk.",
        )


class _Progress:
    """How far a download is, told at most four times a second."""

    def __init__(
        self, repo: _Repo, wanted: list[DryRunFileInfo], parts: dict[str, transfer.RemoteFile], emit: Emit
    ) -> None:
        self._repo, self._emit, self._files = repo, emit, len(wanted)
        self._total_bytes = sum(info.file_size or 0 for info in wanted)
        there = sum(info.file_size or 0 for info in wanted if not info.will_download)
        self._done_bytes = there + sum(file.here_bytes for file in parts.values())
        self._emitted_s = float("-inf")

    def count(self, amount: int) -> None:
        self._done_bytes += amount
        if time.monotonic() - self._emitted_s >= EMIT_EVERY_S:
            self._emitted_s = time.monotonic()
            self.show("downloading")

    def show(self, state: str, path: str | None = None) -> None:
        done_bytes = self._total_bytes if state == "done" else min(self._done_bytes, self._total_bytes)
        sizes = {"done_mb": round(done_bytes / 1e6, 3), "total_mb": round(self._total_bytes / 1e6, 3)}
        self._emit({**_progress(self._repo, state), **sizes, "files": self._files, "path": path})


def _download(
    repo: _Repo, wanted: list[DryRunFileInfo], parts: dict[str, transfer.RemoteFile], progress: _Progress
) -> str:
    """Fetches the contents, then has the hub's library link them into the snapshot; returns its folder."""
    progress.count(0)
    for file in parts.values():
        transfer.download(file, progress.count)
    return snapshot_download(
        repo.repo_id,
        repo_type=repo.repo_type,
        revision=repo.revision,
        allow_patterns=[info.filename for info in wanted],
        etag_timeout=ETAG_TIMEOUT_S,
        tqdm_class=_Silent,
    )


def _progress(repo: _Repo, state: str) -> dict[str, Any]:
    return {"state": state, "name": repo.name, "done_mb": None, "total_mb": None, "files": None, "path": None}


class _Silent(tqdm):
    """A bar that draws nothing."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["disable"] = True
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
