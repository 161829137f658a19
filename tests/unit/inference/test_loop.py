"""The measuring loop on a device that works by itself: what it tells, and what shows when it forgets to wait."""

from __future__ import annotations

import concurrent.futures
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.analysis import plausibility
from orin_core.inference import bare, loop
from orin_core.inference.feed import Batch, Feed
from orin_core.inference.pictures import Said
from orin_core.inference.preprocessing import Inputs
from orin_core.inference.process import Events, Stop
from orin_core.inference.sources import Pixels
from orin_core.spec import RunSpec

pytestmark = pytest.mark.torch

FORWARD_S = 0.02
ITEMS = 12


class Grey:
    """Images that are all alike."""

    kind = "local"

    def __len__(self) -> int:
        return ITEMS

    def name(self, index: int) -> str:
        return f"image {index}"

    def read(self, index: int) -> Pixels:
        return np.full((3, 8, 8), 7, dtype=np.uint8)


class Device:
    """Something that takes work and returns at once, as a GPU does: a thread with a queue."""

    def __init__(self) -> None:
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self._last: concurrent.futures.Future[int] | None = None

    def give(self, items: int) -> concurrent.futures.Future[int]:
        def compute() -> int:
            time.sleep(FORWARD_S)
            return items

        self._last = self._thread.submit(compute)
        return self._last

    def synchronise(self, device: torch.device) -> None:
        if self._last:
            self._last.result()

    def close(self) -> None:
        self._thread.shutdown()


class Workload:
    """A model on that device.

    Args:
        device: where it computes.
        reads: whether its results are waited for, as a copy to the host does.
    """

    parameters = 0

    def __init__(self, device: Device, *, reads: bool = True) -> None:
        self._device = device
        self._reads = reads

    def inputs(self, batch: Batch) -> list[Inputs]:
        return [Inputs(positions=group.positions, pixels=group.pixels.float()) for group in batch.groups]

    def forward(self, pixels: torch.Tensor) -> concurrent.futures.Future[int]:
        return self._device.give(len(pixels))

    def results(self, output: Any) -> list[Any]:
        return [None] * output.result() if self._reads else [None]

    def said(self, result: Any, *, height_px: int, width_px: int) -> Said:
        raise AssertionError("nobody looks at results in the loop")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    found = Device()
    monkeypatch.setattr(bare, "synchronise", found.synchronise)
    monkeypatch.setattr(loop, "synchronise", found.synchronise)
    yield found
    found.close()


def measured(workload: Workload, tmp_path: Path) -> dict[str, Any]:
    """One run without warm-up, as the verdict gets to see it."""
    path, stop = tmp_path / "events.jsonl", Stop()
    with path.open("wb") as stream:
        events = Events(stream.fileno())
        feed = Feed(source=Grey(), batch_size=1, on_failed=events.item_failed)
        spec = RunSpec(model="m", dataset="d", items=ITEMS, warmup_min_s=0.0, warmup_max_s=0.0)
        run = loop.Loop(spec=spec, workload=workload, feed=feed, device=torch.device("cpu"), events=events, stop=stop)
        run.rehearse()
        run.run()
        events.close()
    told = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [row for event in told if event["event"] == "batches" for row in event["rows"]]
    [done] = [event for event in told if event["event"] == "done"]
    return {
        "origin": "run",
        "device_type": "cuda",
        "items": done["items"],
        "results": done["results"],
        "final_sync_s": done["final_sync_s"],
        "batch_s_p50": statistics.median(row[1] - row[0] for row in rows),
        "forward_ms_p50": statistics.median(row[4] for row in rows),
        "forward_synchronised_ms_p50": min(
            event["forward_ms_p50"] for event in told if event["event"] == "synchronised"
        ),
    }


def codes(summary: dict[str, Any]) -> set[str]:
    return {code for code, _ in plausibility.findings(summary)}


def test_a_loop_that_waits_for_the_device_tells_the_truth(device: Device, tmp_path: Path) -> None:
    found = measured(Workload(device), tmp_path)
    assert (found["items"], found["results"]) == (ITEMS, ITEMS)
    for key in ("forward_ms_p50", "forward_synchronised_ms_p50"):
        assert found[key] >= 1000 * FORWARD_S, key
    # As on a CPU: what else this machine does may come between the two ways of timing.
    assert codes({**found, "device_type": "cpu"}) == set()


def test_a_loop_that_does_not_wait_around_what_it_times_is_found_out(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bare model must not share the loop's way of timing: both would be short, and agree."""
    monkeypatch.setattr(loop, "synchronise", lambda device: None)
    found = measured(Workload(device), tmp_path)
    assert found["forward_synchronised_ms_p50"] >= 1000 * FORWARD_S
    assert codes(found) == {"forward-too-short"}


def test_a_loop_that_never_waits_leaves_work_behind_its_end(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(workload: Workload, pixels: torch.Tensor, device: torch.device) -> tuple[object, float]:
        start_s = time.perf_counter()
        return workload.forward(pixels), time.perf_counter() - start_s

    monkeypatch.setattr(loop, "timed_forward", forgetful)
    found = measured(Workload(device, reads=False), tmp_path)
    assert codes(found) == {"final-sync", "forward-too-short"}
