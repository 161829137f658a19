"""Which telemetry source a machine has, and how to open it."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

from orin_core.board.paths import BoardPaths, is_jetson
from orin_core.board.probe import Activity, Emit, Probe, ProbeNotice
from orin_core.board.probe_host import HostProbe, host_gpu_available
from orin_core.board.probe_replay import ReplayProbe
from orin_core.board.probe_tegrastats import TegrastatsProbe
from orin_core.board.simulator.state import prepare
from orin_core.board.sysfs import Sysfs
from orin_core.errors import BadRequest, TelemetryError
from orin_core.user_paths import expanded

__all__ = [
    "Activity",
    "Emit",
    "Probe",
    "ProbeNotice",
    "Telemetry",
    "board_paths",
    "host_gpu_available",
    "open_probe",
    "resolve_telemetry",
]

_REPLAY = "replay:"
_KINDS = ("auto", "tegrastats", "host", "simulated")
_SPEED = re.compile(r"(?P<path>.+)@(?P<speed>max|[0-9]*\.?[0-9]+)x?", re.IGNORECASE | re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """A telemetry source, decided.

    Args:
        kind: ``tegrastats``, ``simulated``, ``host`` or ``replay``.
        path: log of a replay.
        speed: of a replay, 1 for the log's own pace; None for as fast as possible.
    """

    kind: str
    path: Path | None = None
    speed: float | None = 1.0


def resolve_telemetry(text: str, *, paths: BoardPaths | None = None, root: Path = Path("/")) -> Telemetry:
    """Decides a telemetry source.

    ``auto`` is tegrastats where it is, an error on a Jetson without it, the host where it has an
    NVIDIA GPU, else the simulated board.

    Args:
        text: ``auto``, ``tegrastats``, ``host``, ``simulated`` or ``replay:FILE[@SPEED]``; SPEED
            is a factor (``10``, ``10x``), or ``max`` or 0 for as fast as possible.
        paths: this machine's board; looked up where not given.
        root: root of the file system, for telling a Jetson.

    Raises:
        BadRequest: the text is none of these, or the log is missing.
        TelemetryError: this machine does not have the source.
    """
    if text.startswith(_REPLAY):
        return _replay(text.removeprefix(_REPLAY))
    if text not in _KINDS:
        raise BadRequest(
            f"{text!r} is no telemetry source.",
            f"Use {', '.join(_KINDS)} or replay:FILE[@SPEED], for example replay:a.log@10.",
        )
    if text in ("host", "simulated"):
        return Telemetry(kind=text)
    if (paths or BoardPaths.real()).tegrastats:
        return Telemetry(kind="tegrastats")
    if text == "tegrastats" or is_jetson(root):
        raise TelemetryError(
            "There is no tegrastats on this machine's PATH.",
            "On a Jetson it is part of nvidia-l4t-tools; elsewhere use --telemetry simulated.",
        )
    return Telemetry(kind="host" if host_gpu_available() else "simulated")


def _replay(text: str) -> Telemetry:
    match = _SPEED.fullmatch(text)
    path, speed = Path(text), 1.0
    # A file whose own name ends like a speed is meant as it is.
    if match is not None and not path.exists():
        path = Path(match["path"])
        speed = 0.0 if match["speed"].lower() == "max" else float(match["speed"])
    elif match is None and "@" in text and not path.exists() and Path(text.rpartition("@")[0]).is_file():
        raise BadRequest(f"{text.rpartition('@')[2]!r} is no speed.", "Use a number such as 10, or max.")
    path = expanded(str(path))
    if not text or not path.is_file():
        raise BadRequest(f"There is no log {str(path)!r} to replay.", "Use replay:FILE or replay:FILE@SPEED.")
    if not math.isfinite(speed):
        raise BadRequest(f"A replay at {speed} times the pace is not possible.", "Use a number or max.")
    return Telemetry(kind="replay", path=path.resolve(), speed=speed or None)


def board_paths(kind: str, state_dir: Path) -> BoardPaths | None:
    """Returns the board whose power modes go with a source, None where there is none (host, replay).

    Args:
        kind: kind of a :class:`Telemetry`.
        state_dir: folder that holds the simulated board; made where it is missing.
    """
    if kind == "tegrastats":
        return BoardPaths.real()
    if kind == "simulated":
        return prepare(state_dir / "simulator").paths()
    return None


def open_probe(telemetry: str | Telemetry, interval_ms: int, state_dir: Path) -> Probe:
    """Returns the probe of a telemetry source, not yet started.

    Args:
        telemetry: a source as text or as decided.
        interval_ms: asked time between ticks.
        state_dir: folder that holds the simulated board.

    Raises:
        BadRequest: there is no such source or log.
        TelemetryError: this machine does not have the source.
    """
    choice = resolve_telemetry(telemetry) if isinstance(telemetry, str) else telemetry
    if choice.kind == "replay" and choice.path is not None:
        return ReplayProbe(choice.path, speed=choice.speed, interval_ms=interval_ms)
    if choice.kind == "host":
        return HostProbe(interval_ms)
    if choice.kind == "simulated":
        return _simulated_probe(interval_ms, state_dir)
    paths = BoardPaths.real()
    return TegrastatsProbe(paths.tegrastats, interval_ms, Sysfs(paths.sysfs))


def _simulated_probe(interval_ms: int, state_dir: Path) -> TegrastatsProbe:
    state = prepare(state_dir / "simulator")
    paths = state.paths()

    def observer(activity: Activity | None) -> None:
        if activity is None:
            state.forget()
        else:
            state.tell(busy_share=activity.busy_share, phase=activity.phase, worker_pid=activity.worker_pid)

    return TegrastatsProbe(
        paths.tegrastats, interval_ms, Sysfs(paths.sysfs), source="simulated", simulated=True, observer=observer
    )
