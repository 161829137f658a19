"""Runs held against the first: which differences there are, what they stand for, and who is ranked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orin_core.report import table
from orin_core.report.differences import Differences, differences
from orin_core.runs.recording import Recording
from tests.unit.report.built import batched, environment, imported, run
from tests.unit.report.folders import write_run

FPS, TIME, POWER = "average_fps", "total_inference_time_s", "power_draw_w"


def compared(runs_dir: Path, *summaries: dict[str, Any]) -> Differences:
    return differences([Recording(folder=write_run(runs_dir, summary)) for summary in summaries])


def blocks(fps: float, power_w: float, half: float = 0.01) -> dict[str, Any]:
    energy_j = power_w / fps
    return {
        "intervals_95": {
            "fps_end_to_end": [fps - half, fps + half],
            "energy_per_item_j": [energy_j * 0.999, energy_j * 1.001],
        }
    }


def test_figures_are_held_against_the_first_run_with_their_interval(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        run(1, fps=20.0, power_w=20.0, **blocks(20.0, 20.0)),
        run(2, mode="50W", fps=15.0, power_w=12.0, **blocks(15.0, 12.0)),
    )
    first, second = found.runs
    assert (first.name, second.name) == ("A MAXN", "B 50W")
    assert first.differences == {}
    fps = second.differences[FPS]
    assert fps.difference_pct == pytest.approx(-25.0)
    assert fps.distinguishable
    assert fps.low_pct is not None
    assert fps.high_pct is not None
    assert fps.low_pct < -25.0 < fps.high_pct < 0
    assert second.row is not None
    assert second.row.intervals[FPS] == (14.99, 15.01)
    assert second.differences["items_per_joule"].difference_pct == pytest.approx(25.0)


@pytest.mark.parametrize(
    ("summaries", "names"),
    [
        (
            (run(1), batched(2), batched(3, method="graph")),
            ("A reference · batch 1", "B batched · batch 32", "C graph · batch 32"),
        ),
        ((batched(1, precision="fp16"), batched(2, mode="50W")), ("A MAXN · fp16", "B 50W · fp32")),
        ((batched(1), batched(2, scope="preloaded")), ("A MAXN", "B scope preloaded")),
        ((run(1), run(2, env=environment(kernel="6.8"))), ("A MAXN", "B MAXN")),
        ((run(1), imported(2)), ("A MAXN", "B MAXN")),
        ((run(1), run(2)), ("A MAXN", "B MAXN")),
    ],
    ids=["method", "mode and precision", "scope", "what is in the table alone", "a log", "repeats"],
)
def test_names_tell_runs_apart_by_how_items_went_through_the_model(
    tmp_path: Path, summaries: tuple[dict[str, Any], ...], names: tuple[str, ...]
) -> None:
    assert tuple(one.name for one in compared(tmp_path, *summaries).runs) == names


def test_a_run_that_goes_on_is_named_by_what_was_asked_of_it(tmp_path: Path) -> None:
    done, goes_on = (Recording(folder=write_run(tmp_path, batched(place))) for place in (1, 2))
    (goes_on.folder / "summary.json").unlink()
    (goes_on.folder / "spec.json").write_text(json.dumps({"method": "graph", "precision": "fp32", "batch_size": 32}))
    assert [one.name for one in differences([done, goes_on]).runs] == ["A MAXN · batched", "B graph"]


def test_runs_that_may_be_ranked_are_ranked_as_in_the_report(tmp_path: Path) -> None:
    summaries = [run(1, fps=20.0, power_w=20.0), run(2, mode="50W", fps=15.0, power_w=12.0)]
    found = compared(tmp_path, *summaries)
    (of_report,) = table.build(summaries, models=["resnet-152"])
    assert of_report.best is not None
    assert found.ranking == (of_report.best.sentence,)
    assert found.not_ranked == ()
    assert any("one run each" in note for note in found.runs[1].notes)


def test_repeats_stand_together_in_the_ranking(tmp_path: Path) -> None:
    maxn = [run(place, fps=20.0 + place / 50, power_w=20.0) for place in (1, 2, 3)]
    slow = [run(place, mode="50W", fps=15.0 + place / 100, power_w=12.0) for place in (4, 5, 6)]
    found = compared(tmp_path, *maxn, *slow)
    assert [one.letter for one in found.runs] == list("ABCDEF")
    assert len(found.ranking) == 1
    assert found.ranking[0].startswith("50W gives most images per joule")
    assert "leaves out 0" in found.ranking[0]


def test_repeats_alone_are_not_ranked(tmp_path: Path) -> None:
    found = compared(tmp_path, run(1, fps=20.0), run(2, fps=20.1))
    assert found.ranking == ()
    assert found.not_ranked == ("The 2 runs agree in mode and settings, so they are repeats.",)
    assert found.runs[1].differences[FPS].difference_pct == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"batch_size": 8}, "Batch"), ({"env": environment(kernel="6.8")}, "Kernel"), ({"weights": "random"}, "Weights")],
)
def test_runs_of_other_settings_differ_and_are_not_ranked(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    found = compared(tmp_path, run(1, fps=20.0), run(2, mode="50W", fps=30.0, **changes))
    assert found.ranking == ()
    assert found.not_ranked == (f"Their environments differ: {named}.",)
    assert set(found.differing) == {"Power mode", named}
    fps = found.runs[1].differences[FPS]
    assert (fps.comparable, fps.distinguishable) == (False, False)
    assert fps.difference_pct == pytest.approx(50.0)
    assert found.runs[1].notes == (f"their environments differ: {named}",)


def test_runs_of_two_models_are_held_against_each_other_and_not_ranked(tmp_path: Path) -> None:
    found = compared(tmp_path, run(1, fps=20.0), run(2, model="yolov8n", mode="50W", fps=40.0))
    assert found.ranking == ()
    assert "Runs of different models are not ranked against each other." in found.not_ranked
    assert found.differing["Model"] == ("ResNet-152", "YOLOv8n")
    assert found.runs[1].differences[FPS].difference_pct == pytest.approx(100.0)
    assert not found.runs[1].differences[FPS].comparable


@pytest.mark.parametrize(
    ("changes", "why"), [({"scope": "preloaded"}, "another scope"), ({"simulated": True}, "another telemetry")]
)
def test_figures_that_are_not_the_same_thing_have_no_difference(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    found = compared(tmp_path, run(1), run(2, mode="50W", fps=30.0, **changes))
    assert {one.difference_pct for one in found.runs[1].differences.values()} == {None}
    assert any(note.startswith(why) for note in found.runs[1].notes)
    assert found.ranking == ()


def test_an_old_log_that_names_no_scope_is_held_against_a_run_and_not_ranked_with_it(tmp_path: Path) -> None:
    found = compared(tmp_path, run(1, fps=20.0), imported(2, mode="50W", fps=15.0))
    assert found.runs[1].differences[FPS].difference_pct == pytest.approx(-25.0)
    assert found.ranking == ()
    assert "Origin" in found.not_ranked[0]


def test_times_over_other_numbers_of_images_and_power_of_other_rails_are_not_compared(tmp_path: Path) -> None:
    found = compared(tmp_path, run(1), run(2, items=500), run(3, power_rails=["VDD_IN"]))
    assert found.runs[1].differences[TIME].difference_pct is None
    assert found.runs[1].differences[FPS].difference_pct == pytest.approx(0.0)
    assert found.runs[2].differences[POWER].difference_pct is None
    assert found.runs[2].differences[TIME].difference_pct == pytest.approx(0.0)


def test_implausible_figures_are_shown_nowhere(tmp_path: Path) -> None:
    found = compared(tmp_path, run(1), run(2, mode="50W", fps=9000.0, status="implausible"))
    assert found.runs[1].differences == {}
    assert found.not_ranked == ("50W is IMPLAUSIBLE.",)


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_and_imported_runs_keep_their_labels(tmp_path: Path, simulated: bool) -> None:
    made = (
        [run(1, simulated=True, status="simulated"), run(2, mode="50W", fps=15.0, simulated=True, status="simulated")]
        if simulated
        else [imported(1), imported(2, mode="50W", fps=15.0)]
    )
    found = compared(tmp_path, *made)
    label = "SIMULATED BOARD" if simulated else "imported, not verified"
    assert all(one.row is not None and label in one.row.labels for one in found.runs)
    assert bool(found.ranking) is not simulated
    if simulated:
        assert found.not_ranked == ("Simulated telemetry ranks no modes.",)
    else:
        assert "not verified" in found.ranking[0]


@pytest.mark.parametrize(
    ("spec", "environment_names", "mode", "differing"),
    [
        ({"model": "ResNet-152", "power_mode": "50W"}, {}, "50W", {"Power mode"}),
        ({"model": "resnet-152", "power_mode": "current"}, {"power_mode": "MODE_50W"}, "50W", {"Power mode"}),
        ({"model": "yolov8n", "power_mode": "0"}, {"power_mode": "MAXN"}, "MAXN", {"Model"}),
        ({"model": "resnet-152", "power_mode": "2"}, {}, "", set()),
        ({"model": 7, "power_mode": []}, {}, "", set()),
    ],
)
def test_a_run_that_goes_on_differs_in_what_is_known_of_it_only(
    tmp_path: Path, spec: dict[str, Any], environment_names: dict[str, Any], mode: str, differing: set[str]
) -> None:
    going = write_run(tmp_path, run(2, mode="15W"))
    (going / "summary.json").unlink()
    (going / "spec.json").write_text(json.dumps(spec))
    (going / "environment.json").write_text(json.dumps(environment_names))
    found = differences([Recording(folder=write_run(tmp_path, run(1))), Recording(folder=going)])
    assert (found.runs[1].row, found.runs[1].power_mode) == (None, mode)
    assert found.not_ranked == ("B: not finished, so there are no figures yet.",)
    assert set(found.differing) == differing, "what nobody knows yet is no difference"
    assert "repeats" not in found.same


def test_only_finished_runs_of_a_known_mode_are_called_repeats(tmp_path: Path) -> None:
    assert compared(tmp_path / "a", run(1), run(2)).same == "In nothing that was captured: these runs are repeats."
    assert compared(tmp_path / "b", run(1), run(2, mode="50W")).same == ""
    logs = compared(tmp_path / "c", *(imported(number, mode=None) for number in (1, 2)))
    assert logs.same.startswith("Nothing that was captured differs, but the power mode of A, B is not known;")
    assert "repeats" not in " ".join((logs.same, *logs.not_ranked))
    named = compared(tmp_path / "d", imported(1), imported(2))
    assert named.same.endswith("but what the log does not tell is not known of A, B.")
    stopped = compared(tmp_path / "e", run(1), run(2, state="stopped", status="invalid"))
    assert stopped.same.endswith("but B did not reach the end.")
    assert stopped.not_ranked == (
        "The 2 runs agree in all that is known of them, but B did not reach the end.",
        "B: MAXN is INVALID.",
    )


def test_whoever_is_left_out_of_a_ranking_is_named_with_the_reason(tmp_path: Path) -> None:
    """The best of all ran with another kernel."""
    kernel = environment(kernel="6.8")
    found = compared(
        tmp_path,
        *(run(number, fps=20.0 + number / 100, power_w=20.0) for number in (1, 2, 3)),
        *(run(number, mode="50W", fps=15.0 + number / 100, power_w=12.0) for number in (4, 5, 6)),
        run(7, mode="15W", fps=20.0, power_w=10.0, env=kernel),
        run(8, fps=25.0, power_w=20.0, status="invalid"),
    )
    assert "to every other mode ranked here leaves out 0" in found.ranking[0]
    assert found.not_ranked == ("G: 15W differs in Kernel.", "H: MAXN is INVALID.")
    alone = compared(
        tmp_path / "alone", run(1), run(2, mode="50W"), imported(3, mode=None), run(4, mode="15W", fps=None)
    )
    assert alone.not_ranked == ("C: its power mode is not known.", "D: 15W has no images per joule.")


def test_the_older_of_two_logs_of_one_mode_is_named(tmp_path: Path) -> None:
    found = compared(tmp_path, imported(1), imported(2), imported(3, mode="50W"))
    assert len(found.ranking) == 1
    assert found.not_ranked == ("A: of several such logs only the newest counts.",)


def test_what_they_came_to_is_beside_and_conditions_are_not_in_it(tmp_path: Path) -> None:
    found = compared(
        tmp_path, run(1, latency_ms_p50=41.0), run(2, env=environment(ambient_c=31.0), latency_ms_p50=62.5)
    )
    assert found.results["Latency, median"] == ("41.0 ms", "62.5 ms")
    assert found.differing == {"Ambient, as typed in": ("22.5 °C", "31 °C")}
    assert "Ambient, as typed in" not in found.results


def test_a_run_whose_results_do_not_agree_is_not_held_against_others(tmp_path: Path) -> None:
    found = compared(tmp_path, run(1, fps=20.0), batched(2, fps=90.0, agreement=0.5, status="invalid"))
    assert {one.difference_pct for one in found.runs[1].differences.values()} == {None}
    assert any("something else was computed" in note for note in found.runs[1].notes)
    assert found.results["Against Reference"] == ("", "DISAGREES: class agrees on 8 of 16")


def test_methods_are_not_held_against_each_other_where_nobody_knows_whether_they_agree(tmp_path: Path) -> None:
    unknown = batched(2, fps=90.0, agreement=None, status="invalid")
    found = compared(tmp_path, run(1, fps=20.0), unknown, batched(3, fps=80.0))
    assert {one.difference_pct for one in found.runs[1].differences.values()} == {None}
    assert any("agree with the reference was not recorded" in note for note in found.runs[1].notes)
    assert found.runs[2].differences[FPS].difference_pct == pytest.approx(300.0)
    # Nothing is gained by a method between two runs of it.
    found = compared(tmp_path / "alike", unknown, batched(4, mode="50W", fps=45.0, agreement=None, status="invalid"))
    assert found.runs[1].differences[FPS].difference_pct == pytest.approx(-50.0)


@pytest.mark.parametrize("changes", [{"method": "graph"}, {"precision": "fp16"}, {"batch_size": 64}])
def test_runs_of_another_way_are_held_against_each_other_and_never_ranked(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    found = compared(tmp_path, batched(1, fps=80.0), batched(2, mode="50W", fps=90.0, **changes))
    assert found.ranking == ()
    assert not found.runs[1].differences[FPS].comparable
    assert found.runs[1].differences[FPS].difference_pct == pytest.approx(12.5)
