"""What changes no figure: order of fields, lost ticks, a wall clock that jumps. And idle ticks inside are seen."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.recordings.cases import base
from tests.bench.recordings.judging import Outcome, judged, judged_folder
from tests.bench.recordings.plan import GPU, HOST, Plan, Wrong
from tests.bench.recordings.write import build

SEEDS = range(3000, 3006)
_ORDERED_AS_PRINTED = ("power_rails",)


def _plan(seed: int) -> Plan:
    return base(seed, (HOST, GPU)[seed % 2])


def _figures(outcome: Outcome) -> dict[str, Any]:
    """The whole summary; what is listed in printed order is sorted."""
    summary = dict(outcome.summary)
    return summary | {key: sorted(summary[key]) for key in _ORDERED_AS_PRINTED}


def _shuffled(fields: list[str], rng: np.random.Generator) -> list[str]:
    """Everything behind the stamp in another order."""
    order = rng.permutation(len(fields) - 1) + 1
    return [fields[0], *(fields[int(i)] for i in order)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_the_fields_changes_no_figure(seed: int, tmp_path: Path) -> None:
    plain = judged(_plan(seed), tmp_path / "plain")
    shuffled = judged_folder(build(_plan(seed), tmp_path / "shuffled", edit=_shuffled))
    logs = [(one.built.recording.folder / "tegrastats.log").read_text() for one in (plain, shuffled)]
    assert logs[0] != logs[1]
    assert _figures(shuffled) == _figures(plain)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wall_clock_that_jumps_changes_no_figure(seed: int, tmp_path: Path) -> None:
    plan = _plan(seed)
    rng = np.random.default_rng(seed)
    jumps_s = tuple(float(jump_s) for jump_s in rng.choice([-86_400, -3600, -5, 3, 900, 7200, 40_000], 4))
    steady = judged(plan, tmp_path / "steady")
    jumped = judged(dataclasses.replace(plan, wall_jumps_s=jumps_s), tmp_path / "jumped")
    for name in ("run.csv", "tegrastats.log"):
        texts = [(one.built.recording.folder / name).read_text() for one in (steady, jumped)]
        assert texts[0] != texts[1]
    assert _figures(jumped) == _figures(steady)


@pytest.mark.parametrize("seed", SEEDS)
def test_dropped_ticks_change_no_figure(seed: int, tmp_path: Path) -> None:
    plan = dataclasses.replace(_plan(seed), measure_s=150.0, gap_share=0.0)
    whole = judged(plan, tmp_path / "whole")
    rng = np.random.default_rng(seed)
    dropped = frozenset(int(number) for number in rng.choice(np.arange(50, 150), 3, replace=False))
    thinned = judged_folder(build(plan, tmp_path / "thinned", drop=dropped))
    before, after = whole.summary, thinned.summary
    assert after["ticks"] < before["ticks"]
    for key in ("items", "fps_end_to_end", "fps_model", "latency_ms_p50", "total_inference_time_s"):
        assert after[key] == before[key]
    for key in ("power_w_mean", "energy_per_item_j", "energy_j", "ram_used_mb_mean", "gr3d_freq_mhz_mean"):
        assert after[key] == pytest.approx(before[key], rel=0.005), key
    assert after["gr3d_pct_mean"] == pytest.approx(before["gr3d_pct_mean"], abs=1.5)
    assert (thinned.status, thinned.kind) == (whole.status, whole.kind) == ("valid", plan.limited_by)


@pytest.mark.parametrize("pause_s", [10.0, 13.0, 20.0, 45.0])
@pytest.mark.parametrize("where", ["pause_s", "early_s", "late_s"])
def test_idle_ticks_inside_are_flagged(where: str, pause_s: float, tmp_path: Path) -> None:
    seed = 3100 + int(pause_s)
    wrong = Wrong(fault="idle ticks inside", **{where: pause_s})  # type: ignore[arg-type]
    outcome = judged(dataclasses.replace(_plan(seed), gap_share=0.0, wrong=wrong), tmp_path)
    assert outcome.status == "invalid"
    assert "idle-inside" in outcome.codes
    assert outcome.summary["idle_ticks_inside"] == pytest.approx(pause_s, abs=3)
