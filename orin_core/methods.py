"""How batches go through a model, and in which precision: the values, and which of them go together."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from orin_core.errors import BadRequest


class Method(str, enum.Enum):
    """How batches go through the model."""

    REFERENCE = "reference"
    PIPELINE = "pipeline"
    BATCHED = "batched"
    GRAPH = "graph"
    ONNX = "onnx"


class Precision(str, enum.Enum):
    """Arithmetic of the model; ``fp32`` never uses TF32."""

    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"


EXPLAINED: Mapping[Method, str] = {
    Method.REFERENCE: "The published way: one image at a time, its own pre-processing, its result fetched at once.",
    Method.PIPELINE: "The library's own high-level call, as people deploy it.",
    Method.BATCHED: "Images decoded ahead, prepared on the device, results copied back without waiting.",
    Method.GRAPH: "Batched, with the model call recorded once as a CUDA graph; needs CUDA.",
    Method.ONNX: "Exported once, run by ONNX Runtime on the best provider that it offers.",
}
"""One line for each."""

_FLOAT = (Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16)
PRECISIONS: Mapping[Method, tuple[Precision, ...]] = {
    Method.REFERENCE: (Precision.FP32, Precision.TF32),
    Method.PIPELINE: _FLOAT,
    Method.BATCHED: _FLOAT,
    Method.GRAPH: _FLOAT,
    Method.ONNX: (Precision.FP32, Precision.FP16, Precision.INT8),
}
"""What each can compute in; what the device can is known by the worker alone."""

NEW_TOKENS = 64
"""Tokens that text generation writes behind each prompt: the same number in every run, so that runs can be compared."""

OF_TEXT = (Method.BATCHED, Method.REFERENCE)
"""Methods that text generation has."""
_NOT_OF_TEXT: Mapping[Method, str] = {
    Method.PIPELINE: "the library's call gives the whole answer at once, so the first token cannot be timed",
    Method.GRAPH: "every token makes the input longer, and a CUDA graph repeats one shape",
    Method.ONNX: "an answer is a call for each of its tokens, and only a single call is exported",
}

PRELOADABLE = (Method.BATCHED, Method.GRAPH, Method.ONNX)
"""Methods that take decoded images from memory; the others read each image themselves, as they are used."""


def check(method: str, precision: str, *, batch_size: int, preload: bool) -> None:
    """Refuses what does not go together.

    Args:
        method: value of a :class:`Method`.
        precision: value of a :class:`Precision`.
        batch_size: images per model call.
        preload: whether images are decoded before the clock starts.

    Raises:
        BadRequest: a value is unknown, or the combination means nothing; says what would do.
    """
    methods = [one.value for one in Method]
    if method not in methods:
        raise BadRequest(f"method = {method!r} is unknown.", f"Use one of {', '.join(methods)}.")
    allowed = [one.value for one in PRECISIONS[Method(method)]]
    if precision not in allowed:
        raise BadRequest(f"{method} does not compute in {precision!r}.", f"Use one of {', '.join(allowed)}.")
    if method == Method.REFERENCE.value and batch_size != 1:
        raise BadRequest(f"reference takes one image at a time, not {batch_size}.", "Use a batch size of 1.")
    if preload and Method(method) not in PRELOADABLE:
        others = ", ".join(one.value for one in PRELOADABLE)
        raise BadRequest(f"{method} reads its images itself, so they cannot be preloaded.", f"Use one of {others}.")


def check_text(method: str, *, preload: bool) -> None:
    """Refuses what means nothing for text generation.

    Args:
        method: value of a :class:`Method`.
        preload: whether items are decoded before the clock starts.

    Raises:
        BadRequest: it does; says why.
    """
    if why := _NOT_OF_TEXT.get(Method(method)):
        names = " or ".join(one.value for one in OF_TEXT)
        raise BadRequest(f"{method} does not generate text: {why}.", f"Use method {names}.")
    if preload:
        raise BadRequest(
            "Prompts are not preloaded: tokenising one takes next to nothing beside its answer.",
            "Do not preload them.",
        )
