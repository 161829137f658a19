"""Images decoded before the clock starts: blocks of uint8 in memory, of which batches are views."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence

import torch

from orin_core.errors import BadRequest
from orin_core.inference.feed import Batch, ImageGroup, stacked
from orin_core.inference.memory import free_mb
from orin_core.inference.process import Stop
from orin_core.inference.sources import DECODE_ERRORS, Pixels, Source

SHARE = 0.6
"""At most this share of the free memory is taken; the rest is for the batches in work."""

BLOCK_BYTES = 2**26
"""Size of a block at most, unless a single image is larger; so much is there twice while one is put together.

A power of two, since torch takes pinned memory in such.
**Source**: torch ``CachingHostAllocator``, ``PowerOf2Ceil``.
"""

LOOK_EVERY = 64
"""Images after which what all will take is estimated from those so far."""


@dataclasses.dataclass(slots=True)
class _Pool:
    """The images of one size, in their order.

    Args:
        numbers: the place of each among all images that were read.
        blocks: their pixels.
        starts: how many images of this size lie before each block.
        loose: images that are in no block yet.
    """

    numbers: list[int] = dataclasses.field(default_factory=list)
    blocks: list[torch.Tensor] = dataclasses.field(default_factory=list)
    starts: list[int] = dataclasses.field(default_factory=list)
    loose: list[Pixels] = dataclasses.field(default_factory=list)

    def pack(self, *, pinned: bool) -> None:
        """Makes a block of the loose images."""
        if self.loose:
            self.starts.append(len(self.numbers) - len(self.loose))
            self.blocks.append(stacked(self.loose, pinned=pinned))
            self.loose = []

    def needed_bytes(self, images: float, *, pinned: bool) -> float:
        """Returns what so many images of this size take as blocks; asked while some are loose."""
        one = self.loose[-1].nbytes
        if not pinned:
            return images * one
        a_block = max(BLOCK_BYTES // one, 1)
        full, rest = divmod(max(round(images), 1), a_block)
        return full * _power_of_two(a_block * one) + (_power_of_two(rest * one) if rest else 0)

    def between(self, first: int, last: int) -> Iterator[tuple[Sequence[int], torch.Tensor]]:
        """Yields the images whose places are in [first, last): places and pixels, block by block."""
        begin, end = bisect.bisect_left(self.numbers, first), bisect.bisect_left(self.numbers, last)
        while begin < end:
            block = bisect.bisect_right(self.starts, begin) - 1
            offset = begin - self.starts[block]
            count = min(end - begin, len(self.blocks[block]) - offset)
            yield self.numbers[begin : begin + count], self.blocks[block][offset : offset + count]
            begin += count


def _power_of_two(number: int) -> int:
    """Returns the smallest power of two that is no less."""
    return 1 << (number - 1).bit_length()


class Preloaded:
    """The images of a source in memory, in order, again and again; a pass goes on in the next within a batch.

    Args:
        source: images by number.
        batch_size: images in a batch, 1 or more.
        on_failed: called with name and reason of an image that cannot be read, once for each.
        items: no more than so many are needed; None for all that there are.
        pinned: whether they lie in pinned memory.
        stop: asked between images; what was read by then is what there is, maybe nothing.
        free_mb: how much memory is left, MB.

    Raises:
        BadRequest: they do not fit into memory, or none can be read.
    """

    def __init__(
        self,
        source: Source,
        batch_size: int,
        on_failed: Callable[[str, str], None],
        *,
        items: int | None,
        pinned: bool,
        stop: Stop,
        free_mb: Callable[[], float] = free_mb,
    ) -> None:
        self.batch_size = batch_size
        self._pools: dict[tuple[int, ...], _Pool] = {}
        self._failed = 0
        self._bytes = 0
        self._room_mb = free_mb()
        self._pinned = pinned
        self._items = 0
        start_s = time.perf_counter()
        wanted = len(source) if items is None else min(max(items, batch_size), len(source))
        for index in range(len(source)):
            if self._items >= wanted or stop.asked:
                break
            self._add(source, index, on_failed, wanted=wanted)
        if not self._items and not stop.asked:
            raise BadRequest(f"None of the {len(source)} images can be read.", "Check that these files are images.")
        for pool in self._pools.values():
            pool.pack(pinned=pinned)
        self.seconds = time.perf_counter() - start_s
        """What all that took, s."""

    @property
    def failed_items(self) -> int:
        """Number of images that could not be read."""
        return self._failed

    @property
    def items(self) -> int:
        """Number of images in memory."""
        return self._items

    @property
    def size_mb(self) -> float:
        """Size of their pixels, MB."""
        return self._bytes / 1e6

    def first(self) -> Batch:
        """Returns the first batch."""
        return self._batch(0, self.batch_size)

    @contextlib.contextmanager
    def batches(self, items: int | None = None) -> Iterator[Iterator[Batch]]:
        """Gives batches from the first image on.

        Args:
            items: number of images after which it ends, the last batch being as short as it
                must; without it there is no end.
        """
        yield self._all(items)

    def _all(self, items: int | None) -> Iterator[Batch]:
        start = 0
        while items is None or start < items:
            count = self.batch_size if items is None else min(self.batch_size, items - start)
            yield self._batch(start % self._items, count)
            start += count

    def _batch(self, start: int, count: int) -> Batch:
        groups: list[ImageGroup] = []
        position = 0
        while position < count:
            number = (start + position) % self._items
            some = min(count - position, self._items - number)
            for pool in self._pools.values():
                for numbers, pixels in pool.between(number, number + some):
                    places = tuple(place - number + position for place in numbers)
                    groups.append(ImageGroup(positions=places, pixels=pixels))
            position += some
        return Batch(items=count, groups=tuple(groups))

    def _add(self, source: Source, index: int, on_failed: Callable[[str, str], None], *, wanted: int) -> None:
        try:
            pixels = source.read(index)
        except DECODE_ERRORS as error:
            self._failed += 1
            on_failed(source.name(index), str(error) or type(error).__name__)
            return
        pool = self._pools.setdefault(pixels.shape, _Pool())
        if (len(pool.loose) + 1) * pixels.nbytes > BLOCK_BYTES:
            pool.pack(pinned=self._pinned)
        pool.numbers.append(self._items)
        pool.loose.append(pixels)
        self._items += 1
        self._bytes += pixels.nbytes
        if self._items == 1 or self._items % LOOK_EVERY == 0:
            self._check_room(wanted)

    def _check_room(self, wanted: int) -> None:
        share = wanted / self._items
        needed_mb = (
            sum(pool.needed_bytes(len(pool.numbers) * share, pinned=self._pinned) for pool in self._pools.values())
            / 1e6
        )
        if needed_mb > SHARE * self._room_mb:
            raise BadRequest(
                f"{wanted} decoded images take about {needed_mb:.0f} MB, and {self._room_mb:.0f} MB are free.",
                f"Do not preload, or ask for at most {max(int(SHARE * self._room_mb / needed_mb * wanted), 1)} images.",
            )
