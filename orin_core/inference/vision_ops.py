"""torchvision's own operators, replaced where its compiled half does not fit this torch.

The index's torchvision is linked against torch for CUDA. Beside a CPU-only torch its library
does not load, and then ``import torchvision`` itself fails (``operator torchvision::nms does not
exist``), and with it transformers' models and ultralytics. Where that is so, the two operators
that the import insists on are defined here in plain torch. Nothing is done where the native
ones load.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch

NATIVE = "native"
SUBSTITUTE = "substitute"
ABSENT = "absent"

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@functools.lru_cache(maxsize=1)
def ensure_vision_ops() -> str:
    """Makes ``import torchvision`` possible; call it before anything else imports that.

    Returns:
        ``native`` where the compiled operators load, ``substitute`` where those of this module
        stand in, ``absent`` where torchvision is not installed.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return ABSENT
    if _native_loads(Path(spec.submodule_search_locations[0])):
        return NATIVE
    _define()
    import torchvision.extension

    # torchvision asks this before each call of an operator of its own.
    torchvision.extension._has_ops = lambda: True
    return SUBSTITUTE


def _native_loads(folder: Path) -> bool:
    for library in sorted(folder.glob("_C*.so")):
        try:
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
        except OSError:
            continue
        return hasattr(torch.ops.torchvision, "nms")
    return False


@functools.lru_cache(maxsize=1)
def _define() -> torch.library.Library:
    """Defines the operators; the library object is kept, since they go when it does."""
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}{_SCHEMA}")  # type: ignore[no-untyped-call]
        for backend in ("CPU", "CUDA"):
            library.impl(name, nms, backend)  # type: ignore[no-untyped-call]
    return library


def nms(dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Greedy non-maximum suppression, as torchvision defines it.

    Args:
        dets: boxes x1, y1, x2, y2; float, shape (n, 4).
        scores: float, shape (n,).
        iou_threshold: a box that overlaps a better one by more is dropped, 0 to 1.

    Returns:
        Indices of the boxes that stay, best first; int64.
    """
    order = scores.sort(descending=True, stable=True).indices
    areas = (dets[:, 2] - dets[:, 0]) * (dets[:, 3] - dets[:, 1])
    kept = []
    while order.numel():
        best, order = order[0], order[1:]
        kept.append(best)
        top_left = torch.maximum(dets[best, :2], dets[order, :2])
        bottom_right = torch.minimum(dets[best, 2:], dets[order, 2:])
        overlap = (bottom_right - top_left).clamp(min=0).prod(dim=1)
        order = order[overlap <= iou_threshold * (areas[best] + areas[order] - overlap)]
    return torch.stack(kept) if kept else order
