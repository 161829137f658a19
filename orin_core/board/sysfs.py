"""What sysfs says of the board beside tegrastats: clocks, caps, throttling, trip points, sensors."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from pathlib import Path
from typing import Any

from orin_core.board.sample import RailSample, Sample
from orin_core.board.sysfs_reader import SysfsReader, children, text_of
from orin_core.board.sysfs_sensors import Fan, Sensors

_GPU_DEVFREQ = re.compile(r"(.*\.)?(gpu(-gpc-[0-9]+)?|ga10b|gv11b|gp10b|gm20b)")
_THROTTLE_DEVICES = (
    "*-throttle-alert",
    "devfreq-*gpu",
    "devfreq-gpu-gpc-*",
    "devfreq-*ga10b",
    "devfreq-*gv11b",
    "thermal-devfreq-*",
    "cpufreq-*",
    "thermal-cpufreq-*",
    "hot-surface-alert",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TripPoint:
    """A temperature at which the kernel does something.

    Args:
        zone: thermal zone, for example ``tj-thermal``.
        kind: ``active`` (fan), ``passive`` (throttling), ``hot`` or ``critical`` (shutdown).
        temp_c: degree C.
    """

    zone: str
    kind: str
    temp_c: float


class Sysfs:
    """Reads one sysfs tree; what cannot be read is None and named once in ``notices``.

    Args:
        root: root of sysfs; ``/sys`` on a board.
    """

    def __init__(self, root: Path = Path("/sys")) -> None:
        self.root = root
        self._reader = SysfsReader(root)
        self._sensors = Sensors(self._reader)
        self._gpu: list[Path] | None = None
        self._gpu_load: Path | None = None
        self._throttles: list[Path] | None = None
        self._line_has_rails = False
        self._line_has_temps = False

    @property
    def notices(self) -> list[str]:
        """What could not be read so far, one sentence each, in the order it was found out."""
        return self._reader.notices

    def read_int(self, path: Path, what: str) -> int | None:
        """Returns the whole number in a file (decimal or ``0x``), None where it cannot be read.

        Args:
            path: the file.
            what: its name in a notice.
        """
        return self._reader.number(path, what)

    def gpu_devices(self) -> list[Path]:
        """Returns the devfreq folders of the GPU, one per clock domain, in order of name.

        **Source**: ``/sys/class/devfreq``: ``17000000.gpu`` (JetPack 6), ``17000000.ga10b``
        (JetPack 5), ``17000000.gv11b`` (Xavier), ``57000000.gpu`` (Nano), ``gpu-gpc-0`` (Thor;
        its ``gpu-nvd-0`` is the video engine).
        """
        if self._gpu is None:
            folder = self.root / "class/devfreq"
            self._gpu = sorted(path for path in children(folder) if _GPU_DEVFREQ.fullmatch(path.name))
            if not self._gpu:
                self._reader.notice("GPU clock", f"no GPU in {folder}")
        return self._gpu

    def _gpu_mhz(self, name: str, what: str) -> tuple[int, ...]:
        clocks_hz = (self.read_int(device / name, what) for device in self.gpu_devices())
        return tuple(clock_hz // 1_000_000 for clock_hz in clocks_hz if clock_hz is not None)

    def gpu_clocks_mhz(self) -> tuple[int, ...]:
        """Returns the GPU's current clocks in MHz, empty where unknown.

        **Source**: ``/sys/class/devfreq/*gpu*/cur_freq`` in Hz, readable without root.
        """
        return self._gpu_mhz("cur_freq", "GPU clock")

    def gpu_max_mhz(self) -> int | None:
        """Returns the GPU's clock cap in MHz.

        **Source**: ``/sys/class/devfreq/*gpu*/max_freq`` in Hz.
        """
        return max(self._gpu_mhz("max_freq", "GPU clock cap"), default=None)

    def gpu_load_pct(self) -> int | None:
        """Returns the GPU's load, 0 to 100.

        **Source**: ``/sys/devices/platform/gpu.0/load`` or ``.../17000000.gpu/load``, per mille;
        else the same file through the ``device`` link of the GPU's devfreq folder.
        """
        if self._gpu_load is None:
            fixed = ("devices/platform/gpu.0/load", "devices/gpu.0/load", "devices/platform/17000000.gpu/load")
            candidates = [self.root / name for name in fixed]
            candidates += [device / "device/load" for device in self.gpu_devices()]
            self._gpu_load = next((path for path in candidates if path.exists()), None)
        if self._gpu_load is None:
            self._reader.notice("GPU load", f"no load file under {self.root / 'devices'}")
            return None
        load = self.read_int(self._gpu_load, "GPU load")
        return None if load is None else round(load / 10)

    def throttled(self) -> bool | None:
        """Returns whether heat, current or power limits the clocks now, None where it cannot be told.

        **Source**: ``/sys/class/thermal/cooling_device*``: ``cur_state`` above 0 in a device of
        type ``*-throttle-alert``, ``devfreq-*gpu``, ``cpufreq-*`` or ``hot-surface-alert``;
        Linux 5.10 and before names them ``thermal-devfreq-*`` and ``thermal-cpufreq-*``.
        """
        if self._throttles is None:
            self._throttles = [
                device / "cur_state"
                for device in children(self.root / "class/thermal", "cooling_device")
                if any(fnmatch.fnmatch(text_of(device / "type"), kind) for kind in _THROTTLE_DEVICES)
            ]
            if not self._throttles:
                self._reader.notice("throttling", f"no throttling device in {self.root / 'class/thermal'}")
        states = [self.read_int(path, "throttling") for path in self._throttles]
        known = [state for state in states if state is not None]
        return any(known) if known else None

    def trip_points(self) -> tuple[TripPoint, ...]:
        """Returns the trip points of all thermal zones; placeholders (below 0 or above 150 C) are left out.

        **Source**: ``/sys/class/thermal/thermal_zone*/trip_point_*_{temp,type}``, milli degree C.
        """
        points = []
        for zone in children(self.root / "class/thermal", "thermal_zone"):
            for path in sorted(zone.glob("trip_point_*_temp")):
                milli_c = text_of(path)
                if re.fullmatch(r"[0-9]{1,6}", milli_c) and 0 < int(milli_c) <= 150_000:
                    kind = text_of(path.with_name(path.name.replace("_temp", "_type")))
                    points.append(TripPoint(zone=text_of(zone / "type"), kind=kind, temp_c=int(milli_c) / 1000))
        return tuple(points)

    def throttle_trip_c(self) -> float | None:
        """Returns the hottest trip point at which the kernel throttles (kind ``passive``), degree C.

        **Source**: the trip points of the thermal zones; published values disagree, so they are read.
        """
        return max((point.temp_c for point in self.trip_points() if point.kind == "passive"), default=None)

    def cores_online(self) -> tuple[int, ...] | None:
        """Returns the numbers of the cores that are on, None where that cannot be read.

        **Source**: ``/sys/devices/system/cpu/cpu*/online``; a core that cannot be switched off
        (often cpu0) has no such file.
        """
        cores = []
        for folder in self._cpu_folders():
            path = folder / "online"
            if not path.exists() or self.read_int(path, "cores online") == 1:
                cores.append(int(folder.name[3:]))
        return tuple(sorted(cores)) or None

    def _cpu_folders(self) -> list[Path]:
        folders = children(self.root / "devices/system/cpu", "cpu")
        return [folder for folder in folders if folder.name[3:].isdecimal()]

    def cpu_max_mhz(self) -> int | None:
        """Returns the highest clock cap of the cores that are on, MHz.

        **Source**: ``/sys/devices/system/cpu/cpu*/cpufreq/scaling_max_freq``, kHz; absent for a core that is off.
        """
        online = set(self.cores_online() or ())
        caps_khz = (
            self.read_int(folder / "cpufreq/scaling_max_freq", "CPU clock cap")
            for folder in self._cpu_folders()
            if int(folder.name[3:]) in online
        )
        return max((cap_khz // 1000 for cap_khz in caps_khz if cap_khz is not None), default=None)

    def clocks_locked(self) -> bool | None:
        """Returns whether jetson_clocks holds the clocks at the mode's caps, None where it cannot be told.

        **Source**: jetson_clocks raises ``scaling_min_freq`` of every core that is on and
        ``min_freq`` of the GPU's devfreq to their maximum; it leaves no other trace.
        """
        online = set(self.cores_online() or ())
        pairs = [
            (folder / "cpufreq/scaling_min_freq", folder / "cpufreq/scaling_max_freq")
            for folder in self._cpu_folders()
            if int(folder.name[3:]) in online
        ]
        gpu_pairs = [(device / "min_freq", device / "max_freq") for device in self.gpu_devices()]
        what = "jetson_clocks"
        ranges = [(self.read_int(low, what), self.read_int(high, what)) for low, high in (*pairs, *gpu_pairs)]
        known = [low == high for low, high in ranges if low is not None and high is not None]
        if not all(known):
            return False
        return True if pairs and gpu_pairs and len(known) == len(ranges) else None

    def rails_mw(self) -> dict[str, RailSample]:
        """Returns the rails' readings by name; see :meth:`Sensors.rails`."""
        return self._sensors.rails()

    def temperatures(self) -> tuple[dict[str, float], tuple[str, ...]]:
        """Returns degree C by sensor, and the sensors that are off; see :meth:`Sensors.temperatures`."""
        return self._sensors.temperatures()

    def over_current(self) -> dict[str, int]:
        """Returns over-current events since boot by counter; see :meth:`Sensors.over_current`."""
        return self._sensors.over_current()

    def fan(self) -> Fan | None:
        """Returns the fan; see :meth:`Sensors.fan`."""
        return self._sensors.fan()

    def complete(self, sample: Sample) -> Sample:
        """Returns the sample with what tegrastats left out: GPU clock and load, rails, temperatures.

        Rails and temperatures are added only until a line brought some: sysfs and a line may know
        different sets of rails, and power must be the same sum in all ticks of a run.
        """
        added: dict[str, Any] = {}
        if not sample.gr3d_freq_mhz and (clocks_mhz := self.gpu_clocks_mhz()):
            added["gr3d_freq_mhz"] = clocks_mhz
        if sample.gr3d_pct is None and (load_pct := self.gpu_load_pct()) is not None:
            added["gr3d_pct"] = load_pct
        self._line_has_rails = self._line_has_rails or bool(sample.power_mw)
        if not self._line_has_rails:
            added["power_mw"] = self.rails_mw()
        self._line_has_temps = self._line_has_temps or bool(sample.temps_c)
        if not self._line_has_temps:
            added["temps_c"], added["temps_off"] = self.temperatures()
        return dataclasses.replace(sample, **added) if added else sample
