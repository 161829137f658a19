"""Batched, with the model call recorded once as a CUDA graph: launching it costs next to nothing."""

from __future__ import annotations

from typing import Any

import torch

from orin_core.inference.methods import Setting
from orin_core.inference.methods.batched import Batched

WARM_CALLS = 3
"""Calls before the recording, on a stream beside: libraries choose their ways and take their memory.

**Source**: PyTorch, CUDA semantics, "CUDA Graphs": warm up on a side stream, eleven calls for DDP, three otherwise.
"""


class Graph(Batched):
    """Records the first shape that it gets, batch size included; any other shape is run as it comes."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._pixels = torch.empty(0)
        self._output: Any = None
        self._kept: list[torch.Tensor] = []
        self.facts = {**self.facts, "cuda_graph": True}

    def resize(self, batch_size: int) -> None:
        super().resize(batch_size)
        self._graph, self._pixels, self._output, self._kept = None, torch.empty(0), None, []

    def forward(self, pixels: torch.Tensor) -> Any:
        if self._graph is None:
            self._record(pixels)
        if self._graph is None or pixels.shape != self._pixels.shape:
            return super().forward(pixels)
        self._pixels.copy_(pixels)
        self._graph.replay()
        # The next replay writes to the same place, maybe before this one was copied to the host.
        return self._output.clone()

    def _record(self, pixels: torch.Tensor) -> None:
        self._pixels = pixels.clone()
        current = torch.cuda.current_stream(self._device)
        beside = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        beside.wait_stream(current)
        with torch.cuda.stream(beside):
            for _ in range(WARM_CALLS):
                super().forward(self._pixels)
        current.wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._output = super().forward(self._pixels)
        self._graph, self._kept = graph, made_by(self._workload.model)


def made_by(model: torch.nn.Module) -> list[torch.Tensor]:
    """Returns the tensors that modules made for themselves, neither weights nor buffers.

    A recording reads them where they lay, and a call with another shape may put others in their
    place, as YOLO does with its anchors: whoever replays must hold these.
    """
    return [value for part in model.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
