"""The summary as it is shown: of this version, of an older one, damaged, or not readable at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from orin_core.runs import store
from orin_core.runs.finish import finish
from orin_core.runs.judged import LOST, UNREADABLE, WRONG_TYPES, judged, judged_summary
from orin_core.runs.recording import Recording
from orin_core.runs.rows_check import lost_rows
from orin_core.spec import RunState
from tests.unit.analysis.test_summary_folders import RUN_EVENTS, _folder

DAMAGE = {
    "fps_end_to_end": "<b>",
    "power_w_mean": -3.0,
    "gr3d_pct_mean": float("inf"),
    "counts": 5,
    "labels": "SIMULATED",
    "state": 7,
    "verdict": 7,
    "diagnosis": [],
}


@pytest.fixture
def run(tmp_path: Path) -> Recording:
    recording = _folder(tmp_path, RUN_EVENTS)
    finish(recording, state=RunState.DONE, message="", hint="")
    return recording


def written(run: Recording, text: str) -> None:
    (run.folder / store.SUMMARY).write_text(text)


def test_a_run_that_goes_on_has_none(tmp_path: Path) -> None:
    assert judged_summary(_folder(tmp_path, RUN_EVENTS)) is None


def test_a_whole_one_is_shown_as_written(run: Recording) -> None:
    stored = run.summary()
    assert stored is not None
    written(run, json.dumps({**stored, "fps_end_to_end": 3.0}))
    assert judged_summary(run) == {**stored, "fps_end_to_end": 3.0}


@pytest.mark.parametrize("lacks", ["verdict", "diagnosis", "final_sync_s", "counts"])
def test_an_older_one_is_computed_anew_and_its_file_left_alone(run: Recording, lacks: str) -> None:
    whole = run.summary()
    assert whole is not None
    old = {key: value for key, value in whole.items() if key != lacks}
    written(run, json.dumps(old))
    assert judged_summary(run) == whole
    assert run.summary() == old


@pytest.mark.parametrize("text", ["", "{ not json", "[1, 2]", "7", "null", "\x00\x01"])
def test_one_that_cannot_be_read_is_computed_anew(run: Recording, text: str) -> None:
    whole = run.summary()
    assert whole is not None
    status = run.status()
    store.write_json(run.folder / store.STATUS, {**status, "state": "done"})
    written(run, text)
    assert judged_summary(run) == whole


@pytest.mark.parametrize("key", sorted(set(DAMAGE) - {"state"}))
def test_one_with_a_value_of_a_wrong_type_is_computed_anew(run: Recording, key: str) -> None:
    whole = run.summary()
    written(run, json.dumps({**(whole or {}), key: DAMAGE[key]}))
    assert judged_summary(run) == whole


@pytest.mark.parametrize("key", sorted(set(DAMAGE) - {"verdict", "diagnosis"}))
def test_a_damaged_one_that_cannot_be_rebuilt_counts_as_unreadable(run: Recording, key: str) -> None:
    whole = run.summary()
    assert whole is not None
    (run.folder / store.SPEC).unlink()
    written(run, json.dumps({**whole, key: DAMAGE[key]}))
    found = judged_summary(run)
    assert found is not None
    assert (found["message"], found["verdict"]["sentence"]) == (WRONG_TYPES, WRONG_TYPES)
    assert (found["fps_model"], found["damaged"]) == (None, [key])


def test_how_a_run_ended_is_told_by_its_status_where_the_summary_does_not(run: Recording) -> None:
    whole = run.summary()
    store.write_json(run.folder / store.STATUS, {**run.status(), "state": "done"})
    written(run, json.dumps({**(whole or {}), "state": 7}))
    assert judged_summary(run) == whole


def test_rows_that_are_lost_under_a_good_summary_are_said(run: Recording) -> None:
    summary = {**(run.summary() or {}), "rows": len(run.csv_path.read_bytes().splitlines()) - 1}
    assert lost_rows(run, summary) == ""
    assert lost_rows(run, {}) == "", "an older one does not tell how many there were"
    header, *lines = run.csv_path.read_text().splitlines(keepends=True)
    run.csv_path.write_text(header + "".join(lines[:3]) + lines[3][:5])
    assert lost_rows(run, summary) == f"run.csv holds 3 of {len(lines)} rows"
    run.csv_path.write_bytes(bytes(range(256)) * 400)
    assert lost_rows(run, summary) == "run.csv holds no rows of this dashboard"
    run.csv_path.unlink()
    assert lost_rows(run, summary) == "run.csv is missing or cannot be read"


def test_rows_without_the_events_do_not_take_figures_away(run: Recording) -> None:
    whole = run.summary()
    assert whole is not None
    (run.folder / store.EVENTS).unlink()
    (run.folder / store.BATCHES_CSV).unlink()
    written(run, json.dumps({key: value for key, value in whole.items() if key != "measure_began"}))
    found = judged_summary(run)
    assert found is not None
    assert found["fps_end_to_end"] == whole["fps_end_to_end"]


@pytest.mark.parametrize(("spec", "said"), [("{}", LOST), ("{ cut", LOST), ('{"interval_ms": "x"}', UNREADABLE)])
def test_what_cannot_be_rebuilt_is_said_in_words(run: Recording, spec: str, said: str) -> None:
    (run.folder / store.SPEC).write_text(spec)
    written(run, "{ cut")
    found = judged_summary(run)
    assert found is not None
    assert (found["message"], found["verdict"]["sentence"], found["fps_end_to_end"]) == (said, said, None)


@pytest.mark.parametrize("value", [7, "<b>", [], {}, True, float("nan"), float("inf"), -1, [None], {"a": "b"}])
def test_any_value_anywhere_is_judged(run: Recording, value: Any) -> None:
    for key in run.summary() or {}:
        found = judged({**(run.summary() or {}), key: value})
        assert isinstance(found["verdict"]["sentence"], str)


def test_a_new_file_is_seen_at_once(run: Recording) -> None:
    whole = run.summary()
    assert judged_summary(run) == whole
    path = run.folder / store.SUMMARY
    written(run, json.dumps({**(whole or {}), "items": 3}))
    changed_ns = path.stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(changed_ns, changed_ns))
    assert (judged_summary(run) or {})["items"] == 3
