"""The state folder of the simulated board: what on a real board lies in /etc, /var and /sys.

``nvpmodel.conf status boot_id sys/`` as on a board; ``board.json`` (seed, root or not),
``activity.json`` (what the worker does, written by the probe), ``faults.json`` (planted faults)
and ``instances/`` (pids of running tegrastats).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any

from orin_core.board.nvpmodel_conf import Conf, ModeConf, parse_conf
from orin_core.board.paths import BoardPaths
from orin_core.board.simulator import conf_text

_LAYOUT = "1"
_BOOT_MODE_ID = 0
_BIN = Path(__file__).resolve().parent / "bin"
ZONES = ("cpu", "tboard", "soc2", "tdiode", "soc0", "gpu", "tj", "soc1")
START_C = {"tboard": 33.0, "tdiode": 37.0}
_THROTTLE_C = 99.0
_SHUTDOWN_C = 104.5
_COOLING_DEVICES = ("pwm-fan", "cpu-throttle-alert", "gpu-throttle-alert", f"devfreq-{conf_text.GPU_DEVICE}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What keeps the simulated board busy.

    Args:
        busy_share: share of the time that the model computes, 0 to 1.
        phase: phase of the run; ``idle`` where there is none.
        rss_mb: memory of the worker, MB.
    """

    busy_share: float = 0.0
    phase: str = "idle"
    rss_mb: float = 0.0


def put(path: Path, text: str) -> None:
    """Replaces a file's text atomically; a reader sees the old or the new text, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_text(text + "\n", encoding="ascii")
    temporary.replace(path)


def start_of(pid: int) -> int | None:
    """Returns when a process started, in clock ticks since boot; None where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


class State:
    """One simulated board's folder.

    Args:
        folder: must exist; see :func:`prepare`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sys = folder / "sys"

    def paths(self) -> BoardPaths:
        """Returns where this board's conf, status, sysfs and programs lie."""
        argv = {name: (sys.executable, str(_BIN / name), "--state", str(self.folder)) for name in os.listdir(_BIN)}
        return BoardPaths(
            conf=self.folder / "nvpmodel.conf",
            status=self.folder / "status",
            sysfs=self.sys,
            tegrastats=argv["tegrastats"],
            nvpmodel=argv["nvpmodel"],
            simulated=True,
            jetson_clocks=argv["jetson_clocks"],
        )

    def read_json(self, name: str) -> dict[str, Any]:
        """Returns a file's JSON object, empty where there is none."""
        try:
            document = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def write_json(self, name: str, document: dict[str, Any]) -> None:
        """Replaces a file by a JSON object."""
        put(self.folder / name, json.dumps(document))

    def conf(self) -> Conf:
        """Returns the board's conf."""
        return parse_conf((self.folder / "nvpmodel.conf").read_text(encoding="utf-8"))

    def number(self, path: str) -> int:
        """Returns the number in a file of sysfs."""
        return int((self.sys / path).read_text(encoding="ascii"))

    def file_of(self, conf_path: str) -> Path:
        """Returns where a file that the conf names lies."""
        return self.sys / conf_path.removeprefix("/sys/")

    def mode_id(self) -> int:
        """Returns the id in the status file."""
        return int((self.folder / "status").read_text(encoding="ascii").strip().removeprefix("pmode:")[:4])

    def set_status(self, mode_id: int) -> None:
        """Writes the status file."""
        put(self.folder / "status", f"pmode:{mode_id:04d}")

    def apply(self, conf: Conf, mode: ModeConf) -> None:
        """Puts a mode's limits in force; its lowest clocks come with it, so locked clocks end."""
        for (group, name), value in mode.values.items():
            text = str(value)
            if value <= 0 and name == "MAX_FREQ":
                table = conf.files.get((group, "FREQ_TABLE"))
                text = "0" if table is None else self.file_of(table).read_text(encoding="ascii").split()[-1]
            put(self.file_of(conf.files[group, name]), text)
            if group.startswith("CPU_A78_"):
                first = int(group[-1]) * conf_text.CORES_PER_CLUSTER
                for core in range(first, first + conf_text.CORES_PER_CLUSTER):
                    put(self.sys / f"devices/system/cpu/cpu{core}/cpufreq/scaling_max_freq", text)
        for core in range(conf_text.CORES):
            put(self.sys / f"devices/system/cpu/cpu{core}/cpufreq/scaling_min_freq", str(conf_text.CPU_MIN_KHZ))
        put(self.sys / f"class/devfreq/{conf_text.GPU_DEVICE}/min_freq", str(conf_text.GPU_TABLE_HZ[0]))
        self.set_status(mode.mode.mode_id)

    def reboot(self, conf: Conf, mode: ModeConf) -> None:
        """Restarts the board in a mode: everything in force, a new boot id."""
        self.apply(conf, mode)
        # Last: whoever sees the new boot sees a board that is up, in its mode.
        put(self.folder / "boot_id", str(uuid.uuid4()))

    def load(self) -> Load:
        """Returns what the worker does now; idle where it or who told of it is gone."""
        activity = self.read_json("activity.json")
        writer, worker = activity.get("writer_pid"), activity.get("worker_pid")
        if not isinstance(writer, int) or start_of(writer) != activity.get("writer_start"):
            return Load()
        if not isinstance(worker, int) or start_of(worker) is None:
            return Load()
        busy = min(1.0, max(0.0, float(activity.get("busy_share", 0.0))))
        return Load(busy_share=busy, phase=str(activity.get("phase", "idle")), rss_mb=_rss_mb(worker))

    def tell(self, *, busy_share: float, phase: str, worker_pid: int | None) -> None:
        """Records what the worker does, in the name of this process.

        Args:
            busy_share: share of the time that the model computes, 0 to 1.
            phase: phase of the run.
            worker_pid: the process whose memory counts; None where there is none.
        """
        pid = os.getpid()
        self.write_json(
            "activity.json",
            {
                "busy_share": busy_share,
                "phase": phase,
                "worker_pid": worker_pid,
                "writer_pid": pid,
                "writer_start": start_of(pid),
            },
        )

    def forget(self) -> None:
        """Takes back what this process told; what another told meanwhile stays."""
        if self.read_json("activity.json").get("writer_pid") == os.getpid():
            (self.folder / "activity.json").unlink(missing_ok=True)


def _rss_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def prepare(folder: Path, *, seed: int = 0, root: bool = True) -> State:
    """Returns the board in a folder; makes one that has just booted in MAXN where there is none.

    Args:
        folder: state folder.
        seed: of the noise; taken only for a new board.
        root: whether tegrastats prints what it prints as root; taken only for a new board.
    """
    state = State(folder)
    if not (folder / "layout").is_file() or (folder / "layout").read_text().strip() != _LAYOUT:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Made aside and renamed, so that two starting at once see one whole board.
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        fresh.chmod(0o755)
        _fill(State(fresh), seed=seed, root=root)
        if folder.exists() and not (folder / "layout").is_file():
            shutil.rmtree(folder)
        with contextlib.suppress(OSError):  # another was quicker
            fresh.rename(folder)
        shutil.rmtree(fresh, ignore_errors=True)
    return state


def _fill(state: State, *, seed: int, root: bool) -> None:
    cpu_table = " ".join(map(str, conf_text.CPU_TABLE_KHZ))
    files = {"instances/.keep": "", "nvpmodel.conf": conf_text.conf_text()}
    for core in range(conf_text.CORES):
        folder = f"sys/devices/system/cpu/cpu{core}"
        files[f"{folder}/online"] = "1"
        files[f"{folder}/cpufreq/scaling_available_frequencies"] = cpu_table
        for name in ("scaling_min_freq", "scaling_max_freq", "scaling_cur_freq"):
            files[f"{folder}/cpufreq/{name}"] = str(conf_text.CPU_MIN_KHZ)
    gpu = f"sys/class/devfreq/{conf_text.GPU_DEVICE}"
    files[f"{gpu}/available_frequencies"] = " ".join(map(str, conf_text.GPU_TABLE_HZ))
    for name in ("min_freq", "max_freq", "cur_freq"):
        files[f"{gpu}/{name}"] = str(conf_text.GPU_TABLE_HZ[0])
    files["sys/devices/platform/gpu.0/load"] = files["sys/devices/platform/gpu.0/tpc_pg_mask"] = "0"
    files["sys/kernel/nvpmodel_clk_cap/emc"] = "0"
    for index, zone in enumerate(ZONES):
        folder = f"sys/class/thermal/thermal_zone{index}"
        files[f"{folder}/type"] = f"{zone}-thermal"
        files[f"{folder}/temp"] = str(round(1000 * START_C.get(zone, 42.0)))
        if zone in ("cpu", "gpu", "tj"):
            for trip, (kind, temp_c) in enumerate((("passive", _THROTTLE_C), ("critical", _SHUTDOWN_C))):
                files[f"{folder}/trip_point_{trip}_type"] = kind
                files[f"{folder}/trip_point_{trip}_temp"] = str(round(1000 * temp_c))
    for index, kind in enumerate(_COOLING_DEVICES):
        files[f"sys/class/thermal/cooling_device{index}/type"] = kind
        files[f"sys/class/thermal/cooling_device{index}/cur_state"] = "0"
    files["sys/class/hwmon/hwmon0/name"] = "soctherm_oc"
    files |= {f"sys/class/hwmon/hwmon0/oc{number}_event_cnt": "0" for number in (1, 2, 3)}
    files |= {"sys/class/hwmon/hwmon1/name": "pwmfan", "sys/class/hwmon/hwmon1/pwm1": "64"}
    for name, text in files.items():
        path = state.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="ascii")
    state.write_json("board.json", {"seed": seed, "root": root})
    conf = state.conf()
    state.reboot(conf, next(mode for mode in conf.modes if mode.mode.mode_id == _BOOT_MODE_ID))
    put(state.folder / "layout", _LAYOUT)
