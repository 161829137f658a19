"""Batches of decoded images, made in a thread of their own ahead of the device."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

from orin_core.errors import BadRequest, OrinError
from orin_core.inference.sources import DECODE_ERRORS, Pixels, Source

AHEAD_MB = 256.0
"""Decoded images that may wait, MB; with large images at least two batches wait all the same."""
MIN_AHEAD, MAX_AHEAD = 2, 16
PATIENCE_S = 0.1

PADDING = -1
"""Stands before the shorter prompts of a batch; no token id."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageGroup:
    """Images of one size, or the prompts of a batch.

    Args:
        positions: their places in the batch.
        pixels: RGB, uint8, 0 to 255, shape (n, 3, height, width), on the host; of prompts their token ids,
            int64, shape (n, tokens), ``PADDING`` before shorter ones.
    """

    positions: tuple[int, ...]
    pixels: torch.Tensor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The images of one model call.

    Args:
        items: number of images, 1 or more.
        groups: the images by size, in the order in which the sizes appear.
    """

    items: int
    groups: tuple[ImageGroup, ...]

    @property
    def size_mb(self) -> float:
        """Size of its pixels, MB."""
        return sum(group.pixels.nbytes for group in self.groups) / 1e6

    @property
    def sizes(self) -> dict[int, tuple[int, int]]:
        """Height and width of each image by its place, pixels."""
        found: dict[int, tuple[int, int]] = {}
        for group in self.groups:
            _, _, height, width = group.pixels.shape
            found.update(dict.fromkeys(group.positions, (height, width)))
        return found


class Supply(Protocol):
    """Where the batches of a run come from."""

    batch_size: int
    """Images in a batch; may be lowered between two calls of ``first`` or ``batches``."""

    @property
    def failed_items(self) -> int:
        """Number of images that could not be read so far."""

    def first(self) -> Batch:
        """Returns the first batch; it is whole, however few images there are."""

    def batches(self, items: int | None = None) -> contextlib.AbstractContextManager[Iterator[Batch]]:
        """Gives batches from the first image on, again and again."""


class Feed:
    """The images of a source, in order, again and again.

    An image that cannot be read is skipped, counted and named once, however often its turn comes.

    Args:
        source: images by number.
        batch_size: images in a batch, 1 or more.
        on_failed: called from the feed's thread with name and reason of an image that cannot be read.
        prefetch: whether images are decoded ahead; without it each is decoded when it is asked for.
        pinned: whether batches lie in pinned memory, from which CUDA copies beside its computation.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int,
        on_failed: Callable[[str, str], None],
        *,
        prefetch: bool = True,
        pinned: bool = False,
    ) -> None:
        self._source = source
        self.batch_size = batch_size
        self._on_failed = on_failed
        self._prefetch = prefetch
        self._pinned = pinned
        self._failed: set[int] = set()
        self._ahead = MIN_AHEAD

    @property
    def failed_items(self) -> int:
        """Number of images that could not be read so far."""
        return len(self._failed)

    def first(self) -> Batch:
        """Returns the first batch, and learns from its size how many may wait.

        Raises:
            BadRequest: no image of the source can be read.
        """
        batch = next(self._make(None))
        self._ahead = int(min(max(AHEAD_MB / max(batch.size_mb, 1e-3), MIN_AHEAD), MAX_AHEAD))
        return batch

    @contextlib.contextmanager
    def batches(self, items: int | None = None) -> Iterator[Iterator[Batch]]:
        """Gives batches from the first image on; the first fetch happens at entry.

        Args:
            items: number of images after which it ends, the last batch being as short as it
                must; without it there is no end.

        Raises:
            BadRequest: no image of the source can be read.
        """
        if not self._prefetch:
            yield self._make(items)
            return
        waiting: queue.Queue[Batch | Exception | None] = queue.Queue(maxsize=self._ahead)
        closed = threading.Event()

        def put(entry: Batch | Exception | None) -> bool:
            while not closed.is_set():
                with contextlib.suppress(queue.Full):
                    waiting.put(entry, timeout=PATIENCE_S)
                    return True
            return False

        def fill() -> None:
            try:
                for batch in self._make(items):
                    if not put(batch):
                        return
                put(None)
            except Exception as error:  # boundary: raised where batches are taken  # noqa: BLE001
                put(error)

        thread = threading.Thread(target=fill, name="feed", daemon=True)
        thread.start()
        try:
            yield _taken(waiting)
        finally:
            closed.set()
            thread.join()

    def _make(self, items: int | None) -> Iterator[Batch]:
        images: list[Pixels] = []
        left = items
        for pixels in self._images():
            images.append(pixels)
            if len(images) == min(self.batch_size, self.batch_size if left is None else left):
                yield batch_of(images, pinned=self._pinned)
                left = None if left is None else left - len(images)
                images = []
                if left == 0:
                    return

    def _images(self) -> Iterator[Pixels]:
        """Yields every image that can be read, pass after pass."""
        while True:
            for index in range(len(self._source)):
                if index in self._failed:
                    continue
                try:
                    pixels = self._source.read(index)
                except DECODE_ERRORS as error:
                    self._failed.add(index)
                    self._on_failed(self._source.name(index), str(error) or type(error).__name__)
                    continue
                yield pixels
            if len(self._failed) == len(self._source):
                raise BadRequest(
                    f"None of the {len(self._source)} images can be read.", "Check that these files are images."
                )


def _taken(waiting: queue.Queue[Batch | Exception | None]) -> Iterator[Batch]:
    while (entry := waiting.get()) is not None:
        if isinstance(entry, (OrinError, MemoryError)):
            raise entry
        if isinstance(entry, Exception):
            raise RuntimeError(f"The feed of images failed: {entry!r}") from entry
        yield entry


def batch_of(images: Sequence[Pixels], *, pinned: bool = False) -> Batch:
    """Returns images as one batch.

    Args:
        images: RGB, uint8, shape (3, height, width) each, 1 or more; or prompts, int64, shape (tokens,) each.
        pinned: whether it lies in pinned memory.
    """
    if images[0].ndim == 1:
        group = ImageGroup(positions=tuple(range(len(images))), pixels=_left_padded(images, pinned=pinned))
        return Batch(items=len(images), groups=(group,))
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for position, pixels in enumerate(images):
        by_shape.setdefault(pixels.shape, []).append(position)
    groups = tuple(
        ImageGroup(positions=tuple(positions), pixels=stacked([images[place] for place in positions], pinned=pinned))
        for positions in by_shape.values()
    )
    return Batch(items=len(images), groups=groups)


def _left_padded(prompts: Sequence[Pixels], *, pinned: bool) -> torch.Tensor:
    """Returns prompts as one tensor, shape (n, tokens of the longest): an answer begins at the same place for all."""
    rows = torch.full((len(prompts), max(map(len, prompts))), PADDING, dtype=torch.int64, pin_memory=pinned)
    for row, prompt in zip(rows, prompts, strict=True):
        row[len(row) - len(prompt) :] = torch.from_numpy(prompt)
    return rows


def stacked(images: Sequence[Pixels], *, pinned: bool) -> torch.Tensor:
    """Returns images of one size as one tensor: uint8, shape (n, 3, height, width), on the host."""
    if not pinned:
        return torch.from_numpy(np.stack(images))
    block = torch.empty((len(images), *images[0].shape), dtype=torch.uint8, pin_memory=True)
    np.stack(images, out=block.numpy())
    return block
