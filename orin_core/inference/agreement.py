"""Whether a method computes what the reference does: the same images through both, before the clock starts.

The reference goes first and in fp32 without TF32, while the model is still as it was loaded: a
method may change it in place.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812

from orin_core.inference.feed import batch_of
from orin_core.inference.methods import Method, put_through
from orin_core.inference.process import Stop
from orin_core.inference.results import CONFIDENCE, Answer, Boxes, ClassScore, DepthMap
from orin_core.inference.sources import DECODE_ERRORS, Pixels, Source
from orin_core.methods import Precision
from orin_core.spec import Task

MAX_IMAGES = 16
PATIENCE_S = 5.0
"""The reference begins no further image after so long, so that with the method it is about twice that."""

MATCH_IOU = 0.5
"""Boxes that overlap less are not the same thing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is asked of a precision.

    Args:
        tolerance: how far a score may be off by rounding: for a class as share of the span of its
            image's logits, for a token of all logits of that choice, for a box as score.
        top1: least share of images of the same class, or of tokens.
        depth_error: greatest mean difference of a depth map as share of the reference's range.
        box_iou: least mean overlap of boxes.
    """

    tolerance: float
    top1: float
    depth_error: float
    box_iou: float


_ROUNDED_32 = Limits(tolerance=0.001, top1=1.0, depth_error=0.002, box_iou=0.97)
_ROUNDED_10 = Limits(tolerance=0.02, top1=1.0, depth_error=0.02, box_iou=0.9)
LIMITS: Mapping[Precision, Limits] = {
    Precision.FP32: _ROUNDED_32,
    Precision.TF32: _ROUNDED_10,
    Precision.FP16: _ROUNDED_10,
    Precision.BF16: Limits(tolerance=0.08, top1=1.0, depth_error=0.06, box_iou=0.85),
    Precision.INT8: Limits(tolerance=0.1, top1=0.9, depth_error=0.08, box_iou=0.8),
}
"""Chosen so that rounding passes and another computation does not; not yet tried on a kit.

- fp32 differs by the order of sums and, on CUDA, by up to two levels of 255 in few resized pixels.
- tf32 and fp16 keep 10 bits of a mantissa, 0.1 % a product, and some hundred layers follow each other.
- bf16 keeps 7 bits, eight times coarser, and four times as much is let pass: errors add up like a random walk.
- int8 has 256 levels for a whole layer: published post-training losses of top-1 are 1 to 3 %, so one image of ten.
- The same class is asked of every image and the same token of every place, since near-ties are let pass already.
- Which of two boxes on one thing suppresses the other hangs on scores that may nearly tie: the one that is left may
  overlap the reference's by as little as the suppression asks, so boxes are given more room than their edges move.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the reference says.

    Args:
        images: that were asked about.
        results: one for each.
        seconds: that it took, s.
    """

    images: Sequence[Pixels]
    results: Sequence[Any]
    seconds: float


def known(reference: Method, source: Source, stop: Stop) -> Known:
    """Returns what the reference says of the first images of a source; those that cannot be read are left out.

    Args:
        reference: the reference, in fp32.
        source: images.
        stop: asked between two of them.
    """
    start_s = time.monotonic()
    images: list[Pixels] = []
    results: list[Any] = []
    for index in range(len(source)):
        if len(images) == MAX_IMAGES or stop.asked or (images and time.monotonic() - start_s > PATIENCE_S):
            break
        try:
            pixels = source.read(index)
        except DECODE_ERRORS:
            continue  # the feed tells of it
        images.append(pixels)
        results += put_through(reference, batch_of([pixels])).results
    return Known(images=images, results=results, seconds=time.monotonic() - start_s)


def held_against(
    what: Known, *, method: Method, batch_size: int, task: Task, precision: Precision
) -> dict[str, Any] | None:
    """Returns the figures of the event ``agreement``; None where the reference saw no image.

    Args:
        what: what the reference says.
        method: what is held against it.
        batch_size: images in a batch at most.
        task: decides what is compared.
        precision: in which the method computes; decides what is asked of it.
    """
    if not what.images:
        return None
    start_s = time.monotonic()
    found: list[Any] = []
    for first in range(0, len(what.images), batch_size):
        found += put_through(method, batch_of(what.images[first : first + batch_size])).results
    limits = LIMITS[precision]
    figures = _COMPARED[task](what.results, found, limits)
    return {
        "images": len(what.images),
        **figures,
        "precision": precision.value,
        "seconds": round(what.seconds + time.monotonic() - start_s, 3),
    }


def top1(reference: Sequence[ClassScore], found: Sequence[ClassScore], tolerance: float) -> float:
    """Returns the share of images with the same class, 0 to 1.

    Near-ties may flip by rounding alone, with random weights often: an image agrees as well when
    the reference gives the other class nearly as much as its own. Nearly means that the two
    logits are closer than the tolerance times the span of all logits of that image.

    Args:
        reference: results with their logits.
        found: results of the same images.
        tolerance: share of the span, 0 to 1.
    """
    agreeing = sum(_same_class(one, other, tolerance) for one, other in zip(reference, found, strict=True))
    return agreeing / len(reference)


def _same_class(reference: ClassScore, found: ClassScore, tolerance: float) -> bool:
    if not math.isfinite(found.score):
        return False  # logits that are no numbers have a greatest one all the same: the first
    if reference.class_id == found.class_id:
        return True
    if reference.logits is None:
        return False
    logits = reference.logits
    gap, span = logits.max() - logits[found.class_id], logits.max() - logits.min()
    return bool(gap <= tolerance * span)


def tokens(reference: Sequence[Answer], found: Sequence[Answer], tolerance: float) -> tuple[float, int]:
    """Returns the share of tokens that are the reference's, 0 to 1, and how many were compared.

    Answers are compared token by token. Where they part over a near-tie, as ``top1`` has it, the
    rest is another text and is left out; where they part over anything else, the rest counts as wrong.

    Args:
        reference: answers with their candidates.
        found: answers to the same prompts.
        tolerance: share of the span of the logits, 0 to 1.
    """
    agreeing = compared = 0
    for one, other in zip(reference, found, strict=True):
        same = one.tokens == other.tokens
        parting = len(same) if same.all() else int(np.argmin(same))
        agreeing += parting
        near = parting < len(same) and _nearly_chosen(one, parting, int(other.tokens[parting]), tolerance)
        compared += parting if near else len(same)
    # Answers that part at their very first token over near-ties say nothing against the method.
    return (agreeing / compared if compared else 1.0), compared


def _nearly_chosen(reference: Answer, place: int, token: int, tolerance: float) -> bool:
    if reference.candidates is None:
        return False
    behind = reference.candidates.behind[place][reference.candidates.ids[place] == token]
    return bool(behind.size and behind[0] <= tolerance)


def depth_error(reference: Sequence[DepthMap], found: Sequence[DepthMap]) -> float:
    """Returns the mean absolute difference of depth maps as share of the reference's range, at most 1.

    A map of another size (the pipeline makes them as large as the image) is held against the
    reference's resized as the pipeline does it: bicubic.
    """
    errors = []
    for one, other in zip(reference, found, strict=True):
        resized = _resized(one, other.shape)
        span = float(one.max() - one.min())
        difference = float(np.abs(resized - other).mean())
        # A flat map has no range: any difference is all of it.
        errors.append(min(difference / span, 1.0) if span > 0 else float(difference > 0))
    # What is no number agrees with nothing.
    return float(np.mean([error if np.isfinite(error) else 1.0 for error in errors]))


def _resized(depth: DepthMap, shape: tuple[int, ...]) -> DepthMap:
    if depth.shape == shape:
        return depth
    values = torch.from_numpy(np.ascontiguousarray(depth))[None, None]
    resized: DepthMap = F.interpolate(values, size=shape, mode="bicubic", align_corners=False)[0, 0].numpy()
    return resized


def box_iou(reference: Sequence[Boxes], found: Sequence[Boxes], tolerance: float) -> float:
    """Returns the mean overlap (intersection over union) of boxes of one class, 0 to 1; 1 where there are none.

    Boxes are matched greedily, the greatest overlap first. One without a match counts as 0, but
    for those whose score is within the tolerance of the threshold for boxes: rounding alone
    lets them come and go.

    Args:
        reference: boxes of each image.
        found: boxes of the same images.
        tolerance: of a score.
    """
    overlaps: list[float] = []
    for one, other in zip(reference, found, strict=True):
        matched, left = _matched(one, other)
        overlaps += matched
        overlaps += [0.0 for score in left if score > CONFIDENCE + tolerance]
    return float(np.mean(overlaps)) if overlaps else 1.0


def _matched(one: Boxes, other: Boxes) -> tuple[list[float], list[float]]:
    """Returns the overlaps of matched boxes, and the scores of those left over on either side."""
    overlaps = _overlaps(one, other)
    overlaps[one[:, 5:6] != other[None, :, 5]] = 0.0
    matched: list[float] = []
    alone = [set(range(len(one))), set(range(len(other)))]
    for place in np.argsort(-overlaps, axis=None, kind="stable"):
        first, second = (int(index) for index in np.unravel_index(place, overlaps.shape))
        if overlaps[first, second] < MATCH_IOU:
            break
        if first in alone[0] and second in alone[1]:
            matched.append(float(overlaps[first, second]))
            alone[0].remove(first)
            alone[1].remove(second)
    scores = [float(boxes[index, 4]) for boxes, left in zip((one, other), alone, strict=True) for index in left]
    return matched, scores


def _overlaps(one: Boxes, other: Boxes) -> npt.NDArray[np.float64]:
    """Returns intersection over union of each with each, shape (len(one), len(other))."""
    top_left = np.maximum(one[:, None, :2], other[None, :, :2]).astype(np.float64)
    bottom_right = np.minimum(one[:, None, 2:4], other[None, :, 2:4])
    common = (bottom_right - top_left).clip(0).prod(axis=2)
    areas = [(boxes[:, 2:4].astype(np.float64) - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None, :] - common
    shares: npt.NDArray[np.float64] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def _compared_classes(reference: Sequence[Any], found: Sequence[Any], limits: Limits) -> dict[str, Any]:
    value = top1(reference, found, limits.tolerance)
    errors = [abs(one.score - other.score) for one, other in zip(reference, found, strict=True)]
    error = max(error if math.isfinite(error) else 1.0 for error in errors)
    return {**_event("top1", value, limits.top1, ok=value >= limits.top1), "score_error": round(error, 6)}


def _compared_depth(reference: Sequence[Any], found: Sequence[Any], limits: Limits) -> dict[str, Any]:
    value = depth_error(reference, found)
    return _event("depth_error", value, limits.depth_error, ok=value <= limits.depth_error)


def _compared_boxes(reference: Sequence[Any], found: Sequence[Any], limits: Limits) -> dict[str, Any]:
    value = box_iou(reference, found, limits.tolerance)
    # Images without a box on either side agree in nothing.
    images = sum(bool(len(one) or len(other)) for one, other in zip(reference, found, strict=True))
    return {**_event("box_iou", value, limits.box_iou, ok=value >= limits.box_iou), "images": images}


def _compared_tokens(reference: Sequence[Any], found: Sequence[Any], limits: Limits) -> dict[str, Any]:
    value, compared = tokens(reference, found, limits.tolerance)
    return {**_event("tokens", value, limits.top1, ok=value >= limits.top1), "tokens": compared}


def _event(metric: str, value: float, threshold: float, *, ok: bool) -> dict[str, Any]:
    return {"metric": metric, "value": round(value, 6), "threshold": threshold, "ok": ok}


_COMPARED: Mapping[Task, Callable[[Sequence[Any], Sequence[Any], Limits], dict[str, Any]]] = {
    Task.CLASSIFICATION: _compared_classes,
    Task.DEPTH: _compared_depth,
    Task.DETECTION: _compared_boxes,
    Task.TEXT_GENERATION: _compared_tokens,
}
