"""What the device of a machine can do, and which runs that rules out: one rule for whoever asks.

The worker asks before it loads anything; whoever starts a run asks before it leaves a trace, by what the worker said.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from orin_core.errors import BadRequest
from orin_core.methods import Method, Precision
from orin_core.spec import Task

TENSORRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"
"""Execution providers of ONNX Runtime."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a run asks of the device.

    Args:
        method: how batches go through the model.
        precision: arithmetic of the model.
        task: what the model does; None asks what holds for every task.
    """

    method: Method
    precision: Precision
    task: Task | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a device can do.

    Args:
        cuda: whether it is a CUDA device; else inference runs on the CPU.
        tf32: whether it multiplies in TF32.
        bf16: whether it computes in bf16.
        onnx_lacks: packages of the method ``onnx`` that are not installed.
        providers: what ONNX Runtime has; None where nobody has asked it, or it does not load.
    """

    cuda: bool
    tf32: bool
    bf16: bool
    onnx_lacks: tuple[str, ...] = ()
    providers: tuple[str, ...] | None = None


_LEAST = Abilities(cuda=False, tf32=False, bf16=False, onnx_lacks=("onnxruntime",))


def from_json(document: Any) -> Abilities | None:
    """Returns the abilities of a JSON object, None where it is none."""
    try:
        providers = document["providers"]
        return Abilities(
            cuda=document["cuda"] is True,
            tf32=document["tf32"] is True,
            bf16=document["bf16"] is True,
            onnx_lacks=tuple(map(str, document["onnx_lacks"])),
            providers=None if providers is None else tuple(map(str, providers)),
        )
    except (KeyError, TypeError):
        return None


def best_providers(*, cuda: bool) -> tuple[str, ...]:
    """Returns the providers that a device is best served by, the best first."""
    return (TENSORRT, CUDA) if cuda else (CPU,)


def hangs_on_device(work: Work) -> bool:
    """Returns whether there are devices that cannot do it."""
    return refusal(work, _LEAST) is not None


def refusal(work: Work, device: Abilities) -> BadRequest | None:
    """Returns why a device cannot do what is asked of it, None where it can."""
    return _method_refusal(work, device) or _precision_refusal(work, device)


def _method_refusal(work: Work, device: Abilities) -> BadRequest | None:
    if work.method is Method.ONNX:
        return _onnx_refusal(work.precision, device)
    if work.method is Method.GRAPH and not device.cuda:
        return BadRequest("The method graph needs CUDA, and inference runs on the CPU here.", "Use method batched.")
    if work.method is Method.PIPELINE and work.task is Task.DETECTION:
        return _predict_refusal(work.precision, device)
    return None


def _predict_refusal(precision: Precision, device: Abilities) -> BadRequest | None:
    """What it refuses YOLO's predict would compute in fp32 without a word."""
    if precision is Precision.BF16 or (precision is Precision.FP16 and not device.cuda):
        return BadRequest(
            f"YOLO's predict does not compute in {precision.value} here.",
            "Use precision fp32, or method batched.",
        )
    return None


def _onnx_refusal(precision: Precision, device: Abilities) -> BadRequest | None:
    if device.onnx_lacks:
        return BadRequest(
            f"The method onnx needs {' and '.join(device.onnx_lacks)}, and that is not installed.",
            "Install it (on a Jetson as docs/jetson.md says), or use method batched.",
        )
    if device.providers is None:
        return None
    best = best_providers(cuda=device.cuda)
    has = ", ".join(device.providers)
    if not set(best) & set(device.providers):
        return BadRequest(
            f"This ONNX Runtime has none of {', '.join(best)}; it has {has}.",
            "Install NVIDIA's onnxruntime-gpu (docs/jetson.md), or use method batched.",
        )
    if precision is Precision.INT8 and device.cuda and TENSORRT not in device.providers:
        # CUDA's provider would compute in floating point between the quantisations.
        return BadRequest(
            f"int8 needs {TENSORRT} on a GPU; this ONNX Runtime has {has}.",
            "Use precision fp16, or install NVIDIA's onnxruntime-gpu (docs/jetson.md).",
        )
    return None


def _precision_refusal(work: Work, device: Abilities) -> BadRequest | None:
    if work.precision is Precision.TF32 and not device.tf32:
        if not device.cuda:
            return BadRequest(
                "TF32 is an arithmetic of NVIDIA GPUs, and inference runs on the CPU here.", "Use precision fp32."
            )
        return BadRequest("This GPU has no TF32: it needs compute capability 8.0.", "Use precision fp32 or fp16.")
    if work.precision is Precision.BF16 and not device.bf16:
        return BadRequest("This GPU does not compute in bf16.", "Use precision fp16.")
    return None
