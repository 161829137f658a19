"""Batched, with the model exported once and run by ONNX Runtime on the best provider that it offers."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any

import onnxruntime
import torch

from orin_core import settings
from orin_core.errors import OrinError
from orin_core.inference.feed import batch_of
from orin_core.inference.methods import Setting
from orin_core.inference.methods.batched import Batched
from orin_core.inference.methods.onnx_export import Calibration, Kept, first_line, key_of, write
from orin_core.inference.methods.onnx_runtime import BROKEN, Runtime, wanted
from orin_core.inference.preprocessing import inputs_of
from orin_core.inference.sources import DECODE_ERRORS, Pixels, Source
from orin_core.methods import Precision

CALIBRATION_IMAGES = 32
"""The first images of the source at most, by whose ranges int8 is scaled."""

_LOG = logging.getLogger(__name__)


class Onnx(Batched):
    """Takes one shape, batch size included: shorter batches are padded to it within ``forward``.

    The export, the session and what TensorRT builds for it come with the first batch, before the clock starts.
    """

    def __init__(self, setting: Setting) -> None:
        self._precision = setting.precision
        self._source = setting.source
        available = onnxruntime.get_available_providers()
        self._providers = tuple(name for name in wanted(setting.device) if name in available)
        super().__init__(setting)
        # Its outputs are cut to the images that went in, so that nobody else hears of padding.
        self._pads = False
        # ONNX knows no other order; a provider chooses its own.
        self._memory_format = torch.contiguous_format
        setting.workload.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self._runtime: Runtime | None = None
        self.facts = {
            **self.facts,
            "memory_format": "contiguous",
            "padded": True,
            "onnxruntime": onnxruntime.__version__,
            "providers_available": available,
        }

    def resize(self, batch_size: int) -> None:
        super().resize(batch_size)
        self._runtime = None

    def forward(self, pixels: torch.Tensor) -> Any:
        lacking = self._batch_size - len(pixels)
        whole = torch.cat([pixels, pixels[-1:].expand(lacking, -1, -1, -1)]) if lacking > 0 else pixels
        if self._runtime is None:
            self._runtime = self._opened(whole)
        if tuple(whole.shape) != self._runtime.shape:
            raise OrinError(
                f"The exported model takes images of {_size(self._runtime.shape)} pixels, and others of this data set "
                f"are {_size(whole.shape)} after pre-processing.",
                "Use method batched, or images of one size.",
            )
        return self._runtime(whole)[: len(pixels)]

    def _opened(self, pixels: torch.Tensor) -> Runtime:
        """Returns a session for batches like this one, of an earlier export where there is one that loads."""
        start_s = time.monotonic()
        shape = tuple(pixels.shape)
        calibration, images = self._calibration(shape) if self._precision is Precision.INT8 else ([], 0)
        kept = Kept(settings.load().data_dir / "models" / "onnx", key_of(self._workload, pixels, calibration))
        runtime = self._found(kept)
        made = runtime is None
        if runtime is None:
            kept.make(lambda folder: write(self._workload, pixels, calibration, folder))
            try:
                runtime = self._session(kept)
            except BROKEN as error:
                message = f"ONNX Runtime cannot run this model: {first_line(error)}"
                raise OrinError(message, "Use method batched.") from error
        self.facts = {
            **self.facts,
            "provider": runtime.providers[0],
            "provider_missing": [name for name in wanted(self._device) if name not in runtime.providers],
            "nodes": runtime.nodes(),
            "export": "made" if made else "found",
            "export_s": round(time.monotonic() - start_s, 3),
            **({"calibration_images": images} if images else {}),
        }
        return runtime

    def _found(self, kept: Kept) -> Runtime | None:
        """Returns a session of what was exported before; None where there is nothing, or nothing that loads."""
        if not kept.find():
            return None
        try:
            return self._session(kept)
        except BROKEN as error:
            _LOG.warning("%s does not load and is exported anew: %r", kept.model, error)
            return None

    def _session(self, kept: Kept) -> Runtime:
        return Runtime(
            kept.model,
            engines=kept.folder,
            providers=self._providers,
            device=self._device,
            precision=self._precision,
        )

    def _calibration(self, shape: tuple[int, ...]) -> tuple[Calibration, int]:
        """Returns whole batches of prepared images, and how many images they are made of.

        Raises:
            OrinError: there is no image of that shape.
        """
        images = _first_images(self._source) if self._source else []
        inputs = inputs_of(batch_of(images), self._stream.upload, self._workload.prepare) if images else []
        for part in inputs:
            if tuple(part.pixels.shape[1:]) == shape[1:]:
                count = len(part.pixels)
                # Again from the first until the last batch is whole: ranges do not change by that.
                places = torch.arange(-(-count // shape[0]) * shape[0]) % count
                return [batch.cpu().numpy() for batch in torch.split(part.pixels[places], shape[0])], count
        raise OrinError(
            "int8 needs images of the data set to calibrate with, and none can be read.", "Use precision fp16."
        )


def _first_images(source: Source) -> list[Pixels]:
    """Returns the first images that can be read, as many as calibration takes."""
    images = (_read(source, index) for index in range(len(source)))
    return list(itertools.islice((pixels for pixels in images if pixels is not None), CALIBRATION_IMAGES))


def _read(source: Source, index: int) -> Pixels | None:
    try:
        return source.read(index)
    except DECODE_ERRORS:
        return None  # the feed tells of it


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[-1]}x{shape[-2]}"
