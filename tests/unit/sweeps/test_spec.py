"""What a sweep file may say, and what is said of one that is wrong."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from orin_core.errors import BadRequest
from orin_core.sweeps import spec as specs
from orin_core.sweeps.order import ModePlace, ordered

SMALL: dict[str, Any] = {"models": ["resnet-152", "yolov8n"], "datasets": ["cifar100"], "power_modes": ["MAXN", "30W"]}


def test_cells_are_the_product_and_what_is_excluded_stays_in_the_matrix() -> None:
    sweep = specs.from_json({**SMALL, "repeats": 2, "exclude": [{"model": "yolov8n", "power_mode": "30W"}]})
    cells = sweep.cells()
    assert [cell.cell_id for cell in cells] == [f"{number:03d}" for number in range(1, 9)]
    assert {(cell.model, cell.power_mode) for cell in cells if cell.excluded} == {("yolov8n", "30W")}
    assert [cell.repeat for cell in cells[:2]] == [1, 2]


def test_a_cell_is_a_run_with_what_all_have_in_common() -> None:
    sweep = specs.from_json({**SMALL, "batch_sizes": [8], "profile": "demo", "run": {"items": 40, "idle_s": 1}})
    run = sweep.run_spec(sweep.cells()[1], "the-sweep")
    assert (run.model, run.power_mode, run.batch_size, run.items, run.idle_s) == ("resnet-152", "30W", 8, 40, 1)
    assert (run.profile, run.sweep, run.cell) == ("demo", "the-sweep", "002")


def test_a_sweep_survives_its_file(tmp_path: Path) -> None:
    sweep = specs.from_json({**SMALL, "repeats": 3, "reboot": True, "on_failure": "retry", "run": {"items": 5}})
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(specs.to_json(sweep)))
    assert specs.read_file(path) == sweep


def test_relative_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    datasets = ["../images", "camera:clip.avi", "camera:/dev/video1", "camera:0", "cifar100"]
    path.write_text(json.dumps({**SMALL, "models": ["./mine"], "datasets": datasets}))
    sweep = specs.read_file(path)
    assert sweep.models == (str(tmp_path / "mine"),)
    seen = (str(tmp_path / "../images"), f"camera:{tmp_path / 'clip.avi'}")
    assert sweep.datasets == (*seen, "camera:/dev/video1", "camera:0", "cifar100")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"repeat": 2}, "Is repeats meant?"),
        ({"models": []}, "models"),
        ({"models": "resnet-152"}, "models"),
        ({"models": ["a", "a"]}, "twice"),
        ({"models": ["~nobody-here/a"]}, "no user of this machine"),
        ({"power_modes": [True]}, "power_modes"),
        ({"batch_sizes": [0]}, "batch_sizes"),
        ({"batch_sizes": ["8"]}, "batch_sizes"),
        ({"repeats": 0}, "repeats"),
        ({"repeats": 2.5}, "repeats"),
        ({"profile": "quick"}, "profile"),
        ({"seed": -1}, "seed"),
        ({"reboot": "yes"}, "reboot"),
        ({"on_failure": "ignore"}, "on_failure"),
        ({"cooldown_at_most_s": float("nan")}, "cooldown_at_most_s"),
        ({"cooldown_within_c": None}, "cooldown_within_c"),
        ({"name": ""}, "name"),
        ({"exclude": [{}]}, "exclude"),
        ({"exclude": [{"mode": "30W"}]}, "Is model meant?"),
        ({"exclude": [{"power_mode": "15W"}]}, "does not have"),
        ({"exclude": [{"dataset": "cifar100"}]}, "no cell"),
        ({"exclude": [{"precision": "fp32"}]}, "no cell"),
        ({"run": {"itmes": 5}}, "Is items meant?"),
        ({"run": {"model": "other"}}, "no key 'model'"),
        ({"run": {"items": "5"}}, "items"),
        ({"run": {"items": 5, "seconds": 5.0}}, "Both"),
        ({"run": {"interval_ms": 1}}, "interval"),
        ({"run": {"telemetry": "replay:a.log"}}, "replay"),
        ({"batch_sizes": list(range(1, 1002))}, "4004 cells"),
        # 27 million cells, counted and not made.
        (
            {
                "models": [f"m{n}" for n in range(300)],
                "datasets": [f"d{n}" for n in range(300)],
                "batch_sizes": list(range(1, 301)),
            },
            "54000000 cells",
        ),
        ({"methods": ["fast"]}, "Use some of reference, pipeline, batched, graph, onnx"),
        ({"methods": [1]}, "methods holds 1"),
        ({"precisions": ["fp64"]}, "precisions holds 'fp64'"),
        ({"methods": ["reference"], "batch_sizes": [1, 32]}, "reference takes one image at a time, not 32."),
        ({"methods": ["onnx"], "precisions": ["bf16"]}, "onnx does not compute in 'bf16'"),
        ({"methods": ["pipeline", "batched"], "run": {"preload": True}}, '"exclude": [{"method": "pipeline"}]'),
        ({"exclude": [{"method": "graph"}]}, "does not have"),
        ({"run": {"method": "batched"}}, "no key 'method'"),
    ],
)
def test_what_is_wrong_is_named_before_the_first_run(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        specs.from_json({**SMALL, **change})
    assert said in str(refused.value)


def test_all_combinations_that_mean_nothing_are_named_at_once_as_exclusions() -> None:
    axes = {"methods": ["reference", "batched", "onnx"], "precisions": ["fp32", "fp16"], "batch_sizes": [1, 8, 32]}
    with pytest.raises(BadRequest) as refused:
        specs.from_json({**SMALL, **axes})
    exclusions = json.loads(refused.value.hint.partition('"exclude": ')[2].rstrip("."))
    assert exclusions == [
        {"method": "reference", "precision": "fp16"},
        {"method": "reference", "batch_size": 8},
        {"method": "reference", "batch_size": 32},
    ]
    sweep = specs.from_json({**SMALL, **axes, "exclude": exclusions})
    left = {(cell.method, cell.precision, cell.batch_size) for cell in sweep.cells() if not cell.excluded}
    assert ("reference", "fp32", 1) in left
    assert len(left) == 1 + 2 * 2 * 3
    run = sweep.run_spec(next(cell for cell in sweep.cells() if cell.method == "onnx"), "s")
    assert (run.method, run.precision, run.batch_size) == ("onnx", "fp32", 1)


@pytest.mark.parametrize("text", ["[]", "{", '"sweep"', "null", "[" * 100_000, '{"models": ' + "[" * 100_000])
def test_what_is_no_sweep_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sweep.json"
    path.write_text(text)
    with pytest.raises(BadRequest):
        specs.read_file(path)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRequest, match="no text"):
        specs.read_file(path)


PLACES = {
    "MAXN": ModePlace(tpc_pg_mask=0),
    "50W": ModePlace(is_current=True, tpc_pg_mask=0),
    "30W": ModePlace(tpc_pg_mask=0b1110_0000),
    "15W": ModePlace(tpc_pg_mask=0b1111_0000),
    "20W": ModePlace(tpc_pg_mask=0b1110_0000),
}


def test_modes_are_grouped_so_that_reboots_are_fewest() -> None:
    modes = ["15W", "30W", "MAXN", "20W", "50W"]
    sweep = specs.from_json({**SMALL, "power_modes": modes, "repeats": 2})
    order = ordered(sweep.cells(), seed=3, places=PLACES, mask_now=0)
    assert list(dict.fromkeys(cell.power_mode for cell in order)) == ["50W", "MAXN", "15W", "30W", "20W"]
    assert sorted(cell.cell_id for cell in order) == sorted(cell.cell_id for cell in sweep.cells())
    # Once left, no mode is come back to.
    runs = [cell.power_mode for cell in order]
    assert sum(a != b for a, b in itertools.pairwise(runs)) == 4


def test_repeats_are_interleaved_in_a_random_order_of_their_own() -> None:
    models = [f"model-{number}" for number in range(6)]
    sweep = specs.from_json({**SMALL, "models": models, "power_modes": ["50W"], "repeats": 3})
    order = ordered(sweep.cells(), seed=1, places=PLACES, mask_now=0)
    rounds = [[cell.model for cell in order[start : start + 6]] for start in (0, 6, 12)]
    assert [{cell.repeat for cell in order[start : start + 6]} for start in (0, 6, 12)] == [{1}, {2}, {3}]
    assert all(sorted(one) == models for one in rounds)
    assert len({tuple(one) for one in rounds}) == 3
    assert order == ordered(sweep.cells(), seed=1, places=PLACES, mask_now=0)
    assert order != ordered(sweep.cells(), seed=2, places=PLACES, mask_now=0)
