"""Whether the rows of a finished run are still what its summary was made from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orin_core.runs import store
from orin_core.runs.columns import ELAPSED_S
from orin_core.runs.recording import Recording, file_version
from orin_core.runs.whole_lines import CHUNK_BYTES, open_plain


def lost_rows(recording: Recording, summary: Mapping[str, Any]) -> str:
    """Returns what became of ``run.csv`` since the summary was written; empty where it is whole.

    The figures of a summary stand without their rows, but nobody can check them any more.

    Args:
        recording: a run that has ended.
        summary: its summary; one that does not tell how many rows there were is not held against the file.
    """
    rows = summary.get("rows")
    if not isinstance(rows, int) or isinstance(rows, bool) or rows <= 0:
        return ""
    header, found = _rows(recording.csv_path, file_version(recording.csv_path))
    if header is None:
        return f"{store.RUN_CSV} is missing or cannot be read"
    if not header:
        return f"{store.RUN_CSV} holds no rows of this dashboard"
    if found < rows:
        return f"{store.RUN_CSV} holds {found:,} of {rows:,} rows"
    return ""


@functools.lru_cache(maxsize=2000)
def _rows(path: Path, version: tuple[int, int]) -> tuple[bool | None, int]:
    """Returns whether the first line is a header of ours (None without a file), and how many whole lines follow."""
    try:
        with open_plain(path) as stream:
            cells = stream.readline().decode("utf-8", errors="replace").rstrip("\r\n").split(",")
            count = 0
            while data := stream.read(CHUNK_BYTES):
                count += data.count(b"\n")
    except OSError:
        return None, 0
    return ELAPSED_S in cells, count
