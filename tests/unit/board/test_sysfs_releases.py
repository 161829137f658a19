"""What sysfs says beside tegrastats, on trees of several JetPack releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from orin_core.board.sample import RailSample, Sample, power_w
from orin_core.board.sysfs import Sysfs
from orin_core.board.sysfs_sensors import OVER_CURRENT_MEANING, Fan
from tests.unit.board import sysfs_trees
from tests.unit.board.sysfs_trees import plant

ORIN_RAILS_MW = {"VDD_GPU_SOC": 2400, "VDD_CPU_CV": 800, "VIN_SYS_5V0": 3005, "VDDQ_VDD2_1V8AO": 500}
LINE = Sample(ram_used_mb=3000, gr3d_pct=40, gr3d_freq_mhz=(1300,))


def rails_mw(rails: dict[str, RailSample]) -> dict[str, int]:
    assert all(rail.average_mw is None for rail in rails.values())
    return {name: rail.current_mw for name, rail in rails.items()}


def test_agx_orin_jetpack5(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_orin_jetpack5()))
    assert (sysfs.gpu_clocks_mhz(), sysfs.gpu_load_pct(), sysfs.gpu_max_mhz()) == ((306,), 41, 1300)
    assert rails_mw(sysfs.rails_mw()) == ORIN_RAILS_MW
    assert sysfs.over_current() == {"oc1": 0, "oc2": 3, "oc3": 17}
    assert set(sysfs.over_current()) == set(OVER_CURRENT_MEANING)
    assert sysfs.fan() == Fan(pwm_pct=40.0, rpm=1875)
    assert sysfs.throttled() is False
    assert sysfs.clocks_locked() is False
    assert sysfs.notices == []
    assert sysfs.temperatures() == ({"CPU": 45.437, "tj": 46.25}, ("GPU", "CV0"))
    sysfs.temperatures()
    assert [notice.partition(":")[0] for notice in sysfs.notices] == ["temperature GPU"]


def test_agx_orin_jetpack6(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_orin_jetpack6()))
    assert (sysfs.gpu_clocks_mhz(), sysfs.gpu_load_pct()) == ((612,), 99)
    assert rails_mw(sysfs.rails_mw()) == ORIN_RAILS_MW
    assert sysfs.over_current() == {"oc1": 0, "oc2": 0, "oc3": 0}
    assert sysfs.fan() == Fan(pwm_pct=100.0, rpm=None)
    assert sysfs.throttled() is True
    assert sysfs.cores_online() == tuple(range(8))
    assert sysfs.clocks_locked() is True
    assert sysfs.throttle_trip_c() == 99.0
    assert sysfs.temperatures() == ({"cpu": 61.5, "gpu": 59.968, "tj": 61.5}, ("cv0",))


def test_agx_thor_jetpack7(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_thor_jetpack7()))
    assert (sysfs.gpu_clocks_mhz(), sysfs.gpu_load_pct()) == ((1575,), 6), "the video engine is not the GPU"
    assert rails_mw(sysfs.rails_mw()) == {"VDD_GPU": 10_800}, "what cannot be read is absent, not 0"
    assert sysfs.over_current() == {}
    assert sysfs.fan() == Fan(pwm_pct=0.0, rpm=0)
    assert sysfs.throttled() is False
    for _ in range(3):
        sysfs.rails_mw()
        sysfs.over_current()
    assert [notice.partition(":")[0] for notice in sysfs.notices] == [
        "rail VDD_CPU_SOC_MSS",
        "over-current counters",
    ]
    assert "cannot be read (Is a directory)" in sysfs.notices[0]


def test_xavier_nx_jetpack4(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.xavier_nx_jetpack4()))
    assert (sysfs.gpu_clocks_mhz(), sysfs.gpu_load_pct()) == ((114,), 0)
    assert rails_mw(sysfs.rails_mw()) == {"VDD_IN": 2532, "VDD_CPU_GPU_CV": 410, "VDD_SOC": 738}
    assert sysfs.temperatures() == ({"CPU": 35.5, "GPU": 34.0}, ()), "PMIC is a constant"
    assert sysfs.fan() == Fan(pwm_pct=20.0, rpm=1200)
    assert sysfs.throttled() is True
    assert sysfs.cores_online() == (0, 1)


def test_nothing_there_is_absent_and_named_once(tmp_path: Path) -> None:
    sysfs = Sysfs(tmp_path)
    for _ in range(3):
        assert sysfs.rails_mw() == {}
        assert sysfs.temperatures() == ({}, ())
        assert sysfs.over_current() == {}
        assert sysfs.fan() is None
        assert sysfs.clocks_locked() is None
    named = sorted(notice.partition(":")[0] for notice in sysfs.notices)
    assert named == ["GPU clock", "fan", "over-current counters", "rails", "temperatures"]


def test_a_line_without_rails_and_temperatures_is_completed(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_orin_jetpack6()))
    sample = sysfs.complete(LINE)
    assert power_w(sample) == sum(ORIN_RAILS_MW.values()) / 1000
    assert sample.temps_c["tj"] == 61.5
    assert sample.temps_off == ("cv0",)
    assert sample.ram_used_mb == 3000


def test_rails_of_a_line_are_never_mixed_with_those_of_sysfs(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_orin_jetpack6()))
    whole = Sample(
        gr3d_pct=40,
        gr3d_freq_mhz=(1300,),
        temps_c={"tj": 50.0},
        power_mw={"VDD_GPU_SOC": RailSample(current_mw=1988, average_mw=1988)},
    )
    assert sysfs.complete(whole) is whole
    assert sysfs.complete(LINE) == LINE, "a cut line of a board that prints rails stays without"


def test_over_current_is_cumulative(tmp_path: Path) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_orin_jetpack5()))
    before = sysfs.over_current()
    (tmp_path / "class/hwmon/hwmon1/oc3_event_cnt").write_text("19\n")
    assert {name: count - before[name] for name, count in sysfs.over_current().items()} == {
        "oc1": 0,
        "oc2": 0,
        "oc3": 2,
    }


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        ("class/devfreq/17000000.gpu/min_freq", None),
        ("devices/system/cpu/cpu3/cpufreq/scaling_min_freq", None),
    ],
)
def test_clocks_are_unknown_where_one_cannot_be_read(tmp_path: Path, gone: str, expected: bool | None) -> None:
    sysfs = Sysfs(plant(tmp_path, sysfs_trees.agx_orin_jetpack6()))
    (tmp_path / gone).unlink()
    assert sysfs.clocks_locked() is expected
