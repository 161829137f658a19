"""Sensors of sysfs that tegrastats prints only sometimes, or never: rails, temperatures, fan, over-current."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from orin_core.board.sample import RailSample
from orin_core.board.sysfs_reader import SysfsReader, children, text_of

_CHANNELS = (1, 2, 3)  # of an INA3221; in7 is the sum of its shunts, no rail
_NOT_CONNECTED = "NC"
_ZONE = re.compile(r"(?P<name>.+)-therm(?:al)?")
_POWERED_OFF_C = -256.0
_PWM_MAX = 255

OVER_CURRENT_MEANING: Mapping[str, str] = {
    "oc1": "under-voltage",
    "oc2": "average over-current",
    "oc3": "instantaneous over-current",
}
"""What the counters of :meth:`Sensors.over_current` count.

**Source**: NVIDIA Jetson Linux Developer Guide, Jetson Orin, on over-current throttling.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """The board's fan; None where a value cannot be read.

    Args:
        pwm_pct: how hard it is driven, 0 to 100.
        rpm: turns a minute, where there is a tachometer.
    """

    pwm_pct: float | None
    rpm: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _RailFiles:
    """Where one rail is read: in mW from one file, or from mV and mA."""

    name: str
    power_mw: Path | None = None
    voltage_mv: Path | None = None
    current_ma: Path | None = None


class Sensors:
    """Finds the sensors of one sysfs tree once and reads them as often as asked.

    Args:
        reader: of the tree.
    """

    def __init__(self, reader: SysfsReader) -> None:
        self._reader = reader
        self._rails: list[_RailFiles] | None = None
        self._zones: list[tuple[str, Path]] | None = None
        self._counters: list[Path] | None = None
        self._fan_files: tuple[Path | None, Path | None] | None = None

    def rails(self) -> dict[str, RailSample]:
        """Returns the rails' readings by name; there is no average beside them.

        **Source**: the INA3221 power monitors. JetPack 5 and later: ``hwmon/hwmon*/in{1,2,3}_label``,
        ``in*_input`` (mV) and ``curr*_input`` (mA) below ``/sys/bus/i2c/devices/*``, on AGX Orin
        ``1-0040`` and ``1-0041``. JetPack 4: ``iio:device*/rail_name_{0,1,2}`` and
        ``in_power*_input`` (mW) there. Channels named NC are not connected. Some images let only
        root read them.
        """
        if self._rails is None:
            self._rails = _find_rails(self._reader)
        readings: dict[str, RailSample] = {}
        for rail in self._rails:
            power_mw = self._rail_mw(rail)
            if power_mw is not None:
                readings[rail.name] = RailSample(current_mw=power_mw, average_mw=None)
        return readings

    def _rail_mw(self, rail: _RailFiles) -> int | None:
        what = f"rail {rail.name}"
        if rail.power_mw is not None:
            return self._reader.number(rail.power_mw, what)
        if rail.voltage_mv is None or rail.current_ma is None:
            return None
        voltage_mv, current_ma = self._reader.number(rail.voltage_mv, what), self._reader.number(rail.current_ma, what)
        return None if voltage_mv is None or current_ma is None else round(voltage_mv * current_ma / 1000)

    def temperatures(self) -> tuple[dict[str, float], tuple[str, ...]]:
        """Returns degree C by sensor named as tegrastats prints it, and the sensors that are powered off.

        **Source**: ``/sys/class/thermal/thermal_zone*/{type,temp}``, milli degree C; type
        ``cpu-thermal`` (JetPack 5 and later) or ``CPU-therm`` (JetPack 4). A zone whose reading
        fails is powered off.
        """
        if self._zones is None:
            folders = children(self._reader.root / "class/thermal", "thermal_zone")
            named = ((_ZONE.fullmatch(text_of(folder / "type")), folder / "temp") for folder in folders)
            self._zones = [(match["name"], path) for match, path in named if match is not None]
            if not self._zones:
                self._reader.notice("temperatures", f"no thermal zone in {self._reader.root / 'class/thermal'}")
        temps_c: dict[str, float] = {}
        off: list[str] = []
        for name, path in self._zones:
            milli_c = self._reader.number(path, f"temperature {name}")
            if milli_c is None or milli_c / 1000 <= _POWERED_OFF_C:
                off.append(name)
            else:
                temps_c[name] = milli_c / 1000
        return temps_c, tuple(off)

    def over_current(self) -> dict[str, int]:
        """Returns how often every over-current alarm was raised since boot, by its name (``oc1``).

        Cumulative: what happened in a run is the difference of two readings.

        **Source**: the hwmon whose ``name`` is ``soctherm_oc``, ``oc*_event_cnt``; JetPack 5 and later on Orin.
        """
        if self._counters is None:
            folders = _hwmons(self._reader.root, "soctherm_oc")
            self._counters = [
                path for folder in folders for path in children(folder, "oc") if path.name.endswith("_event_cnt")
            ]
            if not self._counters:
                where = self._reader.root / "class/hwmon"
                self._reader.notice("over-current counters", f"no soctherm_oc in {where}")
        counts = {
            path.name.removesuffix("_event_cnt"): self._reader.number(path, f"over-current counter {path.name}")
            for path in self._counters
        }
        return {name: count for name, count in counts.items() if count is not None}

    def fan(self) -> Fan | None:
        """Returns the fan, None where the board has none that can be read.

        **Source**: JetPack 5 and later: hwmon ``pwmfan``, ``pwm1`` (0 to 255), and the hwmon of the
        tachometer, ``rpm`` (``fan1_input`` in newer kernels). JetPack 4: ``/sys/devices/pwm-fan``,
        ``cur_pwm`` and ``rpm_measured``.
        """
        if self._fan_files is None:
            self._fan_files = _find_fan(self._reader.root)
            if self._fan_files == (None, None):
                self._reader.notice("fan", f"no pwmfan in {self._reader.root / 'class/hwmon'}")
        pwm_file, rpm_file = self._fan_files
        pwm = None if pwm_file is None else self._reader.number(pwm_file, "fan")
        rpm = None if rpm_file is None else self._reader.number(rpm_file, "fan speed")
        if pwm is None and rpm is None:
            return None
        return Fan(pwm_pct=None if pwm is None else round(100 * pwm / _PWM_MAX, 1), rpm=rpm)


def _find_rails(reader: SysfsReader) -> list[_RailFiles]:
    folder = reader.root / "bus/i2c/devices"
    found: list[_RailFiles] = []
    for device in children(folder):
        for hwmon in children(device / "hwmon", "hwmon"):
            found += [
                _RailFiles(
                    name=text_of(hwmon / f"in{channel}_label"),
                    voltage_mv=hwmon / f"in{channel}_input",
                    current_ma=hwmon / f"curr{channel}_input",
                )
                for channel in _CHANNELS
                if (hwmon / f"curr{channel}_input").exists()
            ]
        for iio in children(device, "iio:device"):
            found += [
                _RailFiles(name=text_of(iio / f"rail_name_{index}"), power_mw=iio / f"in_power{index}_input")
                for index in range(len(_CHANNELS))
            ]
    rails = [rail for rail in found if rail.name not in ("", _NOT_CONNECTED)]
    if not rails:
        reader.notice("rails", f"no power monitor with named channels in {folder}")
    return rails


def _find_fan(root: Path) -> tuple[Path | None, Path | None]:
    pwm_files = [folder / "pwm1" for folder in _hwmons(root, "pwmfan")]
    pwm_files.append(root / "devices/pwm-fan/cur_pwm")
    rpm_files = [folder / name for folder in children(root / "class/hwmon", "hwmon") for name in ("rpm", "fan1_input")]
    rpm_files.append(root / "devices/pwm-fan/rpm_measured")
    return _first_there(pwm_files), _first_there(rpm_files)


def _first_there(paths: list[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _hwmons(root: Path, name: str) -> list[Path]:
    return [folder for folder in children(root / "class/hwmon", "hwmon") if text_of(folder / "name") == name]
