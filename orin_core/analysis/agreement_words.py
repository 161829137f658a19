"""How far the results of a run agree with the reference method, in words; and the rule that they must."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis.findings import Finding, counted, finding
from orin_core.analysis.summary_keys import flag, number, text
from orin_core.methods import Method, Precision

_Summary = Mapping[str, Any]

TOP1, DEPTH_ERROR, BOX_IOU, TOKENS = "top1", "depth_error", "box_iou", "tokens"
"""Metrics: share of images of the same class; mean difference over the reference's range; mean IoU of boxes; share of
tokens that are the reference's."""
_UNIT = {TOP1: "%", DEPTH_ERROR: "%", BOX_IOU: "%", TOKENS: "%"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the results of a run agree with the reference method on the same images.

    Args:
        metric: what was compared.
        value: how it came out.
        threshold: least or most that is allowed.
        ok: whether it is.
        images: how many were compared; 0 where nothing was found on any of them.
    """

    metric: str
    value: float
    threshold: float
    ok: bool
    images: int

    @property
    def short(self) -> str:
        """It in a few words, for the cell of a table."""
        if not self.images:
            return "nothing was found to compare"
        if self.metric == TOP1:
            return f"class agrees on {self._same} of {self.images}"
        if self.metric == DEPTH_ERROR:
            return f"depth differs by {_shown(self.metric, self.value)}"
        if self.metric == BOX_IOU:
            return f"boxes overlap by {_shown(self.metric, self.value)}"
        if self.metric == TOKENS:
            return f"{_shown(self.metric, self.value)} of tokens agree"
        return f"{self.metric} {_shown(self.metric, self.value)}"

    @property
    def sentence(self) -> str:
        """It with its limit, without a full stop."""
        if not self.images:
            return "Neither this method nor the reference found anything, so nothing could be compared"
        images, limit = counted(self.images, "image"), _shown(self.metric, self.threshold)
        if self.metric == TOP1:
            same = f"{self._same} of {images}"
            return f"The class agrees with the reference on {same}; {limit} is needed"
        if self.metric == DEPTH_ERROR:
            share = _shown(self.metric, self.value)
            return f"The depth maps of {images} differ from the reference by {share} of its range; {limit} is allowed"
        if self.metric == BOX_IOU:
            overlap = _shown(self.metric, self.value)
            return f"The boxes on {images} overlap with those of the reference by {overlap}; {limit} is needed"
        if self.metric == TOKENS:
            prompts, share = counted(self.images, "prompt"), _shown(self.metric, self.value)
            return f"Of the tokens behind {prompts}, {share} are the reference's; {limit} is needed"
        return f"Held against the reference on {images}, {self.metric} is {self.value:.4g}; the limit is {limit}"

    @property
    def _same(self) -> int:
        return round(self.value * self.images)


def _shown(metric: str, value: float) -> str:
    return f"{100 * value:.3g} %" if _UNIT.get(metric) == "%" else f"{value:.3g}"


def agreement_of(summary: _Summary) -> Agreement | None:
    """Returns how far a run agrees with the reference; None where nobody looked, as for the reference itself.

    Args:
        summary: as in ``summary.json``.
    """
    metric, ok = text(summary, "agreement_metric"), flag(summary, "agreement_ok")
    value, threshold, images = (number(summary, f"agreement_{key}") for key in ("value", "threshold", "images"))
    if metric is None or ok is None or value is None or threshold is None or images is None:
        return None
    return Agreement(metric=metric, value=value, threshold=threshold, ok=ok, images=int(images))


def is_told(summary: _Summary) -> bool:
    """Returns whether a run of which agreement is asked has it; the reference and runs without a method owe none."""
    return text(summary, "method") in (None, Method.REFERENCE.value) or agreement_of(summary) is not None


def agrees(summary: _Summary) -> Iterable[Finding]:
    """Yields that a run computes something else than the reference.

    Boxes of random weights are no evidence: a level of 255, by which OpenCV and torch differ in a
    resize, decides which there are. Such a run has no speed-up, but its speed is that of the model.
    """
    found = agreement_of(summary)
    if found is None or found.ok or (found.metric == BOX_IOU and text(summary, "weights") == "random"):
        return
    yield finding("disagrees", f"{found.sentence}: this method computes something else.", _what_to_do(summary))


def _what_to_do(summary: _Summary) -> str:
    if text(summary, "precision") in (None, Precision.FP32.value):
        return "Its speed says nothing of this model: use another method."
    return "Its speed says nothing of this model: use a wider precision, such as fp32."
