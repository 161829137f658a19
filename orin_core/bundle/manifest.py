"""What a bundle holds, as its first member ``manifest.json`` says; nothing in it is trusted when it is read.

A bundle is a plain tar: weights do not compress. Its other members are files of the Hugging Face
cache under their places in it. The links of snapshots to blobs are told by the manifest alone.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from orin_core.assets import hub_cache
from orin_core.errors import BadRequest, OrinError

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MIN_LEFT_MB = 200
"""What must be left on a disk that is written, MB."""
READ_BYTES = 4 * 1024 * 1024

_ENDINGS = (".json", ".jinja", ".safetensors", ".pt", ".parquet", ".arrow")
"""Files of other endings are never needed here, so a bundle with one is no bundle."""
_HUB = re.compile(r"hub/(models|datasets)--[\w.-]+/(blobs/[A-Za-z0-9]+|snapshots/\w+/.+)")
_PREPARED = re.compile(r"datasets/[\w.-]+/[^/]+/[^/]+/\w+/[^/]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def roots() -> dict[str, Path]:
    """Returns the folders of the cache by the first part of a place."""
    return {"hub": Path(constants.HF_HUB_CACHE), "datasets": Path(constants.HF_HOME) / "datasets"}


def path_of(place: str) -> Path:
    """Returns where a place of a bundle is on this machine."""
    root, _, rest = place.partition("/")
    return roots()[root] / rest


def repo_folder(kind: str, repo_id: str) -> str:
    """Returns the folder of a repository in the hub cache."""
    return f"{kind}s--{repo_id.replace('/', '--')}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A model or a data set.

    Args:
        kind: ``model`` or ``dataset``.
        name: as it is named for a run.
        repo_id: hub id.
        revision: hub commit.
        weights_file: the one file that a model is; None for a folder, and for a data set.
        split: of a data set; None for a model.
    """

    kind: str
    name: str
    repo_id: str
    revision: str
    weights_file: str | None = None
    split: str | None = None

    def found(self) -> str | None:
        """Returns the revision of it that a run on this machine would take, None where there is none."""
        if self.kind == "model":
            model = hub_cache.cached_model(self.repo_id, weights_file=self.weights_file)
            return model.revision if model else None
        data = hub_cache.cached_dataset(self.repo_id, self.split or "")
        return data.revision if data else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file.

    Args:
        place: its place in the cache: ``hub/...`` or ``datasets/...``.
        size_bytes: size of its contents.
        sha256: of its contents, in hexadecimal digits.
    """

    place: str
    size_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle holds.

    Args:
        items: models and data sets.
        files: their files.
        links: places of links in snapshots, and the places of the files that they lead to.
    """

    items: tuple[Item, ...]
    files: tuple[Entry, ...]
    links: tuple[tuple[str, str], ...]

    @property
    def size_bytes(self) -> int:
        """Size of all its files."""
        return sum(entry.size_bytes for entry in self.files)

    def to_bytes(self) -> bytes:
        """Returns it as the JSON that a bundle begins with."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Returns the manifest of a bundle.

        Raises:
            ValueError: it is none, or names a place that no bundle has.
            BadRequest: it is of a later format.
        """
        try:
            document = json.loads(data)
        except RecursionError as error:
            raise ValueError("its manifest is none") from error
        if not isinstance(document, dict) or not isinstance(document.get("format"), int):
            raise ValueError("its manifest is none")
        if document["format"] != FORMAT:
            raise BadRequest(
                f"This bundle has format {document['format']}.", "Unpack it with the release that made it."
            )
        try:
            made = cls(
                items=tuple(Item(**item) for item in document["items"]),
                files=tuple(Entry(**entry) for entry in document["files"]),
                links=tuple((str(link), str(target)) for link, target in document["links"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"its manifest is incomplete ({error})") from error
        made._check()
        return made

    def _check(self) -> None:
        for item in self.items:
            _check_item(item)
        places = [entry.place for entry in self.files]
        names = [*places, *(link for link, _ in self.links)]
        # As the hub's library and the datasets library name their folders.
        owned = {f"hub/{repo_folder(item.kind, item.repo_id)}" for item in self.items}
        owned |= {f"datasets/{item.repo_id.replace('/', '___')}" for item in self.items if item.kind == "dataset"}
        for name in names:
            if not _is_place(name):
                raise ValueError(f"it has a file at {name!r}")
            if "/".join(name.split("/")[:2]) not in owned:
                raise ValueError(f"{name!r} belongs to nothing in it")
        if len(set(names)) != len(names):
            raise ValueError("it has a file twice")
        for entry in self.files:
            size: Any = entry.size_bytes
            if not isinstance(size, int) or size < 0 or not _SHA256.fullmatch(str(entry.sha256)):
                raise ValueError(f"it says nothing of {entry.place!r}")
        targets = {target for _, target in self.links}
        for link, target in self.links:
            same_repo = link.split("/")[:2] == target.split("/")[:2]
            if target not in places or not same_repo or "/snapshots/" not in link:
                raise ValueError(f"it has a link {link!r} to {target!r}")
        ends = [name for name in names if "/blobs/" not in name]
        if not all(name.endswith(_ENDINGS) for name in ends) or not targets.issuperset(set(places) - set(ends)):
            raise ValueError("it has files that no run needs")


def _check_item(item: Item) -> None:
    needed: tuple[Any, ...] = (item.kind, item.name, item.repo_id, item.revision)
    others: tuple[Any, ...] = (item.weights_file, item.split)
    text = all(isinstance(one, str) for one in needed) and all(one is None or isinstance(one, str) for one in others)
    if not text or item.kind not in ("model", "dataset") or not re.fullmatch(r"\w+", item.revision):
        raise ValueError("it names something that is no model and no data set")


def _is_place(name: Any) -> bool:
    """Returns whether a name is a place inside the cache and nowhere else."""
    if not isinstance(name, str) or "\0" in name or "\\" in name or len(name) > 1000:
        return False
    if any(part in ("", ".", "..") for part in name.split("/")):
        return False
    return bool(_HUB.fullmatch(name) or _PREPARED.fullmatch(name))


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuses to write where it does not fit.

    Args:
        folder: where; the nearest one above it that exists counts.
        needed_bytes: how much.

    Raises:
        OrinError: the disk has less, or would be nearly full.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free_mb, needed_mb = shutil.disk_usage(folder).free / 1e6, needed_bytes / 1e6
    if needed_mb + MIN_LEFT_MB > free_mb:
        raise OrinError(f"This takes {needed_mb:.0f} MB and {folder} has {free_mb:.0f} MB free.", "Free disk space.")
