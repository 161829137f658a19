"""What tests of the measuring loop share: methods over a workload, a run of the loop, images that tell their place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from orin_core.inference.feed import Batch, Supply
from orin_core.inference.loop import Loop
from orin_core.inference.methods import Method, Setting, open_method
from orin_core.inference.process import Events, Stop
from orin_core.inference.rehearsal import rehearse
from orin_core.inference.sources import Pixels, Source
from orin_core.inference.stream import CpuStream, Stream
from orin_core.inference.workload import Workload
from orin_core.methods import Method as Name
from orin_core.methods import Precision
from orin_core.spec import RunSpec

CPU = torch.device("cpu")


def method_of(
    workload: Workload,
    name: Name = Name.BATCHED,
    *,
    precision: Precision = Precision.FP32,
    batch_size: int = 1,
    stream: Stream | None = None,
    source: Source | None = None,
) -> Method:
    """A method on the CPU, or on whatever the stream leads to."""
    setting = Setting(
        workload=workload,
        device=CPU,
        stream=stream or CpuStream(),
        precision=precision,
        batch_size=batch_size,
        source=source,
    )
    return open_method(name, setting)


class Images:
    """A source of images in memory; the second cannot be read."""

    kind = "local"

    def __init__(self, images: Sequence[Pixels]) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images) + 1

    def name(self, index: int) -> str:
        return str(index)

    def read(self, index: int) -> Pixels:
        if index == 1:
            raise OSError("cut off")
        return self._images[max(index - 1, 0)]


def told(path: Path) -> list[dict[str, Any]]:
    """The events in a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def looped(
    spec: RunSpec, *, method: Method, workload: Workload, supply: Supply, events: Events, stop: Stop | None = None
) -> None:
    """Rehearses and goes through all phases."""
    rehearsal = rehearse(method=method, workload=workload, supply=supply, events=events, consent=spec.smaller_batch)
    Loop(
        spec=spec,
        method=method,
        supply=supply,
        bare=rehearsal.bare,
        device=CPU,
        events=events,
        stop=stop or Stop(),
    ).run()


class Numbered:
    """Images whose pixels are their number."""

    kind = "local"

    def __init__(self, count: int, *, broken: Sequence[int] = (), edges: Sequence[int] = (8,)) -> None:
        self._count = count
        self._broken = broken
        self._edges = edges
        self.reads: list[int] = []

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        return f"image {index}"

    def read(self, index: int) -> Pixels:
        self.reads.append(index)
        if index in self._broken:
            raise OSError("cut off")
        edge = self._edges[index % len(self._edges)]
        return np.full((3, edge, edge), index, dtype=np.uint8)


def numbers(batch: Batch) -> list[int]:
    """The numbers of a batch of such images, in their order."""
    found = {}
    for group in batch.groups:
        for position, pixels in zip(group.positions, group.pixels, strict=True):
            assert int(pixels.min()) == int(pixels.max())
            found[position] = int(pixels[0, 0, 0])
    assert sorted(found) == list(range(batch.items))
    return [found[position] for position in range(batch.items)]
