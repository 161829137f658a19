"""Depth estimation: one depth map for each image, as large as the model makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import PIL.Image
import torch
from transformers import AutoModelForDepthEstimation, pipeline

from orin_core.inference.loading import load_model, parameters_of
from orin_core.inference.pictures import Said, nearness_of
from orin_core.inference.precision import dtype_of, fold_batch_norm
from orin_core.inference.results import DepthMap
from orin_core.inference.workload import Image, Library
from orin_core.methods import Precision
from orin_core.spec import ModelSpec


class Depth:
    """A transformers model for depth estimation.

    Images of different proportions keep them, so that a batch of them is several model calls.
    """

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        model, self._processor, self._processing = load_model(AutoModelForDepthEstimation, spec, seed)
        self.parameters = parameters_of(model)
        self.model = model.to(device)
        self._device = device
        self._metric = getattr(model.config, "depth_estimation_type", "relative") == "metric"

    def fold(self) -> int:
        return fold_batch_norm(self.model)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._processing.apply(pixels)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        depth: torch.Tensor = self.model(pixel_values=pixels).predicted_depth
        return depth

    def reduced(self, output: Any) -> tuple[torch.Tensor, ...]:
        return (output.float(),)

    def results(self, host: tuple[torch.Tensor, ...], sizes: Sequence[tuple[int, int]]) -> list[DepthMap]:
        return list(host[0][: len(sizes)].numpy())

    def published(self) -> Library:
        return _Published(self.model, self._processor, self._device)

    def high_level(self, precision: Precision) -> Library:
        return _Pipeline(self.model.to(dtype_of(precision)), self._processor, self._device)

    def said(self, result: DepthMap, *, height_px: int, width_px: int) -> Said:
        nearness, title = nearness_of(result, metric=self._metric)
        return Said(kind="depth", title=title, nearness=nearness)


class _Published:
    """A processor call and a map fetched, for each image."""

    def __init__(self, model: torch.nn.Module, processor: Any, device: torch.device) -> None:
        self.model = model
        self._processor = processor
        self._device = device

    def __call__(self, images: Sequence[Image]) -> list[DepthMap]:
        return [self._one(PIL.Image.fromarray(image)) for image in images]

    def _one(self, image: PIL.Image.Image) -> DepthMap:
        inputs = self._processor(images=image, return_tensors="pt").to(self._device)
        depth: DepthMap = self.model(**inputs).predicted_depth[0].cpu().numpy()
        return depth


class _Pipeline:
    """``transformers.pipeline``, whose map is as large as the image.

    It cannot batch images that differ in shape after pre-processing, so those of one size go together.
    """

    def __init__(self, model: torch.nn.Module, processor: Any, device: torch.device) -> None:
        call: Any = pipeline
        self.model = model
        self._call = call("depth-estimation", model=model, image_processor=processor, device=device)

    def __call__(self, images: Sequence[Image]) -> list[DepthMap]:
        by_size: dict[tuple[int, ...], list[int]] = {}
        for place, image in enumerate(images):
            by_size.setdefault(image.shape, []).append(place)
        found: dict[int, DepthMap] = {}
        for places in by_size.values():
            pictures = [PIL.Image.fromarray(images[place]) for place in places]
            answers = self._call(pictures, batch_size=len(pictures))
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer["predicted_depth"].float().cpu().numpy()
        return [found[place] for place in range(len(images))]
