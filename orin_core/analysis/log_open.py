"""Opening old logs: bounded lines whatever they hold, and the encodings in which spreadsheets save a CSV."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from orin_core.board.logs import open_log
from orin_core.errors import BadRequest

MAX_LINE = 65_536
"""Longest line that is read, characters; the longest of a real board has about 1000."""
MAX_SKIPPED = 100_000_000
"""Characters of longer lines that are read over; a file with more is no log."""
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)
"""What a damaged gzip raises."""
_LOOK_BYTES = 65_536


@contextlib.contextmanager
def open_old_log(path: Path) -> Iterator[TextIO]:
    """Opens a log or a CSV: UTF-8, or UTF-16 with its mark; lines end in LF, CRLF, or in CR alone.

    Raises:
        BadRequest: there is no such file, or it cannot be read.
    """
    with open_log(path) as stream:
        _adapt(stream)
        yield stream


def _adapt(stream: Any) -> None:
    try:
        head: bytes = stream.buffer.peek(_LOOK_BYTES)
    except BROKEN:
        return
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if wide:
        head = head.replace(b"\0", b"")
    bare_returns = head.count(b"\r") - head.count(b"\r\n")
    # Old Excel for Mac; the date record may still hold a line feed. Text logs may hold a progress bar's returns.
    if b"Time (mS)" in head and bare_returns > head.count(b"\n"):
        stream.reconfigure(newline="\r")
    if wide:
        stream.reconfigure(encoding="utf-16", errors="replace")


def bounded_lines(stream: TextIO) -> Iterator[str]:
    """Yields the lines of a file; of one that is longer than :data:`MAX_LINE` only the beginning.

    Raises:
        BadRequest: too much of the file is such lines.
    """
    skipped = 0
    while line := stream.readline(MAX_LINE):
        if len(line) < MAX_LINE or line.endswith(("\n", "\r")):
            yield line
            continue
        while (rest := stream.readline(MAX_LINE)) and not rest.endswith(("\n", "\r")):
            skipped += len(rest)
            if skipped > MAX_SKIPPED:
                raise BadRequest("The file has lines of millions of characters: it is no log.", "Name another file.")
        yield line[:200] + "\n"
