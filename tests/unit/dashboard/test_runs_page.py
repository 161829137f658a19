"""The Runs page: rows, search, filters and order; a run in detail, its notes, its deletion."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import run_rows, state
from dashboard.run_rows import Wanted
from orin_core.runs import launcher, store
from orin_core.runs.recording import Recording, list_runs
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import RUN_ID, Folder
from tests.unit.dashboard.pages import SUMMARY

HOSTILE = "<img src=x onerror=alert(1)> [l](http://e.example)"


def script() -> None:
    from dashboard import runs

    runs.page()


def runs_page(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def asked(app: AppTest) -> dict[str, Any]:
    return {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}


def models(app: AppTest) -> list[str]:
    return [] if not app.dataframe else list(app.dataframe[0].value["Model"])


def html_of(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def ended(folder: Folder, **more: object) -> Recording:
    store.write_json(folder.path / store.SUMMARY, {**SUMMARY, **more})
    return folder.recording


@pytest.fixture
def three(singletons: Settings) -> Settings:
    given: tuple[dict[str, Any], ...] = (
        {"model": "resnet-152", "fps_end_to_end": 3.0, "power_mode": "MAXN", "state": "done"},
        {"model": "yolov8n", "fps_end_to_end": None, "power_mode": "MODE_30W", "state": "failed"},
        {"model": "depth", "fps_end_to_end": 9.0, "power_mode": "MODE_30W", "state": "done"},
    )
    for day, fields in enumerate(given, start=1):
        made = Folder(singletons.runs_dir, f"2026010{day}T030405Z_m_d_MAXN_0a1b")
        with made.recorder:
            ended(made, **fields)
    return singletons


# -- rows -----------------------------------------------------------------------------------------


def test_row_has_what_the_table_shows(singletons: Settings, folder: Folder) -> None:
    row = run_rows.row_of(ended(folder, energy_per_item_j=0.5, profile="standard"), None)
    assert (row["Model"], row["State"], row["FPS"], row["Power (W)"]) == ("resnet-152", "done", 3.25, None)
    assert (row["J / image"], row["Images / J"], row["Profile"]) == (0.5, 2.0, "standard")
    assert row["Board and data"] == "SIMULATED BOARD, random weights, synthetic images"
    assert (row["Validity"], row["Origin"]) == ("SIMULATED", "run")


def test_row_says_how_images_went_through_the_model(singletons: Settings, folder: Folder) -> None:
    way = {"method": "graph", "precision": "fp16", "batch_size": 32, "scope": "preloaded"}
    row = run_rows.row_of(ended(folder, **way), None)
    assert row["Method"] == "graph fp16 batch 32 preloaded"
    assert run_rows.chosen([row], Wanted(search="fp16 graph")) == [row]
    imported = {"method": None, "precision": None, "batch_size": None, "scope": None}
    assert run_rows.row_of(ended(folder, **imported, rows=1), None)["Method"] == ""


def test_tokens_have_a_column_where_a_run_has_some(three: Settings) -> None:
    images = runs_page().dataframe[0]
    assert run_rows.TOKENS not in images.value
    assert '"J / image"' in images.proto.columns
    made = Folder(three.runs_dir, "20260109T030405Z_m_d_MAXN_0a1b")
    with made.recorder:
        ended(made, tokens_per_s=41.5, fps_end_to_end=None)
    shown = runs_page().dataframe[0]
    assert next(iter(shown.value[run_rows.TOKENS])) == 41.5
    labels = [column.get("label") for column in json.loads(shown.proto.columns).values()]
    assert {"J / item", "Items / J"} <= set(labels), "not all that they have done are images"


def test_row_leaves_out_figures_that_cannot_be_true(singletons: Settings, folder: Folder) -> None:
    verdict = {"status": "implausible", "badge": "IMPLAUSIBLE", "sentence": "Refused.", "reasons": [], "unknown": []}
    row = run_rows.row_of(ended(folder, verdict=verdict), None)
    assert (row["Validity"], row["FPS"]) == ("IMPLAUSIBLE", None)


def test_row_of_an_imported_log_says_so(singletons: Settings, folder: Folder) -> None:
    imported = {"source": "imported", "origin": "imported", "simulated": False, "weights": None, "images": None}
    row = run_rows.row_of(ended(folder, **imported, model=None), None)
    assert (row["Model"], row["Validity"], row["Board and data"]) == ("", "IMPORTED", "IMPORTED LOG")
    assert row["Origin"] == "imported"
    store.write_json(folder.path / store.SPEC, {"origin": "imported", "file": "resnet_maxn.txt.gz"})
    row = run_rows.row_of(ended(folder, **imported, model=None, rows=1), None)
    assert row["Board and data"] == "IMPORTED LOG resnet_maxn.txt.gz"
    assert run_rows.chosen([row], Wanted(search="resnet_maxn.txt")) == [row]


def test_row_follows_the_files(singletons: Settings, folder: Folder) -> None:
    assert run_rows.row_of(folder.recording, folder.recording)["State"] == "running"
    assert run_rows.row_of(folder.recording, None)["State"] == "interrupted"
    store.write_json(folder.path / store.SPEC, {**folder.recording.spec(), "method": "graph", "batch_size": "many"})
    assert run_rows.row_of(folder.recording, None)["Method"] == "graph fp32", "before there are figures"
    assert run_rows.row_of(ended(folder), None)["FPS"] == 3.25
    assert run_rows.row_of(ended(folder, fps_end_to_end=4.5, model="other"), None)["FPS"] == 4.5


def test_folder_with_an_impossible_date_does_not_take_the_page_down(three: Settings) -> None:
    (three.runs_dir / "20261399T000000Z_m_d_MAXN_0000").mkdir()
    assert len(models(runs_page())) == 3


def test_damaged_status_of_an_unfinished_run_is_left_out(three: Settings) -> None:
    made = Folder(three.runs_dir, "20260109T030405Z_m_d_MAXN_0a1b")
    with made.recorder:
        made.status(fps_end_to_end="abc", tj_c_max=[], model=7, validity="VALID", simulated="yes")
    page = runs_page(sort="fps")
    assert models(page) == ["depth", "resnet-152", "", "yolov8n"]
    row = run_rows.row_of(made.recording, None)
    assert (row["State"], row["FPS"], row["Model"], row["Validity"]) == ("interrupted", None, "", "")
    assert len(models(runs_page(sort="hottest"))) == 4


def test_row_of_an_ended_run_is_made_once(singletons: Settings, folder: Folder) -> None:
    recording = ended(folder)
    assert run_rows.row_of(recording, None) is run_rows.row_of(recording, None)


# -- search, filters, order -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["depth", "yolov8n", "resnet-152"]),
        ({"sort": "oldest"}, ["resnet-152", "yolov8n", "depth"]),
        ({"sort": "fps"}, ["depth", "resnet-152", "yolov8n"]),
        ({"sort": "model"}, ["depth", "resnet-152", "yolov8n"]),
        ({"sort": "nonsense"}, ["depth", "yolov8n", "resnet-152"]),
        ({"mode": "MODE_30W"}, ["depth", "yolov8n"]),
        ({"mode": "MODE_30W", "state": "done"}, ["depth"]),
        ({"q": "RESNET maxn"}, ["resnet-152"]),
        ({"q": "20260102"}, ["yolov8n"]),
        ({"model": "gone"}, []),
    ],
)
def test_address_says_which_runs_are_shown(three: Settings, query: dict[str, str], expected: list[str]) -> None:
    assert models(runs_page(**query)) == expected


def test_click_goes_into_the_address_and_an_empty_page_says_why(three: Settings) -> None:
    app = runs_page()
    app.selectbox(key="runs_mode").set_value("MODE_30W").run()
    app.text_input(key="runs_q").set_value("depth").run()
    app.selectbox(key="runs_sort").set_value("fps").run()
    assert asked(app) == {"mode": "MODE_30W", "q": "depth", "sort": "fps"}
    assert models(app) == ["depth"]
    assert any("1 of 3 runs" in caption.value for caption in app.caption)
    app.text_input(key="runs_q").set_value("nothing").run()
    assert models(app) == []
    assert any("No run is like this" in box.value for box in app.info)
    app.button(key="runs_clear").click().run()
    assert asked(app) == {}
    assert len(models(app)) == 3
    assert app.text_input(key="runs_q").value == ""


def test_address_wins_over_what_was_clicked_before(three: Settings) -> None:
    app = runs_page(mode="MODE_30W")
    app.query_params["mode"] = "MAXN"
    app.run()
    assert app.selectbox(key="runs_mode").value == "MAXN"
    assert models(app) == ["resnet-152"]


def test_blank_is_last_whatever_the_order(three: Settings) -> None:
    rows = [run_rows.row_of(one, None) for one in list_runs(three.runs_dir)]
    for sort, (_, column, _) in run_rows.SORTS.items():
        values = [row[column] for row in run_rows.chosen(rows, Wanted(sort=sort))]
        blanks = [value in (None, "") for value in values]
        assert blanks == sorted(blanks), sort


def test_page_without_runs_says_what_to_do(singletons: Settings) -> None:
    assert any("There are no runs yet" in box.value for box in runs_page().info)


# -- one run --------------------------------------------------------------------------------------


def test_deep_link_keeps_the_filter_for_the_way_back(three: Settings) -> None:
    app = runs_page(run="20260103T030405Z_m_d_MAXN_0a1b", mode="MODE_30W")
    app.button(key="all_runs").click().run()
    assert asked(app) == {"mode": "MODE_30W"}
    assert models(app) == ["depth", "yolov8n"]


@pytest.mark.parametrize(("run_id", "said"), [(RUN_ID, "is not here (any more)"), ("etc", "no run id")])
def test_run_that_is_gone_is_told_in_words_of_the_page(three: Settings, run_id: str, said: str) -> None:
    app = runs_page(run=run_id)
    told = " ".join(app.session_state[state.KEY_ERROR])
    assert said in told
    assert not any(word in told for word in ("--", "python", str(three.runs_dir)))
    assert asked(app) == {}
    assert len(models(app)) == 3


def test_run_is_deleted_only_when_that_was_confirmed(singletons: Settings, folder: Folder) -> None:
    ended(folder)
    app = runs_page(run=RUN_ID)
    app.button(key="runs_delete").click().run()
    assert folder.path.exists()
    app.button(key="runs_delete_no").click().run()
    assert folder.path.exists()
    app.button(key="runs_delete").click().run()
    assert any("Delete this run for good?" in text.value for text in app.markdown)
    app.button(key="runs_delete_yes").click().run()
    assert not folder.path.exists()
    assert asked(app) == {}
    assert [toast.value for toast in app.toast] == ["1 run was deleted."]


def test_run_that_took_the_board_meanwhile_is_not_deleted(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(folder)
    app = runs_page(run=RUN_ID)
    app.button(key="runs_delete").click().run()
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    app.button(key="runs_delete_yes").click().run()
    assert folder.path.exists()
    assert "holds the board" in app.session_state[state.KEY_ERROR][0]


def several() -> None:
    from dashboard import run_delete, state
    from orin_core.runs.recording import list_runs

    run_delete.tell()
    if not run_delete.asking():
        run_delete.offer([recording.run_id for recording in list_runs(state.settings().runs_dir)])


def test_several_runs_are_deleted_but_not_the_one_that_holds_the_board(
    three: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = list_runs(three.runs_dir)[1]
    monkeypatch.setattr(launcher, "active", lambda settings: held)
    app = AppTest.from_function(several, default_timeout=60).run()
    app.button(key="runs_delete").click().run()
    assert any("Delete these 3 runs for good?" in text.value for text in app.markdown)
    app.button(key="runs_delete_yes").click().run()
    assert list_runs(three.runs_dir) == [held]
    message, hint = app.session_state[state.KEY_ERROR]
    assert held.run_id in message
    assert "2 of 3 runs were deleted." in hint


def test_question_stays_about_its_runs_when_the_list_changes(three: Settings) -> None:
    asked_for = [one.run_id for one in list_runs(three.runs_dir)]
    app = AppTest.from_function(several, default_timeout=60).run()
    app.button(key="runs_delete").click().run()
    made = Folder(three.runs_dir, "20260109T030405Z_m_d_MAXN_0a1b")
    with made.recorder:
        shutil.rmtree(three.runs_dir / asked_for[0])
        app.run()
        assert any("Delete these 2 runs for good?" in text.value for text in app.markdown)
        app.button(key="runs_delete_yes").click().run()
    assert list_runs(three.runs_dir) == [made.recording]


def test_question_about_another_run_is_taken_back(three: Settings) -> None:
    first, second, _ = (one.run_id for one in list_runs(three.runs_dir))
    app = runs_page(run=first)
    app.button(key="runs_delete").click().run()
    app.query_params["run"] = second
    app.run()
    assert "runs_delete_yes" not in {button.key for button in app.button}
    app.query_params["run"] = first
    app.run()
    assert "runs_delete_yes" not in {button.key for button in app.button}
