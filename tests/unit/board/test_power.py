from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from orin_core.board import power
from orin_core.board.nvpmodel_conf import parse_conf
from orin_core.board.paths import is_jetson
from orin_core.board.simulator.state import State
from orin_core.errors import (
    PowerModeNeedsReboot,
    PowerModeNotApplied,
    PowerModeNotPermitted,
    PowerModeRefused,
    PowerModeUnknown,
)
from orin_core.spec import PowerMode

MAXN = PowerMode(mode_id=0, name="MAXN")
MODE_15W = PowerMode(mode_id=1, name="MODE_15W")
MODE_50W = PowerMode(mode_id=3, name="MODE_50W")


def nvpmodel(board: State, *args: str, text: str = "") -> subprocess.CompletedProcess[str]:
    argv = [*board.paths().nvpmodel, *args]
    return subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60)


def test_modes_come_from_the_conf(board: State) -> None:
    paths = board.paths()
    assert [mode.name for mode in power.list_modes(paths)] == ["MAXN", "MODE_15W", "MODE_30W", "MODE_50W"]
    paths.conf.write_text("<POWER_MODEL ID=7 NAME=CUSTOM>\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=2 NAME=X >\n")
    assert power.list_modes(paths) == (PowerMode(mode_id=7, name="CUSTOM"), PowerMode(mode_id=2, name="X"))
    paths.conf.unlink()
    assert power.list_modes(paths) == ()


@pytest.mark.parametrize("text", ["1", "MODE_15W", "mode_15w", "15W", " 15w "])
def test_a_mode_is_found_by_id_and_name(board: State, text: str) -> None:
    assert power.find_mode(text, power.list_modes(board.paths())) == MODE_15W


def test_an_unknown_mode_names_what_there_is(board: State) -> None:
    with pytest.raises(PowerModeUnknown, match="MODE_30W") as raised:
        power.find_mode("60W", power.list_modes(board.paths()))
    assert "MAXN (0)" in raised.value.hint


def test_current_mode_from_status_else_from_the_program(board: State) -> None:
    paths = board.paths()
    assert power.current_mode(paths) == MAXN
    paths.status.write_text("pmode:0003 fmode:quiet\n")
    assert power.current_mode(paths) == MODE_50W
    query = paths.status.with_name("query.py")
    query.write_text("print('NVPM WARN: fan mode is not set!\\nNV Power Mode: MODE_15W\\n1')")
    other = dataclasses.replace(paths, status=Path("/nonexistent"), nvpmodel=(sys.executable, str(query)))
    assert power.current_mode(other) == MODE_15W
    assert power.current_mode(dataclasses.replace(other, nvpmodel=())) is None


def test_a_live_change_is_verified(board: State) -> None:
    paths = board.paths()
    assert power.effective_limits(paths).gpu_max_mhz == 1300
    power.set_mode(paths, MODE_50W)
    assert power.current_mode(paths) == MODE_50W
    assert power.mismatches(paths, MODE_50W) == []
    assert power.effective_limits(paths).cpu_max_mhz == power.limits_of(paths, MODE_50W).cpu_max_mhz == 1497
    assert any("1497600, not 2201600" in text for text in power.mismatches(paths, MAXN))
    power.set_mode(paths, MAXN)
    assert power.mismatches(paths, MAXN) == []


def test_a_reboot_is_asked_for_and_never_confirmed(board: State) -> None:
    paths = board.paths()
    boot_id = (board.folder / "boot_id").read_text()
    with pytest.raises(PowerModeNeedsReboot, match="reboot") as raised:
        power.set_mode(paths, MODE_15W)
    assert "-m 1" in raised.value.hint
    assert power.current_mode(paths) == MAXN
    assert (board.folder / "boot_id").read_text() == boot_id


def test_a_reboot_that_a_person_confirmed(board: State) -> None:
    paths = board.paths()
    boot_id = (board.folder / "boot_id").read_text()
    power.reboot_into(paths, MODE_15W)
    assert (board.folder / "boot_id").read_text() != boot_id
    assert power.current_mode(paths) == MODE_15W
    assert power.mismatches(paths, MODE_15W) == []


@pytest.mark.parametrize(("fault", "error"), [("refuse", PowerModeRefused), ("not_permitted", PowerModeNotPermitted)])
def test_a_reboot_that_is_refused_names_the_command(board: State, fault: str, error: type[Exception]) -> None:
    board.write_json("faults.json", {"nvpmodel": fault})
    boot_id = (board.folder / "boot_id").read_text()
    with pytest.raises(error, match="-m 1"):
        power.reboot_into(board.paths(), MODE_15W)
    assert (board.folder / "boot_id").read_text() == boot_id
    with pytest.raises(PowerModeRefused, match="no nvpmodel"):
        power.reboot_into(dataclasses.replace(board.paths(), nvpmodel=()), MODE_15W)
    with pytest.raises(PowerModeUnknown):
        power.reboot_into(board.paths(), PowerMode(mode_id=9, name="NINE"))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refuse", PowerModeRefused),
        ("not_permitted", PowerModeNotPermitted),
        ("not_applied", PowerModeNotApplied),
    ],
)
def test_other_answers_have_errors_of_their_own(board: State, fault: str, error: type[Exception]) -> None:
    board.write_json("faults.json", {"nvpmodel": fault})
    with pytest.raises(error) as raised:
        power.set_mode(board.paths(), MODE_50W, settle_s=0.2)
    assert "-m 3" in str(raised.value), "the hint has the exact command"
    assert power.mismatches(board.paths(), MAXN) == []


def test_a_program_that_hangs_is_ended(board: State) -> None:
    board.write_json("faults.json", {"nvpmodel": "hang"})
    with pytest.raises(PowerModeRefused, match="did not answer within 1 s"):
        power.set_mode(board.paths(), MODE_50W, timeout_s=1.0)


def test_no_program_and_no_sysfs(board: State, tmp_path: Path) -> None:
    paths = board.paths()
    with pytest.raises(PowerModeRefused, match="no nvpmodel"):
        power.set_mode(dataclasses.replace(paths, nvpmodel=()), MODE_50W)
    nowhere = dataclasses.replace(paths, sysfs=tmp_path / "none")
    assert len(power.mismatches(nowhere, MAXN)) == 1, "a mode that cannot be verified is not in force"


def test_conf_syntax() -> None:
    conf = parse_conf(
        "# comment\n<PARAM TYPE=FILE NAME=CPU_ONLINE>\nCORE_0 /sys/a\n< POWER_MODEL ID=1 NAME=MODE_15W >\n"
        "CPU_ONLINE CORE_0 1 # on\nCPU_ONLINE CORE_1 0\nCPU_A78_0 MAX_FREQ 1113600\nGPU MAX_FREQ -1\n"
        "GPU_POWER_CONTROL_ENABLE GPU_PWR_CNTL_EN on\n< PM_CONFIG DEFAULT=2 >\n"
    )
    assert conf.files == {("CPU_ONLINE", "CORE_0"): "/sys/a"}
    assert conf.default_id == 2
    limits = conf.modes[0].limits()
    assert (limits.cores_online, limits.cpu_max_mhz, limits.gpu_max_mhz) == ((0,), 1113, None)


def test_the_program_reboots_only_on_yes(board: State) -> None:
    boot_id = (board.folder / "boot_id").read_text()
    declined = nvpmodel(board, "-m", "1", text="no\n")
    assert declined.returncode == 234
    assert "Reboot required for changing to this power mode: 1" in declined.stdout
    assert declined.stdout.endswith("NVPM ERROR: bad input!\n")
    assert nvpmodel(board, "-q").stdout == "NV Power Mode: MAXN\n0\n"
    assert nvpmodel(board, "-m", "1", text="YES\n").returncode == 0
    assert nvpmodel(board, "-q").stdout == "NV Power Mode: MODE_15W\n1\n"
    assert (board.folder / "boot_id").read_text() != boot_id
    assert power.mismatches(board.paths(), MODE_15W) == []
    assert power.effective_limits(board.paths()).cores_online == (0, 1, 2, 3)
    assert nvpmodel(board, "-m", "9").returncode not in (0, 234)


def test_a_jetson_is_told_by_its_release_or_device_tree(tmp_path: Path) -> None:
    assert not is_jetson(tmp_path)
    tree = tmp_path / "proc/device-tree"
    tree.mkdir(parents=True)
    (tree / "compatible").write_bytes(b"nvidia,p3737-0000+p3701-0005\0nvidia,tegra234\0")
    assert is_jetson(tmp_path)
