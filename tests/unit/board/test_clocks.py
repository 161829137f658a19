from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from orin_core.board import clocks
from orin_core.board.clocks import Clocks, ClockState, clock_state
from orin_core.board.simulator.model import Model, caps_in_force
from orin_core.board.simulator.state import ZONES, Load, State
from orin_core.errors import ClocksError

MIN_FILES = ("devices/system/cpu/cpu5/cpufreq/scaling_min_freq", "class/devfreq/17000000.gpu/min_freq")


def lowest(board: State) -> list[int]:
    return [board.number(name) for name in MIN_FILES]


def plant_fault(board: State, fault: str) -> None:
    board.write_json("faults.json", {"jetson_clocks": fault})


def test_clocks_are_locked_for_a_while_and_restored(board: State, tmp_path: Path) -> None:
    paths, store = board.paths(), tmp_path / "clocks.conf"
    assert clock_state(paths) is ClockState.OFF
    before = lowest(board)
    with Clocks(paths, store):
        assert clock_state(paths) is ClockState.ON
        assert lowest(board) == [2_201_600, 1_300_500_000]
        assert store.is_file()
    assert clock_state(paths) is ClockState.OFF
    assert lowest(board) == before
    assert not store.exists()


def test_an_idle_board_with_locked_clocks_runs_at_its_caps(board: State, tmp_path: Path) -> None:
    with Clocks(board.paths(), tmp_path / "clocks.conf"):
        reading = Model(0, dict.fromkeys(ZONES, 42.0)).step(0, 1.0, caps_in_force(board), Load())
    assert (reading.gpu_mhz, reading.cores[0] and reading.cores[0][1]) == (1300, 2201)


def test_clocks_are_restored_when_the_run_fails(board: State, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Clocks(board.paths(), tmp_path / "clocks.conf"):
        raise ZeroDivisionError
    assert clock_state(board.paths()) is ClockState.OFF


def test_what_a_killed_run_found_is_restored_by_the_next(board: State, tmp_path: Path) -> None:
    paths, store = board.paths(), tmp_path / "clocks.conf"
    before = lowest(board)
    Clocks(paths, store).lock()  # and never restored
    with Clocks(paths, store):
        assert clock_state(paths) is ClockState.ON
    assert lowest(board) == before
    assert not store.exists()


def test_clocks_that_somebody_else_locked_stay_locked(board: State, tmp_path: Path) -> None:
    paths = board.paths()
    subprocess.run(paths.jetson_clocks, check=True, timeout=60)
    with Clocks(paths, tmp_path / "clocks.conf"):
        pass
    assert clock_state(paths) is ClockState.ON


def test_refusals_say_what_to_do_and_change_nothing(
    board: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "SETTLE_S", 0.2)
    paths, store = board.paths(), tmp_path / "clocks.conf"
    before = lowest(board)
    plant_fault(board, "not_permitted")
    with pytest.raises(ClocksError, match="may not lock the clocks") as raised:
        Clocks(paths, store).lock()
    assert f"sudo jetson_clocks --store {store}" in raised.value.hint
    plant_fault(board, "not_applied")
    with pytest.raises(ClocksError, match="reported success and the clocks are off"):
        Clocks(paths, store).lock()
    with pytest.raises(ClocksError, match="no jetson_clocks"):
        Clocks(dataclasses.replace(paths, jetson_clocks=()), store).lock()
    with pytest.raises(ClocksError, match="cannot be started"):
        Clocks(dataclasses.replace(paths, jetson_clocks=(str(tmp_path),)), store).lock()
    assert lowest(board) == before
    assert not store.exists()


def test_a_failed_restore_keeps_what_was_found(board: State, tmp_path: Path) -> None:
    paths, store = board.paths(), tmp_path / "clocks.conf"
    held = Clocks(paths, store)
    held.lock()
    plant_fault(board, "not_permitted")
    with pytest.raises(ClocksError):
        held.restore()
    assert store.is_file()
    plant_fault(board, "")
    held.restore()
    assert clock_state(paths) is ClockState.OFF


def test_unknown_where_sysfs_does_not_tell(board: State, tmp_path: Path) -> None:
    assert clock_state(dataclasses.replace(board.paths(), sysfs=tmp_path)) is ClockState.UNKNOWN


def test_the_program_asks_before_it_overwrites_a_store(board: State, tmp_path: Path) -> None:
    argv = [*board.paths().jetson_clocks, "--store", str(tmp_path / "store")]
    assert subprocess.run(argv, check=False, timeout=60, capture_output=True).returncode == 0
    again = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False, timeout=60, capture_output=True, text=True)
    assert again.returncode == 1
    assert "Can I overwrite it?" in again.stdout
    shown = subprocess.run([*board.paths().jetson_clocks, "--show"], check=True, timeout=60, capture_output=True)
    assert b"17000000.gpu: MinFreq=306000000 MaxFreq=1300500000" in shown.stdout
