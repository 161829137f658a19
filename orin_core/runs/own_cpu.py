"""What measuring itself costs: CPU time of the runner and of the telemetry child."""

from __future__ import annotations

import contextlib
import time

import psutil


class OwnCpu:
    """Adds up CPU time of this process and of every telemetry child that it had."""

    def __init__(self) -> None:
        self._children_s: dict[int, float] = {}
        self._unknown = False

    def look(self, child_pid: int | None) -> None:
        """Takes note of the telemetry child; what a child used after the last look at it is lost.

        Args:
            child_pid: process id of the child that runs now; None where there is none.
        """
        if child_pid is None:
            return
        with contextlib.suppress(psutil.Error, OSError):
            times = psutil.Process(child_pid).cpu_times()
            self._children_s[child_pid] = times.user + times.system
        self._unknown = child_pid not in self._children_s

    @property
    def seconds(self) -> float | None:
        """CPU time so far, s; None where the child's cannot be read."""
        return None if self._unknown else time.process_time() + sum(self._children_s.values())
