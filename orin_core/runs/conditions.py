"""What may disturb a measurement, or tell later what was measured: code, page, browser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import psutil

from orin_core.settings import PROJECT_ROOT

_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

BROWSERS = frozenset(
    {
        *("brave", "chrome", "chromium", "chromium-browser", "epiphany", "epiphany-browser", "falkon", "firefox"),
        *("firefox-bin", "firefox-esr", "google-chrome", "headless_shell", "chrome-headless-shell", "konqueror"),
        *("librewolf", "microsoft-edge", "midori", "msedge", "opera", "qutebrowser", "vivaldi", "vivaldi-bin"),
    }
)
"""Names of browsers' processes; the kernel keeps 15 characters of a name, psutil mends what it cut."""


def git_commit(root: Path = PROJECT_ROOT) -> str | None:
    """Returns the commit that is checked out, None outside a checkout.

    Files are read, no program is started. Changes that are not committed are not seen.

    Args:
        root: folder that holds ``.git``.

    **Source**: gitrepository-layout(5): ``HEAD`` holds a hash or ``ref: NAME``, a ref is a file or
    a line of ``packed-refs``; in a linked work tree ``.git`` is a file that names the folder, whose
    ``commondir`` names that of the refs.
    """
    folder = root / ".git"
    if folder.is_file():
        named = _text(folder).removeprefix("gitdir:").strip()
        folder = root / named if named else folder
    head = _text(folder / "HEAD")
    if not head.startswith("ref:"):
        return _hash(head)
    ref = head.removeprefix("ref:").strip()
    common = folder / (_text(folder / "commondir") or ".")
    for place in (folder, common):
        if found := _hash(_text(place / ref)):
            return found
    for line in _text(common / "packed-refs").splitlines():
        value, _, name = line.partition(" ")
        if name == ref:
            return _hash(value)
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _hash(text: str) -> str | None:
    return text if _HASH.fullmatch(text) else None


def page_open(port: int) -> bool | None:
    """Returns whether somebody is connected to the dashboard of this machine, None where that cannot be read.

    Args:
        port: where the dashboard listens, 1 to 65535.
    """
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    here = [entry.status for entry in connections if entry.laddr and entry.laddr.port == port]
    # Without a listener the port is only the near end of some connection to elsewhere.
    return psutil.CONN_LISTEN in here and psutil.CONN_ESTABLISHED in here


def browser_on_board() -> bool | None:
    """Returns whether a browser runs on this machine, None where its processes cannot all be seen."""
    return has_browser((process.pid, process.info["name"]) for process in psutil.process_iter(["name"]))


def has_browser(processes: Iterable[tuple[int, str | None]]) -> bool | None:
    """Returns whether one of these processes is a browser; None where none is and not all are seen.

    Args:
        processes: pid and name of each.

    **Source**: Linux has ``kthreadd`` at pid 2; a container with a view of its own does not, and
    neither does a user from whom others' processes are hidden.
    """
    all_seen = False
    for pid, name in processes:
        if (name or "").lower() in BROWSERS:
            return True
        all_seen = all_seen or (pid == 2 and name == "kthreadd")
    return False if all_seen else None
