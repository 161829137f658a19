"""Ticks from a running tegrastats, which is watched and restarted."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from orin_core.board.flood import FloodGate
from orin_core.board.probe import Activity, Emit, ProbeNotice
from orin_core.board.sample import Tick
from orin_core.board.sysfs import Sysfs
from orin_core.board.tegrastats import parse_line
from orin_core.errors import TelemetryError

STALL_INTERVALS = 3
STALL_MIN_S = 3.0
_BACKOFF_FIRST_S = 0.5
_BACKOFF_MAX_S = 30.0
_HEALTHY_S = 10.0  # a child that lived this long was no failed start
_TERM_S = 2.0
_READ_BYTES = 65_536
_PREFIX_BYTES = 1024  # so much of an endless line is kept
_LINE_MAX_BYTES = 65_536  # a line is below 2 kB; more without a line end is a flood


class TegrastatsProbe:
    """Runs ``tegrastats --interval MS`` and emits a tick per line.

    Ticks are stamped with the monotonic clock at reception, since tegrastats is late by up to 5 %
    and its stamp has a resolution of 1 s. A child that dies or prints nothing for three intervals
    (at least 3 s) is replaced, first after 0.5 s and later after up to 30 s; the gap stays a gap.
    So is one that prints more than 20 times the lines it was asked for; the surplus is dropped.

    Args:
        program: argv of tegrastats without the interval.
        interval_ms: asked time between lines.
        sysfs: read beside it for what the line leaves out.
        source: name of the source.
        simulated: whether this is the simulated board.
        observer: takes the worker's activity.
    """

    def __init__(
        self,
        program: tuple[str, ...],
        interval_ms: int,
        sysfs: Sysfs,
        *,
        source: str = "tegrastats",
        simulated: bool = False,
        observer: Callable[[Activity | None], None] | None = None,
    ) -> None:
        self.source = source
        self.simulated = simulated
        self._program = program
        self._argv = [*program, "--interval", str(interval_ms)]
        # The child must not outlive a killed runner. Without setpriv it ends at its next line, by SIGPIPE.
        setpriv = shutil.which("setpriv")
        if setpriv is not None:
            self._argv = [setpriv, "--pdeathsig", "KILL", *self._argv]
        self._interval_s = interval_ms / 1000
        self._stall_s = max(STALL_MIN_S, STALL_INTERVALS * interval_ms / 1000)
        self._sysfs = sysfs
        self._observer = observer
        self._notices_told = 0
        self._thread: threading.Thread | None = None
        self._wake_read = self._wake_write = -1
        self._lost = False
        self._last_s = 0.0  # of the last tick, or of the start
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """Process id of tegrastats; None while none runs."""
        return self._pid

    def start(self, emit: Emit) -> None:
        """Starts tegrastats.

        Raises:
            TelemetryError: it cannot be started.
        """
        if not self._program or shutil.which(self._program[0]) is None:
            raise TelemetryError("There is no tegrastats on this machine.", "Use --telemetry simulated.")
        self._wake_read, self._wake_write = os.pipe()
        self._emit = emit
        first: list[OSError | None] = []
        started = threading.Event()

        def run() -> None:
            # The death signal follows the thread that starts the child, so this thread starts it.
            try:
                child = self._spawn()
            except OSError as error:
                first.append(error)
                started.set()
                return
            started.set()
            self._watch(child)

        self._thread = threading.Thread(target=run, name=f"probe-{self.source}", daemon=True)
        self._thread.start()
        started.wait()
        if first:
            self.close()
            raise TelemetryError(f"tegrastats cannot be started: {first[0]}.", "Check its installation.") from first[0]

    def observe(self, activity: Activity) -> None:
        """Passes the worker's activity to the observer, where there is one."""
        if self._observer is not None:
            self._observer(activity)

    def close(self) -> None:
        """Ends tegrastats; returns once it is gone."""
        if self._thread is None:
            return
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._thread = None
        os.close(self._wake_read)
        os.close(self._wake_write)
        if self._observer is not None:
            self._observer(None)

    def _spawn(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # what it complains of is kept as unparsed text
            start_new_session=True,
        )
        self._pid = child.pid
        return child

    def _notice(self, kind: str, message: str) -> None:
        self._emit(ProbeNotice(t_s=time.monotonic(), kind=kind, message=message))

    def _watch(self, first: subprocess.Popen[bytes]) -> None:
        """Reads child after child until closed."""
        child: subprocess.Popen[bytes] | None = first
        backoff_s = _BACKOFF_FIRST_S
        self._last_s = time.monotonic()
        while True:
            born_s = time.monotonic()
            if child is not None:
                try:
                    ended = self._read(child)
                finally:
                    self._pid = None
                    code = _end(child)
                if ended is None:
                    return
                kind, message = ended
                self._notice(kind, message or f"tegrastats ended with exit code {code}.")
            self._lost = True
            if time.monotonic() - born_s > _HEALTHY_S + self._stall_s:
                backoff_s = _BACKOFF_FIRST_S
            if select.select([self._wake_read], [], [], backoff_s)[0]:
                return
            backoff_s = min(2 * backoff_s, _BACKOFF_MAX_S)
            try:
                child = self._spawn()
            except OSError as error:
                child = None
                self._notice("died", f"tegrastats cannot be started again: {error}.")

    def _read(self, child: subprocess.Popen[bytes]) -> tuple[str, str] | None:
        """Emits a child's lines until it ends; None when the probe is being closed."""
        assert child.stdout is not None
        descriptor = child.stdout.fileno()
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.register(self._wake_read, select.POLLIN)
        rest = b""
        heard_s = time.monotonic()
        gate = FloodGate(self._interval_s)
        while True:
            ready = dict(poller.poll(max(0.0, heard_s + self._stall_s - time.monotonic()) * 1000))
            if self._wake_read in ready:
                return None
            if descriptor not in ready:
                if time.monotonic() - heard_s < self._stall_s:
                    continue
                return "stalled", f"tegrastats printed nothing for {self._stall_s:g} s and is started again."
            chunk = os.read(descriptor, _READ_BYTES)
            now_s = time.monotonic()
            if not chunk:
                if rest:
                    self._line(rest, now_s, complete=False)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_TERM_S)  # its own exit code, not that of being ended
                return "died", ""
            *lines, rest = (rest + chunk).split(b"\n")
            for number, line in enumerate(lines):
                if not gate.passes(now_s):
                    return "flooded", self._flood_message(len(lines) - number)
                self._line(line, now_s, complete=True)
            if lines:
                heard_s = now_s
            if len(rest) > _LINE_MAX_BYTES:
                self._line(rest[:_PREFIX_BYTES], now_s, complete=False)
                return "flooded", "tegrastats printed no end to a line and is started again."

    def _flood_message(self, dropped: int) -> str:
        return (
            f"tegrastats printed far more than the one line every {self._interval_s:g} s that it was asked for; "
            f"{dropped} lines were dropped and it is started again."
        )

    def _line(self, line: bytes, now_s: float, *, complete: bool) -> None:
        text = line.decode("utf-8", errors="replace").rstrip("\r")
        sample = parse_line(text, complete=complete)
        if sample is None:
            if text.strip():
                self._emit(ProbeNotice(t_s=now_s, kind="unparsed", message=text))
            return
        if self._lost:
            self._notice("restarted", f"tegrastats is back after {now_s - self._last_s:.1f} s without a line.")
            self._lost = False
        self._last_s = now_s
        tick = Tick(t_s=now_s, sample=self._sysfs.complete(sample), raw=text, throttled=self._sysfs.throttled())
        for message in self._sysfs.notices[self._notices_told :]:
            self._emit(ProbeNotice(t_s=now_s, kind="unreadable", message=message))
        self._notices_told = len(self._sysfs.notices)
        self._emit(tick)


def _end(child: subprocess.Popen[bytes]) -> int:
    """Ends a child and its process group, TERM before KILL; returns its exit code."""
    for number, patience_s in ((signal.SIGTERM, _TERM_S), (signal.SIGKILL, None)):
        if child.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience_s)
    if child.stdout is not None:
        child.stdout.close()
    return child.wait()
