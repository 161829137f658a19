"""What is cached is known at once; fetching says how far it is, and why it cannot."""

from __future__ import annotations

import hashlib
import http.server
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import constants

from orin_core import hub
from orin_core.assets import hub_cache
from orin_core.catalog import dataset_choices, model_choices
from orin_core.errors import BadRequest, OrinError
from orin_core.settings import PROJECT_ROOT
from tests.conftest import Home

SHA = "0123456789abcdef0123456789abcdef01234567"


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


class StandIn(http.server.BaseHTTPRequestHandler):
    """The part of the hub's interface that a download uses, over files in memory."""

    repos: dict[str, dict[str, bytes]]

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        for repo, files in self.repos.items():
            if path.startswith(f"/api/{repo}/tree/"):
                tree = [{"type": "file", "path": n, "size": len(c), "oid": _oid(c)} for n, c in files.items()]
                return self._send(json.dumps(tree).encode(), body=body)
            if path.startswith(f"/api/{repo}"):
                siblings = [{"rfilename": name} for name in files]
                info = {"id": repo.split("/", 1)[1], "sha": SHA, "siblings": siblings}
                return self._send(json.dumps(info).encode(), body=body)
            prefix = f"/{repo.removeprefix('models/')}/resolve/{SHA}/"
            if path.startswith(prefix) and path[len(prefix) :] in files:
                return self._send(files[path[len(prefix) :]], body=body, kind="application/octet-stream")
        return self._send(b"", body=body, status=200 if path == "/" else 404)

    def _send(self, content: bytes, *, body: bool, status: int = 200, kind: str = "application/json") -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{_oid(content)}"')
        self.send_header("X-Repo-Commit", SHA)
        self.end_headers()
        if body:
            self.wfile.write(content)


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def stand_in(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, bytes]]]:
    repos: dict[str, dict[str, bytes]] = {}
    handler = type("Handler", (StandIn,), {"repos": repos})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield repos
        server.shutdown()
        thread.join()


def _fetched(name: str) -> list[dict[str, object]]:
    progress: list[dict[str, object]] = []
    hub.fetch(name, progress.append)
    assert [json.loads(json.dumps(entry)) for entry in progress] == progress
    return progress


def test_a_model_is_fetched_without_pickles_and_found_afterwards(stand_in: dict[str, dict[str, bytes]]) -> None:
    wanted = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": bytes(3_000_000)}
    stand_in["models/microsoft/resnet-152"] = {**wanted, "pytorch_model.bin": b"pickle", "code.py": b"code"}
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
    assert [entry["state"] for entry in again] == ["connecting", "downloading", "done"]
    assert again[1]["done_mb"] == 3.0


def test_of_a_data_set_one_split_is_fetched(stand_in: dict[str, dict[str, bytes]]) -> None:
    stand_in["datasets/uoft-cs/cifar100"] = {
        "cifar100/test-00000-of-00001.parquet": bytes(1000),
        "cifar100/train-00000-of-00001.parquet": bytes(5000),
        "README.md": b"text",
    }
    assert _fetched("cifar100")[-1]["total_mb"] == 0.001
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "test") is not None
    assert hub_cache.cached_dataset("uoft-cs/cifar100", "train") is None


def test_an_id_that_is_no_model_is_fetched_as_a_data_set(stand_in: dict[str, dict[str, bytes]]) -> None:
    stand_in["datasets/a/pictures"] = {"data/validation-00000-of-00001.parquet": b"1234"}
    assert _fetched("a/pictures")[-1]["state"] == "done"
    assert hub_cache.cached_dataset("a/pictures", "validation") is not None


def test_what_cannot_be_used_is_not_fetched(stand_in: dict[str, dict[str, bytes]], cache: Path) -> None:
    stand_in["models/a/pickled"] = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}
    stand_in["datasets/a/text"] = {"README.md": b"text"}
    with pytest.raises(BadRequest, match="no safetensors"):
        _fetched("a/pickled")
    with pytest.raises(BadRequest, match="no parquet"):
        _fetched("a/text")
    with pytest.raises(BadRequest, match="no model or data set"):
        _fetched("a/nothing")
    assert not list(cache.rglob("*.bin"))


def test_a_disk_that_is_too_small_is_named_first(
    stand_in: dict[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"config.json": b"{}", "preprocessor_config.json": b"{}", "model.safetensors": bytes(10)}
    stand_in["models/microsoft/resnet-152"] = files
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
