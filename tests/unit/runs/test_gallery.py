"""Pictures in a run folder: written whole or not at all, read with care, and never without their caveats."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from orin_core.runs import gallery, store
from orin_core.runs.recording import Recording
from tests.support import jpeg_bytes

JPEG = jpeg_bytes()


def event(count: int = 2, **changes: Any) -> dict[str, Any]:
    one = {"jpeg": base64.b64encode(JPEG).decode(), "title": "tabby 0.93", "kind": "classification"}
    return {"pictures": [{**one, **changes} for _ in range(count)], "classes": 1000, "problem": ""}


def recording(tmp_path: Path, **environment: Any) -> Recording:
    store.write_json(tmp_path / store.ENVIRONMENT, environment)
    return Recording(folder=tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert gallery.keep(tmp_path, event()) == (2, "")
    found = Recording(folder=tmp_path)
    assert gallery.pictures(found) == (
        gallery.Picture(file="0.jpg", title="tabby 0.93", kind="classification"),
        gallery.Picture(file="1.jpg", title="tabby 0.93", kind="classification"),
    )
    assert gallery.count(found) == 2
    assert gallery.jpeg(found, "1.jpg") == JPEG
    assert gallery.jpeg(found, "2.jpg") is None
    assert names(tmp_path) == ["gallery"]


def test_a_run_without_pictures_has_none(tmp_path: Path) -> None:
    assert gallery.keep(tmp_path, {"pictures": [], "problem": "No font."}) == (0, "No font.")
    found = Recording(folder=tmp_path)
    assert (gallery.pictures(found), gallery.count(found), gallery.caption(found)) == ((), 0, "")
    assert names(tmp_path) == []


def test_no_more_than_eight_are_kept_and_a_problem_with_the_rest_is_told(tmp_path: Path) -> None:
    assert gallery.keep(tmp_path, {**event(12), "problem": "No font."}) == (8, "No font.")
    assert names(tmp_path / "gallery") == [*(f"{number}.jpg" for number in range(8)), "gallery.json"]


@pytest.mark.parametrize(
    "bad",
    [
        event(jpeg="no base64!"),
        event(jpeg=base64.b64encode(b"<svg/>").decode()),
        event(jpeg=base64.b64encode(JPEG + bytes(gallery.MAX_JPEG_BYTES)).decode()),
        event(kind="nonsense"),
        event(jpeg=7),
        {"pictures": [{}]},
        {"pictures": ["x"]},
        {"pictures": 7},
    ],
)
def test_garbled_pictures_leave_nothing_but_a_sentence(tmp_path: Path, bad: dict[str, Any]) -> None:
    count, problem = gallery.keep(tmp_path, bad)
    assert count == 0
    assert problem.startswith("The pictures of what the model says could not be kept:")
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_costs_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "gallery").mkdir()
    (tmp_path / "gallery" / "kept").touch()
    count, problem = gallery.keep(tmp_path, event())
    assert count == 0
    assert "not empty" in problem
    assert names(tmp_path) == ["gallery"]


@pytest.mark.parametrize("file", ["8.jpg", "gallery.json", "../spec.json", "0.jpg\n", "..", ""])
def test_only_the_names_of_pictures_name_anything(tmp_path: Path, file: str) -> None:
    gallery.keep(tmp_path, event())
    assert gallery.jpeg(Recording(folder=tmp_path), file) is None


def test_a_link_or_a_file_that_is_no_picture_is_not_given_out(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    folder = tmp_path / "gallery"
    folder.mkdir()
    os.symlink(tmp_path / "secret.jpg", folder / "0.jpg")
    (folder / "1.jpg").write_bytes(b"<html>")
    (folder / "2.jpg").write_bytes(JPEG + bytes(gallery.MAX_JPEG_BYTES))
    (folder / "3.jpg").mkdir()
    os.mkfifo(folder / "4.jpg")
    found = Recording(folder=tmp_path)
    assert [gallery.jpeg(found, f"{number}.jpg") for number in range(5)] == [None] * 5


@pytest.mark.parametrize("rows", [7, [7], [{}], [{"file": "9.jpg", "title": "", "kind": "depth"}], [{"file": 0}]])
def test_a_damaged_list_is_an_empty_one(tmp_path: Path, rows: Any) -> None:
    (tmp_path / "gallery").mkdir()
    store.write_json(tmp_path / "gallery" / "gallery.json", {"pictures": rows})
    assert gallery.pictures(Recording(folder=tmp_path)) == ()


def test_the_caption_says_what_the_words_of_the_model_are_worth(tmp_path: Path) -> None:
    gallery.keep(tmp_path, event())
    said = gallery.caption(recording(tmp_path, weights="random", images="synthetic", dataset="cifar100"))
    assert "Random weights: what the model says means nothing." in said
    assert "there is nothing to recognise" in said
    said = gallery.caption(recording(tmp_path, weights="cached", images="cached", dataset="cifar100"))
    assert "its own 1000 classes; CIFAR-100 test shows others, so the names mean nothing here" in said
    said = gallery.caption(recording(tmp_path, weights="local", images="local", dataset="/some/folder"))
    assert "nothing" not in said
    assert said.endswith("no part of what is measured.")


def test_the_caption_of_answers_speaks_of_prompts(tmp_path: Path) -> None:
    gallery.keep(tmp_path, event(kind="text"))
    said = gallery.caption(recording(tmp_path, weights="cached", images="synthetic", dataset="no-robots"))
    assert said == (
        "Synthetic prompts: made-up tokens, there is nothing to answer. "
        "Made before warm-up from prompts spread over the data set; no part of what is measured."
    )
    said = gallery.caption(recording(tmp_path, weights="cached", images="cached", dataset="no-robots"))
    assert said.startswith("Made before warm-up from prompts")


def test_a_model_of_the_data_sets_own_classes_is_not_doubted(tmp_path: Path) -> None:
    gallery.keep(tmp_path, {**event(), "classes": 100})
    said = gallery.caption(recording(tmp_path, weights="local", images="cached", dataset="cifar100"))
    assert "nothing" not in said


def test_depth_explains_its_colours_and_names_no_classes(tmp_path: Path) -> None:
    gallery.keep(tmp_path, {**event(kind="depth"), "classes": None})
    said = gallery.caption(recording(tmp_path, weights="cached", images="cached", dataset="cifar100"))
    assert said.startswith("Bright is near, dark is far")
