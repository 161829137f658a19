"""What every telemetry source is: the Probe protocol and the values that pass through it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

from orin_core.board.sample import Tick


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProbeNotice:
    """Something that a source has to say besides its ticks.

    Args:
        t_s: monotonic clock, s; for a replay, s from its start.
        kind: ``unparsed`` (a line that says nothing; message is its raw text), ``died``,
            ``stalled``, ``flooded`` (far more lines than asked), ``restarted``, ``unreadable`` (a
            sensor or a log that cannot be read) or ``ended`` (no more ticks will come).
        message: one sentence, or the raw text.
    """

    t_s: float
    kind: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What the worker does, told to whoever simulates a board around it.

    Args:
        t_s: monotonic clock, s.
        phase: phase of the run.
        busy_share: share of the time that the model computes, 0 to 1.
        worker_pid: process id of the worker, None where there is none.
    """

    t_s: float
    phase: str
    busy_share: float
    worker_pid: int | None = None


Emit = Callable[[Tick | ProbeNotice], None]
"""Takes what a source has to say; called from the source's own thread."""


class Probe(Protocol):
    """A source of ticks. Started once; silent before ``start`` and after ``close``."""

    @property
    def source(self) -> str:
        """``tegrastats``, ``simulated``, ``host`` or ``replay``."""

    @property
    def simulated(self) -> bool:
        """Whether the figures are those of the simulated board."""

    @property
    def pid(self) -> int | None:
        """Process id of the child that it reads now; None where it has none."""

    def start(self, emit: Emit) -> None:
        """Begins to emit ticks from a thread of its own.

        Raises:
            TelemetryError: the source cannot be started.
            BadRequest: the log of a replay cannot be read.
        """

    def observe(self, activity: Activity) -> None:
        """Takes note of what the worker does."""

    def close(self) -> None:
        """Ends the source; returns once its thread and its child are gone."""
