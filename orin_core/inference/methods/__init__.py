"""How batches go through a model: what every method is, and which module has which."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from orin_core import methods
from orin_core.abilities import Work, refusal
from orin_core.inference.device import abilities
from orin_core.inference.feed import Batch
from orin_core.inference.sources import Source
from orin_core.inference.stream import Stream
from orin_core.inference.workload import TextWorkload, Workload
from orin_core.spec import Task


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a batch.

    Args:
        results: one for each image of the batch, in its order, in host memory.
        forward_s: time of its forward calls on the device, s.
        shapes: of what the model got, without the number of images.
        tokens: that were written, where the items are prompts.
        first_token_s: from handing the batch in to the first token of each answer, s; None for images.
    """

    results: Sequence[Any]
    forward_s: float
    shapes: frozenset[tuple[int, ...]]
    tokens: int = 0
    first_token_s: float | None = None


class Method(Protocol):
    """How batches go through a model.

    Whoever uses one hands in batches and takes their results in the same order; no more than
    ``in_flight`` may be out.
    """

    in_flight: int
    """Batches that are handed in before the results of the first are read."""

    prefetch: bool
    """Whether images are decoded ahead, in a thread of their own."""

    facts: Mapping[str, Any]
    """What it did to the model and how it runs it, for ``method_facts``."""

    def resize(self, batch_size: int) -> None:
        """Hears that batches are of so many images at most from now on; what was made for others is dropped."""

    def hand_in(self, batch: Batch) -> None:
        """Starts a batch."""

    def take(self) -> Taken:
        """Waits for the oldest batch that was handed in and returns what came of it."""

    def bare(self, batch: Batch) -> list[torch.Tensor]:
        """Returns a batch prepared, on the device, as ``forward`` takes it: one tensor for each shape."""

    def forward(self, pixels: torch.Tensor) -> Any:
        """Runs the model alone, in the method's own arithmetic; the output stays on the device."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a method is made of.

    Args:
        workload: the model on its device, in fp32 as it was loaded; a method may change it in place.
        device: where it is.
        stream: the way there and back.
        precision: in which it shall compute.
        batch_size: images in a batch at most.
        source: images of the run; the first of them calibrate int8.
    """

    workload: Workload
    device: torch.device
    stream: Stream
    precision: methods.Precision
    batch_size: int
    source: Source | None = None


_CLASSES = {
    methods.Method.REFERENCE: "orin_core.inference.methods.reference:Reference",
    methods.Method.PIPELINE: "orin_core.inference.methods.pipeline:Pipeline",
    methods.Method.BATCHED: "orin_core.inference.methods.batched:Batched",
    methods.Method.GRAPH: "orin_core.inference.methods.graph:Graph",
    methods.Method.ONNX: "orin_core.inference.methods.onnx:Onnx",
}
"""By name, so that a worker imports only the libraries that its method needs. Each takes a ``Setting``."""


_CLASSES_OF_TEXT = {
    methods.Method.REFERENCE: "orin_core.inference.methods.text:TextReference",
    methods.Method.BATCHED: "orin_core.inference.methods.text:TextBatched",
}
"""Those of text generation; ``orin_core.methods.check_text`` let no other pass."""


def check_here(
    method: methods.Method, precision: methods.Precision, device: torch.device, task: Task | None = None
) -> None:
    """Refuses at once, before anything is loaded, what this machine or its device cannot do.

    Args:
        method: how batches go through the model.
        precision: arithmetic of the model.
        device: where it computes.
        task: what the model does; None asks what holds for every task.

    Raises:
        BadRequest: it lacks what is needed; says what.
    """
    here = abilities(device, onnx=method is methods.Method.ONNX)
    if error := refusal(Work(method=method, precision=precision, task=task), here):
        raise error


def open_method(method: methods.Method, setting: Setting) -> Method:
    """Returns a method that ``check_here`` let pass, ready for its first batch.

    Raises:
        OrinError: it cannot be made of this model; says why.
    """
    of_text = isinstance(setting.workload, TextWorkload)
    module, name = (_CLASSES_OF_TEXT if of_text else _CLASSES)[method].split(":")
    made: Method = getattr(importlib.import_module(module), name)(setting)
    return made


def put_through(method: Method, batch: Batch) -> Taken:
    """Returns what comes of a single batch, waited for."""
    method.hand_in(batch)
    return method.take()
