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
        {"profile": "quick"},
        {"min_items": -1},
        {"notes": "x" * 2001},
        {"ambient_c": -61.0},
        {"ambient_c": 80.5},
        {"ambient_c": float("nan")},
    ],
)
def test_bad_values_are_refused_with_a_hint(bad: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as caught:
        RunSpec(**{"model": "m", "dataset": "d", **bad}).validated()  # type: ignore[arg-type]
    assert caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("profile", "interval_ms", "seconds", "min_items"),
    [
        ("demo", 1000, 20.0, 0),
        ("standard", 1000, 70.0, 100),
        ("standard", 100, 70.0, 100),
        ("standard", 5000, 330.0, 100),
        ("formal", 1000, 630.0, 100),
        ("formal", 20_000, 1320.0, 100),
    ],
)
def test_without_a_length_measure_is_as_long_as_its_profile_needs(
    profile: str, interval_ms: int, seconds: float, min_items: int
) -> None:
    spec = RunSpec(model="m", dataset="d", profile=profile, interval_ms=interval_ms).validated()
    assert (spec.seconds, spec.items, spec.min_items) == (seconds, None, min_items)
    assert spec.validated() == spec


def test_a_length_that_was_given_is_kept() -> None:
    by_items = RunSpec(model="m", dataset="d", items=7).validated()
    by_seconds = RunSpec(model="m", dataset="d", seconds=3.0, profile="formal").validated()
    assert (by_items.seconds, by_items.items, by_items.min_items) == (None, 7, 0)
    assert (by_seconds.seconds, by_seconds.items, by_seconds.min_items) == (3.0, None, 0)


def test_notes_and_ambient_are_kept_as_typed() -> None:
    spec = RunSpec(model="m", dataset="d", notes="x" * 2000, ambient_c=-60.0).validated()
    assert run_spec_from_json(json.loads(json.dumps(to_json(spec)))) == spec


def test_phases_may_have_no_length() -> None:
    spec = RunSpec(model="m", dataset="d", idle_s=0, warmup_min_s=0, warmup_max_s=0, cooldown_s=0)
    assert spec.validated().idle_s == 0


def test_a_replay_needs_no_model() -> None:
    spec = RunSpec(telemetry="replay:some.log").validated()
    assert (spec.seconds, spec.min_items) == (None, 0)


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
