"""What the live chart is fed with: the rows and the state of run folders, kept in memory per run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dashboard.marks import MAX_MARKS, READER_KINDS, Mark, marks_of
from dashboard.rows import Growing, Rows, RunRows
from dashboard.table import Table
from dashboard.window import Windows
from dashboard.words import item_of
from orin_core.board.sample import METRIC_BY_FIELD
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.spec import Phase, RunState

_MAX_RUNS = 8
_MAX_BYTES = 256 * 1024 * 1024
ASKED_S = 10.0
"""A feed that was asked for within so long is kept, s: tabs ask each second, and reading anew costs more than it."""
RECENT_S = 60.0
"""So long a notice of the reader stays on the page, s."""
_RAM = METRIC_BY_FIELD["ram_used_mb"].column
_META_KEYS = ("state", "phase", "source", "simulated", "model", "dataset", "power_mode", "weights", "images")
_PROGRESS_KEYS = (
    "items_done",
    "items_total",
    "failed_items",
    "step",
    "measure_s",
    "measure_total_s",
    "rate_fps",
    "time_left_s",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """A moment of what the live chart shows.

    Args:
        table: its rows; None before the first tick.
        partial: whether older rows are still being read.
        windows: whole windows of them.
        interval_s: asked time between ticks, s.
        age_s: s since the last tick; None where nothing is to be expected any more.
        meta: what changes rarely; sent only when it did.
        progress: what changes always.
    """

    table: Table | None
    partial: bool
    windows: Windows
    interval_s: float
    age_s: float | None
    meta: dict[str, Any]
    progress: dict[str, Any]


class RunFeed:
    """The rows and the state of one run folder, read as it grows.

    Args:
        recording: the run folder.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.asked_s = 0.0
        self.lock = threading.Lock()
        self._all = RunRows(recording.csv_path)
        self._shown = Rows(recording.csv_path)
        self._events = Growing(recording.folder / store.EVENTS)
        self._phases: list[list[Any]] = []
        self._marks: deque[Mark] = deque(maxlen=MAX_MARKS)
        self._ram_idle_mb: int | None = None
        self._ram_idle_of = (False, 0)
        self._end_s: float | None = None
        self._seen_s = time.monotonic()
        spec = recording.spec()
        self._replay = str(spec.get("telemetry", "")).startswith("replay:")
        self._imported = spec.get("origin") == "imported"
        self._item_word: str | None = None

    @property
    def nbytes(self) -> int:
        """Memory that the rows take, bytes."""
        return self._all.nbytes

    @property
    def epoch(self) -> str:
        """Names the rows that are shown now: the newest ones of a long run first, then all of them."""
        return self._shown.life

    @property
    def _table(self) -> Table | None:
        return self._shown.table

    def close(self) -> None:
        """Stops reading: the feed is no longer kept."""
        self._all.close()

    def _read_rows(self) -> None:
        self._shown, some = self._all.read()
        if some:
            self._seen_s = time.monotonic()

    def _read_events(self) -> None:
        for line in self._events.read_new().splitlines():
            # A line that a full disk or a power cut has garbled costs that event, not the page.
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                self._take_event(json.loads(line))

    def _take_event(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "phase":
            start_s = 0.0 if event["phase"] == Phase.REPLAY.value else float(event["elapsed_s"])
            if not self._phases or self._phases[-1][0] != event["phase"]:
                self._phases.append([event["phase"], max(0.0, start_s)])
        elif event.get("kind") == "end":
            self._end_s = float(event["elapsed_s"])
        self._marks.extend(marks_of(event))

    def document(self, *, held: bool) -> FeedState:
        """Reads what is new and returns the present state; the caller holds :attr:`lock`.

        Args:
            held: whether this run holds the board now.
        """
        self._read_rows()
        self._read_events()
        status = self.recording.status()
        state = str(status.get("state") or RunState.RUNNING.value)
        if state == RunState.RUNNING.value and not held:
            state = RunState.INTERRUPTED.value
        running = state == RunState.RUNNING.value
        meta = {
            **{key: status.get(key) for key in _META_KEYS},
            "item": self._item(),
            "state": state,
            "imported": self._imported,
            "message": status.get("message") or "",
            "hint": status.get("hint") or "",
            "throttle_c": status.get("throttle_c"),
            "phases": self._phases,
            "end_s": None if running or self._replay else self._end_s,
            "recent": self._recent(status) if running else "",
            "events": list(self._marks),
            "ram_idle_mb": self._ram_idle(),
            "notices": [notice for notice in status.get("notices") or [] if notice.get("kind") != "unparsed"][-5:],
        }
        return FeedState(
            table=self._table,
            partial=self._all.partial,
            windows=self._shown.windows,
            interval_s=float(status.get("interval_ms") or 1000) / 1000,
            age_s=self._age_s(status) if running else None,
            meta=meta,
            progress={key: status.get(key) for key in _PROGRESS_KEYS},
        )

    def _item(self) -> str:
        """Returns what one item of the run is called; its file is there before the first row and is read once."""
        if self._item_word is None and (environment := self.recording.environment()):
            self._item_word = item_of(environment)
        return self._item_word or "image"

    def _ram_idle(self) -> int | None:
        """Returns the mean of used RAM over the ticks of idle so far, MB.

        Told anew only when it has moved by a whole MB, or idle is over: it is meta data, which every
        browser gets again whenever any of it changes.
        """
        if self._table is None or not self._phases or self._phases[0][0] != Phase.IDLE.value:
            return None
        over = len(self._phases) > 1
        end = self._table.place(float(self._phases[1][1])) if over else self._table.end
        if (over, end) != self._ram_idle_of:
            self._ram_idle_of = (over, end)
            # The first tick speaks of the time before it, as in the summary.
            mean = self._table.mean(_RAM, self._table.place(float(self._phases[0][1])) + 1, end)
            told = self._ram_idle_mb
            if mean is not None and (over or told is None or abs(mean - told) >= 1):
                self._ram_idle_mb = round(mean)
        return self._ram_idle_mb

    def _recent(self, status: dict[str, Any]) -> str:
        """Returns what the reader of telemetry went through within the last minute, in words."""
        if self._replay or status.get("t0_s") is None:
            return ""
        since_s = time.monotonic() - float(status["t0_s"]) - RECENT_S
        notices = [
            str(notice.get("message"))
            for notice in status.get("notices") or []
            if notice.get("kind") in READER_KINDS and float(notice.get("elapsed_s") or 0.0) > since_s
        ]
        return notices[-1] if notices else ""

    def _age_s(self, status: dict[str, Any]) -> float:
        now_s = time.monotonic()
        if self._replay or self._table is None or not self._table.end or status.get("t0_s") is None:
            return now_s - self._seen_s
        return max(0.0, now_s - float(status["t0_s"]) - (self._table.last_s or 0.0))


class FeedCache:
    """The feeds of the runs that were asked for last; bounded in number and in bytes.

    Args:
        max_runs: feeds that are kept at most, but for those asked for within :data:`ASKED_S`.
        max_bytes: memory that their rows may take, bytes, likewise.
        clock: monotonic time, s.
    """

    def __init__(
        self,
        *,
        max_runs: int = _MAX_RUNS,
        max_bytes: int = _MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feeds: OrderedDict[Path, RunFeed] = OrderedDict()
        self._lock = threading.Lock()
        self._max_runs = max_runs
        self._max_bytes = max_bytes
        self._clock = clock

    def __len__(self) -> int:
        return len(self._feeds)

    def get(self, recording: Recording) -> RunFeed:
        """Returns the feed of a run; feeds that were not asked for longest make room for it."""
        with self._lock:
            feed = self._feeds.get(recording.folder)
            if feed is None:
                feed = self._feeds[recording.folder] = RunFeed(recording)
            self._feeds.move_to_end(recording.folder)
            feed.asked_s = self._clock()
            while self._too_much() and feed.asked_s - next(iter(self._feeds.values())).asked_s > ASKED_S:
                self._feeds.popitem(last=False)[1].close()
            return feed

    def _too_much(self) -> bool:
        return len(self._feeds) > self._max_runs or sum(feed.nbytes for feed in self._feeds.values()) > self._max_bytes
