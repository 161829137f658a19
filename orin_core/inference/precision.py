"""In which arithmetic a model computes, and what is done to it once for that."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

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
