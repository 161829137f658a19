from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from orin_core.board.probes import Telemetry
from orin_core.board.simulator.state import State, prepare
from orin_core.diagnosis.check import Check
from orin_core.diagnosis.subject import Subject
from orin_core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "state", telemetry="simulated")


@pytest.fixture
def board(settings: Settings) -> State:
    return prepare(settings.state_dir / "simulator")


@pytest.fixture
def simulated(settings: Settings, board: State) -> Subject:
    return Subject.of(settings)


@pytest.fixture
def jetson(settings: Settings, board: State, tmp_path: Path) -> Subject:
    """A tree in the shape of a Jetson's root, with the simulated board's files in it."""
    root = tmp_path / "root"
    for name, text in {
        "proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
        "proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0",
        "etc/nv_tegra_release": "# R36 (release), REVISION: 4.0, BOARD: generic\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    paths = dataclasses.replace(board.paths(), simulated=False, nvpmodel=("/usr/sbin/nvpmodel",))
    return Subject(settings=settings, root=root, telemetry=Telemetry(kind="tegrastats"), paths=paths)


def program(folder: Path, name: str, script: str) -> None:
    """Writes a stand-in program."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on PATH for programs of the test's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def named(checks: list[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name]
    return found
