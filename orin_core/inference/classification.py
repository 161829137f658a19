"""Image classification: one class and its score for each image."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from transformers import AutoModelForImageClassification

from orin_core.inference.feed import Batch
from orin_core.inference.loading import load_model, parameters_of
from orin_core.inference.pictures import Said, class_name
from orin_core.inference.preprocessing import Inputs, inputs_of
from orin_core.spec import ModelSpec


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """The best class of an image.

    Args:
        class_id: index among the model's labels.
        score: its softmax share, 0 to 1.
    """

    class_id: int
    score: float


class Classification:
    """A transformers model for image classification."""

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        model, self._processing = load_model(AutoModelForImageClassification, spec, seed)
        self.parameters = parameters_of(model)
        self._model = model.to(device)
        self._device = device
        self._names: dict[int, str] = dict(getattr(model.config, "id2label", None) or {})

    def inputs(self, batch: Batch) -> list[Inputs]:
        return inputs_of(batch, self._device, self._processing.apply)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model(pixel_values=pixels).logits
        return logits

    def results(self, output: Any) -> list[ClassScore]:
        scores, classes = output.softmax(dim=-1).max(dim=-1)
        return [
            ClassScore(class_id=class_id, score=score)
            for class_id, score in zip(classes.tolist(), scores.tolist(), strict=True)
        ]

    def said(self, result: ClassScore, *, height_px: int, width_px: int) -> Said:
        title = f"{class_name(self._names, result.class_id)} {result.score:.2f}"
        return Said(kind="classification", title=title, classes=len(self._names) or None)
