"""What doctor looks at on the machine: torch, libraries, models, disk, clock, port."""

from __future__ import annotations

import errno
import http.client
import json
import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orin_core import catalog
from orin_core.assets.libraries import missing_for
from orin_core.board.paths import is_jetson
from orin_core.board.probes import host_gpu_available
from orin_core.catalog import Choice
from orin_core.diagnosis import programs
from orin_core.diagnosis.check import Check, Finding, Look, State
from orin_core.diagnosis.subject import Subject
from orin_core.runs.prepare import MIN_FREE_MB, check_writable
from orin_core.runs.worker_process import describe_worker
from orin_core.spec import Task

INFERENCE = "Inference"
MACHINE = "Machine"
DESCRIBE_S = 12.0
_FEW_RUNS = 5
"""Below room for so many of the largest runs the disk is a warning."""


def torch_checks(subject: Subject, timeout_s: float = DESCRIBE_S) -> list[Check]:
    """Returns the checks of torch and torchvision, from the worker's own words."""
    facts = describe_worker(timeout_s)
    return [
        Look(group=INFERENCE, name="torch", find=lambda: torch_finding(facts, subject, timeout_s)).check(),
        Look(group=INFERENCE, name="torchvision", find=lambda: vision_finding(facts)).check(),
    ]


def torch_finding(facts: dict[str, Any] | None, subject: Subject, timeout_s: float) -> Finding:
    """Judges what the worker says of torch and CUDA."""
    if facts is None:
        return (
            State.WARNING,
            f"The worker did not describe torch within {timeout_s:g} s.",
            "By hand: python -m orin_core.inference.worker --describe",
        )
    if not facts.get("torch"):
        return (
            State.PROBLEM,
            str(facts.get("problem") or "torch cannot be used."),
            "Run make run again; docs/jetson.md.",
        )
    words = f"torch {facts['torch']} on {facts.get('device_name')}"
    if facts.get("cuda_available"):
        return State.OK, f"{words}, CUDA {facts.get('cuda')}."
    why = "built without CUDA" if facts.get("cuda") is None else "CUDA is not usable"
    if is_jetson(subject.root):
        return State.PROBLEM, f"{words}: {why}, so Orin's GPU stays idle.", "Install NVIDIA's torch: docs/jetson.md."
    if host_gpu_available():
        return State.WARNING, f"{words}: {why}, so the NVIDIA GPU here stays idle.", "Install a torch with CUDA."
    return State.OK, f"{words}: there is no NVIDIA GPU here, FPS is the CPU's."


def vision_finding(facts: dict[str, Any] | None) -> Finding:
    """Judges what the worker says of torchvision's operators."""
    ops = (facts or {}).get("torchvision_ops")
    words = f"torchvision {(facts or {}).get('torchvision')}"
    if ops == "native":
        return State.OK, f"{words}, its own operators."
    if ops == "substitute":
        return (
            State.WARNING,
            f"{words} does not fit this torch; plain torch stands in for its operators.",
            "All models run; for its own operators install the torchvision that belongs to this torch.",
        )
    if ops == "absent":
        return State.WARNING, "torchvision is not installed: YOLO cannot run.", "Install the one of this torch."
    return State.WARNING, "Nothing is known of torchvision, since the worker did not tell.", "See torch."


def looks(subject: Subject) -> list[Look]:
    """Returns the quick checks of the machine, in the order in which they are shown."""
    settings = subject.settings
    return [
        Look(group=INFERENCE, name="YOLO", find=_yolo),
        Look(group=INFERENCE, name="models", find=lambda: cached_finding(catalog.model_choices(), "random weights")),
        Look(
            group=INFERENCE,
            name="data sets",
            find=lambda: cached_finding(catalog.dataset_choices(), "synthetic ones"),
        ),
        Look(group=MACHINE, name="disk", find=lambda: disk_finding(settings.runs_dir)),
        Look(group=MACHINE, name="state folder", find=lambda: _state_dir(settings.state_dir)),
        Look(group=MACHINE, name="clock", find=_clock),
        Look(group=MACHINE, name="port", find=lambda: port_finding(settings.address, settings.port)),
    ]


def _yolo() -> Finding:
    missing = missing_for(Task.DETECTION)
    if missing:
        return State.WARNING, f"YOLO cannot run: {missing}", "The other models are not affected."
    return State.OK, "libGL and what else YOLO loads are there."


def cached_finding(choices: Sequence[Choice], otherwise: str) -> Finding:
    """Judges which rows of the catalogue are on this machine.

    Args:
        choices: rows of the catalogue.
        otherwise: what a run takes for a row that is not here.
    """
    here = [f"{choice.label} ({choice.size_mb:.0f} MB)" for choice in choices if choice.cached and choice.size_mb]
    lacking = [choice for choice in choices if not choice.cached]
    words = f"Here: {', '.join(here) or 'none'}."
    if not lacking:
        return State.OK, words
    names = ", ".join(choice.label for choice in lacking)
    alone = [choice.label for choice in lacking if not choice.replaceable]
    replaced = f"their runs take {otherwise}, at the same speed"
    replaced += f"; {', '.join(alone)} cannot run without" if alone else ""
    return (
        State.WARNING,
        f"{words} Not here: {names}; {replaced}.",
        f"Fetch with: python -m orin_core fetch {lacking[0].name}",
    )


def disk_finding(runs_dir: Path) -> Finding:
    """Judges whether runs can be written.

    Raises:
        BadRequest: the folder cannot be written, or its disk is nearly full.
    """
    check_writable(runs_dir)
    free_mb = shutil.disk_usage(_existing(runs_dir)).free // 1_000_000
    if free_mb < _FEW_RUNS * MIN_FREE_MB:
        return State.WARNING, f"Only {free_mb} MB are free for {runs_dir}.", "Free disk space before long runs."
    return State.OK, f"{free_mb / 1000:.1f} GB are free for {runs_dir}."


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _state_dir(state_dir: Path) -> Finding:
    existing = _existing(state_dir)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return State.OK, f"{state_dir} can be written."
    return (
        State.PROBLEM,
        f"{state_dir} cannot be written, so no run can take the board.",
        "Set ORIN_STATE_DIR to a folder that every user of this board can write.",
    )


def _clock() -> Finding:
    synchronised = programs.clock_synchronised()
    if synchronised:
        return State.OK, "The wall clock follows a time server."
    hint = "Names of runs and UTC columns may be wrong; durations are not affected."
    if synchronised is None:
        return State.WARNING, "Whether the wall clock is right cannot be told.", hint
    return State.WARNING, "The wall clock is not synchronised.", f"timedatectl set-ntp true. {hint}"


def port_finding(address: str, port: int) -> Finding:
    """Judges whether the dashboard can listen, or does already."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return State.PROBLEM, f"{address}:{port} cannot be used: {error.strerror}.", "Choose another ORIN_PORT."
        if _is_ours(address, port):
            return State.OK, f"The dashboard listens on {address}:{port}."
        return State.PROBLEM, f"Port {port} of {address} is taken by another program.", "Choose another ORIN_PORT."
    return State.OK, f"{address}:{port} is free for the dashboard."


def _is_ours(address: str, port: int) -> bool:
    """Whether a dashboard answers there; asks for a run that cannot be, which changes nothing."""
    connection = http.client.HTTPConnection(address, port, timeout=3)
    try:
        connection.request("GET", "/api/runs/none/run.csv")
        document = json.loads(connection.getresponse().read(10_000))
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return isinstance(document, dict) and set(document) == {"message", "hint"}
