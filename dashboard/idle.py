"""The idle board: one probe of the server's own for all tabs, while no run holds the board."""

from __future__ import annotations

import contextlib
import secrets
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
MODE_S = 3.0
"""The power mode is read anew so often: it can be set by others, s."""
_LOOK_S = 0.5
_PREPARING = "The board is being prepared."


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
        self._holds = 0
        self._asked_s = self._failed_s = float("-inf")
        self._reset()
        self._meta: dict[str, Any] = {"state": "idle"}
        self._notice, self._noticed_s = "", float("-inf")

    def _reset(self) -> None:
        self._epoch = f"i{secrets.token_hex(3)}"
        self._table: Table | None = None
        self._windows = Windows()
        self._layout: Layout | None = None
        self._t0_s = self._last_s = time.monotonic()
        self._utc0_s = time.time()

    @property
    def epoch(self) -> str:
        """Names this life of the probe among those of any server: a hidden tab may come back after a restart."""
        return self._epoch

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
        threading.Thread(target=self._watch, args=(self._stop, paths), name="idle-board", daemon=True).start()

    def _describe(self, probe: Probe, paths: BoardPaths | None) -> dict[str, Any]:
        return {
            "state": "idle",
            "source": probe.source,
            "simulated": probe.simulated,
            "power_mode": _mode_name(paths) if paths else None,
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

    def _watch(self, stop: threading.Event, paths: BoardPaths | None) -> None:
        """Ends the probe when nobody looks, or when a run has taken the board; follows the power mode until then."""
        looked_s = time.monotonic()
        while not stop.wait(_LOOK_S):
            now_s = time.monotonic()
            unwatched = now_s - self._asked_s > self._linger_s
            if unwatched or launcher.active(self._settings) is not None:
                with self._life:
                    # Another may have closed it, and a third opened the next one, while this waited.
                    if self._stop is stop:
                        self._end()
            elif paths and now_s - looked_s >= MODE_S and paths.status.is_file():
                # Only where a file tells the mode: asking nvpmodel each time would be a process of its own.
                looked_s, mode = now_s, _mode_name(paths)
                with self._life:
                    if self._stop is stop:
                        self._meta = {**self._meta, "power_mode": mode}

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

    def _told(self, now_s: float) -> dict[str, Any]:
        if self._holds:
            return {"recent": _PREPARING, "message": _PREPARING}
        return {"recent": self._notice if now_s - self._noticed_s < RECENT_S else ""}

    def answer(self, build: Callable[[FeedState, str], dict[str, Any]]) -> dict[str, Any]:
        """Returns what ``build`` makes of the present state, while no row is added."""
        with self._lock:
            now_s = time.monotonic()
            state = FeedState(
                partial=False,
                table=self._table,
                windows=self._windows,
                interval_s=INTERVAL_MS / 1000,
                # Also of rows that a probe has left behind: nothing of them is present any more.
                age_s=now_s - self._last_s if self._probe or self._table else None,
                meta={**self._meta, **self._told(now_s), "events": [], "ram_idle_mb": None},
                progress={},
            )
            return build(state, self.epoch)


def _mode_name(paths: BoardPaths) -> str | None:
    mode = power.current_mode(paths)
    return mode.name if mode else None
