from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import state
from dashboard.words import length_text, source_label, started_utc
from orin_core.errors import BoardBusy, PowerModeNeedsReboot
from orin_core.runs import launcher, store
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from tests.unit.dashboard.conftest import RUN_ID, Folder

HOME = Path(dashboard.__file__).with_name("home.py")
SUMMARY = {
    "run_id": RUN_ID,
    "state": "done",
    "model": "resnet-152",
    "dataset": "cifar100",
    "power_mode": "MAXN",
    "source": "simulated",
    "simulated": True,
    "weights": "random",
    "images": "synthetic",
    "labels": ["SIMULATED BOARD: invented", "random weights: speed is real"],
    "items": 40,
    "fps_end_to_end": 3.25,
    "power_w_mean": None,
    "ticks": 12,
    "total_inference_time_s": 12.3,
}


def page(tmp: Settings) -> AppTest:
    return AppTest.from_file(str(HOME), default_timeout=60).run()


def start_button(app: AppTest) -> bool:
    return not app.button(key="start").disabled


def started_with(app: AppTest, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[RunSpec]:
    """Presses Start with a launcher that only notes what it was asked for."""
    asked: list[RunSpec] = []

    def start(spec: RunSpec, settings: Settings) -> launcher.Started:
        asked.append(spec)
        if error:
            raise error
        return launcher.Started(run_id=RUN_ID, folder=settings.runs_dir / RUN_ID, notices=("Put in order.",))

    monkeypatch.setattr(launcher, "start", start)
    app.button(key="start").click().run()
    return asked


def test_first_visit_explains_itself_and_can_start(singletons: Settings) -> None:
    app = page(singletons)
    assert not app.exception
    assert any("**1.**" in caption.value for caption in app.caption)
    assert start_button(app)
    modes = app.selectbox(key=state.FORM_MODE).options
    assert modes[0].startswith("Current (")
    assert any("30W" in mode for mode in modes)


def test_form_becomes_a_spec(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_MODEL).set_value("resnet-152").run()
    app.selectbox(key=state.FORM_LENGTH).set_value("Number of images").run()
    app.number_input(key=state.FORM_ITEMS).set_value(77).run()
    app.number_input(key=state.FORM_BATCH).set_value(4).run()
    app.number_input(key=state.FORM_IDLE_S).set_value(0.0).run()
    app.selectbox(key=state.FORM_MODE).set_value("MODE_30W").run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.model, spec.dataset, spec.items, spec.seconds) == ("resnet-152", "cifar100", 77, None)
    assert (spec.weights, spec.images, spec.power_mode) == ("random", "synthetic", "MODE_30W")
    assert (spec.batch_size, spec.idle_s, spec.interval_ms) == (4, 0.0, 1000)
    assert spec == spec.validated()


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


def test_folder_must_be_named(singletons: Settings) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_DATASET).set_value("folder").run()
    assert not start_button(app)
    app.text_input(key=state.FORM_DATASET_PATH).set_value("/somewhere").run()
    assert start_button(app)


@pytest.mark.parametrize(
    "error",
    [
        PowerModeNeedsReboot("MODE_30W needs a reboot.", "Run nvpmodel and answer YES."),
        BoardBusy("The board is held by run xyz.", "Wait.", run_id="xyz"),
    ],
)
def test_refusal_is_shown_once_in_one_box(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch, error: PowerModeNeedsReboot | BoardBusy
) -> None:
    app = page(singletons)
    started_with(app, monkeypatch, error)
    assert [box.value for box in app.error] != []
    assert error.message in app.error[0].value
    assert len(app.error) == 1
    assert len(app.run().error) == 0


def test_while_a_run_is_on_nothing_can_be_started_and_stop_asks_once(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    monkeypatch.setattr(launcher, "stop", lambda recording, settings: stopped.append(recording.run_id))
    app = page(singletons)
    assert "start" not in {button.key for button in app.button}
    assert app.selectbox(key=state.FORM_MODEL).disabled
    assert app.query_params["run"] in (RUN_ID, [RUN_ID])
    assert "This run: resnet-152, cifar100, batch 1, power mode current." in [text.value for text in app.caption]
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


def test_unknown_run_is_told_not_thrown(singletons: Settings) -> None:
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = "../../etc/passwd"
    app.run()
    assert not app.exception
    assert "no run id" in app.error[0].value


def test_recording_row_has_what_the_table_shows(singletons: Settings, folder: Folder) -> None:
    from dashboard import runs

    store.write_json(folder.path / store.SUMMARY, SUMMARY)
    row = runs._row(Recording(folder=folder.path), None)
    assert (row["Model"], row["State"], row["FPS"], row["Power (W)"]) == ("resnet-152", "done", 3.25, None)
    assert row["Board and data"] == "SIMULATED BOARD, random weights, synthetic images"


def test_words() -> None:
    assert [length_text(s) for s in (4.4, 60, 200, 3600, 7500)] == ["4 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min"]
    assert started_utc(RUN_ID).isoformat() == "2026-01-02T03:04:05+00:00"
    assert source_label({"source": "tegrastats", "weights": "cached"}) == "tegrastats"
