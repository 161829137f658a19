"""Rows of imported logs: what is refused, what is left empty, and what may share a row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orin_core.report import table
from orin_core.report.figures import COLUMN_BY_FIELD
from orin_core.report.rows import ModelTable, Row
from orin_core.runs.recording import list_runs
from tests.unit.report.built import imported, reasoned
from tests.unit.report.folders import write_run


def build(*runs: dict[str, Any]) -> ModelTable:
    (found,) = table.build(runs, models=["resnet-152"])
    return found


def row(found: ModelTable, test: str) -> Row:
    (one,) = [one for one in found.rows if one.test == test]
    return one


def test_a_log_without_images_keeps_its_time() -> None:
    one = row(build(imported(1, items=None, total_inference_time_s=470.0)), "MAXN · imported")
    assert (one.total_inference_time_s, one.items) == (470.0, None)


def test_figures_of_an_impossible_log_are_refused() -> None:
    verdict = reasoned("imported", ("reading-out-of-range", "GR3D of 300 %."))
    found = build(imported(1, fps=21.0, verdict=verdict))
    one = row(found, "MAXN · imported")
    assert one.refused
    assert [one.figure(field) for field in COLUMN_BY_FIELD] == [None] * len(COLUMN_BY_FIELD)
    assert (one.items, one.differences) == (None, {})
    assert any("GR3D of 300 %." in note for note in found.notes)


def test_a_log_faster_than_any_board_keeps_only_what_does_not_rest_on_its_images() -> None:
    fast = imported(1, fps=1e6, power_w=14.8, items=10**9)
    one = row(build(fast), "MAXN · imported")
    assert (one.average_fps, one.energy_per_item_j, one.items_per_joule, one.items) == (None, None, None, None)
    assert (one.power_draw_w, one.average_gpu_pct) == (14.8, 59.07)
    assert "1,000,000 images/s are more than any AGX Orin does" in one.spoiled[0]
    assert any("1,000,000 images/s are more than any" in note for note in build(fast).notes)
    assert row(build(imported(1, fps=6000.0)), "MAXN · imported").spoiled == ()


def test_logs_of_unnamed_models_share_a_row_only_within_one_log(tmp_path: Path) -> None:
    for number, (name, digest) in enumerate([("a.txt", "01" * 32), ("a.txt", "02" * 32), ("a.txt", "01" * 32)]):
        folder = write_run(tmp_path, imported(number, model=None), rows=8)
        (folder / "spec.json").write_text(json.dumps({"origin": "imported", "file": name}))
        with (folder / "events.jsonl").open("a") as stream:
            stream.write(json.dumps({"kind": "imported", "t_s": 0.0, "file": name, "sha256": digest}) + "\n")
    (found,) = table.build(list_runs(tmp_path), models=[table.UNNAMED])
    assert {one.test: one.left_out for one in found.rows} == {
        "MAXN · imported · log a.txt 01010101": 1,
        "MAXN · imported · log a.txt 02020202": 0,
    }


def test_a_moved_cut_is_read_from_the_folder(tmp_path: Path) -> None:
    folder = write_run(tmp_path, imported(1))
    event = {"kind": "imported", "t_s": 0.0, "elapsed_s": 0.0, "cut": "by hand"}
    event |= {"proposed_start_s": 31.0, "proposed_end_s": 216.0, "start_s": 31.0, "end_s": 210.0}
    with (folder / "events.jsonl").open("a") as stream:
        stream.write(json.dumps(event) + "\n")
    [found] = table.build(list_runs(tmp_path), models=["resnet-152"])
    assert [note for note in found.notes if note.endswith("by hand: 31 to 216 s proposed, 31 to 210 s kept.")]
