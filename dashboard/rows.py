"""The rows of one ``run.csv`` as it grows. Of a long file its end is there at once, the rest a little later."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

from dashboard.table import Table
from dashboard.window import Windows
from orin_core.runs.columns import ELAPSED_S
from orin_core.runs.whole_lines import open_plain

LONG_BYTES = 32 * 1024 * 1024
"""A file with more that is new is read in a thread: a day at 10 Hz takes two seconds of a processor."""
TAIL_BYTES = 2 * 1024 * 1024
"""So much of its end is shown until then: some 9000 rows."""
_BLOCK_BYTES = 16 * 1024 * 1024


class Growing:
    """Whole lines of a file that only grows, from where the last call stopped.

    Args:
        path: the file; it need not be there yet.
        offset: where to begin, bytes.
        cut: whether that is within a line; what is left of it is left out.
    """

    def __init__(self, path: Path, offset: int = 0, *, cut: bool = False) -> None:
        self._path = path
        self._offset = offset
        self._cut = cut

    def read_new(self) -> bytes:
        """Returns the next whole lines, at most 16 MiB."""
        try:
            with open_plain(self._path) as stream:
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

    @property
    def offset(self) -> int:
        """Place of the first byte that was not read yet."""
        return self._offset


class Rows:
    """Rows from a place of the file on.

    Args:
        path: ``run.csv``; it need not be there yet.
        offset: where to begin, bytes; 0 for all rows.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.table: Table | None = None
        self.windows = Windows()
        # Names these rows among others of the same run, in any server: a browser's cursor counts within them.
        self.life = f"t{offset:x}" if offset else "r"
        self._path = path
        self._offset = offset
        self._lines = Growing(path)
        self._closed = False

    @property
    def offset(self) -> int:
        """Place of the first byte that was not read yet."""
        return self._lines.offset

    def read(self) -> bool:
        """Reads what is new; returns whether there was anything."""
        some = False
        if self.table is None:
            self.table = self._begin()
        while self.table and not self._closed and (data := self._lines.read_new()):
            self.table.add_csv(data)
            some = True
        return some

    def close(self) -> None:
        """Ends a :meth:`read` of another thread after its present block."""
        self._closed = True

    def _begin(self) -> Table | None:
        """Returns an empty table with the columns of the file; None where its header is not there yet, or is none."""
        try:
            with open_plain(self._path) as stream:
                first = stream.readline(_BLOCK_BYTES)
            header = next(csv.reader([first.decode("utf-8", errors="replace")]), [])
        except (FileNotFoundError, csv.Error):
            return None
        if not first.endswith(b"\n") or ELAPSED_S not in header:
            return None
        self._lines = Growing(self._path, max(self._offset, len(first)), cut=self._offset > len(first))
        return Table(header)


class RunRows:
    """All rows of a run, or its newest ones while a long file is being read.

    Args:
        path: ``run.csv``; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole = Rows(path)
        self._tail: Rows | None = None
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
        if self._reader is None or not self._reader.is_alive():
            size = self._size()
            # Also where a reader has failed: then the next one goes on.
            if size - self._whole.offset <= LONG_BYTES:
                self._tail = self._reader = None
                return self._whole, self._whole.read()
            self._tail = self._tail or Rows(self._path, size - TAIL_BYTES)
            self._reader = threading.Thread(target=self._whole.read, name="run.csv", daemon=True)
            self._reader.start()
        shown = self._tail or self._whole
        return shown, shown.read()

    def close(self) -> None:
        """Ends the thread that reads, where one does: nobody asks for these rows any more."""
        self._whole.close()

    def _size(self) -> int:
        try:
            return self._path.lstat().st_size
        except FileNotFoundError:
            return 0
