"""kit-check as a program, on the simulated board."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from orin_core.board.paths import BoardPaths
from orin_core.board.power import current_mode, list_modes
from orin_core.board.simulator.state import prepare
from orin_core.board.sysfs import Sysfs
from orin_core.board.tegrastats import parse_line
from orin_core.runs.lock import BoardLock
from orin_core.settings import PROJECT_ROOT
from tests.conftest import GENEROUS_S, Home
from tests.support import write_images
from tests.support_models import save_tiny_resnet

QUICK = ("--lines", "3", "--interval-ms", "100")
MAC = "48:b0:2d:ab:cd:ef"
ADDRESS = "192.168.55.1"


def unpacked(path: Path, into: Path) -> tuple[Path, dict[str, Any]]:
    with tarfile.open(path) as tar:
        tar.extractall(into, filter="data")
    manifest: dict[str, Any] = json.loads((into / "manifest.json").read_text())
    return into, manifest


def copied_board(folder: Path) -> BoardPaths:
    """The board in an unpacked tarball, as a test would use it."""
    return BoardPaths(
        conf=folder / "root/etc/nvpmodel.conf",
        status=folder / "root/var/lib/nvpmodel/status",
        sysfs=folder / "root/sys",
        tegrastats=(),
        nvpmodel=(),
        simulated=False,
    )


@pytest.mark.torch
def test_one_tarball_holds_the_board_its_modes_and_a_run(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "kit.tar.gz"
    model, images = save_tiny_resnet(tmp_path / "tiny"), write_images(tmp_path / "images", 8)
    runs = ("--seconds-per-model", "1", "--models", f"{model},nosuch", "--dataset", str(images))
    done = home.cli("kit-check", "--yes", "--out", str(out), *runs, *QUICK)
    assert done.returncode == 0, done.stderr
    folder, manifest = unpacked(out, tmp_path / "copy")
    listed = {entry["path"]: entry["sha256"] for entry in manifest["files"]}
    on_disk = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert listed == on_disk

    paths, found = prepare(home.settings.state_dir / "simulator").paths(), copied_board(folder)
    assert list_modes(found) == list_modes(paths)
    assert current_mode(found) == current_mode(paths)
    assert Sysfs(found.sysfs).cores_online() == tuple(range(12))
    assert Sysfs(folder / "modes/3/sys").gpu_max_mhz() == 816
    lines = (folder / "tegrastats/root.txt").read_text().splitlines()
    assert len(lines) == 3
    assert all(parse_line(line) for line in lines)

    assert [(mode["name"], mode["outcome"], mode["restored"]) for mode in manifest["modes"]] == [
        ("MAXN", "reached", True),
        ("MODE_15W", "PowerModeNeedsReboot", True),
        ("MODE_30W", "PowerModeNeedsReboot", True),
        ("MODE_50W", "reached", True),
    ]
    mode = current_mode(paths)
    assert mode is not None
    assert mode.name == "MAXN"
    (ran, refused) = manifest["runs"]
    assert (ran["state"], refused["state"]) == ("done", "not run")
    assert "nosuch" in refused["message"]
    assert json.loads((folder / "runs" / ran["run_id"] / "summary.json").read_text())["items"] > 0
    assert home.runs == []

    assert (manifest["simulated"], manifest["board"]) == (True, "simulated AGX Orin 64 GB")
    assert manifest["sysfs_cost"]["tick_us"] > 0
    differing = [item["what"] for item in manifest["comparisons"] if not item["agrees"]]
    assert differing == ["rails readable"]
    assert f"{len(manifest['comparisons']) - 1} of {len(manifest['comparisons'])}" in done.stdout


def test_nothing_that_names_the_machine_is_in_the_tarball(home: Home, tmp_path: Path) -> None:
    board = prepare(home.settings.state_dir / "simulator")
    host = platform.node()
    planted = f"# made on {host} {MAC} {ADDRESS} serial: 1421155550001 in /" + "home/grace/x\n"
    conf = board.folder / "nvpmodel.conf"
    conf.write_text(planted + conf.read_text())
    (board.sys / "class/hwmon/hwmon0/name").write_text(f"soctherm_oc-{MAC}\n")
    out = tmp_path / "kit.tar.gz"
    done = home.cli("kit-check", "--no-modes", "--seconds-per-model", "0", "--out", str(out), *QUICK)
    assert done.returncode == 0, done.stderr
    text = gzip.decompress(out.read_bytes()).decode(errors="replace")
    for secret in (MAC, ADDRESS, "1421155550001", "grace", host):
        assert not re.search(rf"(?<![a-z0-9]){re.escape(secret)}(?![a-z0-9])", text, re.IGNORECASE), secret
    folder, _ = unpacked(out, tmp_path / "copy")
    assert (folder / "root/sys/class/hwmon/hwmon0/name").read_text() == "soctherm_oc-MAC\n"
    assert len(list_modes(copied_board(folder))) == 4


@pytest.mark.parametrize(("answer", "switches"), [("", False), ("n\n", False), ("yes\n", True)])
def test_modes_are_changed_only_after_a_yes(home: Home, tmp_path: Path, answer: str, switches: bool) -> None:
    out = tmp_path / "kit.tar.gz"
    arguments = ("kit-check", "--seconds-per-model", "0", "--out", str(out), *QUICK)
    command = [sys.executable, "-m", "orin_core", *arguments]
    done = subprocess.run(
        command, env=home.env, cwd=PROJECT_ROOT, input=answer, capture_output=True, text=True, timeout=GENEROUS_S
    )
    assert done.returncode == 0, done.stderr
    assert "this never reboots" in done.stderr
    _, manifest = unpacked(out, tmp_path / "copy")
    assert ("modes" in manifest) == switches
    assert manifest["mode"] == "MAXN"


def test_what_cannot_be_done_is_refused_before_minutes_are_spent(home: Home, tmp_path: Path) -> None:
    there = tmp_path / "there.tar.gz"
    there.write_text("kept")
    assert home.cli("kit-check", "--out", str(there)).returncode == 2
    assert there.read_text() == "kept"
    assert home.cli("kit-check", "--out", str(tmp_path / "no" / "kit.tar.gz")).returncode == 2
    assert home.cli("kit-check", "--out", str(tmp_path / "new.tar.gz"), "--lines", "0").returncode == 2
    with BoardLock(home.settings.state_dir):
        assert home.cli("kit-check", "--out", str(tmp_path / "new.tar.gz")).returncode == 3
    assert not (tmp_path / "new.tar.gz").exists()
