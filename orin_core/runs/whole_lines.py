"""Files of a run folder for its readers: never through a link, and up to the last line end where they grow."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

CHUNK_BYTES = 256 * 1024


def open_plain(path: Path) -> io.BufferedReader:
    """Opens a file of a run folder that is itself one: a link may lead anywhere, and a pipe would wait for ever.

    Raises:
        FileNotFoundError: there is no such file, or it is no plain one.
        OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise FileNotFoundError(errno.ENOENT, "It is no plain file", str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "It is no plain file", str(path))
    return os.fdopen(descriptor, "rb")


def whole_length(stream: BinaryIO) -> int:
    """Returns how many bytes a file has up to and with its last line end; 0 where no line is whole yet.

    Args:
        stream: seekable; its place is moved.
    """
    end = stream.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - CHUNK_BYTES)
        stream.seek(start)
        place = stream.read(end - start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0


def chunks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    """Yields the first ``length`` bytes of a file in pieces; fewer where the file has become shorter."""
    stream.seek(0)
    while length > 0 and (data := stream.read(min(CHUNK_BYTES, length))):
        length -= len(data)
        yield data


class Head(io.RawIOBase):
    """The first bytes of a file as a file of its own.

    Args:
        stream: the file; it is closed with this one.
        length: bytes to show.
    """

    def __init__(self, stream: BinaryIO, length: int) -> None:
        super().__init__()
        stream.seek(0)
        self._stream = stream
        self._left = length

    def readable(self) -> bool:
        """Returns True: it is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer and returns how many bytes were put into it; 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self._stream.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        """Closes the file below as well."""
        if not self.closed:
            self._stream.close()
        super().close()


def open_whole(path: Path) -> io.BufferedReader:
    """Opens a growing file so that it seems to end with its last whole line.

    Raises:
        FileNotFoundError: there is no such file, or it is no plain one.
        OSError: it cannot be opened.
    """
    stream = open_plain(path)
    try:
        return io.BufferedReader(Head(stream, whole_length(stream)), CHUNK_BYTES)
    except BaseException:  # whatever it was goes on; only the file must not stay open
        stream.close()
        raise
