"""The catalogue's models as they are built, and what the three tasks return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.catalog import model_row
from orin_core.errors import OrinError
from orin_core.inference.feed import Batch, ImageGroup
from orin_core.inference.methods import put_through
from orin_core.inference.vision_ops import ensure_vision_ops
from orin_core.inference.workload import Workload, load_workload
from orin_core.resolve import resolve_model
from orin_core.spec import ModelSpec
from tests.support_inference import method_of
from tests.support_models import save_tiny_depth, save_tiny_resnet

ensure_vision_ops()

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")


def _batch(*edges: tuple[int, int]) -> Batch:
    noise = np.random.default_rng(0)
    groups = tuple(
        ImageGroup(positions=(place,), pixels=torch.from_numpy(noise.integers(0, 256, (1, 3, *edge), dtype=np.uint8)))
        for place, edge in enumerate(edges)
    )
    return Batch(items=len(edges), groups=groups)


def _results(workload: Workload, batch: Batch) -> list[Any]:
    with torch.inference_mode():
        return list(put_through(method_of(workload, batch_size=batch.items), batch).results)


@pytest.mark.parametrize(
    ("name", "auto_class", "parameters"),
    [
        ("resnet-152", "AutoModelForImageClassification", 60_192_808),
        ("depth-anything-v2-base", "AutoModelForDepthEstimation", 97_470_785),
    ],
)
def test_the_catalogue_builds_the_published_number_of_parameters(name: str, auto_class: str, parameters: int) -> None:
    import transformers

    row = model_row(name)
    assert row is not None
    assert row.config is not None
    with torch.device("meta"):
        model = getattr(transformers, auto_class).from_config(transformers.AutoConfig.for_model(**row.config))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def test_yolov8n_has_the_published_number_of_parameters_and_one_seed_is_one_model() -> None:
    spec = resolve_model("yolov8n", weights="random")
    first, second, other = (load_workload(spec, CPU, seed) for seed in (3, 3, 4))
    assert first.parameters == 3_157_200
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(first.forward(pixels), second.forward(pixels))
        assert not torch.equal(first.forward(pixels), other.forward(pixels))


def test_yolo_returns_boxes_as_its_own_suppression_gives_them() -> None:
    """On a model's output with many boxes over each other, the classes and the cut at 300 included."""
    from ultralytics.utils.nms import non_max_suppression
    from ultralytics.utils.ops import scale_boxes

    workload = load_workload(resolve_model("yolov8n", weights="random"), CPU, 0)
    (height, width), seen = (333, 500), (448, 640)
    made = torch.Generator().manual_seed(0)
    output = torch.zeros(3, 84, 2000)
    output[:, :2] = 640 * torch.rand(3, 2, 2000, generator=made)
    output[:, 2:4] = 20 + 80 * torch.rand(3, 2, 2000, generator=made)
    output[:, 4:8] = torch.rand(3, 4, 2000, generator=made) * 0.9
    output[1, 4:] = 0
    found = workload.results(workload.reduced(output), [(height, width)] * 2)
    expected = non_max_suppression(output.clone(), 0.25, 0.7, max_det=300)
    assert len(expected[0]) == 300
    assert [boxes.shape for boxes in found] == [(300, 6), (0, 6)]
    boxes: Any = scale_boxes(seen, expected[0][:, :4], (height, width))
    assert np.array_equal(found[0][:, 4:], expected[0][:, 4:].numpy())
    assert np.allclose(found[0][:, :4], boxes.numpy(), atol=1e-3)


def test_boxes_of_a_model_that_suppresses_them_itself_stay_as_they_are() -> None:
    workload = load_workload(resolve_model("yolov8n", weights="random"), CPU, 0)
    output = torch.tensor([[[10.0, 20, 30, 40, 0.9, 7], [10, 20, 30, 41, 0.8, 7], [0, 0, 5, 5, 0.1, 3]]])
    (boxes,) = workload.results(workload.reduced(output), [(640, 640)])
    assert boxes[:, :5].round(3).tolist() == [
        [10, 20, 30, 40, pytest.approx(0.9)],
        [10, 20, 30, 41, pytest.approx(0.8)],
    ]


def test_classification_of_saved_weights_agrees_with_the_library(tmp_path: Path) -> None:
    import transformers

    folder = save_tiny_resnet(tmp_path / "tiny")
    spec = resolve_model(str(folder))
    assert spec.weights == "local"
    batch = _batch((48, 64), (90, 33), (48, 64))
    results = _results(load_workload(spec, CPU, 0), batch)
    model = transformers.AutoModelForImageClassification.from_pretrained(folder)
    processor = transformers.ConvNextImageProcessor.from_pretrained(folder)
    for group, result in zip(batch.groups, results, strict=True):
        with torch.inference_mode():
            scores = model(**processor(group.pixels[0], return_tensors="pt")).logits.softmax(-1)[0]
        assert getattr(result, "class_id") == int(scores.argmax())  # noqa: B009
        assert getattr(result, "score") == pytest.approx(float(scores.max()), abs=1e-5)  # noqa: B009


def test_depth_maps_keep_proportions_and_places(tmp_path: Path) -> None:
    folder = save_tiny_depth(tmp_path / "depth")
    workload = load_workload(resolve_model(str(folder)), CPU, 0)
    maps = _results(workload, _batch((56, 56), (56, 112), (56, 56)))
    assert [getattr(found, "shape", None) for found in maps] == [(56, 56), (56, 112), (56, 56)]
    assert all(isinstance(found, np.ndarray) and np.isfinite(found).all() for found in maps)
    alone = _results(workload, _batch((56, 56)))[0]
    assert np.allclose(np.asarray(alone), np.asarray(maps[0]), atol=1e-5)


def test_weights_that_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    folder = save_tiny_resnet(tmp_path / "tiny")
    spec: ModelSpec = resolve_model(str(folder))
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(json.dumps({**json.loads(config), "hidden_sizes": [16]}))
    with pytest.raises(OrinError, match="cannot be loaded"):
        load_workload(spec, CPU, 0)
