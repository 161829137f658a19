"""Batches: their order, the images that cannot be read, and how far the feed runs ahead."""

from __future__ import annotations

import itertools
import threading

import pytest

from orin_core.errors import BadRequest
from orin_core.inference.feed import Feed
from orin_core.inference.sources import Pixels
from tests.conftest import wait_for
from tests.support_inference import Numbered, numbers

pytestmark = pytest.mark.torch


def _ignore(name: str, reason: str) -> None:
    """Takes the news of a broken image."""


@pytest.mark.parametrize(
    ("count", "batch_size", "items", "expected"),
    [
        (10, 4, 10, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]),
        (3, 4, 8, [[0, 1, 2, 0], [1, 2, 0, 1]]),
        (3, 1, 4, [[0], [1], [2], [0]]),
        (5, 64, 3, [[0, 1, 2]]),
        (4, 4, 4, [[0, 1, 2, 3]]),
    ],
)
def test_images_come_in_order_again_and_again_until_the_number_is_reached(
    count: int, batch_size: int, items: int, expected: list[list[int]]
) -> None:
    feed = Feed(Numbered(count), batch_size, _ignore)
    with feed.batches(items) as batches:
        assert [numbers(batch) for batch in batches] == expected
    assert feed.failed_items == 0


def test_a_broken_image_is_named_once_and_skipped_in_every_pass() -> None:
    named: list[tuple[str, str]] = []
    source = Numbered(5, broken=(1, 3))
    feed = Feed(source, 3, lambda name, reason: named.append((name, reason)))
    assert numbers(feed.first()) == [0, 2, 4]
    with feed.batches(9) as batches:
        assert [numbers(batch) for batch in batches] == [[0, 2, 4]] * 3
    assert named == [("image 1", "cut off"), ("image 3", "cut off")]
    assert feed.failed_items == 2
    assert source.reads.count(1) == 1


def test_nothing_but_broken_images_is_refused() -> None:
    feed = Feed(Numbered(3, broken=(0, 1, 2)), 2, _ignore)
    with pytest.raises(BadRequest, match="None of the 3 images"):
        feed.first()
    with pytest.raises(BadRequest, match="None of the 3 images"), feed.batches(2) as batches:
        next(batches)


def test_what_is_no_broken_image_ends_the_run() -> None:
    class Failing(Numbered):
        def __init__(self, error: Exception) -> None:
            super().__init__(3)
            self.error = error

        def read(self, index: int) -> Pixels:
            raise self.error

    with (
        pytest.raises(RuntimeError, match="ZeroDivision"),
        Feed(Failing(ZeroDivisionError()), 2, _ignore).batches(2) as batches,
    ):
        next(batches)
    # As it is, so that the run says that memory is what was missing.
    with pytest.raises(MemoryError), Feed(Failing(MemoryError()), 2, _ignore).batches(2) as batches:
        next(batches)


def test_sizes_are_kept_apart_in_the_order_in_which_they_appear() -> None:
    with Feed(Numbered(4, edges=(8, 16)), 4, _ignore).batches(4) as batches:
        batch = next(batches)
    assert [group.positions for group in batch.groups] == [(0, 2), (1, 3)]
    assert [tuple(group.pixels.shape) for group in batch.groups] == [(2, 3, 8, 8), (2, 3, 16, 16)]


def test_no_image_is_read_before_entry_and_only_so_many_ahead() -> None:
    source = Numbered(1000)
    feed = Feed(source, 2, _ignore)
    assert source.reads == []
    with feed.batches() as batches:
        next(batches)
        # One batch taken, two waiting, one in the hand of the thread that finds no room for it.
        wait_for(lambda: len(source.reads) == 8, "the feed to run ahead")
        held = threading.Event()
        assert not held.wait(0.3)
        assert len(source.reads) == 8
    count = len(source.reads)
    assert not [thread for thread in threading.enumerate() if thread.name == "feed"]
    assert len(source.reads) == count


def test_each_entry_begins_with_the_first_image() -> None:
    feed = Feed(Numbered(10), 3, _ignore)
    for _ in range(2):
        with feed.batches() as batches:
            assert [numbers(batch) for batch in itertools.islice(batches, 2)] == [[0, 1, 2], [3, 4, 5]]
