"""The operators that stand in for torchvision's."""

from __future__ import annotations

import pytest
import torch

from orin_core.inference import vision_ops

pytestmark = pytest.mark.torch


def _boxes(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    noise = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=noise) * 25
    boxes = torch.cat([corner, corner + 20 + torch.rand(count, 2, generator=noise) * 25], dim=1)
    return boxes, torch.rand(count, generator=noise)


def _iou(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    overlap = max(width, 0.0) * max(height, 0.0)
    return overlap / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("threshold", [0.1, 0.45, 0.7])
def test_it_keeps_what_the_definition_keeps(seed: int, threshold: float) -> None:
    boxes, scores = _boxes(seed, 60)
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        if all(_iou(boxes[index].tolist(), boxes[other].tolist()) <= threshold for other in kept):
            kept.append(index)
    assert vision_ops.nms(boxes, scores, threshold).tolist() == kept
    assert 0 < len(kept) < 60


def test_no_boxes_keep_none() -> None:
    kept = vision_ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5)
    assert kept.tolist() == []
    assert kept.dtype == torch.int64


def test_torchvision_can_be_imported_and_called_afterwards() -> None:
    state = vision_ops.ensure_vision_ops()
    if state == vision_ops.ABSENT:
        pytest.skip("torchvision is not installed")
    import torchvision

    boxes, scores = _boxes(3, 40)
    assert torchvision.ops.nms(boxes, scores, 0.5).tolist() == vision_ops.nms(boxes, scores, 0.5).tolist()


def test_native_operators_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    defined: list[bool] = []
    monkeypatch.setattr(vision_ops, "_native_loads", lambda folder: True)
    monkeypatch.setattr(vision_ops, "_define", lambda: defined.append(True))
    assert vision_ops.ensure_vision_ops.__wrapped__() == vision_ops.NATIVE
    assert not defined
