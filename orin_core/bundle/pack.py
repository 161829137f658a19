"""Writes a bundle: chosen models and data sets of the cache, with a checksum for each file."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from orin_core import catalog, resolve
from orin_core.assets import hub_cache
from orin_core.assets.hub_names import hub_file, is_hub_id
from orin_core.bundle.manifest import MANIFEST, READ_BYTES, Entry, Item, Manifest, check_room, roots
from orin_core.errors import BadRequest, NotCached, OrinError

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many bytes of it, and of how many."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """What goes into a bundle.

    Args:
        items: models and data sets.
        files: where each file is, by its place in the cache.
        links: places of links by their own place.
    """

    items: list[Item] = dataclasses.field(default_factory=list)
    files: dict[str, Path] = dataclasses.field(default_factory=dict)
    links: dict[str, str] = dataclasses.field(default_factory=dict)

    def add(self, item: Item, paths: Sequence[Path]) -> None:
        self.items.append(item)
        for path in paths:
            place = _place(path)
            if path.is_symlink():
                # One step, as the hub's library made it: a blob may itself lie elsewhere.
                target = _place(Path(os.path.normpath(path.parent / path.readlink())))
                self.links[place] = target
                place = target
            self.files[place] = path


def pack(models: Sequence[str], datasets: Sequence[str], out: Path, progress: Progress) -> Manifest:
    """Writes a bundle; it is whole or not there.

    Args:
        models: catalogue names, hub ids, or YOLO files of the hub.
        datasets: catalogue names or hub ids; all of the catalogue that is here where nothing is named.
        out: the bundle; one that is there is replaced.
        progress: told how far it is.

    Raises:
        NotCached: something is not on this machine.
        BadRequest: a name is wrong, there is nothing to pack, or the bundle cannot be written.
        OrinError: the disk is too small, or a file changed meanwhile.
    """
    chosen = _choose(models, datasets)
    sizes = {place: path.stat().st_size for place, path in chosen.files.items()}
    if out.is_dir() or not os.access(out.parent, os.W_OK | os.X_OK):
        raise BadRequest(f"{out} cannot be written.", "Name a file in a folder that can be written with -o.")
    check_room(out.parent, sum(sizes.values()))
    entries = _entries(chosen.files, sizes, progress)
    manifest = Manifest(items=tuple(chosen.items), files=entries, links=tuple(sorted(chosen.links.items())))
    aside = out.with_name(f".{out.name}.part")
    try:
        _write(aside, manifest, chosen.files, progress)
        aside.replace(out)
    except OSError as error:
        hint = "FAT32 takes no file of 4 GB or more: format the stick as exFAT." if error.errno == errno.EFBIG else ""
        raise OrinError(f"{out} cannot be written: {error.strerror or error}.", hint or "Is the disk full?") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    return manifest


def _choose(models: Sequence[str], datasets: Sequence[str]) -> _Chosen:
    chosen = _Chosen()
    if not models and not datasets:
        models = [row.name for row in catalog.MODELS if catalog.cached_weights(row)]
        datasets = [row.name for row in catalog.DATASETS if catalog.cached_images(row)]
    for name in dict.fromkeys(models):
        _add_model(name.strip(), chosen)
    for name in dict.fromkeys(datasets):
        _add_dataset(name.strip(), chosen)
    if not chosen.items:
        raise BadRequest(
            "There is nothing to pack: no model and no data set of the catalogue is on this machine.",
            "Fetch some first: python -m orin_core fetch resnet-152.",
        )
    return chosen


def _add_model(name: str, chosen: _Chosen) -> None:
    row = catalog.model_row(name)
    if row:
        name, repo_id, weights_file = row.name, row.model_id, row.weights_file
    else:
        _check_hub_name(name, is_hub_id(name) or hub_file(name) is not None)
        repo_id, weights_file = hub_file(name) or (name, None)
    found = hub_cache.cached_model(repo_id, revision=row.revision if row else None, weights_file=weights_file)
    if found is None:
        raise _not_here(name)
    item = Item(kind="model", name=name, repo_id=repo_id, revision=found.revision, weights_file=weights_file)
    if weights_file:
        chosen.add(item, [found.path])
        return
    names = (
        *(hub_cache.CONFIG, hub_cache.PREPROCESSOR, hub_cache.WEIGHTS_INDEX, hub_cache.GENERATION),
        *hub_cache.TOKENIZER_FILES,
    )
    described = [path for file in names if (path := found.path / file).is_file()]
    chosen.add(item, [*described, *hub_cache.weight_files(found.path)])


def _add_dataset(name: str, chosen: _Chosen) -> None:
    if catalog.dataset_row(name) is None:
        _check_hub_name(name, is_hub_id(name))
    spec = resolve.resolve_dataset(name)
    split = spec.split or ""
    found = hub_cache.cached_dataset(spec.dataset_id, split, revision=spec.revision) if spec.kind == "hub" else None
    if found is None:
        raise _not_here(name)
    item = Item(kind="dataset", name=spec.name, repo_id=spec.dataset_id, revision=found.revision, split=split)
    prepared = [found.files[0].parent / "dataset_info.json"] if found.kind == "arrow" else []
    chosen.add(item, [*found.files, *prepared])


def _check_hub_name(name: str, of_hub: bool) -> None:
    if not of_hub or resolve.is_path(name):
        raise BadRequest(
            f"{name!r} is no name of the catalogue and no hub id.",
            "A bundle moves what was fetched; copy folders and files of your own by themselves.",
        )


def _not_here(name: str) -> NotCached:
    return NotCached(f"{name} is not on this machine.", f"Fetch it with: python -m orin_core fetch {name}.")


def _place(path: Path) -> str:
    for name, root in roots().items():
        if path.is_relative_to(root):
            return f"{name}/{path.relative_to(root).as_posix()}"
    raise OrinError(f"{path} is outside the cache.", "Set HF_HOME to the cache that holds it.")


def _entries(files: Mapping[str, Path], sizes: Mapping[str, int], progress: Progress) -> tuple[Entry, ...]:
    entries, done, total = [], 0, sum(sizes.values())
    for place, path in sorted(files.items()):
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while piece := stream.read(READ_BYTES):
                digest.update(piece)
                done += len(piece)
                progress("checksums", done, total)
        entries.append(Entry(place=place, size_bytes=sizes[place], sha256=digest.hexdigest()))
    return tuple(entries)


class _Hashed:
    """A file that is read once, with the checksum of what was read."""

    def __init__(self, stream: BinaryIO, count: Callable[[int], None]) -> None:
        self._stream, self._count, self._digest = stream, count, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._digest.update(piece)
        self._count(len(piece))
        return piece

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _write(out: Path, manifest: Manifest, files: Mapping[str, Path], progress: Progress) -> None:
    done, total = 0, manifest.size_bytes

    def count(amount: int) -> None:
        nonlocal done
        done += amount
        progress("packing", done, total)

    with out.open("wb") as raw:
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
            text = manifest.to_bytes()
            # A fresh TarInfo carries no user, no group and no time.
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
            for entry in manifest.files:
                with files[entry.place].open("rb") as stream:
                    hashed = _Hashed(stream, count)
                    info = tarfile.TarInfo(entry.place)
                    info.size = entry.size_bytes
                    tar.addfile(info, hashed)
                if hashed.sha256 != entry.sha256:
                    raise OrinError(f"{files[entry.place]} changed while it was packed.", "Pack again.")
        raw.flush()
        # A stick that is pulled out must hold all of it.
        os.fsync(raw.fileno())
