"""One cell for a batch scheduler: what its exit code says, and that it is run once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orin_core import cli_cell
from orin_core.errors import BadRequest
from orin_core.runs.lock import BoardLock
from orin_core.runs.recording import list_runs
from tests.conftest import Home
from tests.support import write_images, write_tiny_model
from tests.support_sweep import SHORT

pytestmark = pytest.mark.torch


def cell(home: Home, **changes: Any) -> subprocess.CompletedProcess[str]:
    path, out = home.root / "cell.json", home.root / "out"
    document = {"model": str(home.root / "tiny"), "dataset": str(home.root / "images"), "items": 5, **SHORT}
    path.write_text(json.dumps({**document, "weights": "random", "profile": "demo", **changes}))
    return home.cli("run", "--spec", str(path), "--out", str(out))


def test_a_cell_is_run_once_and_its_exit_code_says_what_to_do(home: Home) -> None:
    write_tiny_model(home.root / "tiny")
    write_images(home.root / "images", 4, size_px=32)
    out = home.root / "out"
    with BoardLock(home.settings.state_dir):
        assert cell(home).returncode == 75
    assert list_runs(out) == []
    needs_reboot = cell(home, power_mode="30W")
    assert (needs_reboot.returncode, "needs a reboot" in needs_reboot.stderr) == (78, True)
    assert cell(home, power_mode="99W").returncode == 78
    assert cell(home, itmes=5).returncode == 2
    assert list_runs(out) == []
    first = cell(home)
    assert first.returncode == 0, first.stderr
    again = cell(home)
    assert (again.returncode, "done already" in again.stderr) == (0, True)
    assert len(list_runs(out)) == 1
    path = home.root / "cell.json"
    assert cli_cell.done_before(cli_cell.read_spec(path), out) is not None
    path.write_text(json.dumps({**json.loads(path.read_text()), "items": 6}))
    assert cli_cell.done_before(cli_cell.read_spec(path), out) is None
    path.write_text("[" * 100_000)
    with pytest.raises(BadRequest, match="no JSON"):
        cli_cell.read_spec(path)


@pytest.mark.parametrize("arguments", [["--spec", "a.json"], ["--out", "b"]])
def test_spec_and_out_go_together(home: Home, arguments: list[str], tmp_path: Path) -> None:
    done = home.cli("run", *arguments)
    assert (done.returncode, "go together" in done.stderr) == (2, True)
