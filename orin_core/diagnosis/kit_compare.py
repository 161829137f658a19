"""What a board says beside what docs/jetson.md says of an AGX Orin 64 GB; pure but for the board's files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from orin_core.board import power
from orin_core.board.nvpmodel_conf import Conf, Limits, ModeConf
from orin_core.board.paths import BoardPaths
from orin_core.board.sysfs import Sysfs
from orin_core.board.sysfs_reader import text_of
from orin_core.board.tegrastats import parse_line

CLOCK_TOLERANCE = 0.01
"""The kernel rounds a cap to its table of clocks."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMode:
    """One row of the table of modes; the limits of a mode as docs/jetson.md has them.

    Args:
        mode_id: nvpmodel id.
        name: as printed.
        cores: how many are on.
        tpc_pg_mask: TPCs that are off.
        cpu_max_mhz: highest clock of the CPU, MHz.
        gpu_max_mhz: highest clock of the GPU, MHz.
        emc_max_mhz: cap of the memory's clock, MHz; None for no cap.
    """

    mode_id: int
    name: str
    cores: int
    tpc_pg_mask: int
    cpu_max_mhz: int
    gpu_max_mhz: int
    emc_max_mhz: int | None


def _expected(mode_id: int, name: str, *numbers: int, emc: int | None = None) -> ExpectedMode:
    cores, mask, cpu_mhz, gpu_mhz = numbers
    return ExpectedMode(
        mode_id=mode_id,
        name=name,
        cores=cores,
        tpc_pg_mask=mask,
        cpu_max_mhz=cpu_mhz,
        gpu_max_mhz=gpu_mhz,
        emc_max_mhz=emc,
    )


AGX_ORIN_MODES = (
    _expected(0, "MAXN", 12, 0, 2201, 1300),
    _expected(1, "MODE_15W", 4, 248, 1113, 408, emc=2133),
    _expected(2, "MODE_30W", 8, 240, 1728, 612),
    _expected(3, "MODE_50W", 12, 0, 1497, 816),
)
"""The table of docs/jetson.md.

**Source**: NVIDIA Jetson Linux Developer Guide, "Platform Power and Performance", Jetson AGX Orin 64 GB.
"""
AGX_ORIN_DEFAULT_ID = 2
AGX_ORIN_RAILS = ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One thing that was compared.

    Args:
        what: for people.
        expected: what docs/jetson.md says.
        found: what the board says; None where it says nothing.
    """

    what: str
    expected: object
    found: object
    agrees: bool

    @classmethod
    def exact(cls, what: str, expected: object, found: object) -> Comparison:
        """Returns the comparison of two values that should be equal."""
        return cls(what=what, expected=expected, found=found, agrees=expected == found)

    @classmethod
    def clock(cls, what: str, expected_mhz: int | None, found_mhz: int | None) -> Comparison:
        """Returns the comparison of two clocks in MHz; None is no cap."""
        if expected_mhz is None or found_mhz is None:
            return cls.exact(what, expected_mhz, found_mhz)
        near = abs(found_mhz - expected_mhz) <= CLOCK_TOLERANCE * expected_mhz
        return cls(what=what, expected=expected_mhz, found=found_mhz, agrees=near)


def compare_modes(conf: Conf, paths: BoardPaths) -> list[Comparison]:
    """Compares the board's conf with the table of modes.

    Args:
        conf: the board's modes.
        paths: the board, for what the hardware can do where a mode sets no cap.
    """
    by_id = {mode.mode.mode_id: mode for mode in conf.modes}
    compared = [
        Comparison.exact("ids of the modes", [row.mode_id for row in AGX_ORIN_MODES], sorted(by_id)),
        Comparison.exact("default mode", AGX_ORIN_DEFAULT_ID, conf.default_id),
    ]
    for row in AGX_ORIN_MODES:
        if row.mode_id in by_id:
            compared += _compare_mode(row, by_id[row.mode_id], conf, paths)
    return compared


def _compare_mode(row: ExpectedMode, mode: ModeConf, conf: Conf, paths: BoardPaths) -> list[Comparison]:
    limits: Limits = mode.limits()
    where = f"mode {row.mode_id}"
    cpu_mhz, gpu_mhz = limits.cpu_max_mhz, limits.gpu_max_mhz
    if cpu_mhz is None:
        group = next((group for group, name in conf.files if group.startswith("CPU_") and name == "FREQ_TABLE"), "")
        cpu_mhz = _top_mhz(conf, paths, group, 1000)
    if gpu_mhz is None:
        gpu_mhz = _top_mhz(conf, paths, "GPU", 1_000_000)
    return [
        Comparison.exact(f"{where}: name", row.name, mode.mode.name),
        Comparison.exact(f"{where}: cores on", row.cores, len(limits.cores_online) if limits.cores_online else None),
        Comparison.exact(f"{where}: TPC mask", row.tpc_pg_mask, limits.tpc_pg_mask),
        Comparison.clock(f"{where}: CPU at most, MHz", row.cpu_max_mhz, cpu_mhz),
        Comparison.clock(f"{where}: GPU at most, MHz", row.gpu_max_mhz, gpu_mhz),
        Comparison.clock(f"{where}: EMC cap, MHz", row.emc_max_mhz, limits.emc_max_mhz),
    ]


def _top_mhz(conf: Conf, paths: BoardPaths, group: str, per_mhz: int) -> int | None:
    """Highest clock in the hardware's own table, MHz."""
    name = conf.files.get((group, "FREQ_TABLE"))
    text = "" if name is None else text_of(paths.sysfs / name.removeprefix("/sys").lstrip("/"))
    return max((int(word) // per_mhz for word in text.split() if word.isdecimal()), default=None)


def compare_sysfs(paths: BoardPaths) -> list[Comparison]:
    """Compares where things lie in sysfs, and whether the mode that is set is in force."""
    sysfs = Sysfs(paths.sysfs)
    mode = power.current_mode(paths)
    in_force = "unknown"
    if mode is not None and mode in power.list_modes(paths):
        in_force = "; ".join(power.mismatches(paths, mode)) or "in force"
    limit = (sysfs.gpu_max_mhz(), sysfs.gpu_load_pct())
    return [
        Comparison.exact("mode that is set", "in force", in_force),
        Comparison.exact("status file", True, "pmode:" in text_of(paths.status)),
        Comparison.exact("GPU clock and load readable", True, None not in limit),
        Comparison.exact("rails readable", sorted(AGX_ORIN_RAILS), sorted(set(sysfs.rails_mw()) & set(AGX_ORIN_RAILS))),
        Comparison.exact("throttling readable", True, sysfs.throttled() is not None),
        Comparison.exact("over-current counters", ["oc1", "oc2", "oc3"], sorted(sysfs.over_current())),
        Comparison.exact("fan readable", True, sysfs.fan() is not None),
    ]


def compare_lines(lines: Sequence[str], who: str) -> list[Comparison]:
    """Compares lines of tegrastats with what is said of them.

    Args:
        lines: as printed.
        who: ``root`` or another user.
    """
    samples = [sample for line in lines if (sample := parse_line(line)) is not None]
    where = f"tegrastats as {who}"
    rails = sorted({name for sample in samples for name in sample.power_mw})
    return [
        Comparison.exact(f"{where}: lines understood", len(lines), len(samples)),
        Comparison.exact(f"{where}: rails", True, bool(rails) and set(AGX_ORIN_RAILS) <= set(rails)),
        Comparison.exact(
            f"{where}: EMC and GPU clock printed",
            who == "root",
            any(sample.emc_freq_mhz is not None and sample.gr3d_freq_mhz for sample in samples),
        ),
    ]


def compare_switches(start_mask: int | None, conf: Conf, outcomes: Mapping[int, str]) -> list[Comparison]:
    """Compares which modes were reached with the rule that another TPC mask needs a reboot.

    Args:
        start_mask: TPC mask in force before.
        conf: the board's modes.
        outcomes: by mode id, ``reached`` or the name of the error.
    """
    found = []
    for mode in conf.modes:
        outcome = outcomes.get(mode.mode.mode_id)
        if outcome is not None:
            live = mode.limits().tpc_pg_mask == start_mask
            expected = "reached" if live else "PowerModeNeedsReboot"
            found.append(Comparison.exact(f"switch to mode {mode.mode.mode_id}", expected, outcome))
    return found
