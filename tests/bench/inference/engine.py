"""A method with model and images, as the worker has them, and the two ways to time it."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path

import torch

from orin_core.inference import memory
from orin_core.inference.device import pick_device, synchronise
from orin_core.inference.feed import Feed, Supply
from orin_core.inference.loop import Loop
from orin_core.inference.methods import Method, Setting, check_here, open_method
from orin_core.inference.precision import allow_tf32
from orin_core.inference.preload import Preloaded
from orin_core.inference.process import Events, Stop
from orin_core.inference.rehearsal import rehearse
from orin_core.inference.sources import Source
from orin_core.inference.stream import open_stream
from orin_core.inference.workload import Workload
from orin_core.methods import Method as Name
from orin_core.methods import Precision
from orin_core.spec import RunSpec


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What one pass through the measuring loop took.

    Args:
        seconds: from the first fetch to the last result on the host, s.
        forward_s: of it within forward calls, by the method's own marks, s.
        items: images.
    """

    seconds: float
    forward_s: float
    items: int

    @property
    def fps(self) -> float:
        """Images per second, end to end."""
        return self.items / self.seconds


class Engine:
    """A method, rehearsed.

    Args:
        workload: the model on the device.
        source: images.
        name: which method.
        precision: in which it computes.
        batch_size: images in a batch.
        preload: whether images are decoded before the clock.
    """

    def __init__(
        self,
        workload: Workload,
        source: Source,
        name: Name = Name.BATCHED,
        *,
        precision: Precision = Precision.FP32,
        batch_size: int,
        preload: bool = False,
    ) -> None:
        self.device = pick_device()
        check_here(name, precision, self.device)
        if self.device.type == "cpu":
            memory.keep_freed()
        allow_tf32(precision is Precision.TF32)
        torch.backends.cudnn.benchmark = False
        setting = Setting(
            workload=workload,
            device=self.device,
            stream=open_stream(self.device),
            precision=precision,
            batch_size=batch_size,
            source=source,
        )
        self.method: Method = open_method(name, setting)
        self._events = Events(_nowhere())
        self._batch_size = batch_size
        pinned = self.device.type == "cuda"
        self.supply: Supply = (
            Preloaded(source, batch_size, self._failed, items=None, pinned=pinned, stop=Stop())
            if preload
            else Feed(source, batch_size, self._failed, prefetch=self.method.prefetch, pinned=pinned)
        )
        rehearsal = rehearse(
            method=self.method, workload=workload, supply=self.supply, events=self._events, consent=False
        )
        self._bare = rehearsal.bare
        self._searches = torch.backends.cudnn.benchmark
        self.flop_per_item = rehearsal.flop_per_item

    def end_to_end(self, batches: int) -> Timed:
        """Puts whole batches through the measuring loop itself."""
        self._back()
        with tempfile.TemporaryFile() as file:
            events = _Rows(file.fileno())
            items = batches * self._batch_size
            loop = Loop(
                spec=RunSpec(model="m", dataset="d", items=items),
                method=self.method,
                supply=self.supply,
                bare=self._bare,
                device=self.device,
                events=events,
                stop=Stop(),
            )
            with torch.inference_mode():
                loop.measure()
            events.close()
        return Timed(seconds=events.ends_s[-1] - events.begin_s, forward_s=events.forward_s, items=items)

    def bare_fps(self, batches: int) -> float:
        """Returns images per second of the model alone, on a batch that lies on the device."""
        self._back()
        with torch.inference_mode():
            synchronise(self.device)
            start_s = time.perf_counter()
            for _ in range(batches):
                for pixels in self._bare:
                    self.method.forward(pixels)
            synchronise(self.device)
        return batches * sum(len(pixels) for pixels in self._bare) / (time.perf_counter() - start_s)

    def _back(self) -> None:
        """Sets again what is one switch for all engines of this process, and differs between a library and batched."""
        torch.backends.cudnn.benchmark = self._searches

    def _failed(self, name: str, reason: str) -> None:
        raise RuntimeError(f"{name} cannot be read: {reason}")


class _Rows(Events):
    """Events that are sent as in a run, and counted here besides."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.begin_s = 0.0
        self.ends_s: list[float] = []
        self.forward_s = 0.0

    def row(self, row: tuple[float, float, str, int, float, float], *, items_done: int) -> None:
        super().row(row, items_done=items_done)
        if not self.ends_s:
            self.begin_s = row[0]
        self.ends_s.append(row[1])
        self.forward_s += row[4] / 1000


def _nowhere() -> int:
    return Path("/dev/null").open("wb").detach().fileno()
