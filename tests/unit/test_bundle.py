"""A bundle moves what was fetched to another machine, whole or not at all."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from orin_core.assets import libraries
from orin_core.assets.hub_cache import cached_dataset
from orin_core.bundle import manifest as manifests
from orin_core.bundle.pack import pack
from orin_core.bundle.unpack import STAGING, unpack
from orin_core.errors import BadRequest, NotCached, OrinError
from orin_core.resolve import resolve_dataset, resolve_model
from tests.conftest import Home
from tests.support_hub import etag_of

REVISION = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
MODEL = {
    "config.json": json.dumps({"architectures": ["ResNetForImageClassification"]}).encode(),
    "preprocessor_config.json": b"{}",
    "model.safetensors": os.urandom(300_000),
}
TEST = {"cifar100/test-00000-of-00001.parquet": os.urandom(50_000)}


def cached(hub: Path, repo: str, files: Mapping[str, bytes], revision: str = REVISION) -> Path:
    """Writes a repository as the hub's library does: contents in blobs, links in the snapshot."""
    folder = hub / repo
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(revision)
    snapshot = folder / "snapshots" / revision
    for name, content in files.items():
        blob, link = folder / "blobs" / etag_of(content), snapshot / name
        blob.write_bytes(content)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Goes to a machine of its own by name, and returns its hub cache."""
    monkeypatch.setattr(libraries, "YOLO_LIBRARIES", ())

    def go(name: str) -> Path:
        monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / name))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / name / "hub"))
        return tmp_path / name / "hub"

    return go


@pytest.fixture
def bundle(machine: Callable[[str], Path], tmp_path: Path) -> Path:
    hub = machine("desk")
    cached(hub, "models--microsoft--resnet-152", {**MODEL, "pytorch_model.bin": b"pickle", "code.py": b"x"})
    cached(hub, "models--Ultralytics--YOLOv8", {"yolov8n.pt": b"weights of a detector", "yolov8s.pt": b"others"})
    cached(hub, "datasets--uoft-cs--cifar100", {**TEST, "cifar100/train-00000-of-00001.parquet": b"train"})
    out = tmp_path / "stick.tar"
    pack([], [], out, lambda what, done, total: None)
    machine("kit")
    return out


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*"))


# -- there and back -------------------------------------------------------------------------------


def test_what_was_packed_is_found_on_the_other_machine_with_its_revision(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(NotCached):
        resolve_model("resnet-152", weights="cached")
    told: list[tuple[str, int, int]] = []
    found = unpack(bundle, lambda *how_far: told.append(how_far))
    assert [(one.item.name, one.before) for one in found] == [
        ("resnet-152", None),
        ("yolov8n", None),
        ("cifar100", None),
    ]
    assert told[-1][1] == told[-1][2]
    spec = resolve_model("resnet-152", weights="cached")
    assert (spec.revision, spec.weights) == (REVISION, "cached")
    folder = Path(str(spec.path))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == MODEL
    assert all(path.is_symlink() and path.resolve().parent.name == "blobs" for path in folder.iterdir())
    assert Path(str(resolve_model("yolov8n", weights="cached").path)).read_bytes() == b"weights of a detector"
    data = resolve_dataset("cifar100", images="cached")
    assert (data.kind, data.split, data.revision) == ("hub", "test", REVISION)
    names = {path.name for path in everything(tmp_path / "kit")}
    assert not names & {"pytorch_model.bin", "code.py", "yolov8s.pt", "train-00000-of-00001.parquet", STAGING}


def test_a_bundle_is_a_plain_tar_that_begins_with_its_checksums(bundle: Path) -> None:
    with tarfile.open(bundle, "r:") as tar:
        members = tar.getmembers()
        text = tar.extractfile(members[0])
        assert text is not None
        document = json.loads(text.read())
        for entry in document["files"]:
            content = tar.extractfile(entry["place"])
            assert content is not None
            assert hashlib.sha256(content.read()).hexdigest() == entry["sha256"]
    assert members[0].name == "manifest.json"
    assert {member.uid for member in members} | {member.mtime for member in members} == {0}
    assert [member.name for member in members[1:]] == [entry["place"] for entry in document["files"]]


def test_named_models_and_data_sets_are_packed_alone(machine: Callable[[str], Path], tmp_path: Path) -> None:
    hub = machine("desk")
    cached(hub, "models--a--vit", MODEL)
    cached(hub, "models--a--yolo", {"weights/best.pt": b"best", "weights/last.pt": b"last"})
    cached(hub, "datasets--a--pictures", {"data/validation-00000-of-00001.parquet": b"rows"})
    config = json.dumps({"architectures": ["LlamaForCausalLM"]}).encode()
    text = {"config.json": config, "model.safetensors": b"w", "tokenizer.json": b"t", "chat_template.jinja": b"c"}
    cached(hub, "models--a--llama", {**text, "generation_config.json": b"g"})
    out = tmp_path / "some.tar"
    pack(["a/vit", "a/yolo/weights/best.pt", "a/llama"], ["a/pictures"], out, quiet)
    machine("kit")
    unpack(out, quiet)
    assert resolve_model("a/vit").revision == REVISION
    assert resolve_model("a/yolo/weights/best.pt").revision == REVISION
    assert resolve_dataset("a/pictures").split == "validation"
    there = {path.name for path in Path(str(resolve_model("a/llama").path)).iterdir()}
    assert there == {*text, "generation_config.json"}
    with pytest.raises(NotCached):
        resolve_model("a/yolo/weights/last.pt")


def test_a_data_set_that_the_datasets_library_prepared_moves_too(
    machine: Callable[[str], Path], tmp_path: Path
) -> None:
    home = machine("desk").parent
    folder = home / "datasets" / "uoft-cs___cifar100" / "cifar100" / "0.0.0" / REVISION
    folder.mkdir(parents=True)
    (folder / "cifar100-test.arrow").write_bytes(b"rows")
    (folder / "dataset_info.json").write_text("{}")
    out = tmp_path / "prepared.tar"
    pack([], ["cifar100"], out, quiet)
    machine("kit")
    unpack(out, quiet)
    assert resolve_dataset("cifar100", images="cached").revision == REVISION


def test_files_of_a_cache_without_links_stay_files(machine: Callable[[str], Path], tmp_path: Path) -> None:
    hub = machine("desk")
    snapshot = cached(hub, "models--microsoft--resnet-152", MODEL)
    for path in snapshot.iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    out = tmp_path / "files.tar"
    pack(["resnet-152"], [], out, quiet)
    machine("kit")
    unpack(out, quiet)
    spec = resolve_model("resnet-152", weights="cached")
    assert spec.revision == REVISION
    assert not any(path.is_symlink() for path in Path(str(spec.path)).iterdir())


def test_what_is_there_already_is_kept(bundle: Path, machine: Callable[[str], Path]) -> None:
    hub = machine("kit")
    own = {**MODEL, "model.safetensors": b"own weights"}
    cached(hub, "models--microsoft--resnet-152", own, revision=OTHER)
    found = {one.item.name: one.before for one in unpack(bundle, quiet)}
    assert found == {"resnet-152": OTHER, "yolov8n": None, "cifar100": None}
    spec = resolve_model("resnet-152", weights="cached")
    assert spec.revision == OTHER
    assert (Path(str(spec.path)) / "model.safetensors").read_bytes() == b"own weights"
    before = {path: path.stat().st_mtime_ns for path in everything(hub) if path.is_file()}
    again = unpack(bundle, quiet)
    assert [one.before for one in again] == [OTHER, REVISION, REVISION]
    assert {path: path.stat().st_mtime_ns for path in everything(hub) if path.is_file()} == before


def test_other_files_of_a_repository_are_found_though_a_later_one_came(
    machine: Callable[[str], Path], tmp_path: Path
) -> None:
    hub = machine("desk")
    cached(hub, "models--a--yolo", {"new.pt": b"new"})
    cached(hub, "datasets--a--pictures", {"data/test-00000-of-00001.parquet": b"test"})
    out = tmp_path / "later.tar"
    pack(["a/yolo/new.pt"], ["a/pictures"], out, quiet)
    hub = machine("kit")
    cached(hub, "models--a--yolo", {"old.pt": b"old"}, revision=OTHER)
    cached(hub, "datasets--a--pictures", {"data/train-00000-of-00001.parquet": b"train"}, revision=OTHER)
    unpack(out, quiet)
    assert [resolve_model(f"a/yolo/{name}.pt").revision for name in ("new", "old")] == [REVISION, OTHER]
    assert [found.revision for split in ("test", "train") if (found := cached_dataset("a/pictures", split))] == [
        REVISION,
        OTHER,
    ]


# -- refused --------------------------------------------------------------------------------------


def test_a_bundle_with_a_flipped_bit_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    data = bytearray(bundle.read_bytes())
    place = data.rindex(MODEL["model.safetensors"][-40:])
    data[place] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(BadRequest, match="not what was packed"):
        unpack(bundle, quiet)
    assert not everything(tmp_path / "kit")


@pytest.mark.parametrize("kept", [0, 100, 600, 5_000, 200_000, 0.5, 0.9])
def test_a_bundle_that_was_cut_off_leaves_nothing(bundle: Path, tmp_path: Path, kept: float) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data[: int(kept if kept > 1 or not kept else kept * len(data))])
    with pytest.raises(BadRequest, match="no bundle, or it is damaged"):
        unpack(bundle, quiet)
    assert not everything(tmp_path / "kit")


Change = Callable[[dict[str, Any]], object]
RESNET = "hub/models--microsoft--resnet-152"


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["files"][0].update(place="../outside.json"),
        lambda it: it["files"][0].update(place="/etc/outside.json"),
        lambda it: it["files"][0].update(place="hub/models--microsoft--resnet-152/snapshots/x/../../../../o.json"),
        lambda it: it["files"][0].update(place="hub/models--else--where/blobs/abc"),
        lambda it: it["files"][0].update(place="datasets/a/outside.json"),
        lambda it: it["files"][0].update(sha256="abc"),
        lambda it: it["files"][0].update(size_bytes=-1),
        lambda it: it["files"].append(it["files"][0]),
        lambda it: it["files"].pop(0),
        lambda it: it["links"][0].__setitem__(1, "../../../etc/passwd"),
        lambda it: it["links"].append([f"{RESNET}/snapshots/x/more.json", f"{RESNET}/../../../etc/passwd"]),
        lambda it: it["links"].append([f"{RESNET}/snapshots/x/more.json", it["files"][0]["place"]]),
        lambda it: it["links"][0].__setitem__(0, "hub/models--microsoft--resnet-152/snapshots/x/code.py"),
        lambda it: it["links"][0].__setitem__(0, "../../code.json"),
        lambda it: it["items"][0].update(kind="program"),
        lambda it: it["items"][0].update(revision="../x"),
        lambda it: it["items"][0].update(revision=7),
        lambda it: it.update(items=3),
        lambda it: it.update(format=2),
        lambda it: it.pop("links"),
    ],
)
def test_a_manifest_that_leads_elsewhere_is_refused(bundle: Path, tmp_path: Path, change: Change) -> None:
    with tarfile.open(bundle, "r:") as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    document = json.loads(members.pop("manifest.json"))
    before = [entry["place"] for entry in document["files"]]
    change(document)
    # The members go where the manifest says, so that it alone can be the reason.
    now = dict(zip(before, [entry["place"] for entry in document["files"]], strict=False))
    moved = {now[name] if len(before) == len(document["files"]) else name: data for name, data in members.items()}
    write_tar(bundle, {"manifest.json": json.dumps(document).encode(), **moved})
    with pytest.raises(BadRequest):
        unpack(bundle, quiet)
    assert not everything(tmp_path / "kit")
    assert not list(tmp_path.rglob("o*.json"))


@pytest.mark.parametrize(
    "place",
    [
        "../outside.json",
        "hub/models--microsoft--resnet-152/snapshots/x/../../../../outside.json",
        "hub/models--else--where/snapshots/x/outside.json",
        "datasets/else___where/a/0.0.0/x/outside.arrow",
        "hub/models--microsoft--resnet-152/snapshots/x/outside.py",
    ],
)
def test_a_file_that_belongs_to_nothing_in_a_bundle_is_refused(bundle: Path, tmp_path: Path, place: str) -> None:
    with tarfile.open(bundle, "r:") as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    document = json.loads(members.pop("manifest.json"))
    document["files"].append({"place": place, "size_bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()})
    write_tar(bundle, {"manifest.json": json.dumps(document).encode(), **members, place: b"x"})
    with pytest.raises(BadRequest, match=r"it has a file at|belongs to nothing in it|files that no run needs"):
        unpack(bundle, quiet)
    assert not everything(tmp_path / "kit")
    assert not list(tmp_path.rglob("outside.*"))


def write_tar(path: Path, members: Mapping[str, bytes | tarfile.TarInfo]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_members_that_are_no_files_or_not_in_the_manifest_are_refused(
    bundle: Path, tmp_path: Path, kind: bytes
) -> None:
    with tarfile.open(bundle, "r:") as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    first = next(name for name in members if name != "manifest.json")
    special = tarfile.TarInfo(first)
    special.type, special.linkname = kind, "/etc/passwd"
    write_tar(bundle, {**members, first: special})
    with pytest.raises(BadRequest):
        unpack(bundle, quiet)
    write_tar(bundle, {**members, "../outside": b"x"})
    with pytest.raises(BadRequest, match="not as its manifest says"):
        unpack(bundle, quiet)
    assert not everything(tmp_path / "kit")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, bytes(10_240)])
def test_what_is_no_bundle_is_told(content: bytes, machine: Callable[[str], Path], tmp_path: Path) -> None:
    machine("kit")
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(BadRequest, match="no bundle"):
        unpack(tmp_path / "x.tar", quiet)
    for path, why in ((tmp_path / "nowhere.tar", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(BadRequest) as refused:
            unpack(path, quiet)
        assert str(refused.value) == f"{path} cannot be read: {why}. Name a bundle."


def test_a_disk_that_is_too_small_is_named_before_anything_is_written(
    bundle: Path, tmp_path: Path, machine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MIN_LEFT_MB", 1e12)
    with pytest.raises(OrinError, match="MB free"):
        unpack(bundle, quiet)
    assert not everything(tmp_path / "kit")
    machine("desk")
    with pytest.raises(OrinError, match="MB free"):
        pack([], [], tmp_path / "more.tar", quiet)
    assert not (tmp_path / "more.tar").exists()


def test_what_cannot_be_packed_is_told(machine: Callable[[str], Path], tmp_path: Path) -> None:
    hub = machine("desk")
    with pytest.raises(BadRequest, match="nothing to pack"):
        pack([], [], tmp_path / "x.tar", quiet)
    cached(hub, "models--microsoft--resnet-152", MODEL)
    (tmp_path / "folder").mkdir()
    for models, datasets, message in (
        (["yolov8n"], [], "not on this machine"),
        (["resnet-152"], ["cifar100"], "not on this machine"),
        ([str(tmp_path / "folder")], [], "no hub id"),
        ([], [str(tmp_path / "folder")], "no hub id"),
        ([], ["camera:0"], "no hub id"),
    ):
        with pytest.raises(BadRequest, match=message):
            pack(models, datasets, tmp_path / "x.tar", quiet)
    with pytest.raises(BadRequest, match="cannot be written"):
        pack(["resnet-152"], [], tmp_path / "nowhere" / "x.tar", quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk", "folder"]


def test_a_file_that_changes_while_it_is_packed_leaves_no_bundle(
    machine: Callable[[str], Path], tmp_path: Path
) -> None:
    snapshot = cached(machine("desk"), "models--microsoft--resnet-152", MODEL)

    def meddle(what: str, done: int, total: int) -> None:
        if what == "checksums" and done == total:
            (snapshot / "model.safetensors").write_bytes(bytes(300_000))

    with pytest.raises(OrinError, match="changed while it was packed"):
        pack(["resnet-152"], [], tmp_path / "x.tar", meddle)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk"]


def test_two_unpackings_at_once_do_not_meet_and_what_a_killed_one_left_is_removed(
    bundle: Path, machine: Callable[[str], Path]
) -> None:
    stage = machine("kit") / STAGING
    stage.mkdir(parents=True)
    (stage / "0").write_bytes(b"left behind")
    handle = os.open(stage, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(OrinError, match="Another bundle"):
            unpack(bundle, quiet)
        assert (stage / "0").exists()
    finally:
        os.close(handle)
    unpack(bundle, quiet)
    assert not stage.exists()
    assert resolve_model("resnet-152", weights="cached").revision == REVISION


# -- as a command ---------------------------------------------------------------------------------


def test_the_commands_move_a_cache_from_home_to_home(home: Home, tmp_path: Path) -> None:
    cached(home.root / "hf" / "hub", "models--microsoft--resnet-152", MODEL)
    packed = home.cli("bundle", "pack", "--model", "resnet-152", "-o", str(tmp_path / "stick.tar"), "--json")
    assert packed.returncode == 0, packed.stderr
    row = {"kind": "model", "name": "resnet-152", "revision": REVISION}
    assert json.loads(packed.stdout)["items"] == [row]
    assert "packing  0 of 0 MB" in packed.stderr
    kit = dataclasses.replace(home, root=tmp_path / "kit")
    unpacked = kit.cli("bundle", "unpack", str(tmp_path / "stick.tar"))
    assert unpacked.returncode == 0, unpacked.stderr
    assert unpacked.stdout == f"model    resnet-152  revision {REVISION}\n"
    again = kit.cli("bundle", "unpack", str(tmp_path / "stick.tar"))
    assert "was here already and is kept" in again.stdout
    (tmp_path / "stick.tar").write_bytes(b"x" * 2000)
    damaged = kit.cli("bundle", "unpack", str(tmp_path / "stick.tar"))
    assert (damaged.returncode, len(damaged.stderr.strip().splitlines())) == (2, 1)
