"""Pictures of what the model said, in a folder of the run folder: written by the runner, read by the pages.

They are made by the worker before warm-up and are no part of what is measured. The folder
appears whole or not at all.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core import catalog
from orin_core.runs import store
from orin_core.runs.recording import Recording

FOLDER = "gallery"
INDEX = "gallery.json"
KINDS = ("classification", "depth", "detection", "text")
MAX_PICTURES = 8
MAX_JPEG_BYTES = 40_000
MAX_TITLE = 200
"""Longest title that is kept, characters."""

_CLASSES_SHOWN = {"cifar100": 100}
"""Classes of the catalogue's data sets; a model of as many is taken to name the same ones."""

_FILE = re.compile(rf"[0-{MAX_PICTURES - 1}]\.jpg")
_JPEG_START = b"\xff\xd8\xff"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture of a run's gallery.

    Args:
        file: its name in the gallery, ``0.jpg`` to ``7.jpg``.
        title: what the model said, in words.
        kind: one of :data:`KINDS`.
    """

    file: str
    title: str
    kind: str


# -- writing --------------------------------------------------------------------------------------


def keep(folder: Path, event: Mapping[str, Any]) -> tuple[int, str]:
    """Writes the pictures of the worker's ``outputs`` event into a run folder.

    Nothing that is wrong with them ends a run: it is told instead.

    Args:
        folder: the run folder.
        event: ``pictures`` as a list of ``jpeg`` (base64), ``title`` and ``kind``; ``classes`` that
            the model knows; ``problem`` that the worker had with them.

    Returns:
        How many are kept, and one sentence on what went wrong, empty where all went well.
    """
    problem = str(event.get("problem") or "")[:500]
    beside = folder / f".{FOLDER}.{os.getpid()}"
    try:
        pictures = [_checked(one) for one in list(event.get("pictures") or [])[:MAX_PICTURES]]
        if pictures:
            _write(beside, pictures, event.get("classes"))
            beside.rename(folder / FOLDER)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        return 0, f"The pictures of what the model says could not be kept: {error.strerror or error}."
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        return 0, f"The pictures of what the model says could not be kept: {error}."
    return len(pictures), problem


def _checked(one: Mapping[str, Any]) -> tuple[bytes, str, str]:
    """Returns JPEG, title and kind of a picture that was sent.

    Raises:
        ValueError: it is no JPEG, too large, or of no known kind.
    """
    try:
        jpeg = base64.b64decode(one["jpeg"], validate=True)
    except binascii.Error as error:
        raise ValueError("one of them is garbled") from error
    if not jpeg.startswith(_JPEG_START) or len(jpeg) > MAX_JPEG_BYTES:
        raise ValueError("one of them is no small JPEG")
    if one["kind"] not in KINDS:
        raise ValueError("one of them is of no known kind")
    return jpeg, " ".join(str(one["title"]).split())[:MAX_TITLE], one["kind"]


def _write(beside: Path, pictures: list[tuple[bytes, str, str]], classes: Any) -> None:
    beside.mkdir()
    rows = []
    for number, (jpeg, title, kind) in enumerate(pictures):
        (beside / f"{number}.jpg").write_bytes(jpeg)
        rows.append({"file": f"{number}.jpg", "title": title, "kind": kind})
    store.write_json(beside / INDEX, {"pictures": rows, "classes": classes if isinstance(classes, int) else None})


# -- reading --------------------------------------------------------------------------------------


def _index(recording: Recording) -> dict[str, Any]:
    return store.read_json(recording.folder / FOLDER / INDEX) or {}


def pictures(recording: Recording) -> tuple[Picture, ...]:
    """Returns the pictures of a run in order; empty where it has none (yet)."""
    rows = _index(recording).get("pictures")
    found = [_picture(row) for row in rows] if isinstance(rows, list) else []
    return tuple(picture for picture in found if picture is not None)[:MAX_PICTURES]


def count(recording: Recording) -> int:
    """Returns how many pictures a run has."""
    return len(pictures(recording))


def _picture(row: Any) -> Picture | None:
    if not isinstance(row, dict):
        return None
    file, title, kind = row.get("file"), row.get("title"), row.get("kind")
    if not (isinstance(file, str) and _FILE.fullmatch(file) and isinstance(title, str) and kind in KINDS):
        return None
    return Picture(file=file, title=title[:MAX_TITLE], kind=str(kind))


def jpeg(recording: Recording, file: str) -> bytes | None:
    """Returns a picture's file; None where there is no such picture, or it is no small JPEG.

    Args:
        recording: the run.
        file: name as in :class:`Picture`; any other names nothing.
    """
    if not _FILE.fullmatch(file):
        return None
    try:
        with open(recording.folder / FOLDER / file, "rb", opener=_plain_file) as stream:
            data = stream.read(MAX_JPEG_BYTES + 1) or b""
    except OSError:
        return None
    return data if data.startswith(_JPEG_START) and len(data) <= MAX_JPEG_BYTES else None


def _plain_file(path: str, flags: int) -> int:
    """Opens a file that is itself one: a link may lead anywhere, and a pipe would wait for ever."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def caption(recording: Recording) -> str:
    """Returns what a viewer must know of a run's pictures: what they mean, and what they do not."""
    shown = pictures(recording)
    if not shown:
        return ""
    kind = shown[0].kind
    parts = _meaningless(recording, kind)
    if kind == "depth":
        parts.append("Bright is near, dark is far; every picture has a scale of its own.")
    items = "prompts" if kind == "text" else "images"
    parts.append(f"Made before warm-up from {items} spread over the data set; no part of what is measured.")
    return " ".join(parts)


def _meaningless(recording: Recording, kind: str) -> list[str]:
    """Returns why what the model said means nothing, or little; empty where nobody can know."""
    found = recording.environment()
    parts = []
    if found.get("weights") == "random":
        parts.append("Random weights: what the model says means nothing.")
    if found.get("images") == "synthetic":
        made_up = "Synthetic prompts: made-up tokens, there is nothing to answer."
        parts.append(made_up if kind == "text" else "Synthetic images: noise, there is nothing to recognise.")
    row = catalog.dataset_row(str(found.get("dataset") or ""))
    if parts or row is None or kind in ("depth", "text"):
        # A depth map names nothing, and an answer no class.
        return parts
    classes = _index(recording).get("classes")
    if not isinstance(classes, int) or classes == _CLASSES_SHOWN.get(row.name):
        return []
    return [f"The model names its own {classes} classes; {row.label} shows others, so the names mean nothing here."]
