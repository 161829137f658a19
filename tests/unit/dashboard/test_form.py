"""The form: method, precision and memory; models and images of a person's own; downloads with their size."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import constants
from streamlit.testing.v1 import AppTest

from dashboard import controls, state
from dashboard.words import plain
from orin_core.assets import fetch_process
from orin_core.methods import EXPLAINED, PRECISIONS, Method
from orin_core.settings import Settings
from tests.conftest import wait_for
from tests.support import write_images, write_tiny_model
from tests.support_hub import SHA, StandInHub
from tests.unit.dashboard.pages import page, start_button, started_with


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


@pytest.fixture
def cache(singletons: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, the same for this process and for those that it starts."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    return tmp_path / "hf" / "hub"


def test_first_choice_is_what_a_run_does_when_nothing_is_said(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(singletons)
    assert len(app.selectbox(key=state.FORM_METHOD).options) == len(Method)
    [spec] = started_with(app, monkeypatch)
    assert (spec.method, spec.precision, spec.preload, spec.smaller_batch) == ("batched", "fp32", False, False)
    assert plain(EXPLAINED[Method.BATCHED]) in captions(app)


@pytest.mark.parametrize("method", list(Method))
def test_precisions_are_those_of_the_method(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_PRECISION).set_value("bf16").run()
    app.selectbox(key=state.FORM_METHOD).set_value(method.value).run()
    assert not app.exception
    assert EXPLAINED[method] in captions(app)
    assert len(app.selectbox(key=state.FORM_PRECISION).options) == len(PRECISIONS[method])
    last = PRECISIONS[method][-1].value
    app.selectbox(key=state.FORM_PRECISION).set_value(last).run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.method, spec.precision) == (method.value, last)


def test_a_language_model_gets_prompts_and_no_random_weights(
    cache: Path, singletons: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_MODEL).set_value("phi-3.5-mini-instruct").run()
    assert not app.exception
    prompts = app.selectbox(key=state.FORM_DATASET)
    assert (prompts.label, prompts.value) == ("Prompts", "no-robots")
    told = (prompts.proto.set_value, prompts.proto.raw_value)
    assert told == (True, prompts.options[0]), "a browser goes on showing the images that were chosen until it is told"
    shown = captions(app)
    assert "Prompts tokenised ahead" in shown
    assert "Images decoded ahead" not in shown
    assert app.number_input(key=state.FORM_BATCH).help == "Prompts per model call."
    [preload] = [box for box in app.checkbox if box.label == "Preload images"]
    assert preload.disabled
    app.selectbox(key=state.FORM_METHOD).set_value("reference").run()
    assert "Batch size 1: reference takes one prompt at a time." in captions(app)
    app.selectbox(key=state.FORM_METHOD).set_value("batched").run()
    assert "Number of prompts" in app.selectbox(key=state.FORM_LENGTH).options
    assert "70 s of measure and 100 prompts" in captions(app)
    assert not start_button(app)
    assert "Download the weights of Phi-3.5-mini-instruct first." in captions(app)
    assert not [radio for radio in app.radio if radio.label == "Weights are not downloaded"]
    folder = write_tiny_model(tmp_path / "own")
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    for name in ("tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}")
    app.selectbox(key=state.FORM_MODEL).set_value(controls.OTHER_MODEL).run()
    app.text_input(key=state.FORM_MODEL_PATH).set_value(str(folder)).run()
    app.selectbox(key=state.FORM_METHOD).set_value("graph").run()
    assert not start_button(app)
    assert "graph does not generate text" in captions(app)
    app.selectbox(key=state.FORM_METHOD).set_value("batched").run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.model, spec.dataset, spec.images) == (str(folder), "no-robots", "synthetic")
    (tmp_path / "own.txt").write_text("One?")
    app.selectbox(key=state.FORM_DATASET).set_value(controls.FOLDER).run()
    app.text_input(key=state.FORM_DATASET_PATH).set_value(str(tmp_path / "own.txt")).run()
    [spec] = started_with(app, monkeypatch)
    assert spec.dataset == str(tmp_path / "own.txt")
    app.selectbox(key=state.FORM_MODEL).set_value("resnet-152").run()
    assert not start_button(app)
    assert "This model takes images, and these are prompts." in captions(app)
    app.selectbox(key=state.FORM_DATASET).set_value("cifar100").run()
    assert "70 s of measure and 100 images" in captions(app)


def test_reference_takes_one_image_at_a_time_and_says_so(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(singletons)
    app.number_input(key=state.FORM_BATCH).set_value(8).run()
    app.checkbox(key=state.FORM_PRELOAD).check().run()
    app.checkbox(key=state.FORM_SMALLER_BATCH).check().run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.batch_size, spec.preload, spec.smaller_batch) == (8, True, True)
    app.selectbox(key=state.FORM_METHOD).set_value("reference").run()
    assert "Batch size 1: reference" in captions(app)
    [spec] = started_with(app, monkeypatch)
    assert (spec.method, spec.batch_size, spec.preload, spec.smaller_batch) == ("reference", 1, False, False)
    app.selectbox(key=state.FORM_METHOD).set_value("batched").run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.batch_size, spec.preload, spec.smaller_batch) == (8, True, True), "what was chosen comes back"


def test_own_model_and_images_are_looked_at_before_the_run(
    cache: Path, singletons: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_tiny_model(tmp_path / "model")
    (model / "model.safetensors").write_bytes(b"x")
    app = page(singletons)
    app.selectbox(key=state.FORM_MODEL).set_value(controls.OTHER_MODEL).run()
    assert "Name your model." in captions(app)
    field = app.text_input(key=state.FORM_MODEL_PATH)
    field.set_value(str(tmp_path / "nothing")).run()
    assert "There is no model folder" in captions(app)
    assert not start_button(app)
    app.text_input(key=state.FORM_MODEL_PATH).set_value(str(model)).run()
    assert start_button(app)
    app.selectbox(key=state.FORM_DATASET).set_value(controls.FOLDER).run()
    app.text_input(key=state.FORM_DATASET_PATH).set_value("camera:/nowhere/clip.mp4").run()
    assert "There is no" in captions(app)
    assert not start_button(app)
    app.text_input(key=state.FORM_DATASET_PATH).set_value(str(write_images(tmp_path / "images", 2))).run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.model, spec.dataset, spec.weights) == (str(model), str(tmp_path / "images"), "auto")


@pytest.mark.parametrize(
    ("typed", "said"), [("~no-such-user/x", "begins with no user of this machine"), ("a" * 300, "cannot be looked at")]
)
def test_a_path_that_cannot_be_looked_at_is_a_sentence(singletons: Settings, typed: str, said: str) -> None:
    app = page(singletons)
    app.selectbox(key=state.FORM_DATASET).set_value(controls.FOLDER).run()
    app.text_input(key=state.FORM_DATASET_PATH).set_value(typed).run()
    assert not app.exception
    assert said in captions(app)
    assert not start_button(app)


def test_a_camera_is_not_preloaded(singletons: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip.avi").touch()
    app = page(singletons)
    app.checkbox(key=state.FORM_PRELOAD).check().run()
    app.selectbox(key=state.FORM_DATASET).set_value(controls.FOLDER).run()
    app.text_input(key=state.FORM_DATASET_PATH).set_value(f"camera:{tmp_path / 'clip.avi'}").run()
    [box] = [box for box in app.checkbox if box.label == "Preload images"]
    assert (box.disabled, box.value) == (True, False), "no tick from before looks as if it counted"
    [spec] = started_with(app, monkeypatch)
    assert (spec.dataset, spec.preload) == (f"camera:{tmp_path / 'clip.avi'}", False)
    app.selectbox(key=state.FORM_LENGTH).set_value(controls.WHOLE).run()
    assert "The number of images is not known" in captions(app)


def test_a_hub_id_is_downloaded_from_the_page_with_its_size_stopped_and_gone_on_with(
    cache: Path, singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real downloads from a hub that stands in for the real one; every step is a click."""
    name, state_dir = "a/vit", singletons.state_dir

    def now() -> fetch_process.FetchState:
        return fetch_process.state(name, state_dir)

    with StandInHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.repos["models/a/vit"] = {
            "config.json": json.dumps({"architectures": ["ViTForImageClassification"]}).encode(),
            "preprocessor_config.json": b"{}",
            "model.safetensors": os.urandom(24_000_000),
        }
        hub.pause_after = 8_000_000
        app = page(singletons)
        app.selectbox(key=state.FORM_MODEL).set_value(controls.OTHER_MODEL).run()
        app.text_input(key=state.FORM_MODEL_PATH).set_value(name).run()
        assert not start_button(app)
        assert app.button(key="fetch_a/vit").label == "Download vit"
        app.button(key="fetch_a/vit").click().run()
        wait_for(lambda: not now().running, "the size")
        app.run()
        assert not app.exception
        assert "It is 24 MB." in captions(app)
        assert not hub.gets(), "nothing large is fetched before it is asked for"
        assert app.button(key="fetch_a/vit").label == "Download 24 MB"

        app.button(key="fetch_a/vit").click().run()
        wait_for(lambda: (now().done_mb or 0) > 7 and now().state == "downloading", "the first part")
        app.run()
        assert not start_button(app)
        app.button(key="fetch_stop_a/vit").click().run()
        wait_for(lambda: now().state == "cancelled", "the end of the process")
        app.run()
        assert "Stopped; what has come is kept." in captions(app)
        assert app.button(key="fetch_a/vit").label == "Go on with the download"

        hub.pause_after = None
        hub.go_on.set()
        app.button(key="fetch_a/vit").click().run()
        wait_for(lambda: not now().running, "its end")
        assert now().state == "done"
        assert int(hub.gets()[-1]["Range"].removeprefix("bytes=").removesuffix("-")) >= 7_000_000
        app.run()
    [spec] = started_with(app, monkeypatch)
    assert (spec.model, spec.weights) == (name, "auto")
    assert (cache / "models--a--vit" / "refs" / "main").read_text() == SHA
