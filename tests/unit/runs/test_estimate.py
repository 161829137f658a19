"""How long a run will take, by an earlier one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from orin_core.runs import launcher, store
from orin_core.spec import RunSpec, to_json

EARLIER = RunSpec(model="resnet-152", dataset="cifar100", items=100, idle_s=10.0, warmup_min_s=5.0, cooldown_s=8.0)
BEGINS = {"idle": 0.0, "load": 10.0, "warmup": 14.0, "measure": 20.0, "cooldown": 30.0}


def earlier(runs_dir: Path, *, end_s: float | None) -> None:
    """Writes a run of 10 images a second."""
    folder = runs_dir / "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"
    folder.mkdir(parents=True)
    store.write_json(folder / store.SPEC, to_json(EARLIER.validated()))
    store.write_json(folder / store.SUMMARY, {"state": "done", "fps_end_to_end": 10.0})
    with store.Recorder(folder, source="simulated") as recorder:
        for phase, begin_s in BEGINS.items():
            recorder.event("phase", recorder.t0_s + begin_s, phase=phase)
        if end_s is not None:
            recorder.event("end", recorder.t0_s + end_s, state="done")


@pytest.mark.parametrize(
    ("end_s", "expected_s"),
    [
        (60.0, 10 + 10 + 20 + 22 + 30),  # idle, load and warm-up, measure, the model alone, cooldown
        (36.0, 10 + 10 + 20 + 30),  # ended before its cooldown was over
        (None, 10 + 10 + 20 + 30),
    ],
)
def test_what_follows_measure_counts_beside_the_cooldown(
    tmp_path: Path, end_s: float | None, expected_s: float
) -> None:
    earlier(tmp_path, end_s=end_s)
    asked = dataclasses.replace(EARLIER, items=200, cooldown_s=30.0)
    assert launcher.estimate_s(asked, tmp_path) == pytest.approx(expected_s)


def test_without_an_earlier_run_of_the_same_kind_nothing_is_estimated(tmp_path: Path) -> None:
    earlier(tmp_path, end_s=60.0)
    assert launcher.estimate_s(dataclasses.replace(EARLIER, model="yolov8n"), tmp_path) is None
