"""The simulated board's ``nvpmodel.conf`` and clock tables.

**Source**: power mode table of the Jetson AGX Orin 64 GB (cores, TPC mask, clock caps) as NVIDIA
publishes it; syntax as in the ``nvpmodel.conf`` of JetPack 5 and 6. A cap of -1 means none.
"""

from __future__ import annotations

CORES = 12
CORES_PER_CLUSTER = 4
CPU_TABLE_KHZ = (*range(115_200, 2_188_801, 76_800), 2_201_600)
CPU_MIN_KHZ = 729_600
GPU_TABLE_HZ = (*range(306_000_000, 1_224_000_001, 102_000_000), 1_300_500_000)
GPU_DEVICE = "17000000.gpu"

# id, name, cores on, TPC mask, CPU cap kHz, GPU cap Hz, EMC cap Hz
_MODES = (
    (0, "MAXN", 12, 0, -1, -1, 0),
    (1, "MODE_15W", 4, 248, 1_113_600, 408_000_000, 2_133_000_000),
    (2, "MODE_30W", 8, 240, 1_728_000, 612_000_000, 0),
    (3, "MODE_50W", 12, 0, 1_497_600, 816_000_000, 0),
)
_DEFAULT_ID = 2


def conf_text() -> str:
    """Returns the text of the simulated board's conf."""
    lines = ["# Simulated Jetson AGX Orin 64 GB", "", "< PARAM TYPE=FILE NAME=CPU_ONLINE >"]
    lines += [f"CORE_{core} /sys/devices/system/cpu/cpu{core}/online" for core in range(CORES)]
    lines += ["", "< PARAM TYPE=FILE NAME=TPC_POWER_GATING >", "TPC_PG_MASK /sys/devices/platform/gpu.0/tpc_pg_mask"]
    for cluster in range(CORES // CORES_PER_CLUSTER):
        folder = f"/sys/devices/system/cpu/cpu{cluster * CORES_PER_CLUSTER}/cpufreq"
        lines += [
            "",
            f"< PARAM TYPE=CLOCK NAME=CPU_A78_{cluster} >",
            f"FREQ_TABLE {folder}/scaling_available_frequencies",
            f"MAX_FREQ {folder}/scaling_max_freq",
            f"MIN_FREQ {folder}/scaling_min_freq",
        ]
    folder = f"/sys/class/devfreq/{GPU_DEVICE}"
    lines += [
        "",
        "< PARAM TYPE=CLOCK NAME=GPU >",
        f"FREQ_TABLE {folder}/available_frequencies",
        f"MAX_FREQ {folder}/max_freq",
        f"MIN_FREQ {folder}/min_freq",
        "",
        "< PARAM TYPE=CLOCK NAME=EMC >",
        "MAX_FREQ /sys/kernel/nvpmodel_clk_cap/emc",
    ]
    for mode in _MODES:
        lines += ["", *_mode_lines(*mode)]
    return "\n".join([*lines, "", f"< PM_CONFIG DEFAULT={_DEFAULT_ID} >", ""])


def _mode_lines(mode_id: int, name: str, cores: int, mask: int, cpu_khz: int, gpu_hz: int, emc_hz: int) -> list[str]:
    return [
        f"< POWER_MODEL ID={mode_id} NAME={name} >",
        *(f"CPU_ONLINE CORE_{core} {int(core < cores)}" for core in range(CORES)),
        f"TPC_POWER_GATING TPC_PG_MASK {mask}",
        *(f"CPU_A78_{cluster} MAX_FREQ {cpu_khz}" for cluster in range(CORES // CORES_PER_CLUSTER)),
        f"GPU MAX_FREQ {gpu_hz}",
        f"EMC MAX_FREQ {emc_hz}",
    ]
