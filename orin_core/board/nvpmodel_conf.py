"""The text of ``nvpmodel.conf``: which modes a board has and what each one sets; pure.

**Source**: ``/etc/nvpmodel.conf`` of JetPack 4 to 7::

    < PARAM TYPE=FILE NAME=CPU_ONLINE >
    CORE_4 /sys/devices/system/cpu/cpu4/online
    < POWER_MODEL ID=1 NAME=MODE_15W >
    CPU_ONLINE CORE_4 0
    < PM_CONFIG DEFAULT=2 >
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from orin_core.spec import PowerMode

_HEADER = re.compile(r"<\s*(\w+)\s*([^>]*)>")
_ATTRIBUTE = re.compile(r"(\w+)=(\S+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a mode allows, or what is in force; None where it is not known or not capped.

    Args:
        cores_online: numbers of the cores that are on.
        cpu_max_mhz: highest clock cap over the CPU clusters, MHz.
        gpu_max_mhz: clock cap of the GPU, MHz.
        emc_max_mhz: clock cap of the memory, MHz.
        tpc_pg_mask: bit mask of the GPU's TPCs that are powered off.
    """

    cores_online: tuple[int, ...] | None = None
    cpu_max_mhz: int | None = None
    gpu_max_mhz: int | None = None
    emc_max_mhz: int | None = None
    tpc_pg_mask: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModeConf:
    """One mode with everything it sets.

    Args:
        mode: id and name.
        values: value by (group, parameter), for example ``("GPU", "MAX_FREQ")``; -1 means no cap.
    """

    mode: PowerMode
    values: Mapping[tuple[str, str], int]

    def limits(self) -> Limits:
        """Returns what the mode allows; clocks in Hz (GPU, EMC) and kHz (CPU) are turned into MHz."""
        cores = {
            int(name.removeprefix("CORE_")): value
            for (group, name), value in self.values.items()
            if group == "CPU_ONLINE" and re.fullmatch("CORE_[0-9]+", name)
        }
        cpu_khz = [v for (group, name), v in self.values.items() if group.startswith("CPU_") and name == "MAX_FREQ"]
        capped = bool(cpu_khz) and min(cpu_khz) > 0
        return Limits(
            cores_online=tuple(sorted(core for core, on in cores.items() if on)) or None,
            cpu_max_mhz=max(cpu_khz) // 1000 if capped else None,
            gpu_max_mhz=self._clock_mhz("GPU"),
            emc_max_mhz=self._clock_mhz("EMC"),
            tpc_pg_mask=self.values.get(("TPC_POWER_GATING", "TPC_PG_MASK")),
        )

    def _clock_mhz(self, group: str) -> int | None:
        clock_hz = self.values.get((group, "MAX_FREQ"), -1)
        return clock_hz // 1_000_000 if clock_hz > 0 else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conf:
    """A parsed conf.

    Args:
        modes: in the order of the file.
        files: sysfs path by (group, parameter).
        default_id: mode that a fresh board starts in.
    """

    modes: tuple[ModeConf, ...]
    files: Mapping[tuple[str, str], str]
    default_id: int | None


def parse_conf(text: str) -> Conf:
    """Returns the modes and files of a conf; lines that are not understood are skipped.

    Args:
        text: the whole file.
    """
    modes: list[ModeConf] = []
    files: dict[tuple[str, str], str] = {}
    default_id: int | None = None
    group: str | None = None
    values: dict[tuple[str, str], int] | None = None
    for line in (text_line.split("#", 1)[0].strip() for text_line in text.splitlines()):
        header = _HEADER.match(line)
        if header is None:
            words = line.split()
            if values is not None and len(words) == 3 and (value := _number(words[2])) is not None:
                values[words[0], words[1]] = value
            elif values is None and group is not None and len(words) == 2:
                files[group, words[0]] = words[1]
            continue
        kind, attributes = header[1], dict(_ATTRIBUTE.findall(header[2]))
        group = attributes.get("NAME") if kind == "PARAM" else None
        values = None
        if kind == "POWER_MODEL" and attributes.get("ID", "").isdecimal():
            values = {}
            mode_id = int(attributes["ID"])
            mode = PowerMode(mode_id=mode_id, name=attributes.get("NAME", f"MODE_{mode_id}"))
            modes.append(ModeConf(mode=mode, values=values))
        elif kind == "PM_CONFIG" and attributes.get("DEFAULT", "").isdecimal():
            default_id = int(attributes["DEFAULT"])
    return Conf(modes=tuple(modes), files=files, default_id=default_id)


def _number(text: str) -> int | None:
    if re.fullmatch("-?[0-9]{1,18}", text):
        return int(text)
    return int(text, 16) if re.fullmatch("0[xX][0-9a-fA-F]{1,16}", text) else None
