"""Whole batches on the device: raw images up, prepared there, results back without waiting in between."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from orin_core.inference.feed import Batch
from orin_core.inference.methods import Setting, Taken
from orin_core.inference.precision import convert, dtype_of
from orin_core.inference.preprocessing import Inputs, inputs_of
from orin_core.inference.stream import Mark


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One model call that is under way.

    Args:
        positions: places of its images in the batch; what lies behind them in the output is padding.
        sizes: height and width of each of these images, pixels.
        shape: of what the model got, without the number of images.
        begin: before the forward call.
        end: behind it.
        host: its results, in host memory once the batch is complete.
    """

    positions: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    shape: tuple[int, ...]
    begin: Mark
    end: Mark
    host: tuple[torch.Tensor, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A batch that is under way."""

    items: int
    parts: tuple[_Part, ...]
    complete: Mark


class Batched:
    """The default method.

    Images of one shape after pre-processing are one model call, whatever their size was. On CUDA
    the last short batch is padded to the batch size, since there every new shape costs a search
    for the best convolution; images of several shapes in one batch are several calls, never padded.
    Once a second shape was seen, in the same batch or a later one, the search would not pay.
    """

    prefetch = True

    def __init__(self, setting: Setting) -> None:
        self._workload = setting.workload
        self._stream = setting.stream
        self._device = setting.device
        self._batch_size = setting.batch_size
        self._pads = setting.device.type == "cuda"
        self._dtype = dtype_of(setting.precision)
        folded = setting.workload.fold()
        format_facts = convert(setting.workload.model, setting.precision, setting.device)
        self._memory_format = (
            torch.channels_last if format_facts["memory_format"] == "channels_last" else torch.contiguous_format
        )
        self.in_flight = setting.stream.in_flight
        self.facts: Mapping[str, Any] = {**format_facts, "batch_norm_folded": folded, "padded": self._pads}
        self._pending: collections.deque[_Pending] = collections.deque()
        self._shapes: set[tuple[int, ...]] = set()
        self._stream.search(on=True)

    def resize(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._pending.clear()

    def forward(self, pixels: torch.Tensor) -> Any:
        return self._workload.forward(pixels)

    def bare(self, batch: Batch) -> list[torch.Tensor]:
        return [part.pixels for part in self._inputs(batch)]

    def hand_in(self, batch: Batch) -> None:
        sizes = batch.sizes
        parts = tuple(self._started(part, sizes) for part in self._inputs(batch))
        self._pending.append(_Pending(items=batch.items, parts=parts, complete=self._stream.downloaded()))

    def take(self) -> Taken:
        pending = self._pending.popleft()
        pending.complete.wait()
        forward_s = 0.0
        results: list[Any] = [None] * pending.items
        for part in pending.parts:
            forward_s += part.begin.until_s(part.end)
            found = self._workload.results(part.host, part.sizes)
            for position, result in zip(part.positions, found, strict=True):
                results[position] = result
        return Taken(results=results, forward_s=forward_s, shapes=frozenset(part.shape for part in pending.parts))

    def _inputs(self, batch: Batch) -> list[Inputs]:
        """Returns a batch on the device as the model takes it, padded where shapes must stay as they are."""
        inputs = inputs_of(batch, self._stream.upload, self._workload.prepare)
        self._shapes |= {tuple(part.pixels.shape[1:]) for part in inputs}
        if len(self._shapes) > 1:
            self._stream.search(on=False)
        pads = self._pads and len(inputs) == 1
        return [Inputs(positions=part.positions, pixels=self._as_taken(part.pixels, pads=pads)) for part in inputs]

    def _as_taken(self, pixels: torch.Tensor, *, pads: bool) -> torch.Tensor:
        lacking = self._batch_size - len(pixels)
        if pads and lacking > 0:
            pixels = torch.cat([pixels, pixels[-1:].expand(lacking, -1, -1, -1)])
        return pixels.to(self._dtype, memory_format=self._memory_format)

    def _started(self, part: Inputs, sizes: Mapping[int, tuple[int, int]]) -> _Part:
        begin = self._stream.mark()
        output = self.forward(part.pixels)
        end = self._stream.mark()
        return _Part(
            positions=part.positions,
            sizes=tuple(sizes[position] for position in part.positions),
            shape=tuple(part.pixels.shape[1:]),
            begin=begin,
            end=end,
            host=self._stream.download(self._workload.reduced(output)),
        )
