"""Object detection with YOLO: boxes after non-maximum suppression for each image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ultralytics import YOLO  # type: ignore[attr-defined]  # made on first access
from ultralytics.utils.nms import non_max_suppression

from orin_core import catalog
from orin_core.errors import BadRequest
from orin_core.inference.feed import Batch
from orin_core.inference.loading import parameters_of
from orin_core.inference.pictures import Box, Said, boxes_title, class_name
from orin_core.inference.preprocessing import Inputs, inputs_of, letterbox
from orin_core.spec import ModelSpec

CONFIDENCE = 0.25
IOU = 0.7
MAX_BOXES = 300
"""What ``predict`` of ultralytics uses when nothing else is asked for."""

DEFAULT_SIZE_PX = 640


class Detection:
    """A YOLO model, its batch norm folded into the convolutions as ``predict`` does it."""

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        yolo = _open(spec, seed)
        model = yolo.model.float().eval().requires_grad_(False)
        self.parameters = parameters_of(model)
        self._model = model.fuse(verbose=False).to(device)
        self._device = device
        self._names = {int(number): str(name) for number, name in dict(model.names).items()}
        self._stride_px = int(max(model.stride))
        size = yolo.overrides.get("imgsz", DEFAULT_SIZE_PX)
        self._size_px = int(max(size) if isinstance(size, (list, tuple)) else size)

    def inputs(self, batch: Batch) -> list[Inputs]:
        return inputs_of(batch, self._device, self._letterbox)

    def _letterbox(self, pixels: torch.Tensor) -> torch.Tensor:
        return letterbox(pixels, size_px=self._size_px, stride_px=self._stride_px)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        output = self._model(pixels)
        prediction: torch.Tensor = output[0] if isinstance(output, (list, tuple)) else output
        return prediction

    def results(self, output: Any) -> list[npt.NDArray[np.float32]]:
        """Returns boxes of each image: float32, shape (n, 6): x1, y1, x2, y2 in the model's pixels, score, class."""
        boxes = non_max_suppression(output, CONFIDENCE, IOU, max_det=MAX_BOXES)
        return [found.cpu().numpy() for found in boxes]

    def said(self, result: npt.NDArray[np.float32], *, height_px: int, width_px: int) -> Said:
        boxes = tuple(
            Box(
                edges_px=self._on_image((x1, y1, x2, y2), height_px, width_px),
                class_id=int(class_id),
                label=class_name(self._names, int(class_id)),
                score=score,
            )
            for x1, y1, x2, y2, score, class_id in result.tolist()
        )
        return Said(kind="detection", title=boxes_title(boxes), classes=len(self._names) or None, boxes=boxes)

    def _on_image(
        self, edges_px: tuple[float, float, float, float], height_px: int, width_px: int
    ) -> tuple[float, float, float, float]:
        """Returns the edges of a box in pixels of the image: what ``letterbox`` did to it, undone."""
        ratio = min(self._size_px / height_px, self._size_px / width_px)
        inner_h, inner_w = max(round(height_px * ratio), 1), max(round(width_px * ratio), 1)
        left, top = (round((self._size_px - edge) % self._stride_px / 2 - 0.1) for edge in (inner_w, inner_h))
        scale_x, scale_y = width_px / inner_w, height_px / inner_h
        x1, y1, x2, y2 = edges_px
        return (x1 - left) * scale_x, (y1 - top) * scale_y, (x2 - left) * scale_x, (y2 - top) * scale_y


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
