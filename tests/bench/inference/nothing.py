"""A model that does nothing, so that what is left is the loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from orin_core.inference.pictures import Said
from orin_core.inference.sources import Pixels
from orin_core.inference.workload import Library
from orin_core.methods import Precision


class Blank:
    """Black images as small as they can be: a copy of more would be the images' cost and not the loop's."""

    kind = "synthetic"

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        return str(index)

    def read(self, index: int) -> Pixels:
        return np.zeros((3, 32, 32), dtype=np.uint8)


class Nothing:
    """Looks at one number of each image, and has that as its result."""

    parameters = 0

    def __init__(self) -> None:
        self.model: torch.nn.Module = torch.nn.Identity()

    def fold(self) -> int:
        return 0

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        # What a model's own pre-processing does to whole images is no cost of the loop.
        return pixels[:, :, :1, :1]

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def reduced(self, output: Any) -> tuple[torch.Tensor, ...]:
        return (output[:, 0, 0, 0],)

    def results(self, host: tuple[torch.Tensor, ...], sizes: Sequence[tuple[int, int]]) -> list[Any]:
        found: list[Any] = host[0][: len(sizes)].tolist()
        return found

    def published(self) -> Library:
        raise NotImplementedError

    def high_level(self, precision: Precision) -> Library:
        raise NotImplementedError

    def said(self, result: Any, *, height_px: int, width_px: int) -> Said:
        raise NotImplementedError
