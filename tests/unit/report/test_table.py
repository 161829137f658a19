"""Which runs share a row, which of them count, and what stands beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orin_core.analysis.intervals import mean_interval
from orin_core.analysis.verdict import Status
from orin_core.report import markdown, table
from orin_core.report.figures import COLUMN_BY_FIELD
from orin_core.report.mission import candidates, options
from orin_core.report.rows import ModelTable, Row
from orin_core.runs.recording import list_runs
from tests.unit.report.built import environment, imported, report_runs, run, text_run
from tests.unit.report.folders import write_run

DEPTH = "depth-anything-v2-base"


def build(*runs: dict[str, Any], model: str = "resnet-152") -> ModelTable:
    (found,) = table.build(runs, models=[model])
    return found


def row(found: ModelTable, test: str) -> Row:
    (one,) = [one for one in found.rows if one.test == test]
    return one


def test_one_row_per_mode_in_the_order_of_the_board() -> None:
    modes = ["15W", "MAXN", "40W", "30W", "50W", "25W"]
    found = build(*(run(number, mode=mode) for number, mode in enumerate(modes)))
    assert [one.test for one in found.rows] == ["MAXN", "50W", "30W", "15W", "25W", "40W"]


def test_the_figures_are_those_of_the_summary() -> None:
    one = row(build(run(1, fps=20.0, power_w=14.0)), "MAXN")
    assert (one.average_fps, one.average_gpu_pct, one.average_ram_mb) == (20.0, 59.07, 7905.32)
    assert (one.total_inference_time_s, one.power_draw_w, one.items) == (500.0, 14.0, 10_000)
    assert one.energy_per_item_j == pytest.approx(0.7)
    assert one.items_per_joule == pytest.approx(1 / 0.7)
    assert (one.status, one.validity, one.n_runs, one.intervals) == (Status.VALID, "VALID", 1, {})


def test_repeats_become_their_mean_with_an_interval_from_repeats() -> None:
    speeds = (20.9, 21.0, 21.3)
    found = build(*(run(number, fps=fps, intervals_95={"fps_end_to_end": [1, 2]}) for number, fps in enumerate(speeds)))
    one = row(found, "MAXN")
    assert one.average_fps == pytest.approx(sum(speeds) / 3)
    assert one.intervals["average_fps"] == pytest.approx(mean_interval(speeds))
    assert (one.n_runs, one.interval_basis) == (3, "repeats")
    assert one.run_ids[0].endswith("0002")


def test_one_run_has_the_interval_of_its_own_blocks() -> None:
    blocks = {"fps_end_to_end": [20.9, 21.1], "energy_per_item_j": [0.5, 0.8]}
    one = row(build(run(1, intervals_95=blocks)), "MAXN")
    assert one.interval_basis == "blocks"
    assert one.intervals["average_fps"] == (20.9, 21.1)
    assert one.intervals["items_per_joule"] == pytest.approx((1 / 0.8, 1 / 0.5))
    assert "power_draw_w" not in one.intervals


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 8}, "batch 8"),
        ({"precision": "fp16"}, "fp16"),
        ({"method": "pipeline"}, "pipeline"),
        ({"scope": "preloaded"}, "scope preloaded"),
        ({"device": "Other"}, "on Other"),
        ({"weights": "random"}, "random weights"),
        ({"images": "synthetic"}, "synthetic images"),
        ({"dataset": "mine"}, "mine"),
        ({"ram_total_mb": 30_698}, "32 GB module"),
        ({"in_flight": 2}, "2 in flight"),
        ({"env": environment(jetson_clocks="on")}, "jetson_clocks on"),
        ({"env": environment(fan={"pwm_pct": 100.0, "rpm": 4000})}, "fan at full speed"),
        ({"env": environment(kernel="6.8.12-tegra")}, "kernel 6.8.12-tegra"),
        ({"env": environment(l4t="# R35 (release), REVISION: 4.1, x")}, "L4T 35.4.1"),
        ({"env": environment(model_spec={"revision": "ffffffffffff"})}, "revision fffffff"),
        ({"env": environment(worker={**environment()["worker"], "cuda": "11.4"})}, "CUDA 11.4"),
        ({"env": environment(version="0.2.0")}, "program 0.2.0"),
        ({"env": environment(page_open=True)}, "page open"),
        ({"env": environment(browser_on_board=False)}, "browser on the board: no"),
        ({"profile": "formal"}, "formal"),
    ],
)
def test_runs_that_differ_never_share_a_row_and_the_row_says_in_what(changes: dict[str, Any], named: str) -> None:
    found = build(run(1, fps=21.0), run(2, fps=42.0, **changes))
    mine = [one for one in found.rows if one.run_ids and one.power_mode == "MAXN"]
    assert {one.average_fps for one in mine} == {21.0, 42.0}
    assert [one.test for one in mine if one.average_fps == 42.0] == [f"MAXN · {named}"]


def test_whether_tf32_was_allowed_tells_runs_without_a_method_apart() -> None:
    old: dict[str, Any] = {"method": None, "batch_size_asked": None}
    found = build(run(1, **old, tf32_allowed=True), run(2, **old, tf32_allowed=False))
    assert sorted(one.test for one in found.rows if one.run_ids) == ["MAXN · fp32", "MAXN · fp32 (TF32 allowed)"]
    both = build(run(1, tf32_allowed=True), run(2, tf32_allowed=False))
    assert [one.n_runs for one in both.rows if one.run_ids] == [2], "where there is a method, fp32 never uses it"


def test_a_run_from_before_a_setting_was_recorded_is_not_mixed_with_later_ones() -> None:
    found = build(run(1, fps=21.0), run(2, fps=42.0, ram_total_mb=None))
    assert {one.test for one in found.rows if one.power_mode == "MAXN"} == {
        "MAXN · 64 GB module",
        "MAXN · Module RAM not known",
    }


def test_only_valid_runs_count_where_there_are_any() -> None:
    one = row(build(run(1, fps=21.0), run(2, fps=30.0, status="invalid"), run(3, fps=40.0, status="demo")), "MAXN")
    assert (one.average_fps, one.status, one.n_runs, one.left_out) == (21.0, Status.VALID, 1, 2)


def test_without_a_valid_run_the_newest_of_the_best_status_counts() -> None:
    found = build(run(1, fps=20.0, status="demo"), run(2, fps=21.0, status="demo"), run(3, fps=30.0, status="invalid"))
    one = row(found, "MAXN")
    assert (one.average_fps, one.validity, one.n_runs, one.intervals) == (21.0, "DEMO", 1, {})
    assert "DEMO" in one.labels


def test_refused_figures_are_not_shown_and_the_reason_is() -> None:
    found = build(run(1, fps=900.0, status="implausible", reasons=("Above what the GPU can compute.",)))
    one = row(found, "MAXN")
    assert [one.figure(field) for field in COLUMN_BY_FIELD] == [None] * len(COLUMN_BY_FIELD)
    assert (one.items, one.validity, one.differences) == (None, "IMPLAUSIBLE", {})
    assert any("Above what the GPU can compute." in note for note in found.notes)
    assert found.rankings == ()


def test_a_run_without_any_figure_has_no_row_and_is_counted() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("gr3d_pct_mean", "ram_used_mb_mean", "power_w_mean", "energy_per_item_j", "items_per_joule")
    )
    failed = run(1, fps=None, items=None, status="invalid", **nothing)
    found = build(failed)
    assert not found.has_runs
    assert any(note.startswith("1 run without any figure") for note in found.notes)


def test_the_published_row_stands_beside_with_signed_differences() -> None:
    one = row(build(run(1, fps=21.015 * 1.1, items=10_000, power_w=14.78)), "MAXN")
    assert one.published is not None
    assert one.published.average_fps == 21.015
    assert one.differences["average_fps"] == pytest.approx(10.0)
    assert one.differences["power_draw_w"] == pytest.approx(0.0)
    assert one.differences["energy_per_item_j"] == pytest.approx(-8.93, abs=0.01)


def test_a_time_over_another_number_of_images_is_not_compared() -> None:
    one = row(build(run(1, items=1000)), "MAXN")
    assert "average_fps" in one.differences
    assert "total_inference_time_s" not in one.differences


@pytest.mark.parametrize("changes", [{"scope": "preloaded"}, {"dataset": "mine"}, {"scope": None}, {"dataset": None}])
def test_other_work_is_never_beside_a_published_row(changes: dict[str, Any]) -> None:
    found = build(run(1, **changes))
    assert [one.published for one in found.rows if one.run_ids] == [None]
    assert [one.test for one in found.rows if one.published] == ["MAXN", "50W", "30W", "15W"]


@pytest.mark.parametrize("changes", [{"batch_size": 8}, {"simulated": True, "status": "simulated"}])
def test_what_cannot_be_compared_has_no_difference_and_says_why(changes: dict[str, Any]) -> None:
    (one,) = [one for one in build(run(1, **changes)).rows if one.run_ids]
    assert one.published is not None
    assert one.differences == {}
    assert one.not_compared


def test_an_imported_log_that_names_no_scope_is_set_beside_the_published_row() -> None:
    one = row(build(imported(1, model=DEPTH, items=1000, fps=5.25, power_w=46.4), model=DEPTH), "MAXN · imported")
    assert one.labels == ("imported, not verified",)
    assert one.published is not None
    assert one.published.known_error is not None
    # Power, GPU load and RAM of that published row are wrong, and so is energy: nothing is held against them.
    assert set(one.differences) == {"average_fps", "total_inference_time_s"}


def test_modes_that_nobody_ran_keep_their_published_row_and_no_figure() -> None:
    found = build(run(1, mode="30W"))
    assert [one.test for one in found.rows] == ["MAXN", "50W", "30W", "15W"]
    assert [bool(one.run_ids) for one in found.rows] == [False, False, True, False]
    assert found.rows[0].average_fps is None
    assert found.rows[0].validity == ""


def test_without_runs_the_published_rows_answer_both_questions_of_a_newcomer() -> None:
    resnet, depth, phi = table.build([])
    assert (phi.is_text, next(row.published.tokens_per_s for row in phi.rows if row.published)) == (True, 3.66)
    assert depth.published_best is not None
    assert depth.published_best.power_mode == "50W"
    assert "MAXN is left out" in depth.published_best.sentence
    assert resnet.published_diagnosis is not None
    assert resnet.published_diagnosis.kind.value == "host-bound"
    for figure in ("1497", "1728"):
        assert figure in resnet.published_diagnosis.sentence


def test_the_caption_names_both_boards_and_that_they_differ() -> None:
    found = build(run(1))
    for part in ("AGX Orin Developer Kit", "64 GB module", "62841 MB", "L4T 36.4.0", "32 GB module", "modules differ"):
        assert part in found.caption
    same = build(run(1, ram_total_mb=30_698))
    assert "differ" not in same.caption
    assert "not recorded" in build(run(1, ram_total_mb=None)).caption


def test_a_formal_result_counts_formal_runs_and_names_the_repeats_it_lacks() -> None:
    found = build(run(1, profile="formal"), run(2, profile="formal"), run(3), run(4), run(5), run(6))
    formal = row(found, "MAXN · formal")
    assert (formal.n_runs, formal.labels) == (2, ("2 of 5 repeats",))
    assert any("5 repeats; there are 2" in note for note in found.notes)
    assert (row(found, "MAXN · standard").n_runs, row(found, "MAXN · standard").labels) == (4, ())
    whole = row(build(*(run(number, profile="formal") for number in range(5))), "MAXN")
    assert (whole.labels, whole.reasons) == (("5 of 5 repeats",), ())


@pytest.mark.parametrize(("items", "shown"), [((10_000, 1470, 10_000), False), ((10_000, 9950, 10_020), True)])
def test_repeats_over_other_numbers_of_images_have_no_mean_time(items: tuple[int, ...], shown: bool) -> None:
    found = build(*(run(number, items=many) for number, many in enumerate(items)))
    one = row(found, "MAXN")
    assert (one.total_inference_time_s is not None, one.items is not None) == (shown, shown)
    assert ("total_inference_time_s" in one.intervals) is shown
    assert any("different numbers of images" in note for note in found.notes) is not shown
    assert "total_inference_time_s" not in one.differences
    assert one.average_fps == pytest.approx(21.0)


@pytest.mark.parametrize(
    ("board", "compared"),
    [
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", False),
        ("NVIDIA Jetson AGX Orin Developer Kit", True),
        ("NVIDIA Jetson AGX Xavier", False),
        (None, True),
    ],
)
def test_only_an_agx_orin_is_held_against_the_published_rows(board: str | None, compared: bool) -> None:
    one = row(build(run(1, env=environment(board=board))), "MAXN")
    assert bool(one.differences) is compared
    assert bool(one.not_compared) is not compared


def test_a_figure_that_fewer_runs_have_says_so() -> None:
    one = row(build(run(1), run(2, power_w_mean=None), run(3)), "MAXN")
    assert {field for field, column in COLUMN_BY_FIELD.items() if one.behind(column)} == {"power_draw_w"}
    assert one.behind(COLUMN_BY_FIELD["power_draw_w"]) == "2 of 3"


def test_commits_of_one_version_share_a_row_and_are_named() -> None:
    envs = [environment(git_commit=letter * 40) for letter in "aab"]
    found = build(run(1, env=envs[0]), run(2, env=envs[1]), run(3, mode="50W", env=envs[2]))
    assert row(found, "MAXN").n_runs == 2
    assert any("several commits" in note and "MAXN: aaaaaaaaaaaa; 50W: bbbbbbbbbbbb" in note for note in found.notes)
    same = build(run(1, env=envs[0]), run(2, env=envs[1]))
    assert not any("commits" in note for note in same.notes)


def test_rows_without_valid_modes_have_no_diagnosis_across_them_and_three_have() -> None:
    speeds = {"MAXN": 21.015, "50W": 15.27, "30W": 16.91}
    runs = [run(number, mode=mode, fps=fps) for number, (mode, fps) in enumerate(speeds.items())]
    found = build(*runs)
    assert found.diagnosis is not None
    assert (found.diagnosis.kind.value, found.diagnosis.certainty and found.diagnosis.certainty.value) == (
        "host-bound",
        "yes",
    )
    assert build(*runs[:2]).diagnosis is None
    simulated = [{**one, "simulated": True, "source": "simulated"} for one in runs]
    assert build(*simulated).diagnosis is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"precision": "fp16", "method": "batched"}, False), ({"method": None, "tf32_allowed": True}, True)],
)
def test_half_precision_is_advised_across_modes_where_no_row_has_it(changes: dict[str, Any], said: bool) -> None:
    modes = (("MAXN", 30.0), ("50W", 21.0), ("30W", 9.0))
    found = build(*(run(n, mode=mode, fps=fps, gr3d_pct_mean=95.0, **changes) for n, (mode, fps) in enumerate(modes)))
    assert found.diagnosis is not None
    assert ("Use FP16, a mode" in " ".join(found.diagnosis.advice)) is said


def test_an_old_summary_is_judged_anew_and_shown() -> None:
    old = {
        key: run(1)[key]
        for key in (
            "run_id",
            "model",
            "dataset",
            "power_mode",
            "source",
            "simulated",
            "scope",
            "fps_end_to_end",
            "items",
        )
    }
    (one,) = [one for one in build(old).rows if one.run_ids]
    assert one.average_fps == 21.0
    assert one.validity == "INVALID"
    assert one.reasons


def test_models_are_told_apart_and_chosen_by_any_of_their_names() -> None:
    runs = report_runs()
    labels = [one.label for one in table.build(runs)]
    assert labels == [
        "ResNet-152",
        "Depth Anything V2 Base",
        "Phi-3.5-mini-instruct",
        "<img src=x onerror=alert(1)>|*mine*",
        "Model not named",
    ]
    assert [one.model for one in table.build(runs, models=["microsoft/resnet-152"])] == ["resnet-152"]
    assert [one.model for one in table.build(runs, models=["Depth-Anything"])] == [DEPTH]


def test_two_models_of_one_folder_name_get_file_names_of_their_own() -> None:
    found = table.build([run(1, model="/a/mine"), run(2, model="/b/mine")])
    slugs = [one.slug for one in found]
    assert len(set(slugs)) == len(slugs)


def test_run_folders_and_summaries_give_the_same_table(tmp_path: Path) -> None:
    runs = report_runs()
    for one in runs:
        write_run(tmp_path, one, rows=8)
    assert table.build(list_runs(tmp_path)) == table.build(runs)


# -- runs that did not reach their end -------------------------------------------------------------


def broken(number: int, state: str, **changes: Any) -> dict[str, Any]:
    return run(number, **{"state": state, "status": "invalid", "in_flight": None, "fps": 9.0, **changes})


@pytest.mark.parametrize("state", ["failed", "stopped", "interrupted"])
def test_a_run_that_did_not_reach_its_end_splits_no_row_and_is_a_note(state: str) -> None:
    [found] = table.build([run(1, fps=21.0), broken(2, state), run(3, mode="50W")], models=["resnet-152"])
    ours = [row for row in found.rows if row.run_ids]
    assert [(row.test, row.average_fps, row.left_out) for row in ours] == [("MAXN", 21.0, 0), ("50W", 21.0, 0)]
    [note] = [note for note in found.notes if "_0002 " in note]
    assert note.startswith("MAXN: ")
    assert note.endswith(("failed and is not used.", f"was {state} and is not used."))


@pytest.mark.parametrize("status", ["invalid", "simulated", "demo"])
def test_a_finished_run_stands_for_its_row_whatever_a_later_broken_one_is(status: str) -> None:
    simulated: dict[str, Any] = {"simulated": True} if status == "simulated" else {}
    runs = [run(1, status=status, **simulated), broken(2, "stopped", status=status, **simulated)]
    [found] = table.build(runs, models=["resnet-152"])
    assert [row.average_fps for row in found.rows if row.run_ids] == [21.0]


def test_a_broken_run_of_other_settings_keeps_a_row_of_its_own() -> None:
    [found] = table.build([run(1), broken(2, "failed", batch_size=8)], models=["resnet-152"])
    assert {row.test: row.average_fps for row in found.rows if row.run_ids} == {
        "MAXN · batch 1": 21.0,
        "MAXN · batch 8": 9.0,
    }


def test_broken_runs_alone_share_a_row_that_names_nothing_they_never_told() -> None:
    runs = [broken(1, "failed"), broken(2, "stopped", in_flight=1, fps=8.0), run(3, mode="50W", in_flight=2)]
    [found] = table.build(runs, models=["resnet-152"])
    assert [(row.test, row.n_runs, row.left_out) for row in found.rows if row.power_mode == "MAXN"] == [
        ("MAXN · 1 in flight", 1, 1)
    ]
    [alone] = table.build([broken(1, "failed"), run(3, mode="50W")], models=["resnet-152"])
    assert [row.test for row in alone.rows if row.run_ids] == ["MAXN", "50W"]


def test_many_broken_runs_are_counted() -> None:
    [found] = table.build([run(1), *(broken(number, "failed") for number in range(2, 8))], models=["resnet-152"])
    assert sum("failed and is not used" in note for note in found.notes) == 3
    assert "MAXN: 3 more did not reach their end and are not used." in found.notes


# -- text generation -------------------------------------------------------------------------------


def test_a_run_without_fps_is_a_row_like_others() -> None:
    [found] = table.build([text_run(1), text_run(2, tokens_per_s=13.0)], models=["microsoft/Phi-3.5-mini-instruct"])
    (one,) = [row for row in found.rows if row.run_ids]
    assert one.average_fps is None
    assert one.tokens_per_s == pytest.approx(12.9)
    assert one.ttft_ms_p50 == pytest.approx(95.4)
    assert one.cell(COLUMN_BY_FIELD["average_fps"]) == ""
    assert "tokens_per_s" in one.intervals
    document = markdown.render([found], generated="")
    assert "|Energy per Prompt (J)|Prompts per Joule|Tokens per Second|Time to First Token (ms)|" in document
    assert "|Prompts|Runs|" in document
    assert [row.published.tokens_per_s for row in found.rows if row.published] == [3.66, 3.6, 3.83, 2.6]
    image = markdown.render(table.build([run(1)], models=["resnet-152"]), generated="")
    assert "Tokens" not in image


def test_text_is_never_offered_to_a_mission_that_counts_images() -> None:
    [found] = table.build([text_run(1)], models=["microsoft/Phi-3.5-mini-instruct"])
    answer = options(candidates(found))
    assert answer.best is None
    assert all("not known: FPS" in dropped.sentence for dropped in answer.dropped)


# -- cuts and published rows -----------------------------------------------------------------------


def test_a_cut_that_was_moved_by_hand_is_named() -> None:
    event = {
        "cut": "by hand", "proposed_start_s": 31.0, "proposed_end_s": 216.04, "start_s": 31.0, "end_s": 210.0,
    }  # fmt: skip
    runs = [
        imported(1, imported=event),
        imported(2, mode="50W", imported={**event, "cut": "by rule"}),
        imported(3, mode="30W", imported={**event, "proposed_start_s": None}),
    ]
    [found] = table.build(runs, models=["resnet-152"])
    notes = [note for note in found.notes if "by hand" in note]
    assert len(notes) == 2
    assert notes[0].endswith("was moved by hand: 31 to 216 s proposed, 31 to 210 s kept.")
    assert notes[1].endswith("was made by hand: none proposed, 31 to 210 s kept.")
    labels = {row.power_mode: "cut by hand" in row.labels for row in found.rows if row.run_ids}
    assert labels == {"MAXN": True, "50W": False, "30W": True}


def test_a_published_row_is_repeated_only_where_there_is_a_difference_to_show() -> None:
    simulated: dict[str, Any] = {"simulated": True, "status": "simulated", "source": "simulated"}
    [found] = table.build([run(1), run(2, batch_size=8), run(3, **simulated), run(4, mode="50W", **simulated)])[:1]
    shown = {row.test: found.beside(row) is not None for row in found.rows}
    assert shown == {
        "MAXN · batch 1": True,
        "MAXN · batch 8": False,
        "MAXN · simulated board": False,
        "50W · simulated board": True,
        "30W": True,
        "15W": True,
    }
