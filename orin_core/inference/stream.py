"""The way to a device and back: copies that need not be waited for, and marks in its queue of work.

A CPU has done its work when a call returns, so there everything is at once. CUDA takes work and
returns: copies go on streams of their own beside the computation, and time is told by events
that are read when the results are taken, never by a synchronisation in between.
"""

from __future__ import annotations

import time
from typing import Protocol

import torch


class Mark(Protocol):
    """A point in a device's queue of work."""

    def wait(self) -> None:
        """Waits until the device has come to it."""

    def until_s(self, later: Mark) -> float:
        """Returns the time between two points, s; both must have been waited for, or the one behind them."""


class Stream(Protocol):
    """The queue of a device."""

    in_flight: int
    """Batches that keep it busy: handed in before the results of the first are read."""

    def upload(self, pixels: torch.Tensor) -> torch.Tensor:
        """Starts the copy of a tensor to the device and returns it there."""

    def download(self, values: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Starts the copy of tensors to the host and returns them there; complete behind a later ``downloaded``."""

    def mark(self) -> Mark:
        """Returns this point of the computation."""

    def downloaded(self) -> Mark:
        """Returns the point at which all copies to the host so far are complete."""

    def search(self, *, on: bool) -> None:
        """Lets the device try out its ways to convolve at each new shape, or not; off unless a method asks for it."""


class CpuMark:
    """A point in time: what was asked of a CPU before is done."""

    __slots__ = ("_time_s",)

    def __init__(self) -> None:
        self._time_s = time.perf_counter()

    def wait(self) -> None:
        return

    def until_s(self, later: Mark) -> float:
        assert isinstance(later, CpuMark)
        return later._time_s - self._time_s


class CpuStream:
    """Work that is done when the call returns."""

    in_flight = 1

    def upload(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def download(self, values: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return values

    def mark(self) -> CpuMark:
        return CpuMark()

    def downloaded(self) -> CpuMark:
        return CpuMark()

    def search(self, *, on: bool) -> None:
        return


class CudaMark:
    """A CUDA event."""

    __slots__ = ("_event",)

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        self._event.record(stream)

    def wait(self) -> None:
        self._event.synchronize()

    def until_s(self, later: Mark) -> float:
        assert isinstance(later, CudaMark)
        return float(self._event.elapsed_time(later._event)) / 1000


class CudaStream:
    """The current stream of a CUDA device, with one stream beside it for each direction of copies.

    Host memory must be pinned for a copy to run beside the computation; the feed pins it.
    """

    in_flight = 2

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._up = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._down = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def upload(self, pixels: torch.Tensor) -> torch.Tensor:
        current = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._up):
            copy = pixels.to(self._device, non_blocking=True)
        current.wait_stream(self._up)
        # Its memory was taken on the other stream and must not be reused there before it is read here.
        copy.record_stream(current)
        return copy

    def download(self, values: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        self._down.wait_stream(torch.cuda.current_stream(self._device))
        copies = []
        with torch.cuda.stream(self._down):
            for value in values:
                host = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
                copies.append(host.copy_(value, non_blocking=True))
                value.record_stream(self._down)
        return tuple(copies)

    def mark(self) -> CudaMark:
        return CudaMark(torch.cuda.current_stream(self._device))

    def downloaded(self) -> CudaMark:
        return CudaMark(self._down)

    def search(self, *, on: bool) -> None:
        torch.backends.cudnn.benchmark = on


def open_stream(device: torch.device) -> Stream:
    """Returns the stream of a device."""
    return CudaStream(device) if device.type == "cuda" else CpuStream()
