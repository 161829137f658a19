"""What models say of an image, by task."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import torch


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """The best class of an image.

    Args:
        class_id: index among the model's labels.
        score: its softmax share, 0 to 1.
        logits: of all classes, where the model was asked for one image; shape (classes,), left on the device.
    """

    class_id: int
    score: float
    logits: torch.Tensor | None = dataclasses.field(default=None, compare=False, repr=False)


DepthMap = npt.NDArray[np.float32]
"""Relative inverse depth or metres as the model has it, shape (height, width)."""

Boxes = npt.NDArray[np.float32]
"""Shape (n, 6): left, top, right, bottom in pixels of the image, score, class; best first."""

CONFIDENCE = 0.25
"""Score from which on a box counts, as ``predict`` of ultralytics has it when nothing else is asked for."""
