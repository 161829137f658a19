from __future__ import annotations

import errno
import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from orin_core.board.nvpmodel_conf import parse_conf
from orin_core.board.sample import Sample
from orin_core.board.simulator.state import State as Board
from orin_core.board.sysfs import Sysfs
from orin_core.diagnosis.kit_bundle import MANIFEST, Bundle
from orin_core.diagnosis.kit_scrub import Scrubber
from tests.unit.board import sysfs_trees


def unpack(path: Path, into: Path) -> Path:
    with tarfile.open(path) as tar:
        tar.extractall(into, filter="data")
    return into


def everything(root: Path) -> list[object]:
    """All that the board's reader says of a tree, notices about its own path left out."""
    sysfs = Sysfs(root)
    return [
        sysfs.gpu_clocks_mhz(),
        sysfs.gpu_max_mhz(),
        sysfs.gpu_load_pct(),
        sysfs.throttled(),
        sysfs.trip_points(),
        sysfs.cores_online(),
        sysfs.cpu_max_mhz(),
        sysfs.clocks_locked(),
        sysfs.over_current(),
        sysfs.fan(),
        sysfs.complete(Sample()),
        [notice.replace(str(root), "") for notice in sysfs.notices],
    ]


@pytest.mark.parametrize(
    "tree",
    [
        sysfs_trees.agx_orin_jetpack5,
        sysfs_trees.agx_orin_jetpack6,
        sysfs_trees.agx_thor_jetpack7,
        sysfs_trees.xavier_nx_jetpack4,
    ],
)
def test_the_tree_in_the_tarball_reads_as_the_board_did(tmp_path: Path, tree: Callable[[], dict[str, str]]) -> None:
    readable = {path: text for path, text in tree().items() if text != sysfs_trees.UNREADABLE}
    root = sysfs_trees.plant(tmp_path / "sys", readable)
    sysfs_trees.plant(root, {"class/net/eth0/address": "02:00:00:00:00:01", "devices/other": "1"})
    bundle = Bundle(Scrubber())
    assert bundle.add_sysfs("root/sys", root, parse_conf("")) > 0
    bundle.write(tmp_path / "kit.tar.gz", {})
    copy = unpack(tmp_path / "kit.tar.gz", tmp_path / "copy") / "root/sys"
    assert everything(copy) == everything(root)
    assert not (copy / "class/net").exists()
    assert not (copy / "devices/other").exists()


def test_files_that_the_conf_names_come_with_it(board: Board, tmp_path: Path) -> None:
    bundle = Bundle(Scrubber())
    bundle.add_sysfs("sys", board.sys, board.conf())
    bundle.write(tmp_path / "kit.tar.gz", {})
    copy = unpack(tmp_path / "kit.tar.gz", tmp_path / "copy") / "sys"
    for name in ("devices/platform/gpu.0/tpc_pg_mask", "class/devfreq/17000000.gpu/available_frequencies"):
        assert (copy / name).read_text() == (board.sys / name).read_text()


def test_manifest_lists_every_file_and_what_could_not_be_had(tmp_path: Path) -> None:
    bundle = Bundle(Scrubber(hosts=["kit-07"]))
    bundle.add("logs/kit-07.txt", b"at kit-07\n", what="log", source="kit-07")
    assert not bundle.add_file("gone", tmp_path / "gone", what="release", source="/etc/gone")
    bundle.write(tmp_path / "kit.tar.gz", {"board": "kit-07"})
    manifest = json.loads((unpack(tmp_path / "kit.tar.gz", tmp_path / "copy") / MANIFEST).read_text())
    (entry,) = manifest["files"]
    assert entry == {
        "path": "logs/HOST.txt",
        "what": "log",
        "source": "HOST",
        "sha256": hashlib.sha256(b"at HOST\n").hexdigest(),
        "bytes": 8,
    }
    assert manifest["absent"] == [{"what": "release", "source": "/etc/gone", "reason": "No such file or directory"}]
    assert manifest["board"] == "HOST"


def test_tarball_names_no_user_and_no_time_and_is_whole_or_not_there(tmp_path: Path) -> None:
    bundle = Bundle(Scrubber())
    bundle.add("a", b"1", what="a", source="a")
    bundle.write(tmp_path / "one.tar.gz", {})
    bundle.write(tmp_path / "two.tar.gz", {})
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.gz") as tar:
        assert {(item.uid, item.uname, item.gname, item.mtime) for item in tar.getmembers()} == {(0, "", "", 0)}
    with pytest.raises(OSError, match="no"):
        bundle.write(tmp_path / "no" / "kit.tar.gz", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.tar.gz", "two.tar.gz"]


def test_sensor_that_is_off_is_named_and_the_rest_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = sysfs_trees.plant(tmp_path / "sys", sysfs_trees.agx_orin_jetpack5())
    off = root / "class/thermal/thermal_zone0/temp"
    read, opened = os.read, os.open
    descriptors: set[int] = set()

    def fake_open(path: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(path, flags, mode)
        (descriptors.add if path == off else descriptors.discard)(descriptor)
        return descriptor

    def fake_read(descriptor: int, length: int) -> bytes:
        if descriptor in descriptors:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return read(descriptor, length)

    monkeypatch.setattr(os, "open", fake_open)
    monkeypatch.setattr(os, "read", fake_read)
    bundle = Bundle(Scrubber())
    bundle.add_sysfs("sys", root, parse_conf(""))
    monkeypatch.undo()
    bundle.write(tmp_path / "kit.tar.gz", {})
    copy = unpack(tmp_path / "kit.tar.gz", tmp_path / "copy")
    (absent,) = json.loads((copy / MANIFEST).read_text())["absent"]
    assert absent["source"] == "/sys/class/thermal/thermal_zone0/temp"
    assert absent["reason"] == "Resource temporarily unavailable"
    assert not (copy / "sys/class/thermal/thermal_zone0/temp").exists()
    assert (copy / "sys/class/thermal/thermal_zone0/type").exists()
