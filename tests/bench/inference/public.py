"""ResNet-152 as the public timm benchmark times it: made-up input, one call after the other, waited for after each."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import timm
import torch

from orin_core.inference.device import pick_device, synchronise
from orin_core.methods import Precision
from tests.bench.inference.engine import Engine
from tests.bench.inference.models import opened, source_of
from tests.bench.inference.pairs import ratio_row, ratios
from tests.bench.rows import Row

MODEL = "resnet152"
"""timm's name of it; strides in the 3x3 convolutions, as in microsoft/resnet-152."""
SIZE_PX = 224


class TimmLoop:
    """timm's own model, with what its benchmark switches on: cuDNN's search, channels last in half precision.

    Args:
        precision: fp32 or fp16.
        batch_size: images in a batch.
    """

    def __init__(self, precision: Precision, batch_size: int) -> None:
        self._device = pick_device()
        is_half = precision is Precision.FP16
        layout = torch.channels_last if is_half else torch.contiguous_format
        dtype = torch.float16 if is_half else torch.float32
        model: Any = timm.create_model(MODEL, pretrained=False).eval()
        self._model = model.to(self._device, dtype, memory_format=layout)
        self._images = torch.randn(batch_size, 3, SIZE_PX, SIZE_PX).to(self._device, dtype, memory_format=layout)
        self.fps(3)

    def fps(self, batches: int) -> float:
        """Returns images per second of the time within calls."""
        torch.backends.cudnn.benchmark = True
        seconds = 0.0
        with torch.inference_mode():
            for _ in range(batches):
                synchronise(self._device)
                start_s = time.perf_counter()
                self._model(self._images)
                synchronise(self._device)
                seconds += time.perf_counter() - start_s
        return batches * len(self._images) / seconds


def beside_timm(
    images: Path, precision: Precision, batch_size: int, batches: int, *, least: float | None = None
) -> Row:
    """Returns the bare loop over the public benchmark's.

    Args:
        images: a folder.
        precision: fp32 or fp16.
        batch_size: images in a batch.
        batches: of one side of a pair.
        least: what the lower limit must reach.
    """
    engine = Engine(opened("resnet-152"), source_of(images), precision=precision, batch_size=batch_size, preload=True)
    public = TimmLoop(precision, batch_size)
    share = ratios(lambda: engine.bare_fps(batches), lambda: public.fps(batches))
    how = f"model only, {precision.value}, batch {batch_size}, timm {timm.__version__}"
    return ratio_row("ResNet-152: bare batched / timm's benchmark loop", share, how, least=least)
