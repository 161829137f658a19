"""The measuring loop: warm up, time the bare model, measure end to end, time the bare model again.

One batch at a time: images that were decoded ahead are handed in, prepared on the device, put
through the model, and the result of each is read on the host before the next batch begins.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from orin_core.inference.device import synchronise
from orin_core.inference.feed import Batch, Feed
from orin_core.inference.preprocessing import Inputs
from orin_core.inference.process import Events, Stop
from orin_core.inference.settling import Settling
from orin_core.inference.workload import Workload
from orin_core.spec import Phase, RunSpec

BARE_S = 2.0
BARE_SHORT_S = 0.3
BARE_BATCHES = 3
BARE_CAP = 10
BARE_LOOK_S = 0.1
"""The bare loop looks at the clock, and for that synchronises, about so often."""


def _now_s() -> float:
    """Returns the monotonic time in whole microseconds, so that events and rows agree to the last digit."""
    return round(time.monotonic(), 6)


class Loop:
    """One run of the worker, from its first batch to its last.

    Args:
        spec: lengths of the phases.
        workload: the model on its device.
        feed: images.
        device: where the model is.
        events: where progress goes.
        stop: asked between batches.
    """

    def __init__(
        self, *, spec: RunSpec, workload: Workload, feed: Feed, device: torch.device, events: Events, stop: Stop
    ) -> None:
        self._spec = spec
        self._workload = workload
        self._feed = feed
        self._device = device
        self._events = events
        self._stop = stop
        self._items_done = 0
        self._bare: list[torch.Tensor] = []

    def rehearse(self) -> list[int]:
        """Puts the first batch through, so that what does not work fails before the clock starts.

        Its prepared images stay on the device for the bare loop.

        Returns:
            Shape of what the model gets: images, colours, height, width.

        Raises:
            OrinError: no image can be read.
        """
        batch = self._feed.first()
        inputs = self._workload.inputs(batch)
        for part in inputs:
            self._workload.results(self._workload.forward(part.pixels))
        self._bare = [part.pixels for part in inputs]
        return [int(length) for length in self._bare[0].shape]

    def run(self) -> None:
        """Goes through all phases, or until it is asked to stop.

        Raises:
            OrinError: no image can be read.
        """
        if self._spec.warmup_max_s > 0 and not self._stop.asked:
            self._warm_up()
        if not self._stop.asked:
            self._time_model("before")
        if not self._stop.asked:
            self._measure()
        if not self._stop.asked:
            self._time_model("after")

    def _warm_up(self) -> None:
        start_s = _now_s()
        self._events.send("phase", phase=Phase.WARMUP.value, t_s=start_s)
        settling = Settling(min_s=self._spec.warmup_min_s, max_s=self._spec.warmup_max_s, start_s=start_s)
        with self._feed.batches() as batches:
            while not settling.over and not self._stop.asked:
                fetch_s = _now_s()
                batch = next(batches)
                settling.add(batch.items, self._infer(batch, fetch_s, Phase.WARMUP))
        self._events.send(
            "warmup", settled=settling.settled, windows=settling.windows, seconds=round(settling.seconds, 6)
        )

    def _measure(self) -> None:
        spec = self._spec
        start_s = end_s = fetch_s = _now_s()
        self._events.send("phase", phase=Phase.MEASURE.value, t_s=start_s)
        # Entering starts the feed from nothing: no image was decoded before the clock.
        with self._feed.batches(spec.items) as batches:
            for batch in batches:
                end_s = self._infer(batch, fetch_s, Phase.MEASURE)
                fetch_s = end_s
                if self._stop.asked or (spec.seconds is not None and end_s - start_s >= spec.seconds):
                    break
            complete = self._items_done >= spec.items if spec.items else end_s - start_s >= (spec.seconds or 0)
            # Before the feed is left, which waits for the image that is being decoded.
            self._events.send(
                "done",
                t_start_s=start_s,
                t_end_s=end_s,
                items=self._items_done,
                failed_items=self._feed.failed_items,
                stopped=not complete,
            )

    def _infer(self, batch: Batch, fetch_s: float, phase: Phase) -> float:
        """Puts a batch through and returns when the last of its results was on the host, s."""
        handed_s = _now_s()
        forward_s = 0.0
        for part in self._workload.inputs(batch):
            output, part_s = self._timed_forward(part)
            forward_s += part_s
            self._workload.results(output)
        end_s = _now_s()
        if phase is Phase.MEASURE:
            self._items_done += batch.items
        row = (fetch_s, end_s, phase.value, batch.items, forward_s * 1000, (end_s - handed_s) * 1000)
        self._events.row(row, items_done=self._items_done)
        return end_s

    def _timed_forward(self, part: Inputs) -> tuple[Any, float]:
        synchronise(self._device)
        start_s = time.perf_counter()
        output = self._workload.forward(part.pixels)
        synchronise(self._device)
        return output, time.perf_counter() - start_s

    def _time_model(self, when: str) -> None:
        """Times the model alone, on images that lie on the device, synchronised at both ends.

        It takes max(2 s, 3 batches), 0.3 s instead of 2 s where the run has no warm-up, and
        fewer batches, at least one, where a slow model would take more than ten times that. A
        quarter of that time goes before it, uncounted: the first calls after a pause are slow.
        """
        length_s = BARE_S if self._spec.warmup_max_s > 0 else BARE_SHORT_S
        batches_a_look = max(1, int(BARE_LOOK_S / self._warm_bare_s(length_s / 4)))
        seconds, batches = 0.0, 0
        synchronise(self._device)
        start_s = time.perf_counter()
        while not self._stop.asked and (seconds < length_s or batches < BARE_BATCHES):
            self._bare_batches(batches_a_look)
            batches += batches_a_look
            seconds = time.perf_counter() - start_s
            if seconds > BARE_CAP * length_s:
                break
        if not self._stop.asked:
            items = batches * sum(len(pixels) for pixels in self._bare)
            self._events.send(
                "model_only", when=when, items=items, seconds=round(seconds, 6), fps=round(items / seconds, 4)
            )

    def _warm_bare_s(self, length_s: float) -> float:
        """Runs the bare loop for a while and returns the time of its last batch, s."""
        until_s = time.perf_counter() + length_s
        while True:
            start_s = time.perf_counter()
            self._bare_batches(1)
            end_s = time.perf_counter()
            if end_s >= until_s or self._stop.asked:
                return max(end_s - start_s, 1e-6)

    def _bare_batches(self, count: int) -> None:
        for _ in range(count):
            for pixels in self._bare:
                self._workload.forward(pixels)
        synchronise(self._device)
