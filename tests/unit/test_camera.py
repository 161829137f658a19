"""A camera, or a video file in its place, as a data set without an end."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from orin_core import catalog
from orin_core.assets import camera as names
from orin_core.assets import libraries
from orin_core.errors import BadRequest, RunFailed
from orin_core.inference import camera
from orin_core.inference.sources import is_endless, open_source
from orin_core.resolve import resolve_dataset
from orin_core.spec import RunSpec
from tests.conftest import Home
from tests.support import write_tiny_model

GREYS = (40, 90, 140, 190, 240)


def write_video(path: Path, count: int = len(GREYS), *, width_px: int = 64, height_px: int = 48) -> Path:
    """Writes a video whose frames tell their number by their brightness, with more red than blue."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (width_px, height_px))
    assert writer.isOpened()
    for index in range(count):
        frame = np.zeros((height_px, width_px, 3), dtype=np.uint8)
        frame[:, :, 2] = GREYS[index % len(GREYS)]
        writer.write(frame)
    writer.release()
    return path


def test_frames_come_in_order_as_rgb_and_the_end_is_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi")
    spec = resolve_dataset(f"camera:{path}")
    assert (spec.kind, spec.items, spec.label, spec.name) == ("camera", None, "clip", f"camera:{path}")
    source = open_source(spec, seed=0)
    assert (source.kind, is_endless(source), len(source)) == ("camera", True, sys.maxsize)
    for grey in GREYS:
        pixels = source.read(0)
        assert (pixels.shape, str(pixels.dtype), pixels.flags["C_CONTIGUOUS"]) == ((3, 48, 64), "uint8", True)
        assert abs(float(pixels[0].mean()) - grey) < 8, "red is the first channel"
        assert float(pixels[2].mean()) < 16
    for _ in range(2):
        with pytest.raises(RunFailed, match="ended after 5 images"):
            source.read(0)


@pytest.fixture
def slow_video(tmp_path: Path) -> Iterator[Path]:
    """A pipe that holds half a video and then nothing more, as a camera that hangs."""
    data = write_video(tmp_path / "whole.avi", 400).read_bytes()
    pipe = tmp_path / "pipe.avi"
    os.mkfifo(pipe)
    leave = threading.Event()

    def feed() -> None:
        with pipe.open("wb", buffering=0) as out:
            try:
                out.write(data[: len(data) // 2])
            except BrokenPipeError:
                return
            leave.wait()

    thread = threading.Thread(target=feed)
    thread.start()
    yield pipe
    leave.set()
    thread.join()


def test_a_camera_that_stalls_is_told(slow_video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(resolve_dataset(f"camera:{slow_video}"), seed=0)
    monkeypatch.setattr(camera, "STALL_S", 0.5)

    def read_all() -> None:
        while True:
            source.read(0)

    with pytest.raises(RunFailed, match=r"no image for 0\.5 s"):
        read_all()


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(BadRequest, match="gives no images"):
        open_source(resolve_dataset(f"camera:{tmp_path / 'text.avi'}"), seed=0)


def test_names_of_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev = tmp_path / "dev"
    dev.mkdir()
    monkeypatch.setattr(libraries, "YOLO_LIBRARIES", ())
    with pytest.raises(BadRequest, match=r"There is no .*video0") as raised:
        names.camera_dataset("camera:0", dev)
    assert "Connect one" in raised.value.hint
    (dev / "video2").touch()
    with pytest.raises(BadRequest) as raised:
        names.camera_dataset("camera:0", dev)
    assert raised.value.hint == "There is camera:2."
    spec = names.camera_dataset("camera:2", dev)
    assert (spec.name, spec.dataset_id, spec.label) == ("camera:2", "2", "camera 2")
    for name, message in (("camera:", "No camera was named"), (f"camera:{dev}", "is a folder")):
        with pytest.raises(BadRequest, match=message):
            names.camera_dataset(name, dev)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clip.avi").touch()
    assert names.camera_dataset("camera:clip.avi", dev).name == f"camera:{tmp_path / 'clip.avi'}"
    monkeypatch.setattr(libraries, "YOLO_LIBRARIES", ("libnothing-of-this-name.so.9",))
    with pytest.raises(BadRequest, match=r"libnothing-of-this-name\.so\.9"):
        names.camera_dataset("camera:2", dev)


def test_a_camera_has_no_synthetic_images_and_is_not_preloaded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi")
    with pytest.raises(BadRequest, match="No shape is known"):
        resolve_dataset(f"camera:{path}", images="synthetic")
    with pytest.raises(BadRequest, match="cannot be preloaded"):
        RunSpec(model="resnet-152", dataset="camera:0", preload=True).validated()
    assert catalog.dataset_row("camera:0") is None


@pytest.mark.torch
def test_runs_on_a_camera_are_named_as_such_and_end_cleanly_with_it(home: Home, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model")
    video = write_video(tmp_path / "clip.avi", 120)
    short = ("--idle-s", "0", "--warmup-min-s", "0", "--warmup-max-s", "0", "--cooldown-s", "0", "--interval-ms", "50")
    run = ("run", "--model", str(model), "--weights", "random", "--dataset", f"camera:{video}", *short, "--json")
    done = home.cli(*run, "--items", "20")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["items"], summary["images"], summary["dataset"]) == (20, "camera", f"camera:{video}")
    assert any(label.startswith("camera images") for label in summary["labels"])
    events = [json.loads(line) for line in (home.runs[0] / "events.jsonl").read_text().splitlines()]
    [loaded] = [event for event in events if event["kind"] == "loaded"]
    assert (loaded["dataset_source"], loaded["dataset_items"]) == ("camera", None)
    ended = home.cli(*run, "--items", "100000")
    assert ended.returncode == 4
    assert "ended after 120 images" in ended.stderr
    assert json.loads(ended.stdout)["state"] == "failed"
