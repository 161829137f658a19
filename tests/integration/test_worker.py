"""The worker as a process: its events, its figures, and how it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orin_core import abilities
from orin_core.resolve import resolve_dataset, resolve_model
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import RunSpec, WorkerSpec, to_json
from tests.conftest import GENEROUS_S, Home
from tests.support import write_broken_image, write_images, write_tiny_model
from tests.support_models import save_tiny_depth, save_tiny_resnet

pytestmark = pytest.mark.torch

Event = dict[str, Any]


@dataclasses.dataclass
class Worker:
    """A worker process, its events read as they come."""

    child: subprocess.Popen[bytes]
    log: Path
    events: list[Event] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self._incoming: queue.Queue[Event | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stdout
        for line in self.child.stdout:
            self._incoming.put(json.loads(line))
        self._incoming.put(None)

    def send(self, line: str) -> None:
        assert self.child.stdin
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def until(self, name: str) -> Event:
        """Takes events up to the next of a name and returns that."""
        while (event := self._incoming.get(timeout=GENEROUS_S)) is not None:
            self.events.append(event)
            if event["event"] == name:
                return event
        pytest.fail(f"the worker ended without {name}: {self.log.read_text()[-2000:]}")

    def to_the_end(self) -> int:
        """Takes all other events and returns the exit code."""
        while (event := self._incoming.get(timeout=GENEROUS_S)) is not None:
            self.events.append(event)
        return self.child.wait(timeout=GENEROUS_S)

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event["event"] == name]

    def rows(self, phase: str) -> list[list[Any]]:
        return [row for event in self.named("batches") for row in event["rows"] if row[2] == phase]


@contextlib.contextmanager
def started(home: Home, first_line: str | None, **options: Any) -> Iterator[Worker]:
    """Starts a worker and sends it its first line; ends it if the test did not."""
    log = home.root / "worker.log"
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", "orin_core.inference.worker"],
            # One thread: with more, each of hundreds of small steps waits for a core that another test is using.
            env={**home.env, "OMP_NUM_THREADS": "1"},
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            **options,
        )
    worker = Worker(child, log)
    try:
        if first_line is not None:
            worker.send(first_line)
        yield worker
    finally:
        child.kill()
        child.wait()
        worker._reader.join()
        for stream in (child.stdin, child.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream:
                    stream.close()


def spec_line(model: str, dataset: str, *, lock_fd: int | None = None, **changes: Any) -> str:
    values = {"warmup_min_s": 0.0, "warmup_max_s": 0.0, **changes}
    run = RunSpec(model=model, dataset=dataset, **values).validated()
    spec = WorkerSpec(
        run=run,
        model=resolve_model(model, weights=run.weights),
        dataset=resolve_dataset(dataset, images=run.images),
        lock_fd=lock_fd,
    )
    return json.dumps(to_json(spec))


def test_a_run_of_saved_weights_on_image_files_from_first_event_to_last(home: Home, tmp_path: Path) -> None:
    model = save_tiny_resnet(tmp_path / "tiny")
    images = write_images(tmp_path / "images", 6)
    write_images(images / "larger", 2, size_px=70)
    write_broken_image(images)
    start_s = time.monotonic()
    line = spec_line(str(model), str(images), items=10, batch_size=4, warmup_max_s=0.5)
    with started(home, line) as worker:
        assert worker.to_the_end() == 0, worker.log.read_text()
    end_s = time.monotonic()
    order = [event["event"] for event in worker.events if event["event"] != "batches"]
    assert order == [
        *("environment", "item_failed", "loaded", "agreement", "outputs", "phase", "warmup"),
        *("model_only", "synchronised", "phase", "done", "model_only", "synchronised"),
    ]
    (loaded,), (failed,), (warmup,), (done,) = (
        worker.named(name) for name in ("loaded", "item_failed", "warmup", "done")
    )
    assert (loaded["weights"], loaded["dataset_source"], loaded["dataset_items"]) == ("local", "local", 9)
    assert (loaded["input_shape"], loaded["precision"]) == ([4, 3, 64, 64], "fp32")
    assert loaded["parameters"] > 1000
    # The stem at 32x32, two convolutions at 16x16, the labels.
    assert loaded["flop_per_item"] == 2 * (3 * 49 * 8 * 32**2 + 2 * 8 * 9 * 8 * 16**2 + 8 * 10)
    assert failed["name"] == "0001-broken.png"
    assert failed["reason"]
    assert (warmup["settled"], warmup["windows"]) == (False, 0)
    assert warmup["seconds"] >= 0.5
    rows = worker.rows("measure")
    assert [row[3] for row in rows] == [4, 4, 2]
    assert (done["items"], done["failed_items"], done["stopped"]) == (10, 1, False)
    assert (done["results"], done["in_flight"]) == (10, 1)
    assert 0 <= done["final_sync_s"] < end_s - done["t_end_s"]
    assert worker.named("batches")[-1]["items_done"] == 10
    assert worker.named("batches")[-1]["failed_items"] == 1
    phases = [(event["phase"], event["t_s"]) for event in worker.named("phase")]
    assert [phase for phase, _ in phases] == ["warmup", "measure"]
    times = [start_s, phases[0][1], phases[1][1], *(t_s for row in rows for t_s in row[:2]), end_s]
    assert times == sorted(times)
    assert done["t_start_s"] == rows[0][0]
    assert done["t_end_s"] == rows[-1][1]
    for fetch_s, stop_s, _, _, forward_ms, latency_ms in rows:
        assert 0 < forward_ms <= latency_ms <= (stop_s - fetch_s) * 1000 + 0.01
    assert [event["when"] for event in worker.named("model_only")] == ["before", "after"]
    for event in worker.named("model_only"):
        assert event["items"] % 4 == 0
        assert event["items"] >= 12
        assert event["fps"] == pytest.approx(event["items"] / event["seconds"], rel=1e-3)
    assert [event["when"] for event in worker.named("synchronised")] == ["before", "after"]
    for event in worker.named("synchronised"):
        assert event["batches"] >= 5
        assert event["items"] == 4 * event["batches"]
        assert event["forward_ms_p50"] > 0


def test_an_exported_model_goes_on_past_its_seconds_until_so_many_images_are_done(home: Home, tmp_path: Path) -> None:
    model, images = save_tiny_resnet(tmp_path / "tiny"), write_images(tmp_path / "images", 4)
    line = spec_line(
        str(model), str(images), seconds=0.001, min_items=100, batch_size=8, method="onnx", precision="int8"
    )
    with started(home, line) as worker:
        assert worker.to_the_end() == 0, worker.log.read_text()
    (loaded,), (agreement,), (done,) = (worker.named(name) for name in ("loaded", "agreement", "done"))
    assert (done["items"], done["results"], done["stopped"]) == (104, 104, False)
    facts = loaded["method_facts"]
    assert (facts["provider"], facts["provider_missing"]) == ("CPUExecutionProvider", [])
    assert (facts["export"], facts["calibration_images"]) == ("made", 4)
    assert (agreement["method"], agreement["precision"], agreement["images"]) == ("onnx", "int8", 4)
    assert agreement["metric"] == "top1"
    # With the data, not in the state folder, which may lie in memory.
    assert len(list(home.root.glob("data/models/onnx/*/model.onnx"))) == 1


def test_a_fast_model_is_measured_by_time_with_every_batch_in_a_few_events(home: Home, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny")
    line = spec_line(str(model), "cifar100", seconds=2.0, batch_size=8, weights="random", images="synthetic")
    with started(home, line) as worker:
        assert worker.to_the_end() == 0, worker.log.read_text()
    (loaded,), (done,) = worker.named("loaded"), worker.named("done")
    assert (loaded["weights"], loaded["dataset_source"], loaded["dataset_items"]) == ("random", "synthetic", 10_000)
    seconds = done["t_end_s"] - done["t_start_s"]
    rows = worker.rows("measure")
    assert seconds >= 2.0
    assert sum(row[3] for row in rows) == done["items"]
    assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(rows))
    assert done["items"] / seconds > 20
    # Five a second, and one for each event that they must come before.
    assert len(worker.named("batches")) <= 5 * (seconds + 2) + len(worker.events) - len(worker.named("batches"))
    assert len(rows) > len(worker.named("batches"))
    assert all(event["fps"] > 20 for event in worker.named("model_only"))


@pytest.mark.parametrize("model", ["depth", "yolov8n"])
def test_depth_and_boxes_on_images_of_different_proportions(home: Home, tmp_path: Path, model: str) -> None:
    name = str(save_tiny_depth(tmp_path / "depth")) if model == "depth" else model
    images = write_images(tmp_path / "images", 2)
    write_images(images / "wide", 2, size_px=64)
    with started(home, spec_line(name, str(images), items=5, batch_size=2)) as worker:
        assert worker.to_the_end() == 0, worker.log.read_text()
    (loaded,), (done,) = worker.named("loaded"), worker.named("done")
    assert loaded["input_shape"] == ([2, 3, 56, 56] if model == "depth" else [2, 3, 640, 640])
    assert loaded["flop_per_item"] > 0
    assert done["results"] == 5
    assert (done["items"], done["failed_items"]) == (5, 0)
    assert [row[3] for row in worker.rows("measure")] == [2, 2, 1]


@pytest.fixture
def endless(tmp_path: Path) -> str:
    """The first line of a run that ends only when it is told to."""
    model, images = write_tiny_model(tmp_path / "tiny"), write_images(tmp_path / "images", 4)
    return spec_line(str(model), str(images), seconds=3600.0, weights="random")


@pytest.mark.parametrize("how", ["stop", "term"])
def test_it_stops_when_asked_and_says_what_was_done(home: Home, endless: str, how: str) -> None:
    with started(home, endless) as worker:
        while not worker.rows("measure"):
            worker.until("batches")
        # Ctrl-C reaches the whole group of a terminal; the runner alone decides what it means.
        worker.child.send_signal(signal.SIGINT)
        worker.until("batches")
        if how == "stop":
            worker.send("stop")
        else:
            worker.child.send_signal(signal.SIGTERM)
        assert worker.to_the_end() == 0, worker.log.read_text()
    (done,) = worker.named("done")
    assert done["stopped"] is True
    assert done["items"] == done["results"] == sum(row[3] for row in worker.rows("measure")) > 0
    assert [event["when"] for event in worker.named("model_only")] == ["before"]


def test_the_end_of_its_input_ends_it_at_once_wherever_it_is(home: Home, endless: str) -> None:
    for moment in ("environment", "batches"):
        with started(home, endless) as worker:
            worker.until(moment)
            assert worker.child.stdin
            worker.child.stdin.close()
            worker.to_the_end()
            assert not worker.named("done")


def test_the_board_is_held_for_as_long_as_it_lives(home: Home, tmp_path: Path, endless: str) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    line = json.dumps({**json.loads(endless), "lock_fd": lock})
    other = os.open(tmp_path / "lock", os.O_RDWR)
    try:
        with started(home, line, pass_fds=(lock,)) as worker:
            os.close(lock)
            worker.until("batches")
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(other)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": {"kind": "folder", "dataset_id": "/nowhere/at/all"}}, "no images"),
        ({"model": {"path": "/nowhere/at/all", "weights": "local"}}, "no folder"),
        ({"run": {"nonsense": 1}}, "nonsense"),
        (None, "JSON"),
    ],
)
def test_what_cannot_be_run_is_one_event_and_exit_code_4(
    home: Home, endless: str, change: dict[str, dict[str, Any]] | None, said: str
) -> None:
    document = json.loads(endless)
    for part, values in (change or {}).items():
        document[part] = {**document[part], **values}
    with started(home, "no json" if change is None else json.dumps(document)) as worker:
        assert worker.to_the_end() == 4
    error = worker.events[-1]
    assert error["event"] == "error"
    assert said in error["message"]
    assert not worker.named("loaded")


def test_it_describes_what_is_here_in_one_object(home: Home) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orin_core.inference.worker", "--describe"],
        env=home.env,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["torch"]
    assert facts["torchvision_ops"] in ("native", "substitute", "absent")
    assert facts["device"] in ("cpu", "cuda")
    assert facts["device_name"]
    assert (facts["cuda"] is None) or facts["cuda"][0].isdigit()
    device = abilities.from_json(facts["abilities"])
    assert device is not None
    assert (device.cuda, device.providers is None) == (facts["cuda_available"], bool(device.onnx_lacks))
