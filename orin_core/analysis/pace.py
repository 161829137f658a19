"""What the rows of ``batches.csv`` say: latency, and how many images were done at any moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from orin_core.analysis.ticks import Floats, Window, percentile

MIN_BATCHES_P99 = 1000
MIN_BATCHES_PARTS = 4
"""Halves and blocks are not told apart by fewer batches: inside a batch the count is a straight line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """The batches of measure.

    Args:
        start_s: when each was fetched, s since the run began.
        end_s: when its last result was in host memory, s since the run began.
        items: images in it.
        items_done: images of measure done by then.
        forward_ms: time of its forward passes, ms.
        latency_ms: from handing it in to its last result, ms.
        weight: how many batches the row stands for; more than 1 where a long run kept only some.
    """

    start_s: Floats
    end_s: Floats
    items: Floats
    items_done: Floats
    forward_ms: Floats
    latency_ms: Floats
    weight: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame, t0_s: float) -> Batches:
        """Returns the batches of measure in the rows of ``batches.csv``.

        Args:
            frame: its rows; none for a run without them.
            t0_s: monotonic time at which the run began, s.
        """
        measured = frame[frame["phase"] == "measure"] if "phase" in frame else frame.iloc[:0]
        for needed in ("end_s", "items_done"):  # a row that was damaged says neither when nor how many
            if needed in measured:
                measured = measured[pd.to_numeric(measured[needed], errors="coerce").notna()]

        def column(name: str) -> Floats:
            if name not in measured:
                return np.full(len(measured), np.nan)
            values: Floats = pd.to_numeric(measured[name], errors="coerce").to_numpy(dtype=float)
            return values

        numbers = column("batch")
        weight = np.diff(numbers, prepend=numbers[0] - 1) if len(numbers) else numbers
        return cls(
            start_s=column("start_s") - t0_s,
            end_s=column("end_s") - t0_s,
            items=column("items"),
            items_done=column("items_done"),
            forward_ms=column("forward_ms"),
            latency_ms=column("latency_ms"),
            weight=np.where(np.isfinite(weight) & (weight > 0), weight, 1.0),
        )

    @property
    def count(self) -> int:
        """How many batches were put through, those without a row of their own included."""
        return int(self.weight.sum())

    def count_of(self, values: Floats) -> int:
        """Returns how many batches a percentile of these values speaks for: every row with a value by its weight."""
        return int(self.weight[np.isfinite(values)].sum())

    def ended_by(self, moment_s: float) -> int:
        """Returns how many batches had ended at a moment, s since the run began."""
        return int(self.weight[self.end_s <= moment_s].sum())

    def percentile(self, values: Floats, share: float) -> float | None:
        """Returns a nearest-rank percentile over the batches, None where there is no value."""
        known = np.isfinite(values)
        return percentile(values[known], self.weight[known], share) if known.any() else None

    def latencies(self) -> dict[str, float | None]:
        """Returns p50, p90 and, from 1000 batches on, p99 of the latency, ms."""
        enough = self.count >= MIN_BATCHES_P99
        return {
            "latency_ms_p50": self.percentile(self.latency_ms, 0.50),
            "latency_ms_p90": self.percentile(self.latency_ms, 0.90),
            "latency_ms_p99": self.percentile(self.latency_ms, 0.99) if enough else None,
        }

    def items_at(self, moments_s: Floats, window: Window) -> Floats | None:
        """Returns how many images were done at some moments, None for too few batches to tell.

        Within a batch the count grows in a straight line from its fetch to its last result, so a
        long batch that lies across a moment counts for both sides.

        Args:
            moments_s: s since the run began.
            window: measure.
        """
        if self.count < MIN_BATCHES_PARTS or not np.isfinite(self.items_done).all():
            return None
        previous_s = np.concatenate(([window.start_s], self.end_s[:-1]))
        # A batch that was fetched before the one before it ended grew from that end on.
        start_s = np.maximum(np.where(np.isfinite(self.start_s), self.start_s, previous_s), previous_s)
        before = np.concatenate(([0.0], self.items_done[:-1]))
        begun = np.maximum(self.items_done - np.where(np.isfinite(self.items), self.items, 0.0), before)
        times_s = np.ravel(np.column_stack((start_s, self.end_s)))
        done = np.ravel(np.column_stack((begun, self.items_done)))
        found: Floats = np.interp(moments_s, times_s, done, left=0.0)
        return found


def text_pace(done: Mapping[str, Any], seconds: float | None) -> dict[str, float | None]:
    """Returns the speed of text generation: tokens per second over measure, and the median time to the first, ms.

    Args:
        done: the worker's last word on measure; of images it counts no ``tokens``.
        seconds: length of measure.
    """
    tokens, ttft_ms = done.get("tokens"), done.get("ttft_ms_p50")
    return {
        "tokens_per_s": float(tokens) / seconds if tokens and seconds else None,
        "ttft_ms_p50": None if ttft_ms is None else float(ttft_ms),
    }


_OF_IMAGES = ("fps_end_to_end", "fps_model", "fps_first_half", "fps_second_half")


def without_fps(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the figures of text generation: prompts are of many lengths, so their number per second says nothing.

    Args:
        figures: as :func:`orin_core.analysis.summary.figures` returns them.
    """
    blank: dict[str, Any] = dict.fromkeys(_OF_IMAGES)
    kept = {
        part: {key: value for key, value in figures[part].items() if key not in _OF_IMAGES}
        for part in ("counts", "intervals_95")
    }
    return {**figures, **blank, **kept}


def fps_model(model_only: Sequence[Mapping[str, Any]]) -> tuple[float, int] | None:
    """Returns images per second of the bare loops before and after measure together, and their images."""
    seconds = sum(float(segment["seconds"]) for segment in model_only)
    items = sum(int(segment["items"]) for segment in model_only)
    return (items / seconds, items) if seconds > 0 and items > 0 else None
