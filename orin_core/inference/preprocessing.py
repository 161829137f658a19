"""What a model's image processor does, for a whole batch and on the device.

The processor is asked for its settings; the arithmetic is here, so that pixels cross to the
device as uint8 and are resized there. On a CPU the result is bit-equal to the processor's
(uint8 resize, fused rescale and normalise); CUDA has no uint8 resize, and two rounded passes in
float come within two levels of 255.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

from orin_core.errors import BadRequest
from orin_core.inference.feed import Batch

_MODES = {0: "nearest-exact", 2: "bilinear", 3: "bicubic"}
"""Pillow's resampling numbers, as ``resample`` of a processor holds them."""

_PLAIN = ("ViT", "DeiT", "Bit", "CLIP", "Siglip")
"""Processors that resize, crop the centre, rescale and normalise, and do no more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Images of one size, as the model takes them.

    Args:
        positions: their places in the batch.
        pixels: float on the device, shape (n, 3, height, width).
    """

    positions: tuple[int, ...]
    pixels: torch.Tensor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """Settings of an image processor.

    Args:
        size: height and width that ``fit`` refers to, pixels; None leaves images as they are.
        shortest_edge: length of the shorter edge after the resize, pixels; used without ``size``.
        keep_aspect: with ``size``, scale both edges by the factor that is nearer to 1.
        multiple_of: with ``size``, edges are rounded to a multiple of this.
        mode: of ``F.interpolate``.
        crop: height and width of the centre crop, pixels; None crops nothing.
        scale: factor of each colour, normally 1/255; None leaves them.
        mean: of each colour after scaling.
        std: of each colour after scaling.
    """

    size: tuple[int, int] | None = None
    shortest_edge: int | None = None
    keep_aspect: bool = False
    multiple_of: int = 1
    mode: str = "bicubic"
    crop: tuple[int, int] | None = None
    scale: float | None = 1 / 255
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Returns height and width of an image after the resize, before the crop."""
        if self.size:
            scale_h, scale_w = self.size[0] / height, self.size[1] / width
            if self.keep_aspect:
                # As little as possible, as the processor has it.
                scale_h = scale_w = scale_w if abs(1 - scale_w) < abs(1 - scale_h) else scale_h
            return self._rounded(scale_h * height), self._rounded(scale_w * width)
        if self.shortest_edge:
            short, long = min(height, width), max(height, width)
            longer = int(self.shortest_edge * long / short)
            return (longer, self.shortest_edge) if width <= height else (self.shortest_edge, longer)
        return height, width

    def _rounded(self, length: float) -> int:
        # An edge that rounds to nothing keeps one multiple: a model cannot take an empty image.
        return max(round(length / self.multiple_of), 1) * self.multiple_of

    def apply(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns images of one size as the model takes them.

        Args:
            pixels: uint8, 0 to 255, shape (n, 3, height, width), on the device.

        Returns:
            float32, shape (n, 3, height, width) after resize and crop.
        """
        height, width = pixels.shape[-2:]
        pixels = resize(pixels, self.target(height, width), self.mode)
        if self.crop:
            pixels = _centre_crop(pixels, self.crop)
        return self._normalise(pixels)

    def _normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        values = pixels.to(torch.float32)
        if self.mean is None or self.std is None:
            return values * self.scale if self.scale is not None else values
        # Fused as the processor does it, so that the last bit agrees.
        unit = 1.0 if self.scale is None else 1.0 / self.scale
        mean = torch.tensor(self.mean, device=values.device) * unit
        std = torch.tensor(self.std, device=values.device) * unit
        return values.sub_(mean[:, None, None]).div_(std[:, None, None])


def resize(pixels: torch.Tensor, target: tuple[int, int], mode: str, *, antialias: bool = True) -> torch.Tensor:
    """Returns uint8 images resized to height and width.

    Args:
        pixels: uint8, shape (n, 3, height, width).
        target: height and width, pixels.
        mode: ``nearest-exact``, ``bilinear`` or ``bicubic``.
        antialias: whether to filter before shrinking; nearest never does.
    """
    if tuple(pixels.shape[-2:]) == target:
        return pixels
    if mode == "nearest-exact":
        return F.interpolate(pixels, size=target, mode=mode)
    if pixels.device.type == "cpu":
        return F.interpolate(pixels, size=target, mode=mode, antialias=antialias, align_corners=False)
    return resize_in_float(pixels, target, mode, antialias=antialias)


def resize_in_float(pixels: torch.Tensor, target: tuple[int, int], mode: str, *, antialias: bool) -> torch.Tensor:
    """Resizes uint8 images where there is no uint8 resize: within 2 levels of it, 1 to 10 % of values off at all.

    Width first, rounded and cut at 0 and 255, then height, as the uint8 resize of a CPU does it:
    what bicubic overshoots is cut in between, which a single pass misses by up to 26 levels.
    """
    values = pixels.float()
    for size in ((pixels.shape[-2], target[1]), target):
        if tuple(values.shape[-2:]) != size:
            values = F.interpolate(values, size=size, mode=mode, antialias=antialias, align_corners=False)
            values = values.clamp_(0, 255).round_()
    return values.to(torch.uint8)


def _centre_crop(pixels: torch.Tensor, crop: tuple[int, int]) -> torch.Tensor:
    height, width = pixels.shape[-2:]
    if crop[0] > height or crop[1] > width:
        lacking_h, lacking_w = max(crop[0] - height, 0), max(crop[1] - width, 0)
        pixels = F.pad(pixels, (lacking_w // 2, (lacking_w + 1) // 2, lacking_h // 2, (lacking_h + 1) // 2))
        height, width = pixels.shape[-2:]
    top, left = int((height - crop[0]) / 2), int((width - crop[1]) / 2)
    return pixels[..., top : top + crop[0], left : left + crop[1]]


def processing_of(processor: Any) -> Processing:
    """Returns the settings of a transformers image processor.

    Raises:
        BadRequest: it does something that is not known here.
    """
    name = type(processor).__name__
    depth, convnext = name.startswith("DPT"), name.startswith("ConvNext")
    if not (depth or convnext or name.startswith(_PLAIN)):
        raise BadRequest(
            f"The image processor {name} is not known here.", f"Known are DPT, ConvNext, {', '.join(_PLAIN)}."
        )
    mode = _MODES.get(int(processor.resample)) if processor.do_resize else "bicubic"
    if mode is None or (depth and processor.do_pad):
        raise BadRequest(f"{name} resamples or pads in a way that is not known here.", "Use bilinear or bicubic.")
    size, shortest_edge = _sizes(processor)
    crop = None
    if convnext and shortest_edge:
        if shortest_edge < 384:
            # Below 384 a margin is cut off; from there on the image is squeezed into the square.
            crop, shortest_edge = (shortest_edge, shortest_edge), int(shortest_edge / processor.crop_pct)
        else:
            size, shortest_edge = (shortest_edge, shortest_edge), None
    elif getattr(processor, "do_center_crop", None):
        crop = (processor.crop_size["height"], processor.crop_size["width"])
    normalise = bool(processor.do_normalize)
    return Processing(
        size=size,
        shortest_edge=shortest_edge,
        keep_aspect=depth and bool(processor.keep_aspect_ratio),
        multiple_of=int(processor.ensure_multiple_of or 1) if depth else 1,
        mode=mode,
        crop=crop,
        scale=float(processor.rescale_factor) if processor.do_rescale else None,
        mean=tuple(processor.image_mean) if normalise else None,
        std=tuple(processor.image_std) if normalise else None,
    )


def _sizes(processor: Any) -> tuple[tuple[int, int] | None, int | None]:
    if not processor.do_resize:
        return None, None
    size = dict(processor.size)
    size = {key: value for key, value in size.items() if value is not None}
    if set(size) == {"height", "width"}:
        return (size["height"], size["width"]), None
    if set(size) == {"shortest_edge"}:
        return None, size["shortest_edge"]
    raise BadRequest(
        f"A processor's size of {', '.join(size)} is not known here.", "Known are height and width, or shortest_edge."
    )


def inputs_of(
    batch: Batch, upload: Callable[[torch.Tensor], torch.Tensor], apply: Callable[[torch.Tensor], torch.Tensor]
) -> list[Inputs]:
    """Moves a batch to the device as uint8 and prepares it there.

    Args:
        batch: decoded images.
        upload: from host memory to the device.
        apply: from uint8 images of one size to what the model takes.

    Returns:
        One entry for each size that the model gets to see; one only, unless images of different
        proportions keep them.
    """
    ready: dict[tuple[int, ...], list[Inputs]] = {}
    for group in batch.groups:
        pixels = apply(upload(group.pixels))
        ready.setdefault(tuple(pixels.shape[1:]), []).append(Inputs(positions=group.positions, pixels=pixels))
    return [_merged(parts) for parts in ready.values()]


def _merged(parts: list[Inputs]) -> Inputs:
    if len(parts) == 1:
        return parts[0]
    positions = tuple(position for part in parts for position in part.positions)
    return Inputs(positions=positions, pixels=torch.cat([part.pixels for part in parts]))


def letterbox(pixels: torch.Tensor, *, size_px: int, stride_px: int) -> torch.Tensor:
    """Returns images as YOLO takes them: longest edge to a size, padded to a multiple of the stride.

    As ``predict`` does it with a single array: bilinear without a filter, grey (114) borders,
    and no more of them than the stride needs.

    Args:
        pixels: uint8, 0 to 255, shape (n, 3, height, width).
        size_px: length of the longest edge.
        stride_px: both edges become a multiple of it.

    Returns:
        float32, 0 to 1.
    """
    height, width = pixels.shape[-2:]
    ratio = min(size_px / height, size_px / width)
    target = max(round(height * ratio), 1), max(round(width * ratio), 1)
    pad_h, pad_w = ((size_px - edge) % stride_px / 2 for edge in target)
    border = [round(pad_w - 0.1), round(pad_w + 0.1), round(pad_h - 0.1), round(pad_h + 0.1)]
    pixels = resize(pixels, target, "bilinear", antialias=False)
    if any(border):
        pixels = F.pad(pixels, border, value=114)
    return pixels.to(torch.float32).div_(255)
