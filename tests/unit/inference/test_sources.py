"""Images of each kind of data set, decoded."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from PIL import Image

from orin_core.errors import BadRequest
from orin_core.inference.sources import DECODE_ERRORS, decode, open_source
from orin_core.resolve import resolve_dataset
from tests.support import write_broken_image, write_images

pytestmark = pytest.mark.torch


def _png(pixels: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "png")
    return target.getvalue()


def test_a_folder_gives_its_files_in_order_by_their_names(tmp_path: Path) -> None:
    write_images(tmp_path / "a", 3, size_px=20)
    write_images(tmp_path / "b" / "deep", 2, size_px=24)
    source = open_source(resolve_dataset(str(tmp_path)), seed=0)
    names = [source.name(index) for index in range(len(source))]
    assert names == ["a/0000.png", "a/0001.jpg", "a/0002.png", "b/deep/0000.png", "b/deep/0001.jpg"]
    expected = np.asarray(Image.open(tmp_path / "a" / "0001.jpg").convert("RGB")).transpose(2, 0, 1)
    found = source.read(1)
    assert found.dtype == np.uint8
    assert found.flags["C_CONTIGUOUS"]
    assert np.array_equal(found, expected)
    assert source.read(3).shape == (3, 24, 24)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    Image.new("RGB", (6, 4), (200, 30, 90)).convert(mode).save(path)
    assert decode(path).shape == (3, 4, 6)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "x.jpg", exif=exif)
    assert decode(tmp_path / "x.jpg").shape == (3, 30, 20)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_image_raises_what_the_feed_expects(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(DECODE_ERRORS):
        decode(tmp_path / "x.png")
    with pytest.raises(DECODE_ERRORS):
        decode(write_broken_image(tmp_path))


def test_a_png_cut_anywhere_raises_what_the_feed_expects(tmp_path: Path) -> None:
    whole = _png(np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8))

    def fails(length: int) -> bool:
        try:
            decode(io.BytesIO(whole[:length]))
        except DECODE_ERRORS:
            return True
        return False

    assert sum(fails(length) for length in range(len(whole) - 12)) > len(whole) // 2


def test_ultralytics_does_not_change_what_a_broken_file_raises(tmp_path: Path) -> None:
    importlib.import_module("ultralytics.utils")  # replaces PIL's open by one that looks for a plugin

    (tmp_path / "x.png").write_bytes(b"no image")
    with pytest.raises(OSError, match="cannot identify"):
        decode(tmp_path / "x.png")


def test_synthetic_images_are_a_function_of_seed_and_number() -> None:
    spec = resolve_dataset("cifar100", images="synthetic")
    source, same, other = (open_source(spec, seed=seed) for seed in (1, 1, 2))
    assert (len(source), source.kind, source.read(5).shape) == (10_000, "synthetic", (3, 32, 32))
    assert np.array_equal(source.read(5), same.read(5))
    assert not np.array_equal(source.read(5), other.read(5))
    assert not np.array_equal(source.read(5), source.read(6))


def _rows(count: int) -> list[bytes]:
    noise = np.random.default_rng(7)
    return [_png(noise.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(count)]


def _table(rows: list[bytes]) -> object:
    import datasets

    features = datasets.Features({"fine_label": datasets.Value("int64"), "img": datasets.Image()})
    cells = {"fine_label": list(range(len(rows))), "img": [{"bytes": row, "path": None} for row in rows]}
    return datasets.Dataset.from_dict(cells, features=features)


def test_a_saved_data_set_is_read_row_by_row_and_a_broken_row_fails_alone(tmp_path: Path) -> None:
    rows = _rows(4)
    rows[2] = rows[2][:50]
    _table(rows).save_to_disk(str(tmp_path / "saved"))  # type: ignore[attr-defined]
    source = open_source(resolve_dataset(str(tmp_path / "saved")), seed=0)
    assert (len(source), source.kind, source.name(2)) == (4, "local", "row 2")
    assert np.array_equal(source.read(3), decode(io.BytesIO(rows[3])))
    with pytest.raises(DECODE_ERRORS):
        source.read(2)


def test_parquet_in_the_hub_cache_is_read_without_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "prepared")
    repo = tmp_path / "hub" / "datasets--uoft-cs--cifar100"
    folder = repo / "snapshots" / "abc" / "cifar100"
    folder.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("abc")
    rows = _rows(3)
    _table(rows).to_parquet(str(folder / "test-00000-of-00001.parquet"))  # type: ignore[attr-defined]
    spec = resolve_dataset("cifar100")
    assert (spec.kind, spec.revision) == ("hub", "abc")
    source = open_source(spec, seed=0)
    assert (len(source), source.kind) == (3, "cached")
    assert np.array_equal(source.read(1), decode(io.BytesIO(rows[1])))


def test_a_folder_that_was_emptied_in_between_is_refused(tmp_path: Path) -> None:
    write_images(tmp_path, 1)
    spec = resolve_dataset(str(tmp_path))
    (tmp_path / "0000.png").unlink()
    with pytest.raises(BadRequest, match="no images"):
        open_source(spec, seed=0)
