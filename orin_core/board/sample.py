"""One tick of the board, and the one table of its metrics.

Absent is None (or a missing key), never 0 and never -1: a sensor that is off, a core that is
off and a field that was not printed are all absent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CoreSample:
    """One CPU core that is online.

    Args:
        load_pct: 0 to 100.
        freq_mhz: current clock in MHz.
    """

    load_pct: int
    freq_mhz: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RailSample:
    """One power rail.

    Args:
        current_mw: the reading in mW; power over a run is the mean of these.
        average_mw: mean in mW since tegrastats started, so not the mean of a run.
    """

    current_mw: int
    average_mw: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineSample:
    """One fixed-function engine (NVENC, VIC, APE, ...).

    Args:
        pct: load 0 to 100, where printed.
        freq_mhz: clock in MHz, where printed.
    """

    pct: int | None
    freq_mhz: int | None

    @property
    def is_off(self) -> bool:
        """Whether the engine was printed as ``off``; an engine that is on has a load or a clock."""
        return self.pct is None and self.freq_mhz is None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one tegrastats line (or another source) says of the board.

    **Source**: the printed fields of tegrastats, JetPack 3 to 7.

    Args:
        stamp: the printed local time as text, 1 s resolution, no zone.
        ram_used_mb: RAM in use on the whole board, MB.
        ram_total_mb: RAM visible to Linux, MB.
        lfb_blocks: number of largest free blocks.
        lfb_block_mb: size of one such block in MB (kB are converted).
        swap_used_mb: swap in use, MB.
        swap_total_mb: swap in all, MB.
        swap_cached_mb: swap cached in RAM, MB.
        cores: one per core in order; None for a core that is off.
        emc_pct: load of the memory controller, 0 to 100.
        emc_freq_mhz: its clock, MHz.
        gr3d_pct: GPU load relative to its current clock, 0 to 100.
        gr3d_freq_mhz: GPU clock per cluster (GPC), MHz; empty where not printed.
        temps_c: degree C by sensor name as printed; a sensor that is powered off (-256) is not in it.
        temps_off: names of sensors that were printed as powered off.
        power_mw: rails by name as printed; rails named NC are left out.
        read_in_part: whether the line held something that could not be read (cut, garbled, unknown).
        engines: engines by name as printed.
    """

    stamp: str | None = None
    ram_used_mb: int | None = None
    ram_total_mb: int | None = None
    lfb_blocks: int | None = None
    lfb_block_mb: float | None = None
    swap_used_mb: int | None = None
    swap_total_mb: int | None = None
    swap_cached_mb: int | None = None
    cores: tuple[CoreSample | None, ...] = ()
    emc_pct: int | None = None
    emc_freq_mhz: int | None = None
    gr3d_pct: int | None = None
    gr3d_freq_mhz: tuple[int, ...] = ()
    temps_c: Mapping[str, float] = dataclasses.field(default_factory=dict)
    temps_off: tuple[str, ...] = ()
    power_mw: Mapping[str, RailSample] = dataclasses.field(default_factory=dict)
    engines: Mapping[str, EngineSample] = dataclasses.field(default_factory=dict)
    read_in_part: bool = False

    @property
    def gpu_clock_mhz(self) -> int | None:
        """The highest GPC clock in MHz; None where none was printed."""
        return max(self.gr3d_freq_mhz, default=None)

    @property
    def busiest_core_pct(self) -> int | None:
        """Load of the busiest core in this tick, 0 to 100."""
        return max((core.load_pct for core in self.cores if core), default=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A sample with the time it was received.

    Args:
        t_s: monotonic clock (``time.monotonic``) at reception, s; for a replay, s from its start.
        sample: what the source said.
        raw: the line as it came, without its line end; None for a source that has no lines.
        throttled: whether the board was throttling; None where that cannot be read.
    """

    t_s: float
    sample: Sample
    raw: str | None = None
    throttled: bool | None = None


TOTAL_RAILS = ("VDD_IN", "POM_5V_IN", "VDD_SYS")
"""Rails that carry the whole board; where one exists power is that rail alone."""


def power_rails(rails: Collection[str]) -> tuple[str, ...]:
    """Returns the names of the rails that make up the board's power, in printed order.

    **Source**: Jetson carrier boards with a total rail name it VDD_IN (Orin NX and Nano, TX1,
    TX2), POM_5V_IN (Nano) or VDD_SYS; AGX Orin has none, and there the printed rails are summed.
    """
    for name in TOTAL_RAILS:
        if name in rails:
            return (name,)
    return tuple(rails)


def power_w(sample: Sample) -> float | None:
    """Returns the board's power in W from the rails' current readings, None without rails."""
    names = power_rails(sample.power_mw)
    if not names:
        return None
    return sum(sample.power_mw[name].current_mw for name in names) / 1000.0


def hottest_c(sample: Sample) -> float | None:
    """Returns the junction temperature ``tj`` in degree C, or the hottest sensor where there is none.

    **Source**: JetPack 5 and later print ``tj``, the maximum of the on-die sensors. JetPack 4
    prints ``PMIC@100C``, which is a constant and therefore left out, as are board sensors.
    """
    temps = sample.temps_c
    for name in ("tj", "Tj", "TJ"):
        if name in temps:
            return temps[name]
    skipped = {"pmic", "tboard", "tdiode", "charger"}
    return max((value for name, value in temps.items() if name.lower() not in skipped), default=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the table of metrics.

    Args:
        field: name with its unit, as used in JSON and in the live feed.
        unit: as shown to people.
        label: as shown to people.
        column: column in ``run.csv``.
        read: Sample to value.
        source: where the value comes from.
        releases: the JetPack releases that have it, and on what condition.
        axis_range: fixed sensible range of a chart; None where it follows the data.
        decimals: digits after the point in the CSV.
    """

    field: str
    unit: str
    label: str
    column: str
    read: Callable[[Sample], float | None]
    source: str
    releases: str
    axis_range: tuple[float, float] | None = None
    decimals: int = 0


_ALL_RELEASES = "3 to 7"
_WHERE_SWAP = "3 to 7, where there is swap"


METRICS: tuple[Metric, ...] = (
    Metric(
        field="ram_used_mb",
        unit="MB",
        label="RAM used",
        column="Used RAM (MB)",
        read=lambda s: s.ram_used_mb,
        source="tegrastats `RAM used/total`",
        releases=_ALL_RELEASES,
    ),
    Metric(
        field="ram_total_mb",
        unit="MB",
        label="RAM total",
        column="Total RAM (MB)",
        read=lambda s: s.ram_total_mb,
        source="tegrastats `RAM used/total`",
        releases=_ALL_RELEASES,
    ),
    Metric(
        field="lfb_blocks",
        unit="",
        label="Largest free blocks",
        column="Number of Free RAM Blocks",
        read=lambda s: s.lfb_blocks,
        source="tegrastats `(lfb NxS)`",
        releases=_ALL_RELEASES,
    ),
    Metric(
        field="lfb_block_mb",
        unit="MB",
        label="Size of largest free block",
        column="Size of Free RAM Blocks (MB)",
        read=lambda s: s.lfb_block_mb,
        source="tegrastats `(lfb NxS)`, kB converted",
        releases=_ALL_RELEASES,
        decimals=3,
    ),
    Metric(
        field="swap_used_mb",
        unit="MB",
        label="Swap used",
        column="Used SWAP (MB)",
        read=lambda s: s.swap_used_mb,
        source="tegrastats `SWAP used/total`",
        releases=_WHERE_SWAP,
    ),
    Metric(
        field="swap_total_mb",
        unit="MB",
        label="Swap total",
        column="Total SWAP (MB)",
        read=lambda s: s.swap_total_mb,
        source="tegrastats `SWAP used/total`",
        releases=_WHERE_SWAP,
    ),
    Metric(
        field="swap_cached_mb",
        unit="MB",
        label="Swap cached",
        column="Cached SWAP (MB)",
        read=lambda s: s.swap_cached_mb,
        source="tegrastats `(cached N)`",
        releases=_WHERE_SWAP,
    ),
    Metric(
        field="cpu_freq_mhz",
        unit="MHz",
        label="CPU 0 clock",
        column="CPU Frequency (MHz)",
        read=lambda s: s.cores[0].freq_mhz if s.cores and s.cores[0] else None,
        source="tegrastats `CPU [load@clock,...]`, core 0",
        releases=_ALL_RELEASES,
    ),
    Metric(
        field="gr3d_pct",
        unit="%",
        label="GR3D",
        column="Used GR3D (%)",
        axis_range=(0, 100),
        read=lambda s: s.gr3d_pct,
        source="tegrastats `GR3D_FREQ`; without it sysfs, the GPU's `load`",
        releases="3 to 7; some images of 7 print none, sysfs has it",
    ),
    Metric(
        field="gr3d_freq_mhz",
        unit="MHz",
        label="GPU clock",
        column="GR3D Frequency (MHz)",
        read=lambda s: s.gpu_clock_mhz,
        source="tegrastats `GR3D_FREQ`, the highest clock; without it sysfs, `devfreq/*/cur_freq`",
        releases="3 to 7; printed as root only, sysfs has it for all",
    ),
    Metric(
        field="emc_pct",
        unit="%",
        label="EMC",
        column="EMC (%)",
        axis_range=(0, 100),
        read=lambda s: s.emc_pct,
        source="tegrastats `EMC_FREQ`",
        releases="3 to 7 as root; without root absent or `0%`",
    ),
    Metric(
        field="emc_freq_mhz",
        unit="MHz",
        label="EMC clock",
        column="EMC Frequency (MHz)",
        read=lambda s: s.emc_freq_mhz,
        source="tegrastats `EMC_FREQ`",
        releases="3 to 7 as root",
    ),
    Metric(
        field="power_w",
        unit="W",
        label="Power",
        column="Power (W)",
        read=power_w,
        source="rails: the total rail where there is one, else their sum",
        releases="3 to 7, on boards with a power monitor",
        decimals=3,
    ),
    Metric(
        field="tj_c",
        unit="°C",
        label="Hottest",
        column="Hottest Temperature (C)",
        axis_range=(20, 105),
        read=hottest_c,
        source="tegrastats `tj@`; without it the hottest sensor on the die",
        releases="`tj` 5 to 7; before, the hottest sensor",
        decimals=3,
    ),
)
"""The one table of scalar metrics; cores, sensors and rails are families beside it.

**Source** of the releases: lines that boards from TX1 to Thor printed under JetPack 3 to 7.
"""

METRIC_BY_FIELD: Mapping[str, Metric] = {metric.field: metric for metric in METRICS}
