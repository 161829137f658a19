"""Repeating a run: the form says the same as the run was asked to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import board, controls, links, run_again, state
from dashboard.board import BoardView
from orin_core import catalog
from orin_core.runs import launcher, store
from orin_core.settings import Settings
from orin_core.spec import RunSpec, to_json
from tests.unit.dashboard.conftest import RUN_ID, Folder
from tests.unit.dashboard.pages import HOME, SUMMARY


def script() -> None:
    from dashboard import runs

    runs.page()


def spec_of(**fields: Any) -> dict[str, Any]:
    given: Mapping[str, Any] = {"model": "resnet-152", "dataset": "cifar100", "weights": "random", **fields}
    return to_json(RunSpec(**given).validated())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"profile": "formal", "power_mode": "30W", "batch_size": 8, "lock_clocks": True, "idle_s": 3.5},
        {"items": 250, "images": "synthetic", "interval_ms": 500},
        {"seconds": 90.0, "profile": "demo", "warmup_min_s": 1.0, "warmup_max_s": 2.0},
        {"method": "graph", "precision": "fp16", "preload": True, "smaller_batch": True, "batch_size": 4},
        {"method": "reference", "precision": "tf32"},
    ],
)
def test_form_that_was_filled_asks_for_the_same(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    spec = spec_of(**fields)
    begun: list[RunSpec] = []

    def start(asked_spec: RunSpec, settings: Settings) -> launcher.Started:
        begun.append(asked_spec)
        return launcher.Started(run_id=RUN_ID, folder=settings.runs_dir / RUN_ID, notices=())

    monkeypatch.setattr(launcher, "start", start)
    app = AppTest.from_file(str(HOME), default_timeout=60)
    filled = run_again.filled(spec, board.look(singletons))
    for key, value in filled.values.items():
        app.session_state[key] = value
    app.run()
    assert not app.exception
    app.button(key="start").click().run()
    again = to_json(begun[0].validated())
    same = set(spec) - {"power_mode", "telemetry", "images"}
    assert {key: again[key] for key in same} == {key: spec[key] for key in same}
    assert again["power_mode"] == ("MODE_30W" if fields.get("power_mode") else "current")
    assert again["images"] in ("synthetic", "cached")
    assert [text for text in filled.otherwise if "images" not in text] == []


def test_what_the_new_run_would_do_otherwise_is_named(singletons: Settings) -> None:
    """What the form cannot say, or this machine does not have, must not go unsaid; nor what was chosen in this tab."""
    view = dataclasses.replace(board.look(singletons), has_jetson_clocks=False)
    asked = spec_of(weights="cached", images="synthetic", power_mode="MODE_99W", lock_clocks=True, seed=7, seconds=0.5)
    filled = run_again.filled(asked, view)
    assert filled.values[f"{state.FORM_WEIGHTS}_resnet-152"] == controls.DOWNLOAD
    assert filled.values[f"{state.FORM_IMAGES}_cifar100"] == controls.SYNTHETIC
    for part in ("weights that must be downloaded", "no mode MODE_99W", "no jetson_clocks", "the seed, 0", "of 1 s"):
        assert part in filled.notice, part
    assert "images" not in filled.notice
    plainly = run_again.filled(spec_of(images="synthetic"), view)
    assert plainly.otherwise == ()
    assert plainly.values[f"{state.FORM_WEIGHTS}_resnet-152"] == controls.RANDOM


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"min_items": 500}, ("at least 100 images",)),
        ({"seconds": 90.0, "min_items": 500}, ("no least number of images",)),
        ({"profile": "demo", "min_items": 5, "seconds": 20.0}, ("no least number of images",)),
        ({"seed": 7}, ("the seed, 0",)),
    ],
)
def test_what_the_form_cannot_say_is_named(singletons: Settings, fields: dict[str, Any], told: tuple[str, ...]) -> None:
    otherwise = run_again.filled(spec_of(images="synthetic", **fields), board.look(singletons)).otherwise
    assert len(otherwise) == len(told)
    assert all(any(part in text for text in otherwise) for part in told)


def test_random_weights_are_not_promised_where_the_form_takes_the_real_ones(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tuple(dataclasses.replace(choice, cached=True) for choice in catalog.model_choices())
    monkeypatch.setattr(catalog, "model_choices", lambda: here)
    filled = run_again.filled(spec_of(images="synthetic"), board.look(singletons))
    assert filled.otherwise == ("weights that are not random, since they are on this machine by now",)


def test_model_and_folder_of_a_path_are_filled_in(singletons: Settings) -> None:
    values = run_again.filled(spec_of(model="/m/own", dataset="/d/images", seconds=0.2), BoardView(kind="")).values
    assert (values[state.FORM_MODEL], values[state.FORM_MODEL_PATH]) == (controls.OTHER_MODEL, "/m/own")
    assert (values[state.FORM_DATASET], values[state.FORM_DATASET_PATH]) == (controls.FOLDER, "/d/images")
    assert values[state.FORM_SECONDS] == 1


@pytest.mark.parametrize(
    "spec",
    [{}, {"model": "a"}, {"model": 3, "dataset": "b"}, {"model": "a", "dataset": "b", "telemetry": "replay:x.log"}],
)
def test_what_was_no_run_of_a_model_cannot_be_repeated(spec: dict[str, Any]) -> None:
    assert not run_again.can_repeat(spec)


def test_damaged_spec_fills_in_what_the_form_has_at_first(singletons: Settings) -> None:
    damaged = {
        "method": "magic",
        "precision": "fp8",
        "batch_size": "many",
        "interval_ms": -1,
        "idle_s": None,
        "profile": 7,
        "items": "x",
        "power_mode": 5,
    }
    filled = run_again.filled({"model": "resnet-152", "dataset": "cifar100", **damaged}, BoardView(kind=""))
    values = filled.values
    usual = RunSpec()
    assert (values[state.FORM_BATCH], values[state.FORM_INTERVAL_MS]) == (usual.batch_size, usual.interval_ms)
    assert (values[state.FORM_IDLE_S], values[state.FORM_PROFILE]) == (usual.idle_s, usual.profile)
    assert (values[state.FORM_LENGTH], values[state.FORM_MODE]) == (controls.AS_ASKED, controls.CURRENT)
    assert {
        "the method, batched",
        "the precision, fp32",
        "batch size, 1",
        "time between ticks, 1000",
        "a length as the protocol asks",
    } <= set(filled.otherwise)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), "long", [], True])
def test_length_that_is_no_number_gives_the_protocols(singletons: Settings, seconds: object) -> None:
    damaged = {"model": "resnet-152", "dataset": "cifar100", "seconds": seconds, "profile": []}
    assert run_again.filled(damaged, BoardView(kind="")).values[state.FORM_LENGTH] == controls.AS_ASKED


def test_repeat_is_offered_and_pages_are_known_by_name(singletons: Settings, folder: Folder) -> None:
    store.write_json(folder.path / store.SPEC, spec_of())
    store.write_json(folder.path / store.SUMMARY, SUMMARY)
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    app.button(key="run_again").click().run()
    assert app.session_state[state.FORM_MODEL] == "resnet-152"
    home = AppTest.from_file(str(HOME), default_timeout=60).run()
    assert {"live", "runs", "report", "import", "system"} <= set(home.session_state[links.KEY_PAGES])
