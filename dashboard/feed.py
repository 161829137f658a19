"""What the live chart is fed with: the rows of a run folder after a cursor, kept in memory per run."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import threading
import time
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

from dashboard.table import GAP_INTERVALS, Table, for_browser, thinned, window
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.spec import Phase, RunState

_BLOCK_BYTES = 16 * 1024 * 1024
_MAX_RUNS = 8
_MAX_BYTES = 256 * 1024 * 1024
_FULL_S = 120.0
"""So much of the newest is never thinned: tiles compare with 30 s ago."""
READER_KINDS = ("died", "stalled", "flooded", "restarted")
"""Notices of the telemetry source that a viewer is told of."""
RECENT_S = 60.0
"""So long such a notice stays on the page, s."""
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
        interval_s: asked time between ticks, s.
        age_s: s since the last tick; None where nothing is to be expected any more.
        meta: what changes rarely; sent only when it did.
        progress: what changes always.
    """

    table: Table | None
    interval_s: float
    age_s: float | None
    meta: dict[str, Any]
    progress: dict[str, Any]


class Growing:
    """Whole lines of a file that only grows, from where the last call stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read_new(self) -> bytes:
        """Returns the next whole lines, at most 16 MiB."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                data = stream.read(_BLOCK_BYTES)
        except FileNotFoundError:
            return b""
        data = data[: data.rfind(b"\n") + 1]
        self._offset += len(data)
        return data


class RunFeed:
    """The rows and the state of one run folder, read as it grows.

    Args:
        recording: the run folder.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.epoch = "r"
        self.lock = threading.Lock()
        self._table: Table | None = None
        self._rows = Growing(recording.csv_path)
        self._events = Growing(recording.folder / store.EVENTS)
        self._phases: list[list[Any]] = []
        self._end_s: float | None = None
        self._seen_s = time.monotonic()
        self._replay = bool(str(recording.spec().get("telemetry", "")).startswith("replay:"))

    @property
    def nbytes(self) -> int:
        """Memory that the rows take, bytes."""
        return self._table.nbytes if self._table else 0

    def _read_rows(self) -> None:
        while data := self._rows.read_new():
            if self._table is None:
                first, _, data = data.partition(b"\n")
                self._table = Table(next(csv.reader([first.decode("utf-8", errors="replace")])))
            self._table.add_csv(data)
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
            "state": state,
            "message": status.get("message") or "",
            "hint": status.get("hint") or "",
            "throttle_c": status.get("throttle_c"),
            "phases": self._phases,
            "end_s": None if running or self._replay else self._end_s,
            "recent": self._recent(status) if running else "",
            "notices": [notice for notice in status.get("notices") or [] if notice.get("kind") != "unparsed"][-5:],
        }
        return FeedState(
            table=self._table,
            interval_s=float(status.get("interval_ms") or 1000) / 1000,
            age_s=self._age_s(status) if running else None,
            meta=meta,
            progress={key: status.get(key) for key in _PROGRESS_KEYS},
        )

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
        return max(0.0, now_s - float(status["t0_s"]) - float(self._table.rows[-1, 0]))


class FeedCache:
    """The feeds of the runs that were asked for last; bounded in number and in bytes."""

    def __init__(self, *, max_runs: int = _MAX_RUNS, max_bytes: int = _MAX_BYTES) -> None:
        self._feeds: OrderedDict[Path, RunFeed] = OrderedDict()
        self._lock = threading.Lock()
        self._max_runs = max_runs
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._feeds)

    def get(self, recording: Recording) -> RunFeed:
        """Returns the feed of a run; feeds that were not asked for longest make room for it."""
        with self._lock:
            feed = self._feeds.get(recording.folder)
            if feed is None:
                feed = self._feeds[recording.folder] = RunFeed(recording)
            self._feeds.move_to_end(recording.folder)
            while len(self._feeds) > 1 and self._too_much():
                self._feeds.popitem(last=False)
            return feed

    def _too_much(self) -> bool:
        return len(self._feeds) > self._max_runs or sum(feed.nbytes for feed in self._feeds.values()) > self._max_bytes


def _whole_window(table: Table, *, span_s: float | None, points: int, gap_s: float) -> list[list[float | int | None]]:
    """Returns a window for a browser that has nothing: its last two minutes in full, the rest thinned."""
    rows = window(table.rows, span_s)
    if len(rows) <= points:
        return for_browser(rows, gap_s)
    tail = window(rows, _FULL_S)[-(points // 2) :]
    head = thinned(rows[: len(rows) - len(tail)], points - len(tail))
    # Between thinned rows a silence is longer by nature.
    wide_s = gap_s + 2 * float(head[-1, 0] - head[0, 0]) / len(head)
    return for_browser(head, wide_s) + for_browser(tail, gap_s, float(head[-1, 0]))


def answer(state: FeedState, *, epoch: str, cursor: str, tag: str, span_s: float | None, points: int) -> dict[str, Any]:
    """Returns what the browser needs beyond what it has.

    Args:
        state: the present state of the feed.
        epoch: names this life of the feed; a cursor of another life starts over.
        cursor: what the browser got last, empty for a whole window.
        tag: names the meta data that the browser has.
        span_s: length of the window in s; None for the whole run.
        points: rows that a whole window may have.
    """
    document: dict[str, Any] = {"age_s": None if state.age_s is None else round(state.age_s, 2), **state.progress}
    table, gap_s = state.table, GAP_INTERVALS * state.interval_s
    before, _, count = cursor.rpartition(":")
    new = table.since(int(count)) if table and before == epoch and count.isdecimal() else None
    if table is None:
        document["rows"] = []
    elif new is not None and len(new) <= points:
        document["rows"] = for_browser(new, gap_s, table.before(int(count)))
    else:
        document["reset"] = True
        document["rows"] = _whole_window(table, span_s=span_s, points=points, gap_s=gap_s)
    document["cursor"] = f"{epoch}:{table.end if table else 0}"
    if table and len(table.rows):
        document["t_s"] = float(table.rows[-1, 0])
    meta = {**state.meta, "interval_s": state.interval_s, "columns": table.columns if table else []}
    now = f"{zlib.crc32(json.dumps(meta, sort_keys=True).encode()):x}"
    document["tag"] = now
    if now != tag:
        document["meta"] = meta
    return document
