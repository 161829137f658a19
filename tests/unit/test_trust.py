"""Nothing that came with a model is run: no code of a repository, no pickles beside safetensors."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from orin_core.errors import NotCached, OrinError
from orin_core.resolve import resolve_model
from orin_core.spec import ModelSpec, Task
from tests.support_models import save_tiny_resnet

pytestmark = pytest.mark.torch


class Trap:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, sprung: Path) -> None:
        self._sprung = sprung

    def __reduce__(self) -> tuple[Any, tuple[Path, str]]:
        return Path.write_text, (self._sprung, "sprung")


def load(spec: ModelSpec) -> object:
    import torch

    from orin_core.inference.workload import load_workload

    return load_workload(spec, torch.device("cpu"), 0)


def test_code_of_a_repository_is_not_run(tmp_path: Path) -> None:
    folder, sprung = save_tiny_resnet(tmp_path / "model"), tmp_path / "sprung"
    code = f"import pathlib\npathlib.Path({str(sprung)!r}).write_text('sprung')\n"
    (folder / "modeling.py").write_text(code)
    config = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "modeling.Config", "AutoModelForImageClassification": "modeling.Model"}
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": own}))
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    auto = {"auto_map": {"AutoImageProcessor": "modeling.Processor"}}
    (folder / "preprocessor_config.json").write_text(json.dumps({**processor, **auto}))
    # The library's own classes serve it, or it is refused; its code is not run either way.
    load(resolve_model(str(folder)))
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": own, "model_type": "of-its-own"}))
    with pytest.raises(OrinError, match="cannot be loaded"):
        load(resolve_model(str(folder)))
    assert not sprung.exists()


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    folder, sprung = save_tiny_resnet(tmp_path / "model"), tmp_path / "sprung"
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(NotCached, match="no complete safetensors"):
        resolve_model(str(folder))
    # As if they had gone between the look and the load.
    spec = ModelSpec(
        name="m", label="m", task=Task.CLASSIFICATION, model_id=str(folder), weights="local", path=str(folder)
    )
    with pytest.raises(OrinError, match="cannot be loaded"):
        load(spec)
    assert not sprung.exists()
