"""Depth estimation: one depth map for each image, as large as the model makes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModelForDepthEstimation

from orin_core.inference.feed import Batch
from orin_core.inference.loading import load_model, parameters_of
from orin_core.inference.pictures import Said, nearness_of
from orin_core.inference.preprocessing import Inputs, inputs_of
from orin_core.spec import ModelSpec


class Depth:
    """A transformers model for depth estimation.

    Images of different proportions keep them, so that a batch of them is several model calls.
    """

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        model, self._processing = load_model(AutoModelForDepthEstimation, spec, seed)
        self.parameters = parameters_of(model)
        self._model = model.to(device)
        self._device = device
        self._metric = getattr(model.config, "depth_estimation_type", "relative") == "metric"

    def inputs(self, batch: Batch) -> list[Inputs]:
        return inputs_of(batch, self._device, self._processing.apply)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        depth: torch.Tensor = self._model(pixel_values=pixels).predicted_depth
        return depth

    def results(self, output: Any) -> list[npt.NDArray[np.float32]]:
        """Returns a map for each image: float32, relative inverse depth or metres as the model has it."""
        return list(output.float().cpu().numpy())

    def said(self, result: npt.NDArray[np.float32], *, height_px: int, width_px: int) -> Said:
        nearness, title = nearness_of(result, metric=self._metric)
        return Said(kind="depth", title=title, nearness=nearness)
