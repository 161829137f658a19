"""What a row gains over the reference method, and that nothing compares two scopes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from dashboard import report_table
from orin_core.report import csv_table, html, markdown, table
from orin_core.report.compare import compare, ranked_groups
from orin_core.report.differences import differences
from orin_core.report.mission import candidates, groups, options
from orin_core.report.rows import ModelTable, Row
from orin_core.report.run_facts import run_facts
from orin_core.report.single import row_of_run
from orin_core.runs.recording import Recording
from orin_core.sweeps import batches, repeats
from tests.unit.report.built import batched, environment, report_runs, run
from tests.unit.report.folders import write_run
from tests.unit.report.test_table import build

SIMULATED: dict[str, Any] = {"simulated": True, "status": "simulated", "source": "simulated"}


def held(*runs: dict[str, Any]) -> Row:
    """The one row of another method than the reference."""
    (one,) = [row for row in build(*runs).rows if row.against is not None]
    return one


def test_a_speed_up_stands_over_the_reference_of_the_mode_with_the_agreement_beside_it() -> None:
    one = held(run(1, fps=20.0), batched(2, fps=90.0, precision="fp16"), run(3, mode="50W", fps=9.0))
    assert one.against is not None
    assert one.against.speed_up == pytest.approx(4.5)
    assert one.against_text() == "4.50 x reference fp32; class agrees on 16 of 16"
    (reference,) = [row for row in build(run(1)).rows if row.run_ids]
    assert (reference.against, reference.against_text()) == (None, "")


@pytest.mark.parametrize(
    ("precision", "over"), [("tf32", "tf32"), ("fp32", "fp32"), ("fp16", "fp32")], ids=["its own", "full", "full"]
)
def test_the_reference_is_of_the_same_precision_where_there_is_one(precision: str, over: str) -> None:
    one = held(run(1, fps=20.0), run(2, fps=30.0, precision="tf32"), batched(3, fps=90.0, precision=precision))
    assert one.against is not None
    assert one.against.precision == over
    assert one.against.speed_up == pytest.approx(3.0 if over == "tf32" else 4.5)


def test_without_a_reference_in_the_mode_the_agreement_stands_alone() -> None:
    one = held(run(1, mode="50W"), batched(2))
    assert one.against_text() == "class agrees on 16 of 16"
    found = build(run(1, mode="50W"), batched(2))
    assert not any("no speed-up" in note for note in found.notes), "there is nothing to say why"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"scope": "preloaded"}, "the two differ in Scope (preloaded against full)"),
        ({"dataset": "mine"}, "the two differ in Data set (mine against cifar100)"),
        (
            {"weights": "random", "env": environment(kernel="6.8")},
            "the two differ in Weights (random against cached), Kernel (6.8 against 5.15.148-tegra)",
        ),
        ({"env": environment(page_open=False)}, "the two differ in Page (closed against not known)"),
        (
            {"scope": "preloaded", "dataset": "mine", "weights": "random"},
            "the two differ in Data set, Weights, Scope",
        ),
        ({"agreement": 0.5, "status": "invalid"}, "its results do not agree with the reference"),
        # An old verdict or a demo may say otherwise; what computes something else has no speed-up.
        ({"agreement": 0.5}, "its results do not agree with the reference"),
        ({"agreement": None}, "how far its results agree was not recorded"),
        ({"status": "demo"}, "it is DEMO and the reference VALID"),
        ({"status": "invalid"}, "it is INVALID and the reference VALID"),
        ({"status": "implausible"}, "it is IMPLAUSIBLE and the reference VALID"),
        ({"fps": None}, "one of the two has no speed"),
    ],
)
def test_what_may_not_be_held_against_the_reference_has_no_speed_up_and_says_why(
    changes: dict[str, Any], why: str
) -> None:
    runs = run(1), batched(2, **changes)
    one = held(*runs)
    assert one.against is not None
    assert (one.against.speed_up, one.against.why) == (None, why)
    assert "x reference" not in one.against_text()
    assert f"{one.test}: no speed-up over the reference: {why}." in build(*runs).notes
    disagrees = "do not agree" in why
    assert ("DISAGREES" in one.against_text()) is disagrees
    assert (f"no speed-up: {why}" in one.against_text()) is not disagrees, "where the speed-up would stand"
    shown = table.build(runs, models=["resnet-152"])
    assert (f"|no speed-up: {markdown.plain(why)}" in markdown.render(shown, generated="")) is not disagrees
    assert (f"<small>no speed-up: {why}</small>" in html.render(shown, generated="")) is not disagrees
    assert (f'<div class="small">no speed-up: {why}</div>' in report_table.results(shown[0])) is not disagrees


@pytest.mark.parametrize(
    ("mine", "theirs", "shown"),
    [
        ({"status": "demo"}, {"status": "demo"}, True),
        (SIMULATED, SIMULATED, True),
        ({**SIMULATED, "status": "demo"}, {**SIMULATED, "status": "demo"}, True),
        (SIMULATED, {**SIMULATED, "status": "demo"}, False),
        ({"status": "invalid"}, {"status": "invalid"}, False),
    ],
)
def test_rows_of_the_same_labels_are_held_against_each_other_and_broken_rules_are_not(
    mine: dict[str, Any], theirs: dict[str, Any], shown: bool
) -> None:
    one = held(run(1, **theirs), batched(2, **mine))
    assert one.against is not None
    assert (one.against.speed_up is not None) is shown


def folders(runs_dir: Path, *summaries: dict[str, Any]) -> list[Recording]:
    """Run folders that say what was asked, as the runner leaves them."""
    found = [Recording(folder=write_run(runs_dir, summary)) for summary in summaries]
    for recording, summary in zip(found, summaries, strict=True):
        (recording.folder / "spec.json").write_text(json.dumps({"method": summary["method"]}))
    return found


def test_a_single_run_is_held_against_the_references_beside_it(tmp_path: Path) -> None:
    beside = folders(
        tmp_path,
        run(1, fps=20.0),
        run(2, mode="50W", fps=9.0),
        run(3, fps=45.0, model="yolov8n"),
        batched(4, fps=60.0),
        batched(5, fps=90.0, precision="fp16"),
        run(6, fps=10.0, method=None),
    )
    mine = row_of_run(beside[4], beside)
    assert mine is not None
    assert mine.against_text() == "4.50 x reference fp32; class agrees on 16 of 16"
    assert mine.run_ids == (beside[4].run_id,), "its own figures, not those of its row in the report"
    alone = row_of_run(beside[4], beside[1:])
    assert alone is not None
    assert alone.against_text() == "class agrees on 16 of 16"
    reference = row_of_run(beside[0], beside)
    assert reference is not None
    assert reference.against is None
    assert row_of_run(beside[5], beside) is None, "nobody knows how it went"
    (beside[4].folder / "summary.json").unlink()
    assert row_of_run(beside[4], beside) is None, "it goes on"


def test_where_nothing_was_found_nothing_agrees() -> None:
    one = held(run(1, fps=20.0), batched(2, fps=90.0, agreement_images=0))
    assert one.against is not None
    assert (one.against.speed_up, one.against.why) == (None, "on no image was anything found that could agree")
    assert "nothing was found to compare" in one.against_text()


def test_an_agreement_that_falls_short_is_a_reason_and_one_that_is_kept_is_a_note() -> None:
    (note,) = [note for note in build(batched(1)).notes if "class agrees" in note]
    assert note == "MAXN: The class agrees with the reference on 16 of 16 images; 100 % is needed."
    short = build(batched(1, agreement=0.5, status="invalid", reasons=("The class agrees on 8.",)))
    assert sum("class agrees" in note for note in short.notes) == 1


def test_a_batch_that_was_halved_is_a_note_and_no_reason() -> None:
    found = build(batched(1, batch_size=16, batch_size_asked=64))
    assert "MAXN: batch 64 was asked for and memory ran out, so with consent it was halved to 16." in found.notes
    (one,) = [row for row in found.rows if row.run_ids]
    assert (one.validity, one.reasons) == ("VALID", ())
    assert not any("halved" in note for note in build(batched(1)).notes)


# -- no row compares two scopes --------------------------------------------------------------------


def scopes(found: ModelTable) -> dict[str, str | None]:
    return {row.test: row.settings.get("scope") for row in found.rows if row.run_ids}


def curves(found: ModelTable, runs: list[dict[str, Any]]) -> tuple[batches.Curve, ...]:
    facts = [one for summary in runs if (one := run_facts(summary)) is not None]
    return batches.curves(repeats.of_table(found, facts))


def every_way() -> list[dict[str, Any]]:
    """Both scopes of everything that has two, in every mode, so that a mix would show."""
    found, numbers = [], itertools.count(100)
    for place, mode in enumerate(("MAXN", "50W", "30W")):
        found.append(run(next(numbers), mode=mode, fps=20.0 - place))
        for scope, precision, batch in itertools.product(("full", "preloaded"), ("fp32", "fp16"), (8, 32)):
            faster = batch * (4 if precision == "fp16" else 2) * (1.5 if scope == "preloaded" else 1.0)
            found.append(
                batched(next(numbers), mode=mode, scope=scope, precision=precision, batch_size=batch,
                        fps=faster - place, power_w=30.0 - place)
            )  # fmt: skip
    for number, one in enumerate(found):
        minute, second = divmod(number, 60)
        one["run_id"] = f"20260301T00{minute:02d}{second:02d}Z_built_cifar100_x_{number:04x}"
    return found


@pytest.mark.parametrize("runs", [every_way(), report_runs()], ids=["every way", "the golden report"])
def test_no_row_of_the_table_compares_two_scopes(runs: list[dict[str, Any]]) -> None:
    for found in table.build(runs):
        of = scopes(found)
        for row in found.rows:
            if row.against is not None and row.against.speed_up is not None:
                assert row.settings["scope"] == "full", "the reference has no other"
            if row.differences:
                assert row.settings["scope"] in ("full", None), "the published rows have no other"
        for group in ranked_groups(row for row in found.rows if row.run_ids):
            assert len({of[row.test] for row in group}) == 1
        for curve in curves(found, runs):
            assert len({of[point.row.test] for point in curve.points}) == 1
        for kind in groups(candidates(found)):
            assert len({one.scope for one in kind}) == 1
        for first, second in itertools.permutations([row for row in found.rows if row.run_ids], 2):
            if of[first.test] != of[second.test]:
                assert not compare(first, second).comparable
        answer = options(candidates(found))
        assert len({one.scope for one in answer.offered}) <= 1
        for front in (answer.front_power, answer.front_energy):
            assert len({one.scope for one in front}) <= 1


def test_rows_of_another_way_are_neither_averaged_nor_ranked_nor_weighed_together() -> None:
    runs = every_way()
    [found] = table.build(runs, models=["resnet-152"])
    rows = [row for row in found.rows if row.run_ids]
    assert [row.n_runs for row in rows] == [1] * len(rows)
    for group in ranked_groups(rows):
        keys = ("method", "precision", "scope", "batch")
        assert len({tuple(row.settings[key] for key in keys) for row in group}) == 1
    kinds = groups(candidates(found))
    assert [len({one.way for one in kind}) for kind in kinds] == [1] * len(kinds)
    assert "preloaded" in kinds[-1][0].group_text
    drawn = curves(found, runs)
    assert drawn
    for curve in drawn:
        assert len({(one.row.settings["method"], one.row.settings["precision"]) for one in curve.points}) == 1


def test_a_speed_up_never_stands_without_its_agreement(tmp_path: Any) -> None:
    runs = report_runs()
    tables = table.build(runs)
    whole = [row.against_text() for one in tables for row in one.rows if row.against and row.against.speed_up]
    assert whole
    assert all("agrees" in text for text in whole)
    document = markdown.render(tables, generated="")
    assert all(f"|{text}|" in document for text in whole)
    page = html.render(tables, generated="")
    assert page.count(" x reference fp32</b><small>class agrees on 16 of 16</small>") == len(whole)
    header, *lines = csv_table.render(tables).splitlines()
    names = header.split(",")
    for line in lines:
        cells = dict(zip(names, line.split(","), strict=False))
        assert not cells["Speed-up over Reference"] or cells["Agreement"]
    recordings = [Recording(folder=write_run(tmp_path, one)) for one in (run(1, fps=20.0), batched(2, fps=90.0))]
    compared = differences(recordings)
    assert compared.results["Against Reference"] == ("", "4.50 x reference fp32; class agrees on 16 of 16")


def test_the_tables_have_the_column_only_where_a_row_is_held_against_the_reference() -> None:
    alone = table.build([run(1)], models=["resnet-152"])
    assert "|Against Reference|" not in markdown.render(alone, generated="")
    assert "Against Reference" not in html.render(alone, generated="").split('class="guide"')[0]
    both = table.build([run(1), batched(2)], models=["resnet-152"])
    assert "|Against Reference|" in markdown.render(both, generated="")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"precision": "tf32"}, ""),
        ({"method": "batched"}, "batched is another method than that of the published rows, reference"),
        ({"method": None}, "its method may be another than that of the published rows, reference"),
    ],
)
def test_the_published_row_is_held_against_the_reference_only(changes: dict[str, Any], why: str) -> None:
    (one,) = [row for row in build(run(1, **changes)).rows if row.run_ids]
    assert one.published is not None
    assert (one.not_compared, bool(one.differences)) == (why, not why)


def test_the_label_says_briefly_in_what_a_row_differs() -> None:
    found = build(run(1), batched(2), batched(3, precision="fp16", scope="preloaded"), run(4, mode="50W"))
    assert sorted(row.test for row in found.rows if row.run_ids) == [
        "50W · reference · fp32 · batch 1",
        "MAXN · batched · fp16 · batch 32 · scope preloaded",
        "MAXN · batched · fp32 · batch 32",
        "MAXN · reference · fp32 · batch 1",
    ]
    apart = build(batched(1), batched(2, in_flight=1, fps=30.0))
    assert sorted(row.test for row in apart.rows if row.run_ids) == ["MAXN · 1 in flight", "MAXN · 2 in flight"]


def test_rows_of_another_provider_are_rows_of_their_own() -> None:
    def told(provider: str) -> dict[str, Any]:
        return environment(worker={**environment()["worker"], "method_facts": {"provider": provider}})

    runs = [batched(place, method="onnx", env=told(name), fps=30.0 + place) for place, name in enumerate("AB")]
    assert sorted(row.test for row in build(*runs).rows if row.run_ids) == ["MAXN · A", "MAXN · B"]
