"""The Sweeps page by Streamlit's own harness: the form, the check, the queue and what can be asked of a sweep."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.SelectWidgetFilterMode_pb2 import FILTER_MODE_PREFIX
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import state as keys
from dashboard import sweep_form, sweep_matrix, sweep_start
from orin_core.errors import BoardBusy, CellsRefused
from orin_core.runs import launcher
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps import conductor, control, matrix, queue, state
from orin_core.sweeps import spec as specs
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Progress, Sweep, SweepState, Wanted
from tests.unit.report import built
from tests.unit.report.folders import write_run

PAGE = Path(dashboard.__file__).with_name("sweep.py")


def show() -> None:
    import streamlit as st

    from dashboard import state, sweep
    from orin_core.errors import OrinError

    try:
        sweep.page()
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    if state.KEY_ERROR in st.session_state:
        st.error(" ".join(st.session_state.pop(state.KEY_ERROR)))


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keeps the queue's process away; notes that it was asked for."""
    asked: list[str] = []
    monkeypatch.setattr(conductor, "ensure", lambda settings: asked.append("ensure"))
    return asked


def page(**query: str) -> AppTest:
    app = AppTest.from_function(show, default_timeout=60)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """Everything that is shown, in one text."""
    groups = (app.markdown, app.caption, app.info, app.warning, app.error, app.code)
    parts = [str(box.value) for boxes in groups for box in boxes]
    shown = board(app)
    parts += [shown["head"]["html"], shown["status"]["text"], shown["matrix"]] if "head" in shown else []
    return "\n".join([*parts, *(one.proto.body for one in app.get("html"))])


def mounted(app: AppTest) -> dict[str, dict[str, Any]]:
    """What the page gives its components, by their names."""
    return {
        one.proto.component_name: json.loads(one.proto.json or one.proto.mixed.json)
        for one in app.get("bidi_component")
    }


def board(app: AppTest) -> dict[str, Any]:
    return mounted(app).get("orin_sweep_board", {})


def error_of(app: AppTest) -> str:
    """The one error, without what keeps Markdown from reading it."""
    [shown] = app.error
    return re.sub(r"\\(.)", r"\1", str(shown.value))


def button_keys(app: AppTest) -> set[str]:
    return {str(button.key) for button in app.button}


def make(settings: Settings, name: str = "try", **changes: Any) -> Sweep:
    document = {"models": ["resnet-152"], "datasets": ["cifar100"], "power_modes": ["MAXN", "50W"]}
    spec = specs.from_json({"name": name, **document, **changes})
    sweep = state.make(spec, settings, [one.cell_id for one in spec.cells() if not one.excluded])
    queue.add(settings, sweep.sweep_id)
    return sweep


def set_cells(sweep: Sweep, stands: SweepState = SweepState.QUEUED, message: str = "", **given: Any) -> None:
    """Writes a state: cells by their ids with a line before, other fields by their names."""
    before = sweep.progress()
    cells = {key.removeprefix("_"): one for key, one in given.items() if key.startswith("_")}
    rest = {key: one for key, one in given.items() if not key.startswith("_")}
    sweep.write(Progress(state=stands, message=message, order=before.order, cells={**before.cells, **cells}, **rest))


def myself() -> dict[str, Any]:
    """This process as the one that works on a sweep."""
    me = ProcessId.of(os.getpid())
    assert me is not None
    return {"conductor_pid": me.pid, "conductor_start": me.start}


def test_empty_page_explains_itself_and_offers_an_example(singletons: Settings) -> None:
    app = page()
    assert "runs every model in every power mode" in texts(app)
    assert "nothing in it is ranked" in texts(app)
    assert app.button(key="sweep_check").disabled
    app.button(key="sweep_example").click().run()
    assert app.text_area(key=keys.FORM_SWEEP_TEXT).value == sweep_start.EXAMPLE
    assert not app.button(key="sweep_check").disabled
    specs.from_json(json.loads(sweep_start.EXAMPLE))


def test_nothing_starts_before_it_was_checked_and_a_change_asks_for_another_check(
    singletons: Settings, nobody_works: list[str]
) -> None:
    app = page()
    app.multiselect(key=keys.FORM_SWEEP_MODELS).set_value(["resnet-152"]).run()
    assert "Choose at least one data set" in texts(app)
    app.multiselect(key=keys.FORM_SWEEP_DATASETS).set_value(["cifar100"]).run()
    app.multiselect(key=keys.FORM_SWEEP_MODES).set_value(["MAXN", "MODE_50W", "MODE_30W"]).run()
    assert "sweep_start" not in button_keys(app)
    app.multiselect(key=keys.FORM_SWEEP_EXCLUDE).set_value(["resnet-152 × MODE_50W"]).run()
    app.button(key="sweep_check").click().run()
    told = texts(app)
    for words in ("<dd>2; 1 is left out</dd>", "Ends", "about 1 MB", "MAXN, 30W", "30W come last", "back to the mode"):
        assert words in told
    app.number_input(key=keys.FORM_SWEEP_REPEATS).set_value(3).run()
    assert "sweep_start" not in button_keys(app), "what was checked is not what the form says now"
    app.checkbox(key=keys.FORM_SWEEP_REBOOT).set_value(True).run()
    assert "every program on the board ends" in texts(app)
    app.button(key="sweep_check").click().run()
    assert "reboots by itself for 30W" in texts(app)
    assert not state.list_sweeps(singletons)
    app.button(key="sweep_start").click().run()
    assert not app.exception
    [sweep] = state.list_sweeps(singletons)
    spec = sweep.spec()
    assert (spec.repeats, spec.reboot, spec.run, nobody_works) == (3, True, {"telemetry": "simulated"}, ["ensure"])
    assert spec.exclude == ({"model": "resnet-152", "power_mode": "MODE_50W"},)
    assert queue.order(singletons) == [sweep.sweep_id]
    assert app.query_params["sweep"] in (sweep.sweep_id, [sweep.sweep_id])
    assert "0 of 6 runs done" in texts(app)


def test_what_cannot_be_is_named_as_the_form_names_it(singletons: Settings) -> None:
    app = page()
    app.multiselect(key=keys.FORM_SWEEP_MODELS).set_value(["resnet-152"]).run()
    app.multiselect(key=keys.FORM_SWEEP_DATASETS).set_value(["cifar100"]).run()
    app.multiselect(key=keys.FORM_SWEEP_MODES).set_value(["MAXN"]).run()
    app.multiselect(key=keys.FORM_SWEEP_METHODS).set_value(["batched", "reference"]).run()
    app.multiselect(key=keys.FORM_SWEEP_BATCHES).set_value(["1", "4"]).run()
    refused = error_of(app)
    assert "reference takes one image at a time, not 4" in refused
    assert 'Or choose batch 4 × reference under "Leave out".' in refused
    assert "exclude" not in refused
    field = app.multiselect(key=keys.FORM_SWEEP_EXCLUDE)
    assert "batch 4 × reference" in field.options
    field.set_value(["batch 4 × reference"]).run()
    assert not app.error
    app.multiselect(key=keys.FORM_SWEEP_EXCLUDE).set_value([]).run()
    app.multiselect(key=keys.FORM_SWEEP_METHODS).set_value(["reference"]).run()
    app.multiselect(key=keys.FORM_SWEEP_BATCHES).set_value(["4"]).run()
    assert error_of(app).endswith("Use a batch size of 1."), "leaving that out would leave nothing"
    document = {"models": ["resnet-152"], "datasets": ["cifar100"], "methods": ["reference"], "batch_sizes": [4]}
    app = page()
    app.button(key="sweep_example").click().run()
    app.text_area(key=keys.FORM_SWEEP_TEXT).set_value(json.dumps(document)).run()
    assert '"exclude": [{"method": "reference", "batch_size": 4}]' in error_of(app), "a file is mended in its own words"


@pytest.mark.parametrize(
    ("exclusions", "said"),
    [
        ([{"method": "graph"}], 'Or take graph out of "Methods".'),
        (
            [{"method": "graph"}, {"precision": "fp16"}, {"method": "onnx", "precision": "int8"}],
            'Or take graph out of "Methods", take fp16 out of "Precisions", choose onnx × int8 under "Leave out".',
        ),
        ([{"batch_size": 8}], ""),  # nothing would be left
        ([{"model": "yolov8n", "method": "onnx", "precision": "int8"}], ""),  # for a file
    ],
)
def test_the_form_is_told_how_it_leaves_out(exclusions: list[dict[str, Any]], said: str) -> None:
    found = {
        "models": ["yolov8n", "resnet-152"], "datasets": ["cifar100"], "power_modes": ["MAXN"], "batch_sizes": [8],
        "methods": ["graph", "onnx", "batched"], "precisions": ["fp32", "fp16", "int8"],
    }  # fmt: skip
    assert sweep_form.or_leave_out(exclusions, found) == said


def test_what_the_device_cannot_do_is_refused_in_the_words_of_the_form(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: specs.SweepSpec, settings: Settings) -> None:
        exclusions = ({"method": "graph"},)
        raise CellsRefused("There is no CUDA here.", '"exclude": []', advice="Use batched.", exclusions=exclusions)

    monkeypatch.setattr(control, "plan", refuse)
    app = page()
    for key, value in (
        (keys.FORM_SWEEP_MODELS, "resnet-152"), (keys.FORM_SWEEP_DATASETS, "cifar100"), (keys.FORM_SWEEP_MODES, "MAXN"),
    ):  # fmt: skip
        app.multiselect(key=key).set_value([value]).run()
    app.multiselect(key=keys.FORM_SWEEP_METHODS).set_value(["batched", "graph"]).run()
    app.button(key="sweep_check").click().run()
    assert error_of(app).endswith('Use batched. Or take graph out of "Methods".')


def test_a_batch_size_that_is_typed_is_the_one_that_is_added(singletons: Settings) -> None:
    field = page().multiselect(key=keys.FORM_SWEEP_BATCHES)
    assert field.proto.filter_mode == FILTER_MODE_PREFIX
    assert field.proto.select_all == 0, "else Enter adds all that begin like it"
    for option in field.options:
        for length in range(1, len(option)):
            assert option[:length] in field.options, "the first that begins like it is it"
    assert list(field.options) == sorted(field.options, key=int)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "A sweep is a JSON object"),
        ('{"models": ["a"], "dataset": []}', "A sweep has no key"),
        ('{"models": ["resnet-152"], "datasets": ["cifar100"], "run": 3}', "run is 3"),
    ],
)
def test_file_that_is_wrong_says_where(singletons: Settings, text: str, said: str) -> None:
    app = page()
    app.session_state[keys.FORM_SWEEP_WAY] = sweep_start.FILE
    app.run()
    app.text_area(key=keys.FORM_SWEEP_TEXT).set_value(text).run()
    assert said in texts(app).replace("\\", "")
    assert not app.exception


def test_everything_that_is_wrong_is_said_at_once(singletons: Settings) -> None:
    app = page()
    app.session_state[keys.FORM_SWEEP_WAY] = sweep_start.FILE
    app.session_state[keys.FORM_SWEEP_TEXT] = json.dumps(
        {"models": ["resnet-151"], "datasets": ["/no/such"], "power_modes": ["75W"]}
    )
    app.run()
    app.button(key="sweep_check").click().run()
    [error] = app.error
    for name in ("resnet-151", "/no/such", "75W"):
        assert name in error.value.replace("\\", "")
    assert "sweep_start" not in button_keys(app)


def test_matrix_tells_every_cell_in_words_and_links_its_run(singletons: Settings) -> None:
    sweep = make(singletons, repeats=2)
    summary = built.run(1, fps=20.0, status="simulated", simulated=True, source="simulated")
    write_run(singletons.runs_dir, summary)
    run_id = str(summary["run_id"])
    attempt = Attempt(run_id=run_id, outcome="done", begun_utc="2026-03-01T00:00:00.000Z")
    set_cells(
        sweep,
        SweepState.STOPPED,
        "The sweep was stopped.",
        _001=CellProgress(state=CellState.DONE, run_id=run_id, attempts=(attempt,)),
        _003=CellProgress(state=CellState.FAILED, reason="No <b>model</b>."),
    )
    app = page(sweep=sweep.sweep_id)
    told = texts(app)
    assert "<b>20.00</b>" in told
    assert "○ pending, 1 of 2 done · SIMULATED" in told
    assert f'href="/runs?run={run_id}"' in told
    assert "No &lt;b&gt;model&lt;/b&gt;." in told
    assert "<b>model" not in told
    assert "The sweep was stopped" in told
    assert "1 of 4 runs done · 1 failed" in told
    app = page(sweep=sweep.sweep_id, show="validity")
    assert '<span class="badge" data-tone="neutral">1 × SIMULATED</span>' in texts(app)


def test_two_models_of_one_short_name_are_left_out_apart(singletons: Settings, tmp_path: Path) -> None:
    models = [str(tmp_path / one / "model") for one in ("a", "b")]
    app = page()
    app.multiselect(key=keys.FORM_SWEEP_MODELS).set_value(models).run()
    app.multiselect(key=keys.FORM_SWEEP_DATASETS).set_value(["cifar100"]).run()
    app.multiselect(key=keys.FORM_SWEEP_MODES).set_value(["MAXN", "MODE_50W"]).run()
    exclude = app.multiselect(key=keys.FORM_SWEEP_EXCLUDE)
    assert f"{models[0]} × MAXN" in exclude.options
    exclude.set_value([json.dumps({"model": models[1], "power_mode": "MAXN"})]).run()
    [found] = [one for one in app.get("download_button") if "sweep.json" in one.proto.label]
    assert found
    app.multiselect(key=keys.FORM_SWEEP_MODELS).set_value(models[1:]).run()
    assert app.multiselect(key=keys.FORM_SWEEP_EXCLUDE).value == [
        json.dumps({"model": models[1], "power_mode": "MAXN"})
    ], "what is left out stays so when its name gets shorter"


def test_process_that_cannot_be_started_is_an_error_beside_the_sweep(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(settings: Settings) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(conductor, "ensure", full)
    app = page()
    app.session_state[keys.FORM_SWEEP_WAY] = sweep_start.FILE
    app.session_state[keys.FORM_SWEEP_TEXT] = sweep_start.EXAMPLE
    app.run()
    app.button(key="sweep_check").click().run()
    app.button(key="sweep_start").click().run()
    assert not app.exception
    assert "No space left on device" in app.error[0].value
    [sweep] = state.list_sweeps(singletons)
    assert app.query_params["sweep"] in (sweep.sweep_id, [sweep.sweep_id])
    # The board has the page run again: what was said stays until somebody does something.
    app.session_state[keys.KEY_SWEEP_BY_ITSELF] = True
    app.run()
    assert "No space left on device" in app.error[0].value
    app.run()
    assert not app.error


def test_queue_shows_its_order_and_changes_it(singletons: Settings) -> None:
    first, second = make(singletons, "first"), make(singletons, "second")
    app = page(sweep=first.sweep_id)
    assert f"sweep_up_{first.sweep_id}" not in button_keys(app)
    app.button(key=f"sweep_up_{second.sweep_id}").click().run()
    assert queue.order(singletons) == [second.sweep_id, first.sweep_id]
    app.button(key=f"sweep_down_{second.sweep_id}").click().run()
    assert queue.order(singletons) == [first.sweep_id, second.sweep_id]
    app.button(key=f"sweep_out_{second.sweep_id}").click().run()
    assert second.wanted() is Wanted.RUN
    app.button(key="sweep_stop_yes").click().run()
    assert (first.wanted(), second.wanted()) == (Wanted.RUN, Wanted.STOP)


def test_unknown_and_damaged_sweeps_cost_no_page(singletons: Settings) -> None:
    sweep = make(singletons)
    app = page(sweep="../../etc")
    assert "There is no sweep" in texts(app).replace("\\", "")
    (sweep.folder / state.STATE).write_text('{"cells": 3}')
    told = texts(page()).replace("\\", "")
    assert "cannot be read" in told


def test_second_click_on_start_does_not_lose_the_way_to_the_sweep(singletons: Settings) -> None:
    make(singletons, "earlier")
    app = page(new="1")
    app.session_state[keys.FORM_SWEEP_WAY] = sweep_start.FILE
    app.session_state[keys.FORM_SWEEP_TEXT] = sweep_start.EXAMPLE
    app.run()
    app.button(key="sweep_check").click().run()
    # The second click ends the script that was at work on the first one, as soon as the sweep is queued.
    made = make(singletons, "made")
    app.session_state[keys.KEY_SWEEP_STARTED] = {"id": made.sweep_id}
    app.session_state[keys.KEY_SWEEP_CHECKED] = None
    app.run()
    assert app.query_params["sweep"] in (made.sweep_id, [made.sweep_id])
    assert board(app)["sweep"] == made.sweep_id


def queue_page() -> None:
    import streamlit as st

    from dashboard import state, sweep_queue

    sweep_queue.offer()
    if state.KEY_ERROR in st.session_state:
        st.error(" ".join(st.session_state[state.KEY_ERROR]))


def test_run_that_was_refused_can_wait_in_the_queue(singletons: Settings, nobody_works: list[str]) -> None:
    app = AppTest.from_function(queue_page, default_timeout=60).run()
    assert not app.button
    refused = BoardBusy("The board is held by run X.", "Wait.", run_id="X")
    spec = RunSpec(model="resnet-152", dataset="cifar100", power_mode="50W", telemetry="simulated")
    app.session_state[keys.KEY_SWEEP_QUEUE] = (spec, refused.message)
    app.run()
    assert "can wait in the queue" in app.warning[0].value
    app.button(key="queue_run").click().run()
    assert not app.exception
    assert not app.error
    [sweep] = state.list_sweeps(singletons)
    assert [(one.model, one.power_mode) for one in sweep.spec().cells()] == [("resnet-152", "50W")]
    assert (queue.order(singletons), nobody_works) == ([sweep.sweep_id], ["ensure"])
    assert not app.button


def test_single_run_on_the_board_is_in_the_queue(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    make(singletons)
    folder = write_run(singletons.runs_dir, built.run(1))
    (folder / "spec.json").write_text("{}")
    monkeypatch.setattr(launcher, "active", lambda settings: Recording(folder=folder))
    assert f'On the board now: a single run</span><a class="orin-link" href="/?run={folder.name}' in texts(page())


def test_text_of_the_matrix_is_escaped() -> None:
    asked = specs.from_json({"models": ["/x/<script>"], "datasets": ["d", "e<"], "batch_sizes": [1, 2]})
    empty = Progress(order=(), cells={})
    shown = sweep_matrix.table(matrix.matrix(asked, empty, {}), "average_fps")
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert '<th scope="row">batch 2</th>' in shown
