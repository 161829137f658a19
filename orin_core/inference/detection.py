"""Object detection with YOLO: boxes after non-maximum suppression for each image."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ultralytics import YOLO  # type: ignore[attr-defined]  # made on first access
from ultralytics.utils.nms import TorchNMS

from orin_core import catalog
from orin_core.errors import BadRequest
from orin_core.inference.loading import calm, parameters_of
from orin_core.inference.pictures import Box, Said, boxes_title, class_name
from orin_core.inference.preprocessing import letterbox
from orin_core.inference.results import CONFIDENCE, Boxes
from orin_core.inference.vision_ops import NATIVE, ensure_vision_ops
from orin_core.inference.workload import Image, Library
from orin_core.methods import Precision
from orin_core.spec import ModelSpec

IOU = 0.7
MAX_BOXES = 300
"""What ``predict`` of ultralytics uses when nothing else is asked for."""

DEFAULT_SIZE_PX = 640

APART_PX = 7680
"""Boxes of two classes are moved apart by so much, so that neither suppresses the other; as ultralytics does it."""


class Detection:
    """A YOLO model; those without a suppression of their own get the one of ``predict``, on the host."""

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        self._yolo = _open(spec, seed)
        model = self._yolo.model.float().eval().requires_grad_(False)
        self.parameters = parameters_of(model)
        self.model: torch.nn.Module = model
        self._device = device
        self._names = {int(number): str(name) for number, name in dict(model.names).items()}
        self._stride_px = int(max(model.stride))
        size = self._yolo.overrides.get("imgsz", DEFAULT_SIZE_PX)
        self._size_px = int(max(size) if isinstance(size, (list, tuple)) else size)
        self._suppresses = _suppression()
        if spec.path is None:
            calm(model, model, self.prepare, seed)
        model.to(device)

    def fold(self) -> int:
        model: Any = self.model
        before = _batch_norms(model)
        self.model = model.fuse(verbose=False).requires_grad_(False)
        return before - _batch_norms(self.model)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return letterbox(pixels, size_px=self._size_px, stride_px=self._stride_px)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        output = self.model(pixels)
        prediction: torch.Tensor = output[0] if isinstance(output, (list, tuple)) else output
        return prediction

    def reduced(self, output: Any) -> tuple[torch.Tensor, ...]:
        """Returns one candidate for each place that the model looks at, and whether they are final already.

        The best class of each is all that a suppression of one label a box looks at: 24 bytes a
        candidate instead of 336 go to the host. What is kept depends on the values, and would
        have to be waited for on the device.
        """
        if output.shape[-1] == 6:
            return output.float(), torch.ones(len(output), dtype=torch.uint8, device=output.device)
        values = output.float()
        centres, halves = values[:, :2], values[:, 2:4] / 2
        scores, classes = values[:, 4:].max(dim=1, keepdim=True)
        candidates = torch.cat([centres - halves, centres + halves, scores, classes.to(values.dtype)], dim=1)
        return candidates.transpose(1, 2), torch.zeros(len(output), dtype=torch.uint8, device=output.device)

    def results(self, host: tuple[torch.Tensor, ...], sizes: Sequence[tuple[int, int]]) -> list[Boxes]:
        candidates, final = host[0][: len(sizes)], bool(host[1][0])
        likely = candidates[..., 4] > CONFIDENCE
        some = likely.any(dim=1).tolist()
        return [
            self._boxes(candidates[place][likely[place]], size, final=final) if some[place] else _NO_BOXES
            for place, size in enumerate(sizes)
        ]

    def _boxes(self, found: torch.Tensor, size: tuple[int, int], *, final: bool) -> Boxes:
        if not final:
            apart = found[:, :4] + found[:, 5:6] * APART_PX
            found = found[self._suppresses(apart, found[:, 4].contiguous(), IOU)]
        boxes: Boxes = found[:MAX_BOXES].numpy().copy()
        self._onto_image(boxes, size)
        return boxes

    def _onto_image(self, boxes: Boxes, size: tuple[int, int]) -> None:
        """Undoes what ``letterbox`` did, and cuts boxes at the border of the image, as ``predict`` does."""
        height, width = size
        ratio = min(self._size_px / height, self._size_px / width)
        inner = max(round(height * ratio), 1), max(round(width * ratio), 1)
        seen = [edge + (self._size_px - edge) % self._stride_px for edge in inner]
        gain = min(seen[0] / height, seen[1] / width)
        scaled = max(round(height * gain), 1), max(round(width * gain), 1)
        top, left = (round((outer - edge) / 2 - 0.1) for outer, edge in zip(seen, scaled, strict=True))
        boxes[:, 0:4:2] = ((boxes[:, 0:4:2] - left) / (scaled[1] / width)).clip(0, width)
        boxes[:, 1:4:2] = ((boxes[:, 1:4:2] - top) / (scaled[0] / height)).clip(0, height)

    def published(self) -> Library:
        return _Predict(self._yolo, self._device)

    def high_level(self, precision: Precision) -> Library:
        return _Predict(self._yolo, self._device, half=precision is Precision.FP16)

    def said(self, result: Boxes, *, height_px: int, width_px: int) -> Said:
        boxes = tuple(
            Box(
                edges_px=(x1, y1, x2, y2),
                class_id=int(class_id),
                label=class_name(self._names, int(class_id)),
                score=score,
            )
            for x1, y1, x2, y2, score, class_id in result.tolist()
        )
        return Said(kind="detection", title=boxes_title(boxes), classes=len(self._names) or None, boxes=boxes)


class _Predict:
    """``YOLO.predict``, which works on a copy of the model of its own; that goes when this goes."""

    def __init__(self, yolo: Any, device: torch.device, *, half: bool = False) -> None:
        # Up to some 8.4 a predictor that is there is used whatever precision is asked for; and it holds the copy.
        self._yolo = copy.copy(yolo)
        self._yolo.predictor = None
        self._options = {
            "conf": CONFIDENCE,
            "iou": IOU,
            "max_det": MAX_BOXES,
            "verbose": False,
            "save": False,
            "device": str(device),
            **({"half": True} if half else {}),
        }
        # The first call makes the copy; its model is where forward calls can be seen.
        self([np.zeros((32, 32, 3), dtype=np.uint8)])
        self.model: torch.nn.Module = self._yolo.predictor.model.model

    def __call__(self, images: Sequence[Image]) -> list[Boxes]:
        # Arrays are taken as OpenCV has them: blue first.
        answers = self._yolo.predict([image[..., ::-1] for image in images], **self._options)
        return [answer.boxes.data.float().cpu().numpy() for answer in answers]


_NO_BOXES: Boxes = np.zeros((0, 6), dtype=np.float32)


def _suppression() -> Any:
    """Returns non-maximum suppression of boxes, scores and a threshold: compiled where that loads."""
    if ensure_vision_ops() == NATIVE:
        import torchvision

        return torchvision.ops.nms
    return TorchNMS.nms


def _batch_norms(model: torch.nn.Module) -> int:
    return sum(isinstance(part, torch.nn.BatchNorm2d) for part in model.modules())


def _open(spec: ModelSpec, seed: int) -> Any:
    if spec.path is None:
        row = catalog.model_row(spec.model_id)
        if row is None or row.config is None:
            raise BadRequest(f"No configuration is known for {spec.label}.", "Name its .pt file.")
        torch.manual_seed(seed)
        return YOLO(row.config["yaml"], task="detect")
    # ultralytics would fetch a file that is not there, without asking.
    if not Path(spec.path).is_file():
        raise BadRequest(f"There is no file {spec.path} any more.", "Name an existing YOLO .pt file.")
    yolo = YOLO(spec.path)
    if yolo.task != "detect":
        raise BadRequest(f"{spec.label} is a model for the task {yolo.task}.", "Name a YOLO model for detection.")
    return yolo
