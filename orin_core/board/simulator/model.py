"""How the simulated board behaves: load, clocks, memory, temperatures and rails of one tick.

**Source**: idle and full-load figures of the published AGX Orin logs (VDD_GPU_SOC 2.0 W idle,
18.5 W at 816 MHz, 36 W at 1300 MHz; tj 42 C idle, 56 C at 47 W); the shape between them is ours.
"""

from __future__ import annotations

import dataclasses
import math
import random

from orin_core.board.simulator import conf_text
from orin_core.board.simulator.state import Load, State

RAM_TOTAL_MB = 62_841
SWAP_TOTAL_MB = 31_420
_RAM_BASE_MB = 3_100
_IDLE_CPU_MHZ = 729
_IDLE_GPU_MHZ = 306
_TPCS = 8
_TAU_S = 45.0  # time constant of the heat sink
_WORKING = ("load", "warmup", "measure")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Limits in force: cores online, CPU and GPU caps in MHz, TPC mask, EMC cap in MHz (0 for none).

    The lowest clocks, in MHz, are below the idle clocks unless jetson_clocks raised them.
    """

    online: tuple[bool, ...]
    cpu_mhz: int
    gpu_mhz: int
    tpc_mask: int
    emc_mhz: int
    cpu_min_mhz: int = 0
    gpu_min_mhz: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One tick; loads in percent, clocks in MHz, memory in MB, temperatures in C, rails in mW."""

    cores: tuple[tuple[int, int] | None, ...]
    emc: tuple[int, int]
    gr3d_pct: int
    gpu_mhz: int
    ram_used_mb: int
    temps_c: dict[str, float]
    rails_mw: dict[str, int]


def caps_in_force(state: State) -> Caps:
    """Returns the limits that the state folder's sysfs shows."""
    cpus = range(conf_text.CORES)
    return Caps(
        online=tuple(state.number(f"devices/system/cpu/cpu{core}/online") == 1 for core in cpus),
        cpu_mhz=state.number("devices/system/cpu/cpu0/cpufreq/scaling_max_freq") // 1000,
        gpu_mhz=state.number(f"class/devfreq/{conf_text.GPU_DEVICE}/max_freq") // 1_000_000,
        tpc_mask=state.number("devices/platform/gpu.0/tpc_pg_mask"),
        emc_mhz=state.number("kernel/nvpmodel_clk_cap/emc") // 1_000_000,
        cpu_min_mhz=state.number("devices/system/cpu/cpu0/cpufreq/scaling_min_freq") // 1000,
        gpu_min_mhz=state.number(f"class/devfreq/{conf_text.GPU_DEVICE}/min_freq") // 1_000_000,
    )


class Model:
    """The board's thermal state; everything else follows from caps, load and noise.

    Args:
        seed: of the noise, which is a function of seed and tick.
        temps_c: temperature of every zone at the start, C.
    """

    def __init__(self, seed: int, temps_c: dict[str, float]) -> None:
        self._seed = seed
        self._temps_c = dict(temps_c)

    def step(self, tick: int, dt_s: float, caps: Caps, load: Load) -> Reading:
        """Returns the next tick.

        Args:
            tick: number of the tick, from 0.
            dt_s: time since the tick before, s.
            caps: limits in force.
            load: what the worker does.
        """
        noise = random.Random(self._seed * 1_000_003 + tick)
        busy = load.busy_share
        gr3d_pct = min(99, round(100 * busy + noise.uniform(-2.0, 2.0))) if busy > 0.01 else 0
        gr3d_pct = max(0, gr3d_pct)
        # The governor raises the clock once the GPU is more than a little busy.
        ramp = min(1.0, max(0.0, (busy - 0.1) / 0.4))
        gpu_mhz = max(round(_IDLE_GPU_MHZ + (caps.gpu_mhz - _IDLE_GPU_MHZ) * ramp), caps.gpu_min_mhz)
        cores = _cores(noise, tick, caps, load)
        emc_mhz = min(3199 if busy > 0.3 else 2133, caps.emc_mhz or 3199)
        rails_mw = _rails(noise, gr3d_pct, gpu_mhz, caps, cores)
        self._warm(dt_s, sum(rails_mw.values()) / 1000.0, gr3d_pct)
        temps_c = {zone: value + noise.uniform(-0.1, 0.1) for zone, value in self._temps_c.items()}
        temps_c["tj"] = max(temps_c[zone] for zone in ("cpu", "gpu", "soc0", "soc1", "soc2"))
        return Reading(
            cores=cores,
            emc=(min(99, round(1 + 35 * busy + noise.uniform(0, 1))), emc_mhz),
            gr3d_pct=gr3d_pct,
            gpu_mhz=gpu_mhz,
            ram_used_mb=round(_RAM_BASE_MB + load.rss_mb + noise.uniform(0, 6)),
            temps_c=temps_c,
            rails_mw=rails_mw,
        )

    def _warm(self, dt_s: float, power_w: float, gr3d_pct: int) -> None:
        """Moves every zone towards where the present power would bring it, first order."""
        share = 1.0 - math.exp(-dt_s / _TAU_S)
        die_c = 40.0 + 0.34 * max(0.0, power_w - 6.0)
        targets = {"tboard": die_c - 12, "tdiode": die_c - 6, "cpu": die_c + 1.5, "gpu": die_c - 1 + 0.02 * gr3d_pct}
        for zone, value in self._temps_c.items():
            self._temps_c[zone] = value + (targets.get(zone, die_c - 1.5) - value) * share


def _cores(noise: random.Random, tick: int, caps: Caps, load: Load) -> tuple[tuple[int, int] | None, ...]:
    online = [core for core, on in enumerate(caps.online) if on]
    working = load.phase in _WORKING
    # The worker's thread migrates; the less the GPU is busy, the more the host is.
    worker_core = online[random.Random(tick // 5).randrange(len(online))] if working else -1
    loads = [round(noise.uniform(0, 6)) for _ in caps.online]
    if working:
        loads[worker_core] = round(min(100.0, 22 + 75 * (1 - load.busy_share) + noise.uniform(-3, 3)))
    cores: list[tuple[int, int] | None] = []
    for core, on in enumerate(caps.online):
        same_cluster = worker_core // conf_text.CORES_PER_CLUSTER == core // conf_text.CORES_PER_CLUSTER
        cpu_mhz = caps.cpu_mhz if working and same_cluster else max(_IDLE_CPU_MHZ, caps.cpu_min_mhz)
        cores.append((loads[core], cpu_mhz) if on else None)
    return tuple(cores)


def _rails(
    noise: random.Random, gr3d_pct: int, gpu_mhz: int, caps: Caps, cores: tuple[tuple[int, int] | None, ...]
) -> dict[str, int]:
    tpcs_on = _TPCS - caps.tpc_mask.bit_count()
    gpu_w = 34.0 * (gr3d_pct / 99) * (gpu_mhz / 1300) ** 1.55 * (0.5 + 0.5 * tpcs_on / _TPCS)
    cpu_w = 0.4 + sum(core[0] * (core[1] / 2201) ** 2 for core in cores if core) * 0.02
    watts = {
        "VDD_GPU_SOC": (2.0 + gpu_w, 0.398),
        "VDD_CPU_CV": (cpu_w, 0.398),
        "VIN_SYS_5V0": (3.0 + 0.14 * gpu_w, 0.1),
        "VDDQ_VDD2_1V8AO": (0.5 + 0.08 * gpu_w, 0.1),
    }
    # The power monitors read in steps: about 0.4 W on the 20 V rails, 0.1 W on the 5 V rails.
    return {
        name: round(1000 * step * max(0, round((watt + noise.uniform(-0.2, 0.2)) / step)))
        for name, (watt, step) in watts.items()
    }
