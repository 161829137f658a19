"""Which models, data sets and methods go together, and what is said of those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from orin_core import combination
from orin_core.errors import BadRequest
from orin_core.methods import OF_TEXT, Method
from orin_core.settings import Settings
from orin_core.spec import IMAGES, PROMPTS, DatasetSpec, ModelSpec, Task
from orin_core.sweeps.plan import plan
from orin_core.sweeps.spec import SweepSpec


def check(task: Task, holds: str | None, *, method: str = "batched", preload: bool = False) -> None:
    model = ModelSpec(name="m", label="Model", task=task, model_id="m", weights="local", path="m")
    dataset = DatasetSpec(name="d", label="Data", kind="folder", dataset_id="d", holds=holds)
    combination.check(model, dataset, method=method, preload=preload)


@pytest.mark.parametrize("task", Task)
def test_a_model_of_images_gets_images_and_a_language_model_prompts(task: Task) -> None:
    takes, other = (PROMPTS, IMAGES) if task is Task.TEXT_GENERATION else (IMAGES, PROMPTS)
    check(task, takes)
    check(task, None)
    with pytest.raises(BadRequest, match=f"Model takes {takes}, and Data holds {other}"):
        check(task, other)


@pytest.mark.parametrize("method", Method)
def test_text_has_the_methods_that_mean_something_for_it(method: Method) -> None:
    check(Task.DEPTH, IMAGES, method=method.value)
    if method in OF_TEXT:
        check(Task.TEXT_GENERATION, PROMPTS, method=method.value)
        return
    with pytest.raises(BadRequest, match=f"{method.value} does not generate text: .*token") as raised:
        check(Task.TEXT_GENERATION, PROMPTS, method=method.value)
    assert raised.value.hint == "Use method batched or reference."


def test_prompts_are_not_preloaded() -> None:
    check(Task.CLASSIFICATION, IMAGES, preload=True)
    with pytest.raises(BadRequest, match="Prompts are not preloaded"):
        check(Task.TEXT_GENERATION, PROMPTS, preload=True)


def test_a_sweep_says_at_once_which_of_its_cells_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("One?")
    settings = Settings(data_dir=tmp_path, state_dir=tmp_path / "state")

    def planned(*datasets: str) -> object:
        models, run = ("resnet-152", "yolov8n"), {"telemetry": "simulated"}
        return plan(SweepSpec(name="s", models=models, datasets=datasets, power_modes=("current",), run=run), settings)

    with pytest.raises(BadRequest) as raised:
        planned("cifar100", str(tmp_path / "prompts.txt"))
    assert raised.value.message == (
        "ResNet-152 takes images, and prompts.txt holds prompts. YOLOv8n takes images, and prompts.txt holds prompts."
    )
    assert planned("cifar100")
