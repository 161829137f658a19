"""A small disk, mounted in a namespace of its own: refused before the start, named when it fills up."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from orin_core.settings import PROJECT_ROOT
from tests.conftest import Home
from tests.integration.conftest import Bench

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec")


def may_mount() -> bool:
    try:
        return subprocess.run([*UNSHARE, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not may_mount(), reason="no file system can be mounted in a namespace here")


def on_small_disk(home: Home, size_mb: int, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a shell script with ``$disk`` mounted and ``$orin`` as the command line."""
    disk = home.root / "disk"
    disk.mkdir()
    orin = shlex.join([sys.executable, "-m", "orin_core"])
    head = f"disk={shlex.quote(str(disk))}; orin={shlex.quote(orin)}; mount -t tmpfs -o size={size_mb}m tmpfs $disk;"
    return subprocess.run(
        [*UNSHARE, head + script], env=home.env, cwd=PROJECT_ROOT, text=True, capture_output=True, timeout=200
    )


def test_a_disk_that_is_nearly_full_is_refused_before_anything_starts(home: Home) -> None:
    command = "$orin run --model resnet-152 --dataset cifar100 --runs-dir $disk/runs || echo code $?; ls -A $disk"
    done = on_small_disk(home, 50, command)
    assert done.stdout.split() == ["code", "2"]
    assert "MB are free" in done.stderr


@pytest.mark.torch
def test_a_disk_that_fills_up_is_a_named_end_and_keeps_the_rows(bench: Bench) -> None:
    arguments = shlex.join(bench.arguments("--seconds", "600"))
    script = f"""
        run=$($orin {arguments} --runs-dir $disk/runs --detach)
        i=0; until grep -q '"phase": "measure"' $disk/runs/$run/status.json; do
            i=$((i + 1)); test $i -lt 600; sleep 0.2; done
        head -c 400M /dev/zero > $disk/filler || true
        i=0; while $orin runs --json --runs-dir $disk/runs | grep -q '"state": "running"'; do
            i=$((i + 1)); test $i -lt 100; sleep 0.2; done
        rm $disk/filler
        cp -r $disk/runs {shlex.quote(str(bench.home.root))}/kept
    """
    done = on_small_disk(bench.home, 250, script)
    assert done.returncode == 0, done.stderr
    (folder,) = (bench.home.root / "kept").iterdir()
    rows = Path(folder / "run.csv").read_text().splitlines()
    assert len(rows) > 3
    assert {row.count(",") for row in rows} == {rows[0].count(",")}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["state"] == "failed"
    assert "No space left" in summary["message"]
    assert not (folder / ".reserve").exists()
