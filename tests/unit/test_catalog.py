"""What a name means, for models and data sets, and what is said of a name that means nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from huggingface_hub import constants
from pyarrow import parquet

from orin_core import catalog
from orin_core.assets import libraries
from orin_core.errors import BadRequest, NotCached
from orin_core.resolve import resolve_dataset, resolve_model
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import Task
from tests.support import jpeg_bytes, write_images, write_tiny_model


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and every library that YOLO needs."""
    home = tmp_path_factory.mktemp("hf")
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(libraries, "YOLO_LIBRARIES", ())
    return home / "hub"


def _cached_model(cache: Path, repo: str, architecture: str) -> Path:
    snapshot = cache / f"models--{repo.replace('/', '--')}" / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc123")
    (snapshot / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (snapshot / "preprocessor_config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"x")
    return snapshot


# -- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row", "task"),
    [
        ("resnet-152", "resnet-152", Task.CLASSIFICATION),
        ("ResNet-152 ", "resnet-152", Task.CLASSIFICATION),
        ("microsoft/resnet-152", "resnet-152", Task.CLASSIFICATION),
        ("depth-anything-v2", "depth-anything-v2-base", Task.DEPTH),
        ("depth-anything/Depth-Anything-V2-Base-hf", "depth-anything-v2-base", Task.DEPTH),
        ("yolov8", "yolov8n", Task.DETECTION),
        ("YOLOv8n", "yolov8n", Task.DETECTION),
        ("yolov8n.pt", "yolov8n", Task.DETECTION),
    ],
)
def test_names_aliases_and_hub_ids_mean_a_row_whatever_their_case(name: str, row: str, task: Task) -> None:
    spec = resolve_model(name)
    assert (spec.name, spec.task, spec.weights, spec.path, spec.revision) == (row, task, "random", None, None)


def test_every_name_of_the_catalogue_means_one_row() -> None:
    for rows in (
        [(row.name, row.model_id, *row.aliases) for row in catalog.MODELS],
        [(row.name, row.dataset_id, *row.aliases) for row in catalog.DATASETS],
    ):
        names = [name.lower() for row in rows for name in row]
        assert len(names) == len(set(names))


def test_cached_weights_are_taken_unless_random_ones_are_asked_for(cache: Path) -> None:
    with pytest.raises(NotCached, match="fetch resnet-152"):
        resolve_model("resnet-152", weights="cached")
    snapshot = _cached_model(cache, "microsoft/resnet-152", "ResNetForImageClassification")
    for weights in ("auto", "cached"):
        spec = resolve_model("resnet-152", weights=weights)
        assert (spec.weights, spec.path, spec.revision) == ("cached", str(snapshot), "abc123")
    assert resolve_model("resnet-152", weights="random").path is None


def test_a_hub_id_outside_the_catalogue_must_be_cached(cache: Path) -> None:
    with pytest.raises(NotCached, match="fetch a/model"):
        resolve_model("a/model")
    snapshot = _cached_model(cache, "a/model", "ViTForImageClassification")
    spec = resolve_model("a/model")
    assert (spec.task, spec.weights, spec.path, spec.revision) == (
        Task.CLASSIFICATION,
        "cached",
        str(snapshot),
        "abc123",
    )
    assert resolve_model("a/model", weights="random").path is None
    _cached_model(cache, "a/text", "BertForMaskedLM")
    with pytest.raises(BadRequest, match="a/text is BertForMaskedLM, which has no workload"):
        resolve_model("a/text")
    _cached_model(cache, "a/detr", "DetrForObjectDetection")
    with pytest.raises(BadRequest, match="no workload") as raised:
        resolve_model("a/detr")
    assert "Detection runs YOLO alone" in raised.value.hint


def test_a_language_model_needs_its_tokenizer_and_is_never_made_up(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(NotCached, match=r"weights of Phi-3\.5-mini-instruct") as raised:
        resolve_model("phi-3.5")
    assert raised.value.hint == "Fetch them with: python -m orin_core fetch phi-3.5-mini-instruct."
    with pytest.raises(BadRequest, match="not built with random weights"):
        resolve_model("phi-3.5", weights="random")
    snapshot = _cached_model(cache, "microsoft/Phi-3.5-mini-instruct", "Phi3ForCausalLM")
    with pytest.raises(NotCached):
        resolve_model("phi-3.5")
    (snapshot / "tokenizer.json").write_text("{}")
    spec = resolve_model("phi-3.5")
    assert (spec.task, spec.weights, spec.path) == (Task.TEXT_GENERATION, "cached", str(snapshot))
    (choice,) = [one for one in catalog.model_choices() if one.holds == "prompts"]
    assert (choice.name, choice.cached, choice.replaceable) == ("phi-3.5-mini-instruct", True, False)
    folder = write_tiny_model(tmp_path / "own")
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "model.safetensors").write_bytes(b"x")
    with pytest.raises(BadRequest, match=r"no tokenizer\.json"):
        resolve_model(str(folder))
    (folder / "tokenizer.json").write_text("{}")
    assert resolve_model(str(folder)).task is Task.TEXT_GENERATION
    with pytest.raises(BadRequest, match="not built with random weights"):
        resolve_model(str(folder), weights="random")


def test_a_yolo_file_of_the_hub_is_meant_by_its_own_name_alone(cache: Path) -> None:
    with pytest.raises(NotCached, match=r"fetch a/yolo/best\.pt"):
        resolve_model("a/yolo/best.pt")
    snapshot = cache / "models--a--yolo" / "snapshots" / "abc123"
    (snapshot / "runs").mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc123")
    (snapshot / "runs" / "best.pt").write_bytes(b"x")
    spec = resolve_model("a/yolo/runs/best.pt")
    assert (spec.task, spec.weights, spec.revision, spec.model_id) == (Task.DETECTION, "cached", "abc123", "a/yolo")
    assert spec.path == str(snapshot / "runs" / "best.pt")
    with pytest.raises(NotCached):
        resolve_model("a/yolo")
    with pytest.raises(BadRequest, match="configuration"):
        resolve_model("a/yolo/runs/best.pt", weights="random")


def test_a_folder_is_a_model_by_its_configuration(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    with pytest.raises(NotCached, match="no complete safetensors"):
        resolve_model(str(folder))
    spec = resolve_model(str(folder), weights="random")
    assert (spec.weights, spec.path, spec.model_id, spec.label) == ("random", None, str(folder), "tiny")
    (folder / "model.safetensors").write_bytes(b"x")
    spec = resolve_model(str(folder))
    assert (spec.weights, spec.path, spec.task) == ("local", str(folder), Task.CLASSIFICATION)
    (folder / "config.json").write_text(json.dumps({"architectures": ["DepthAnythingForDepthEstimation"]}))
    assert resolve_model(str(folder)).task is Task.DEPTH
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(BadRequest, match="preprocessor_config"):
        resolve_model(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(BadRequest, match="no JSON"):
        resolve_model(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(BadRequest, match="no model folder"):
        resolve_model(str(folder))
    with pytest.raises(BadRequest, match="There is no model folder"):
        resolve_model(str(tmp_path / "nowhere"))


def test_a_pt_file_is_yolo_and_only_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "own.pt"
    with pytest.raises(BadRequest, match="There is no file"):
        resolve_model(str(path))
    path.write_bytes(b"x")
    spec = resolve_model(str(path))
    assert (spec.task, spec.weights, spec.path, spec.label) == (Task.DETECTION, "local", str(path), "own")
    with pytest.raises(BadRequest, match="configuration"):
        resolve_model(str(path), weights="random")


@pytest.mark.parametrize(("name", "near"), [("resnt-152", "resnet-152"), ("yolo8n", "yolov8n")])
def test_an_unknown_model_is_told_what_there_is_and_what_was_meant(name: str, near: str) -> None:
    with pytest.raises(BadRequest) as raised:
        resolve_model(name)
    assert f"Did you mean {near}?" in raised.value.hint
    assert all(row.name in raised.value.hint for row in catalog.MODELS)
    assert raised.value.exit_code == 2


def test_a_name_like_nothing_gets_no_guess() -> None:
    with pytest.raises(BadRequest) as raised:
        resolve_model("qqqqqqqq")
    assert "Did you mean" not in raised.value.hint


def test_without_its_libraries_only_yolo_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "YOLO_LIBRARIES", ("libnothing-of-this-name.so.9",))
    with pytest.raises(BadRequest, match=r"libnothing-of-this-name\.so\.9"):
        resolve_model("yolov8n")
    assert resolve_model("resnet-152").task is Task.CLASSIFICATION
    assert [choice.name for choice in catalog.model_choices() if choice.missing] == ["yolov8n"]


# -- data sets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cifar100", "CIFAR-100", "uoft-cs/cifar100"])
def test_cifar100_is_synthetic_where_it_is_not_cached(name: str) -> None:
    spec = resolve_dataset(name)
    assert (spec.name, spec.kind, spec.items, spec.height_px, spec.width_px) == (
        "cifar100",
        "synthetic",
        10_000,
        32,
        32,
    )
    with pytest.raises(NotCached, match="fetch cifar100"):
        resolve_dataset(name, images="cached")


def test_cached_images_are_taken_unless_synthetic_ones_are_asked_for(cache: Path) -> None:
    repo = cache / "datasets--uoft-cs--cifar100"
    (repo / "snapshots" / "abc123" / "cifar100").mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc123")
    (repo / "snapshots" / "abc123" / "cifar100" / "test-00000-of-00001.parquet").write_bytes(b"x")
    spec = resolve_dataset("cifar100")
    assert (spec.kind, spec.split, spec.revision, spec.dataset_id) == ("hub", "test", "abc123", "uoft-cs/cifar100")
    assert resolve_dataset("cifar100", images="synthetic").kind == "synthetic"
    assert [choice.name for choice in catalog.dataset_choices() if choice.cached] == ["cifar100"]


def test_a_folder_is_searched_through_and_counted(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="There is no folder"):
        resolve_dataset(str(tmp_path / "nowhere"))
    write_images(tmp_path / "images" / "deep" / "er", 3)
    (tmp_path / "images" / "notes.txt").write_text("x")
    (tmp_path / "images" / ".hidden.png").write_bytes(b"x")
    (tmp_path / "images" / "LOUD.JPG").write_bytes(b"x")
    spec = resolve_dataset(str(tmp_path / "images"))
    assert (spec.kind, spec.items, spec.dataset_id) == ("folder", 4, str(tmp_path / "images"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest, match="holds no images"):
        resolve_dataset(str(tmp_path / "empty"))
    with pytest.raises(BadRequest, match="synthetic"):
        resolve_dataset(str(tmp_path / "images"), images="synthetic")


def _parquet(path: Path, columns: dict[str, object], features: dict[str, object] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, path)
    return path


def test_parquet_is_a_file_or_a_folder_of_them_with_a_column_of_images(tmp_path: Path) -> None:
    images = [jpeg_bytes(), jpeg_bytes(size_px=20)]
    cells = [{"bytes": image, "path": None} for image in images]
    noted = _parquet(tmp_path / "noted" / "a.parquet", {"label": [1, 2], "photo": cells}, {"photo": {"_type": "Image"}})
    _parquet(tmp_path / "noted" / "deep" / "b.parquet", {"label": [1], "photo": cells[:1]})
    plain = _parquet(tmp_path / "plain.parquet", {"text": ["a", "b"], "key": [b"xyz", b"abc"], "content": images})
    for path, items, label in ((noted, 2, "a"), (tmp_path / "noted", 3, "noted"), (plain, 2, "plain")):
        spec = resolve_dataset(str(path))
        assert (spec.kind, spec.items, spec.dataset_id, spec.label) == ("parquet", items, str(path), label)
        assert spec.holds == "images", "whatever text it has beside them"


def test_prompts_are_a_file_of_text_or_a_column_of_it(tmp_path: Path) -> None:
    _parquet(tmp_path / "text.parquet", {"n": [1, 2], "said": ["a", "b"]})
    (tmp_path / "notes.TXT").write_text("One?\n\nTwo?")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "One?"}\n')
    for name, kind, items in (("text.parquet", "parquet", 2), ("notes.TXT", "text", 2), ("rows.jsonl", "text", 1)):
        spec = resolve_dataset(str(tmp_path / name))
        assert (spec.kind, spec.items, spec.holds) == (kind, items, "prompts")
    made_up = resolve_dataset("no-robots")
    assert (made_up.kind, made_up.items, made_up.holds) == ("synthetic", 500, "prompts")


def test_parquet_without_images_or_text_is_told_with_its_columns(tmp_path: Path) -> None:
    _parquet(tmp_path / "other.parquet", {"n": [1], "key": [b"xyz"]})
    with pytest.raises(BadRequest, match="no column of images or text") as raised:
        resolve_dataset(str(tmp_path / "other.parquet"))
    assert raised.value.hint == "Its columns are n, key."
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(BadRequest, match="no parquet file that can be read"):
        resolve_dataset(str(tmp_path / "broken.parquet"))
    _parquet(tmp_path / "mixed" / "a.parquet", {"one": [jpeg_bytes()]})
    _parquet(tmp_path / "mixed" / "b.parquet", {"two": [jpeg_bytes()]})
    with pytest.raises(BadRequest, match="in the columns one, two"):
        resolve_dataset(str(tmp_path / "mixed"))
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(BadRequest, match="neither a folder nor a file of parquet or prompts"):
        resolve_dataset(str(tmp_path / "notes.md"))


def test_a_relative_path_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path / "a" / "b", 2)
    monkeypatch.chdir(tmp_path)
    for name in ("a/b", "./a", "a"):
        assert resolve_dataset(name).kind == "folder"


@pytest.mark.parametrize(
    ("name", "said"),
    [("~nobody-here/images", "no user of this machine"), (f"/tmp/{'a' * 300}", "cannot be looked at: File name too")],
)
def test_a_path_that_the_system_refuses_is_a_sentence(name: str, said: str) -> None:
    for resolve in (resolve_model, resolve_dataset):
        with pytest.raises(BadRequest, match=said):
            resolve(name)
    with pytest.raises(BadRequest, match=said):
        resolve_dataset(f"camera:{name}")


def test_an_unknown_data_set_is_told_what_there_is() -> None:
    with pytest.raises(BadRequest, match="no data set 'cifr100'") as raised:
        resolve_dataset("cifr100")
    assert "Did you mean cifar100?" in raised.value.hint
    with pytest.raises(NotCached, match="fetch a/pictures"):
        resolve_dataset("a/pictures")


def test_nothing_of_this_imports_torch() -> None:
    code = (
        "import sys; from orin_core import hub, catalog, resolve;"
        "catalog.model_choices(); resolve.resolve_dataset('cifar100');"
        "print(sorted({'torch', 'transformers', 'ultralytics', 'datasets', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
