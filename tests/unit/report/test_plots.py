"""Pictures of built runs: their names, what is drawn, and what there is nothing to draw of."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orin_core.report import plots, table
from orin_core.report.file_names import file_part
from orin_core.runs.recording import Recording
from tests.unit.report.built import batched, environment, run
from tests.unit.report.folders import write_run


def _recording(runs_dir: Path, **changes: object) -> Recording:
    return Recording(folder=write_run(runs_dir, {**run(1), **changes}))


@pytest.mark.parametrize(("mode", "name"), [("MAXN", "maxn"), ("50W", "50W"), ("A B/..", "A-B"), (None, "unknown")])
def test_modes_are_named_as_in_the_published_document(mode: str | None, name: str) -> None:
    assert plots.mode_name(mode) == name


def test_files_have_the_published_names_and_are_pictures(tmp_path: Path) -> None:
    written = plots.plot_files(_recording(tmp_path), tmp_path)
    assert [path.name for path in written] == ["resnet-152_maxn_gr3d.png", "resnet-152_maxn_used_ram.png"]
    for path in written:
        image = Image.open(path)
        assert image.width > 600
        # Axes, a line, a shade, a mean: a blank picture has one colour.
        assert len(image.convert("RGB").getcolors(maxcolors=1_000_000) or []) > 50


def test_measure_is_shaded_between_the_ends_that_the_worker_named(tmp_path: Path) -> None:
    trace = plots.read_trace(_recording(tmp_path))
    assert trace is not None
    assert trace.measure_s == (30.0, 90.0)
    assert trace.means[plots.GR3D] == 59.07
    assert np.nanmax(trace.values[plots.GR3D]) == 66


def test_without_the_workers_word_measure_is_where_the_rows_say_so(tmp_path: Path) -> None:
    recording = _recording(tmp_path)
    (recording.folder / "events.jsonl").unlink()
    trace = plots.read_trace(recording)
    assert trace is not None
    assert trace.measure_s == (30.0, 89.0)


def test_a_reading_that_the_board_has_not_gets_no_picture(tmp_path: Path) -> None:
    recording = _recording(tmp_path)
    text = recording.csv_path.read_text().replace("Used GR3D (%)", "Something Else")
    recording.csv_path.write_text(text)
    assert [plot.kind for plot in plots.draw(recording, title="x", stem="x")] == [plots.USED_RAM]


@pytest.mark.parametrize("text", [None, "", "Index,Elapsed (s)\n", "Index,Elapsed (s)\n0,1\n"])
def test_a_run_without_rows_has_no_pictures(tmp_path: Path, text: str | None) -> None:
    recording = _recording(tmp_path)
    recording.csv_path.unlink()
    if text is not None:
        recording.csv_path.write_text(text)
    assert plots.draw(recording, title="x", stem="x") == ()


def test_titles_are_text_and_name_a_simulated_board(tmp_path: Path) -> None:
    plain = plots.draw(_recording(tmp_path / "a"), title=r"$\frac{", stem="x")
    simulated = plots.draw(_recording(tmp_path / "b", simulated=True), title=r"$\frac{", stem="x")
    pictures = [np.asarray(Image.open(io.BytesIO(one[0].png)).convert("L")) for one in (plain, simulated)]
    assert (pictures[0] != pictures[1]).any()


def test_thinning_keeps_peaks_valleys_and_gaps() -> None:
    count = 20_000
    time_s = np.arange(count, dtype=float)
    time_s[12_000:] += 600
    values = np.full(count, 50.0)
    values[777], values[15_555] = 99.0, 1.0
    rows = plots.thinned(np.column_stack([time_s, values]), 2000)
    assert len(rows) <= 2010
    assert (np.nanmax(rows[:, 1]), np.nanmin(rows[:, 1])) == (99.0, 1.0)
    gap = np.flatnonzero(np.isnan(rows[:, 0]))
    assert len(gap) == 1
    assert rows[gap[0] + 1, 0] - rows[gap[0] - 1, 0] == pytest.approx(601)
    assert (np.diff(rows[: gap[0], 0]) >= 0).all()


def test_rows_of_one_mode_have_file_names_of_their_own() -> None:
    (found,) = table.build([run(1), run(2, batch_size=8), run(3, mode="50W")], models=["resnet-152"])
    names = plots.stems(found)
    assert names["MAXN · batch 1"] == "resnet-152_maxn"
    assert names["MAXN · batch 8"] == "resnet-152_maxn_batch-8"
    assert names["50W · batch 1"] == "resnet-152_50W"


def test_file_names_end_at_a_word_and_leave_out_what_is_not_known() -> None:
    worker = {"torch": "2.5.0a0+872d972e41.nv24.08", "cuda": "12.6"}
    providers = [environment(worker={**worker, "method_facts": {"provider": name}}) for name in ("CUDA", "CPU")]
    runs = [run(1, method=None), *(run(place, method="onnx", env=env) for place, env in enumerate(providers, start=2))]
    long: dict[str, Any] = {
        "weights": "random",
        "images": "synthetic",
        "dataset": "photographs-of-the-whole-year",
        "fps": 9.0,
    }
    (found,) = table.build([*runs, batched(4, scope="preloaded", **long)], models=["resnet-152"])
    assert any("Method not known" in row.test for row in found.rows)
    names = plots.stems(found)
    for test, stem in names.items():
        assert "not-known" not in stem
        assert set(re.split("[-_]", stem)) <= set(re.split("[^A-Za-z0-9]+", f"{test} resnet 152 maxn")), "whole words"
    assert max(map(len, names.values())) > 60, "one of them is cut"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("fp16 · batch 32", "fp16-batch-32"),
        ("batched fp16 preloaded", "batched-fp16"),
        ("batched fp16 batch 32", "batched-fp16"),
        ("batched fp16161 xy", "batched-fp16161"),
        ("batched fp161616 xy", "batched-fp161616"),
        ("x" * 40, "x" * 16),
        (" · ", "none"),
    ],
)
def test_a_part_of_a_file_name_is_cut_between_words(text: str, part: str) -> None:
    assert file_part(text, most=16, empty="none") == part


@pytest.mark.parametrize(
    "done",
    [
        {"t_start_s": "x", "t_end_s": 1.0},
        {"t_start_s": 5030.0},
        {"t_start_s": 5030.0, "t_end_s": [1]},
        {"t_start_s": 1e308, "t_end_s": 1e308},
        {"t_start_s": 5090.0, "t_end_s": 5030.0},
        {"t_start_s": {}, "t_end_s": None},
    ],
)
def test_a_damaged_end_of_measure_falls_back_to_the_rows(tmp_path: Path, done: dict[str, object]) -> None:
    recording = _recording(tmp_path)
    (recording.folder / "events.jsonl").write_text(json.dumps({"kind": "done", "t_s": 1, **done}) + "\n[1]\n{\n")
    trace = plots.read_trace(recording)
    assert trace is not None
    assert trace.measure_s == (30.0, 89.0)


@pytest.mark.parametrize("damage", ["events", "status", "mean", "cells"])
def test_damaged_files_still_give_pictures(tmp_path: Path, damage: str) -> None:
    recording = _recording(tmp_path, **({"gr3d_pct_mean": "x"} if damage == "mean" else {}))
    if damage == "events":
        (recording.folder / "events.jsonl").unlink()
        (recording.folder / "events.jsonl").mkdir()
    elif damage == "status":
        (recording.folder / "status.json").write_text('{"t0_s": "x"}')
    elif damage == "cells":
        text = recording.csv_path.read_text().replace(",60,", ",1e308,").replace(",7900,", ",x,", 3)
        recording.csv_path.write_text(text)
    assert len(plots.draw(recording, title="x", stem="x")) == 2
    trace = plots.read_trace(recording)
    assert trace is not None
    assert np.nanmax(trace.values[plots.GR3D]) == 66
