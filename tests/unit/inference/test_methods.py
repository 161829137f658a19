"""Every method that a CPU can run, for the three tasks, against the reference on the same images."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.errors import BadRequest
from orin_core.inference import agreement
from orin_core.inference.feed import Batch, batch_of
from orin_core.inference.loading import calm
from orin_core.inference.methods import check_here, put_through
from orin_core.inference.methods.graph import made_by
from orin_core.inference.precision import fold_batch_norm
from orin_core.inference.stream import CpuStream
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.inference.workload import Workload, load_workload
from orin_core.methods import Method, Precision
from orin_core.resolve import resolve_model
from orin_core.spec import Task
from tests.support_inference import CPU, Images, method_of
from tests.support_models import save_tiny_depth, save_tiny_resnet

ensure_vision_ops()

pytestmark = pytest.mark.torch

TASKS = {"classification": Task.CLASSIFICATION, "depth": Task.DEPTH, "detection": Task.DETECTION}
SIZES = ((64, 64), (64, 128), (64, 64), (64, 64), (64, 128))


class Told(CpuStream):
    """Notes whether the device shall search for the best convolution; None before a method says so."""

    searches: bool | None = None

    def search(self, *, on: bool) -> None:
        self.searches = on


def fresh(task: str, tmp_path: Path) -> Workload:
    """A small model of a task, the same each time, whose values are of order one."""
    if task == "detection":
        workload = load_workload(resolve_model("yolov8n", weights="random"), CPU, 0)
        head: Any = workload.model.model[-1]  # type: ignore[index]
        for level in head.cv3:
            # So that it finds something.
            level[-1].bias.data += 5.5
        return workload
    folder = tmp_path / task
    if not folder.exists():
        (save_tiny_resnet if task == "classification" else save_tiny_depth)(folder)
    workload = load_workload(resolve_model(str(folder)), CPU, 0)
    torch.manual_seed(5)
    calm(workload.model, workload.forward, workload.prepare, 0)
    return workload


@pytest.fixture
def images() -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Smooth images, so that what a resize rounds does not decide."""
    found = []
    for seed, (height, width) in enumerate(SIZES):
        noise = torch.from_numpy(np.random.default_rng(seed).random((1, 3, height // 2, width // 2)))
        smooth = torch.nn.functional.interpolate(noise, size=(height, width), mode="bilinear")
        found.append((smooth[0] * 255).byte().numpy())
    return found


def for_task(task: str, images: Any) -> Any:
    """Images that a detector need not resize: OpenCV and torch differ by a level there, and random weights notice."""
    if task != "detection":
        return images
    return [image.repeat(640 // image.shape[2], axis=1).repeat(640 // image.shape[2], axis=2) for image in images]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where exports of this test lie."""
    monkeypatch.setenv("ORIN_DATA_DIR", str(tmp_path / "data"))


def compared(task: str, tmp_path: Path, images: Any, method: Method, precision: Precision) -> dict[str, Any]:
    """The figures of the agreement of a method, and whether reference and method gave one result an image."""
    images = for_task(task, images)
    with torch.inference_mode():
        reference = method_of(fresh(task, tmp_path), Method.REFERENCE)
        results = [put_through(reference, batch_of([image])).results[0] for image in images]
        known = agreement.Known(images=images, results=results, seconds=0.0)
        other = method_of(fresh(task, tmp_path), method, precision=precision, batch_size=3, source=Images(images))
        found = agreement.held_against(known, method=other, batch_size=3, task=TASKS[task], precision=precision)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("task", "method", "precision"),
    [
        *[(task, Method.BATCHED, Precision.FP32) for task in TASKS],
        *[(task, Method.BATCHED, Precision.FP16) for task in TASKS],
        *[(task, Method.PIPELINE, Precision.FP32) for task in TASKS],
        # Not the detector: eight bits are four pixels at the far edge of 640.
        *[(task, Method.BATCHED, Precision.BF16) for task in ("classification", "depth")],
        *[(task, Method.ONNX, Precision.FP32) for task in TASKS],
        *[(task, Method.ONNX, Precision.FP16) for task in TASKS],
        # Nor here: random weights make other boxes of what eight bits round.
        *[(task, Method.ONNX, Precision.INT8) for task in ("classification", "depth")],
    ],
)
def test_a_method_agrees_with_the_reference(
    task: str, method: Method, precision: Precision, images: Any, tmp_path: Path
) -> None:
    if (task, method) == ("detection", Method.PIPELINE) or (task != "classification" and method is Method.ONNX):
        # Others the pipeline pads to a square, and an exported model takes one shape.
        images = [image for image in images if image.shape == images[0].shape]
    found = compared(task, tmp_path, images, method, precision)
    assert found["ok"], found
    assert (found["images"], found["precision"]) == (len(images), precision.value)


def test_the_detector_of_these_tests_finds_something(images: Any, tmp_path: Path) -> None:
    reference = method_of(fresh("detection", tmp_path), Method.REFERENCE)
    for image in for_task("detection", images):
        assert 0 < len(put_through(reference, batch_of([image])).results[0]) < 300


@pytest.mark.parametrize("task", TASKS)
def test_other_weights_do_not_agree(task: str, images: Any, tmp_path: Path) -> None:
    """What the thresholds are for: a model that computes something else."""
    images = for_task(task, images)
    with torch.inference_mode():
        reference = method_of(fresh(task, tmp_path), Method.REFERENCE)
        results = [put_through(reference, batch_of([image])).results[0] for image in images]
        other = fresh(task, tmp_path)
        for weight in list(other.model.parameters())[-2:] if task == "classification" else other.model.parameters():
            weight.copy_(weight.roll(1, dims=0))
        known = agreement.Known(images=images, results=results, seconds=0.0)
        method = method_of(other, batch_size=3)
        found = agreement.held_against(known, method=method, batch_size=3, task=TASKS[task], precision=Precision.FP16)
    assert found is not None
    assert not found["ok"], found


@pytest.mark.parametrize("name", [Method.REFERENCE, Method.PIPELINE, Method.BATCHED])
@pytest.mark.parametrize("task", TASKS)
def test_results_come_in_the_order_of_the_images_with_shapes_and_forward_time(
    task: str, name: Method, images: Any, tmp_path: Path
) -> None:
    with torch.inference_mode():
        method = method_of(fresh(task, tmp_path), name, batch_size=len(images))
        together = put_through(method, batch_of(images))
        alone = [put_through(method, batch_of([image])).results[0] for image in images]
        bare = method.bare(batch_of(images[:1]))
        method.forward(bare[0])
    assert len(together.results) == len(images)
    assert together.forward_s > 0
    wide_is_wide = task != "classification" and not (task == "detection" and name is Method.PIPELINE)
    assert len(together.shapes) == (2 if wide_is_wide else 1)
    for one, other in zip(together.results, alone, strict=True):
        if task == "classification":
            assert one.class_id == other.class_id
        elif task == "depth":
            assert np.allclose(one, other, atol=1e-4 * max(np.ptp(other), 1e-3))
        elif name is not Method.PIPELINE:  # predict pads a list of mixed sizes to a square
            assert np.allclose(one[:5], other[:5], atol=0.1)


def test_images_of_any_size_are_one_call_where_they_end_up_alike(tmp_path: Path, images: Any) -> None:
    workload, calls = fresh("classification", tmp_path), []
    workload.model.register_forward_pre_hook(lambda *_: calls.append(1))
    with torch.inference_mode():
        taken = put_through(method_of(workload, batch_size=5), batch_of(images))
    assert (len(calls), len(taken.results)) == (1, len(images))


def test_the_last_short_batch_is_padded_where_shapes_are_fixed_and_padding_is_dropped(
    tmp_path: Path, images: Any
) -> None:
    workload, seen = fresh("classification", tmp_path), []
    workload.model.register_forward_pre_hook(
        lambda module, values, named: seen.append(tuple(named["pixel_values"].shape)), with_kwargs=True
    )
    method: Any = method_of(workload, batch_size=4)
    plain = put_through(method, batch_of(images[:3])).results
    method._pads = True  # as on CUDA
    padded = put_through(method, batch_of(images[:3])).results
    assert [shape[0] for shape in seen] == [3, 4]
    assert [one.class_id for one in padded] == [one.class_id for one in plain]
    method.resize(2)
    put_through(method, batch_of(images[:1]))
    assert seen[-1][0] == 2


def test_images_that_differ_in_shape_are_told_to_the_device_and_never_padded(tmp_path: Path, images: Any) -> None:
    stream = Told()
    method: Any = method_of(fresh("depth", tmp_path), batch_size=8, stream=stream)
    method._pads = True
    put_through(method, batch_of([images[0]]))
    assert stream.searches is True
    assert sorted(len(part) for part in method.bare(batch_of(images))) == [2, 3]
    assert stream.searches is False


def test_a_second_shape_in_a_later_batch_is_told_as_well(tmp_path: Path, images: Any) -> None:
    stream = Told()
    method = method_of(fresh("depth", tmp_path), batch_size=1, stream=stream)
    for image in (images[0], images[2]):
        put_through(method, batch_of([image]))
    assert stream.searches is True
    put_through(method, batch_of([images[1]]))
    assert stream.searches is False


@pytest.mark.parametrize("name", [Method.REFERENCE, Method.PIPELINE])
def test_a_library_runs_with_what_torch_does_by_itself(name: Method, tmp_path: Path, images: Any) -> None:
    stream = Told()
    put_through(method_of(fresh("classification", tmp_path), name, stream=stream), batch_of(images[:1]))
    assert stream.searches is None


def test_what_a_recording_reads_can_be_held_while_the_model_replaces_it(tmp_path: Path) -> None:
    """A graph itself needs CUDA; that a model replaces what it made for another number of images does not."""
    workload = fresh("detection", tmp_path)
    head: Any = workload.model.model[-1]  # type: ignore[index]
    with torch.inference_mode():
        workload.forward(torch.zeros(2, 3, 64, 64))
        anchors = head.anchors
        held = made_by(workload.model)
        workload.forward(torch.zeros(1, 3, 64, 64))
    assert head.anchors is not anchors
    assert any(one is anchors for one in held)


def test_predict_builds_its_copy_anew_and_lets_it_go(tmp_path: Path) -> None:
    workload: Any = fresh("detection", tmp_path)
    first, second = (method_of(workload, name) for name in (Method.REFERENCE, Method.PIPELINE))
    copies = [method._library.model for method in (first, second)]  # type: ignore[attr-defined]
    assert copies[0] is not copies[1]
    gone = weakref.ref(copies[0])
    del first, copies
    gc.collect()
    assert gone() is None


def test_the_pipeline_tells_two_classes_of_one_name_apart(tmp_path: Path, images: Any) -> None:
    workload: Any = fresh("classification", tmp_path)
    workload.model.config.id2label = dict.fromkeys(workload.model.config.id2label, "crane")
    plain = [put_through(method_of(workload, Method.REFERENCE), batch_of([image])).results[0] for image in images]
    found = put_through(method_of(workload, Method.PIPELINE, batch_size=5), batch_of(images)).results
    classes = [one.class_id for one in plain]
    assert set(classes) != {0}
    assert [one.class_id for one in found] == classes


def test_batch_norm_is_folded_and_the_model_says_the_same(tmp_path: Path) -> None:
    workload = fresh("classification", tmp_path)
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for part in workload.model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.running_var, 0.5, 2.0) if part.running_var is not None else None
            torch.nn.init.uniform_(part.weight, 0.5, 2.0)
    before = workload.forward(pixels)
    method = method_of(workload)
    norms = [part for part in workload.model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert method.facts["batch_norm_folded"] > 1
    assert norms == []
    assert torch.allclose(workload.forward(pixels), before, atol=1e-5)
    assert fold_batch_norm(workload.model) == 0


def test_half_precision_computes_in_half_and_tells_in_single(tmp_path: Path, images: Any) -> None:
    workload = fresh("depth", tmp_path)
    method = method_of(workload, precision=Precision.BF16)
    batch: Batch = batch_of(images[:1])
    assert method.bare(batch)[0].dtype == torch.bfloat16
    assert {weight.dtype for weight in workload.model.parameters()} == {torch.bfloat16}
    assert put_through(method, batch).results[0].dtype == np.float32


@pytest.mark.parametrize(
    ("method", "precision", "said"),
    [
        (Method.GRAPH, Precision.FP32, "needs CUDA"),
        (Method.BATCHED, Precision.TF32, "TF32"),
        # Predict would compute in fp32 without a word.
        (Method.PIPELINE, Precision.FP16, "predict does not compute in fp16"),
        (Method.PIPELINE, Precision.BF16, "predict does not compute in bf16"),
    ],
)
def test_what_a_cpu_cannot_do_is_refused_with_what_is_missing(method: Method, precision: Precision, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        check_here(method, precision, CPU, Task.DETECTION)
