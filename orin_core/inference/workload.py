"""What a task does with a batch, and which class does it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from orin_core.inference.pictures import Said
from orin_core.inference.results import Answer
from orin_core.methods import Precision
from orin_core.spec import ModelSpec, Task

Image = npt.NDArray[np.uint8]
"""An image as libraries take it: RGB, 0 to 255, shape (height, width, 3)."""


class Library(Protocol):
    """A library's own way from images to results."""

    model: torch.nn.Module
    """Whose forward calls it makes."""

    def __call__(self, images: Sequence[Image]) -> list[Any]:
        """Returns a result for each image."""


class Workload(Protocol):
    """A model on its device; a method calls ``prepare``, ``forward``, ``reduced``, ``results`` in this order."""

    parameters: int
    model: torch.nn.Module
    """In fp32 as it was loaded; a method may change it in place."""

    def fold(self) -> int:
        """Folds each batch norm into the convolution before it and returns how many."""

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns images as the model takes them, in float32.

        Args:
            pixels: uint8, shape (n, 3, height, width), on the device.
        """

    def forward(self, pixels: torch.Tensor) -> Any:
        """Runs the model on what ``prepare`` made; the output stays on the device."""

    def reduced(self, output: Any) -> tuple[torch.Tensor, ...]:
        """Returns what of an output must go to the host, in shapes that do not depend on its values.

        Each tensor has the images as its first dimension and is float32 or an integer; nothing
        here waits for the device.
        """

    def results(self, host: tuple[torch.Tensor, ...], sizes: Sequence[tuple[int, int]]) -> list[Any]:
        """Returns what the model says of each image.

        Args:
            host: what ``reduced`` made, in host memory.
            sizes: height and width of each image, pixels; further images in ``host`` are padding.
        """

    def published(self) -> Library:
        """Returns the published way: called with one image, it fetches the result before it returns."""

    def high_level(self, precision: Precision) -> Library:
        """Returns the library's high-level call on a list of images, whose length is the batch."""

    def said(self, result: Any, *, height_px: int, width_px: int) -> Said:
        """Returns one of the results as a person can read it; never called while the clock runs.

        Args:
            result: of one image.
            height_px: of that image.
            width_px: of that image.
        """


@runtime_checkable
class TextWorkload(Protocol):
    """A language model on its device; its methods call ``forward``, then ``answers``."""

    parameters: int
    model: torch.nn.Module
    """In fp32 as it was loaded; a method may change it in place."""

    def forward(self, prompts: torch.Tensor, *, keep_logits: bool = False) -> Any:
        """Writes behind each prompt.

        Args:
            prompts: int64, shape (prompts, tokens), on the device; ``feed.PADDING`` before shorter ones.
            keep_logits: whether those of a single prompt are returned as well.

        Returns:
            What ``answers`` takes, with ``first_s``: when the first token was there, s of ``time.perf_counter``.
        """

    def answers(self, prompts: torch.Tensor, written: Any) -> list[Answer]:
        """Returns what was written, fetched to the host and as text."""

    def said(self, result: Answer, *, height_px: int, width_px: int) -> Said:
        """Returns prompt and answer as a person can read them; never called while the clock runs."""


_CLASSES = {
    Task.CLASSIFICATION: "orin_core.inference.classification:Classification",
    Task.DEPTH: "orin_core.inference.depth:Depth",
    Task.DETECTION: "orin_core.inference.detection:Detection",
    Task.TEXT_GENERATION: "orin_core.inference.generation:Generation",
}
"""By name, so that a worker imports only the libraries that its task needs."""


def load_workload(spec: ModelSpec, device: torch.device, seed: int) -> Workload:
    """Returns a model loaded, on its device, ready to infer.

    Args:
        spec: which model.
        device: where it goes.
        seed: of random weights.

    Returns:
        The model; for text generation a :class:`TextWorkload`, which its methods alone know how to use.

    Raises:
        OrinError: it cannot be loaded.
    """
    module, name = _CLASSES[spec.task].split(":")
    workload: Workload = getattr(importlib.import_module(module), name)(spec, device, seed)
    return workload
