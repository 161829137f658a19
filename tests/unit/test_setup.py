"""scripts/setup.py: when it installs, what it refuses, and what keeps a board's torch."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module that believes itself in a checkout of its own."""
    spec = importlib.util.spec_from_file_location("setup_under_test", ROOT / "scripts/setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "setup_under_test", module)
    spec.loader.exec_module(module)
    (tmp_path / "constraints").mkdir()
    for name in ("requirements.txt", "requirements-dev.txt", "constraints/jetpack6.txt"):
        (tmp_path / name).write_text("# nothing\n")
    (tmp_path / ".setup").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "WORK", tmp_path / ".setup")
    monkeypatch.setattr(module, "LOG", tmp_path / ".setup/install.log")
    plans = {verb: dataclasses.replace(plan, venv=tmp_path / plan.venv.name) for verb, plan in module.PLANS.items()}
    monkeypatch.setattr(module, "PLANS", plans)
    return module


def test_guard_pins_the_boards_own_builds(setup: ModuleType) -> None:
    versions = {"torch": "2.5.0a0+872d972e41.nv24.8", "torchvision": "0.20.0a0+afc54f7", "numpy": "1.26.4"}
    assert setup.board_guard(versions).splitlines() == [
        "torch==2.5.0a0+872d972e41.nv24.8",
        "torchvision==0.20.0a0+afc54f7",
        "numpy<2",
    ]


def test_guard_leaves_numpy_2_alone(setup: ModuleType) -> None:
    assert "numpy" not in setup.board_guard({"torch": "2.9.0", "torchvision": "0.24.0", "numpy": "2.2.6"})


@pytest.mark.parametrize("absent", ["torch", "torchvision"])
def test_board_without_its_torch_is_refused_with_instructions(setup: ModuleType, absent: str) -> None:
    versions = {"torch": "2.5.0a0", "torchvision": "0.20.0a0", "numpy": None, absent: None}
    with pytest.raises(setup.SetupError, match=rf"no {absent}\b.*docs/jetson\.md"):
        setup.board_guard(versions)


def test_small_disk_is_refused(setup: ModuleType) -> None:
    plan = dataclasses.replace(setup.PLANS["run"], free_gb=1e9)
    with pytest.raises(setup.SetupError, match="too small"):
        setup.make_venv(plan, system_packages=False)
    assert not plan.venv.exists()


def test_missing_venv_module_names_the_package(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)
    plan = dataclasses.replace(setup.PLANS["run"], free_gb=0.0)
    with pytest.raises(setup.SetupError, match=rf"python3\.{sys.version_info.minor}-venv"):
        setup.make_venv(plan, system_packages=False)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("Retrying: NewConnectionError: Temporary failure in name resolution", "no network"),
        ("noise\nERROR: No matching distribution found for nosuch\nnoise", "No matching distribution found for nosuch"),
        ("it just broke", "it just broke"),
    ],
)
def test_failed_program_is_explained_in_one_line(setup: ModuleType, output: str, said: str) -> None:
    command = [sys.executable, "-c", f"print({output!r}); raise SystemExit(3)"]
    with pytest.raises(setup.SetupError) as caught:
        setup.run_logged(command, "Installing")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert output in setup.LOG.read_text()


def test_environment_is_made_once_redone_on_change_and_after_a_cut(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = dataclasses.replace(setup.PLANS["run"], free_gb=0.0)
    installs: list[str] = []

    def installer(plan: object, guard: str) -> list[str]:
        installs.append(guard)
        return [sys.executable, "-c", ""]

    monkeypatch.setattr(setup, "installer", installer)
    monkeypatch.setattr(setup, "is_jetson", lambda: False)
    setup.install(plan)
    assert plan.python.exists()
    assert len(installs) == 1
    setup.install(plan)
    assert len(installs) == 1
    (setup.ROOT / "requirements.txt").write_text("# something else\n")
    setup.install(plan)
    assert len(installs) == 2

    left_behind = plan.venv / "half-installed"
    left_behind.touch()
    plan.unfinished.touch()
    setup.install(plan)
    assert len(installs) == 3
    assert not left_behind.exists()
    assert list(json.loads(plan.stamp.read_text())) == ["requirements.txt"]


def test_failed_installation_is_tried_again(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = dataclasses.replace(setup.PLANS["run"], free_gb=0.0)
    monkeypatch.setattr(setup, "is_jetson", lambda: False)
    monkeypatch.setattr(setup, "installer", lambda plan, guard: [sys.executable, "-c", "raise SystemExit(1)"])
    with pytest.raises(setup.SetupError, match="Installing failed"):
        setup.install(plan)
    assert not plan.stamp.exists()
    monkeypatch.setattr(setup, "installer", lambda plan, guard: [sys.executable, "-c", ""])
    setup.install(plan)
    assert plan.stamp.exists()


def find_python(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "scripts/find_python.sh"), *arguments]
    environment = {"PATH": f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(path)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_a_python_that_only_pretends_is_passed_over(tmp_path: Path) -> None:
    here = f"python3.{sys.version_info.minor}"
    pretender, real = tmp_path / "a", tmp_path / "b"
    for folder, body in ((pretender, "echo 'not found'; exit 127"), (real, f'exec "{sys.executable}" "$@"')):
        folder.mkdir()
        (folder / here).write_text(f"#!/bin/sh\n{body}\n")
        (folder / here).chmod(0o755)
    found = find_python(Path(f"{pretender}{os.pathsep}{real}"), f"3.{sys.version_info.minor}")
    assert found.returncode == 0
    assert Path(found.stdout.strip()).samefile(sys.executable)


def test_no_python_is_said_in_one_line(tmp_path: Path) -> None:
    missing = find_python(tmp_path, "3.99")
    assert missing.returncode == 1
    assert missing.stderr.splitlines() == ["Python 3.99 is missing: install python3.99 and python3.99-venv."]
