"""The idle board: one probe of the server's own for all tabs, while no run holds the board."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from dashboard.feed import RECENT_S, FeedState
from dashboard.marks import READER_KINDS
from dashboard.table import Table
from dashboard.window import Windows
from orin_core.board import power
from orin_core.board.paths import BoardPaths
from orin_core.board.probes import Probe, ProbeNotice, board_paths, open_probe, resolve_telemetry
from orin_core.board.sample import Tick
from orin_core.board.sysfs import Sysfs
from orin_core.errors import OrinError
from orin_core.runs import launcher, store
from orin_core.runs.columns import Layout, RowContext
from orin_core.settings import Settings

INTERVAL_MS = 1000
KEEP_ROWS = 3600
LINGER_S = 10.0
"""The probe ends when nobody has asked for so long, s."""
RETRY_S = 5.0
_LOOK_S = 0.5


class IdleBoard:
    """Ticks of the idle board, in memory only; started by the first viewer, ended after the last.

    Args:
        settings: telemetry source and state folder.
        opener: opens the probe.
        linger_s: how long it goes on without a viewer, s.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        opener: Callable[[], Probe] | None = None,
        linger_s: float = LINGER_S,
    ) -> None:
        self._settings = settings
        self._opener = opener or (lambda: open_probe(settings.telemetry, INTERVAL_MS, settings.state_dir))
        self._linger_s = linger_s
        # One for opening and closing, which take long; one for the rows.
        self._life = threading.Lock()
        self._lock = threading.Lock()
        self._stop: threading.Event | None = None
        self._probe: Probe | None = None
        self._epochs = self._holds = 0
        self._asked_s = self._failed_s = float("-inf")
        self._reset()
        self._meta: dict[str, Any] = {"state": "idle"}
        self._notice, self._noticed_s = "", float("-inf")

    def _reset(self) -> None:
        self._table: Table | None = None
        self._windows = Windows()
        self._layout: Layout | None = None
        self._t0_s = self._last_s = time.monotonic()
        self._utc0_s = time.time()

    @property
    def epoch(self) -> str:
        """Names this life of the probe."""
        return f"i{self._epochs}"

    @property
    def running(self) -> bool:
        """Whether the probe is on."""
        return self._probe is not None

    def touch(self) -> None:
        """Says that somebody looks; starts the probe where it is off and no run holds the board."""
        self._asked_s = time.monotonic()
        if self._probe is None and self._asked_s - self._failed_s > RETRY_S:
            with self._life:
                if self._may_open():
                    self._open()

    def _may_open(self) -> bool:
        # Looked at again with the lock held: a run may have begun since the caller looked.
        return self._probe is None and not self._holds and launcher.active(self._settings) is None

    def _open(self) -> None:
        with self._lock:
            self._reset()
            self._epochs += 1
        if self._settings.telemetry.startswith("replay:"):
            self._meta = {"state": "idle", "message": "Replay: there is no idle board to show."}
            return
        try:
            telemetry = resolve_telemetry(self._settings.telemetry)
            paths = board_paths(telemetry.kind, self._settings.state_dir)
            probe = self._opener()
            self._meta = self._describe(probe, paths)
            probe.start(self._take)
        except OrinError as error:
            self._failed_s = time.monotonic()
            self._meta = {"state": "idle", "error": error.message, "hint": error.hint}
            return
        self._probe = probe
        self._stop = threading.Event()
        threading.Thread(target=self._watch, args=(self._stop,), name="idle-board", daemon=True).start()

    def _describe(self, probe: Probe, paths: BoardPaths | None) -> dict[str, Any]:
        mode = power.current_mode(paths) if paths else None
        return {
            "state": "idle",
            "source": probe.source,
            "simulated": probe.simulated,
            "power_mode": mode.name if mode else None,
            "throttle_c": Sysfs(paths.sysfs).throttle_trip_c() if paths else None,
            "utc0_ms": round(self._utc0_s * 1000),
        }

    def _take(self, message: Tick | ProbeNotice) -> None:
        if isinstance(message, ProbeNotice):
            if message.kind in READER_KINDS:
                self._notice, self._noticed_s = message.message, time.monotonic()
            return
        with self._lock:
            if self._layout is None:
                self._layout = Layout.of(message.sample)
                self._table = Table(self._layout.header(), keep=KEEP_ROWS)
            context = RowContext(
                index=self._table.end if self._table else 0,
                elapsed_s=message.t_s - self._t0_s,
                utc=store.utc_text(self._utc0_s + message.t_s - self._t0_s),
                phase="idle",
                items=None,
                fps=None,
                source="",
            )
            if self._table:
                self._table.add_cells(self._layout.row(message, context))
            self._last_s = message.t_s

    def _watch(self, stop: threading.Event) -> None:
        """Ends the probe when nobody looks, or when a run has taken the board."""
        while not stop.wait(_LOOK_S):
            unwatched = time.monotonic() - self._asked_s > self._linger_s
            if unwatched or launcher.active(self._settings) is not None:
                with self._life:
                    # Another may have closed it, and a third opened the next one, while this waited.
                    if self._stop is stop:
                        self._end()

    def close(self) -> None:
        """Ends the probe; returns once it is gone. The next :meth:`touch` starts it again."""
        with self._life:
            self._end()

    def _end(self) -> None:
        probe, self._probe = self._probe, None
        stop, self._stop = self._stop, None
        if stop:
            stop.set()
        if probe:
            probe.close()

    @contextlib.contextmanager
    def held_off(self) -> Iterator[None]:
        """Ends the probe and keeps it off meanwhile, whoever looks: a run wants tegrastats for itself."""
        with self._life:
            self._holds += 1
            self._end()
        try:
            yield
        finally:
            with self._life:
                self._holds -= 1

    def _recent(self) -> str:
        return self._notice if time.monotonic() - self._noticed_s < RECENT_S else ""

    def answer(self, build: Callable[[FeedState, str], dict[str, Any]]) -> dict[str, Any]:
        """Returns what ``build`` makes of the present state, while no row is added."""
        with self._lock:
            state = FeedState(
                partial=False,
                table=self._table,
                windows=self._windows,
                interval_s=INTERVAL_MS / 1000,
                age_s=time.monotonic() - self._last_s if self._probe else None,
                meta={**self._meta, "recent": self._recent(), "events": [], "ram_idle_mb": None, "gallery": 0},
                progress={},
            )
            return build(state, self.epoch)
