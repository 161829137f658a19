"""The first batch: what it tells, and what happens where memory is too small for it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch

from orin_core.errors import OrinError
from orin_core.inference import memory
from orin_core.inference.feed import Feed
from orin_core.inference.process import Events
from orin_core.inference.rehearsal import Rehearsal, rehearse
from orin_core.inference.stream import CpuStream
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.inference.workload import Workload, load_workload
from orin_core.resolve import resolve_model
from orin_core.settings import PROJECT_ROOT
from tests.support_inference import CPU, Numbered, method_of, told
from tests.support_models import save_tiny_resnet

ensure_vision_ops()

pytestmark = pytest.mark.torch


class Small:
    """What makes a model take no more than so many images, as a device with little memory does."""

    def __init__(self, workload: Workload, most: int) -> None:
        self.sizes: list[int] = []
        self._most = most
        workload.model.register_forward_pre_hook(self._check, with_kwargs=True)

    def _check(self, module: torch.nn.Module, values: Any, named: dict[str, Any]) -> None:
        self.sizes.append(len(named["pixel_values"]))
        if self.sizes[-1] > self._most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    return load_workload(resolve_model(str(save_tiny_resnet(tmp_path / "tiny"))), CPU, 0)


def rehearsed(
    workload: Workload, tmp_path: Path, *, batch_size: int, consent: bool
) -> tuple[Rehearsal, list[dict[str, Any]]]:
    path = tmp_path / "events.jsonl"
    with path.open("wb") as stream, torch.inference_mode():
        events = Events(stream.fileno())
        try:
            feed = Feed(Numbered(20), batch_size, events.item_failed)
            method = method_of(workload, batch_size=batch_size)
            found = rehearse(method=method, workload=workload, supply=feed, events=events, consent=consent)
            assert feed.batch_size == found.batch_size
        finally:
            events.close()
    return found, told(path)


def test_a_batch_that_fits_is_as_asked_and_says_nothing(workload: Workload, tmp_path: Path) -> None:
    found, events = rehearsed(workload, tmp_path, batch_size=6, consent=True)
    assert (found.batch_size, found.input_shape, events) == (6, [6, 3, 64, 64], [])
    assert [len(pixels) for pixels in found.bare] == [6]
    one, _ = rehearsed(workload, tmp_path, batch_size=1, consent=True)
    assert found.flop_per_item == one.flop_per_item


@pytest.mark.parametrize(("most", "used"), [(7, 6), (5, 3), (1, 1)])
def test_with_consent_it_is_halved_until_it_fits_and_says_so(
    workload: Workload, tmp_path: Path, most: int, used: int
) -> None:
    small = Small(workload, most)
    found, events = rehearsed(workload, tmp_path, batch_size=24, consent=True)
    assert (found.batch_size, found.input_shape[0]) == (used, used)
    tried = [size for size in small.sizes if size > 1]
    assert tried == sorted(tried, reverse=True)
    [notice] = events
    assert (notice["event"], notice["notice"]) == ("notice", "smaller_batch")
    assert notice["message"] == f"A batch of 24 images does not fit into memory; {used} are used."


def test_what_the_loop_holds_is_there_while_the_batch_is_tried(workload: Workload, tmp_path: Path) -> None:
    class Counting(CpuStream):
        uploads = 0

        def upload(self, pixels: torch.Tensor) -> torch.Tensor:
            self.uploads += 1
            return pixels

    stream, seen = Counting(), []
    workload.model.register_forward_pre_hook(lambda *_: seen.append(stream.uploads))
    with (tmp_path / "events.jsonl").open("wb") as file, torch.inference_mode():
        events = Events(file.fileno())
        feed = Feed(Numbered(20), 4, events.item_failed)
        method = method_of(workload, batch_size=4, stream=stream)
        rehearse(method=method, workload=workload, supply=feed, events=events, consent=True)
        events.close()
    # The batch for the bare loop, and the first in flight.
    assert seen[0] == 2


def test_without_consent_it_fails_with_the_advice_to_give_it(workload: Workload, tmp_path: Path) -> None:
    Small(workload, 7)
    with pytest.raises(OrinError, match="a batch of 24") as refused:
        rehearsed(workload, tmp_path, batch_size=24, consent=False)
    assert "allow a smaller batch" in refused.value.hint


def test_one_image_that_does_not_fit_fails_with_consent_too(workload: Workload, tmp_path: Path) -> None:
    Small(workload, 0)
    with pytest.raises(OrinError, match="even with one image"):
        rehearsed(workload, tmp_path, batch_size=4, consent=True)


def test_another_error_is_none_of_memory(workload: Workload, tmp_path: Path) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("weights and input do not go together")

    workload.model.register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="do not go together"):
        rehearsed(workload, tmp_path, batch_size=4, consent=True)


def test_a_real_allocation_that_fails_is_known_for_what_it_is() -> None:
    """The kernel refuses memory beyond a limit of this process, and torch says so in its own words."""
    program = textwrap.dedent(
        """
        import numpy, resource, torch
        from orin_core.inference.memory import ran_out
        torch.zeros(10)
        size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 300_000_000,) * 2)
        for make in (lambda: torch.empty(10**9), lambda: numpy.empty(10**9)):
            try:
                make()
            except Exception as error:
                print(ran_out(error), type(error).__name__)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["True", "True"], done.stderr


def test_other_errors_are_not_taken_for_it() -> None:
    assert not memory.ran_out(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not memory.ran_out(OSError("out of memory"))
    assert memory.ran_out(MemoryError())
    # What torch says on a Jetson, and the libraries that it calls.
    assert memory.ran_out(RuntimeError('NVML_SUCCESS == r INTERNAL ASSERT FAILED at "CUDACachingAllocator.cpp":995'))
    assert memory.ran_out(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"))
    assert memory.free_mb() > 0
