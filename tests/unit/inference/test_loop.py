"""The measuring loop on a device that works by itself: what it tells, and what shows when it forgets to wait."""

from __future__ import annotations

import concurrent.futures
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.analysis import plausibility
from orin_core.inference import bare, loop
from orin_core.inference.feed import Feed
from orin_core.inference.pictures import Said
from orin_core.inference.process import Events
from orin_core.inference.sources import Pixels
from orin_core.inference.stream import CpuMark
from orin_core.inference.workload import Library
from orin_core.methods import Precision
from orin_core.spec import RunSpec
from tests.support_inference import looped, method_of, told

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
        self._last: concurrent.futures.Future[Any] | None = None
        self.given = 0

    def give(self, items: int) -> concurrent.futures.Future[int]:
        def compute() -> int:
            time.sleep(FORWARD_S)
            return items

        self.given += 1
        self._last = self._thread.submit(compute)
        return self._last

    def event(self) -> concurrent.futures.Future[float]:
        return self._thread.submit(time.perf_counter)

    def synchronise(self, device: torch.device) -> None:
        if self._last:
            self._last.result()

    def close(self) -> None:
        self._thread.shutdown()


class DeviceMark:
    """A point in its queue."""

    def __init__(self, device: Device) -> None:
        self._time_s = device.event()

    def wait(self) -> None:
        self._time_s.result()

    def until_s(self, later: Any) -> float:
        return float(later._time_s.result(0) - self._time_s.result(0))


class DeviceStream:
    """The way to that device.

    Args:
        device: where it leads.
        on_host: whether marks are, wrongly, made on the host as on a CPU.
    """

    in_flight = 2

    def __init__(self, device: Device, *, on_host: bool = False) -> None:
        self._device = device
        self._on_host = on_host

    def upload(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def download(self, values: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return values

    def mark(self) -> Any:
        return CpuMark() if self._on_host else DeviceMark(self._device)

    def downloaded(self) -> Any:
        return self.mark()

    def search(self, *, on: bool) -> None:
        assert on, "all images are of one shape"


class Workload:
    """A model on that device.

    Args:
        device: where it computes.
        reads: whether its results are waited for, as a copy to the host does.
    """

    parameters = 0

    def __init__(self, device: Device, *, reads: bool = True) -> None:
        self.model: torch.nn.Module = torch.nn.Identity()
        self.ahead: list[int] = []
        self._device = device
        self._reads = reads
        self._read = 0

    def fold(self) -> int:
        return 0

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.float()

    def forward(self, pixels: torch.Tensor) -> concurrent.futures.Future[int]:
        return self._device.give(len(pixels))

    def reduced(self, output: Any) -> tuple[torch.Tensor, ...]:
        return (output,)

    def results(self, host: tuple[Any, ...], sizes: Sequence[tuple[int, int]]) -> list[Any]:
        if self._reads:
            assert host[0].result() == len(sizes)
        self._read += 1
        self.ahead.append(self._device.given - self._read)
        return ["something"] * len(sizes)

    def published(self) -> Library:
        raise AssertionError("nobody compares here")

    def high_level(self, precision: Precision) -> Library:
        raise AssertionError("nobody compares here")

    def said(self, result: Any, *, height_px: int, width_px: int) -> Said:
        raise AssertionError("nobody looks at results in the loop")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    found = Device()
    monkeypatch.setattr(bare, "synchronise", found.synchronise)
    monkeypatch.setattr(loop, "synchronise", found.synchronise)
    yield found
    found.close()


def measured(workload: Workload, stream: DeviceStream, tmp_path: Path) -> dict[str, Any]:
    """One run without warm-up, as the verdict gets to see it."""
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        events = Events(file.fileno())
        feed = Feed(source=Grey(), batch_size=1, on_failed=events.item_failed)
        spec = RunSpec(model="m", dataset="d", items=ITEMS, warmup_min_s=0.0, warmup_max_s=0.0)
        method = method_of(workload, stream=stream)
        looped(spec, method=method, workload=workload, supply=feed, events=events)
        events.close()
    said = told(path)
    rows = [row for event in said if event["event"] == "batches" for row in event["rows"]]
    [done] = [event for event in said if event["event"] == "done"]
    return {
        "origin": "run",
        "device_type": "cuda",
        "rows": rows,
        "done": done,
        "items": done["items"],
        "results": done["results"],
        "final_sync_s": done["final_sync_s"],
        "batch_s_p50": statistics.median(row[1] - row[0] for row in rows),
        "forward_ms_p50": statistics.median(row[4] for row in rows),
        "forward_synchronised_ms_p50": min(
            event["forward_ms_p50"] for event in said if event["event"] == "synchronised"
        ),
    }


def codes(summary: dict[str, Any]) -> set[str]:
    return {code for code, _ in plausibility.findings(summary)}


def test_a_loop_that_waits_for_the_device_tells_the_truth(device: Device, tmp_path: Path) -> None:
    found = measured(Workload(device), DeviceStream(device), tmp_path)
    assert (found["items"], found["results"]) == (ITEMS, ITEMS)
    for key in ("forward_ms_p50", "forward_synchronised_ms_p50"):
        assert found[key] >= 1000 * FORWARD_S, key
    # As on a CPU: what else this machine does may come between the two ways of timing.
    assert codes({**found, "device_type": "cpu"}) == set()


def test_the_device_has_the_next_batch_while_the_results_of_one_are_read(device: Device, tmp_path: Path) -> None:
    workload = Workload(device)
    given, ahead = device.given, workload.ahead
    found = measured(workload, DeviceStream(device), tmp_path)
    # Two batches of the rehearsal and its count, then those of measure: one is always out but for the last.
    assert given == 0
    measure = [count - ahead[-1] for count in ahead[-ITEMS:]]
    assert measure == [1] * (ITEMS - 1) + [0]
    assert found["done"]["in_flight"] == 2
    rows = found["rows"]
    assert rows[0][0] == found["done"]["t_start_s"]
    assert rows[-1][1] == found["done"]["t_end_s"]
    # Rows lie end to end; the latency of a batch is longer, since it waited behind the one before.
    assert all(later[0] == earlier[1] for earlier, later in itertools.pairwise(rows))
    assert all(row[5] >= 1000 * FORWARD_S for row in rows)
    assert statistics.median(row[5] for row in rows) > statistics.median(1000 * (row[1] - row[0]) for row in rows)


def test_a_loop_that_does_not_wait_around_what_it_times_is_found_out(device: Device, tmp_path: Path) -> None:
    """The bare model must not share the loop's way of timing: both would be short, and agree."""
    found = measured(Workload(device), DeviceStream(device, on_host=True), tmp_path)
    assert found["forward_synchronised_ms_p50"] >= 1000 * FORWARD_S
    assert codes(found) == {"forward-too-short"}


def test_a_loop_that_never_waits_leaves_work_behind_its_end(device: Device, tmp_path: Path) -> None:
    found = measured(Workload(device, reads=False), DeviceStream(device, on_host=True), tmp_path)
    assert codes(found) == {"final-sync", "forward-too-short"}


def test_results_that_nobody_read_are_not_counted(device: Device, tmp_path: Path) -> None:
    class Deaf(Workload):
        def results(self, host: tuple[Any, ...], sizes: Sequence[tuple[int, int]]) -> list[Any]:
            return [None] * len(super().results(host, sizes))

    found = measured(Deaf(device), DeviceStream(device), tmp_path)
    assert (found["items"], found["results"]) == (ITEMS, 0)
    assert "results-not-read" in codes(found)
