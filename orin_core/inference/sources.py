"""Where images come from: one at a time, decoded, by number."""

from __future__ import annotations

import functools
import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

# Bound here because ultralytics, once imported, replaces it by one that installs packages for broken files.
from PIL.Image import open as open_image

from orin_core.assets import hub_cache
from orin_core.assets.image_folder import image_files, is_saved_dataset
from orin_core.assets.parquet import image_column, parquet_files
from orin_core.errors import BadRequest, NotCached
from orin_core.inference.camera import CameraSource
from orin_core.spec import DatasetSpec

Pixels = npt.NDArray[Any]
"""An image: RGB, uint8, shape (3, height, width); or a prompt: token ids, int64, shape (tokens,)."""

DECODE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What the decoders raise on a file that is cut, garbled or no image."""


class Source(Protocol):
    """Images by number, or prompts, always in the same order."""

    @property
    def kind(self) -> str:
        """``local``, ``cached``, ``synthetic`` or ``camera``."""

    def __len__(self) -> int:
        """Number of images in one pass; ``sys.maxsize`` where there is no end (``is_endless``)."""

    def name(self, index: int) -> str:
        """What a person calls an image of this source."""

    def read(self, index: int) -> Pixels:
        """Returns an image decoded: RGB, uint8, 0 to 255, shape (3, height, width), contiguous; or a prompt tokenised.

        Raises:
            Exception: one of ``DECODE_ERRORS``; the image cannot be read.
            OrinError: there are no more images.
        """


def is_endless(source: Source) -> bool:
    """Returns whether images come as they are made, whatever their number: no two reads give the same one."""
    return len(source) == sys.maxsize


def open_source(spec: DatasetSpec, seed: int) -> Source:
    """Returns the images of a data set.

    Args:
        spec: which images.
        seed: of synthetic images.

    Raises:
        BadRequest: the data set is not there any more, or holds no images.
    """
    if spec.kind == "synthetic":
        return SyntheticSource(spec, seed)
    if spec.kind == "camera":
        return CameraSource(spec.dataset_id)
    folder = Path(spec.dataset_id)
    if spec.kind == "folder" and not is_saved_dataset(folder):
        return FolderSource(folder)
    return _TableSource(spec)


def decode(file: Path | io.BytesIO) -> Pixels:
    """Returns an image file decoded, turned upright as its EXIF says, as ``Source.read`` does."""
    with open_image(file) as image:
        ImageOps.exif_transpose(image, in_place=True)
        return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))


class FolderSource:
    """Image files in a folder and below it."""

    kind = "local"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = image_files(folder)
        if not self._files:
            raise BadRequest(f"{folder} holds no images any more.", "Put PNG, JPEG, WebP or BMP files there.")

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        return self._files[index].relative_to(self._folder).as_posix()

    def read(self, index: int) -> Pixels:
        return decode(self._files[index])


class SyntheticSource:
    """Seeded noise of a data set's shape and count: the same images for the same seed."""

    kind = "synthetic"

    def __init__(self, spec: DatasetSpec, seed: int) -> None:
        self._shape = (3, spec.height_px, spec.width_px)
        self._seed = seed
        self._items = spec.items or 0
        if self._items < 1:
            raise BadRequest(f"No number of synthetic images is known for {spec.label}.")

    def __len__(self) -> int:
        return self._items

    def name(self, index: int) -> str:
        return f"synthetic {index}"

    def read(self, index: int) -> Pixels:
        noise = np.random.default_rng((self._seed, index))
        return noise.integers(0, 256, self._shape, dtype=np.uint8)


class _TableSource:
    """A table of the datasets library: fetched, prepared or saved by it, or parquet files."""

    def __init__(self, spec: DatasetSpec) -> None:
        import datasets

        self.kind = "cached" if spec.kind == "hub" else "local"
        table = open_table(spec)
        column = image_column(table.features.arrow_schema, functools.partial(_first, table))
        if column is None or not len(table):
            raise BadRequest(f"{spec.label} has no images.", f"Its columns are {', '.join(table.features)}.")
        # Kept encoded, so that a broken row fails when it is read, by itself.
        self._table = table.select_columns([column]).cast_column(column, datasets.Image(decode=False))
        self._column = column

    def __len__(self) -> int:
        return len(self._table)

    def name(self, index: int) -> str:
        return f"row {index}"

    def read(self, index: int) -> Pixels:
        cell = self._table[index][self._column]
        return decode(io.BytesIO(cell["bytes"]) if cell["bytes"] is not None else Path(cell["path"]))


def _first(table: Any, column: str) -> Any:
    """Returns the first value of a column as it is stored, None where there is none."""
    return next(iter(table.data.column(column).slice(0, 1).to_pylist()), None)


def open_table(spec: DatasetSpec) -> Any:
    """Returns the table of a data set, as the datasets library has it.

    Raises:
        BadRequest: it is not there any more.
    """
    import datasets

    datasets.disable_progress_bars()
    if spec.kind == "folder":
        return datasets.load_from_disk(spec.dataset_id)
    if spec.kind == "parquet":
        files = [str(path) for path in parquet_files(Path(spec.dataset_id))]
        if not files:
            raise BadRequest(f"{spec.dataset_id} holds no parquet files any more.", "Name another file or folder.")
        return datasets.Dataset.from_parquet(files)
    found = hub_cache.cached_dataset(spec.dataset_id, spec.split or "test", revision=spec.revision)
    if found is None:
        raise NotCached(
            f"{spec.label} is not on this machine any more.",
            f"Fetch it with: python -m orin_core fetch {spec.name}.",
        )
    files = [str(path) for path in found.files]
    if found.kind == "arrow":
        return datasets.concatenate_datasets([datasets.Dataset.from_file(path) for path in files])
    return datasets.Dataset.from_parquet(files)
