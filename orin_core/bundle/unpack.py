"""Puts a bundle into the cache: checked as a whole first, then made visible; what is there is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from orin_core.bundle.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    READ_BYTES,
    Entry,
    Item,
    Manifest,
    check_room,
    path_of,
    repo_folder,
    roots,
)
from orin_core.bundle.pack import Progress
from orin_core.errors import BadRequest, OrinError

STAGING = ".orin-unpack"
"""Where files lie until the whole bundle is known to be good; beside their places, so that they only move."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What came of one item.

    Args:
        item: of the bundle.
        before: the revision that was here already and is kept; None where there was none.
    """

    item: Item
    before: str | None


def unpack(bundle: Path, progress: Progress) -> list[Unpacked]:
    """Puts what a bundle holds into the cache of this machine.

    Args:
        bundle: the file.
        progress: told how far it is.

    Raises:
        BadRequest: there is no such file, it is no bundle, or it is damaged; nothing was changed.
        OrinError: the disk is too small or cannot be written, or another unpacking is on.
    """
    try:
        with _opened(bundle) as raw:
            return _unpack(raw, progress)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BadRequest(
            f"{bundle} is no bundle, or it is damaged: {error}.", "Copy it anew; nothing was changed."
        ) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise OrinError(
            f"{bundle} cannot be unpacked: {where}{error.strerror or error}.",
            "What was not complete was removed.",
        ) from error


def _opened(bundle: Path) -> BinaryIO:
    try:
        return bundle.open("rb")
    except OSError as error:
        raise BadRequest(f"{bundle} cannot be read: {error.strerror}.", "Name a bundle.") from error


def _unpack(raw: BinaryIO, progress: Progress) -> list[Unpacked]:
    with tarfile.open(fileobj=raw, mode="r:") as tar:
        members = iter(tar)
        manifest = _manifest(tar, next(members, None))
        for name, root in roots().items():
            mine = [entry for entry in manifest.files if entry.place.startswith(f"{name}/")]
            check_room(root, sum(entry.size_bytes for entry in mine if not path_of(entry.place).exists()))
        with _staging(manifest) as stages:
            _extract(tar, members, manifest, stages, progress)
            found = [Unpacked(item=item, before=item.found()) for item in manifest.items]
            _publish(manifest, stages, found)
    return found


def _manifest(tar: tarfile.TarFile, first: tarfile.TarInfo | None) -> Manifest:
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > MAX_MANIFEST_BYTES:
        raise ValueError("it does not begin with a manifest")
    return Manifest.from_bytes(_contents(tar, first).read())


def _contents(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    stream = tar.extractfile(member)
    if stream is None:
        raise ValueError(f"{member.name!r} is no file")
    return stream  # type: ignore[return-value]  # what IO[bytes] is


@contextlib.contextmanager
def _staging(manifest: Manifest) -> Iterator[dict[str, Path]]:
    """Gives a folder in each part of the cache that is needed; they are gone afterwards, with what is left in them."""
    names = {entry.place.partition("/")[0] for entry in manifest.files}
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(_stage(root)) for name, root in roots().items() if name in names}


@contextlib.contextmanager
def _stage(root: Path) -> Iterator[Path]:
    made = [folder for folder in (root, *root.parents) if not folder.exists()]
    stage = root / STAGING
    stage.mkdir(parents=True, exist_ok=True)
    handle = os.open(stage, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OrinError("Another bundle is being unpacked here.", "Wait until that is done.") from error
        # What an unpacking that was killed had left.
        _empty(stage)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _extract(
    tar: tarfile.TarFile,
    members: Iterator[tarfile.TarInfo],
    manifest: Manifest,
    stages: dict[str, Path],
    progress: Progress,
) -> None:
    """Reads every file of a bundle, checks it, and stages those that are not here.

    Raises:
        ValueError: a file is missing, is not as the manifest says, or is not in the manifest.
    """
    waiting = {entry.place: (number, entry) for number, entry in enumerate(manifest.files)}
    done, total = 0, manifest.size_bytes
    for member in members:
        number, entry = waiting.pop(member.name, (0, None))
        if entry is None or not member.isreg() or member.issparse() or member.size != entry.size_bytes:
            raise ValueError(f"{member.name!r} is not as its manifest says")
        staged = stages[entry.place.partition("/")[0]] / str(number)
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(_contents(tar, member))
            out = None if path_of(entry.place).exists() else stack.enter_context(staged.open("xb"))
            digest = hashlib.sha256()
            while piece := stream.read(READ_BYTES):
                digest.update(piece)
                if out is not None:
                    out.write(piece)
                done += len(piece)
                progress("unpacking", done, total)
            if digest.hexdigest() != entry.sha256:
                raise ValueError(f"{member.name!r} is not what was packed")
            if out is not None:
                out.flush()
                os.fsync(out.fileno())
    if waiting:
        raise ValueError(f"{len(waiting)} of {len(manifest.files)} files are missing")


def _publish(manifest: Manifest, stages: dict[str, Path], found: list[Unpacked]) -> None:
    """Moves what was staged to its places; what makes it visible to a run comes last."""

    def late(numbered: tuple[int, Entry]) -> bool:
        return numbered[1].place.endswith("/dataset_info.json")

    for number, entry in sorted(enumerate(manifest.files), key=late):
        staged, path = stages[entry.place.partition("/")[0]] / str(number), path_of(entry.place)
        if staged.exists() and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(path)
    for link, target in manifest.links:
        path = path_of(link)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # One that led nowhere.
            path.unlink(missing_ok=True)
            path.symlink_to(os.path.relpath(path_of(target), path.parent))
    for one in found:
        repo = roots()["hub"] / repo_folder(one.item.kind, one.item.repo_id)
        if one.before is None and (repo / "snapshots" / one.item.revision).is_dir():
            ref = repo / "refs" / "main"
            ref.parent.mkdir(exist_ok=True)
            aside = ref.with_name(".main.part")
            aside.write_text(one.item.revision, encoding="utf-8")
            aside.replace(ref)
