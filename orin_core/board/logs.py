"""Saved tegrastats logs: open them, read them line by line, give every line its time."""

from __future__ import annotations

import contextlib
import datetime
import functools
import gzip
import io
import itertools
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from orin_core.board.sample import Sample
from orin_core.board.tegrastats import parse_line
from orin_core.errors import BadRequest

Line = tuple[int, str, Sample | None]
"""Number from 1, text without its line end, what it says."""
_GZIP_MAGIC = b"\x1f\x8b"
_CLOCK_WAS_SET_S = 86_400.0  # a larger jump between two lines is a clock that was set, not a gap
_GROUP_MAX = 4096  # lines of one second held at once; a stopped clock must not hold the whole log


@contextlib.contextmanager
def open_log(path: Path | str) -> Iterator[TextIO]:
    """Opens a log for :func:`iter_log`: plain text, gzip (told by its content), or ``-`` for standard input.

    Args:
        path: the file, or ``-``.

    Raises:
        BadRequest: there is no such file, or it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        plain = _standard_input() if str(path) == "-" else stack.enter_context(_opened(Path(path)))
        binary: io.BufferedReader | gzip.GzipFile = plain
        if plain.peek(2)[:2] == _GZIP_MAGIC:
            binary = stack.enter_context(gzip.GzipFile(fileobj=plain, mode="rb"))
        # Only a line feed ends a line: garbage may hold other line breaks.
        text = io.TextIOWrapper(binary, encoding="utf-8", errors="replace", newline="\n")
        try:
            yield text
        finally:
            text.detach()


def _standard_input() -> io.BufferedReader:
    return typing.cast(io.BufferedReader, sys.stdin.buffer)


def _opened(path: Path) -> io.BufferedReader:
    try:
        return open(path, "rb")
    except OSError as error:
        raise BadRequest(
            f"The log {path} cannot be read: {error.strerror}.", "Name a tegrastats log, plain or gzip."
        ) from error


def iter_log(stream: Iterable[str]) -> Iterator[Line]:
    """Yields every line of a log: its number from 1, its text without line end, what it says.

    The sample is None where the line is no tegrastats line. A last line without line end gives
    no last word.

    Args:
        stream: lines with their line ends, as :func:`open_log` gives them.
    """
    for number, line in enumerate(stream, 1):
        yield number, line.rstrip("\r\n"), parse_line(line, complete=line.endswith("\n"))


@functools.lru_cache(maxsize=2)
def _stamp_s(stamp: str | None) -> float | None:
    """Seconds of a printed stamp on a scale without zone, None where it is no date."""
    if stamp is None:
        return None
    day, clock = stamp.split()
    month, date, year = map(int, day.split("-"))
    hour, minute, second = map(int, clock.split(":"))
    try:
        # The stamp has no zone; any fixed one serves, since only differences are used.
        printed = datetime.datetime(year, month, date, hour, minute, second, tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    return printed.timestamp()


def timed_lines(lines: Iterable[Line], interval_s: float) -> Iterator[tuple[float, str, Sample | None]]:
    """Gives every line of a log its time, in s since the first tegrastats line, never falling.

    The printed stamps have a resolution of 1 s, so lines of the same second are spread over it.
    A line without a stamp comes one interval after the line before. Where stamps jump backwards
    or by more than a day the clock was set, and time goes on by one interval.

    Args:
        lines: as :func:`iter_log` yields them.
        interval_s: time between two lines where no stamp tells it, s.
    """
    start_s: float | None = None  # on the stamps' scale, moved where the clock was set
    last_stamp_s = last_s = -interval_s
    for stamp_s, group in itertools.groupby(lines, key=_by_second()):
        for chunk in _chunks(group):
            ticks = sum(sample is not None for _, _, sample in chunk)
            if stamp_s is None:
                first_s, step_s = last_s + interval_s, interval_s
            else:
                first_s = last_s + interval_s
                if start_s is not None and 0 < stamp_s - last_stamp_s < _CLOCK_WAS_SET_S:
                    first_s = max(stamp_s - start_s, last_s)
                start_s, last_stamp_s = stamp_s - first_s, stamp_s
                step_s = 1.0 / max(ticks, 1)
            now_s = first_s
            for _, text, sample in chunk:
                yield max(now_s, 0.0), text, sample
                if sample is not None:
                    last_s = now_s
                    now_s += step_s


def _by_second() -> Callable[[Line], float | None]:
    """Returns a key that is the printed second; a line that is no sample goes with the line before."""
    last: list[float | None] = [None]

    def key(line: Line) -> float | None:
        if line[2] is not None:
            last[0] = _stamp_s(line[2].stamp)
        return last[0]

    return key


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while chunk := list(itertools.islice(rest, _GROUP_MAX)):
        yield chunk
