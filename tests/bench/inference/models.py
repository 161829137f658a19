"""The models of the catalogue with random weights: the same arithmetic and speed, no meaning in what they say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orin_core.inference.device import pick_device
from orin_core.inference.sources import Source, open_source
from orin_core.inference.workload import Workload, load_workload
from orin_core.resolve import resolve_dataset, resolve_model

LIKELY = 5.5
"""Added to what a detector with random weights says of each class, so that it finds boxes and has to suppress some."""


def opened(name: str) -> Workload:
    """Returns a model of the catalogue; a detector that finds something."""
    workload = load_workload(resolve_model(name, weights="random"), pick_device(), 0)
    if name.startswith("yolo"):
        head: Any = workload.model.model[-1]  # type: ignore[index]
        for level in head.cv3:
            level[-1].bias.data += LIKELY
    return workload


class OnDevice:
    """Adds up the time of what a batched method does on the device beside forward calls.

    Args:
        workload: its ``prepare`` and ``reduced`` are watched from here on.
    """

    def __init__(self, workload: Any) -> None:
        self.seconds = 0.0
        workload.prepare = self._watched(workload.prepare)
        workload.reduced = self._watched(workload.reduced)

    def _watched(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def watched(value: Any) -> Any:
            start_s = time.perf_counter()
            try:
                return call(value)
            finally:
                self.seconds += time.perf_counter() - start_s

        return watched


def source_of(images: Path) -> Source:
    """Returns the images of a folder."""
    return open_source(resolve_dataset(str(images)), 0)
