"""Numbers out of small files; what cannot be read is None and named once."""

from __future__ import annotations

import os
from pathlib import Path

_READ_BYTES = 4096  # the kernel gives a sysfs attribute at most one page


class SysfsReader:
    """Reads files below one root of sysfs.

    Every reading opens its file anew: a kept descriptor is one system call cheaper, but would stick
    to a device that was unbound, or to a file that was replaced.

    Args:
        root: root of sysfs; ``/sys`` on a board.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notices: list[str] = []
        self._named: set[str] = set()

    def notice(self, what: str, reason: str) -> None:
        """Names something that cannot be read, the first time only.

        Args:
            what: its name for people, for example ``GPU clock``.
            reason: why it cannot be read.
        """
        if what not in self._named:
            self._named.add(what)
            self.notices.append(f"{what}: {reason}")

    def text(self, path: Path, what: str) -> str | None:
        """Returns a file's text without blanks around it, None where it is empty or cannot be read.

        Args:
            path: the file.
            what: its name in a notice.
        """
        try:
            text = _contents(path)
        except OSError as error:
            self.notice(what, f"{path} cannot be read ({error.strerror})")
            return None
        if not text:
            self.notice(what, f"{path} is empty")
            return None
        return text

    def number(self, path: Path, what: str) -> int | None:
        """Returns the whole number in a file (decimal or ``0x``), None where it cannot be read.

        Args:
            path: the file.
            what: its name in a notice.
        """
        text = self.text(path, what)
        if text is None:
            return None
        try:
            return int(text, 16 if text.startswith(("0x", "0X")) else 10)
        except ValueError:
            self.notice(what, f"{path} holds no number ({text[:20]!r})")
            return None


def _contents(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _READ_BYTES).decode("ascii", errors="replace").strip("\0\n\t ")
    finally:
        os.close(descriptor)


def children(folder: Path, prefix: str = "") -> list[Path]:
    """Returns what lies in a folder and begins so, sorted by name; empty where it cannot be listed."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.startswith(prefix))
    except OSError:
        return []


def text_of(path: Path) -> str:
    """Returns a file's text without blanks around it, empty where it cannot be read."""
    try:
        return _contents(path)
    except OSError:
        return ""
