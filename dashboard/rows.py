"""The rows of one ``run.csv`` as it grows. Of a long file its end is there at once, the rest a little later."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

from dashboard.table import Table
from dashboard.window import Windows

LONG_BYTES = 32 * 1024 * 1024
"""A file with more that is new is read in a thread: a day at 10 Hz takes two seconds of a processor."""
TAIL_BYTES = 2 * 1024 * 1024
"""So much of its end is shown until then: some 9000 rows."""
_BLOCK_BYTES = 16 * 1024 * 1024


class Growing:
    """Whole lines of a file that only grows, from where the last call stopped.

    Args:
        path: the file; it need not be there yet.
        offset: where to begin, bytes; the line that this cuts is left out.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._cut = offset > 0

    def left_bytes(self) -> int:
        """Returns how much is there that was not read, bytes."""
        try:
            return self._path.stat().st_size - self._offset
        except FileNotFoundError:
            return 0

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
        if self._cut and data:
            self._cut = False
            data = data.partition(b"\n")[2]
        return data


class Rows:
    """Rows from a place of the file on.

    Args:
        path: ``run.csv``; it need not be there yet.
        offset: where to begin, bytes.
        life: names these rows among others of the same run: a browser's cursor counts within them.
    """

    def __init__(self, path: Path, offset: int = 0, life: str = "r") -> None:
        self.table: Table | None = None
        self.windows = Windows()
        self.life = life
        self._path = path
        self._lines = Growing(path, offset)

    def left_bytes(self) -> int:
        """Returns how much is there that was not read, bytes."""
        return self._lines.left_bytes()

    def read(self) -> bool:
        """Reads what is new; returns whether there was anything."""
        some = False
        while data := self._lines.read_new():
            if self.table is None:
                with self._path.open("rb") as stream:
                    first = stream.readline()
                self.table = Table(next(csv.reader([first.decode("utf-8", errors="replace")])))
                data = data.removeprefix(first)
            self.table.add_csv(data)
            some = True
        return some


class RunRows:
    """All rows of a run, or its newest ones while a long file is being read.

    Args:
        path: ``run.csv``; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole = Rows(path)
        self._tail: Rows | None = None
        self._tails = 0
        self._reader: threading.Thread | None = None

    @property
    def partial(self) -> bool:
        """Whether the rows that :meth:`read` returned last are the newest ones only."""
        return self._tail is not None

    @property
    def nbytes(self) -> int:
        """Memory that the rows take, bytes."""
        return sum(rows.table.nbytes for rows in (self._whole, self._tail) if rows and rows.table)

    def read(self) -> tuple[Rows, bool]:
        """Reads what is new; returns the rows to show, and whether any of them came now."""
        if self._reader is None and (left := self._whole.left_bytes()) > LONG_BYTES:
            self._tails += 1
            self._tail = Rows(self._path, self._path.stat().st_size - min(left, TAIL_BYTES), f"t{self._tails}")
            self._reader = threading.Thread(target=self._whole.read, name="run.csv", daemon=True)
            self._reader.start()
        if self._tail and self._reader and self._reader.is_alive():
            return self._tail, self._tail.read()
        self._tail = self._reader = None
        return self._whole, self._whole.read()
