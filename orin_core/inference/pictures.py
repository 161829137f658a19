"""Draws what a model said: depth beside an image, boxes on it, or an answer under its prompt. No torch here."""

from __future__ import annotations

import dataclasses
import io
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]

EDGE_PX = 320
"""Longest edge of a picture."""
MAX_BYTES = 40_000
"""Largest JPEG of a picture."""

_GAP_PX = 4
_GREY = (128, 128, 128)
_QUALITIES = (88, 75, 60, 45, 30)
_FONT_PX = 13
_LINE_PX = 16
_LINE_LETTERS = 46
"""Letters of a line of text: the font has about 6.5 px a letter."""
_PROMPT_INK = "#0072B2"
_MAX_DRAWN = 20
"""Boxes that are drawn, the best ones; more would hide the image."""
_NAMED = 3
"""Boxes that the title names."""

_BOX_COLOURS = ("#E69F00", "#56B4E9", "#F0E442", "#009E73", "#CC79A7", "#D55E00", "#0072B2")
"""Okabe and Ito's colours, which colour-blind people can tell apart; every box has its class in words as well."""
_DARK_COLOURS = ("#D55E00", "#0072B2")

_VIRIDIS = np.array(
    [
        *((68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140)),
        *((40, 174, 128), (94, 201, 98), (173, 220, 48), (253, 231, 37)),
    ],
    dtype=np.float64,
)
"""Nine even steps of the viridis map: brightness alone tells the depth, with and without colour vision."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Something that was found in an image.

    Args:
        edges_px: left, top, right, bottom in pixels of the image.
        class_id: index among the model's classes.
        label: its class in words.
        score: 0 to 1.
    """

    edges_px: tuple[float, float, float, float]
    class_id: int
    label: str
    score: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model said of one image, as a person can read it.

    Args:
        kind: ``classification``, ``depth``, ``detection`` or ``text``.
        title: in words.
        classes: how many the model knows; None where it knows none.
        nearness: 0 far to 1 near, shape (height, width) of the depth map; None without one.
        boxes: what was found.
        prompt: what was asked, in a picture of text.
        answer: what was written behind it.
    """

    kind: str
    title: str
    classes: int | None = None
    nearness: npt.NDArray[np.float32] | None = None
    boxes: tuple[Box, ...] = ()
    prompt: str = ""
    answer: str = ""


def class_name(names: Mapping[int, str], class_id: int) -> str:
    """Returns a class in words: the first of its synonyms, or its number where the model has no names.

    Args:
        names: as a model's configuration has them; ``LABEL_7`` and ``7`` are what libraries write for none.
        class_id: index among them.
    """
    name = str(names.get(class_id, "")).partition(",")[0].strip()
    if not name or name == str(class_id) or name == f"LABEL_{class_id}":
        return f"class {class_id}"
    return name


def boxes_title(boxes: tuple[Box, ...]) -> str:
    """Returns what was found in words: how many boxes, and the best of them."""
    if not boxes:
        return "no boxes"
    best = sorted(boxes, key=lambda box: -box.score)[:_NAMED]
    named = ", ".join(f"{box.label} {box.score:.2f}" for box in best)
    count = f"{len(boxes)} box{'' if len(boxes) == 1 else 'es'}"
    return f"{count}: {named}{', …' if len(boxes) > _NAMED else ''}"


def nearness_of(depth: npt.NDArray[np.float32], *, metric: bool) -> tuple[npt.NDArray[np.float32], str]:
    """Returns a depth map from 0 (far) to 1 (near), and its title.

    Args:
        depth: shape (height, width); inverse depth without a unit, or m.
        metric: whether it is in m.
    """
    finite = depth[np.isfinite(depth)]
    if not finite.size:
        return np.zeros(depth.shape, dtype=np.float32), "no finite depth"
    low, high = float(finite.min()), float(finite.max())
    title = f"depth {low:.1f} to {high:.1f} m" if metric else "relative depth"
    if high <= low:
        return np.zeros(depth.shape, dtype=np.float32), f"{title}, the same everywhere"
    values = (np.nan_to_num(depth, nan=low, posinf=high, neginf=low).astype(np.float32) - low) / (high - low)
    return (1 - values if metric else values), title


def draw(pixels: Pixels, said: Said) -> Image.Image:
    """Returns the picture of an image and what was said of it, no edge longer than :data:`EDGE_PX`.

    Args:
        pixels: RGB, uint8, shape (3, height, width); of text nothing is taken from it.
        said: what the model said.
    """
    if said.kind == "text":
        return _written(said)
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    if said.nearness is not None:
        return _beside(image, said.nearness)
    shown = _fitted(image, EDGE_PX)
    if said.boxes:
        _draw_boxes(shown, said.boxes, shown.width / image.width, shown.height / image.height)
    return shown


def encoded(picture: Image.Image) -> bytes:
    """Returns a picture as JPEG of at most :data:`MAX_BYTES`: noise gives way in quality, then in size."""
    while True:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= MAX_BYTES:
                return buffer.getvalue()
        picture = picture.resize((max(picture.width // 2, 1), max(picture.height // 2, 1)))


def _fitted(image: Image.Image, edge_px: int) -> Image.Image:
    """Returns an image that fits into a square; tiny ones grow by whole pixels, so that what the model saw is seen."""
    scale = edge_px / max(image.size)
    if scale >= 2:
        return image.resize((image.width * int(scale), image.height * int(scale)), Image.Resampling.NEAREST)
    if scale >= 1:
        return image.copy()
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return image.resize(size, Image.Resampling.LANCZOS)


def _written(said: Said) -> Image.Image:
    """Returns prompt and answer in black on white, as many lines as there is room for; the prompt at most a third."""
    picture = Image.new("RGB", (EDGE_PX, EDGE_PX * 3 // 4), "white")
    canvas = ImageDraw.Draw(picture)
    font: Any = ImageFont.load_default(_FONT_PX)
    room = picture.height // _LINE_PX - 1
    asked = textwrap.wrap(said.prompt, _LINE_LETTERS, max_lines=max(room // 3, 1), placeholder=" …")
    answer = textwrap.wrap(said.answer, _LINE_LETTERS, max_lines=room - len(asked), placeholder=" …")
    for place, line in enumerate((*asked, *answer)):
        ink = _PROMPT_INK if place < len(asked) else "black"
        canvas.text((_GAP_PX, _GAP_PX + place * _LINE_PX), line, fill=ink, font=font)
    return picture


def _beside(image: Image.Image, nearness: npt.NDArray[np.float32]) -> Image.Image:
    left = _fitted(image, (EDGE_PX - _GAP_PX) // 2)
    right = Image.fromarray(_coloured(nearness)).resize(left.size, Image.Resampling.BILINEAR)
    both = Image.new("RGB", (2 * left.width + _GAP_PX, left.height), _GREY)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + _GAP_PX, 0))
    return both


def _coloured(nearness: npt.NDArray[np.float32]) -> Pixels:
    steps = np.linspace(0.0, 1.0, len(_VIRIDIS))
    channels = [np.interp(nearness, steps, _VIRIDIS[:, channel]) for channel in range(3)]
    coloured: Pixels = np.stack(channels, axis=-1).round().astype(np.uint8)
    return coloured


def _draw_boxes(picture: Image.Image, boxes: tuple[Box, ...], scale_x: float, scale_y: float) -> None:
    canvas = ImageDraw.Draw(picture)
    font: Any = ImageFont.load_default(_FONT_PX)
    best = sorted(boxes, key=lambda box: -box.score)[:_MAX_DRAWN]
    # The best one last, so that it lies on top.
    for box in reversed(best):
        colour = _BOX_COLOURS[box.class_id % len(_BOX_COLOURS)]
        left, top, right, bottom = box.edges_px
        edges = _inside(picture, (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y))
        # A dark line around the bright one is seen on any image.
        canvas.rectangle(edges, outline="black", width=4)
        canvas.rectangle((edges[0] + 1, edges[1] + 1, edges[2] - 1, edges[3] - 1), outline=colour, width=2)
        _draw_label(canvas, picture, font, f"{box.label} {box.score:.2f}", (edges[0], edges[1]), colour)


def _inside(picture: Image.Image, edges: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Returns the edges of a box kept on the picture, at least 6 pixels apart so that both lines can be drawn."""
    left = min(max(edges[0], 0), max(picture.width - 7, 0))
    top = min(max(edges[1], 0), max(picture.height - 7, 0))
    return left, top, max(min(edges[2], picture.width - 1), left + 6), max(min(edges[3], picture.height - 1), top + 6)


def _draw_label(
    canvas: ImageDraw.ImageDraw,
    picture: Image.Image,
    font: Any,
    text: str,
    corner: tuple[float, float],
    colour: str,
) -> None:
    width, height = canvas.textlength(text, font=font) + 6, _FONT_PX + 4
    # Above the box where there is room, else inside it; never past the right edge.
    top = corner[1] - height if corner[1] >= height else corner[1]
    left = max(min(corner[0], picture.width - width), 0)
    canvas.rectangle((left, top, left + width, top + height), fill=colour)
    ink = "white" if colour in _DARK_COLOURS else "black"
    canvas.text((left + 3, top + 1), text, fill=ink, font=font)
