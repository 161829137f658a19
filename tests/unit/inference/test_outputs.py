"""Pictures of what the three tasks say, and what making them leaves as it was."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from orin_core.inference import bare, loop, outputs, pictures
from orin_core.inference.feed import Feed
from orin_core.inference.methods import Method, Taken
from orin_core.inference.preprocessing import letterbox
from orin_core.inference.process import Events, Stop
from orin_core.inference.rehearsal import rehearse
from orin_core.inference.sources import Pixels
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.inference.workload import Workload, load_workload
from orin_core.resolve import resolve_model
from orin_core.spec import RunSpec
from tests.support_inference import method_of, told
from tests.support_models import save_tiny_depth, save_tiny_resnet

ensure_vision_ops()

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")


class Images:
    """Images by number, of which some cannot be read; notes which were asked for."""

    kind = "local"

    def __init__(self, count: int, *, broken: tuple[int, ...] = (), shape: tuple[int, int] = (40, 64)) -> None:
        self._count = count
        self._broken = broken
        self._shape = shape
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        return str(index)

    def read(self, index: int) -> Pixels:
        self.asked.append(index)
        if index in self._broken:
            raise OSError("cut off")
        return np.random.default_rng(index).integers(0, 256, (3, *self._shape), dtype=np.uint8)


def sent(
    tmp_path: Path, workload: Workload, source: Images, *, method: Method | None = None, stop: Stop | None = None
) -> dict[str, Any]:
    """The one event that is sent."""
    path = tmp_path / "events.jsonl"
    with path.open("wb") as stream, torch.inference_mode():
        events = Events(stream.fileno())
        outputs.send(
            workload=workload,
            method=method or method_of(workload),
            source=source,
            events=events,
            stop=stop or Stop(),
        )
        events.close()
    [event] = [json.loads(line) for line in path.read_text().splitlines()]
    assert event["event"] == "outputs"
    found: dict[str, Any] = event
    return found


def image_of(picture: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture["jpeg"])))


def tiny(task: str, tmp_path: Path) -> Workload:
    if task == "detection":
        return load_workload(resolve_model("yolov8n", weights="random"), CPU, 0)
    save = save_tiny_resnet if task == "classification" else save_tiny_depth
    return load_workload(resolve_model(str(save(tmp_path / "tiny"))), CPU, 0)


@pytest.mark.parametrize(
    ("task", "title", "classes"), [("classification", r"class \d 0\.\d\d", 10), ("depth", "relative depth.*", None)]
)
def test_eight_images_spread_over_the_source(
    tmp_path: Path, task: str, title: str, classes: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "PATIENCE_S", 600.0)
    source = Images(80, broken=(20,))
    event = sent(tmp_path, tiny(task, tmp_path), source)
    assert source.asked == [0, 10, 20, 30, 40, 50, 60, 70]
    assert len(event["pictures"]) == 7
    assert (event["problem"], event["classes"]) == ("", classes)
    for picture in event["pictures"]:
        assert picture["kind"] == task
        assert re.fullmatch(title, picture["title"])
        with image_of(picture) as image:
            assert max(image.size) <= pictures.EDGE_PX


def test_boxes_lie_where_the_model_saw_them(tmp_path: Path) -> None:
    """A white patch is found again in what the model gets, and the box around it there lands on it in the image."""
    workload = tiny("detection", tmp_path)
    for height, width in ((90, 160), (300, 100), (1000, 999)):
        pixels = torch.zeros((1, 3, height, width), dtype=torch.uint8)
        edges = (0.25 * width, 0.5 * height, 0.5 * width, 0.75 * height)
        left, top, right, bottom = (round(edge) for edge in edges)
        pixels[..., top:bottom, left:right] = 255
        seen = letterbox(pixels, size_px=640, stride_px=32)[0, 0]
        rows, columns = (seen > 0.6).nonzero(as_tuple=True)
        found = [float(edge) for edge in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]
        (boxes,) = workload.results(workload.reduced(torch.tensor([[[*found, 0.75, 3.0]]])), [(height, width)])
        said = workload.said(boxes, height_px=height, width_px=width)
        assert said.title == "1 box: class 3 0.75"
        assert said.classes == 80
        pixel = max(height, width) / 640
        assert said.boxes[0].edges_px == pytest.approx((left, top, right, bottom), abs=1.01 * max(pixel, 1))


def test_detection_of_nothing_is_a_picture_too(tmp_path: Path) -> None:
    event = sent(tmp_path, tiny("detection", tmp_path), Images(1))
    assert [(picture["kind"], picture["title"]) for picture in event["pictures"]] == [("detection", "no boxes")]


def test_a_slow_model_has_one_picture_and_a_stop_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = tiny("classification", tmp_path)
    stop = Stop()
    stop.ask()
    assert len(sent(tmp_path, workload, Images(8), stop=stop)["pictures"]) == 1
    monkeypatch.setattr(outputs, "PATIENCE_S", 0.0)
    assert len(sent(tmp_path, workload, Images(8))["pictures"]) == 1


def test_whatever_goes_wrong_is_told_and_not_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = tiny("classification", tmp_path)
    real, calls = pictures.draw, []

    def once(pixels: Pixels, said: pictures.Said) -> Image.Image:
        calls.append(said)
        if len(calls) > 1:
            raise RuntimeError("no such font")
        return real(pixels, said)

    monkeypatch.setattr(pictures, "draw", once)
    event = sent(tmp_path, workload, Images(8))
    assert len(event["pictures"]) == 1
    assert "no such font" in event["problem"]
    assert sent(tmp_path, workload, Images(3, broken=(0, 1, 2)))["pictures"] == []


def state_of(workload: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in workload.model.state_dict().items()}


@pytest.mark.parametrize("task", ["classification", "depth", "detection"])
def test_the_model_says_the_same_before_and_after_and_no_dice_were_thrown(tmp_path: Path, task: str) -> None:
    workload = tiny(task, tmp_path)
    method = method_of(workload)
    pixels = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    forward: Callable[[], Any] = lambda: workload.forward(pixels)  # noqa: E731
    with torch.inference_mode():
        before, weights = forward(), state_of(workload)
        dice, numpy_dice = torch.get_rng_state(), np.random.RandomState(5).random()
        np.random.seed(5)
        sent(tmp_path, workload, Images(3), method=method)
        assert torch.equal(forward(), before)
    assert torch.equal(torch.get_rng_state(), dice)
    assert np.random.random() == numpy_dice
    after = state_of(workload)
    assert all(torch.equal(after[name], value) for name, value in weights.items())


class Noted:
    """A method of which every result is noted."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self.noted: list[Any] = []
        self.in_flight, self.prefetch, self.facts = method.in_flight, method.prefetch, method.facts
        self.resize, self.hand_in = method.resize, method.hand_in
        self.bare, self.forward = method.bare, method.forward

    def take(self) -> Taken:
        taken = self._method.take()
        self.noted += taken.results
        return taken


def measured(tmp_path: Path, workload: Workload, *, with_pictures: bool) -> tuple[list[Any], dict[str, Any]]:
    """Results of measure, and what the worker tells of it, of a run with and without pictures before it."""
    path, stop = tmp_path / "run.jsonl", Stop()
    noted, source = Noted(method_of(workload, batch_size=2)), Images(9, broken=(4,))
    with path.open("wb") as stream, torch.inference_mode():
        events = Events(stream.fileno())
        feed = Feed(source=source, batch_size=2, on_failed=events.item_failed)
        rehearsal = rehearse(method=noted, workload=workload, supply=feed, events=events, consent=False)
        if with_pictures:
            outputs.send(workload=workload, method=noted, source=source, events=events, stop=stop)
        noted.noted.clear()
        loop.Loop(
            spec=RunSpec(model="m", dataset="d", items=12, batch_size=2, warmup_min_s=0.0, warmup_max_s=0.0),
            method=noted,
            supply=feed,
            bare=rehearsal.bare,
            device=CPU,
            events=events,
            stop=stop,
        ).run()
        events.close()
    said = told(path)
    [done] = [event for event in said if event["event"] == "done"]
    failed = [event["name"] for event in said if event["event"] == "item_failed"]
    kept = ("items", "failed_items", "stopped", "results", "input_shapes", "in_flight")
    return noted.noted, {**{key: done[key] for key in kept}, "named": failed}


@pytest.mark.parametrize("task", ["classification", "depth"])
def test_measure_finds_the_same_with_pictures_and_without(
    tmp_path: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bare, "SHORT_S", 0.01)
    workload = tiny(task, tmp_path)
    without, told_without = measured(tmp_path, workload, with_pictures=False)
    within, told_within = measured(tmp_path, workload, with_pictures=True)
    assert told_within == told_without
    assert told_within["named"] == ["4"]
    assert len(within) == len(without) == 12
    for one, other in zip(within, without, strict=True):
        assert np.array_equal(one, other) if task == "depth" else one == other
