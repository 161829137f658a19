"""Where a board's conf, status, sysfs and programs lie; injectable, so that a board can be simulated."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoardPaths:
    """One board, real or simulated.

    Args:
        conf: power modes, ``/etc/nvpmodel.conf`` (often a symbolic link).
        status: ``/var/lib/nvpmodel/status``, the id of the mode that was set last.
        sysfs: root of sysfs, ``/sys``.
        tegrastats: program and first arguments; empty where there is none.
        nvpmodel: program and first arguments; empty where there is none.
        simulated: whether this is the simulated board.
        jetson_clocks: program and first arguments; empty where there is none.
    """

    conf: Path
    status: Path
    sysfs: Path
    tegrastats: tuple[str, ...]
    nvpmodel: tuple[str, ...]
    simulated: bool
    jetson_clocks: tuple[str, ...] = ()

    @classmethod
    def real(cls) -> BoardPaths:
        """Returns this machine's own board, programs looked up on PATH.

        **Source**: JetPack installs nvpmodel to /usr/sbin, which is not on every user's PATH, and
        its conf and status to the paths given here.
        """
        return cls(
            conf=Path("/etc/nvpmodel.conf"),
            status=Path("/var/lib/nvpmodel/status"),
            sysfs=Path("/sys"),
            tegrastats=_program("tegrastats"),
            nvpmodel=_program("nvpmodel", Path("/usr/sbin/nvpmodel")),
            simulated=False,
            jetson_clocks=_program("jetson_clocks", Path("/usr/bin/jetson_clocks")),
        )


def _program(name: str, otherwise: Path | None = None) -> tuple[str, ...]:
    found = shutil.which(name)
    if found is None and otherwise is not None:
        found = shutil.which(otherwise)
    return () if found is None else (found,)


def is_jetson(root: Path = Path("/")) -> bool:
    """Returns whether this machine is a Jetson.

    **Source**: L4T writes ``/etc/nv_tegra_release``; the device tree's ``compatible`` names
    ``nvidia,tegra...`` also in a container without that file.

    Args:
        root: root of the file system.
    """
    if (root / "etc/nv_tegra_release").is_file():
        return True
    try:
        return b"nvidia,tegra" in (root / "proc/device-tree/compatible").read_bytes()
    except OSError:
        return False
