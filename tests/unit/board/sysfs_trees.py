"""Small sysfs trees in the shapes of several JetPack releases; all numbers are made up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

UNREADABLE = "\0"
"""Marks a file that exists and fails when it is read, as the sensor of a part that is powered off."""

Tree = dict[str, str]


def plant(root: Path, tree: Mapping[str, str]) -> Path:
    """Writes a tree below ``root`` and returns ``root``."""
    for name, text in tree.items():
        path = root / name
        if text == UNREADABLE:
            path.mkdir(parents=True)  # reading a folder fails, for root too
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="ascii")
    return root


def _cpus(cores: int, *, min_khz: int, max_khz: int, off: tuple[int, ...] = ()) -> Tree:
    tree: Tree = {}
    for core in range(cores):
        folder = f"devices/system/cpu/cpu{core}"
        if core > 0:
            tree[f"{folder}/online"] = str(int(core not in off))
        if core not in off:
            tree[f"{folder}/cpufreq/scaling_min_freq"] = str(min_khz)
            tree[f"{folder}/cpufreq/scaling_max_freq"] = str(max_khz)
    return tree


def _devfreq(name: str, cur_hz: int, min_hz: int, max_hz: int) -> Tree:
    folder = f"class/devfreq/{name}"
    return {f"{folder}/cur_freq": str(cur_hz), f"{folder}/min_freq": str(min_hz), f"{folder}/max_freq": str(max_hz)}


def _zones(**temps: str) -> Tree:
    tree: Tree = {}
    for index, (kind, text) in enumerate(temps.items()):
        folder = f"class/thermal/thermal_zone{index}"
        tree |= {f"{folder}/type": kind.replace("_", "-"), f"{folder}/temp": text}
    return tree


def _cooling(**states: int) -> Tree:
    tree: Tree = {}
    for index, (kind, state) in enumerate(states.items()):
        folder = f"class/thermal/cooling_device{index}"
        tree |= {f"{folder}/type": kind.replace("_", "-"), f"{folder}/cur_state": str(state)}
    return tree


def _monitor(device: str, number: int, channels: Mapping[int, tuple[str, int, int]]) -> Tree:
    """An INA3221: label, mV and mA by channel, and the sum that is no rail."""
    folder = f"bus/i2c/devices/{device}/hwmon/hwmon{number}"
    tree = {f"{folder}/name": "ina3221", f"{folder}/in7_label": "sum of shunt voltages", f"{folder}/in7_input": "9"}
    for channel, (label, mv, ma) in channels.items():
        tree |= {
            f"{folder}/in{channel}_label": label,
            f"{folder}/in{channel}_input": str(mv),
            f"{folder}/curr{channel}_input": str(ma),
        }
    return tree


def _orin_monitors() -> Tree:
    first = {1: ("VDD_GPU_SOC", 20_000, 120), 2: ("VDD_CPU_CV", 20_000, 40), 3: ("VIN_SYS_5V0", 5_000, 601)}
    second = {1: ("NC", 0, 0), 2: ("VDDQ_VDD2_1V8AO", 5_000, 100), 3: ("NC", 0, 0)}
    return _monitor("1-0040", 3, first) | _monitor("1-0041", 4, second)


def _over_current(number: int, *counts: int) -> Tree:
    folder = f"class/hwmon/hwmon{number}"
    counters = {f"{folder}/oc{index}_event_cnt": str(count) for index, count in enumerate(counts, 1)}
    return {f"{folder}/name": "soctherm_oc"} | counters


def agx_orin_jetpack5() -> Tree:
    """AGX Orin, Linux 5.10: GPU ``ga10b``, cooling devices named after their kind, tachometer ``rpm``."""
    return (
        _cpus(12, min_khz=729_600, max_khz=2_201_600)
        | _devfreq("17000000.ga10b", 306_000_000, 306_000_000, 1_300_500_000)
        | {"devices/gpu.0/load": "412"}
        | _zones(CPU_therm="45437", GPU_therm=UNREADABLE, tj_therm="46250", CV0_therm="-256000")
        | _cooling(pwm_fan=2, thermal_cpufreq_0=0, thermal_devfreq_0=0)
        | _orin_monitors()
        | _over_current(1, 0, 3, 17)
        | {"class/hwmon/hwmon2/name": "pwmfan", "class/hwmon/hwmon2/pwm1": "102"}
        | {"class/hwmon/hwmon5/name": "pwm_tach", "class/hwmon/hwmon5/rpm": "1875"}
    )


def agx_orin_jetpack6() -> Tree:
    """AGX Orin in MODE_30W with locked clocks, Linux 5.15: GPU ``gpu``, four cores off, GPU throttled."""
    return (
        _cpus(12, min_khz=1_728_000, max_khz=1_728_000, off=(8, 9, 10, 11))
        | _devfreq("17000000.gpu", 612_000_000, 612_000_000, 612_000_000)
        | {"devices/platform/17000000.gpu/load": "990"}
        | _zones(cpu_thermal="61500", gpu_thermal="59968", tj_thermal="61500", cv0_thermal=UNREADABLE)
        | _cooling(pwm_fan=1, cpu_throttle_alert=0, gpu_throttle_alert=1, cpufreq_cpu0=0)
        | {"class/thermal/thermal_zone2/trip_point_0_type": "passive"}
        | {"class/thermal/thermal_zone2/trip_point_0_temp": "99000"}
        | _orin_monitors()
        | _over_current(1, 0, 0, 0)
        | {"class/hwmon/hwmon2/name": "pwmfan", "class/hwmon/hwmon2/pwm1": "255"}
    )


def agx_thor_jetpack7() -> Tree:
    """AGX Thor, Linux 6.8: GPU clocks by domain, load only through the device link, root-only power monitor."""
    monitor = _monitor("2-0040", 3, {1: ("VDD_GPU", 12_000, 900), 2: ("VDD_CPU_SOC_MSS", 12_000, 500)})
    monitor["bus/i2c/devices/2-0040/hwmon/hwmon3/curr2_input"] = UNREADABLE
    return (
        _cpus(14, min_khz=972_000, max_khz=2_601_000)
        | _devfreq("gpu-gpc-0", 1_575_000_000, 315_000_000, 1_575_000_000)
        | _devfreq("gpu-nvd-0", 1_692_000_000, 315_000_000, 1_692_000_000)
        | {"class/devfreq/gpu-gpc-0/device/load": "55"}
        | _zones(cpu_thermal="38000", tj_thermal="39125")
        | _cooling(pwm_fan=0, cpu_throttle_alert=0)
        | monitor
        | {"class/hwmon/hwmon2/name": "pwmfan", "class/hwmon/hwmon2/pwm1": "0"}
        | {"class/hwmon/hwmon2/fan1_input": "0"}
    )


def xavier_nx_jetpack4() -> Tree:
    """Xavier NX, Linux 4.9: GPU ``gv11b``, power monitor in the industrial I/O tree, fan outside of hwmon."""
    folder = "bus/i2c/devices/7-0040/iio:device0"
    rails = (("VDD_IN", 2532), ("VDD_CPU_GPU_CV", 410), ("VDD_SOC", 738))
    tree = {f"{folder}/name": "ina3221x"}
    for index, (rail, mw) in enumerate(rails):
        tree |= {f"{folder}/rail_name_{index}": rail, f"{folder}/in_power{index}_input": str(mw)}
    return (
        _cpus(6, min_khz=115_200, max_khz=1_420_800, off=(2, 3, 4, 5))
        | _devfreq("17000000.gv11b", 114_750_000, 114_750_000, 1_109_250_000)
        | {"devices/gpu.0/load": "0"}
        | _zones(CPU_therm="35500", GPU_therm="34000", PMIC_Die="100000", thermal_fan_est="34700")
        | _cooling(pwm_fan=0, thermal_cpufreq_0=1)
        | tree
        | {"devices/pwm-fan/cur_pwm": "51", "devices/pwm-fan/rpm_measured": "1200"}
    )
