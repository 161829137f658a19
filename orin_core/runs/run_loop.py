"""One run from its first tick to its summary: the loop that the runner spends its life in."""

from __future__ import annotations

import contextlib
import queue
import signal
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from orin_core.board.probes import Activity, Probe, ProbeNotice
from orin_core.board.sample import Tick
from orin_core.errors import OrinError, RunFailed
from orin_core.runs import finish, gallery, store
from orin_core.runs.journal import Journal
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.own_cpu import OwnCpu
from orin_core.runs.prepare import Prepared
from orin_core.runs.processes import ProcessId
from orin_core.runs.progress import Progress
from orin_core.runs.recording import Recording
from orin_core.runs.worker_process import Exit, WorkerProcess
from orin_core.spec import Phase, RunState, Task, WorkerSpec

LOOK_S = 0.2
"""Longest time that the loop waits for a message before it looks at signals and deadlines."""


class RunLoop:
    """One run from its first tick to its summary.

    Args:
        prepared: what is to be run, resolved, with the board in its mode.
        folder: the run folder.
        lock: the board, held.
    """

    def __init__(self, prepared: Prepared, folder: Path, lock: BoardLock) -> None:
        self._prepared = prepared
        self._spec = prepared.spec
        self._lock = lock
        self._recording = Recording(folder=folder)
        # Bounded, so that a replay at full speed waits for the disk instead of filling memory.
        self._messages: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=2000)
        self._probe: Probe = prepared.probe
        self._worker: WorkerProcess | None = None
        self._signals = 0
        self._ended = False
        self._closing = False
        self._last_tick_s = 0.0
        self._recorder = store.Recorder(folder, source=self._probe.source, replay=self._spec.is_replay)
        of_text = prepared.model is not None and prepared.model.task is Task.TEXT_GENERATION
        self._progress = Progress(self._spec, of_text=of_text)
        self._own_cpu = OwnCpu()
        # Before anybody is told of the run, so that whoever looks finds it whole and can stop it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._journal = Journal(
            folder,
            spec=self._spec,
            recorder=self._recorder,
            progress=self._progress,
            environment=prepared.environment,
        )
        self._hold(None)
        self._write_status(force=True)

    # -- life ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Runs all phases and writes the summary, whatever happens."""
        state, message, hint = RunState.DONE, "", ""
        with self._recorder:
            try:
                self._begin()
                if self._spec.is_replay:
                    self._enter(Phase.REPLAY, 0.0)
                    self._wait(None)
                else:
                    self._phases()
                if self._signals:
                    state, message = RunState.STOPPED, "The run was stopped."
                elif self._progress.failure:
                    state, (message, hint) = RunState.FAILED, self._progress.failure
            except (OrinError, OSError) as error:
                state, message = RunState.FAILED, getattr(error, "message", None) or str(error)
                hint = getattr(error, "hint", "")
            except Exception as error:  # boundary: a run ends with a summary that says why  # noqa: BLE001
                traceback.print_exc()
                state, message = RunState.FAILED, f"The runner failed: {error!r}"
                hint = "See runner.log in the run folder."
            self._close(state, message, hint)

    def _begin(self) -> None:
        self._recorder.event("start", self._recorder.t0_s, utc=store.utc_text(self._recorder.utc0_s))
        for notice in self._prepared.notices:
            self._journal.notice("recovered", notice, self._recorder.t0_s)
        self._probe.start(lambda message: self._put("probe", message))

    def _phases(self) -> None:
        self._enter(Phase.IDLE, self._recorder.t0_s)
        self._wait(time.monotonic() + self._spec.idle_s)
        if not self._signals:
            self._infer()
        if not self._signals and not self._progress.failure:
            # Already entered when the worker said that measure was over.
            if self._progress.phase is not Phase.COOLDOWN:
                self._enter(Phase.COOLDOWN, time.monotonic())
            self._wait(time.monotonic() + self._spec.cooldown_s)

    def _infer(self) -> None:
        self._enter(Phase.LOAD, time.monotonic())
        prepared = self._prepared
        if prepared.model is None or prepared.dataset is None:
            raise RunFailed("A run needs a model and a data set.")
        spec = WorkerSpec(run=self._spec, model=prepared.model, dataset=prepared.dataset, lock_fd=self._lock.fd)
        log_path = self._recording.folder / store.WORKER_LOG
        self._worker = WorkerProcess(spec, log_path, self._put)
        self._hold(self._worker.process)
        try:
            self._ended = False
            while not self._ended:
                if self._signals and not self._worker.stopping:
                    self._worker.stop()
                self._worker.press(self._progress.patience_s)
                self._look(LOOK_S)
        finally:
            self._worker.close()
            self._worker = None
            self._hold(None)
        self._observe(0.0)

    def _close(self, state: RunState, message: str, hint: str) -> None:
        self._closing = True
        self._recorder.give_up_reserve()
        self._own_cpu.look(self._probe.pid)
        self._probe.close()
        self._drain()
        mode = self._prepared.mode.check()
        problem = self._prepared.mode.restore()
        now_s = self._now_s()
        try:
            if problem:
                self._journal.notice("mode", problem, now_s)
            self._recorder.event(
                "end",
                now_s,
                state=state.value,
                message=message,
                over_current=self._over_current(),
                own_cpu_s=self._own_cpu_s(),
                power_mode=mode.name,
                power_mode_verified=mode.verified,
                power_mode_mismatch=mode.mismatch,
            )
            self._progress.end(state, message, hint)
            self._write_status(force=True)
            finish.finish(self._recording, state=state, message=message, hint=hint)
        except Exception:  # boundary: the rows are there, the next start finalises the run  # noqa: BLE001
            traceback.print_exc()

    def _over_current(self) -> dict[str, int]:
        """Returns how often each over-current alarm was raised since the run began."""
        before = self._journal.over_current_before
        return {name: count - before.get(name, count) for name, count in self._prepared.over_current().items()}

    def _own_cpu_s(self) -> float | None:
        self._own_cpu.look(self._probe.pid)
        seconds = self._own_cpu.seconds
        return None if seconds is None else round(seconds, 3)

    def stop(self) -> None:
        """Ends the run as soon as its batch is done; the second time the worker gets TERM, and KILL 5 s later."""
        self._signals += 1
        if self._signals > 1 and self._worker:
            self._worker.stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _now_s(self) -> float:
        """Monotonic time, s; during a replay the time of the log."""
        return self._last_tick_s if self._spec.is_replay else time.monotonic()

    # -- messages -----------------------------------------------------------------------------

    def _put(self, kind: str, value: Any) -> None:
        """Takes a message from another thread; waits while the queue is full, until the run ends."""
        while True:
            with contextlib.suppress(queue.Full):
                self._messages.put((kind, value), timeout=LOOK_S)
                return
            if self._closing:
                return

    def _wait(self, until_s: float | None) -> None:
        """Handles messages until a time, a stop, or the end of the source."""
        self._ended = False
        while not self._ended and not self._signals:
            left_s = LOOK_S if until_s is None else min(LOOK_S, until_s - time.monotonic())
            if left_s <= 0:
                return
            self._look(left_s)

    def _look(self, timeout_s: float) -> None:
        with contextlib.suppress(queue.Empty):
            self._handle(*self._messages.get(timeout=timeout_s))
        self._write_status()

    def _drain(self) -> None:
        while True:
            try:
                kind, value = self._messages.get_nowait()
            except queue.Empty:
                return
            try:
                self._handle(kind, value)
            except (OrinError, OSError, KeyError, ValueError):
                return

    def _handle(self, kind: str, value: Any) -> None:
        if kind == "probe" and isinstance(value, Tick):
            self._last_tick_s = value.t_s
            self._progress.garbled_lines += value.sample.read_in_part
            self._journal.ram_total(value.sample.ram_total_mb)
            self._recorder.tick(
                value,
                phase=self._progress.label(value.t_s),
                items=self._progress.items_column,
                fps=self._progress.live_fps,
            )
        elif kind == "probe" and isinstance(value, ProbeNotice):
            self._ended = self._ended or value.kind == "ended"
            self._journal.probe_notice(value)
        elif kind == "event":
            self._on_event(value)
        elif kind == "worker_exit":
            self._ended = self._progress.worker_left = True
            end = Exit(code=value)
            self._recorder.event("worker_exit", time.monotonic(), code=value)
            if end.message and not self._progress.failure:
                self._progress.failure = (end.message, end.hint)
            elif not self._progress.measured and not self._progress.failure and not self._signals:
                self._progress.failure = ("The worker left before measure was over.", "See worker.log.")

    def _on_event(self, event: dict[str, Any]) -> None:
        name = event.pop("event")
        t_s = float(event.pop("t_s", time.monotonic()))
        if name == "batches":
            rows = event["rows"]
            self._recorder.batch_rows(rows, self._progress.add_batches(rows, int(event["failed_items"])))
            self._observe(self._progress.busy_share)
            return
        if name == "phase":
            self._enter(Phase(event["phase"]), t_s)
            return
        if name == "outputs":
            kept, problem = gallery.keep(self._recording.folder, event)
            event = {"pictures": kept, "seconds": event.get("seconds")}
            if problem:
                self._journal.notice("outputs", problem, t_s)
        if name == "notice":
            self._journal.notice(str(event.get("notice") or "worker"), str(event.get("message") or ""), t_s)
            return
        self._recorder.event(name, t_s, **event)
        if name in ("environment", "loaded"):
            self._journal.worker_told(event)
        elif name == "done":
            self._progress.measured = True
            self._progress.items_done = int(event["items"])
            self._progress.failed_items = int(event["failed_items"])
            self._enter(Phase.COOLDOWN, float(event["t_end_s"]))
        elif name == "error":
            self._progress.failure = (str(event["message"]), str(event.get("hint", "")))

    # -- what others see ----------------------------------------------------------------------

    def _enter(self, phase: Phase, t_s: float) -> None:
        self._progress.enter(phase, t_s)
        # What lies between the two ends of measure is what its figures suffered from.
        alarms = {"over_current": self._over_current()} if phase in (Phase.MEASURE, Phase.COOLDOWN) else {}
        self._recorder.event("phase", t_s, phase=phase.value, own_cpu_s=self._own_cpu_s(), **alarms)
        self._observe(self._progress.busy_share if self._worker else 0.0)
        self._write_status(force=True)

    def _observe(self, busy_share: float) -> None:
        worker = self._worker.process.pid if self._worker else None
        phase = self._progress.phase.value
        self._probe.observe(Activity(phase=phase, busy_share=busy_share, worker_pid=worker, t_s=time.monotonic()))

    def _hold(self, worker: ProcessId | None) -> None:
        self._lock.write(Holder(folder=self._recording.folder, runner=self._journal.me, worker=worker))

    def _write_status(self, *, force: bool = False) -> None:
        if self._journal.write_status(self._worker.process if self._worker else None, force=force):
            # Often enough that little is lost when tegrastats dies.
            self._own_cpu.look(self._probe.pid)
