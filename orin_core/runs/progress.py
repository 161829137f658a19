"""Where a run stands: phase, items, rate, time left."""

from __future__ import annotations

from collections import deque
from typing import Any

from orin_core.analysis.throughput import LiveRate
from orin_core.spec import Phase, RunSpec, RunState


class Progress:
    """The running count of one run; the runner feeds it, the status file shows it.

    Args:
        spec: what was asked.
        of_text: whether the items are prompts, whose number per second says nothing.
    """

    def __init__(self, spec: RunSpec, *, of_text: bool = False) -> None:
        self._spec = spec
        self._of_text = of_text
        self._rate = LiveRate()
        self._previous_tick_s = float("-inf")
        self._previous_phase = Phase.IDLE
        self._phase_start_s = float("-inf")
        self._measure_start_s: float | None = None
        self._measure_end_s: float | None = None
        self._warmup: list[float] = []
        self._notices: deque[dict[str, Any]] = deque(maxlen=10)
        self._state = RunState.RUNNING
        self._message = ""
        self._hint = ""
        self._longest_batch_s = 0.0
        self.phase = Phase.REPLAY if spec.is_replay else Phase.IDLE
        self.items_done = 0
        self.failed_items = 0
        self.measured = False
        self.worker_left = False
        self.failure: tuple[str, str] | None = None
        self.busy_share = 0.0
        self.unparsed_lines = 0
        self.garbled_lines = 0

    def enter(self, phase: Phase, t_s: float) -> None:
        """Begins a phase at a monotonic time."""
        self._previous_phase, self.phase, self._phase_start_s = self.phase, phase, t_s
        self._rate.reset()
        if phase in (Phase.WARMUP, Phase.MEASURE) and not self.busy_share:
            # Its first batch is in flight; until it ends nothing better is known.
            self.busy_share = 1.0
        if phase is Phase.MEASURE:
            self._measure_start_s = t_s
        elif self._measure_start_s is not None and self._measure_end_s is None:
            self._measure_end_s = t_s

    def label(self, t_s: float) -> str:
        """Returns the phase that a tick received at ``t_s`` is labelled with.

        A tick covers the time since the one before it, so the first tick after the start of
        measure still speaks of warm-up and is labelled so.
        """
        straddles = self.phase is Phase.MEASURE and self._previous_tick_s < self._phase_start_s
        self._previous_tick_s = t_s
        return (self._previous_phase if straddles else self.phase).value

    def add_batches(self, rows: list[list[Any]], failed_items: int) -> list[int]:
        """Counts batches and returns the items of measure done after each."""
        done = []
        busy_s = 0.0
        for start_s, end_s, phase, items, forward_ms, _latency_ms in rows:
            self._longest_batch_s = max(self._longest_batch_s, end_s - start_s)
            busy_s += forward_ms / 1000
            if phase == Phase.MEASURE.value:
                self.items_done += items
            elif phase == Phase.WARMUP.value:
                self._warmup.append((end_s - start_s) / max(items, 1))
                del self._warmup[:-20]
            if phase == self.phase.value:
                self._rate.add(end_s, items)
            done.append(self.items_done)
        self.failed_items = failed_items
        span_s = rows[-1][1] - rows[0][0] if rows else 0.0
        self.busy_share = min(1.0, busy_s / span_s) if span_s > 0 else 0.0
        return done

    @property
    def live_fps(self) -> float | None:
        """Live FPS; None outside warm-up and measure, before its window is full, and for text generation."""
        return self._rate.fps if self.phase in (Phase.WARMUP, Phase.MEASURE) and not self._of_text else None

    @property
    def items_column(self) -> int | None:
        """Images of measure done by now; None before measure."""
        return None if self._measure_start_s is None else self.items_done

    @property
    def patience_s(self) -> float:
        """How long a batch may reasonably still take, s."""
        return 2 * self._longest_batch_s

    def notice(self, kind: str, message: str, elapsed_s: float) -> None:
        """Keeps a notice for the status file."""
        self._notices.append({"kind": kind, "message": message, "elapsed_s": round(elapsed_s, 3)})

    def end(self, state: RunState, message: str, hint: str) -> None:
        """Says how the run ended."""
        self._state, self._message, self._hint = state, message, hint

    def _measured_s(self, now_s: float) -> float | None:
        if self._measure_start_s is None:
            return None
        return (now_s if self._measure_end_s is None else self._measure_end_s) - self._measure_start_s

    def _rate_fps(self, measured_s: float | None) -> float | None:
        if measured_s is not None:
            # The pace of warm-up is not that of measure, of which nothing is known before its first batch.
            return self.items_done / measured_s if measured_s and self.items_done else None
        if self._warmup:
            return len(self._warmup) / sum(self._warmup)
        return None

    def _time_left_s(self, measured_s: float | None, rate: float | None) -> float | None:
        # Load, warm-up and the model alone take as long as they take: before measure has a pace nobody knows.
        if not self.items_done or rate is None:
            return None
        if self._state is not RunState.RUNNING or self._measure_end_s is not None:
            return None
        done_s = measured_s or 0.0
        if self._spec.seconds is None:
            return max(0.0, ((self._spec.items or 0) - self.items_done) / rate)
        # A slow model takes longer than asked: so many images must be done as well.
        return max(0.0, self._spec.seconds - done_s, (self._spec.min_items - self.items_done) / rate)

    @property
    def _step(self) -> str | None:
        """What keeps the board busy although its phase does not say so; None where nothing does."""
        timing = self.phase is Phase.COOLDOWN and self.measured and not self.worker_left
        return "timing the model alone" if timing else None

    def document(self, now_s: float) -> dict[str, Any]:
        """Returns the progress part of ``status.json``."""
        measured_s = self._measured_s(now_s)
        rate = self._rate_fps(measured_s)
        left_s = self._time_left_s(measured_s, rate)
        return {
            "state": self._state.value,
            "phase": self.phase.value,
            "step": self._step,
            "items_done": self.items_done,
            "items_total": self._spec.items,
            "failed_items": self.failed_items,
            "unparsed_lines": self.unparsed_lines,
            "garbled_lines": self.garbled_lines,
            "measure_s": None if measured_s is None else round(measured_s, 3),
            "measure_total_s": self._spec.seconds,
            "min_items": self._spec.min_items,
            "rate_fps": None if rate is None or self._of_text else round(rate, 4),
            "time_left_s": None if left_s is None else round(left_s, 1),
            "message": self._message,
            "hint": self._hint,
            "notices": list(self._notices),
        }
