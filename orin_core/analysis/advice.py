"""What to try where the host or the GPU holds a run back, by the way in which images went through the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.analysis.summary_keys import number, text
from orin_core.methods import Method, Precision

_Summary = Mapping[str, Any]

LARGE_BATCH = 32
_BATCHED = (
    f"Use method batched with batch size {LARGE_BATCH}: images are then decoded ahead and prepared on the device."
)
_ONE_BY_ONE = (Method.REFERENCE.value, Method.PIPELINE.value)
"""Methods that prepare each image on the host."""


def for_the_host(summary: _Summary) -> tuple[str, ...]:
    """Returns what takes work off the host, the most first; empty where nothing is left to try.

    Args:
        summary: as in ``summary.json``; a run without a method is a log or of an older version.
    """
    method, batch = text(summary, "method"), number(summary, "batch_size")
    on_cuda = text(summary, "device_type") == "cuda"
    if method is None:
        is_large = batch is not None and batch >= LARGE_BATCH
        return ("Prepare the images on the GPU." if is_large else larger_batch(None),)
    if method in _ONE_BY_ONE:
        return (_BATCHED,)
    found = []
    if method == Method.BATCHED.value and batch == 1 and on_cuda:
        found.append("Use method graph: it takes away what starting each of the model's operations costs the host.")
    if batch is not None and batch < LARGE_BATCH:
        found.append(larger_batch(method))
    elif text(summary, "scope") == "full":
        found.append(
            "Preload the images to see what decoding costs; its FPS is of another scope and not compared with this."
        )
    return tuple(found)


def larger_batch(method: str | None) -> str:
    """Returns the advice on the batch, for one run or for several of one method.

    Args:
        method: of the runs; None where they name none.
    """
    if method is None:
        return f"Use batch size {LARGE_BATCH}, or prepare the images on the GPU."
    return _BATCHED if method in _ONE_BY_ONE else f"Use batch size {LARGE_BATCH}."


def half_precision(rows: Sequence[_Summary]) -> str:
    """Returns ``FP16,`` to go on with, for runs of several modes; empty where one of them is of half precision already.

    Args:
        rows: with ``precision`` where it is known.
    """
    wide = (None, Precision.FP32.value, Precision.TF32.value)
    return "FP16, " if all(text(row, "precision") in wide for row in rows) else ""


def for_the_gpu(summary: _Summary) -> str:
    """Returns which precision to try; empty where it is half already, or nobody knows.

    Args:
        summary: as in ``summary.json``.
    """
    if text(summary, "precision") not in (Precision.FP32.value, Precision.TF32.value):
        return ""
    method = text(summary, "method")
    if method is None:
        return "Use FP16: the tensor cores then do at least twice as much in a clock."
    # The reference is what others are held against, so it is never of half precision.
    way = "method batched in" if method == Method.REFERENCE.value else "precision"
    return (
        f"Use {way} fp16: the tensor cores then do at least twice as much in a clock. How far its results "
        "agree with the reference stands beside its speed."
    )
