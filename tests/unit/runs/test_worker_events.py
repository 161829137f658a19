"""What the worker says of its method, batch and agreement, through the runner to the summary."""

from __future__ import annotations

import json
import signal

import pytest

from orin_core.runs import store, worker_process
from orin_core.runs.prepare import prepare
from orin_core.runs.recording import Recording
from orin_core.runs.run_loop import RunLoop
from orin_core.spec import RunSpec
from tests.conftest import Home

SPEC = RunSpec(
    model="resnet-152", dataset="cifar100", profile="demo", seconds=0.2, weights="random", images="synthetic",
    telemetry="simulated", interval_ms=100, idle_s=0.0, warmup_min_s=0.0, warmup_max_s=0.0, cooldown_s=0.0,
    batch_size=64, method="batched", precision="bf16", preload=True, smaller_batch=True,
)  # fmt: skip


@pytest.fixture
def finished(home: Home, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A run whose worker is a stand-in program."""
    monkeypatch.setattr(worker_process, "WORKER_MODULE", "tests.unit.runs.stand_in_worker")
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with prepare(SPEC.validated(), home.settings.runs_dir, home.settings.state_dir) as prepared:
            folder = prepared.make_folder()
            RunLoop(prepared, folder, prepared.lock).run()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    return Recording(folder=folder)


def test_what_the_worker_says_of_its_way_reaches_the_summary(finished: Recording) -> None:
    summary = finished.summary()
    assert summary is not None
    assert summary["state"] == "done", (finished.folder / store.WORKER_LOG).read_text()
    way = ("method", "precision", "scope", "batch_size", "batch_size_asked", "in_flight")
    assert [summary[key] for key in way] == ["batched", "bf16", "preloaded", 32, 64, 2]
    kept = [summary[f"agreement_{key}"] for key in ("metric", "value", "threshold", "ok", "images")]
    assert kept == ["top1", 0.5625, 1.0, False, 16]
    assert "disagrees" in [reason["code"] for reason in summary["verdict"]["reasons"]]
    assert any(label.startswith("preloaded: ") for label in summary["labels"])
    assert finished.environment()["worker"]["method_facts"] == {"batch_norm_folded": True}


def test_a_notice_of_the_worker_is_shown_while_the_run_goes_and_kept_once(finished: Recording) -> None:
    message = "Memory ran out: batch 64 was halved to 32."
    assert [event["message"] for event in finished.events() if event["kind"] == "notice"].count(message) == 1
    summary = finished.summary()
    assert summary is not None
    assert message in summary["notices"]
    status = json.loads((finished.folder / store.STATUS).read_text())
    assert [one["kind"] for one in status["notices"] if one["message"] == message] == ["smaller-batch"]
