"""What a run says of itself while it goes: notices, what was found, and where it stands."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core.board.probes import ProbeNotice
from orin_core.runs import store
from orin_core.runs.processes import ProcessId
from orin_core.runs.progress import Progress
from orin_core.spec import RunSpec

STATUS_S = 0.5
"""Shortest time between two status files, unless something changed."""

_FROM_ENVIRONMENT = ("source", "simulated", "model", "dataset", "power_mode", "weights", "images", "throttle_c")


class Journal:
    """Keeps ``environment.json`` and ``status.json`` of a run, and its notices.

    Args:
        folder: the run folder.
        spec: what was asked.
        recorder: writes the folder.
        progress: where the run stands.
        environment: what was found before the run.
    """

    def __init__(
        self, folder: Path, *, spec: RunSpec, recorder: store.Recorder, progress: Progress, environment: dict[str, Any]
    ) -> None:
        self._folder = folder
        self._spec = spec
        self._recorder = recorder
        self._progress = progress
        self._environment = dict(environment)
        self._status_s = 0.0
        self.me = ProcessId.of(os.getpid())
        self._write_environment()

    # -- what was found -----------------------------------------------------------------------

    @property
    def over_current_before(self) -> dict[str, int]:
        """Over-current alarms since boot when the run began, by counter."""
        return dict(self._environment.get("over_current") or {})

    def worker_told(self, facts: Mapping[str, Any]) -> None:
        """Adds what the worker found to ``environment.json``."""
        self._environment["worker"] = {**self._environment.get("worker", {}), **facts}
        self._write_environment()

    def ram_total(self, ram_total_mb: int | None) -> None:
        """Adds the size of the memory, MB, once a tick has told it."""
        if ram_total_mb is not None and self._environment.get("ram_total_mb") is None:
            self._environment["ram_total_mb"] = ram_total_mb
            self._write_environment()

    def _write_environment(self) -> None:
        store.write_json(self._folder / store.ENVIRONMENT, self._environment)

    # -- notices ------------------------------------------------------------------------------

    def notice(self, kind: str, message: str, t_s: float) -> None:
        """Writes a notice down and shows it."""
        self._recorder.event("notice", t_s, notice=kind, message=message)
        self._progress.notice(kind, message, t_s - self._recorder.t0_s)

    def probe_notice(self, notice: ProbeNotice) -> None:
        """Takes what the telemetry source has to say besides its ticks; some of it means that a replay failed."""
        if self._spec.is_replay and notice.kind == "unreadable":
            self._progress.failure = (notice.message, "What could be read is kept.")
        elif self._spec.is_replay and notice.kind == "ended" and not self._recorder.ticks:
            self._progress.failure = ("There is no tegrastats line in this log.", "Name a log of tegrastats.")
        if notice.kind == "unparsed":
            self._unparsed(notice)
            return
        self.notice(notice.kind, notice.message, notice.t_s)

    def _unparsed(self, notice: ProbeNotice) -> None:
        """Keeps a line that says nothing; only the first of them is worth a notice."""
        self._recorder.raw_line(notice.message)
        self._progress.unparsed_lines += 1
        if self._progress.unparsed_lines == 1 and not self._spec.is_replay:
            self.notice(
                "unparsed", "A line of tegrastats could not be read; such lines are kept and counted.", notice.t_s
            )

    # -- where it stands ----------------------------------------------------------------------

    def write_status(self, worker: ProcessId | None, *, force: bool = False) -> bool:
        """Replaces ``status.json``, but not too often.

        Args:
            worker: the worker, where one runs.
            force: whether something changed that nobody should wait for.

        Returns:
            Whether it was written.
        """
        now_s = time.monotonic()
        if not force and now_s - self._status_s < STATUS_S:
            return False
        self._status_s = now_s
        self._recorder.status(
            {
                "run_id": self._folder.name,
                **{key: self._environment.get(key) for key in _FROM_ENVIRONMENT},
                **self._progress.document(now_s),
                "runner_pid": self.me.pid if self.me else None,
                "runner_start": self.me.start if self.me else None,
                "worker_pid": worker.pid if worker else None,
                "worker_start": worker.start if worker else None,
                "heartbeat_s": round(now_s, 3),
                "t0_s": self._recorder.t0_s,
                "utc0": store.utc_text(self._recorder.utc0_s),
                "interval_ms": self._spec.interval_ms,
                "ticks": self._recorder.ticks,
            }
        )
        return True
