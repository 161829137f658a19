"""The board as kit-check collects it, with stand-ins for sudo and tegrastats."""

from __future__ import annotations

import dataclasses
import json
import os
import tarfile
import time
from pathlib import Path

import pytest

from orin_core.board.identity import identity
from orin_core.board.paths import is_jetson
from orin_core.diagnosis import programs
from orin_core.diagnosis.kit_bundle import Bundle
from orin_core.diagnosis.kit_collect import Kit
from orin_core.diagnosis.kit_scrub import Scrubber
from orin_core.diagnosis.subject import Subject
from tests.conftest import wait_for
from tests.unit.diagnosis.conftest import program

TEGRASTATS = """while :; do echo "RAM 3396/30698MB (lfb 3x4MB) GR3D_FREQ 57% uid $WHO on kit-07"; sleep 0.05; done"""
SUDO = """if [ "$2" = -l ]; then echo "    (root) {tag}{tegrastats} --interval 100"; exit 0; fi
shift; WHO=0 exec "$@"
"""


def collected(jetson: Subject, standins: Path, tmp_path: Path, tag: str) -> tuple[Path, dict[str, object]]:
    program(standins, "tegrastats", TEGRASTATS)
    program(standins, "sudo", SUDO.format(tag=tag, tegrastats=standins / "tegrastats"))
    program(standins, "nvpmodel", "echo 'NV Power Mode: MAXN'; echo 0")
    (jetson.root / "proc/device-tree/serial-number").write_text("1421155550001\0")
    (jetson.root / "etc/hostname").write_text("kit-07\n")
    (jetson.root / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.0, built on kit-07 1421155550001\n")
    paths = dataclasses.replace(
        jetson.board(), tegrastats=(str(standins / "tegrastats"),), nvpmodel=(str(standins / "nvpmodel"),)
    )
    bundle = Bundle(Scrubber.of_machine(jetson.root))
    kit = Kit(bundle=bundle, paths=paths, root=jetson.root, lines=3, interval_ms=100)
    facts = kit.read_only()
    assert facts["mode"] == "MAXN"
    bundle.write(tmp_path / "kit.tar.gz", facts)
    with tarfile.open(tmp_path / "kit.tar.gz") as tar:
        tar.extractall(tmp_path / "copy", filter="data")
    return tmp_path / "copy", json.loads((tmp_path / "copy/manifest.json").read_text())


def test_a_user_collects_as_root_too_where_sudo_allows_it(
    jetson: Subject, standins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    copy, manifest = collected(jetson, standins, tmp_path, "NOPASSWD: ")
    line = "RAM 3396/30698MB (lfb 3x4MB) GR3D_FREQ 57% uid {} on HOST\n"
    assert (copy / "tegrastats/user.txt").read_text() == 3 * line.format("")
    assert (copy / "tegrastats/root.txt").read_text() == 3 * line.format("0")
    root = copy / "root"
    assert is_jetson(root)
    assert identity(root).model == "NVIDIA Jetson AGX Orin Developer Kit"
    assert identity(root).l4t == "# R36 (release), REVISION: 4.0, built on HOST SERIAL"
    assert not (root / "proc/device-tree/serial-number").exists()
    assert manifest["absent"] == []


def test_without_the_right_it_says_so_and_asks_for_no_password(
    jetson: Subject, standins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    copy, manifest = collected(jetson, standins, tmp_path, "")
    assert (copy / "tegrastats/user.txt").exists()
    assert not (copy / "tegrastats/root.txt").exists()
    assert [item["what"] for item in manifest["absent"]] == ["tegrastats as root"]  # type: ignore[attr-defined]


def test_program_that_falls_silent_is_given_up_and_ended(standins: Path) -> None:
    program(standins, "quiet", f"echo $$ > {standins}/pid; echo one; echo two; printf half; exec sleep 600")
    started_s = time.monotonic()
    assert programs.capture_lines([str(standins / "quiet")], 5, 0.5) == ["one", "two"]
    assert time.monotonic() - started_s < 60
    pid = int((standins / "pid").read_text())
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the program")
    assert programs.capture_lines(["/bin/echo", "one"], 5, 60) == ["one"]
    with pytest.raises(OSError, match="nosuch"):
        programs.capture_lines(["/nosuch"], 1, 1)
