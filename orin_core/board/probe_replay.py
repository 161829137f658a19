"""Ticks from a saved tegrastats log."""

from __future__ import annotations

import threading
import time
import zlib
from pathlib import Path

from orin_core.board.logs import iter_log, open_log, timed_lines
from orin_core.board.probe import Activity, Emit, ProbeNotice
from orin_core.board.sample import Tick


class ReplayProbe:
    """Emits a log's lines, each once and in order, then one ``ended`` notice.

    Times are those of the log, in s from its first tegrastats line.

    Args:
        path: the log, plain or gzip.
        speed: 1 for the log's own pace, 10 for ten times as fast, None for as fast as possible.
        interval_ms: time between lines of a log without stamps.
    """

    source = "replay"
    simulated = False
    pid = None

    def __init__(self, path: Path, *, speed: float | None = 1.0, interval_ms: int = 1000) -> None:
        self._path = path
        self._speed = speed
        self._interval_s = interval_ms / 1000
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, emit: Emit) -> None:
        """Starts the replay.

        Raises:
            BadRequest: the log cannot be read.
        """
        with open_log(self._path):
            pass
        self._thread = threading.Thread(target=self._run, args=(emit,), name="probe-replay", daemon=True)
        self._thread.start()

    def observe(self, activity: Activity) -> None:
        """Does nothing: a replay has no worker."""

    def close(self) -> None:
        """Ends the replay where it is."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, emit: Emit) -> None:
        began_s = time.monotonic()
        ticks = 0
        t_s = 0.0
        try:
            with open_log(self._path) as stream:
                for t_s, text, sample in timed_lines(iter_log(stream), self._interval_s):
                    wait_s = 0.0 if self._speed is None else began_s + t_s / self._speed - time.monotonic()
                    if self._stop.wait(wait_s) if wait_s > 0 else self._stop.is_set():
                        return
                    if sample is not None:
                        ticks += 1
                        emit(Tick(t_s=t_s, sample=sample, raw=text))
                    elif text.strip():
                        emit(ProbeNotice(t_s=t_s, kind="unparsed", message=text))
        except (OSError, EOFError, zlib.error) as error:
            emit(ProbeNotice(t_s=t_s, kind="unreadable", message=f"{self._path} cannot be read further: {error}."))
        emit(ProbeNotice(t_s=t_s, kind="ended", message=f"{self._path.name} ended after {ticks} ticks."))
