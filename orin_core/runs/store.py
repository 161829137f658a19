"""The layout of a run folder, and how it is written.

One process writes a run folder: the runner. Rows are appended with one ``write(2)`` each, so a
reader that takes complete lines only never sees a torn row, and a killed writer loses none.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from orin_core.board.sample import Tick
from orin_core.errors import RunFailed
from orin_core.runs.columns import Layout, RowContext
from orin_core.runs.whole_lines import open_plain

RUN_CSV = "run.csv"
BATCHES_CSV = "batches.csv"
RAW_LOG = "tegrastats.log"
WORKER_LOG = "worker.log"
EVENTS = "events.jsonl"
LATE_FIELDS = "late_fields.jsonl"
SPEC = "spec.json"
ENVIRONMENT = "environment.json"
STATUS = "status.json"
SUMMARY = "summary.json"
RESERVE = ".reserve"
RESERVE_BYTES = 512 * 1024
"""Room that a run keeps for its last words, given up when it ends: a full disk is then a named end."""

BATCH_COLUMNS = ("start_s", "end_s", "phase", "items", "forward_ms", "latency_ms", "items_done", "batch")
FULL_BATCH_ROWS = 500_000
"""So many batches get a row each; after that one in :data:`THINNED_BATCH_STEP` does."""
THINNED_BATCH_STEP = 100
_TICK_BATCHES = 10_000
"""At most so many batches speak for one tick: the newest, where telemetry was away for long."""


def csv_line(cells: Iterable[str]) -> str:
    """Returns one CSV record with its line end, quoted where needed."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(list(cells))
    return buffer.getvalue()


def write_json(path: Path, document: Mapping[str, Any], *, durable: bool = False) -> None:
    """Replaces a JSON file atomically.

    Args:
        path: file to replace; its folder exists.
        document: finite values only; NaN would not be JSON.
        durable: whether it is on the disk when this returns, for what must survive a power cut.
    """
    # The tabs of one server are threads of one process.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(document, indent=2, allow_nan=False) + "\n")
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    os.replace(temporary, path)
    if durable:
        # The new name as well.
        folder_fd = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder_fd)
        finally:
            os.close(folder_fd)


def read_json(path: Path) -> dict[str, Any] | None:
    """Returns the JSON object in a file, None where there is no file or no object in it."""
    try:
        with open_plain(path) as stream:
            document = json.loads(stream.read())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def utc_text(unix_s: float) -> str:
    """Returns UTC as ISO 8601 text with milliseconds, for example 2026-01-31T12:00:00.250Z."""
    moment = datetime.datetime.fromtimestamp(unix_s, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Appender:
    """A file that only grows, by whole records.

    Args:
        path: file to append to; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def append(self, text: str) -> None:
        """Appends one or more whole records.

        Raises:
            RunFailed: the disk is full or gone; what was written of the record is taken back.
        """
        data = text.encode("utf-8", errors="replace")
        before = os.fstat(self._fd).st_size
        try:
            written = 0
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            os.ftruncate(self._fd, before)
            raise RunFailed(
                f"{self._path.name} cannot be written: {error.strerror}.",
                "Free disk space, or choose another folder (--runs-dir, or ORIN_DATA_DIR).",
            ) from error

    def close(self) -> None:
        """Closes the file."""
        os.close(self._fd)


class Recorder:
    """Writes one run folder, from its first tick to its summary.

    Args:
        folder: the run folder; it exists and is empty.
        source: name of the telemetry source, written on every row.
        replay: whether ticks carry the time of a log instead of this machine's clock.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, *, source: str, replay: bool = False) -> None:
        self.folder = folder
        self.t0_s = 0.0 if replay else time.monotonic()
        self.utc0_s = time.time()
        self._replay = replay
        self._source = source
        self._layout: Layout | None = None
        self._rows = Appender(folder / RUN_CSV)
        self._raw = Appender(folder / RAW_LOG)
        self._events = Appender(folder / EVENTS)
        self._batches = Appender(folder / BATCHES_CSV)
        self._batches.append(csv_line(BATCH_COLUMNS))
        with (folder / RESERVE).open("wb") as reserve:
            os.posix_fallocate(reserve.fileno(), 0, RESERVE_BYTES)
        self._late: Appender | None = None
        self._latencies_ms: deque[float] = deque(maxlen=_TICK_BATCHES)
        self.ticks = 0
        self.batches = 0

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for appender in (self._rows, self._raw, self._events, self._batches, self._late):
            if appender:
                appender.close()

    def give_up_reserve(self) -> None:
        """Frees the room that was kept for the end of the run."""
        (self.folder / RESERVE).unlink(missing_ok=True)

    def tick(self, tick: Tick, *, phase: str, items: int | None, fps: float | None) -> None:
        """Appends one row to ``run.csv`` and the raw line to ``tegrastats.log``.

        The row tells the median latency of the batches that came since the row before.

        Raises:
            RunFailed: the disk is full or gone.
        """
        if tick.raw is not None:
            self._raw.append(tick.raw + "\n")
        if self._layout is None:
            self._layout = Layout.of(tick.sample)
            self._rows.append(csv_line(self._layout.header()))
        elapsed_s = tick.t_s - self.t0_s
        utc = "" if self._replay else utc_text(self.utc0_s + elapsed_s)
        latency_ms = statistics.median(self._latencies_ms) if self._latencies_ms else None
        self._latencies_ms.clear()
        context = RowContext(
            index=self.ticks,
            elapsed_s=elapsed_s,
            utc=utc,
            phase=phase,
            items=items,
            fps=fps,
            source=self._source,
            latency_ms=latency_ms,
        )
        self._rows.append(csv_line(self._layout.row(tick, context)))
        late = self._layout.late_fields(tick.sample)
        if late:
            if self._late is None:
                self._late = Appender(self.folder / LATE_FIELDS)
            self._late.append(json.dumps({"index": self.ticks, "elapsed_s": round(elapsed_s, 3), **late}) + "\n")
        self.ticks += 1

    def raw_line(self, text: str) -> None:
        """Keeps a line that could not be parsed in ``tegrastats.log``."""
        self._raw.append(text + "\n")

    def event(self, kind: str, t_s: float, **fields: Any) -> None:
        """Appends one event to ``events.jsonl``.

        Args:
            kind: what happened (``phase``, ``notice``, ``environment``, ...).
            t_s: monotonic time at which it happened, s.
            fields: JSON values.
        """
        row = {"kind": kind, "t_s": round(t_s, 6), "elapsed_s": round(t_s - self.t0_s, 3), **fields}
        self._events.append(json.dumps(row) + "\n")

    def batch_rows(self, rows: Iterable[list[Any]], items_done: list[int]) -> None:
        """Appends batches: ``[start_s, end_s, phase, items, forward_ms, latency_ms]`` each.

        Past :data:`FULL_BATCH_ROWS` one batch in :data:`THINNED_BATCH_STEP` is written; the
        cumulative count in ``items_done`` keeps the number of items exact, and the number of the
        batch tells how many each row stands for.
        """
        lines = []
        for row, done in zip(rows, items_done, strict=True):
            self.batches += 1
            self._latencies_ms.append(row[5])
            if self.batches > FULL_BATCH_ROWS and self.batches % THINNED_BATCH_STEP:
                continue
            start_s, end_s, phase, items, forward_ms, latency_ms = row
            cells = [f"{start_s:.6f}", f"{end_s:.6f}", phase, str(items)]
            lines.append(
                ",".join([*cells, f"{forward_ms:.3f}", f"{latency_ms:.3f}", str(done), str(self.batches)]) + "\n"
            )
        if lines:
            self._batches.append("".join(lines))

    def status(self, document: Mapping[str, Any]) -> None:
        """Replaces ``status.json``."""
        write_json(self.folder / STATUS, document)
