"""What is drawn of what a model said: sizes, colours and words."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from orin_core.inference import pictures
from orin_core.inference.pictures import Box, Pixels, Said


def flat(height: int, width: int, value: int = 90) -> Pixels:
    return np.full((3, height, width), value, dtype=np.uint8)


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (3, height, width), dtype=np.uint8)


def box(*edges_px: float, score: float = 0.9, class_id: int = 0, label: str = "cup") -> Box:
    left, top, right, bottom = edges_px
    return Box(edges_px=(left, top, right, bottom), class_id=class_id, label=label, score=score)


@pytest.mark.parametrize(
    ("size", "shown"),
    [((32, 32), (320, 320)), ((200, 100), (200, 100)), ((640, 480), (320, 240)), ((2000, 3), (320, 1))],
)
def test_a_picture_fits_and_tiny_images_grow_by_whole_pixels(size: tuple[int, int], shown: tuple[int, int]) -> None:
    width, height = size
    picture = pictures.draw(noise(height, width), Said(kind="classification", title="cup 0.90"))
    assert picture.size == shown


def test_the_pixels_of_a_tiny_image_stay_what_they_are() -> None:
    pixels = noise(32, 32)
    picture = np.asarray(pictures.draw(pixels, Said(kind="classification", title="")))
    assert np.array_equal(picture[5::10, 5::10].transpose(2, 0, 1), pixels)


def test_depth_is_beside_the_image_and_the_near_half_is_the_bright_one() -> None:
    depth = np.concatenate([np.full((14, 14), 9.0), np.full((14, 14), 2.0)], axis=1).astype(np.float32)
    nearness, title = pictures.nearness_of(depth, metric=False)
    assert title == "relative depth"
    picture = pictures.draw(flat(60, 120), Said(kind="depth", title=title, nearness=nearness))
    assert picture.width <= pictures.EDGE_PX
    shown = np.asarray(picture.convert("L"))
    half = (picture.width - 4) // 2
    assert (shown[:, : half - 2] == 90).all()
    right = shown[:, half + 4 :]
    assert right[:, : half // 3].mean() > right[:, -half // 3 :].mean() + 80


def test_metres_are_named_and_the_nearest_is_bright_all_the_same() -> None:
    nearness, title = pictures.nearness_of(np.array([[1.25, 8.0]], dtype=np.float32), metric=True)
    assert title == "depth 1.2 to 8.0 m"
    assert nearness.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("depth", [[[3.0, 3.0]], [[np.nan, np.inf]], [[np.nan, 1.0]]])
def test_depth_without_a_range_is_drawn_dark(depth: list[list[float]]) -> None:
    nearness, title = pictures.nearness_of(np.array(depth, dtype=np.float32), metric=False)
    assert not nearness.any()
    assert "same everywhere" in title or title == "no finite depth"


def test_a_box_is_drawn_where_it_is_with_its_class_and_score() -> None:
    said = Said(kind="detection", title="", boxes=(box(40, 60, 120, 160),))
    plain = np.asarray(pictures.draw(flat(640, 640), Said(kind="detection", title="")))
    drawn = np.asarray(pictures.draw(flat(640, 640), said))
    rows, columns = np.nonzero((plain != drawn).any(axis=2))
    assert (columns.min(), rows.max()) == (20, 80)
    # The label stands above the box; inside nothing is covered.
    assert 60 / 2 - 20 <= rows.min() < 60 / 2
    assert (drawn[36:76, 26:54] == 90).all()


def test_a_box_past_every_edge_or_without_extent_is_still_drawn() -> None:
    for edges in ((-50, -50, 900, 900), (63, 63, 63, 63), (-5, 10, -1, 12)):
        said = Said(kind="detection", title="", boxes=(box(*edges, label="a very long name of a thing " * 3),))
        assert (np.asarray(pictures.draw(flat(64, 64), said)) != 90).any()


def test_titles_name_the_best_boxes() -> None:
    found = tuple(
        box(0, 0, 9, 9, score=score, label=name) for score, name in ((0.3, "cup"), (0.9, "dog"), (0.5, "car"))
    )
    assert pictures.boxes_title(()) == "no boxes"
    assert pictures.boxes_title(found[:1]) == "1 box: cup 0.30"
    assert pictures.boxes_title(found) == "3 boxes: dog 0.90, car 0.50, cup 0.30"
    assert pictures.boxes_title((*found, *found)) == "6 boxes: dog 0.90, dog 0.90, car 0.50, …"


def test_classes_are_named_as_people_name_them() -> None:
    names = {0: "tench, Tinca tinca", 1: "LABEL_1", 2: "2", 3: ""}
    assert [pictures.class_name(names, number) for number in range(5)] == [
        *("tench", "class 1", "class 2", "class 3", "class 4"),
    ]


@pytest.mark.parametrize("size", [(320, 320), (3, 2)])
def test_noise_too_becomes_a_small_jpeg(size: tuple[int, int]) -> None:
    data = pictures.encoded(Image.fromarray(noise(*size).transpose(1, 2, 0)))
    assert len(data) <= pictures.MAX_BYTES
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
