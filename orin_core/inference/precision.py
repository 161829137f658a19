"""In which arithmetic a model computes, and what is done to it once for that."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from orin_core.errors import OrinError
from orin_core.methods import Precision

_DTYPES = {Precision.FP16: torch.float16, Precision.BF16: torch.bfloat16}

CONVOLUTION_SHARE = 0.5
"""A model is one of convolutions when more than this share of its parameters is theirs."""


def dtype_of(precision: Precision) -> torch.dtype:
    """Returns the type of weights and inputs; TF32 is a way to multiply float32."""
    return _DTYPES.get(precision, torch.float32)


def allow_tf32(allowed: bool) -> None:
    """Lets CUDA multiply float32 with ten bits of mantissa, or forbids it, in convolutions and products alike."""
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed


def check_device(precision: Precision, device: torch.device) -> None:
    """Refuses what a device cannot compute in.

    Raises:
        OrinError: it lacks the arithmetic.
    """
    if precision is Precision.TF32:
        _need_tf32(device)
    if precision is Precision.BF16 and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise OrinError("This GPU does not compute in bf16.", "Use --precision fp16.")


def _need_tf32(device: torch.device) -> None:
    if device.type != "cuda":
        raise OrinError("TF32 is an arithmetic of NVIDIA GPUs, and inference runs on the CPU here.", "Use fp32.")
    # Source: CUDA programming guide, TF32 needs tensor cores of compute capability 8.0.
    if torch.cuda.get_device_capability(device) < (8, 0):
        raise OrinError("This GPU has no TF32: it needs compute capability 8.0.", "Use --precision fp32 or fp16.")


def fold_batch_norm(model: torch.nn.Module) -> int:
    """Folds each batch norm into the convolution before it, in place, and returns how many.

    Known are the pairs as transformers names them in ResNet, RegNet and MobileNet: children
    ``convolution`` and ``normalization`` of one module, used in this order.
    """
    folded = 0
    for module in list(model.modules()):
        convolution, norm = (getattr(module, name, None) for name in ("convolution", "normalization"))
        if isinstance(convolution, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
            module.convolution = fuse_conv_bn_eval(convolution, norm).requires_grad_(False)
            module.normalization = torch.nn.Identity()
            folded += 1
    return folded


def convert(model: torch.nn.Module, precision: Precision, device: torch.device) -> dict[str, Any]:
    """Converts a model in place and returns the facts: ``memory_format``.

    Half precision convolutions of a GPU work on channels last.
    **Source**: NVIDIA, Convolutional Layers User's Guide, "Tensor Layouts".
    """
    model.to(dtype_of(precision))
    channels_last = device.type == "cuda" and precision in _DTYPES and _convolution_share(model) > CONVOLUTION_SHARE
    if channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return {"memory_format": "channels_last" if channels_last else "contiguous"}


def _convolution_share(model: torch.nn.Module) -> float:
    convolutions = sum(part.weight.numel() for part in model.modules() if isinstance(part, torch.nn.Conv2d))
    return convolutions / max(sum(parameter.numel() for parameter in model.parameters()), 1)
