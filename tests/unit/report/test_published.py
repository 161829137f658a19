from __future__ import annotations

import csv
from pathlib import Path

import pytest

from orin_core.errors import BadRequest
from orin_core.report.published import (
    PUBLISHED_CSV,
    hub_id,
    mode_label,
    published_for,
    published_models,
    published_rows,
)
from orin_core.settings import PROJECT_ROOT

SHARED = PROJECT_ROOT.parent / "shared" / "scales" / "published.csv"


def test_every_published_row_is_there_once() -> None:
    rows = published_rows()
    assert len(rows) == len({(row.model, row.power_mode) for row in rows}) == 12
    assert published_models() == (
        "microsoft/resnet-152",
        "depth-anything/Depth-Anything-V2-Base-hf",
        "microsoft/Phi-3.5-mini-instruct",
    )
    for model in published_models():
        assert [row.power_mode for row in rows if row.model == model] == ["MAXN", "50W", "30W", "15W"]


@pytest.mark.skipif(not SHARED.is_file(), reason="the published table is not beside this checkout")
def test_figures_are_those_of_the_published_table() -> None:
    compared = 0
    with SHARED.open(newline="") as stream:
        for theirs in csv.DictReader(stream):
            row = published_for(theirs["model"], theirs["power_mode"], int(theirs["items"]))
            assert row is not None
            assert row.dataset == theirs["dataset"]
            for name in (
                "average_fps",
                "average_gpu_pct",
                "average_ram_mb",
                "total_inference_time_s",
                "power_draw_w",
            ):
                assert getattr(row, name) == float(theirs[name])
            compared += 1
    assert compared == 8


def test_fps_items_and_time_of_a_row_agree() -> None:
    for row in published_rows():
        if row.average_fps is not None:
            assert row.items is not None
            assert row.items / row.total_inference_time_s == pytest.approx(row.average_fps, rel=0.01)


def test_known_error_is_flagged_and_a_corrected_row_is_not() -> None:
    assert [(row.model, row.power_mode) for row in published_rows() if row.known_error] == [
        ("depth-anything/Depth-Anything-V2-Base-hf", "MAXN")
    ]
    wrong = published_for("depth-anything-v2-base", "MAXN")
    assert wrong is not None
    assert "later 50W run" in (wrong.known_error or "")
    assert {"average_gpu_pct", "power_draw_w", "energy_per_item_j", "items_per_joule"} < set(wrong.wrong_figures)
    assert all(hasattr(wrong, name) for name in wrong.wrong_figures)
    assert "average_fps" not in wrong.wrong_figures
    resnet = published_for("resnet-152", "MAXN")
    assert resnet is not None
    assert (resnet.known_error, resnet.wrong_figures) == (None, ())
    assert all(figure in (resnet.corrected or "") for figure in ("21.01", "57.16", "10128.28", "475.99"))


def test_energy_is_power_times_time_over_images() -> None:
    row = published_for("resnet-152", "50W")
    assert row is not None
    assert row.energy_per_item_j == pytest.approx(12.18 * 655.08 / 10_000)
    assert row.items_per_joule == pytest.approx(10_000 / (12.18 * 655.08))
    phi = published_for("microsoft/Phi-3.5-mini-instruct", "30W")
    assert phi is not None
    assert (phi.tokens_per_s, phi.average_fps, phi.items) == (3.83, None, None)
    assert (phi.energy_per_item_j, phi.items_per_joule) == (None, None)


@pytest.mark.parametrize("mode", ["50W", "MODE_50W", "50w"])
@pytest.mark.parametrize("model", ["resnet-152", "ResNet152", "microsoft/resnet-152", "Microsoft/ResNet-152"])
def test_a_row_is_found_by_any_of_its_names(model: str, mode: str) -> None:
    row = published_for(model, mode)
    assert row is not None
    assert (row.model, row.power_mode) == ("microsoft/resnet-152", "50W")


def test_what_was_not_published_is_not_found() -> None:
    assert published_for("yolov8n", "MAXN") is None
    assert published_for("resnet-152", "MODE_40W") is None
    assert published_for("resnet-152", "MAXN", items=500) is None
    assert (mode_label("MODE_40W"), mode_label("MaxN"), hub_id("Own/Model")) == ("40W", "MAXN", "own/model")


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="published figures"):
        published_rows(tmp_path / "none.csv")
    (tmp_path / "odd.csv").write_text("model,items\nx,1\n")
    with pytest.raises(BadRequest, match="published figures"):
        published_rows(tmp_path / "odd.csv")


def test_the_origin_is_beside_the_figures() -> None:
    text = PUBLISHED_CSV.with_name("README.md").read_text()
    header = PUBLISHED_CSV.read_text().splitlines()[0].split(",")
    assert "BroncoSpace-Lab/scales-hardware" in text
    assert [name for name in header if f"`{name}`" not in text] == []
