"""The measuring loop: warm up, time the bare model, measure end to end, time the bare model again.

One batch at a time: images that were decoded ahead are handed in, prepared on the device, put
through the model, and the result of each is read on the host before the next batch begins.
"""

from __future__ import annotations

import dataclasses
import time

import torch

from orin_core.inference.bare import BareModel
from orin_core.inference.device import synchronise
from orin_core.inference.feed import Batch, Feed
from orin_core.inference.operations import counted_forward
from orin_core.inference.process import Events, Stop
from orin_core.inference.settling import Settling
from orin_core.inference.workload import Workload
from orin_core.spec import Phase, RunSpec

IN_FLIGHT = 1
"""Batches that are handed in before the results of the first are read."""


def timed_forward(workload: Workload, pixels: torch.Tensor, device: torch.device) -> tuple[object, float]:
    """Returns the model's output and the time of its forward call, s, the device synchronised at both ends."""
    synchronise(device)
    start_s = time.perf_counter()
    output = workload.forward(pixels)
    synchronise(device)
    return output, time.perf_counter() - start_s


def _now_s() -> float:
    """Returns the monotonic time in whole microseconds, so that events and rows agree to the last digit."""
    return round(time.monotonic(), 6)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What the first batch told.

    Args:
        input_shape: of what the model gets: images, colours, height, width.
        flop_per_item: operations of one image, multiply and add counted apart; None where they
            could not be counted.
    """

    input_shape: list[int]
    flop_per_item: float | None


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
        self._results = 0
        self._shapes: set[tuple[int, ...]] = set()
        self._bare: list[torch.Tensor] = []

    def rehearse(self) -> Rehearsal:
        """Puts the first batch through, so that what does not work fails before the clock starts.

        Its operations are counted, and its prepared images stay on the device for the bare loop.

        Raises:
            OrinError: no image can be read.
        """
        batch = self._feed.first()
        inputs = self._workload.inputs(batch)
        counts: list[float | None] = []
        for part in inputs:
            output, flop = counted_forward(self._workload.forward, part.pixels)
            counts.append(flop)
            self._workload.results(output)
        self._bare = [part.pixels for part in inputs]
        known = [flop for flop in counts if flop is not None]
        return Rehearsal(
            input_shape=[int(length) for length in self._bare[0].shape],
            flop_per_item=sum(known) / batch.items if len(known) == len(counts) else None,
        )

    def run(self) -> None:
        """Goes through all phases, or until it is asked to stop.

        Raises:
            OrinError: no image can be read.
        """
        if self._spec.warmup_max_s > 0 and not self._stop.asked:
            self._warm_up()
        bare = BareModel(
            workload=self._workload,
            pixels=self._bare,
            device=self._device,
            has_warmup=self._spec.warmup_max_s > 0,
            events=self._events,
            stop=self._stop,
        )
        bare.run("before")
        if not self._stop.asked:
            self._measure()
        bare.run("after")

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
                if self._stop.asked or self._complete(end_s - start_s):
                    break
            final_sync_s = self._final_sync_s()
            # Before the feed is left, which waits for the image that is being decoded.
            self._events.send(
                "done",
                t_start_s=start_s,
                t_end_s=end_s,
                items=self._items_done,
                failed_items=self._feed.failed_items,
                stopped=not self._complete(end_s - start_s),
                final_sync_s=round(final_sync_s, 6),
                results=self._results,
                input_shapes=len(self._shapes),
                in_flight=IN_FLIGHT,
            )

    def _complete(self, seconds: float) -> bool:
        """Returns whether measure has what was asked of it."""
        spec = self._spec
        if spec.items is not None:
            return self._items_done >= spec.items
        return seconds >= (spec.seconds or 0.0) and self._items_done >= spec.min_items

    def _final_sync_s(self) -> float:
        """Returns how long the device still works after the last result, s: next to nothing, if those were results."""
        start_s = time.perf_counter()
        synchronise(self._device)
        return time.perf_counter() - start_s

    def _infer(self, batch: Batch, fetch_s: float, phase: Phase) -> float:
        """Puts a batch through and returns when the last of its results was on the host, s."""
        handed_s = _now_s()
        forward_s = 0.0
        results, shapes = 0, set[tuple[int, ...]]()
        for part in self._workload.inputs(batch):
            output, part_s = timed_forward(self._workload, part.pixels, self._device)
            forward_s += part_s
            results += len(self._workload.results(output))
            shapes.add(tuple(part.pixels.shape[1:]))
        end_s = _now_s()
        if phase is Phase.MEASURE:
            self._items_done += batch.items
            self._results += results
            self._shapes |= shapes
        row = (fetch_s, end_s, phase.value, batch.items, forward_s * 1000, (end_s - handed_s) * 1000)
        self._events.row(row, items_done=self._items_done)
        return end_s
