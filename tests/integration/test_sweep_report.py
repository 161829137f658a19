"""The report of a sweep that was really run, after its folder has gone."""

from __future__ import annotations

import csv
import shutil

import pytest

from tests.conftest import Home
from tests.support_sweep import SHORT, SweepHome

pytestmark = pytest.mark.torch


def test_its_run_folders_are_enough(home: Home) -> None:
    machine = SweepHome(home=home)
    # What is said of batch sizes depends on whether a browser comes or goes on this machine: that is a unit test.
    sweep = machine.start(batch_sizes=[1, 4], run={"weights": "random", "items": 12, **SHORT})
    machine.wait_for_end(sweep)
    shutil.rmtree(sweep.folder)
    out = home.root / "out"
    done = home.cli("sweep", "report", sweep.sweep_id, "-o", str(out))
    assert done.returncode == 0, done.stderr
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "2 of 2 cells that were begun have a finished run" in text
    assert "FPS does not follow the power mode" in text
    with (out / "repeats.csv").open(encoding="utf-8", newline="") as stream:
        assert sorted(row["Cell"] for row in csv.DictReader(stream)) == ["001", "002"]
    if "differ in what the sweep did not vary" in text:
        # A browser that somebody opened on this machine in one of the two runs keeps them apart.
        assert "Browser on the board (no, yes)" in text
        assert not (out / "batch_sizes.csv").exists()
    else:
        unknown = home.cli("sweep", "report", "20260301T000000Z_missing_0000", "-o", str(out))
    assert (unknown.returncode, "No run in" in unknown.stderr) == (2, True)
