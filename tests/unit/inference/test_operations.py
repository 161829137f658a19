"""Operations of one image: the published models, attention included."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from orin_core.inference.operations import counted_forward
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.inference.workload import load_workload
from orin_core.resolve import resolve_model

ensure_vision_ops()

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("name", "size_px", "gflop"),
    [("resnet-152", 224, 23.03), ("depth-anything-v2-base", 518, 380.7), ("yolov8n", 640, 8.74)],
)
def test_a_real_model_is_counted_and_computes_as_ever(name: str, size_px: int, gflop: float) -> None:
    workload = load_workload(resolve_model(name, weights="random"), torch.device("cpu"), 0)
    with torch.inference_mode():
        pixels = torch.rand(1, 3, size_px, size_px, generator=torch.Generator().manual_seed(0))
        output, flop = counted_forward(workload.forward, pixels)
        assert flop == pytest.approx(gflop * 1e9, rel=0.01)
        assert workload.results(workload.reduced(output), [(size_px, size_px)])
        if name == "resnet-152":
            assert torch.equal(output, workload.forward(pixels))


def test_attention_is_two_products_and_the_images_of_a_batch_add_up() -> None:
    def forward(pixels: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = torch.nn.functional.scaled_dot_product_attention(pixels, pixels, pixels)
        return attended

    with torch.inference_mode():
        for images in (1, 3):
            _, flop = counted_forward(forward, torch.rand(images, 4, 50, 8))
            assert flop == images * 4 * (2 * 50 * 50 * 8) * 2


def test_a_count_that_fails_is_unknown_and_the_model_runs_all_the_same() -> None:
    def forward(pixels: torch.Tensor) -> Any:
        if not pixels.is_inference():
            raise RuntimeError("a model that insists on inference mode")
        return pixels @ pixels

    with torch.inference_mode():
        pixels = torch.eye(3)
        output, flop = counted_forward(forward, pixels)
    assert flop is None
    assert torch.equal(output, pixels)


def test_a_model_that_torch_does_not_see_is_unknown_and_not_0() -> None:
    output, flop = counted_forward(lambda pixels: pixels.numpy().sum(), torch.ones(2, 2))
    assert (float(output), flop) == (4.0, None)


def test_a_model_that_does_not_work_says_so() -> None:
    def forward(pixels: torch.Tensor) -> Any:
        raise RuntimeError("CUDA out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        counted_forward(forward, torch.ones(2, 2))
