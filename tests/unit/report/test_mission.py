from __future__ import annotations

import dataclasses

import pytest

from orin_core.analysis.verdict import Status
from orin_core.errors import BadRequest
from orin_core.report.figures import typed
from orin_core.report.mission import Candidate, candidates, groups, options, pareto
from orin_core.report.mission_rows import of_published
from orin_core.report.published import published_rows
from orin_core.report.table import UNNAMED, build
from tests.unit.report.built import batched, imported, reasoned, run


def row(mode: str, fps: float | None, power_w: float | None, **fields: object) -> Candidate:
    energy_j = power_w / fps if fps and power_w else None
    made = Candidate(
        label=mode, power_mode=mode, fps=fps, power_w=power_w, energy_per_item_j=energy_j, status=Status.VALID
    )
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


MAXN, W50, W30, W15 = row("MAXN", 20, 40), row("50W", 16, 24), row("30W", 10, 16), row("15W", 4, 10)
MODES = (MAXN, W50, W30, W15)


def test_cheapest_mode_under_the_cap_and_above_the_floor() -> None:
    free = options(MODES)
    assert [option.candidate.label for option in free.options] == ["50W", "30W", "MAXN", "15W"]
    assert free.dropped == ()
    capped = options(MODES, power_cap_w=20, fps_floor=5)
    assert capped.best is not None
    assert capped.best.candidate is W30
    reasons = {dropped.candidate.label: dropped.sentence for dropped in capped.dropped}
    assert reasons == {
        "MAXN": "MAXN: 40.00 W is over the cap of 20 W.",
        "50W": "50W: 24.00 W is over the cap of 20 W.",
        "15W": "15W: 4.00 FPS is under the floor of 5.",
    }
    assert capped.sentence.startswith(
        "Least energy per image with at most 20 W and at least 5 FPS: 30W, 1.6 J, 10.00 FPS"
    )
    assert free.sentence.startswith("Least energy per image: 50W, 1.5 J")


def test_cap_and_floor_themselves_are_allowed() -> None:
    answer = options([W30], power_cap_w=16, fps_floor=10)
    assert answer.best is not None


def test_a_row_may_miss_both_limits_and_none_may_be_left() -> None:
    answer = options([row("50W", 3, 30)], power_cap_w=20, fps_floor=5)
    assert answer.best is None
    assert len(answer.dropped[0].reasons) == 2
    assert answer.sentence.startswith("No row meets at most 20 W and at least 5 FPS")


def test_images_per_watt_hour_and_per_orbit() -> None:
    [option] = options([W50], orbit_energy_wh=10).options  # 1.5 J per image
    assert option.items_per_wh == pytest.approx(2400)
    assert (option.items_per_orbit, option.energy_per_orbit_wh, option.limited_by) == (24_000, 10.0, "energy")
    [option] = options([W50], orbit_energy_wh=10, orbit_active_s=600).options
    assert (option.items_per_orbit, option.limited_by) == (9600, "time")
    assert option.energy_per_orbit_wh == pytest.approx(4.0)
    [option] = options([W50], orbit_energy_wh=10, orbit_active_s=1e6).options
    assert (option.items_per_orbit, option.limited_by) == (24_000, "energy")
    [option] = options([W50]).options
    assert (option.items_per_orbit, option.limited_by) == (None, None)
    [option] = options([W50], orbit_energy_wh=10, orbit_active_s=0).options
    assert (option.items_per_orbit, option.limited_by) == (0, "time")


def test_pareto_fronts() -> None:
    slow_and_hungry = row("40W", 9, 25)
    assert pareto([*MODES, slow_and_hungry]) == (W15, W30, W50, MAXN)
    assert pareto([*MODES, slow_and_hungry], cost="energy_per_item_j") == (W50, MAXN)
    equal = row("50W again", 16, 24)
    assert set(pareto([W50, equal])) == {W50, equal}, "neither beats the other"
    assert pareto([row("no power", 5, None)]) == ()
    assert pareto([]) == ()
    answer = options([*MODES, slow_and_hungry], power_cap_w=1)
    assert answer.front_power == (W15, W30, W50, MAXN), "the fronts show what there is, whatever is asked"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"simulated": True}, "simulated board"),
        ({"status": Status.SIMULATED}, "simulated board"),
        ({"status": Status.DEMO}, "demos"),
        ({"status": Status.INVALID}, "INVALID"),
        ({"status": Status.IMPLAUSIBLE}, "IMPLAUSIBLE"),
        ({"status": Status.REPLAY}, "replayed"),
        ({"known_error": "mixed with idle rows", "published": True}, "mixed with idle rows"),
        ({"spoiled": "The log has gaps."}, "tell nothing: The log has gaps."),
        ({"unnamed": True}, "nobody said which model ran"),
        ({"energy_per_item_j": 1e-300}, "cannot be true: energy per image"),
        ({"fps": float("inf")}, "cannot be true: FPS"),
        ({"power_w": None}, "not known: power"),
        ({"fps": None, "energy_per_item_j": None}, "not known: FPS, energy per image"),
    ],
)
def test_what_is_not_offered_says_why(fields: dict[str, object], reason: str) -> None:
    other = dataclasses.replace(MAXN, **fields)  # type: ignore[arg-type]
    answer = options([other, W30])
    assert [option.candidate for option in answer.options] == [W30]
    assert answer.offered == (W30,)
    assert reason in answer.dropped[0].sentence
    alone = options([other])
    assert alone.best is None
    assert "No row can be offered" in alone.sentence


def test_simulated_rows_are_named_in_the_answer() -> None:
    answer = options([dataclasses.replace(W15, simulated=True, status=Status.DEMO), W30])
    assert any("Simulated rows are not offered" in note for note in answer.notes)
    assert "simulated" in answer.dropped[0].sentence
    assert options([W30]).notes == ()


def test_imported_and_published_rows_are_offered_but_marked() -> None:
    imported = row("50W", 16, 24, status=Status.IMPORTED)
    published = row("30W", 10, 16, status=None, published=True)
    answer = options([imported, published])
    assert [option.candidate.marks for option in answer.options] == [
        ("imported, not verified",),
        ("not measured here",),
    ]
    assert "imported, not verified" in answer.sentence
    assert len(answer.notes) == 2


def test_random_weights_are_weighed_among_themselves_only() -> None:
    fast = row("MAXN, random", 50, 10, random_weights=True)
    slow = row("15W, random", 5, 5, random_weights=True)
    answer = options([fast, W50, slow])
    assert [option.candidate for option in answer.options] == [W50]
    assert "among themselves only" in answer.dropped[0].sentence
    assert groups([fast, W50, slow]) == ((W50,), (fast, slow))
    among = options([fast, slow])
    assert among.best is not None
    assert among.best.candidate is fast
    assert "random weights" in among.sentence
    preloaded = row("50W, preloaded", 60, 24, scope="preloaded")
    assert "scope preloaded" in options([preloaded, W50]).dropped[0].sentence


def test_two_that_a_repeat_may_swap_are_named() -> None:
    answer = options([W50, row("40W", 16, 24.2)])
    assert any("less than 1.3 %" in note for note in answer.notes)


def test_published_depth_rows_without_the_wrong_one() -> None:
    rows = [of_published(one) for one in published_rows() if one.model.startswith("depth-anything/")]
    answer = options(rows)
    assert [option.candidate.label for option in answer.options] == [
        "50W, published",
        "30W, published",
        "15W, published",
    ]
    assert answer.best is not None
    assert answer.best.items_per_wh == pytest.approx(3600 / 7.48, rel=0.001)
    [wrong] = answer.dropped
    assert wrong.candidate.power_mode == "MAXN"
    assert "known to be wrong" in wrong.sentence


def test_candidates_of_a_results_table() -> None:
    summary = {
        "run_id": "20260102T030405Z_resnet-152_cifar100_50W_0a1b",
        "state": "done",
        "model": "resnet-152",
        "dataset": "cifar100",
        "power_mode": "MODE_50W",
        "source": "simulated",
        "simulated": True,
        "weights": "random",
        "images": "cached",
        "scope": "full",
        "items": 1000,
        "fps_end_to_end": 10.0,
        "power_w_mean": 20.0,
        "energy_per_item_j": 2.0,
    }
    [table] = build([summary], models=["resnet-152"])
    ours, *published = candidates(table)
    assert (ours.power_mode, ours.fps, ours.simulated, ours.random_weights) == ("50W", 10.0, True, True)
    assert [one.label for one in published] == [f"{mode}, published" for mode in ("MAXN", "50W", "30W", "15W")]
    answer = options([ours, *published], power_cap_w=13)
    assert answer.best is not None
    assert answer.best.candidate.label == "30W, published"


@pytest.mark.parametrize("name", ["power_cap_w", "fps_floor", "orbit_energy_wh", "orbit_active_s"])
@pytest.mark.parametrize("value", [-1.0, 1e308, float("inf"), float("nan")])
def test_absurd_limits_are_refused(name: str, value: float) -> None:
    with pytest.raises(BadRequest):
        options(MODES, **{name: value})


def test_active_time_alone_gives_images_per_orbit() -> None:
    [option] = options([W50], orbit_active_s=600).options
    assert (option.items_per_orbit, option.limited_by) == (9600, "time")
    assert option.energy_per_orbit_wh == pytest.approx(9600 * 1.5 / 3600)


def test_logs_that_tell_nothing_are_not_offered_and_others_carry_their_reasons() -> None:
    gaps = reasoned("imported", ("gaps", "Only 80 % of the ticks arrived. The log has gaps."))
    short = reasoned("imported", ("too-short", "Only 25 of 60 s were measured. A longer stretch is needed."))
    [table] = build(
        [imported(1, fps=90.0, verdict=gaps), imported(2, mode="50W", fps=50.0, power_w=12.0, verdict=short)],
        models=["resnet-152"],
    )
    answer = options(candidates(table))
    assert answer.best is not None
    assert answer.best.candidate.power_mode == "50W"
    assert answer.best.candidate.marks == ("imported, not verified", "Only 25 of 60 s were measured")
    assert "Only 80 % of the ticks arrived" in answer.dropped[0].sentence


def test_logs_of_an_unnamed_model_are_never_offered() -> None:
    [table] = build([imported(1, model=None), imported(2, model=None, mode="50W")], models=[UNNAMED])
    answer = options(candidates(table))
    assert answer.offered == ()
    assert len(answer.dropped) == 2


def test_a_formal_row_says_how_many_repeats_it_has() -> None:
    [table] = build([run(1, profile="formal"), run(2, profile="formal")], models=["resnet-152"])
    assert candidates(table)[0].marks == ("reference fp32 batch 1", "2 of 5 repeats")


def test_rows_of_another_way_are_weighed_among_themselves_and_the_published_with_the_reference() -> None:
    [table] = build([run(1), batched(2), batched(3, mode="50W", precision="fp16")], models=["resnet-152"])
    kinds = groups(candidates(table))
    assert [kind[0].group_text for kind in kinds] == [
        "reference fp32 batch 1",
        "batched fp16 batch 32",
        "batched fp32 batch 32",
    ]
    assert [one.published for one in kinds[0]] == [False, True, True, True, True]
    answer = options(candidates(table))
    assert {one.way for one in answer.offered} == {"reference fp32 batch 1"}
    assert any("batched fp16 batch 32: such rows are weighed" in dropped.sentence for dropped in answer.dropped)


def test_rows_of_another_data_set_are_weighed_among_themselves_and_come_after_the_published_one() -> None:
    photos = [batched(number, mode=mode, dataset="/data/photos") for number, mode in enumerate(("MAXN", "50W"))]
    log = imported(8, dataset=None)
    [table] = build([batched(9, mode="15W"), *photos, log], models=["resnet-152"])
    kinds = {kind[0].group_text: [row.power_mode for row in kind] for kind in groups(candidates(table))}
    assert list(kinds) == [
        "batched fp32 batch 32",
        "reference fp32 batch 1",
        "data set not known",
        "data set /data/photos, batched fp32 batch 32",
    ]
    assert kinds["batched fp32 batch 32"] == ["15W"]


def test_rows_of_a_camera_are_weighed_among_themselves_and_come_after_the_others() -> None:
    of_camera = [batched(number, mode=mode, images="camera") for number, mode in enumerate(("MAXN", "50W", "30W"))]
    [table] = build([batched(9, mode="15W"), *of_camera], models=["resnet-152"])
    kinds = groups(candidates(table))
    assert [kind[0].group_text for kind in kinds] == [
        "batched fp32 batch 32",
        "reference fp32 batch 1",
        "camera images, batched fp32 batch 32",
    ]
    assert [row.power_mode for row in kinds[-1]] == ["MAXN", "50W", "30W"]


def test_rows_of_ours_come_before_a_kind_that_was_only_published() -> None:
    [table] = build([batched(1)], models=["resnet-152"])
    assert [kind[0].group_text for kind in groups(candidates(table))] == [
        "batched fp32 batch 32",
        "reference fp32 batch 1",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(20.0, "20"), (1000.0, "1000"), (0.001, "0.001"), (1e-7, "0.0000001"), (12.3456789, "12.3456789"),
     (0.0, "0"), (1e-30, "1e-30")],
)  # fmt: skip
def test_numbers_are_told_as_typed(value: float, text: str) -> None:
    assert typed(value) == text
