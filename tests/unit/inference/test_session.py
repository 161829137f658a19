"""One run of the worker, asked to stop before anything is measured: it leaves, and begins nothing that takes long."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.inference.process import Events, Stop
from orin_core.inference.session import Session
from orin_core.inference.sources import Pixels
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.resolve import resolve_dataset, resolve_model
from orin_core.spec import RunSpec, WorkerSpec
from tests.support import write_images
from tests.support_inference import Images, told
from tests.support_models import save_tiny_resnet

ensure_vision_ops()

pytestmark = pytest.mark.torch

COUNT = 4


class Stopping(Images):
    """Images during whose reading somebody asks to stop."""

    def __init__(self, stop: Stop, *, after_reads: int) -> None:
        super().__init__([np.full((3, 32, 32), number, dtype=np.uint8) for number in range(COUNT)])
        self._stop = stop
        self._left = after_reads

    def read(self, index: int) -> Pixels:
        if not self._left:
            self._stop.ask()
        self._left -= 1
        return super().read(index)


@pytest.mark.parametrize(
    ("options", "after_reads"),
    [
        # While the reference looks at its images, one of which cannot be read, or while they are preloaded.
        ({"method": "onnx"}, 1),
        ({"method": "batched", "preload": True}, 1),
        ({"method": "batched", "preload": True}, COUNT + 1),
    ],
)
def test_a_stop_before_the_model_is_ready_ends_the_run(
    options: dict[str, Any], after_reads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORIN_DATA_DIR", str(tmp_path / "data"))
    model, images = str(save_tiny_resnet(tmp_path / "tiny")), str(write_images(tmp_path / "images", COUNT))
    spec = WorkerSpec(
        run=RunSpec(model=model, dataset=images, items=2, batch_size=2, warmup_max_s=0.0, **options),
        model=resolve_model(model),
        dataset=resolve_dataset(images),
    )
    stop = Stop()
    with (tmp_path / "events").open("wb") as file, torch.inference_mode():
        events = Events(file.fileno())
        session = Session(spec, events, stop, time.monotonic())
        session._source = Stopping(stop, after_reads=after_reads)
        session.run()
        events.close()
    assert stop.asked
    assert [event["event"] for event in told(tmp_path / "events")] == []
    assert not (tmp_path / "data" / "models" / "onnx").exists()
