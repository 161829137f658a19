"""Image classification: one class and its score for each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import PIL.Image
import torch
from transformers import AutoModelForImageClassification, pipeline

from orin_core.inference.loading import load_model, parameters_of
from orin_core.inference.pictures import Said, class_name
from orin_core.inference.precision import dtype_of, fold_batch_norm
from orin_core.inference.results import ClassScore
from orin_core.inference.workload import Image, Library
from orin_core.methods import Precision
from orin_core.spec import ModelSpec


class Classification:
    """A transformers model for image classification."""

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        model, self._processor, self._processing = load_model(AutoModelForImageClassification, spec, seed)
        self.parameters = parameters_of(model)
        self.model = model.to(device)
        self._device = device
        self._names: dict[int, str] = dict(getattr(model.config, "id2label", None) or {})

    def fold(self) -> int:
        return fold_batch_norm(self.model)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._processing.apply(pixels)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(pixel_values=pixels).logits
        return logits

    def reduced(self, output: Any) -> tuple[torch.Tensor, ...]:
        return tuple(output.float().softmax(dim=-1).max(dim=-1))

    def results(self, host: tuple[torch.Tensor, ...], sizes: Sequence[tuple[int, int]]) -> list[ClassScore]:
        scores, classes = (values[: len(sizes)].tolist() for values in host)
        return [ClassScore(class_id=class_id, score=score) for class_id, score in zip(classes, scores, strict=True)]

    def published(self) -> Library:
        return _Published(self.model, self._processor, self._device)

    def high_level(self, precision: Precision) -> Library:
        return _Pipeline(self.model.to(dtype_of(precision)), self._processor, self._device)

    def said(self, result: ClassScore, *, height_px: int, width_px: int) -> Said:
        title = f"{class_name(self._names, result.class_id)} {result.score:.2f}"
        return Said(kind="classification", title=title, classes=len(self._names) or None)


class _Published:
    """A processor call and two values fetched, for each image."""

    def __init__(self, model: torch.nn.Module, processor: Any, device: torch.device) -> None:
        self.model = model
        self._processor = processor
        self._device = device

    def __call__(self, images: Sequence[Image]) -> list[ClassScore]:
        return [self._one(PIL.Image.fromarray(image)) for image in images]

    def _one(self, image: PIL.Image.Image) -> ClassScore:
        inputs = self._processor(images=image, return_tensors="pt").to(self._device)
        logits = self.model(**inputs).logits[0]
        class_id = int(logits.argmax(-1).item())
        return ClassScore(class_id=class_id, score=float(logits.softmax(-1)[class_id].item()), logits=logits)


class _Pipeline:
    """``transformers.pipeline`` on images of any size, since the processor gives them one."""

    def __init__(self, model: torch.nn.Module, processor: Any, device: torch.device) -> None:
        call: Any = pipeline
        config: Any = model.config
        # Two classes of one name (ImageNet has "crane" twice) could not be told apart by it.
        config.id2label = {class_id: str(class_id) for class_id in config.id2label}
        self.model = model
        self._call = call("image-classification", model=model, image_processor=processor, device=device)

    def __call__(self, images: Sequence[Image]) -> list[ClassScore]:
        answers = self._call([PIL.Image.fromarray(image) for image in images], batch_size=len(images))
        return [ClassScore(class_id=int(best["label"]), score=float(best["score"])) for best, *_ in answers]
