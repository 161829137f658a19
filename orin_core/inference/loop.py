"""The measuring loop: warm up, time the bare model, measure end to end, time the bare model again.

Batches are handed in until as many are out as the method keeps in flight; then the results of
the oldest are taken before the next goes in. Every result is read on the host.
"""

from __future__ import annotations

import collections
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from orin_core.inference.bare import BareModel
from orin_core.inference.device import synchronise
from orin_core.inference.feed import Batch, Supply
from orin_core.inference.methods import Method
from orin_core.inference.process import Events, Stop
from orin_core.inference.settling import Settling
from orin_core.spec import Phase, RunSpec


def _now_s() -> float:
    """Returns the monotonic time in whole microseconds, so that events and rows agree to the last digit."""
    return round(time.monotonic(), 6)


class Loop:
    """One run of the worker, from its first batch to its last.

    Args:
        spec: lengths of the phases.
        method: how batches go through the model; it was rehearsed.
        supply: images.
        bare: one batch on the device, for the bare loop.
        device: where the model is.
        events: where progress goes.
        stop: asked between batches.
    """

    def __init__(
        self,
        *,
        spec: RunSpec,
        method: Method,
        supply: Supply,
        bare: Sequence[torch.Tensor],
        device: torch.device,
        events: Events,
        stop: Stop,
    ) -> None:
        self._spec = spec
        self._method = method
        self._supply = supply
        self._device = device
        self._events = events
        self._stop = stop
        self._items_done = 0
        self._results = 0
        self._shapes: set[tuple[int, ...]] = set()
        self._tokens = 0
        self._first_token_s: list[float] = []
        self._end_s = 0.0
        self._bare = BareModel(
            forward=method.forward,
            pixels=bare,
            device=device,
            has_warmup=spec.warmup_max_s > 0,
            events=events,
            stop=stop,
        )

    def run(self) -> None:
        """Goes through all phases, or until it is asked to stop.

        Raises:
            OrinError: no image can be read.
        """
        if self._spec.warmup_max_s > 0 and not self._stop.asked:
            self._warm_up()
        self._bare.run("before")
        if not self._stop.asked:
            self.measure()
        self._bare.run("after")

    def _warm_up(self) -> None:
        start_s = _now_s()
        self._events.send("phase", phase=Phase.WARMUP.value, t_s=start_s)
        settling = Settling(min_s=self._spec.warmup_min_s, max_s=self._spec.warmup_max_s, start_s=start_s)
        with self._supply.batches() as batches:
            taken = self._taken(self._until_over(batches, settling), Phase.WARMUP, start_s)
            for items, end_s in taken:
                settling.add(items, end_s)
        self._events.send(
            "warmup", settled=settling.settled, windows=settling.windows, seconds=round(settling.seconds, 6)
        )

    def _until_over(self, batches: Iterator[Batch], settling: Settling) -> Iterator[Batch]:
        while not settling.over and not self._stop.asked:
            yield next(batches)

    def measure(self) -> None:
        """Measures alone, from the first fetch to the last result.

        Raises:
            OrinError: no image can be read.
        """
        spec = self._spec
        start_s = self._end_s = _now_s()
        self._events.send("phase", phase=Phase.MEASURE.value, t_s=start_s)
        # Entering starts the feed from nothing: no image was decoded before the clock, unless all were.
        with self._supply.batches(spec.items) as batches:
            for _ in self._taken(self._until_complete(batches, start_s), Phase.MEASURE, start_s):
                pass
            final_sync_s = self._final_sync_s()
            # Before the feed is left, which waits for the image that is being decoded.
            self._events.send(
                "done",
                t_start_s=start_s,
                t_end_s=self._end_s,
                items=self._items_done,
                failed_items=self._supply.failed_items,
                stopped=not self._complete(self._end_s - start_s),
                final_sync_s=round(final_sync_s, 6),
                results=self._results,
                input_shapes=len(self._shapes),
                in_flight=self._method.in_flight,
                **self._text(),
            )

    def _text(self) -> dict[str, Any]:
        """Returns what ``done`` says of text generation beside; nothing for images."""
        if not self._first_token_s:
            return {}
        return {
            "tokens": self._tokens,
            "ttft_ms_p50": round(statistics.median(self._first_token_s) * 1000, 4),
        }

    def _until_complete(self, batches: Iterator[Batch], start_s: float) -> Iterator[Batch]:
        for batch in batches:
            yield batch
            if self._stop.asked or self._complete(self._end_s - start_s):
                return

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

    def _taken(self, batches: Iterator[Batch], phase: Phase, start_s: float) -> Iterator[tuple[int, float]]:
        """Puts batches through and yields images and end of each, when the last of its results was on the host, s.

        A batch's row begins where the one before it ended, so that rows lie end to end also where
        several are in flight.
        """
        out: collections.deque[tuple[int, float]] = collections.deque()
        for batch in batches:
            out.append((batch.items, _now_s()))
            self._method.hand_in(batch)
            if len(out) == self._method.in_flight:
                items, handed_s = out.popleft()
                start_s = self._take(items, begin_s=start_s, handed_s=handed_s, phase=phase)
                yield items, start_s
        while out:
            items, handed_s = out.popleft()
            start_s = self._take(items, begin_s=start_s, handed_s=handed_s, phase=phase)
            yield items, start_s

    def _take(self, items: int, *, begin_s: float, handed_s: float, phase: Phase) -> float:
        """Takes the results of the oldest batch, tells of it, and returns when it ended, s."""
        taken = self._method.take()
        self._end_s = end_s = _now_s()
        if phase is Phase.MEASURE:
            self._items_done += items
            self._results += sum(result is not None for result in taken.results)
            self._shapes |= taken.shapes
            self._tokens += taken.tokens
            # The prompts of a batch have their first tokens together.
            self._first_token_s += [] if taken.first_token_s is None else [taken.first_token_s] * items
        row = (begin_s, end_s, phase.value, items, taken.forward_s * 1000, (end_s - handed_s) * 1000)
        self._events.row(row, items_done=self._items_done)
        return end_s
