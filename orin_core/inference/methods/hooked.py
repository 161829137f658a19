"""Methods that leave everything to a library, and see its model only from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from orin_core.inference.feed import Batch
from orin_core.inference.methods import Setting, Taken
from orin_core.inference.precision import dtype_of
from orin_core.inference.preprocessing import inputs_of
from orin_core.inference.stream import Mark, Stream
from orin_core.inference.workload import Image, Library


class ForwardClock:
    """Marks the device's queue before and behind each forward call of a model, while it is entered.

    Args:
        model: whose calls.
        stream: where it computes.
    """

    def __init__(self, model: torch.nn.Module, stream: Stream) -> None:
        self._model = model
        self._stream = stream
        self._calls: list[tuple[Mark, Mark]] = []
        self._shapes: set[tuple[int, ...]] = set()
        self._begin: Mark | None = None
        self._hooks: list[Any] = []

    def __enter__(self) -> ForwardClock:
        self._calls, self._shapes = [], set()
        self._hooks = [
            self._model.register_forward_pre_hook(self._before, with_kwargs=True),
            self._model.register_forward_hook(self._behind),
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def read(self) -> tuple[float, frozenset[tuple[int, ...]]]:
        """Returns the time of all calls while it was entered last, s, and the shapes that they got."""
        for _, end in self._calls:
            end.wait()
        return sum(begin.until_s(end) for begin, end in self._calls), frozenset(self._shapes)

    def _before(self, module: torch.nn.Module, values: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        pixels = values[0] if values else named["pixel_values"]
        self._shapes.add(tuple(pixels.shape[1:]))
        self._begin = self._stream.mark()

    def _behind(self, module: torch.nn.Module, values: Any, output: Any) -> None:
        if self._begin is not None:
            self._calls.append((self._begin, self._stream.mark()))
            self._begin = None


class Hooked:
    """What such methods share: one batch at a time, complete when it was handed in.

    Args:
        setting: what the method is made of.
        library: what does all the work.
    """

    in_flight = 1
    prefetch = False

    def __init__(self, setting: Setting, library: Library) -> None:
        self._workload = setting.workload
        self._stream = setting.stream
        self._dtype = dtype_of(setting.precision)
        self._library = library
        self._clock = ForwardClock(library.model, setting.stream)
        self._taken: Taken | None = None
        self.facts: Mapping[str, Any] = {"memory_format": "contiguous", "padded": False}

    def resize(self, batch_size: int) -> None:
        self._taken = None

    def hand_in(self, batch: Batch) -> None:
        images = images_of(batch)
        with self._clock:
            results = self.called(images)
        forward_s, shapes = self._clock.read()
        self._taken = Taken(results=results, forward_s=forward_s, shapes=shapes)

    def called(self, images: Sequence[Image]) -> list[Any]:
        """Returns the library's result for each image of a batch."""
        return self._library(images)

    def take(self) -> Taken:
        taken, self._taken = self._taken, None
        assert taken is not None, "nothing was handed in"
        return taken

    def bare(self, batch: Batch) -> list[torch.Tensor]:
        inputs = inputs_of(batch, self._stream.upload, self._workload.prepare)
        return [part.pixels.to(self._dtype) for part in inputs]

    def forward(self, pixels: torch.Tensor) -> Any:
        return self._library.model(pixels)


def images_of(batch: Batch) -> list[Image]:
    """Returns the images of a batch in its order, as libraries take them: height, width, RGB."""
    found: dict[int, Image] = {}
    for group in batch.groups:
        for position, pixels in zip(group.positions, group.pixels.numpy(), strict=True):
            found[position] = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    return [found[position] for position in range(batch.items)]
