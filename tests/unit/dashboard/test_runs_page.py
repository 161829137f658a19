"""The Runs page: rows, search, filters and order; a run in detail, its notes, its deletion."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import run_facts_view, run_rows, state
from dashboard.run_rows import Wanted
from orin_core.runs import launcher, store
from orin_core.runs.notes import NOTES, read_notes, write_notes
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


def test_row_leaves_out_figures_that_cannot_be_true(singletons: Settings, folder: Folder) -> None:
    verdict = {"status": "implausible", "badge": "IMPLAUSIBLE", "sentence": "Refused.", "reasons": [], "unknown": []}
    row = run_rows.row_of(ended(folder, verdict=verdict), None)
    assert (row["Validity"], row["FPS"]) == ("IMPLAUSIBLE", None)


def test_row_of_an_imported_log_says_so(singletons: Settings, folder: Folder) -> None:
    imported = {"source": "imported", "origin": "imported", "simulated": False, "weights": None, "images": None}
    row = run_rows.row_of(ended(folder, **imported, model=None), None)
    assert (row["Model"], row["Validity"], row["Board and data"]) == ("", "IMPORTED", "IMPORTED LOG")
    assert row["Origin"] == "imported"


def test_row_follows_the_files(singletons: Settings, folder: Folder) -> None:
    assert run_rows.row_of(folder.recording, folder.recording)["State"] == "running"
    assert run_rows.row_of(folder.recording, None)["State"] == "interrupted"
    assert run_rows.row_of(ended(folder), None)["FPS"] == 3.25
    assert run_rows.row_of(ended(folder, fps_end_to_end=4.5, model="other"), None)["FPS"] == 4.5


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


def test_run_that_goes_on_offers_neither_delete_nor_repeat(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    app = runs_page(run=RUN_ID)
    assert not {"runs_delete", "run_again"} & {button.key for button in app.button}
    assert any("is going on" in box.value for box in app.info)


def test_notes_are_edited_on_the_page(singletons: Settings, folder: Folder) -> None:
    ended(folder)
    app = runs_page(run=RUN_ID)
    [area] = app.text_area
    area.set_value("Lid open.").run()
    assert not (folder.path / NOTES).exists()
    assert any("Not saved yet" in caption.value for caption in app.caption)
    app.button(key="run_notes_save").click().run()
    assert read_notes(folder.recording) == "Lid open."
    assert not any("Not saved yet" in caption.value for caption in app.caption)
    write_notes(folder.recording, "Of another tab.")
    assert runs_page(run=RUN_ID).text_area[0].value == "Of another tab."


def test_environment_events_and_logs_are_shown_as_text(singletons: Settings, folder: Folder) -> None:
    ended(folder)
    worker = {"torch": "2.4.0", "odd": HOSTILE}
    found = {"board": HOSTILE, "page_open": True, "l4t": None, "notes": "kept elsewhere", "strange_key": [1, 2]}
    store.write_json(folder.path / store.ENVIRONMENT, {**found, "worker": worker, "power_limits": {"gpu_mhz": 1300}})
    folder.recorder.event("notice", folder.recorder.t0_s + 2.5, notice="x", message=HOSTILE)
    (folder.path / store.WORKER_LOG).write_text(HOSTILE + "\x1b[31m")
    (folder.path / run_facts_view.RUNNER_LOG).write_text("Traceback")
    app = runs_page(run=RUN_ID)
    text = html_of(app)
    assert "<img src=x" not in text
    for cell in ("&lt;img src=x", "<td>yes</td>", "<td>–</td>", "<td>Torch</td><td>2.4.0</td>", "gpu mhz: 1300"):
        assert cell in text, cell
    assert "<td>Strange key</td><td>1, 2</td>" in text
    assert "kept elsewhere" not in text
    assert "<td>2.5 s</td><td>notice</td>" in text
    assert [block.value for block in app.code] == [HOSTILE + "�[31m", "Traceback"]


def test_damaged_run_is_still_shown(singletons: Settings, folder: Folder) -> None:
    for name in (store.SPEC, store.ENVIRONMENT, store.SUMMARY, store.EVENTS, NOTES):
        (folder.path / name).write_text("[]\n{")
    app = runs_page(run=RUN_ID)
    assert not app.error
    assert "run_again" not in {button.key for button in app.button}
    assert models(runs_page()) == [""]


def test_tail_takes_whole_lines_from_the_end(folder: Folder) -> None:
    path = folder.path / "a.log"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    text = run_facts_view.tail(path, 100)
    assert text.splitlines()[-1] == "line 999"
    assert all(line.startswith("line ") for line in text.splitlines())
    assert len(text) <= 100
    assert run_facts_view.tail(folder.path / "none.log") == ""


def several() -> None:
    from dashboard import run_delete, state
    from orin_core.runs.recording import list_runs

    run_ids = [recording.run_id for recording in list_runs(state.settings().runs_dir)]
    run_delete.tell()
    if not run_delete.asking(run_ids):
        run_delete.offer(run_ids)


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


def test_question_is_taken_back_when_other_runs_are_ticked(three: Settings) -> None:
    app = AppTest.from_function(several, default_timeout=60).run()
    app.button(key="runs_delete").click().run()
    made = Folder(three.runs_dir, "20260109T030405Z_m_d_MAXN_0a1b")
    with made.recorder:
        app.run()
    assert "runs_delete_yes" not in {button.key for button in app.button}
    assert len(list_runs(three.runs_dir)) == 4
