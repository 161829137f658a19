"""The model alone, on images that lie on the device: what the measuring loop is held against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from orin_core.inference.device import synchronise
from orin_core.inference.process import Events, Stop

BARE_S = 2.0
BARE_BATCHES = 3
SYNCHRONISED_S = 1.0
SYNCHRONISED_BATCHES = 5
SHORT_S = 0.3
"""Length of either segment in a run without warm-up, s."""

CAP = 10
"""A segment of a slow model ends after so many times its length, with fewer batches, at least one."""

BARE_LOOK_S = 0.1
"""The bare loop looks at the clock, and for that synchronises, about so often."""


class BareModel:
    """Two segments, before measure and after it, that know neither feed nor results.

    The bare loop is synchronised at both ends only: it is as fast as the device goes. The other
    one waits for the device at every batch: it is what one forward call takes, whatever a
    measuring loop claims.

    Args:
        forward: the model, in the arithmetic of the run.
        pixels: one batch on the device, a tensor for each shape.
        device: where both are.
        has_warmup: whether the run has a warm-up; without it the segments are short.
        events: where they are reported.
        stop: asked between batches.
    """

    def __init__(
        self,
        *,
        forward: Callable[[torch.Tensor], Any],
        pixels: Sequence[torch.Tensor],
        device: torch.device,
        has_warmup: bool,
        events: Events,
        stop: Stop,
    ) -> None:
        self._forward_call = forward
        self._pixels = pixels
        self._device = device
        self._has_warmup = has_warmup
        self._events = events
        self._stop = stop

    def run(self, when: str) -> None:
        """Times both segments, or until it is asked to stop.

        Args:
            when: ``before`` or ``after`` measure.
        """
        if not self._stop.asked:
            self._time_loop(when)
        if not self._stop.asked:
            self._time_synchronised(when)

    def _time_loop(self, when: str) -> None:
        """Times the bare loop: max(2 s, 3 batches).

        A quarter of that time goes before it, uncounted: the first calls after a pause are slow.
        """
        length_s = BARE_S if self._has_warmup else SHORT_S
        batches_a_look = max(1, int(BARE_LOOK_S / self._warm_s(length_s / 4)))
        seconds, batches = 0.0, 0
        synchronise(self._device)
        start_s = time.perf_counter()
        while not self._stop.asked and (seconds < length_s or batches < BARE_BATCHES):
            self._forward(batches_a_look)
            batches += batches_a_look
            seconds = time.perf_counter() - start_s
            if seconds > CAP * length_s:
                break
        if not self._stop.asked:
            items = batches * self._items
            self._events.send(
                "model_only", when=when, items=items, seconds=round(seconds, 6), fps=round(items / seconds, 4)
            )

    def _time_synchronised(self, when: str) -> None:
        """Times single batches, the device synchronised before and after each: max(1 s, 5 batches)."""
        length_s = SYNCHRONISED_S if self._has_warmup else SHORT_S
        forward_ms: list[float] = []
        start_s = time.perf_counter()
        seconds = 0.0
        while not self._stop.asked and (seconds < length_s or len(forward_ms) < SYNCHRONISED_BATCHES):
            forward_ms.append(self._synchronised_s() * 1000)
            seconds = time.perf_counter() - start_s
            if seconds > CAP * length_s:
                break
        if not self._stop.asked:
            self._events.send(
                "synchronised",
                when=when,
                batches=len(forward_ms),
                items=len(forward_ms) * self._items,
                forward_ms_p50=round(statistics.median(forward_ms), 4),
            )

    @property
    def _items(self) -> int:
        return sum(len(pixels) for pixels in self._pixels)

    def _warm_s(self, length_s: float) -> float:
        """Runs the bare loop for a while and returns the time of its last batch, s."""
        until_s = time.perf_counter() + length_s
        while True:
            start_s = time.perf_counter()
            self._forward(1)
            end_s = time.perf_counter()
            if end_s >= until_s or self._stop.asked:
                return max(end_s - start_s, 1e-6)

    def _forward(self, count: int) -> None:
        for _ in range(count):
            for pixels in self._pixels:
                self._forward_call(pixels)
        synchronise(self._device)

    def _synchronised_s(self) -> float:
        """Returns what the forward calls of one batch take, s.

        It is timed here and not by the measuring loop's own code, so that a loop which forgets to
        wait for the device is found out.
        """
        forward_s = 0.0
        for pixels in self._pixels:
            synchronise(self._device)
            start_s = time.perf_counter()
            self._forward_call(pixels)
            synchronise(self._device)
            forward_s += time.perf_counter() - start_s
        return forward_s
