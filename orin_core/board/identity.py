"""Which board this is: module, L4T release, boot."""

from __future__ import annotations

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoardIdentity:
    """What a machine says of itself; None where it does not.

    Args:
        model: for example ``NVIDIA Jetson AGX Orin Developer Kit``.
        l4t: first line of the L4T release file.
        boot_id: changes with every boot.
    """

    model: str | None
    l4t: str | None
    boot_id: str | None


def identity(root: Path = Path("/")) -> BoardIdentity:
    """Returns which board this is.

    **Source**: ``/proc/device-tree/model`` (ends in a NUL byte), ``/etc/nv_tegra_release`` (JetPack
    4 to 7), ``/proc/sys/kernel/random/boot_id``.

    Args:
        root: root of the file system.
    """
    return BoardIdentity(
        model=_first_line(root / "proc/device-tree/model"),
        l4t=_first_line(root / "etc/nv_tegra_release"),
        boot_id=_first_line(root / "proc/sys/kernel/random/boot_id"),
    )


def _first_line(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.strip("\0\n ").partition("\n")[0].strip() or None
