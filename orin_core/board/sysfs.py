"""What sysfs says of the board beside tegrastats: clocks, caps, throttling, trip points."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from pathlib import Path

from orin_core.board.sample import Sample

_GPU_DEVFREQ = re.compile(r".*(gpu(?!-nvd)|ga10b|gv11b|gp10b|gm20b)")
_THROTTLE_DEVICES = ("*-throttle-alert", "devfreq-*gpu", "devfreq-*ga10b", "cpufreq-*", "hot-surface-alert")


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
        self.notices: list[str] = []
        self._named: set[str] = set()
        self._gpu: list[Path] | None = None
        self._throttles: list[Path] | None = None

    def _notice(self, what: str, reason: str) -> None:
        if what not in self._named:
            self._named.add(what)
            self.notices.append(f"{what}: {reason}")

    def _read(self, path: Path, what: str) -> str | None:
        try:
            text = path.read_text(encoding="ascii", errors="replace").strip()
        except OSError as error:
            self._notice(what, f"{path} cannot be read ({error.strerror})")
            return None
        if not text:
            self._notice(what, f"{path} is empty")
            return None
        return text

    def read_int(self, path: Path, what: str) -> int | None:
        """Returns the whole number in a file (decimal or ``0x``), None where it cannot be read.

        Args:
            path: the file.
            what: its name in a notice.
        """
        text = self._read(path, what)
        if text is None:
            return None
        try:
            return int(text, 0 if text.lower().startswith("0x") else 10)
        except ValueError:
            self._notice(what, f"{path} holds no number ({text[:20]!r})")
            return None

    def gpu_devices(self) -> list[Path]:
        """Returns the devfreq folders of the GPU, one per clock domain, in order of name.

        **Source**: ``/sys/class/devfreq``: ``17000000.gpu`` (JetPack 6), ``17000000.ga10b``
        (JetPack 5), ``17000000.gv11b`` (Xavier), ``57000000.gpu`` (Nano).
        """
        if self._gpu is None:
            folder = self.root / "class/devfreq"
            self._gpu = sorted(path for path in _children(folder) if _GPU_DEVFREQ.fullmatch(path.name))
            if not self._gpu:
                self._notice("GPU clock", f"no GPU in {folder}")
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

        **Source**: ``/sys/devices/platform/gpu.0/load`` or ``.../17000000.gpu/load``, per mille.
        """
        for name in ("devices/platform/gpu.0/load", "devices/gpu.0/load", "devices/platform/17000000.gpu/load"):
            if (self.root / name).exists():
                load = self.read_int(self.root / name, "GPU load")
                return None if load is None else round(load / 10)
        self._notice("GPU load", f"no load file under {self.root / 'devices'}")
        return None

    def throttled(self) -> bool | None:
        """Returns whether heat, current or power limits the clocks now, None where it cannot be told.

        **Source**: ``/sys/class/thermal/cooling_device*``: ``cur_state`` above 0 in a device of
        type ``*-throttle-alert``, ``devfreq-*gpu``, ``cpufreq-*`` or ``hot-surface-alert``.
        """
        if self._throttles is None:
            self._throttles = [
                device / "cur_state"
                for device in _children(self.root / "class/thermal", "cooling_device")
                if any(fnmatch.fnmatch(_text_of(device / "type"), kind) for kind in _THROTTLE_DEVICES)
            ]
            if not self._throttles:
                self._notice("throttling", f"no throttling device in {self.root / 'class/thermal'}")
        states = [self.read_int(path, "throttling") for path in self._throttles]
        known = [state for state in states if state is not None]
        return any(known) if known else None

    def trip_points(self) -> tuple[TripPoint, ...]:
        """Returns the trip points of all thermal zones; placeholders (below 0 or above 150 C) are left out.

        **Source**: ``/sys/class/thermal/thermal_zone*/trip_point_*_{temp,type}``, milli degree C.
        """
        points = []
        for zone in _children(self.root / "class/thermal", "thermal_zone"):
            for path in sorted(zone.glob("trip_point_*_temp")):
                milli_c = _text_of(path)
                if re.fullmatch(r"[0-9]{1,6}", milli_c) and 0 < int(milli_c) <= 150_000:
                    kind = _text_of(path.with_name(path.name.replace("_temp", "_type")))
                    points.append(TripPoint(zone=_text_of(zone / "type"), kind=kind, temp_c=int(milli_c) / 1000))
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
        folders = _children(self.root / "devices/system/cpu", "cpu")
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

    def complete(self, sample: Sample) -> Sample:
        """Returns the sample with the GPU clock and load that tegrastats left out (no root, JetPack 7)."""
        clocks_mhz, load_pct = sample.gr3d_freq_mhz, sample.gr3d_pct
        if not clocks_mhz:
            clocks_mhz = self.gpu_clocks_mhz()
        if load_pct is None:
            load_pct = self.gpu_load_pct()
        if clocks_mhz == sample.gr3d_freq_mhz and load_pct == sample.gr3d_pct:
            return sample
        return dataclasses.replace(sample, gr3d_freq_mhz=clocks_mhz, gr3d_pct=load_pct)


def _children(folder: Path, prefix: str = "") -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.startswith(prefix))
    except OSError:
        return []


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
