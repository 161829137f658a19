"""What a device rules out, whatever machine the tests run on; and what is asked of the worker before a run."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from orin_core import abilities
from orin_core.abilities import CPU, CUDA, TENSORRT, Abilities, Work
from orin_core.errors import BadRequest, CellsRefused
from orin_core.methods import PRECISIONS, Method, Precision
from orin_core.runs import device_check, launcher, store, worker_process
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.prepare import prepare
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.spec import RunSpec, Task, to_json
from orin_core.sweeps import control
from orin_core.sweeps import spec as specs
from tests.conftest import Home
from tests.unit import stand_in_describer

ORIN = Abilities(cuda=True, tf32=True, bf16=True, providers=(TENSORRT, CUDA, CPU))
TURING = dataclasses.replace(ORIN, tf32=False, bf16=False)
HOST = Abilities(cuda=False, tf32=False, bf16=True, providers=(CPU,))
GRAPH = Work(method=Method.GRAPH, precision=Precision.FP32)


def work(method: Method, precision: Precision = Precision.FP32, task: Task | None = None) -> Work:
    return Work(method=method, precision=precision, task=task)


@pytest.mark.parametrize(
    ("asked", "device", "said"),
    [
        (GRAPH, HOST, "graph needs CUDA"),
        (work(Method.BATCHED, Precision.TF32), HOST, "inference runs on the CPU here"),
        (work(Method.BATCHED, Precision.TF32), TURING, "compute capability 8.0"),
        (work(Method.BATCHED, Precision.BF16), TURING, "does not compute in bf16"),
        (work(Method.PIPELINE, Precision.FP16, Task.DETECTION), HOST, "YOLO's predict does not compute in fp16"),
        (work(Method.PIPELINE, Precision.BF16, Task.DETECTION), ORIN, "YOLO's predict does not compute in bf16"),
        (work(Method.ONNX), dataclasses.replace(HOST, onnx_lacks=("onnx",)), "needs onnx, and that is not installed"),
        (work(Method.ONNX), dataclasses.replace(ORIN, providers=(CPU,)), f"none of {TENSORRT}, {CUDA}; it has {CPU}"),
        (work(Method.ONNX, Precision.INT8), dataclasses.replace(ORIN, providers=(CUDA, CPU)), f"needs {TENSORRT}"),
    ],
)
def test_what_a_device_cannot_do_is_refused_with_what_is_missing(asked: Work, device: Abilities, said: str) -> None:
    error = abilities.refusal(asked, device)
    assert isinstance(error, BadRequest)
    assert said in error.message
    assert "--" not in error.hint
    assert abilities.hangs_on_device(asked)


@pytest.mark.parametrize("task", [None, *Task])
def test_an_orin_does_all_but_what_a_library_does_on_no_device(task: Task | None) -> None:
    refused = {
        (method, precision)
        for method, precisions in PRECISIONS.items()
        for precision in precisions
        if abilities.refusal(work(method, precision, task), ORIN) is not None
    }
    assert refused == ({(Method.PIPELINE, Precision.BF16)} if task is Task.DETECTION else set())


def test_what_every_device_does_needs_no_question() -> None:
    for task in Task:
        for method in (Method.REFERENCE, Method.BATCHED):
            assert not abilities.hangs_on_device(work(method, task=task))
    # What ONNX Runtime has is not known: whoever opens the model finds out.
    assert abilities.refusal(work(Method.ONNX, Precision.INT8), dataclasses.replace(ORIN, providers=None)) is None


@pytest.mark.parametrize("device", [ORIN, HOST, dataclasses.replace(HOST, onnx_lacks=("onnx",), providers=None)])
def test_abilities_survive_json(device: Abilities) -> None:
    assert abilities.from_json(json.loads(json.dumps(to_json(device)))) == device


@pytest.mark.parametrize("document", [None, {}, [], 3, {"cuda": True}, {**to_json(HOST), "providers": 7}])
def test_what_are_no_abilities_is_none(document: Any) -> None:
    assert abilities.from_json(document) is None


# -- asking the worker -----------------------------------------------------------------------------


@pytest.fixture
def describer(home: Home, monkeypatch: pytest.MonkeyPatch) -> stand_in_describer.Describer:
    """The worker is a program that says what a test has written down, and counts how often it was asked."""
    monkeypatch.setattr(worker_process, "WORKER_MODULE", "tests.unit.stand_in_describer")
    home.settings.state_dir.mkdir(parents=True)
    return stand_in_describer.Describer(home.settings.state_dir)


def refused(home: Home, *works: Work, may_ask: bool = True) -> list[bool]:
    found = device_check.refusals(works, home.settings.state_dir, may_ask=may_ask)
    return [error is not None for error in found]


def test_the_worker_is_asked_once_and_anew_before_anything_is_refused(
    home: Home, describer: stand_in_describer.Describer
) -> None:
    describer.says(ORIN)
    assert refused(home, work(Method.BATCHED), work(Method.REFERENCE)) == [False, False]
    assert describer.asked == 0
    assert refused(home, GRAPH, work(Method.PIPELINE, Precision.BF16, Task.DETECTION)) == [False, True]
    assert describer.asked == 1
    describer.says(HOST)
    assert refused(home, GRAPH) == [False]
    assert describer.asked == 1, "what is kept lets it pass"
    assert refused(home, work(Method.PIPELINE, Precision.BF16, Task.DETECTION)) == [True]
    assert describer.asked == 2
    assert refused(home, GRAPH, may_ask=False) == [False], "what is kept may be out of date"
    describer.says(ORIN)
    assert (refused(home, GRAPH), describer.asked) == ([False], 3)


def test_what_is_kept_is_of_one_installation_and_nobody_knowing_refuses_nothing(
    home: Home, describer: stand_in_describer.Describer
) -> None:
    path = home.settings.state_dir / device_check.KEPT
    store.write_json(path, {"of": "another", "abilities": to_json(ORIN)})
    assert refused(home, GRAPH, may_ask=False) == [False]
    # It has nothing to say: it ends without a word.
    assert (refused(home, GRAPH), describer.asked) == ([False], 1)
    describer.says(HOST)
    assert refused(home, GRAPH) == [True]
    path.write_text("[")
    assert refused(home, GRAPH) == [True]


def sweep(**changes: Any) -> specs.SweepSpec:
    common = {"weights": "random", "images": "synthetic", "seconds": 1.0}
    axes = {"models": ["resnet-152", "yolov8n"], "datasets": ["cifar100"], "methods": ["batched", "graph", "pipeline"]}
    return specs.from_json({**axes, "precisions": ["fp32", "tf32", "fp16"], "run": common, **changes})


def test_a_sweep_says_at_its_check_what_the_device_cannot_do_and_how_to_leave_out_no_more(
    home: Home, describer: stand_in_describer.Describer
) -> None:
    describer.says(HOST)
    with pytest.raises(CellsRefused) as wrong:
        control.plan(sweep(), home.settings)
    assert describer.asked == 1
    for part in ("graph needs CUDA", "TF32 is an arithmetic", "YOLO's predict does not compute in fp16"):
        assert wrong.value.message.count(part) == 1
    exclusions = json.loads(wrong.value.hint.partition('"exclude": ')[2].rstrip("."))
    assert tuple(exclusions) == wrong.value.exclusions
    assert exclusions == [
        {"method": "graph"},
        {"precision": "tf32"},
        {"model": "yolov8n", "method": "pipeline", "precision": "fp16"},
    ]
    assert len(control.plan(sweep(exclude=exclusions), home.settings).order) == 4 + 3
    with pytest.raises(BadRequest, match="graph needs CUDA") as none_left:
        control.plan(sweep(methods=["graph"]), home.settings)
    assert "exclude" not in none_left.value.hint


def test_while_a_run_goes_on_a_sweep_is_checked_without_asking_the_device(
    home: Home, describer: stand_in_describer.Describer, tmp_path: Path
) -> None:
    describer.says(HOST)
    settings: Settings = home.settings
    with BoardLock(settings.state_dir) as lock:
        lock.write(Holder(folder=tmp_path, runner=ProcessId.of(os.getpid()), worker=None))
        assert launcher.active(settings) is not None
        assert len(control.plan(sweep(methods=["graph"], precisions=["fp32"]), settings).order) == 2
    assert describer.asked == 0


def test_a_run_that_the_device_cannot_do_is_refused_and_leaves_nothing(
    home: Home, describer: stand_in_describer.Describer
) -> None:
    describer.says(HOST)
    asked = RunSpec(model="resnet-152", dataset="cifar100", weights="random", images="synthetic", seconds=1.0,
                    telemetry="simulated", method="graph", power_mode="50W")  # fmt: skip
    with (
        pytest.raises(BadRequest, match="graph needs CUDA"),
        prepare(asked, home.settings.runs_dir, home.settings.state_dir),
    ):
        pytest.fail("it was prepared")
    assert home.runs == []
    assert not (home.settings.state_dir / "restore.json").exists(), "the mode was never touched"
