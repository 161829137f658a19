from __future__ import annotations

import re
from pathlib import Path

import pytest

from orin_core.board.nvpmodel_conf import parse_conf
from orin_core.board.simulator.state import State as Board
from orin_core.diagnosis import kit_compare
from orin_core.diagnosis.kit_compare import AGX_ORIN_DEFAULT_ID, AGX_ORIN_MODES, Comparison
from orin_core.settings import PROJECT_ROOT


def differing(found: list[Comparison]) -> dict[str, object]:
    return {item.what: item.found for item in found if not item.agrees}


def test_table_is_the_one_of_the_docs() -> None:
    text = (PROJECT_ROOT / "docs" / "jetson.md").read_text()
    rows = re.findall(
        r"^\| (\d) (\w+)( \(usual default\))? \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\w+) \|$", text, re.M
    )
    assert [
        (row.mode_id, row.name, row.cores, row.tpc_pg_mask, row.cpu_max_mhz, row.gpu_max_mhz, row.emc_max_mhz)
        for row in AGX_ORIN_MODES
    ] == [
        (int(mode_id), name, *map(int, numbers), None if emc == "none" else int(emc))
        for mode_id, name, _, *numbers, emc in rows
    ]
    assert [int(row[0]) for row in rows if row[2]] == [AGX_ORIN_DEFAULT_ID]


def test_the_simulated_conf_agrees(board: Board) -> None:
    assert differing(kit_compare.compare_modes(board.conf(), board.paths())) == {}


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("NAME=MODE_15W", "NAME=MODE_20W", {"mode 1: name": "MODE_20W"}),
        ("TPC_PG_MASK 248", "TPC_PG_MASK 252", {"mode 1: TPC mask": 252}),
        ("MAX_FREQ 612000000", "MAX_FREQ 625500000", {"mode 2: GPU at most, MHz": 625}),
        ("MAX_FREQ 612000000", "MAX_FREQ 614400000", {}),
        ("DEFAULT=2", "DEFAULT=0", {"default mode": 0}),
        ("MAX_FREQ 2133000000", "MAX_FREQ 0", {"mode 1: EMC cap, MHz": None}),
        ("ID=3 ", "ID=4 ", {"ids of the modes": [0, 1, 2, 4]}),
    ],
)
def test_what_differs_is_named(board: Board, old: str, new: str, differs: dict[str, object]) -> None:
    text = (board.folder / "nvpmodel.conf").read_text()
    assert old in text
    conf = parse_conf(text.replace(old, new))
    assert differing(kit_compare.compare_modes(conf, board.paths())) == differs


def test_sysfs_that_says_otherwise_is_named(board: Board) -> None:
    assert differing(kit_compare.compare_sysfs(board.paths())) == {"rails readable": []}
    (board.sys / "class/hwmon/hwmon0/oc3_event_cnt").unlink()
    board.set_status(1)
    found = differing(kit_compare.compare_sysfs(board.paths()))
    assert found["over-current counters"] == ["oc1", "oc2"]
    assert "TPC_PG_MASK is 0, not 248" in str(found["mode that is set"])


RAILS = "VDD_GPU_SOC 2385mW/2385mW VDD_CPU_CV 795mW/795mW VIN_SYS_5V0 4000mW/4000mW"
AS_USER = f"11-24-2026 20:23:11 RAM 3396/30698MB (lfb 3x4MB) GR3D_FREQ 57% cpu@43.968C {RAILS}"
AS_ROOT = AS_USER.replace("GR3D_FREQ 57%", "EMC_FREQ 4%@1600 GR3D_FREQ 57%@[305,305]")


@pytest.mark.parametrize(
    ("line", "who", "differs"),
    [
        (AS_USER, "user", set()),
        (AS_ROOT, "root", set()),
        (AS_ROOT, "user", {"tegrastats as user: EMC and GPU clock printed"}),
        (AS_USER.replace("VIN_SYS_5V0", "VDD_IN"), "user", {"tegrastats as user: rails"}),
        ("hello", "user", {"tegrastats as user: lines understood", "tegrastats as user: rails"}),
    ],
)
def test_lines_are_compared_with_what_is_said_of_them(line: str, who: str, differs: set[str]) -> None:
    assert set(differing(kit_compare.compare_lines([line, line], who))) == differs


def test_another_mask_should_need_a_reboot(board: Board) -> None:
    reboot = "PowerModeNeedsReboot"
    outcomes = {0: "reached", 1: reboot, 2: reboot, 3: "reached"}
    assert differing(kit_compare.compare_switches(0, board.conf(), outcomes)) == {}
    outcomes[3] = reboot
    assert differing(kit_compare.compare_switches(0, board.conf(), outcomes)) == {"switch to mode 3": reboot}
    assert kit_compare.compare_switches(0, board.conf(), {}) == []


def test_cost_is_measured(board: Board, tmp_path: Path) -> None:
    from orin_core.diagnosis.kit_collect import sysfs_cost

    cost = sysfs_cost(board.sys, AS_ROOT, ticks=20)
    assert cost["tick_us"] > 0
    assert cost["all_us"] > 0
