"""What is cached is known at once; fetching says how far it is, and why it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from orin_core import hub
from orin_core.assets import hub_cache, transfer
from orin_core.catalog import dataset_choices, model_choices
from orin_core.errors import BadRequest, NotCached, OrinError
from orin_core.resolve import resolve_model
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import Task
from tests.conftest import Home, wait_for
from tests.support_hub import SHA, StandInHub, etag_of

CONFIG = {"config.json": b"{}", "preprocessor_config.json": b"{}"}


def named(architecture: str) -> bytes:
    return json.dumps({"architectures": [architecture]}).encode()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def write_snapshot(cache: Path, repo: str, files: dict[str, bytes]) -> Path:
    """Writes a repository as the hub's library lays it out in its cache."""
    (cache / repo / "refs").mkdir(parents=True, exist_ok=True)
    (cache / repo / "refs" / "main").write_text(SHA)
    snapshot = cache / repo / "snapshots" / SHA
    for name, content in files.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_bytes(content)
    return snapshot


# -- what is cached -------------------------------------------------------------------------------


def test_an_empty_cache_has_nothing(cache: Path) -> None:
    assert hub_cache.cached_model("microsoft/resnet-152") is None
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "test") is None
    assert not any(choice.cached for choice in (*model_choices(), *dataset_choices()))


def test_a_model_is_cached_when_nothing_of_it_is_missing(cache: Path) -> None:
    files = {"config.json": b"{}", "preprocessor_config.json": b"{}"}
    snapshot = write_snapshot(cache, "models--microsoft--resnet-152", files)
    assert hub_cache.cached_model("microsoft/resnet-152") is None
    (snapshot / "model.safetensors").write_bytes(bytes(2_000_000))
    found = hub_cache.cached_model("microsoft/resnet-152")
    assert found == hub_cache.CachedModel(path=snapshot, revision=SHA, size_mb=2.0)
    assert [choice.size_mb for choice in model_choices() if choice.cached] == [2.0]
    (snapshot / "preprocessor_config.json").unlink()
    assert hub_cache.cached_model("microsoft/resnet-152") is None


def test_a_model_in_shards_needs_all_of_them(cache: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    files = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model-00001-of-00002.safetensors": b"1"}
    snapshot = write_snapshot(
        cache, "models--a--b", {**files, "model.safetensors.index.json": json.dumps(index).encode()}
    )
    assert hub_cache.cached_model("a/b") is None
    (snapshot / "model-00002-of-00002.safetensors").write_bytes(b"2")
    assert hub_cache.cached_model("a/b") is not None


def test_yolo_is_one_file(cache: Path) -> None:
    snapshot = write_snapshot(cache, "models--Ultralytics--YOLOv8", {"yolov8n.pt": b"weights"})
    found = hub_cache.cached_model("Ultralytics/YOLOv8", weights_file="yolov8n.pt")
    assert found is not None
    assert (found.path, found.revision) == (snapshot / "yolov8n.pt", SHA)


def test_a_split_is_cached_when_all_its_shards_are(cache: Path) -> None:
    names = ["data/test-00000-of-00002.parquet", "data/train-00000-of-00001.parquet"]
    snapshot = write_snapshot(cache, "datasets--a--b", dict.fromkeys(names, b"x"))
    assert hub_cache.cached_dataset("a/b", "test") is None
    assert hub_cache.cached_dataset("a/b", "train") is not None
    (snapshot / "data" / "test-00001-of-00002.parquet").write_bytes(b"x")
    found = hub_cache.cached_dataset("a/b", "test")
    assert found is not None
    assert [path.name for path in found.files] == ["test-00000-of-00002.parquet", "test-00001-of-00002.parquet"]
    assert (found.kind, found.revision) == ("parquet", SHA)


def test_a_data_set_that_the_datasets_library_prepared_counts_too(cache: Path) -> None:
    folder = cache.parent / "datasets" / "uoft-cs___cifar100" / "cifar100" / "0.0.0" / SHA
    folder.mkdir(parents=True)
    (folder / "cifar100-test.arrow").write_bytes(b"x")
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "test") is None
    (folder / "dataset_info.json").write_text("{}")
    found = hub_cache.cached_dataset("uoft-cs/cifar100", "test")
    assert found is not None
    assert (found.kind, found.revision) == ("arrow", SHA)
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "train") is None


@pytest.mark.parametrize(
    ("name", "split", "held"),
    [
        ("cifar100/test-00000-of-00001.parquet", "test", True),
        ("test/0000.parquet", "test", True),
        ("default/test.parquet", "test", True),
        ("data/testing-00000-of-00001.parquet", "test", False),
        ("latest/train-00000-of-00001.parquet", "test", False),
    ],
)
def test_a_split_is_a_word_of_the_name(name: str, split: str, held: bool) -> None:
    assert bool(hub_cache.split_files([name], split)) is held


# -- fetching -------------------------------------------------------------------------------------


@pytest.fixture
def stand_in(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with StandInHub() as hub_here:
        monkeypatch.setattr(constants, "ENDPOINT", hub_here.endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub_here.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(transfer, "PAUSE_S", 0.0)
        yield hub_here


def _fetched(name: str) -> list[dict[str, object]]:
    progress: list[dict[str, object]] = []
    hub.fetch(name, progress.append)
    assert [json.loads(json.dumps(entry)) for entry in progress] == progress
    return progress


def test_a_model_is_fetched_without_pickles_and_found_afterwards(stand_in: StandInHub) -> None:
    wanted = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": bytes(3_000_000)}
    stand_in.repos["models/microsoft/resnet-152"] = {**wanted, "pytorch_model.bin": b"pickle", "code.py": b"code"}
    progress = _fetched("ResNet-152")
    assert progress[0]["state"] == "connecting"
    assert progress[-1]["state"] == "done"
    assert (progress[-1]["done_mb"], progress[-1]["total_mb"], progress[-1]["files"]) == (3.0, 3.0, 3)
    done = [float(str(entry["done_mb"])) for entry in progress if entry["done_mb"] is not None]
    assert done == sorted(done)
    found = hub_cache.cached_model("microsoft/resnet-152")
    assert found is not None
    assert (found.revision, str(found.path)) == (SHA, progress[-1]["path"])
    assert {path.name for path in found.path.iterdir()} == set(wanted)
    again = _fetched("resnet-152")
    assert [entry["state"] for entry in again] == ["connecting", "sized", "downloading", "done"]
    assert again[1]["done_mb"] == 3.0


def test_of_a_data_set_one_split_is_fetched(stand_in: StandInHub) -> None:
    stand_in.repos["datasets/uoft-cs/cifar100"] = {
        "cifar100/test-00000-of-00001.parquet": bytes(1000),
        "cifar100/train-00000-of-00001.parquet": bytes(5000),
        "README.md": b"text",
    }
    assert _fetched("cifar100")[-1]["total_mb"] == 0.001
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "test") is not None
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "train") is None


def test_an_id_that_is_no_model_is_fetched_as_a_data_set(stand_in: StandInHub) -> None:
    stand_in.repos["datasets/a/pictures"] = {"data/validation-00000-of-00001.parquet": b"1234"}
    assert _fetched("a/pictures")[-1]["state"] == "done"
    assert hub_cache.cached_dataset("a/pictures", "validation") is not None


def test_what_cannot_be_used_is_not_fetched(stand_in: StandInHub, cache: Path) -> None:
    weights = {"model.safetensors": bytes(5000)}
    stand_in.repos |= {
        "models/a/pickled": {"config.json": b"{}", "pytorch_model.bin": b"pickle"},
        "models/a/yolo": {"best.pt": bytes(5000), "README.md": b"text"},
        "models/a/detr": {**CONFIG, **weights, "config.json": named("DetrForObjectDetection")},
        "models/a/text": {**CONFIG, **weights, "config.json": named("PhiModel")},
        "models/a/bare": {"config.json": named("ViTForImageClassification"), **weights},
        "datasets/a/text-rows": {"README.md": b"text"},
    }
    for name, message, hint in (
        ("a/pickled", "no safetensors", "not fetched"),
        ("a/yolo", "no safetensors", "name it: a/yolo/best.pt"),
        ("a/yolo/other.pt", "no file other.pt", ""),
        ("a/detr", "DetrForObjectDetection", "YOLO alone"),
        ("a/text", "no workload", ""),
        ("a/bare", "no preprocessor_config.json", ""),
        ("a/text-rows", "no parquet", ""),
        ("a/nothing", "no model or data set", ""),
    ):
        with pytest.raises(BadRequest, match=message) as raised:
            _fetched(name)
        assert hint in raised.value.hint
    assert not stand_in.gets(), "nothing large was asked for"
    assert not [path for path in cache.rglob("*") if path.suffix in (".bin", ".pt", ".safetensors", ".part")]


def test_a_model_of_the_hub_is_fetched_and_its_revision_recorded(stand_in: StandInHub) -> None:
    files = {**CONFIG, "config.json": named("ViTForImageClassification"), "model.safetensors": bytes(5000)}
    stand_in.repos["models/a/vit"] = {**files, "code.py": b"print()", "old.pt": b"pickle"}
    _fetched("a/vit")
    spec = resolve_model("a/vit")
    assert (spec.task, spec.weights, spec.revision) == (Task.CLASSIFICATION, "cached", SHA)
    assert {path.name for path in Path(str(spec.path)).iterdir()} == set(files)


def test_a_language_model_is_fetched_with_its_tokenizer(stand_in: StandInHub) -> None:
    config = {"config.json": named("Phi3ForCausalLM"), "generation_config.json": b"{}"}
    shards = {f"model-0000{one}-of-00002.safetensors": bytes([one]) * 5000 for one in (1, 2)}
    index = {"weight_map": {str(place): name for place, name in enumerate(shards)}}
    files = {**config, **shards, "model.safetensors.index.json": json.dumps(index).encode()}
    stand_in.repos["models/microsoft/Phi-3.5-mini-instruct"] = files
    with pytest.raises(BadRequest, match=r"no tokenizer\.json"):
        _fetched("phi-3.5-mini-instruct")
    tokenizer = {"tokenizer.json": b"{}", "tokenizer_config.json": b"{}", "special_tokens_map.json": b"{}"}
    for name in ("microsoft/Phi-3.5-mini-instruct", "a/phi"):
        stand_in.repos[f"models/{name}"] = {**files, **tokenizer, "modeling_phi3.py": b"print()"}
        _fetched(name)
        spec = resolve_model(name)
        assert (spec.task, spec.weights, spec.revision) == (Task.TEXT_GENERATION, "cached", SHA)
        assert {path.name for path in Path(str(spec.path)).iterdir()} == {*files, *tokenizer}


def test_a_yolo_file_of_the_hub_is_fetched_by_its_name_alone(stand_in: StandInHub) -> None:
    stand_in.repos["models/a/yolo"] = {"weights/best.pt": bytes(5000), "weights/last.pt": bytes(6000)}
    with pytest.raises(NotCached, match=r"a/yolo/weights/best\.pt is not on this machine"):
        resolve_model("a/yolo/weights/best.pt")
    assert _fetched("a/yolo/weights/best.pt")[-1]["total_mb"] == 0.005
    spec = resolve_model("a/yolo/weights/best.pt")
    assert (spec.task, spec.weights, spec.revision, spec.label) == (Task.DETECTION, "cached", SHA, "best")
    assert Path(str(spec.path)).stat().st_size == 5000


def test_size_is_told_before_anything_large_is_fetched(stand_in: StandInHub) -> None:
    stand_in.repos["models/microsoft/resnet-152"] = {**CONFIG, "model.safetensors": bytes(3_000_000)}
    progress: list[dict[str, object]] = []
    hub.fetch("resnet-152", progress.append, size_only=True)
    assert [entry["state"] for entry in progress] == ["connecting", "sized"]
    assert (progress[-1]["done_mb"], progress[-1]["total_mb"]) == (0.0, 3.0)
    assert not stand_in.gets()


@pytest.mark.parametrize("silent", [0, 2])
def test_a_connection_that_breaks_is_taken_up_again(
    stand_in: StandInHub, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PAUSE_S", 0.0)
    weights = os.urandom(3_000_000)
    stand_in.repos["models/microsoft/resnet-152"] = {**CONFIG, "model.safetensors": weights}
    stand_in.cut_after, stand_in.silent_after_cut = 1_000_000, silent
    _fetched("resnet-152")
    [first, second] = stand_in.gets()
    assert "Range" not in first
    assert int(second["Range"].removeprefix("bytes=").removesuffix("-")) >= 1_000_000
    assert stand_in.sent_bytes == len(weights)
    found = hub_cache.cached_model("microsoft/resnet-152")
    assert found is not None
    assert (found.path / "model.safetensors").read_bytes() == weights


def test_a_server_without_ranges_costs_a_new_start_and_nothing_else(stand_in: StandInHub) -> None:
    weights = os.urandom(2_000_000)
    stand_in.repos["models/microsoft/resnet-152"] = {**CONFIG, "model.safetensors": weights}
    stand_in.ranges, stand_in.cut_after = False, 700_000
    assert _fetched("resnet-152")[-1]["done_mb"] == 2.0
    found = hub_cache.cached_model("microsoft/resnet-152")
    assert found is not None
    assert (found.path / "model.safetensors").read_bytes() == weights


def test_contents_that_are_not_what_the_hub_announced_are_thrown_away(stand_in: StandInHub, cache: Path) -> None:
    weights = bytes(2_000_000)
    stand_in.repos["models/microsoft/resnet-152"] = {**CONFIG, "model.safetensors": weights}
    stand_in.served_instead[etag_of(weights)] = b"x" + weights[1:]
    with pytest.raises(OrinError, match=r"model\.safetensors of microsoft/resnet-152 came damaged"):
        _fetched("resnet-152")
    assert hub_cache.cached_model("microsoft/resnet-152") is None
    assert not list(cache.rglob("*.part"))


def test_a_login_goes_to_the_hub_and_nowhere_else(stand_in: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    stand_in.repos["models/microsoft/resnet-152"] = {**CONFIG, "model.safetensors": bytes(2_000_000)}
    _fetched("resnet-152")
    assert [headers.get("Authorization") for headers in stand_in.gets()] == [None]
    small = [headers for method, path, headers in stand_in.asked if method == "GET" and path.endswith("config.json")]
    assert [headers.get("Authorization") for headers in small] == ["Bearer hf_secret"]


def test_a_download_that_was_killed_goes_on_where_it_was(home: Home) -> None:
    """Real processes against a real server: killed in the middle, started again."""
    weights = os.urandom(6_000_000)
    with StandInHub() as hub_here:
        hub_here.repos["models/microsoft/resnet-152"] = {**CONFIG, "model.safetensors": weights}
        hub_here.pause_after = 2_000_000
        command = [sys.executable, "-m", "orin_core", "fetch", "resnet-152"]
        env = {**home.env, "HF_ENDPOINT": hub_here.endpoint}
        blobs = home.root / "hf" / "hub" / "models--microsoft--resnet-152" / "blobs"
        with subprocess.Popen(command, env=env, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL) as child:
            wait_for(
                lambda: sum(path.stat().st_size for path in blobs.glob("*.part")) >= 2_000_000,
                "the part before the pause",
            )
            child.send_signal(signal.SIGKILL)
        hub_here.pause_after = None
        hub_here.go_on.set()
        done = subprocess.run(command, env=env, cwd=PROJECT_ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        [sized] = [line for line in lines if line["state"] == "sized"]
        assert sized["done_mb"] >= 2.0
        [first, second] = hub_here.gets()
        assert "Range" not in first
        assert int(second["Range"].removeprefix("bytes=").removesuffix("-")) >= 2_000_000
        [blob] = [path for path in blobs.iterdir() if path.stat().st_size > 1000]
        assert blob.read_bytes() == weights
        assert lines[-1]["state"] == "done"
        assert (Path(lines[-1]["path"]) / "model.safetensors").resolve() == blob


def test_a_disk_that_is_too_small_is_named_first(stand_in: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": bytes(10)}
    stand_in.repos["models/microsoft/resnet-152"] = files
    monkeypatch.setattr(hub, "MIN_LEFT_MB", 1e12)
    with pytest.raises(OrinError, match="MB free"):
        _fetched("resnet-152")
    assert hub_cache.cached_model("microsoft/resnet-152") is None


@pytest.mark.parametrize("name", ["resnt", "", "/some/path", "a/b/c", "./a"])
def test_a_name_that_means_nothing_is_refused_without_asking_the_hub(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "check_reachable", lambda: pytest.fail("the hub was asked"))
    with pytest.raises(BadRequest, match="nothing that can be fetched"):
        hub.fetch(name, lambda progress: None)


def test_the_command_says_at_once_that_the_hub_is_out_of_reach(home: Home) -> None:
    with socket.socket() as taken:
        # Bound and not listening: a connection is refused, whatever this machine's network is like.
        taken.bind(("127.0.0.1", 0))
        start_s = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "orin_core", "fetch", "resnet-152"],
            cwd=PROJECT_ROOT,
            env={**home.env, "HF_ENDPOINT": f"http://127.0.0.1:{taken.getsockname()[1]}"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 4
    assert "cannot be reached" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert json.loads(done.stdout.splitlines()[0])["state"] == "connecting"
    assert time.monotonic() - start_s < 60
