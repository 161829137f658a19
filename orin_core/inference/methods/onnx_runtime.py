"""An exported model in ONNX Runtime: which provider runs it, and how it reads and writes torch's memory."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from orin_core.abilities import CUDA, best_providers
from orin_core.errors import OrinError
from orin_core.inference.process import OUT_OF_MEMORY
from orin_core.methods import Precision

BROKEN = (
    ort_errors.EngineError,
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What ONNX Runtime raises where it cannot load or run a model."""

_NO_MEMORY = (*OUT_OF_MEMORY, "failed to allocate memory")
"""What its allocators say, and CUDA's libraries through it.

**Source**: onnxruntime ``core/framework/bfc_arena.cc``.
"""

_NUMPY = {torch.float32: np.float32, torch.float16: np.float16}
_TORCH = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}


def wanted(device: torch.device) -> tuple[str, ...]:
    """Returns the providers that a device is best served by, the best first."""
    return best_providers(cuda=device.type == "cuda")


class Runtime:
    """A session for one shape, batch size included.

    On CUDA it computes in a stream of its own that is ordered against torch's current one by
    events, so that no call waits for the device. Torch's current stream would not do: it is the
    default one, whose handle 0 ONNX Runtime takes for none.

    Args:
        model: the exported file.
        engines: folder in which TensorRT keeps what it builds; of this model, shape and precision alone.
        providers: to ask for, the best first.
        device: where its inputs and outputs lie.
        precision: of the run.

    Raises:
        Exception: one of ``BROKEN``; the file does not load.
        MemoryError: memory ran out.
        OrinError: ONNX Runtime left out every provider that was asked for.
    """

    def __init__(
        self, model: Path, *, engines: Path, providers: Sequence[str], device: torch.device, precision: Precision
    ) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        handle = self._stream.cuda_stream if self._stream is not None else None
        chosen = [
            (name, options_of(name, stream=handle, device=device, engines=engines, precision=precision))
            for name in providers
        ]
        with _memory_told():
            self._session = onnxruntime.InferenceSession(str(model), sess_options=options, providers=chosen)
        self.providers = tuple(self._session.get_providers())
        """Those that the session really has; the CPU's comes last in any."""
        if self.providers[0] not in providers:
            raise OrinError(
                f"ONNX Runtime has {', '.join(providers)}, but none of them works here: it fell back to "
                f"{self.providers[0]}.",
                "worker.log says which library is missing; or use method batched.",
            )
        self._run_options = onnxruntime.RunOptions()
        if self._stream is not None:
            self._run_options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        (self._input,), (self._output,) = self._session.get_inputs(), self._session.get_outputs()
        self.shape = tuple(self._input.shape)
        """Of what it takes: images, colours, height, width."""

    def nodes(self) -> dict[str, int] | None:
        """Returns how many nodes of the graph each provider runs; None where this ONNX Runtime cannot tell."""
        if not hasattr(self._session, "get_provider_graph_assignment_info"):
            return None
        counts: collections.Counter[str] = collections.Counter()
        for part in self._session.get_provider_graph_assignment_info():
            counts[part.ep_name] += len(part.get_nodes())
        return dict(counts)

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns the output for a batch of the one shape, on the device.

        Raises:
            MemoryError: memory ran out.
        """
        pixels = pixels.contiguous()
        output = torch.empty(tuple(self._output.shape), dtype=_TORCH[self._output.type], device=self._device)
        binding = self._session.io_binding()
        where = (self._device.type, self._device.index or 0)
        binding.bind_input(self._input.name, *where, _NUMPY[pixels.dtype], self.shape, pixels.data_ptr())
        binding.bind_output(self._output.name, *where, _NUMPY[output.dtype], tuple(output.shape), output.data_ptr())
        with self._in_order(pixels, output), _memory_told():
            self._session.run_with_iobinding(binding, self._run_options)
        return output

    @contextlib.contextmanager
    def _in_order(self, *tensors: torch.Tensor) -> Iterator[None]:
        """Puts what is done inside behind torch's work so far, and torch's further work behind it."""
        if self._stream is None:
            yield
            return
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        yield
        current.wait_stream(self._stream)
        for tensor in tensors:
            # Their memory belongs to the current stream and must not be reused before this one is done.
            tensor.record_stream(self._stream)


@contextlib.contextmanager
def _memory_told() -> Iterator[None]:
    """Raises MemoryError where ONNX Runtime says in an error of its own that memory ran out."""
    try:
        yield
    except (RuntimeError, *BROKEN) as error:
        if any(words in str(error).lower() for words in _NO_MEMORY):
            raise MemoryError(str(error)) from error
        raise


def options_of(
    provider: str, *, stream: int | None, device: torch.device, engines: Path, precision: Precision
) -> dict[str, Any]:
    """Returns the options of a provider; a CPU's needs none.

    TF32 has an option in CUDA's provider alone; for TensorRT it is switched off by
    ``NVIDIA_TF32_OVERRIDE``, which the worker sets before any library is loaded.

    Args:
        provider: its name.
        stream: handle of the CUDA stream that it shall compute in; None on a CPU.
        device: where it computes.
        engines: folder for what TensorRT builds.
        precision: of the run.

    **Source**: onnxruntime documentation, CUDA and TensorRT execution providers; microsoft/onnxruntime#26029.
    """
    if stream is None:
        return {}
    common = {"device_id": device.index or 0, "user_compute_stream": str(stream)}
    if provider == CUDA:
        return {**common, "use_tf32": "0"}
    return {
        **common,
        "trt_fp16_enable": precision is Precision.FP16,
        "trt_int8_enable": precision is Precision.INT8,
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(engines),
    }
