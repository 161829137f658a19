"""Images in memory before the clock: their order, what cannot be read, and how much room they may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.errors import BadRequest
from orin_core.inference import preload
from orin_core.inference.preload import Preloaded
from orin_core.inference.process import Stop
from orin_core.inference.sources import Pixels
from tests.support_inference import Numbered, numbers

pytestmark = pytest.mark.torch


def held(source: Numbered, batch_size: int, **options: Any) -> Preloaded:
    usual: dict[str, Any] = {"items": None, "pinned": False, "stop": Stop()}
    on_failed: Callable[[str, str], None] = options.pop("on_failed", lambda name, reason: None)
    return Preloaded(source, batch_size, on_failed, **{**usual, **options})


@pytest.mark.parametrize("edges", [(8,), (8, 16), (8, 8, 8, 16, 24)])
@pytest.mark.parametrize("block_bytes", [2**26, 512])
def test_batches_are_the_images_in_order_pass_after_pass(
    edges: tuple[int, ...], block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preload, "BLOCK_BYTES", block_bytes)
    source = Numbered(10, edges=edges, broken=(3,))
    images = held(source, 4)
    assert source.reads == list(range(10))
    order = [0, 1, 2, 4, 5, 6, 7, 8, 9]
    with images.batches(23) as batches:
        got = [numbers(batch) for batch in batches]
    assert got == [(order * 3)[first : first + 4][: 23 - first] for first in range(0, 23, 4)]
    assert numbers(images.first()) == [0, 1, 2, 4]
    assert source.reads == list(range(10))
    assert (images.items, images.failed_items) == (9, 1)
    assert images.size_mb == pytest.approx(sum(3 * edges[i % len(edges)] ** 2 for i in order) / 1e6)
    assert images.seconds > 0


def test_a_batch_may_be_larger_than_all_images_and_smaller_later() -> None:
    images = held(Numbered(3), 8)
    assert numbers(images.first()) == [0, 1, 2, 0, 1, 2, 0, 1]
    images.batch_size = 2
    with images.batches(5) as batches:
        assert [numbers(batch) for batch in batches] == [[0, 1], [2, 0], [1]]


def test_batches_of_one_size_are_views_and_not_copies() -> None:
    images = held(Numbered(8), 4)
    with images.batches(8) as batches:
        first, second = ([group.pixels for group in batch.groups] for batch in batches)
    assert len(first) == len(second) == 1
    assert first[0].untyped_storage().data_ptr() == second[0].untyped_storage().data_ptr()


def test_no_more_is_read_than_asked_for() -> None:
    source = Numbered(100)
    assert held(source, 4, items=6).items == 6
    assert source.reads == list(range(6))
    # A whole batch for the rehearsal, all the same.
    assert held(Numbered(100), 4, items=2).items == 4


def test_what_cannot_be_read_is_named_once() -> None:
    named: list[tuple[str, str]] = []
    images = held(Numbered(4, broken=(1, 2)), 2, on_failed=lambda name, reason: named.append((name, reason)))
    with images.batches(8) as batches:
        assert [numbers(batch) for batch in batches] == [[0, 3]] * 4
    assert named == [("image 1", "cut off"), ("image 2", "cut off")]
    with pytest.raises(BadRequest, match="None of the 2 images"):
        held(Numbered(2, broken=(0, 1)), 2)


def test_what_does_not_fit_is_refused_early_with_what_would() -> None:
    source = Numbered(100_000, edges=(100,))
    with pytest.raises(BadRequest, match="100000 decoded images take about 3000 MB, and 1000 MB are free") as refused:
        held(source, 4, free_mb=lambda: 1000.0)
    assert source.reads == [0]
    assert "at most 20000 images" in refused.value.hint
    assert held(Numbered(100, edges=(100,)), 4, free_mb=lambda: 1000.0).items == 100


def test_a_block_is_as_large_as_allowed_and_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pinned, the next power of two would be taken: a block that is a little too large takes twice its size."""
    monkeypatch.setattr(preload, "BLOCK_BYTES", 512)
    with held(Numbered(6), 6).batches(6) as batches:
        sizes = [group.pixels.untyped_storage().nbytes() for batch in batches for group in batch.groups]
    assert sizes == [384] * 3


def test_pinned_memory_is_reckoned_in_the_powers_of_two_that_it_takes() -> None:
    """Pinning itself needs CUDA; the refusal comes before it."""
    source = Numbered(10, edges=(3500,))
    with pytest.raises(BadRequest, match="10 decoded images take about 671 MB, and 1000 MB are free"):
        held(source, 4, pinned=True, free_mb=lambda: 1000.0)
    assert source.reads == [0]
    # One more than a full block of 1035: another block, as small as it can be.
    with pytest.raises(BadRequest, match="1036 decoded images take about 67 MB"):
        held(Numbered(1036, edges=(147,)), 4, pinned=True, free_mb=lambda: 1.0)


def test_larger_images_that_come_later_are_noticed() -> None:
    class Growing(Numbered):
        def read(self, index: int) -> Pixels:
            self.reads.append(index)
            return np.zeros((3, 10, 10) if index < 10 else (3, 1000, 1000), dtype=np.uint8)

    source = Growing(1000)
    with pytest.raises(BadRequest, match="are free"):
        held(source, 4, free_mb=lambda: 500.0)
    assert len(source.reads) == preload.LOOK_EVERY


def test_a_stop_leaves_what_was_read() -> None:
    class Stopping(Numbered):
        def read(self, index: int) -> Pixels:
            if index == 5:
                stop.ask()
            return super().read(index)

    stop = Stop()
    assert held(Stopping(1000), 4, stop=stop).items == 6
    assert held(Numbered(10), 4, stop=stop).items == 0


def test_sizes_are_kept_apart() -> None:
    images = held(Numbered(4, edges=(8, 16)), 4)
    shapes = {tuple(group.pixels.shape) for group in images.first().groups}
    assert shapes == {(2, 3, 8, 8), (2, 3, 16, 16)}
    assert all(group.pixels.dtype == torch.uint8 for group in images.first().groups)
