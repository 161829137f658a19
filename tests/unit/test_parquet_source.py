"""Parquet files of a person's own, read image by image."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from orin_core.errors import BadRequest
from orin_core.inference.sources import DECODE_ERRORS, decode, is_endless, open_source
from orin_core.resolve import resolve_dataset
from tests.support import jpeg_bytes

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "prepared")


@pytest.mark.parametrize("way", ["bytes", "cells"])
def test_images_are_found_by_their_bytes_and_read_in_order(tmp_path: Path, way: str) -> None:
    images = [jpeg_bytes(size_px=size) for size in (16, 24, 32)]
    folder = tmp_path / "rows"
    folder.mkdir()
    for name, rows in (("b", images[2:]), ("a", images[:2])):
        column = rows if way == "bytes" else [{"bytes": row, "path": None} for row in rows]
        parquet.write_table(pa.table({"label": [0] * len(rows), "photo": column}), folder / f"{name}.parquet")
    source = open_source(resolve_dataset(str(folder)), seed=0)
    assert (len(source), source.kind, is_endless(source), source.name(1)) == (3, "local", False, "row 1")
    for index, image in enumerate(images):
        assert np.array_equal(source.read(index), decode(io.BytesIO(image)))


def test_a_broken_row_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"photo": [jpeg_bytes(), jpeg_bytes()[:30], b""]}), path)
    source = open_source(resolve_dataset(str(path)), seed=0)
    assert source.read(0).shape == (3, 48, 48)
    for index in (1, 2):
        with pytest.raises(DECODE_ERRORS):
            source.read(index)


def test_files_that_are_gone_by_then_are_told(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    path = tmp_path / "rows" / "a.parquet"
    parquet.write_table(pa.table({"photo": [jpeg_bytes()]}), path)
    spec = resolve_dataset(str(tmp_path / "rows"))
    path.unlink()
    with pytest.raises(BadRequest, match="no parquet files any more"):
        open_source(spec, seed=0)
