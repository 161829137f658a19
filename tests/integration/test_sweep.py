"""Sweeps with real processes on the simulated board: to the end, through kills, pauses, stops and reboots."""

from __future__ import annotations

import csv
import json
import shutil
import time

import pytest

from orin_core.board import power
from orin_core.board.probes import board_paths
from orin_core.runs.recording import Recording
from orin_core.sweeps import pace
from orin_core.sweeps.state import CellState, Sweep, SweepState
from tests.conftest import Home, wait_for
from tests.support_sweep import SweepHome, assert_each_cell_once, kill_at_random

pytestmark = pytest.mark.torch


@pytest.fixture
def machine(home: Home) -> SweepHome:
    return SweepHome(home=home)


def mode_of(machine: SweepHome) -> str | None:
    paths = board_paths("simulated", machine.home.settings.state_dir)
    assert paths is not None
    mode = power.current_mode(paths)
    return mode.name if mode else None


def test_a_sweep_fills_its_cells_and_gives_the_board_back(machine: SweepHome) -> None:
    sweep = machine.start(power_modes=["50W", "MAXN"], exclude=[{"power_mode": "50W"}], batch_sizes=[1, 4])
    progress = machine.wait_for_end(sweep)
    assert (progress.state, progress.message) == (SweepState.DONE, "")
    assert_each_cell_once(machine, sweep, progress)
    assert mode_of(machine) == "MAXN"
    done = [one.run_id for one in progress.cells.values() if one.run_id]
    modes = {Recording(folder=machine.home.settings.runs_dir / run_id).environment()["power_mode"] for run_id in done}
    assert modes == {"MAXN"}
    left_s = pace.left_s(sweep.spec(), progress, planned_s=sweep.lengths_s(), now_unix_s=time.time())
    # Its cells measure a number of images, and no earlier run told how long that takes.
    assert (left_s, sweep.lengths_s()) == (0.0, {})
    assert all(attempt.begun_utc < attempt.ended_utc for one in progress.cells.values() for attempt in one.attempts)
    listed = json.loads(machine.home.cli("sweep", "status", "--json").stdout)
    assert [(one["sweep_id"], one["state"]) for one in listed] == [(sweep.sweep_id, "done")]
    again = machine.home.cli("sweep", "resume", sweep.sweep_id)
    assert (again.returncode, "is done" in again.stderr) == (2, True)
    _its_run_folders_are_enough_for_the_report(machine, sweep)


def _its_run_folders_are_enough_for_the_report(machine: SweepHome, sweep: Sweep) -> None:
    # What is said of batch sizes depends on whether a browser comes or goes on this machine: that is a unit test.
    shutil.rmtree(sweep.folder)
    out = machine.home.root / "out"
    done = machine.home.cli("sweep", "report", sweep.sweep_id, "-o", str(out))
    assert done.returncode == 0, done.stderr
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "2 of 2 cells that were begun have a finished run" in text
    assert "FPS does not follow the power mode" in text
    with (out / "repeats.csv").open(encoding="utf-8", newline="") as stream:
        assert sorted(row["Cell"] for row in csv.DictReader(stream)) == ["003", "004"]


def test_killed_at_random_it_ends_with_each_cell_once(machine: SweepHome) -> None:
    # `python -m tests.soak` is the long one.
    sweep = machine.start(power_modes=["MAXN", "50W"])
    seed = 20261125
    victims = kill_at_random(machine, sweep, kills=3, seed=seed, longest_s=6.0)
    print(f"seed {seed}: {dict(victims)}")
    machine.resume()
    progress = machine.wait_for_end(sweep)
    assert progress.state is SweepState.DONE
    assert_each_cell_once(machine, sweep, progress)


def test_pause_waits_for_the_cell_and_stop_does_not(machine: SweepHome) -> None:
    sweep = machine.start(repeats=2, run={"weights": "random", "seconds": 2, "idle_s": 0, "cooldown_s": 0,
                                          "warmup_min_s": 0, "warmup_max_s": 0})  # fmt: skip
    wait_for(lambda: sweep.progress().cells["001"].state is CellState.RUNNING, "the first cell")
    assert machine.home.cli("sweep", "pause", sweep.sweep_id).returncode == 0
    wait_for(lambda: sweep.progress().state is SweepState.PAUSED, "the pause")
    states = [one.state for one in sweep.progress().cells.values()]
    assert states.count(CellState.DONE) == 1
    wait_for(lambda: not machine.home.processes(), "nobody works")
    assert machine.home.cli("sweep", "resume", sweep.sweep_id).returncode == 0
    wait_for(lambda: CellState.RUNNING in [one.state for one in sweep.progress().cells.values()], "the next cell")
    assert machine.home.cli("sweep", "stop", sweep.sweep_id).returncode == 0
    progress = machine.wait_for_end(sweep)
    assert progress.state is SweepState.STOPPED
    assert [one.state for one in progress.cells.values()].count(CellState.DONE) < 2
    assert machine.home.cli("sweep", "resume", sweep.sweep_id).returncode == 0
    progress = machine.wait_for_end(sweep)
    assert_each_cell_once(machine, sweep, progress)


def test_with_consent_it_goes_through_its_reboots(machine: SweepHome) -> None:
    sweep = machine.start(power_modes=["MAXN", "30W"], reboot=True)
    boot_id = machine.boot_id()
    # Every process ends with the old boot, and the unit of the machine begins anew.
    wait_for(lambda: machine.boot_id() != boot_id, "the reboot")
    machine.power_cut()
    machine.resume()
    progress = machine.wait_for_end(sweep)
    assert_each_cell_once(machine, sweep, progress)
    assert [one["mode"] for one in progress.reboots] == ["MODE_30W"]
    assert (progress.reboots[0]["boot_id"], progress.reboots[0]["reached"]) == (boot_id.strip(), True)
    assert "not put back: MAXN needs a reboot" in progress.message


def test_without_consent_it_does_all_it_can_and_says_what_to_type(machine: SweepHome) -> None:
    sweep = machine.start(power_modes=["30W", "MAXN"])
    wait_for(lambda: sweep.progress().state is SweepState.REBOOT, "the request")
    progress = sweep.progress()
    assert {key: one.state for key, one in progress.cells.items()} == {
        "001": CellState.PENDING,
        "002": CellState.DONE,
    }
    assert progress.command.endswith("-m 2")
    told = machine.home.cli("sweep", "status", sweep.sweep_id).stdout
    assert "reboot needed" in told
    assert progress.command in told
    paths = board_paths("simulated", machine.home.settings.state_dir)
    assert paths is not None
    power.reboot_into(paths, power.find_mode("30W", power.list_modes(paths)))
    progress = machine.wait_for_end(sweep)
    assert_each_cell_once(machine, sweep, progress)
    assert progress.command == ""


def test_a_model_that_cannot_be_read_is_refused_before_anything_starts(machine: SweepHome) -> None:
    path = machine.file(models=["./tiny", "./broken"])
    (machine.home.root / "broken" / "config.json").write_text("{}")
    refused = machine.home.cli("sweep", "start", str(path))
    assert (refused.returncode, "broken" in refused.stderr) == (2, True)
    assert not machine.home.runs
