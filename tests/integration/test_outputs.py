"""Pictures of what the model says, through the real worker and the real runner."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from orin_core.runs import gallery
from orin_core.runs.recording import Recording
from tests.conftest import Home
from tests.integration.conftest import Bench
from tests.integration.test_worker import spec_line, started
from tests.support import write_images
from tests.support_models import save_tiny_depth, save_tiny_resnet, save_tiny_text

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("task", gallery.KINDS)
def test_each_task_shows_what_its_model_says_before_the_clock_starts(home: Home, tmp_path: Path, task: str) -> None:
    save = {"classification": save_tiny_resnet, "depth": save_tiny_depth, "text": save_tiny_text}.get(task)
    model = str(save(tmp_path / "model")) if save else "yolov8n"
    images = write_images(tmp_path / "images", 3)
    if task == "text":
        images = tmp_path / "prompts.txt"
        images.write_text("One?\nAnd two, and more?\nThree?")
    with started(home, spec_line(model, str(images), items=4, batch_size=2)) as worker:
        assert worker.to_the_end() == 0, worker.log.read_text()
    (outputs,), (done,) = worker.named("outputs"), worker.named("done")
    assert outputs["problem"] == ""
    assert 1 <= len(outputs["pictures"]) <= 3
    for picture in outputs["pictures"]:
        assert picture["kind"] == task
        assert picture["title"]
        data = base64.b64decode(picture["jpeg"])
        assert len(data) <= gallery.MAX_JPEG_BYTES
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG"
            assert max(image.size) <= 320
    order = [event["event"] for event in worker.events]
    assert order.index("loaded") < order.index("outputs") < order.index("phase")
    assert outputs["t_s"] < done["t_start_s"]
    assert (done["items"], done["results"], done["failed_items"]) == (4, 4, 0)


def test_a_run_keeps_its_pictures_beside_its_figures_and_not_in_its_events(bench: Bench) -> None:
    done = bench.home.cli(*bench.arguments("--seconds", "1", "--json"))
    assert done.returncode == 0, done.stderr
    (folder,) = bench.home.runs
    recording = Recording(folder=folder)
    pictures = gallery.pictures(recording)
    assert pictures
    assert all(gallery.jpeg(recording, picture.file) for picture in pictures)
    assert "Random weights" in gallery.caption(recording)
    events = recording.events()
    (told,) = [event for event in events if event["kind"] == "outputs"]
    assert told["pictures"] == len(pictures)
    assert "jpeg" not in (folder / "events.jsonl").read_text()
    kinds = [event["kind"] if event["kind"] != "phase" else event["phase"] for event in events]
    assert kinds.index("load") < kinds.index("outputs") < kinds.index("measure")
    assert json.loads(done.stdout)["notices"] == []
