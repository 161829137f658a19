"""What a task does with a batch, and which class does it."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import torch

from orin_core.inference.feed import Batch
from orin_core.inference.pictures import Said
from orin_core.inference.preprocessing import Inputs
from orin_core.spec import ModelSpec, Task


class Workload(Protocol):
    """A model on its device; the loop calls the first three for every batch, in this order."""

    parameters: int

    def inputs(self, batch: Batch) -> list[Inputs]:
        """Moves images to the device and prepares them there; one entry for each size."""

    def forward(self, pixels: torch.Tensor) -> Any:
        """Runs the model on what ``inputs`` made; the output stays on the device."""

    def results(self, output: Any) -> list[Any]:
        """Returns what the model says of each image, in host memory."""

    def said(self, result: Any, *, height_px: int, width_px: int) -> Said:
        """Returns one of the results as a person can read it; never called while the clock runs.

        Args:
            result: of one image.
            height_px: of that image.
            width_px: of that image.
        """


_CLASSES = {
    Task.CLASSIFICATION: "orin_core.inference.classification:Classification",
    Task.DEPTH: "orin_core.inference.depth:Depth",
    Task.DETECTION: "orin_core.inference.detection:Detection",
}
"""By name, so that a worker imports only the libraries that its task needs."""


def load_workload(spec: ModelSpec, device: torch.device, seed: int) -> Workload:
    """Returns a model loaded, on its device, ready to infer.

    Args:
        spec: which model.
        device: where it goes.
        seed: of random weights.

    Raises:
        OrinError: it cannot be loaded.
    """
    module, name = _CLASSES[spec.task].split(":")
    workload: Workload = getattr(importlib.import_module(module), name)(spec, device, seed)
    return workload
