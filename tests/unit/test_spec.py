"""Specs are checked before anything starts, and survive JSON."""

from __future__ import annotations

import json

import pytest

from orin_core.errors import BadRequest
from orin_core.spec import (
    DatasetSpec,
    ModelSpec,
    RunSpec,
    Task,
    WorkerSpec,
    run_spec_from_json,
    to_json,
    worker_spec_from_json,
)


@pytest.mark.parametrize(
    "bad",
    [
        {"items": 0},
        {"items": -3},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"items": 5, "seconds": 5.0},
        {"batch_size": 0},
        {"interval_ms": 1},
        {"idle_s": -1.0},
        {"cooldown_s": float("nan")},
        {"warmup_min_s": 200.0},
        {"weights": "stolen"},
        {"images": "none"},
        {"model": None},
        {"dataset": ""},
        {"seed": -1},
        {"seed": 2**32},
    ],
)
def test_bad_values_are_refused_with_a_hint(bad: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as caught:
        RunSpec(**{"model": "m", "dataset": "d", **bad}).validated()  # type: ignore[arg-type]
    assert caught.value.message
    assert caught.value.hint


def test_without_a_length_measure_takes_a_minute() -> None:
    assert RunSpec(model="m", dataset="d").validated().seconds == 60.0
    assert RunSpec(model="m", dataset="d", items=7).validated().seconds is None


def test_phases_may_have_no_length() -> None:
    spec = RunSpec(model="m", dataset="d", idle_s=0, warmup_min_s=0, warmup_max_s=0, cooldown_s=0)
    assert spec.validated().idle_s == 0


def test_a_replay_needs_no_model() -> None:
    assert RunSpec(telemetry="replay:some.log").validated().seconds is None


def test_worker_spec_survives_json() -> None:
    spec = WorkerSpec(
        run=RunSpec(model="m", dataset="d", items=3),
        model=ModelSpec(name="m", label="M", task=Task.DEPTH, model_id="org/m", weights="random"),
        dataset=DatasetSpec(name="d", label="D", kind="synthetic", dataset_id="org/d", items=10),
        lock_fd=7,
    )
    assert worker_spec_from_json(json.loads(json.dumps(to_json(spec)))) == spec


@pytest.mark.parametrize("document", [None, [], "x", {"modell": "resnet"}])
def test_foreign_json_is_refused(document: object) -> None:
    with pytest.raises(BadRequest):
        run_spec_from_json(document)
