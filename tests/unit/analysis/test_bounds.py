"""What a GPU can do at best, against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.analysis.bounds import fps_bound

GFLOP = {"resnet-152": 23.03, "depth-anything-v2-base": 380.7, "yolov8n": 8.74}
MODES = {"MAXN": (16, 1300), "50W": (16, 828), "30W": (8, 625), "15W": (6, 421)}
"""Multiprocessors that are powered, GPU clock in MHz."""

FP16_IMAGES_S: dict[str, dict[str, float]] = {
    "resnet-152": {"MAXN": 1850, "50W": 1177, "30W": 443, "15W": 224},
    "depth-anything-v2-base": {"MAXN": 112, "50W": 71, "30W": 27, "15W": 13.6},
    "yolov8n": {"MAXN": 4874, "50W": 3100, "30W": 1167, "15W": 592},
}


def summary(**changed: Any) -> dict[str, Any]:
    return {
        "source": "tegrastats",
        "device_type": "cuda",
        "precision": "fp16",
        "flop_per_item": 23.03e9,
        "multiprocessors": 16,
        "gr3d_freq_cap_mhz": 1300,
        **changed,
    }


def bound_fps(**changed: Any) -> float:
    found = fps_bound(summary(**changed))
    assert found is not None
    return found.fps


@pytest.mark.parametrize("model", GFLOP)
@pytest.mark.parametrize("mode", MODES)
def test_bounds_of_an_agx_orin(model: str, mode: str) -> None:
    units, clock_mhz = MODES[mode]
    fps = bound_fps(flop_per_item=GFLOP[model] * 1e9, multiprocessors=units, gr3d_freq_cap_mhz=clock_mhz)
    assert fps == pytest.approx(FP16_IMAGES_S[model][mode], rel=0.02)


@pytest.mark.parametrize(
    ("precision", "tf32_allowed", "share"),
    [
        ("fp16", None, 1.0),
        ("float16", False, 1.0),
        ("bf16", None, 1.0),
        ("int8", None, 2.0),
        ("fp32", True, 0.5),
        ("fp32", None, 0.5),  # nobody noted it: the looser bound
        ("fp32", False, 0.125),
        ("FP32", False, 0.125),
    ],
)
def test_bound_per_precision(precision: str, tf32_allowed: bool | None, share: float) -> None:
    fps = bound_fps(precision=precision, tf32_allowed=tf32_allowed)
    assert fps == pytest.approx(share * 16 * 2048 * 1.3e9 / 23.03e9)


@pytest.mark.parametrize(
    ("precision", "share"), [("fp32", 0.125), ("tf32", 0.5), ("fp16", 1.0), ("bf16", 1.0), ("int8", 2.0)]
)
@pytest.mark.parametrize("tf32_allowed", [True, False, None])
def test_a_run_that_names_its_method_is_held_to_its_own_precision(
    precision: str, share: float, tf32_allowed: bool | None
) -> None:
    fps = bound_fps(method="batched", precision=precision, tf32_allowed=tf32_allowed)
    assert fps == pytest.approx(share * bound_fps())


def test_published_resnet_row_is_one_percent_of_the_bound() -> None:
    assert 21.015 / bound_fps() == pytest.approx(0.011, abs=0.0005)
    assert 21.015 / bound_fps(precision="fp32", tf32_allowed=True) == pytest.approx(0.023, abs=0.0005)


def test_a_clock_that_was_seen_above_the_cap_counts() -> None:
    assert bound_fps(gr3d_freq_cap_mhz=612, gr3d_freq_mhz_max=1300) == pytest.approx(bound_fps())
    assert bound_fps(gr3d_freq_cap_mhz=1300, gr3d_freq_mhz_max=306) == pytest.approx(bound_fps())
    assert bound_fps(gr3d_freq_cap_mhz=None, gr3d_freq_mhz_max=1300) == pytest.approx(bound_fps())


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "simulated"},
        {"source": "host"},
        {"origin": "imported"},
        {"device_type": "cpu"},
        {"device_type": None},
        {"flop_per_item": None},
        {"flop_per_item": 0},
        {"flop_per_item": float("nan")},
        {"multiprocessors": None},
        {"gr3d_freq_cap_mhz": None},
        {"precision": None},
        {"precision": "something"},
    ],
)
def test_no_bound_where_a_part_is_not_known_or_the_board_did_not_compute(changed: dict[str, Any]) -> None:
    assert fps_bound(summary(**changed)) is None


def test_basis_names_what_it_rests_on() -> None:
    found = fps_bound(summary())
    assert found is not None
    assert found.basis == (
        "16 multiprocessors x 1300 MHz give at most 42.6 TFLOP/s in FP16; one image takes 23.03 GFLOP."
    )
