"""Takes out of text what names one board or one person: hosts, users, serial numbers, addresses."""

from __future__ import annotations

import ipaddress
import platform
import pwd
import re
from collections.abc import Iterable
from pathlib import Path

_COMMON = frozenset(
    {
        *("root", "nobody", "user", "admin", "host", "localhost", "localdomain", "linux", "ubuntu"),
        *("nvidia", "jetson", "tegra", "orin", "board", "simulator", "tegrastats", "nvpmodel"),
        *("gpu", "cpu", "soc", "emc", "ram", "swap", "model", "test", "none"),
    }
)
"""Names that so many boards carry that they name none, and words that the files need."""

_SERIAL_FILES = (
    "proc/device-tree/serial-number",
    "sys/devices/soc0/serial_number",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/product_uuid",
    "etc/machine-id",
    "proc/sys/kernel/random/boot_id",
)
_LEAST_SERIAL = 6  # shorter numbers are placeholders such as 0 or None
_FIRST_USER_ID = 1000
_LAST_USER_ID = 60_000

_MAC = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![0-9A-Fa-f])")
_UUID = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])")
_IPV4 = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9]|\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_SERIAL = re.compile(r"(serial[ _-]?(?:number|no)?\.?[\"']?\s*[:=]\s*[\"']?)([\w-]+)", re.IGNORECASE)
_HOME = re.compile(r"(/(?:home|Users|media|run/user)/)[^/\s\"']+")


class Scrubber:
    """Replaces names, numbers and addresses of one machine by words that say what stood there.

    Args:
        hosts: names of the machine; their parts between dots count too.
        users: names of people on it.
        serials: serial numbers and ids.
    """

    def __init__(self, *, hosts: Iterable[str] = (), users: Iterable[str] = (), serials: Iterable[str] = ()) -> None:
        parts = [part for host in hosts for part in (host, host.partition(".")[0])]
        words = [(name, "HOST") for name in parts] + [(name, "USER") for name in users]
        known = {name.lower(): word for name, word in words if name and name.lower() not in _COMMON}
        known |= {serial.lower(): "SERIAL" for serial in serials if len(serial) >= _LEAST_SERIAL}
        self._known = known
        longest_first = sorted(known, key=len, reverse=True)
        # Underscores join parts of names in paths, so they do not count as part of a word.
        self._names = (
            re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])", re.IGNORECASE)
            if known
            else None
        )

    @classmethod
    def of_machine(cls, root: Path = Path("/")) -> Scrubber:
        """Returns the scrubber of a machine.

        **Source**: ``/etc/hostname``, ``/etc/passwd``, ``/etc/machine-id``, the device tree's
        ``serial-number``, ``/sys/class/net/*/address``, and for PCs the DMI tables.

        Args:
            root: root of its file system.
        """
        hosts = [_text(root / "etc/hostname")]
        users = [
            fields[0]
            for line in _text(root / "etc/passwd").splitlines()
            if len(fields := line.split(":")) > 2
            and fields[2].isdecimal()
            and _FIRST_USER_ID <= int(fields[2]) < _LAST_USER_ID
        ]
        if root == Path("/"):
            hosts.append(platform.node())
            users += [entry.pw_name for entry in pwd.getpwall() if _FIRST_USER_ID <= entry.pw_uid < _LAST_USER_ID]
        serials = [_text(root / name) for name in _SERIAL_FILES]
        macs = [_text(path) for path in root.glob("sys/class/net/*/address")]
        serials += macs + [mac.replace(":", "") for mac in macs]
        return cls(hosts=hosts, users=users, serials=serials)

    def text(self, text: str) -> str:
        """Returns text without what names this machine or its people."""
        if self._names is not None:
            text = self._names.sub(lambda match: self._known[match[0].lower()], text)
        text = _HOME.sub(r"\1USER", text)
        text = _MAC.sub("MAC", text)
        text = _UUID.sub("UUID", text)
        text = _IPV4.sub(_address, text)
        text = _IPV6.sub(_address, text)
        return _SERIAL.sub(r"\1SERIAL", text)

    def data(self, data: bytes) -> bytes:
        """Returns a file's bytes scrubbed; bytes that are no UTF-8 stay as they are."""
        return self.text(data.decode("utf-8", errors="surrogateescape")).encode("utf-8", errors="surrogateescape")


def _address(match: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(match[0])
    except ValueError:
        return match[0]
    return match[0] if match[0] in ("::", "::1", "127.0.0.1", "0.0.0.0") else "ADDRESS"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n\t ")
    except OSError:
        return ""
