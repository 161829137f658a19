"""The exported model as a file: made once, kept, and found again by all that it depends on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from orin_core.errors import OrinError
from orin_core.inference.workload import Workload

OPSET = 17
"""Of ONNX: the first in which layer normalisation is one operator.

**Source**: NVIDIA, TensorRT documentation, "ONNX Opset Guide": its parser takes 9 and later.
"""

KEPT_GB = 8.0
"""What the folder of exports may hold; the ones that were used longest ago go first."""

QUANTISED = ("Conv", "MatMul", "Gemm")
"""Operators whose inputs and outputs become int8. What decodes boxes stays: edges of hundreds of pixels and scores
below 1 in one tensor leave nothing of the scores."""

_NAME, _PLAIN_NAME = "model.onnx", "float.onnx"
_BUILDERS = ("transformers", "ultralytics")
"""Whose release decides what a model computes."""

Calibration = Sequence[npt.NDArray[np.float32]]
"""Prepared images in whole batches, as the model takes them; none unless it is quantised."""


def key_of(workload: Workload, pixels: torch.Tensor, calibration: Calibration) -> str:
    """Returns what tells one export from another: weights, structure, shape, arithmetic, calibration, releases.

    Weights are told by what they are, not by where they came from: a file that was replaced and
    a model that was built with another seed differ alike. An engine of TensorRT must be kept
    under this key, since its own name tells neither shape nor weights.

    **Source**: onnxruntime ``tensorrt_execution_provider_utils.h``, ``TRTGenerateId``.
    """
    model: Any = workload.model
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy())
    settings = getattr(model, "config", None) or getattr(model, "yaml", None)
    for part in (model, settings, OPSET, pixels.dtype, tuple(pixels.shape), pixels.device.type, *_releases()):
        digest.update(f"{part}\n".encode())
    for batch in calibration:
        digest.update(batch.tobytes())
    return digest.hexdigest()[:32]


def first_line(error: Exception) -> str:
    """Returns what an error says, without the pages that may follow."""
    return (str(error).strip() or repr(error)).splitlines()[0]


def _releases() -> list[str]:
    """Returns the releases that decide what is written; onnxruntime's distribution has another name on a Jetson."""
    libraries = [str(library.__version__) for library in (torch, onnx, onnxruntime)]
    return libraries + [importlib.metadata.version(name) for name in _BUILDERS]


class Kept:
    """The folder of one export.

    Args:
        root: of all exports.
        key: what ``key_of`` says.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._root = root
        self.folder = root / key
        self.model = self.folder / _NAME
        """The exported file; weights may lie beside it."""

    def find(self) -> bool:
        """Returns whether it was exported before; it counts as used now."""
        if self.model.is_file():
            os.utime(self.folder)
            return True
        return False

    def make(self, fill: Callable[[Path], None]) -> None:
        """Lets ``fill`` write into a folder beside, then gives it its name: a killed export leaves nothing usable."""
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._root, prefix="part-") as part:
            beside = Path(part) / "export"
            beside.mkdir()
            fill(beside)
            self.remove()
            beside.rename(self.folder)
        self._drop_old()

    def remove(self) -> None:
        """Removes it, whatever there is of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _drop_old(self) -> None:
        """Removes what was used longest ago until the rest fits; this one stays."""
        left_gb = KEPT_GB
        for folder in sorted(self._root.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
            left_gb -= sum(path.stat().st_size for path in folder.rglob("*")) / 1e9
            if left_gb < 0 and folder != self.folder:
                shutil.rmtree(folder, ignore_errors=True)


class _Forward(torch.nn.Module):
    """A workload's forward call as a module of one input and one output."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.model = workload.model
        self._call = workload.forward

    def forward(self, pixels: torch.Tensor) -> Any:
        return self._call(pixels)


def write(workload: Workload, pixels: torch.Tensor, calibration: Calibration, folder: Path) -> None:
    """Writes a model for inputs of one shape and type, quantised where there are images to calibrate with.

    Args:
        workload: the model, in the precision that it shall be written in.
        pixels: a batch as it takes it.
        calibration: whole batches; empty for a model that is not quantised.
        folder: which gets the file, and its weights beside it where they are large.

    Raises:
        OrinError: the model cannot be exported.
    """
    target = folder / (_PLAIN_NAME if calibration else _NAME)
    try:
        _export(workload, pixels, target)
    except (torch.onnx.OnnxExporterError, NotImplementedError, TypeError, ValueError) as error:
        message = f"This model cannot be exported to ONNX: {first_line(error)}"
        raise OrinError(message, "Use method batched.") from error
    if calibration:
        _quantise(target, folder / _NAME, calibration)
        target.unlink()


def _export(workload: Workload, pixels: torch.Tensor, target: Path) -> None:
    """Traces the model and writes it.

    By torch's older exporter: it comes with torch 2.4 to 2.13, while the newer one needs an
    onnxscript that fits the release, and was a trial in the torch 2.5 of JetPack 6.
    """
    # Tracing is not possible in inference mode.
    with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Forward(workload).eval(),
            (pixels.clone(),),
            str(target),
            dynamo=False,
            opset_version=OPSET,
            input_names=["pixels"],
            output_names=["output"],
        )


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # has no types
    """Hands out batches one by one, as the quantiser asks for them."""

    def __init__(self, batches: Calibration) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}


def _quantise(source: Path, target: Path, calibration: Calibration) -> None:
    """Puts int8 around convolutions and matrix products, by the range of what passes there.

    Symmetric and signed, as TensorRT asks for, and the same on a CPU: one way, tested where there is no GPU.

    **Source**: onnxruntime documentation, "Quantize ONNX models", "Quantization on GPU".
    """
    quantize_static(
        str(source),
        str(target),
        _Reader(calibration),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(QUANTISED),
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True},
    )
