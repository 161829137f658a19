from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from orin_core.board.simulator.state import State as Board
from orin_core.diagnosis import board_checks
from orin_core.diagnosis.check import Check, State
from orin_core.diagnosis.subject import Subject
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from tests.unit.diagnosis.conftest import named, program

LISTING = """cat <<'END'
User ada may run the following commands on kit:
    (root) NOPASSWD: /usr/sbin/nvpmodel -m 0
{more}
END"""
ALL_FOUR = "\n".join(f"    (root) NOPASSWD: /usr/sbin/nvpmodel -m {mode_id}" for mode_id in range(1, 4))


def look(subject: Subject, name: str) -> Check:
    return named([look.check() for look in board_checks.looks(subject)], name)


def test_simulated_board_says_so(simulated: Subject) -> None:
    check = look(simulated, "board")
    assert check.state is State.WARNING
    assert "SIMULATED BOARD" in check.message


def test_jetson_is_named_with_its_release(jetson: Subject) -> None:
    check = look(jetson, "board")
    assert check.state is State.OK
    assert "NVIDIA Jetson AGX Orin Developer Kit, L4T R36 (release), REVISION: 4.0" in check.message


def test_jetson_that_does_not_tell_its_release(jetson: Subject) -> None:
    (jetson.root / "etc/nv_tegra_release").unlink()
    check = look(jetson, "board")
    assert (check.state, "L4T release" in check.message) == (State.WARNING, True)


def test_workstation_is_no_jetson(settings: Settings, tmp_path: Path) -> None:
    subject = Subject(settings=settings, root=tmp_path)
    assert look(subject, "board").message.startswith("This machine is no Jetson")
    assert {look(subject, name).message for name in ("power mode", "jetson_clocks")} == {board_checks.NO_MODES}


def test_mode_in_force_is_verified(simulated: Subject) -> None:
    check = look(simulated, "power mode")
    assert check.state is State.OK
    assert "MAXN, verified" in check.message
    assert "30W (2)" in check.message


def test_mode_that_is_only_written_is_a_problem_with_what_differs(jetson: Subject, board: Board) -> None:
    board.set_status(1)
    check = look(jetson, "power mode")
    assert check.state is State.PROBLEM
    assert "sudo nvpmodel -m 1" in check.hint
    assert any("TPC_PG_MASK is 0, not 248" in detail for detail in check.details)


@pytest.mark.parametrize(
    ("status", "says"), [("pmode:0009", "Mode 9 is set, which the conf does not list"), ("nothing", "cannot be read")]
)
def test_mode_that_the_conf_does_not_have(jetson: Subject, board: Board, status: str, says: str) -> None:
    (board.folder / "status").write_text(status)
    subject = dataclasses.replace(jetson, paths=dataclasses.replace(jetson.board(), nvpmodel=()))
    check = look(subject, "power mode")
    assert (check.state, says in check.message) == (State.WARNING, True)


def test_board_without_a_conf(jetson: Subject, board: Board) -> None:
    (board.folder / "nvpmodel.conf").unlink()
    check = look(jetson, "power mode")
    assert (check.state, "lists no power modes" in check.message) == (State.WARNING, True)


def test_clocks_on_off_and_unknown(simulated: Subject, board: Board) -> None:
    assert look(simulated, "jetson_clocks").message.startswith("Off")
    for low in board.sys.glob("devices/system/cpu/cpu*/cpufreq/scaling_min_freq"):
        low.write_text(low.with_name("scaling_max_freq").read_text())
    gpu = board.sys / "class/devfreq/17000000.gpu"
    (gpu / "min_freq").write_text((gpu / "max_freq").read_text())
    assert look(simulated, "jetson_clocks").message.startswith("On")
    (gpu / "min_freq").unlink()
    assert look(simulated, "jetson_clocks").state is State.WARNING


def test_rights_of_root_and_of_the_simulated_board(
    simulated: Subject, jetson: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look(simulated, "permission to switch").state is State.OK
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "root" in look(jetson, "permission to switch").message


@pytest.mark.parametrize(
    ("sudo", "state", "says"),
    [
        pytest.param(LISTING.format(more=ALL_FOUR), State.OK, "every mode through sudo", id="all"),
        pytest.param(LISTING.format(more=""), State.WARNING, "may not set 15W, 30W, 50W", id="one"),
        pytest.param("echo 'sudo: a password is required' >&2; exit 1", State.WARNING, "may not set power", id="none"),
    ],
)
def test_rights_of_a_user_are_those_that_sudo_lists(
    jetson: Subject, standins: Path, monkeypatch: pytest.MonkeyPatch, sudo: str, state: State, says: str
) -> None:
    program(standins, "sudo", sudo)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    check = look(jetson, "permission to switch")
    assert (check.state, says in check.message) == (state, True)
    assert ("--sudoers" in check.hint) == (state is State.WARNING)


def test_board_without_nvpmodel_cannot_switch(jetson: Subject) -> None:
    subject = dataclasses.replace(jetson, paths=dataclasses.replace(jetson.board(), nvpmodel=()))
    assert "no nvpmodel" in look(subject, "permission to switch").message


def test_who_holds_the_board_is_named(simulated: Subject) -> None:
    assert look(simulated, "board free").state is State.OK
    folder = simulated.settings.runs_dir / "20260102T030405Z_a_b_c_0a1b"
    with BoardLock(simulated.settings.state_dir) as lock:
        me = ProcessId.of(os.getpid())
        lock.write(Holder(folder=folder, runner=me, worker=None))
        check = look(simulated, "board free")
        assert (check.state, folder.name in check.message) == (State.WARNING, True)
        lock.write(Holder(folder=None, runner=me, worker=None))
        assert "kit-check" in look(simulated, "board free").message
        lock.write(Holder(folder=folder, runner=None, worker=me))
        assert "its worker still runs" in look(simulated, "board free").message
    assert look(simulated, "board free").state is State.OK


def test_interrupted_runs_are_counted_and_the_one_that_goes_on_is_not(simulated: Subject) -> None:
    assert look(simulated, "earlier runs").state is State.OK
    for number in range(3):
        (simulated.settings.runs_dir / f"20260102T03040{number}Z_a_b_c_0a1b").mkdir(parents=True)
    newest = simulated.settings.runs_dir / "20260102T030402Z_a_b_c_0a1b"
    (simulated.settings.runs_dir / "20260102T030400Z_a_b_c_0a1b" / "summary.json").write_text(json.dumps({}))
    with BoardLock(simulated.settings.state_dir) as lock:
        lock.write(Holder(folder=newest, runner=ProcessId.of(os.getpid()), worker=None))
        check = look(simulated, "earlier runs")
    assert check.state is State.WARNING
    assert check.message.startswith("1 of 3 runs")
    assert check.details == ("20260102T030401Z_a_b_c_0a1b",)
