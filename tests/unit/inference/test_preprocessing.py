"""Preprocessing on the device against the processors that the models come with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from orin_core.catalog import model_row
from orin_core.errors import BadRequest
from orin_core.inference.feed import Batch, ImageGroup
from orin_core.inference.preprocessing import (
    Processing,
    inputs_of,
    letterbox,
    processing_of,
    resize,
    resize_in_float,
)
from orin_core.inference.vision_ops import ensure_vision_ops

ensure_vision_ops()

import transformers  # noqa: E402  # needs the operators above

pytestmark = pytest.mark.torch

SIZES = [(32, 32), (48, 64), (333, 500), (224, 224), (640, 100), (257, 255)]


def _stays(pixels: torch.Tensor) -> torch.Tensor:
    return pixels


def _image(size: tuple[int, int], seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (3, *size), dtype=np.uint8)


def _processor(kind: str, **values: Any) -> Any:
    return getattr(transformers, kind).from_dict(values)


def _of_catalogue(name: str) -> Any:
    row = model_row(name)
    assert row is not None
    assert row.processor is not None
    return _processor(row.processor["image_processor_type"], **row.processor)


def _largest_difference(processor: Any, size: tuple[int, int]) -> float:
    image = _image(size)
    expected = processor(torch.from_numpy(image), return_tensors="pt")["pixel_values"]
    found = processing_of(processor).apply(torch.from_numpy(image)[None])
    assert found.shape == expected.shape
    return float((found - expected).abs().max())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["resnet-152", "depth-anything-v2-base"])
def test_the_models_of_the_catalogue_get_what_their_processor_gives_bit_for_bit(
    name: str, size: tuple[int, int]
) -> None:
    assert _largest_difference(_of_catalogue(name), size) == 0.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "processor",
    [
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}, "resample": 3}),
        ("ViTImageProcessor", {"size": {"height": 224, "width": 224}, "resample": 3}),
        ("CLIPImageProcessor", {"size": {"shortest_edge": 96}, "crop_size": {"height": 112, "width": 112}}),
        ("DPTImageProcessor", {"size": {"height": 56, "width": 56}, "do_normalize": False, "resample": 3}),
    ],
    ids=lambda processor: processor[0],
)
def test_other_known_processors_agree_too(processor: tuple[str, dict[str, Any]], size: tuple[int, int]) -> None:
    assert _largest_difference(_processor(processor[0], **processor[1]), size) <= 1e-6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("mode", "antialias"), [("bicubic", True), ("bilinear", True), ("bilinear", False)])
@pytest.mark.parametrize("target", [(256, 256), (518, 392)])
def test_the_resize_of_devices_without_one_for_uint8_comes_within_two_levels(
    target: tuple[int, int], mode: str, antialias: bool, size: tuple[int, int]
) -> None:
    pixels = torch.from_numpy(_image(size))[None]
    expected = resize(pixels, target, mode, antialias=antialias).int()
    apart = (resize_in_float(pixels, target, mode, antialias=antialias).int() - expected).abs()
    assert int(apart.max()) <= 2
    assert float((apart > 0).float().mean()) <= 0.15


def test_a_different_crop_would_be_seen() -> None:
    processor = _of_catalogue("resnet-152")
    image = torch.from_numpy(_image((48, 64)))
    expected = processor(image, return_tensors="pt")["pixel_values"]
    settings = processing_of(processor)
    other = Processing(shortest_edge=255, crop=settings.crop, mean=settings.mean, std=settings.std)
    assert float((other.apply(image[None]) - expected).abs().max()) > 0.1


def test_an_unknown_processor_is_refused() -> None:
    with pytest.raises(BadRequest, match="not known here"):
        processing_of(object())


@pytest.mark.parametrize("size", [*SIZES, (720, 1280), (1281, 640)])
def test_letterbox_agrees_with_ultralytics_within_one_level(size: tuple[int, int]) -> None:
    from ultralytics.data.augment import LetterBox

    image = _image(size)
    its: Any = LetterBox((640, 640), auto=True, stride=32)
    expected = its(image=np.ascontiguousarray(image.transpose(1, 2, 0)))
    found = letterbox(torch.from_numpy(image)[None], size_px=640, stride_px=32)[0] * 255
    assert tuple(found.shape[1:]) == expected.shape[:2]
    assert np.abs(found.numpy() - expected.transpose(2, 0, 1)).max() <= 1.01


def test_sizes_that_end_up_alike_become_one_input_and_keep_their_places() -> None:
    small, wide = _image((32, 32), 1), _image((48, 64), 2)
    batch = Batch(
        items=3,
        groups=(
            ImageGroup(positions=(0, 2), pixels=torch.from_numpy(np.stack([small, small]))),
            ImageGroup(positions=(1,), pixels=torch.from_numpy(wide[None])),
        ),
    )
    processing = processing_of(_of_catalogue("resnet-152"))
    (merged,) = inputs_of(batch, _stays, processing.apply)
    assert merged.positions == (0, 2, 1)
    assert torch.equal(merged.pixels[2], processing.apply(torch.from_numpy(wide[None]))[0])
    apart = inputs_of(batch, _stays, processing_of(_of_catalogue("depth-anything-v2-base")).apply)
    assert [part.positions for part in apart] == [(0, 2), (1,)]
