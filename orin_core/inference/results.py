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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What came close to being the next token, for each token of an answer.

    Args:
        ids: the likeliest first, shape (tokens, candidates).
        behind: how far each logit lies behind the greatest, as share of the span of all logits, 0 to 1; same shape.
    """

    ids: npt.NDArray[np.int64]
    behind: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a language model writes behind a prompt.

    Args:
        prompt: its token ids, shape (tokens,).
        tokens: ids of the tokens behind it, shape (tokens,).
        text: these as text, up to the token that ends an answer.
        candidates: what else might have been chosen, where the reference was asked.
    """

    prompt: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    text: str
    candidates: Candidates | None = None
