"""The method onnx on the CPU provider: what is exported, kept and found again, and what is refused or named."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.abilities import CPU as CPU_PROVIDER
from orin_core.abilities import CUDA, TENSORRT
from orin_core.errors import OrinError
from orin_core.inference import agreement
from orin_core.inference.feed import batch_of
from orin_core.inference.loading import calm
from orin_core.inference.methods import check_here, put_through
from orin_core.inference.process import Events, Stop
from orin_core.inference.session import Session
from orin_core.inference.sources import Pixels
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.inference.workload import Workload, load_workload
from orin_core.methods import Method, Precision
from orin_core.resolve import resolve_dataset, resolve_model
from orin_core.spec import RunSpec, Task, WorkerSpec
from tests.support import write_images
from tests.support_inference import CPU, Images, method_of, told
from tests.support_models import save_tiny_depth, save_tiny_resnet

ensure_vision_ops()
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from orin_core.inference.methods import onnx as onnx_method  # noqa: E402
from orin_core.inference.methods import onnx_export  # noqa: E402
from orin_core.inference.methods.onnx_runtime import Runtime, options_of  # noqa: E402

pytestmark = pytest.mark.torch

GPU = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exports of this test lie."""
    monkeypatch.setenv("ORIN_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / "models" / "onnx"


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Workload]:
    """Makes a small classifier, the same each time, whose values are of order one."""
    folder = save_tiny_resnet(tmp_path / "resnet")

    def load() -> Workload:
        workload = load_workload(resolve_model(str(folder)), CPU, 0)
        torch.manual_seed(5)
        calm(workload.model, workload.forward, workload.prepare, 0)
        return workload

    return load


@pytest.fixture
def images() -> list[Pixels]:
    noise = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(noise, size=64, mode="bilinear")
    return list((smooth * 255).byte().numpy())


def onnx_of(workload: Workload, *, batch_size: int = 4, precision: Precision = Precision.FP32) -> Any:
    return method_of(workload, Method.ONNX, batch_size=batch_size, precision=precision)


def logits(method: Any, images: list[Pixels]) -> torch.Tensor:
    output: torch.Tensor = method.forward(method.bare(batch_of(images))[0])
    return output


def test_an_export_is_made_once_and_found_by_all_that_it_depends_on(
    fresh: Callable[[], Workload], images: list[Pixels], exports: Path
) -> None:
    with torch.inference_mode():  # as in the worker
        first = onnx_of(fresh())
        said = logits(first, images[:4])
        (kept,) = exports.iterdir()
        (model,) = kept.iterdir()
        written = model.read_bytes(), model.stat().st_mtime_ns
        again = onnx_of(fresh())
        assert torch.equal(logits(again, images[:4]), said)
        assert (first.facts["export"], again.facts["export"]) == ("made", "found")
        assert (model.read_bytes(), model.stat().st_mtime_ns) == written
        other = fresh()
        list(other.model.parameters())[-1].add_(1.0)
        for method in (onnx_of(fresh(), batch_size=5), onnx_of(fresh(), precision=Precision.FP16), onnx_of(other)):
            logits(method, images[:4])
            assert method.facts["export"] == "made"
    assert len(list(exports.iterdir())) == 4


def test_a_short_batch_is_padded_inside_and_nobody_hears_of_it(
    fresh: Callable[[], Workload], images: list[Pixels]
) -> None:
    method, batched = onnx_of(fresh()), method_of(fresh(), batch_size=4)
    short = batch_of(images[:3])
    taken, expected = put_through(method, short), put_through(batched, short)
    assert [one.class_id for one in taken.results] == [one.class_id for one in expected.results]
    assert [one.score for one in taken.results] == pytest.approx([one.score for one in expected.results], rel=1e-5)
    assert (taken.shapes, method.facts["padded"]) == (frozenset({(3, 64, 64)}), True)
    assert taken.forward_s > 0
    (pixels,) = method.bare(short)
    assert (len(pixels), len(method.forward(pixels))) == (3, 3)
    assert method._runtime.shape == (4, 3, 64, 64)
    method.resize(2)
    put_through(method, batch_of(images[:1]))
    assert method._runtime.shape == (2, 3, 64, 64)


@pytest.mark.parametrize("content", [b"", b"no model", None], ids=["empty", "garbage", "cut"])
def test_a_broken_export_is_made_anew(
    content: bytes | None, fresh: Callable[[], Workload], images: list[Pixels], exports: Path
) -> None:
    said = logits(onnx_of(fresh()), images[:4])
    (model,) = exports.glob("*/model.onnx")
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2] if content is None else content)
    method = onnx_of(fresh())
    assert torch.equal(logits(method, images[:4]), said)
    assert method.facts["export"] == "made"
    assert len(list(exports.iterdir())) == 1


def test_an_export_that_was_cut_off_leaves_nothing_usable(
    fresh: Callable[[], Workload], images: list[Pixels], exports: Path
) -> None:
    kept = onnx_export.Kept(exports, "key")

    def killed(folder: Path) -> None:
        (folder / "model.onnx").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.make(killed)
    assert not kept.find()
    assert list(exports.iterdir()) == []


def test_a_model_that_cannot_be_exported_is_a_sentence_and_leaves_nothing(
    fresh: Callable[[], Workload], images: list[Pixels], exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = fresh()
    monkeypatch.setattr(workload, "forward", lambda pixels: torch.fft.fft(pixels).abs())
    with pytest.raises(OrinError, match=r"cannot be exported to ONNX: .*fft"):
        logits(onnx_of(workload), images[:4])
    assert list(exports.iterdir()) == []


def test_exports_that_were_used_longest_ago_make_room(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "KEPT_GB", 2.5e-6)
    kept = [onnx_export.Kept(exports, key) for key in ("a", "b", "c")]

    def write(folder: Path) -> None:
        (folder / "model.onnx").write_bytes(bytes(1000))

    for one in kept[:2]:
        one.make(write)
    os.utime(kept[1].folder, (1, 1))
    os.utime(kept[0].folder, (2, 2))
    kept[2].make(write)
    assert [one.find() for one in kept] == [True, False, True]


def agreed(
    fresh: Callable[[], Workload], images: list[Pixels], method: Any, precision: Precision = Precision.FP32
) -> dict[str, Any]:
    """The figures of the agreement of a method with the reference."""
    reference = method_of(fresh(), Method.REFERENCE)
    results = [put_through(reference, batch_of([image])).results[0] for image in images]
    known = agreement.Known(images=images, results=results, seconds=0.0)
    found = agreement.held_against(known, method=method, batch_size=4, task=Task.CLASSIFICATION, precision=precision)
    assert found is not None
    return found


def test_a_file_of_another_model_does_not_agree(
    fresh: Callable[[], Workload], images: list[Pixels], exports: Path
) -> None:
    right = onnx_of(fresh())
    assert agreed(fresh, images, right)["ok"]
    (mine,) = exports.glob("*/model.onnx")
    other = fresh()
    for weight in list(other.model.parameters())[-2:]:
        weight.copy_(weight.roll(1, dims=0))
    logits(onnx_of(other), images[:4])
    (theirs,) = set(exports.glob("*/model.onnx")) - {mine}
    mine.write_bytes(theirs.read_bytes())
    wrong = onnx_of(fresh())
    found = agreed(fresh, images, wrong)
    assert wrong.facts["export"] == "found"
    assert not found["ok"], found


def test_int8_is_calibrated_with_images_of_the_run_and_its_loss_is_shown(
    fresh: Callable[[], Workload], images: list[Pixels], exports: Path
) -> None:
    def int8(source: Images | None) -> Any:
        return method_of(fresh(), Method.ONNX, precision=Precision.INT8, batch_size=4, source=source)

    method = int8(Images(images))
    found = agreed(fresh, images, method, Precision.INT8)
    assert found["ok"], found
    assert 0 < found["score_error"] < 0.1
    assert method.facts["calibration_images"] == 5
    (model,) = exports.glob("*/model.onnx")
    kinds = [node.op_type for node in onnx.load(str(model)).graph.node]
    assert kinds.count("QuantizeLinear") > 2
    # Other images, other ranges.
    other = int8(Images([image // 2 for image in images]))
    logits(other, images[:4])
    assert other.facts["export"] == "made"
    with pytest.raises(OrinError, match="images of the data set to calibrate"):
        logits(int8(None), images[:4])


def test_a_second_shape_is_refused_with_both(tmp_path: Path, images: list[Pixels]) -> None:
    workload = load_workload(resolve_model(str(save_tiny_depth(tmp_path / "depth"))), CPU, 0)
    method = onnx_of(workload, batch_size=2)
    put_through(method, batch_of(images[:2]))
    with pytest.raises(OrinError, match="takes images of 56x56 pixels, and others of this data set are 112x56"):
        put_through(method, batch_of([np.concatenate([images[0], images[1]], axis=2)]))


def test_a_provider_that_does_not_come_up_is_named(
    tmp_path: Path, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real ONNX Runtime, which leaves out what it does not have."""
    monkeypatch.setattr(onnx_method, "wanted", lambda device: (TENSORRT, CPU_PROVIDER))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [TENSORRT, CPU_PROVIDER])
    model_name, folder = str(save_tiny_resnet(tmp_path / "tiny")), str(write_images(tmp_path / "images", 2))
    spec = WorkerSpec(
        run=RunSpec(model=model_name, dataset=folder, method="onnx", items=2, batch_size=2, warmup_max_s=0.0),
        model=resolve_model(model_name),
        dataset=resolve_dataset(folder),
    )
    with (tmp_path / "events").open("wb") as file, torch.inference_mode():
        events = Events(file.fileno())
        with pytest.warns(UserWarning, match=TENSORRT):
            Session(spec, events, Stop(), time.monotonic()).run()
        events.close()
    said = {event["event"]: event for event in told(tmp_path / "events")}
    facts = said["loaded"]["method_facts"]
    assert (facts["provider"], facts["provider_missing"]) == (CPU_PROVIDER, [TENSORRT])
    assert CPU_PROVIDER in facts["providers_available"]
    assert facts["nodes"] is None or set(facts["nodes"]) == {CPU_PROVIDER}
    message = f"ONNX Runtime uses {CPU_PROVIDER}; missing or not working here: {TENSORRT}."
    assert (said["notice"]["notice"], said["notice"]["message"]) == ("provider_missing", message)
    assert said["agreement"]["ok"]
    (model,) = exports.glob("*/model.onnx")
    with pytest.warns(UserWarning, match=TENSORRT), pytest.raises(OrinError, match=f"fell back to {CPU_PROVIDER}"):
        Runtime(model, engines=model.parent, providers=[TENSORRT], device=CPU, precision=Precision.FP32)


def test_providers_of_a_gpu_get_what_the_precision_needs(tmp_path: Path) -> None:
    def options(provider: str, precision: Precision) -> dict[str, Any]:
        return options_of(provider, stream=4711, device=GPU, engines=tmp_path, precision=precision)

    cuda = options(CUDA, Precision.FP32)
    assert cuda == {"device_id": 0, "user_compute_stream": "4711", "use_tf32": "0"}
    for precision, fp16, int8 in (
        (Precision.FP32, False, False),
        (Precision.FP16, True, False),
        (Precision.INT8, False, True),
    ):
        found = options(TENSORRT, precision)
        assert (found["trt_fp16_enable"], found["trt_int8_enable"]) == (fp16, int8)
        assert (found["trt_engine_cache_enable"], found["trt_engine_cache_path"]) == (True, str(tmp_path))


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_a_missing_package_is_a_sentence(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_here(Method.ONNX, Precision.FP32, CPU)
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(OrinError, match=f"needs {absent}, and that is not installed"):
        check_here(Method.ONNX, Precision.FP32, CPU)


def test_memory_that_runs_out_is_told_as_such(tmp_path: Path) -> None:
    """So that the batch can be halved: ONNX Runtime has errors of its own."""
    h = onnx.helper
    float32 = onnx.TensorProto.FLOAT
    huge = h.make_tensor("huge", onnx.TensorProto.INT64, [2], [1 << 24, 1 << 24])
    graph = h.make_graph(
        [
            h.make_node("Expand", ["pixels", "huge"], ["all"]),
            h.make_node("ReduceMax", ["all"], ["output"], keepdims=0),
        ],
        "huge",
        [h.make_tensor_value_info("pixels", float32, [1, 1])],
        [h.make_tensor_value_info("output", float32, [])],
        [huge],
    )
    path = tmp_path / "model.onnx"
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), str(path))
    runtime = Runtime(path, engines=tmp_path, providers=[CPU_PROVIDER], device=CPU, precision=Precision.FP32)
    with pytest.raises(MemoryError):
        runtime(torch.zeros(1, 1))
