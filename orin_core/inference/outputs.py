"""Pictures of what the model says of a few images: made once, before the clock starts, for people to look at.

They read images from the source by themselves and not from the feed, so that neither what is
measured nor what is counted as failed depends on them.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Iterator
from typing import Any

from orin_core.inference import pictures
from orin_core.inference.feed import batch_of
from orin_core.inference.methods import Method, put_through
from orin_core.inference.process import Events, Stop
from orin_core.inference.sources import DECODE_ERRORS, Pixels, Source
from orin_core.inference.workload import Workload

MAX_PICTURES = 8
PATIENCE_S = 4.0
"""No further picture is begun after so long: a slow model has fewer, at least one."""

_log = logging.getLogger(__name__)


def send(*, workload: Workload, method: Method, source: Source, events: Events, stop: Stop) -> None:
    """Makes the pictures and sends them as one event ``outputs``; what goes wrong is said in it and raised nowhere.

    Args:
        workload: what the results mean.
        method: how images go through the model.
        source: images.
        events: where they go.
        stop: asked between two pictures.
    """
    start_s = time.monotonic()
    made: list[dict[str, Any]] = []
    classes: int | None = None
    problem = ""
    try:
        for pixels in _some(source):
            said = _said(workload, method, pixels)
            jpeg = pictures.encoded(pictures.draw(pixels, said))
            made.append({"jpeg": base64.b64encode(jpeg).decode(), "title": said.title, "kind": said.kind})
            classes = said.classes
            if stop.asked or time.monotonic() - start_s > PATIENCE_S:
                break
    except Exception as error:  # boundary: a run must not fail for want of pictures  # noqa: BLE001
        _log.exception("pictures of what the model says")
        problem = f"There are no more pictures of what the model says: {error!r}"[:300]
    events.send(
        "outputs", pictures=made, classes=classes, problem=problem, seconds=round(time.monotonic() - start_s, 3)
    )


def _some(source: Source) -> Iterator[Pixels]:
    """Yields images spread over the source; those that cannot be read are the feed's to tell of."""
    count = min(len(source), MAX_PICTURES)
    for place in range(count):
        pixels = _read(source, place * len(source) // count)
        if pixels is not None:
            yield pixels


def _read(source: Source, index: int) -> Pixels | None:
    try:
        return source.read(index)
    except DECODE_ERRORS:
        return None


def _said(workload: Workload, method: Method, pixels: Pixels) -> pictures.Said:
    """Returns what the model says of one image, put through it as a batch of one."""
    (result,) = put_through(method, batch_of([pixels])).results
    height, width = (1, *pixels.shape)[-2:]  # a prompt is a row of token ids
    return workload.said(result, height_px=height, width_px=width)
