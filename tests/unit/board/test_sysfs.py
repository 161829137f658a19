from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from orin_core.board.sample import RailSample, Sample
from orin_core.board.simulator.state import State
from orin_core.board.sysfs import Sysfs

GPU = "class/devfreq/17000000.gpu"


@pytest.fixture
def sysfs(board: State) -> Sysfs:
    return Sysfs(board.sys)


def write(sysfs: Sysfs, name: str, text: str) -> None:
    (sysfs.root / name).write_text(text)


def test_clocks_and_load(sysfs: Sysfs) -> None:
    write(sysfs, f"{GPU}/cur_freq", "1300500000\n")
    write(sysfs, "devices/platform/gpu.0/load", "873\n")
    assert sysfs.gpu_clocks_mhz() == (1300,)
    assert sysfs.gpu_load_pct() == 87
    assert sysfs.notices == []


def test_throttling_counts_throttling_devices_only(sysfs: Sysfs) -> None:
    assert sysfs.throttled() is False
    kinds = {path.read_text().strip(): path.parent for path in sysfs.root.glob("class/thermal/cooling_device*/type")}
    fan, alert = kinds["pwm-fan"], kinds["gpu-throttle-alert"]
    (fan / "cur_state").write_text("3\n")
    assert sysfs.throttled() is False
    (alert / "cur_state").write_text("1\n")
    assert sysfs.throttled() is True


def test_trip_points(sysfs: Sysfs) -> None:
    assert {(point.zone, point.kind, point.temp_c) for point in sysfs.trip_points()} >= {
        ("tj-thermal", "passive", 99.0),
        ("tj-thermal", "critical", 104.5),
    }
    assert sysfs.throttle_trip_c() == 99.0


def test_cores(sysfs: Sysfs) -> None:
    write(sysfs, "devices/system/cpu/cpu11/online", "0\n")
    (sysfs.root / "devices/system/cpu/cpu0/online").unlink()
    assert sysfs.cores_online() == tuple(range(11))
    assert sysfs.cpu_max_mhz() == 2201


def test_what_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    sysfs = Sysfs(tmp_path)
    for _ in range(3):
        assert sysfs.gpu_clocks_mhz() == ()
        assert sysfs.gpu_load_pct() is None
        assert sysfs.throttled() is None
    assert sysfs.cores_online() is None
    assert sorted(notice.partition(":")[0] for notice in sysfs.notices) == ["GPU clock", "GPU load", "throttling"]


def test_no_number_is_absent_and_named(sysfs: Sysfs) -> None:
    write(sysfs, f"{GPU}/cur_freq", "N/A\n")
    assert sysfs.gpu_clocks_mhz() == ()
    assert len(sysfs.notices) == 1
    assert "holds no number" in sysfs.notices[0]


def test_a_line_without_gpu_clock_is_completed(sysfs: Sysfs) -> None:
    write(sysfs, f"{GPU}/cur_freq", "408000000\n")
    printed = Sample(
        gr3d_pct=5,
        gr3d_freq_mhz=(1300, 0),
        temps_c={"tj": 42.0},
        power_mw={"VDD_GPU_SOC": RailSample(current_mw=1988, average_mw=1988)},
    )
    assert sysfs.complete(printed) is printed
    assert sysfs.complete(dataclasses.replace(printed, gr3d_freq_mhz=())) == dataclasses.replace(
        printed, gr3d_freq_mhz=(408,)
    )
