from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard import board, state
from dashboard.words import plain
from orin_core.errors import BadRequest, BoardBusy, PowerModeNotPermitted
from orin_core.runs import launcher, store
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps import conductor, queue
from orin_core.sweeps import spec as specs
from orin_core.sweeps import state as sweeps
from orin_core.sweeps.state import Sweep, SweepState, Wanted, list_sweeps
from tests.unit.dashboard.conftest import RUN_ID, Folder, live
from tests.unit.dashboard.pages import HOME, SUMMARY, page, start_button, started_with


def captions(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption).replace("\\", "")


def test_first_visit_explains_itself_offers_the_simulated_board_and_can_start(singletons: Settings) -> None:
    app = page(singletons)
    assert not app.exception
    [intro] = [caption.value for caption in app.caption if "**1.**" in caption.value]
    assert len(intro.splitlines()) == 3
    assert any("A **simulated board** is on" in caption.value for caption in app.caption)
    assert [link.proto.page for link in app.get("page_link")] == ["import"]
    assert start_button(app)
    modes = app.selectbox(key=state.FORM_MODE).options
    assert modes[0].startswith("Current (")
    assert any("30W" in mode for mode in modes)


def test_first_visit_is_told_why_the_board_is_simulated(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    view = board.look(singletons)
    monkeypatch.setenv("ORIN_TELEMETRY", "auto")
    state.reset()
    monkeypatch.setattr(board, "look", lambda settings: view)
    assert any("is no Jetson, so a **simulated board**" in caption.value for caption in page(singletons).caption)
    monkeypatch.setattr(board, "look", lambda settings: dataclasses.replace(view, kind="tegrastats"))
    assert any("ORIN_TELEMETRY=simulated python" in caption.value for caption in page(singletons).caption)


def test_second_visit_is_not_explained_again(singletons: Settings, folder: Folder) -> None:
    assert not any("**1.**" in caption.value for caption in page(singletons).caption)


def test_demo_view_has_no_form_and_the_way_to_it_is_on_the_page(singletons: Settings) -> None:
    links = " ".join(str(element.proto.body) for element in page(singletons).get("html"))
    assert 'href="/?view=demo"' in links
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["view"] = "demo"
    app.run()
    assert not app.exception
    assert "start" not in {button.key for button in app.button}
    assert any("The board is idle" in text.value for text in app.markdown)


def test_form_becomes_a_spec(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_MODEL).set_value("resnet-152").run()
    app.selectbox(key=state.FORM_LENGTH).set_value("Number of images").run()
    app.number_input(key=state.FORM_ITEMS).set_value(77).run()
    app.number_input(key=state.FORM_BATCH).set_value(4).run()
    app.number_input(key=state.FORM_IDLE_S).set_value(0.0).run()
    app.selectbox(key=state.FORM_MODE).set_value("MODE_30W").run()
    app.checkbox(key=state.FORM_LOCK_CLOCKS).check().run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.model, spec.dataset, spec.items, spec.seconds) == ("resnet-152", "cifar100", 77, None)
    assert (spec.weights, spec.images, spec.power_mode) == ("random", "synthetic", "MODE_30W")
    assert (spec.batch_size, spec.idle_s, spec.interval_ms, spec.lock_clocks) == (4, 0.0, 1000, True)
    assert spec == spec.validated()


def test_length_is_the_protocols_until_one_is_chosen(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(singletons)
    assert app.selectbox(key=state.FORM_PROFILE).options == ["Standard", "Demo", "Formal"]
    [spec] = started_with(app, monkeypatch)
    assert (spec.profile, spec.items, spec.seconds) == ("standard", None, None)
    assert (spec.validated().seconds, spec.validated().min_items) == (70, 100)
    assert any("what a VALID run needs" in caption.value for caption in app.caption)
    app.selectbox(key=state.FORM_PROFILE).set_value("demo").run()
    assert any("never VALID" in caption.value for caption in app.caption)
    [spec] = started_with(app, monkeypatch)
    assert (spec.profile, spec.validated().seconds) == ("demo", 20)


@pytest.mark.parametrize(
    ("profile", "length", "key", "value", "warning"),
    [
        ("standard", "Number of seconds", state.FORM_SECONDS, 59, "needs 1 min and more"),
        ("standard", "Number of seconds", state.FORM_SECONDS, 61, ""),
        ("formal", "Number of seconds", state.FORM_SECONDS, 599, "needs 10 min and more"),
        ("standard", "Number of images", state.FORM_ITEMS, 99, "needs 100 images and more"),
        ("demo", "Number of images", state.FORM_ITEMS, 1, ""),
    ],
)
def test_length_that_cannot_be_valid_is_told_before_the_run(
    singletons: Settings, profile: str, length: str, key: str, value: int, warning: str
) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_PROFILE).set_value(profile).run()
    app.selectbox(key=state.FORM_LENGTH).set_value(length).run()
    app.number_input(key=key).set_value(value).run()
    told = [caption.value for caption in app.caption if "to be VALID" in caption.value]
    assert [warning in text for text in told] == ([True] if warning else [])


def test_phases_that_contradict_are_told_before_the_run(singletons: Settings) -> None:
    app = page(singletons)
    app.number_input(key=state.FORM_WARMUP_MIN_S).set_value(200.0).run()
    assert not app.exception
    assert not start_button(app)
    assert any("at least 200 s and at most 120 s" in caption.value for caption in app.caption)
    app.number_input(key=state.FORM_WARMUP_MAX_S).set_value(300.0).run()
    assert start_button(app)


def test_ambient_and_notes_go_with_the_run(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(singletons)
    [spec] = started_with(app, monkeypatch)
    assert (spec.ambient_c, spec.notes) == (None, "")
    app.number_input(key=state.FORM_AMBIENT_C).set_value(21.5).run()
    app.text_area(key=state.FORM_NOTES).set_value(" Fan at full speed.\n").run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.ambient_c, spec.notes) == (21.5, "Fan at full speed.")


def test_whole_data_set_is_counted(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_LENGTH).set_value("Whole data set").run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.items, spec.seconds) == (10_000, None)


def test_download_comes_before_start(singletons: Settings) -> None:
    app = page(singletons)
    app.radio(key=f"{state.FORM_WEIGHTS}_resnet-152").set_value("download").run()
    assert not start_button(app)
    assert app.button(key="fetch_resnet-152").label == "Download ResNet-152"


def test_folder_must_be_named_and_there(singletons: Settings, tmp_path: Path) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_DATASET).set_value("folder").run()
    assert not start_button(app)
    app.text_input(key=state.FORM_DATASET_PATH).set_value(str(tmp_path / "nowhere")).run()
    assert not start_button(app)
    assert any(plain("There is no folder") in caption.value for caption in app.caption)
    app.text_input(key=state.FORM_DATASET_PATH).set_value(str(tmp_path)).run()
    assert start_button(app)


def test_refusal_is_shown_once_in_one_box(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    error = PowerModeNotPermitted("MODE-30W may not be set.", "Run nvpmodel.")
    app = page(singletons)
    started_with(app, monkeypatch, error)
    assert [box.value for box in app.error] != []
    assert error.message in app.error[0].value
    assert len(app.error) == 1
    assert len(app.run().error) == 0


def test_a_board_that_is_held_is_said_until_it_is_answered(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(singletons)
    started_with(app, monkeypatch, BoardBusy("The board is held by run xyz.", "Wait.", run_id="xyz"))
    assert "held by run xyz" in app.run().warning[0].value
    app.button(key="queue_dismiss").click().run()
    assert not app.run().warning


def test_a_start_that_comes_too_late_is_said_and_can_wait(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    app = page(singletons)
    app.selectbox(key=state.FORM_PROFILE).select("demo").run()
    # Another tab's run begins between the last look of this one and its click.
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    app.button(key="start").click().run()
    assert plain(f"Run {RUN_ID} has just begun") in app.warning[0].value
    assert app.run().warning, "it stays until it is answered"
    app.button(key="queue_run").click().run()
    assert [sweep.spec().profile for sweep in list_sweeps(singletons)] == ["demo"]
    assert not app.run().warning


def test_what_the_form_says_can_wait_for_a_run(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    app = page(singletons)
    assert "Nothing else waits" in captions(app)
    app.selectbox(key=state.FORM_PROFILE).select("demo").run()
    app.button(key="queue_next_0").click().run()
    [sweep] = list_sweeps(singletons)
    assert sweep.spec().profile == "demo"
    assert "place 1 of 1" in app.info[0].value
    assert "Place 2: 1 other is before it, 1 run to go." in captions(app)
    # The second click of a double click presses a button that is gone.
    with pytest.raises(KeyError):
        app.button(key="queue_next_0")
    queue.remove(singletons, sweep.sweep_id)
    assert not app.run().info, "its turn has come"


def sweep_at_work(settings: Settings, **changes: Any) -> Sweep:
    """A sweep that this very process works on."""
    document = {"name": "night", "models": ["resnet-152"], "datasets": ["cifar100"], "repeats": 2, **changes}
    spec = specs.from_json(document)
    sweep = sweeps.make(spec, settings, [cell.cell_id for cell in spec.cells()])
    me = ProcessId.of(os.getpid())
    assert me is not None
    message = "Cooling down: 47.5 °C."
    going_on = dataclasses.replace(
        sweep.progress(), state=SweepState.RUNNING, message=message, conductor_pid=me.pid, conductor_start=me.start
    )
    sweep.write(going_on)
    queue.add(settings, sweep.sweep_id)
    return sweep


@pytest.mark.parametrize(
    ("on_failure", "follows"),
    [
        ("continue", "goes on with the next one"),
        ("retry", "tries the same cell again"),
        ("stop", "the whole sweep ends"),
    ],
)
def test_stop_of_a_cell_says_what_follows_and_offers_to_stop_the_sweep(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch, on_failure: str, follows: str
) -> None:
    sweep = sweep_at_work(singletons, on_failure=on_failure)
    spec = {**folder.recording.spec(), "sweep": sweep.sweep_id, "cell": "001"}
    store.write_json(folder.path / store.SPEC, spec)
    stopped: list[str] = []
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    monkeypatch.setattr(launcher, "stop", lambda recording: stopped.append(recording.run_id))
    app = page(singletons)
    assert "A run of sweep **night**." in captions(app)
    app.button(key="stop").click().run()
    assert follows in app.warning[0].value
    app.button(key="stop_yes").click().run()
    assert (stopped, sweep.wanted()) == ([RUN_ID], Wanted.RUN)
    app.button(key="stop").click().run()
    app.button(key="stop_sweep").click().run()
    assert (stopped, sweep.wanted()) == ([RUN_ID], Wanted.STOP), "the run is stopped by who works on the sweep"

    # A cell that is run by hand belongs to no sweep that goes on here.
    queue.remove(singletons, sweep.sweep_id)
    app.button(key="stop").click().run()
    assert "Stop this run? What it has measured is kept." in app.warning[0].value
    assert "stop_sweep" not in {button.key for button in app.button}


def test_between_two_runs_of_a_sweep_nothing_is_pushed_into_it(
    singletons: Settings, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert live(client, "idle")["sweep"] == ""
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    app = page(singletons)
    sweep = sweep_at_work(singletons)
    # The page was drawn before the sweep began: its click comes too late.
    app.button(key="start").click().run()
    assert plain(f"Sweep {sweep.sweep_id} is between two runs") in app.warning[0].value
    assert "start" not in {button.key for button in app.button}
    said = captions(app)
    assert "Between two runs of sweep **night**." in said
    assert "Cooling down: 47.5 °C." in said
    assert "Place 2: 1 other is before it, 2 runs to go." in said
    assert live(client, "idle")["sweep"] == sweep.sweep_id, "pages that were drawn before are told"
    with pytest.raises(BoardBusy, match="is at work"):
        board.reboot_into(singletons, "MODE_15W")
    app.button(key="queue_run").click().run()
    assert queue.order(singletons)[0] == sweep.sweep_id
    assert "place 2 of 2" in app.info[0].value

    # Of a sweep whose process is gone nobody waits for the end.
    sweep.write(dataclasses.replace(sweep.progress(), conductor_pid=None, conductor_start=None))
    assert start_button(app.run())


def test_while_a_run_is_on_nothing_can_be_started_and_stop_asks_once(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    monkeypatch.setattr(launcher, "stop", lambda recording: stopped.append(recording.run_id))
    app = page(singletons)
    assert "start" not in {button.key for button in app.button}
    assert not app.button(key="queue_next_0").disabled
    assert app.query_params["run"] in (RUN_ID, [RUN_ID])
    asked = plain("This run: resnet-152, cifar100, standard protocol, batched fp32, batch 1, power mode current.")
    assert asked in [text.value for text in app.caption]
    app.button(key="stop").click().run()
    assert stopped == []
    app.button(key="stop_no").click().run()
    assert stopped == []
    app.button(key="stop").click().run()
    app.button(key="stop_yes").click().run()
    assert stopped == [RUN_ID]


def test_finished_run_shows_its_figures_and_why_one_is_blank(singletons: Settings, folder: Folder) -> None:
    store.write_json(folder.path / store.SUMMARY, SUMMARY)
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    assert not app.exception
    text = " ".join(element.value for element in (*app.markdown, *app.caption))
    assert "SIMULATED BOARD, random weights." in text
    assert "no rails, or no tick within measure" in text
    app.button(key="show_idle").click().run()
    assert "run" not in app.query_params


def test_idle_probe_is_off_while_a_run_is_being_started(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[bool] = []

    def start(spec: RunSpec, settings: Settings) -> launcher.Started:
        state.idle_board().touch()  # as the next poll of any tab would
        running.append(state.idle_board().running)
        raise BadRequest("Not now.")

    app = page(singletons)
    state.idle_board().touch()
    running.append(state.idle_board().running)
    monkeypatch.setattr(launcher, "start", start)
    app.button(key="start").click().run()
    state.idle_board().touch()
    running.append(state.idle_board().running)
    assert running == [True, False, True]


def test_clocks_cannot_be_locked_where_there_is_no_program(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = board.look(singletons)
    assert view.has_jetson_clocks
    monkeypatch.setattr(board, "look", lambda settings: dataclasses.replace(view, has_jetson_clocks=False))
    app = page(singletons)
    assert app.checkbox(key=state.FORM_LOCK_CLOCKS).disabled
    [spec] = started_with(app, monkeypatch)
    assert spec.lock_clocks is False


def test_stop_that_is_refused_says_why(singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(recording: Recording) -> None:
        raise BadRequest("This run belongs to another user.", "Ask that user.")

    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    monkeypatch.setattr(launcher, "stop", stop)
    app = page(singletons)
    app.button(key="stop").click().run()
    app.button(key="stop_yes").click().run()
    assert [box.value for box in app.error] == ["**This run belongs to another user.** Ask that user."]


def test_run_in_another_folder_is_followed_to_its_end(
    singletons: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Folder(tmp_path / "elsewhere")
    with made.recorder:
        monkeypatch.setattr(launcher, "active", lambda settings: made.recording)
        app = page(singletons)
        assert app.query_params["run"] in (RUN_ID, [RUN_ID])
        monkeypatch.setattr(launcher, "active", lambda settings: None)
        made.status(state="failed", message="The GPU is gone.", hint="Reboot.")
        app.run()
    assert [box.value for box in app.error] == ["**This run failed.** The GPU is gone. Reboot."]
    store.write_json(made.path / store.SUMMARY, {**SUMMARY, "fps_end_to_end": 7.25})
    app.run()
    assert not app.error
    assert "7.250" in " ".join(text.value for text in app.markdown)
    state.reset()
    app.run()
    assert not app.error
    assert any("is not here (any more)" in box.value for box in app.info)


def test_failed_run_says_why_first(singletons: Settings, folder: Folder) -> None:
    store.write_json(folder.path / store.SUMMARY, {**SUMMARY, "state": "failed", "message": "The log has no ticks."})
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    assert [box.value for box in app.error] == ["**This run failed.** The log has no ticks."]


def test_unknown_run_is_told_not_thrown(singletons: Settings) -> None:
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = "../../etc/passwd"
    app.run()
    assert not app.exception
    assert "no run id" in app.error[0].value
