"""What the GPU can do at best, so that a faster result is known to be wrong.

The bound is arithmetic alone: multiprocessors x operations per clock x clock, over the operations
of one image. Memory traffic keeps real runs far below it, so what lies above cannot be true.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from orin_core.analysis.summary_keys import number, origin_of, text

FLOP_PER_CLOCK_FP16 = 2048
"""Dense FP16 operations of one multiprocessor in one clock, multiply and add counted apart.

**Source**: Ampere GPU of Orin: 4 tensor cores per multiprocessor, 256 dense FP16 multiply-adds
each in a clock. MAXN, 16 multiprocessors at 1.3 GHz: 42.6 TFLOP/s; the 170 TOPS of the data sheet are INT8
with structured sparsity, four times as many.
"""

_SHARE_OF_FP16 = {"fp16": 1.0, "bf16": 1.0, "tf32": 0.5, "int8": 2.0, "fp32": 0.125}
"""**Source**: the same multiprocessor: TF32 and INT8 on tensor cores, FP32 on 128 cores with one multiply-add each."""

_NAMES = {
    "float16": "fp16", "half": "fp16", "bfloat16": "bf16", "float32": "fp32", "float": "fp32", "fp32": "fp32",
    "fp16": "fp16", "bf16": "bf16", "tf32": "tf32", "int8": "int8",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The most that the arithmetic of a device allows.

    Args:
        fps: images/s that cannot be passed.
        basis: one sentence on where that comes from.
    """

    fps: float
    basis: str


def arithmetic_of(summary: Mapping[str, Any]) -> str | None:
    """Returns which arithmetic the matrix products may have used: ``fp16 bf16 tf32 fp32 int8``.

    A run that names its method was made in the precision that it names, and its ``fp32`` never uses TF32. Before
    that FP32 counts as TF32 where TF32 was allowed, and where nobody noted whether it was: the bound must not refuse
    what is possible.
    """
    name = _NAMES.get((text(summary, "precision") or "").lower())
    if name == "fp32" and text(summary, "method") is None and summary.get("tf32_allowed") is not False:
        return "tf32"
    return name


def gpu_clock_cap_mhz(summary: Mapping[str, Any]) -> float | None:
    """Returns the highest GPU clock that is possible in the run, MHz: the cap, or what was seen where that is higher.

    None where neither is known.
    """
    seen = [number(summary, key) for key in ("gr3d_freq_cap_mhz", "gr3d_freq_mhz_max")]
    known = [mhz for mhz in seen if mhz is not None and mhz > 0]
    return max(known, default=None)


def peak_flops(*, multiprocessors: float, clock_mhz: float, arithmetic: str) -> float:
    """Returns the operations per second of the GPU at best, dense.

    Args:
        multiprocessors: streaming multiprocessors that are powered.
        clock_mhz: GPU clock, MHz.
        arithmetic: ``fp16 bf16 tf32 fp32 int8``.
    """
    return multiprocessors * FLOP_PER_CLOCK_FP16 * clock_mhz * 1e6 * _SHARE_OF_FP16[arithmetic]


def fps_bound(summary: Mapping[str, Any]) -> Bound | None:
    """Returns the images/s that a run cannot have passed.

    None where the board's GPU did not compute (a simulated board, a desktop, a CPU, a log) or where a
    part of the bound is not known.

    Args:
        summary: as in ``summary.json``.
    """
    on_board = text(summary, "source") == "tegrastats" and text(summary, "device_type") == "cuda"
    if not on_board or origin_of(summary) != "run":
        return None
    flop, units = number(summary, "flop_per_item"), number(summary, "multiprocessors")
    clock_mhz, arithmetic = gpu_clock_cap_mhz(summary), arithmetic_of(summary)
    if not flop or not units or flop < 0 or units < 0 or clock_mhz is None or arithmetic is None:
        return None
    peak = peak_flops(multiprocessors=units, clock_mhz=clock_mhz, arithmetic=arithmetic)
    basis = (
        f"{units:g} multiprocessors x {clock_mhz:.0f} MHz give at most {peak / 1e12:.1f} TFLOP/s in "
        f"{arithmetic.upper()}; one image takes {flop / 1e9:.2f} GFLOP."
    )
    return Bound(fps=peak / flop, basis=basis)
