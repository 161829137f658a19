"""Notes of a run: typed in before it, edited after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orin_core.errors import BadRequest, RunFailed
from orin_core.runs import store
from orin_core.runs.notes import NOTES, edited_utc, read_notes, write_notes
from orin_core.runs.recording import Recording
from orin_core.spec import MAX_NOTES

RUN_ID = "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    folder = tmp_path / RUN_ID
    folder.mkdir()
    store.write_json(folder / store.SPEC, {"model": "resnet-152", "notes": "Fan at full speed."})
    return Recording(folder=folder)


def test_notes_are_those_of_the_form_until_they_are_edited(recording: Recording) -> None:
    assert (read_notes(recording), edited_utc(recording)) == ("Fan at full speed.", None)
    before = (recording.folder / store.SPEC).read_bytes()
    write_notes(recording, "  Lid open.\n<b>é ")
    assert read_notes(recording) == "Lid open.\n<b>é"
    assert set(json.loads((recording.folder / NOTES).read_text())) == {"text", "edited_utc"}
    assert str(edited_utc(recording)).endswith("Z")
    assert (recording.folder / store.SPEC).read_bytes() == before


def test_notes_of_others_are_not_overwritten(recording: Recording) -> None:
    write_notes(recording, "Mine.", instead_of="Fan at full speed.")
    with pytest.raises(BadRequest, match="Somebody else changed"):
        write_notes(recording, "Of an older tab.", instead_of="Fan at full speed.")
    assert read_notes(recording) == "Mine."


def test_notes_are_read_without_blanks_around_them(recording: Recording) -> None:
    store.write_json(recording.folder / store.SPEC, {"notes": " Lid open.\n"})
    assert read_notes(recording) == "Lid open."


def test_notes_can_be_taken_away(recording: Recording) -> None:
    write_notes(recording, " ")
    assert read_notes(recording) == ""


@pytest.mark.parametrize("damaged", ["", "[]", '{"text": 3}', '{"text": null}', "\x00"])
def test_damaged_file_gives_the_notes_of_the_form(recording: Recording, damaged: str) -> None:
    (recording.folder / NOTES).write_text(damaged)
    assert (read_notes(recording), edited_utc(recording)) == ("Fan at full speed.", None)


def test_notes_are_refused_in_words(recording: Recording) -> None:
    with pytest.raises(BadRequest, match="too long"):
        write_notes(recording, "x" * (MAX_NOTES + 1))
    assert not (recording.folder / NOTES).exists()
    with pytest.raises(BadRequest, match="is gone"):
        write_notes(Recording(folder=recording.folder.with_name("gone")), "x")
    (recording.folder / NOTES).mkdir()
    with pytest.raises(RunFailed, match="cannot be kept"):
        write_notes(recording, "x")
