"""Reading run folders: whole, or as they grow."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import functools
import io
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.runs import store
from orin_core.runs.whole_lines import open_plain

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z_[A-Za-z0-9.+-]{1,64}_[A-Za-z0-9.+-]{1,64}_[A-Za-z0-9.+-]{1,32}_[0-9a-f]{4}")
"""The form of a run id, the name of its folder: ``<utc>_<model>_<dataset>_<mode>_<4 hex>``."""


def started_utc(run_id: str) -> datetime.datetime:
    """Returns when a run began, from its id.

    Raises:
        ValueError: there is no such date or time.
    """
    year, month, day = int(run_id[:4]), int(run_id[4:6]), int(run_id[6:8])
    hour, minute, second = int(run_id[9:11]), int(run_id[11:13]), int(run_id[13:15])
    return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.timezone.utc)


@functools.lru_cache(maxsize=4096)
def is_run_id(text: str) -> bool:
    """Returns whether a text is the id of a run: of the right form, and of a time that there is."""
    if not RUN_ID.fullmatch(text):
        return False
    try:
        started_utc(text)
    except ValueError:
        return False
    return True


def check_run_id(text: str) -> str:
    """Returns ``text`` if it is a run id.

    Raises:
        BadRequest: it is none, so it may not become part of a path.
    """
    if not is_run_id(text):
        raise BadRequest("This is no run id.", "List them with: python -m orin_core runs")
    return text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run folder, read from disk at every call.

    Args:
        folder: the run folder.
    """

    folder: Path

    @property
    def run_id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def csv_path(self) -> Path:
        """Path of ``run.csv``; it may not exist yet."""
        return self.folder / store.RUN_CSV

    def spec(self) -> dict[str, Any]:
        """What was asked; empty where the folder is damaged."""
        return store.read_json(self.folder / store.SPEC) or {}

    def environment(self) -> dict[str, Any]:
        """What was found; empty before it was written."""
        return store.read_json(self.folder / store.ENVIRONMENT) or {}

    def status(self) -> dict[str, Any]:
        """Phase, progress and pids as last written; empty before the first."""
        return store.read_json(self.folder / store.STATUS) or {}

    def summary(self) -> dict[str, Any] | None:
        """The summary, None while the run goes on or was interrupted."""
        return store.read_json(self.folder / store.SUMMARY)

    def events(self) -> list[dict[str, Any]]:
        """Every whole event in order; lines that are none are left out."""
        try:
            with io.TextIOWrapper(open_plain(self.folder / store.EVENTS), encoding="utf-8", errors="replace") as stream:
                found = [_event(line) for line in stream if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [event for event in found if event is not None]

    def began_s(self) -> float | None:
        """When the run began, monotonic s: by its status, else by any event, which has both clocks; None without."""
        if (known_s := _number(self.status().get("t0_s"))) is not None:
            return known_s
        for event in self.events():
            t_s, elapsed_s = _number(event["t_s"]), _number(event.get("elapsed_s"))
            if t_s is not None and elapsed_s is not None:
                return t_s - elapsed_s
        return None

    def batches(self) -> Iterator[dict[str, str]]:
        """Every whole row of ``batches.csv`` as text by column."""
        tail = Tail(self.folder / store.BATCHES_CSV)
        while chunk := tail.read_new():
            yield from chunk


def _number(value: Any) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else None


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "kind" in event and "t_s" in event else None


class Tail:
    """Reads a growing CSV from where it stopped; complete lines only.

    Args:
        path: the file; it may not exist yet.
    """

    CHUNK_BYTES = 4 * 1024 * 1024

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.header: list[str] = []

    def read_new(self) -> list[dict[str, str]]:
        """Returns the rows that were completed since the last call, at most 4 MiB of them."""
        try:
            with open_plain(self._path) as stream:
                stream.seek(self._offset)
                data = stream.read(self.CHUNK_BYTES)
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        records = csv.reader(data[:end].decode("utf-8", errors="replace").splitlines())
        rows = []
        for record in records:
            if not self.header:
                self.header = record
            elif len(record) == len(self.header):
                rows.append(dict(zip(self.header, record, strict=True)))
        if not rows and end:
            return self.read_new()
        return rows


def file_version(path: Path | str) -> tuple[int, int]:
    """Returns time of change (ns) and size (bytes) of a file, zeros where there is none: what is kept of it is of that.

    Args:
        path: text where many are asked for: making a Path costs more than the look.
    """
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def list_runs(runs_dir: Path) -> list[Recording]:
    """Returns the runs in a folder, newest first; anything that is no run folder is left out."""
    try:
        with os.scandir(runs_dir) as entries:
            names = [entry.name for entry in entries if is_run_id(entry.name) and entry.is_dir()]
    except FileNotFoundError:
        return []
    return [Recording(folder=runs_dir / name) for name in sorted(names, reverse=True)]


def find_run(runs_dir: Path, run_id: str) -> Recording:
    """Returns one run.

    Raises:
        BadRequest: the id is malformed or there is no such run.
    """
    folder = runs_dir / check_run_id(run_id)
    if not folder.is_dir():
        raise BadRequest(f"There is no run {run_id} in {runs_dir}.", "List them with: python -m orin_core runs")
    return Recording(folder=folder)
