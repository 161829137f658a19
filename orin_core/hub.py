"""Downloads a model or a data set into the hub cache and says how far it is.

``python -m orin_core fetch NAME`` is a program of its own: it holds no board, and a page that
is closed does not end it. What was fetched is found by ``orin_core.assets.hub_cache``.
"""

from __future__ import annotations

import dataclasses
import shutil
import threading
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

from orin_core import catalog
from orin_core.assets import hub_cache
from orin_core.assets.local_paths import SPLITS
from orin_core.errors import BadRequest, OrinError

Emit = Callable[[dict[str, Any]], None]

PROBE_TIMEOUT_S = 5.0
ETAG_TIMEOUT_S = 10.0
EMIT_EVERY_S = 0.25
MIN_LEFT_MB = 500
"""A download that would leave less on the disk is refused."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Repo:
    """Where something lies on the hub, and which of its files are wanted."""

    name: str
    repo_id: str
    repo_type: str
    revision: str | None
    patterns: tuple[str, ...]
    split: str | None = None


def fetch(name: str, emit: Emit) -> Path:
    """Downloads what a name means and returns the folder that holds it.

    Args:
        name: catalogue name or hub id.
        emit: called with ``{"state": "connecting" | "downloading" | "done", "name", "done_mb",
            "total_mb", "files", "path"}`` at most four times a second; sizes in MB (10^6 bytes)
            with what was there before counted as done, None before they are known.

    Raises:
        BadRequest: the name means nothing on the hub, or has no files that can be used.
        OrinError: the hub cannot be reached, the disk is too small, or the download broke off.
    """
    repo = _repo_of(name)
    emit(_progress(repo, "connecting"))
    check_reachable()
    try:
        repo, files = _list_files(repo)
        wanted = _wanted(repo, files)
        _check_room(wanted)
        path = _download(repo, wanted, emit)
    except OrinError:
        raise
    except RepositoryNotFoundError as error:
        raise BadRequest(
            f"The hub has no model or data set {repo.repo_id}.", "Check its name; private ones need a login."
        ) from error
    except Exception as error:  # boundary: hub and transport raise what their releases please
        raise OrinError(
            f"The download of {repo.repo_id} broke off: {_first_line(error)}", "Start it again; what is there is kept."
        ) from error
    return path


def check_reachable() -> None:
    """Asks the hub for any answer, so that a machine without it is told so at once.

    Raises:
        OrinError: there was none within a few seconds, or the hub is switched off here.
    """
    offline = "Use random weights and synthetic images, or copy a filled cache (HF_HOME) to this machine."
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
        patterns = (model.weights_file,) if model.weights_file else hub_cache.MODEL_FILES
        return _Repo(
            name=model.name, repo_id=model.model_id, repo_type="model", revision=model.revision, patterns=patterns
        )
    if data := catalog.dataset_row(name):
        return _Repo(
            name=data.name,
            repo_id=data.dataset_id,
            repo_type="dataset",
            revision=data.revision,
            patterns=("*.parquet",),
            split=data.split,
        )
    if name.count("/") != 1 or catalog.is_path(name):
        known = ", ".join(choice.name for choice in (*catalog.MODELS, *catalog.DATASETS))
        raise BadRequest(f"{name!r} is nothing that can be fetched.", f"Name {known}, or a hub id such as owner/name.")
    return _Repo(name=name, repo_id=name, repo_type="model", revision=None, patterns=hub_cache.MODEL_FILES)


def _list_files(repo: _Repo) -> tuple[_Repo, list[DryRunFileInfo]]:
    """Returns what the hub has of a repository; an id that is no model is looked up as a data set."""
    # Asked for by itself, since a listing hides the reason why it failed.
    api = HfApi()
    try:
        api.repo_info(repo.repo_id, repo_type=repo.repo_type, revision=repo.revision, timeout=ETAG_TIMEOUT_S)
    except RepositoryNotFoundError:
        if repo.repo_type == "dataset" or repo.name != repo.repo_id:
            raise
        repo = dataclasses.replace(repo, repo_type="dataset", patterns=("*.parquet",))
        api.repo_info(repo.repo_id, repo_type=repo.repo_type, timeout=ETAG_TIMEOUT_S)
    return repo, _dry_run(repo)


def _dry_run(repo: _Repo) -> list[DryRunFileInfo]:
    return snapshot_download(
        repo.repo_id,
        repo_type=repo.repo_type,
        revision=repo.revision,
        allow_patterns=list(repo.patterns),
        etag_timeout=ETAG_TIMEOUT_S,
        dry_run=True,
        tqdm_class=_silent(lambda count: None),
    )


def _wanted(repo: _Repo, files: list[DryRunFileInfo]) -> list[DryRunFileInfo]:
    """Returns the files to have: those of one split, or those of a model that has safetensors."""
    names = [info.filename for info in files]
    if repo.repo_type == "dataset":
        splits = (repo.split,) if repo.split else SPLITS
        chosen = next((found for split in splits if (found := hub_cache.split_files(names, split))), [])
        if not chosen:
            raise BadRequest(f"{repo.repo_id} has no parquet files of a split {' or '.join(splits)}.")
    else:
        chosen = names
        if not any(fnmatch(name, "*.safetensors") or name.endswith(".pt") for name in names):
            raise BadRequest(f"{repo.repo_id} has no safetensors.", "Pickled weights are not fetched.")
    return [info for info in files if info.filename in chosen]


def _check_room(files: list[DryRunFileInfo]) -> None:
    needed_mb = sum(info.file_size or 0 for info in files if info.will_download) / 1e6
    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free / 1e6
    if needed_mb + MIN_LEFT_MB > free_mb:
        raise OrinError(
            f"The download takes {needed_mb:.0f} MB and {folder} has {free_mb:.0f} MB free.",
            "Free disk space, or let HF_HOME name another disk.",
        )


def _download(repo: _Repo, files: list[DryRunFileInfo], emit: Emit) -> Path:
    total_bytes = sum(info.file_size or 0 for info in files)
    done_bytes = float(sum(info.file_size or 0 for info in files if not info.will_download))
    lock = threading.Lock()
    emitted_s = float("-inf")

    def show(state: str, path: str | None = None) -> None:
        done_mb = round(min(done_bytes, total_bytes) / 1e6, 3)
        emit(_progress(repo, state, done_mb=done_mb, total_mb=round(total_bytes / 1e6, 3), files=len(files), path=path))

    def count(amount: float) -> None:
        nonlocal done_bytes, emitted_s
        with lock:
            done_bytes += amount
            if time.monotonic() - emitted_s >= EMIT_EVERY_S:
                emitted_s = time.monotonic()
                show("downloading")

    count(0)
    path = snapshot_download(
        repo.repo_id,
        repo_type=repo.repo_type,
        revision=repo.revision,
        allow_patterns=[info.filename for info in files],
        etag_timeout=ETAG_TIMEOUT_S,
        tqdm_class=_silent(count),
    )
    done_bytes = total_bytes
    show("done", path)
    return Path(path)


def _progress(
    repo: _Repo,
    state: str,
    *,
    done_mb: float | None = None,
    total_mb: float | None = None,
    files: int | None = None,
    path: str | None = None,
) -> dict[str, Any]:
    return {"state": state, "name": repo.name, "done_mb": done_mb, "total_mb": total_mb, "files": files, "path": path}


def _silent(count: Callable[[float], None]) -> type[tqdm]:
    """Returns a bar that draws nothing and counts the bytes that were written."""

    class Bar(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            # The hub draws two bars of bytes, received and written; only the latter is of use here.
            self._counts = options.get("unit") == "B" and not str(options.get("name", "")).endswith(".transfer")
            options["disable"] = True
            super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            if self._counts and n:
                count(n)
            return None

    return Bar


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
