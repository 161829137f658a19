"""ResNet-152 as the public timm benchmark times it: made-up input, one call after the other, waited for after each."""

from __future__ import annotations

import time

import timm
import torch

from orin_core.inference.device import pick_device, synchronise
from orin_core.methods import Precision

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
        kind = {"device": self._device, "dtype": torch.float16 if is_half else torch.float32, "memory_format": layout}
        self._model = timm.create_model(MODEL, pretrained=False).eval().to(**kind)
        self._images = torch.randn(batch_size, 3, SIZE_PX, SIZE_PX).to(**kind)
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
