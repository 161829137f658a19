"""How many operations a model does for one image, counted on its real forward call."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch

_LOG = logging.getLogger(__name__)

_FAILURES = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What torch's counter raises on an operator or a model that it does not understand."""

_OUTER = "_scaled_dot_product_"
_INNER = ("_flash_attention_forward", "_efficient_attention_forward", "_cudnn_attention_forward")
"""Operators of fused attention, and those that some of them call; both may be counted for one call."""


def counted_forward(forward: Callable[[torch.Tensor], Any], pixels: torch.Tensor) -> tuple[Any, float | None]:
    """Puts one batch through a model and counts what it takes.

    Multiply and add are counted apart; convolutions, matrix products and attention are counted,
    the rest is below 1 %. A count that fails is unknown and never a reason to end a run.

    Args:
        forward: the model.
        pixels: what it takes.

    Returns:
        Its output, and operations of all images together; None where they cannot be counted.
    """
    try:
        return _count(forward, pixels)
    except _FAILURES as error:
        _LOG.warning("operations are not counted: %r", error)
    # A model that itself does not work says so here, as it would have without the count.
    return forward(pixels), None


def _count(forward: Callable[[torch.Tensor], Any], pixels: torch.Tensor) -> tuple[Any, float | None]:
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False, custom_mapping=_missing_formulas())
    # Some releases of torch count nothing in inference mode; a copy is a tensor that may leave it.
    with torch.inference_mode(False), torch.no_grad():
        copy = pixels.clone()
        with counter:
            output = forward(copy)
    counts: Mapping[Any, int] = counter.get_flop_counts().get("Global", {})
    return output, _total({str(operator).rpartition("aten.")[2]: count for operator, count in counts.items()}) or None


def _missing_formulas() -> dict[Any, Any]:
    """Returns formulas for fused attention that this torch does not count.

    **Source**: the CPU's flash attention has none up to torch 2.13
    (https://github.com/pytorch/pytorch/issues/195460).
    """
    from torch.utils.flop_counter import flop_registry

    found = {}
    for name in ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention"):
        with contextlib.suppress(AttributeError):  # this torch has no such operator
            operator = getattr(torch.ops.aten, f"{_OUTER}{name}")
            if operator not in flop_registry:
                found[operator] = _attention
    return found


def _attention(
    query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...], *rest: Any, out_shape: Any = None, **more: Any
) -> int:
    """Returns operations of attention from shapes (batch, heads, length, width): two matrix products."""
    batch, heads, queries, width = query
    return 2 * batch * heads * queries * key[-2] * (width + value[-1])


def _total(counts: Mapping[str, int]) -> float:
    """Returns the sum, attention once where both the fused operator and the one that it calls were counted."""
    outer = any(count for name, count in counts.items() if name.startswith(_OUTER))
    return float(sum(count for name, count in counts.items() if not (outer and name.startswith(_INNER))))
