"""The figures of the agreement with the reference in words: what was compared, and shares in per cent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.words import is_number
from orin_core.analysis.agreement_words import BOX_IOU, DEPTH_ERROR, TOKENS, TOP1
from orin_core.analysis.findings import percent

_METRICS: Mapping[str, tuple[str, str, str]] = {
    TOP1: ("the likeliest class", "the same on {} of the images", "at least {}"),
    DEPTH_ERROR: ("depth maps", "{} of the reference's range apart", "at most {}"),
    BOX_IOU: ("boxes", "{} overlap (IoU)", "at least {}"),
    TOKENS: ("tokens", "{} are the reference's", "at least {}"),
}
"""What each metric compares, how its value reads, and how its limit does; all are shares."""


def text(key: str, summary: Mapping[str, Any]) -> str | None:
    """Returns a figure of the agreement in words; None for any other figure, and for a metric that is not known.

    Args:
        key: of the figure.
        summary: as in ``summary.json``.
    """
    words, value = _METRICS.get(str(summary.get("agreement_metric"))), summary.get(key)
    if words is None:
        return None
    compared, reads, limit = words
    if key == "agreement_metric":
        return compared
    if key in ("agreement_value", "agreement_ok") and summary.get("agreement_images") == 0:
        return "nothing was found to compare"
    pattern = {"agreement_value": reads, "agreement_threshold": limit}.get(key)
    return pattern.format(percent(value)) if pattern and is_number(value) else None
