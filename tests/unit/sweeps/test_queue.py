"""The queue on disk, and the state of a sweep."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from orin_core.errors import BadRequest
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps import conductor, control, queue, reboots, state
from orin_core.sweeps import spec as specs
from orin_core.sweeps.journal import Journal
from orin_core.sweeps.plan import Plan
from orin_core.sweeps.standing import StateWord
from orin_core.sweeps.state import CellState, Sweep, SweepState, Wanted
from orin_core.sweeps.work import SweepWork
from tests.support import write_images, write_tiny_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "state", telemetry="simulated")


def make(settings: Settings, name: str = "one") -> Sweep:
    spec = specs.from_json({"name": name, "models": ["a", "b"], "datasets": ["c"], "exclude": [{"model": "b"}]})
    return state.make(spec, settings, ["001"], {"001": 61.5})


def test_a_sweep_folder_says_all_of_it(settings: Settings) -> None:
    sweep = make(settings)
    assert [one.sweep_id for one in state.list_sweeps(settings)] == [sweep.sweep_id]
    found = state.find_sweep(settings, sweep.sweep_id)
    progress = found.progress()
    assert (progress.state, progress.order, progress.mode_found) == (SweepState.QUEUED, ("001",), None)
    assert found.lengths_s() == {"001": 61.5}
    assert {key: one.state for key, one in progress.cells.items()} == {
        "001": CellState.PENDING,
        "002": CellState.SKIPPED,
    }
    done = progress.with_cell("001", state.CellProgress(state=CellState.DONE, attempts=(state.Attempt(run_id="r"),)))
    found.write(done)
    assert found.progress() == done


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "odd"}', '{"cells": 3}'])
def test_a_damaged_state_is_a_sentence(settings: Settings, text: str) -> None:
    sweep = make(settings)
    (sweep.folder / state.STATE).write_text(text)
    with pytest.raises(BadRequest, match="cannot be read"):
        sweep.progress()


@pytest.mark.parametrize("sweep_id", ["..", "../../etc", "20260101T000000Z_a_0000", ""])
def test_only_a_sweep_is_found(settings: Settings, sweep_id: str) -> None:
    with pytest.raises(BadRequest):
        state.find_sweep(settings, sweep_id)


def test_the_queue_keeps_its_order_and_takes_another(settings: Settings) -> None:
    for name in ("a", "b", "c"):
        queue.add(settings, name)
    queue.add(settings, "a")
    assert queue.order(settings) == ["a", "b", "c"]
    queue.move(settings, "c", 1)
    assert queue.order(settings) == ["c", "a", "b"]
    queue.move(settings, "c", 99)
    assert queue.order(settings) == ["a", "b", "c"]
    queue.remove(settings, "b")
    queue.remove(settings, "b")
    assert queue.order(settings) == ["a", "c"]
    for sweep_id, place in (("x", 1), ("a", 0)):
        with pytest.raises(BadRequest):
            queue.move(settings, sweep_id, place)


def test_a_damaged_queue_is_empty(settings: Settings) -> None:
    queue.add(settings, "a")
    (settings.sweeps_dir / queue.QUEUE).write_text('{"order": 3}')
    assert queue.order(settings) == []


def test_one_process_works_on_the_queue(settings: Settings) -> None:
    with queue.conducting(settings) as first, queue.conducting(settings) as second:
        assert (first, second) == (True, False)
        held = queue.conductor_of(settings.sweeps_dir)
        assert held is not None
        assert held.pid == os.getpid()
    assert queue.conductor_of(settings.sweeps_dir) is None
    with queue.conducting(settings) as again:
        assert again
    gone = {"pid": os.getpid(), "start": 1}
    (settings.sweeps_dir / queue.CONDUCTOR_LOCK).write_text(json.dumps(gone))
    assert queue.conductor_of(settings.sweeps_dir) is None


def test_the_next_sweep_is_neither_paused_nor_over(settings: Settings) -> None:
    first, second = make(settings, "first"), make(settings, "second")
    for sweep in (first, second):
        queue.add(settings, sweep.sweep_id)
    queue.add(settings, "20260101T000000Z_gone_0000")
    assert conductor.next_sweep(settings) == first
    control.pause(first, settings)
    assert conductor.next_sweep(settings) == second
    second.write(state.Progress(state=SweepState.DONE))
    assert conductor.next_sweep(settings) is None
    assert queue.order(settings) == [first.sweep_id]
    first.want(Wanted.RUN)
    assert conductor.next_sweep(settings) == first
    # A damaged one is passed over, and people see it until they take it out.
    (first.folder / state.STATE).write_text("{")
    assert conductor.next_sweep(settings) is None
    assert queue.order(settings) == [first.sweep_id]


def test_what_is_over_is_not_paused_or_stopped(settings: Settings) -> None:
    sweep = make(settings)
    sweep.write(state.Progress(state=SweepState.DONE))
    for ask in (control.pause, control.stop):
        with pytest.raises(BadRequest, match="has ended"):
            ask(sweep, settings)
    with pytest.raises(BadRequest, match="is done"):
        control.resume(sweep, settings)


def test_reboots_have_a_cap_by_mode_and_by_the_hour() -> None:
    def entry(mode: str, unix_s: float) -> dict[str, object]:
        return {"mode": mode, "unix_s": unix_s}

    reboots.check([entry("MODE_30W", 0.0)] * (reboots.MAX_PER_MODE - 1), "MODE_30W")
    with pytest.raises(BadRequest, match="was not reached"):
        reboots.check([entry("MODE_30W", 0.0)] * reboots.MAX_PER_MODE, "MODE_30W")
    # Those that led where they should are no failures.
    reboots.check([{**entry("MODE_30W", 0.0), "reached": True}] * reboots.MAX_PER_MODE, "MODE_30W")
    # The clock of a board without a battery may stand in the past after a boot.
    ahead = [entry("MAXN", 4e9)] * reboots.MAX_PER_HOUR
    with pytest.raises(BadRequest, match="within the hour"):
        reboots.check(ahead, "MODE_30W")


def test_a_run_that_waits_is_a_sweep_of_one_cell() -> None:
    run = RunSpec(model="resnet-152", dataset="cifar100", power_mode="30W", items=7, notes="why", method="onnx",
                  precision="int8", preload=True)  # fmt: skip
    sweep = control.single(run)
    (cell,) = sweep.cells()
    found = sweep.run_spec(cell, "s")
    assert (found.model, found.power_mode, found.items, found.notes) == ("resnet-152", "30W", 7, "why")
    assert (found.method, found.precision, found.preload) == ("onnx", "int8", True)
    assert specs.from_json(json.loads(json.dumps(specs.to_json(sweep)))) == sweep


@pytest.mark.parametrize(("run", "telemetry"), [({}, "simulated"), ({"telemetry": "host"}, "host")])
def test_the_runs_have_the_telemetry_that_the_sweep_was_checked_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, run: dict[str, str], telemetry: str
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    spec = specs.from_json({"models": ["a"], "datasets": ["c"], "run": run})
    planned = Plan(order=spec.cells(), lengths_s={"001": 1.0}, unknown=0, disk_mb=1.0, reboots=())
    sweep = control.start(spec, planned, settings)
    (cell,) = sweep.spec().cells()
    assert sweep.spec().run_spec(cell, sweep.sweep_id).telemetry == telemetry


@pytest.mark.parametrize(("run", "said"), [({"items": 5}, "end is not known yet"), ({"seconds": 5}, "it ends at")])
def test_an_end_that_nobody_knows_is_not_told(settings: Settings, run: dict[str, Any], said: str) -> None:
    common = {**run, "weights": "random", "images": "synthetic"}
    spec = specs.from_json({"models": ["resnet-152"], "datasets": ["cifar100"], "repeats": 2, "run": common})
    planned = control.plan(spec, settings)
    told = control.words(spec, planned, now=datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc))
    assert said in told
    assert planned.open_ended == (2 if "items" in run else 0)


def test_a_sweep_that_has_not_begun_stops_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep = make(settings)
    queue.add(settings, sweep.sweep_id)
    control.pause(sweep, settings)
    control.stop(sweep, settings)
    assert sweep.progress().state is SweepState.STOPPED
    assert queue.order(settings) == []


def test_a_paused_sweep_stops_at_once_while_another_has_the_board(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep = make(settings)
    queue.add(settings, sweep.sweep_id)
    begun = sweep.progress().with_cell("001", state.CellProgress(state=CellState.RUNNING))
    paused = dataclasses.replace(
        begun, state=SweepState.PAUSED, begun_utc="2026-03-01T00:00:00.000Z", mode_found="MAXN"
    )
    sweep.write(paused)
    # With nobody at the queue, the process that is started ends it, and puts the mode back.
    control.stop(sweep, settings)
    assert (sweep.progress().state, sweep.wanted()) == (SweepState.PAUSED, Wanted.STOP)
    with queue.conducting(settings):
        control.stop(sweep, settings)
    assert sweep.progress().state is SweepState.STOPPED
    assert "it was MAXN" in sweep.progress().message
    assert sweep.progress().cells["001"].state is CellState.PENDING
    assert queue.order(settings) == []


def test_a_sweep_that_had_begun_and_fell_out_of_the_queue_can_be_stopped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep = make(settings)
    sweep.write(dataclasses.replace(sweep.progress(), state=SweepState.RUNNING, begun_utc="2026-03-01T00:00:00.000Z"))
    control.stop(sweep, settings)
    # Whoever works on the queue puts the mode back and ends it.
    assert (conductor.next_sweep(settings), sweep.wanted()) == (sweep, Wanted.STOP)


def test_a_damaged_sweep_can_be_taken_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    one, other = make(settings), make(settings, "other")
    for sweep in (one, other):
        queue.add(settings, sweep.sweep_id)
    (one.folder / state.SPEC).write_text("{")
    (other.folder / state.STATE).write_text("{")
    with pytest.raises(BadRequest, match=r"sweep\.json"):
        one.spec()
    control.stop(one, settings)
    assert one.progress().state is SweepState.STOPPED
    control.stop(other, settings)
    assert queue.order(settings) == []


def test_whoever_starts_the_queue_finds_what_fell_out_of_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    waits, over, damaged = make(settings, "waits"), make(settings, "over"), make(settings, "damaged")
    over.write(state.Progress(state=SweepState.DONE))
    (damaged.folder / state.STATE).write_text("{")
    assert control.state_words(waits, waits.progress()) is StateWord.STALLED
    control.resume(None, settings)
    control.resume(None, settings)
    assert queue.order(settings) == [waits.sweep_id]


@pytest.mark.parametrize(("leaving", "stands"), [(True, SweepState.QUEUED), (False, SweepState.FAILED)])
def test_a_disk_that_a_shutdown_takes_away_fails_no_sweep(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, leaving: bool, stands: SweepState
) -> None:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    spec = specs.from_json({"models": ["a"], "datasets": ["c"], "run": {"telemetry": "simulated"}})
    sweep = state.make(spec, settings, ["001"])
    queue.add(settings, sweep.sweep_id)
    worker = conductor.Conductor(settings)

    def run(work: SweepWork) -> None:
        worker.leaving = leaving
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(SweepWork, "run", run)
    worker.run()
    assert sweep.progress().state is stands
    assert queue.order(settings) == ([sweep.sweep_id] if leaving else [])


def test_what_cannot_be_written_is_a_sentence(settings: Settings) -> None:
    sweep = make(settings)
    shutil.rmtree(sweep.folder)
    with pytest.raises(BadRequest, match="cannot be written"):
        sweep.want(Wanted.STOP)


def test_resuming_an_ended_sweep_tries_its_failed_cells_and_looks_at_the_board_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep = make(settings)
    failed = {**sweep.progress().cells, "001": state.CellProgress(state=CellState.FAILED, reason="gone")}
    ended = dataclasses.replace(sweep.progress(), state=SweepState.DONE, cells=failed, begun_utc="x", mode_found="30W")
    sweep.write(ended)
    assert control.state_words(sweep, ended) is StateWord.DONE_WITH_FAILURES
    control.resume(sweep, settings)
    found = sweep.progress()
    assert (found.state, found.begun_utc, found.cells["001"].state) == (SweepState.QUEUED, "", CellState.PENDING)


def test_a_resume_of_an_ended_sweep_leaves_what_was_tried_before_out_of_every_count(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep = make(settings)
    tried = state.CellProgress(state=CellState.FAILED, attempts=(state.Attempt(outcome="failed"), state.Attempt()))
    sweep.write(dataclasses.replace(sweep.progress().with_cell("001", tried), state=SweepState.STOPPED))
    control.resume(sweep, settings)
    journal = Journal(sweep, leaving=lambda: False)
    (cell,) = (one for one in sweep.spec().cells() if not one.excluded)
    journal.begin(cell)
    journal.note(cell, outcome="interrupted")
    stands = sweep.progress().cells["001"]
    # The one that was never settled is dropped, as ever.
    assert [one.outcome for one in stands.attempts] == ["failed", "interrupted"]
    assert [one.outcome for one in stands.counted] == ["interrupted"]


def test_what_was_looked_at_when_the_sweep_was_checked_is_what_it_runs(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    write_tiny_model(tmp_path / "tiny")
    write_images(tmp_path / "images", 2)
    monkeypatch.chdir(tmp_path)
    for model in ("tiny", "./tiny"):
        axes = {"models": [model, "resnet-152"], "datasets": ["images", "cifar100"]}
        exclude = [{"model": model, "dataset": "cifar100"}, {"model": "resnet-152"}]
        spec = specs.from_json({**axes, "exclude": exclude, "run": {"weights": "random"}})
        found = control.start(spec, control.plan(spec, settings), settings).spec()
        assert found.models == (f"{tmp_path}/tiny", "resnet-152")
        assert found.datasets == (f"{tmp_path}/images", "cifar100")
        assert [cell.cell_id for cell in found.cells() if not cell.excluded] == ["001"]


def test_a_sweep_that_is_just_being_stopped_is_resumed_after_that(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep, me = make(settings), ProcessId.of(os.getpid())
    assert me is not None
    held = {"conductor_pid": me.pid, "conductor_start": me.start}
    sweep.write(dataclasses.replace(sweep.progress(), state=SweepState.RUNNING, **held))  # type: ignore[arg-type]
    control.stop(sweep, settings)
    with pytest.raises(BadRequest, match="just being stopped"):
        control.resume(sweep, settings)
    assert sweep.wanted() is Wanted.STOP
    sweep.write(dataclasses.replace(sweep.progress(), conductor_pid=None, conductor_start=None))
    control.resume(sweep, settings)
    assert sweep.wanted() is Wanted.RUN


# -- the word for it -------------------------------------------------------------------------------


def words(settings: Settings, progress: state.Progress, *, listed: bool = True) -> list[str]:
    """What is said of a sweep that nobody works on, for each thing that can be wanted."""
    sweep = make(settings)
    if listed:
        queue.add(settings, sweep.sweep_id)
    said = []
    for wanted in Wanted:
        sweep.want(wanted)
        said.append(control.state_words(sweep, progress).value)
    return said


def test_words_say_what_was_asked_of_one_that_is_worked_on(settings: Settings) -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None
    who: dict[str, Any] = {"conductor_pid": me.pid, "conductor_start": me.start}
    assert words(settings, state.Progress(state=SweepState.RUNNING, **who)) == ["running", "pausing", "stopping"]
    assert words(settings, state.Progress(state=SweepState.REBOOT, **who)) == ["reboot needed", "pausing", "stopping"]


def test_words_tell_who_waits_from_who_was_forsaken(settings: Settings) -> None:
    queued, paused, begun = (state.Progress(state=one) for one in
                             (SweepState.QUEUED, SweepState.PAUSED, SweepState.RUNNING))  # fmt: skip
    assert words(settings, queued) == ["stalled", "held back", "stalled"]
    assert words(settings, paused) == ["stalled", "paused", "stalled"]
    assert words(settings, begun) == ["interrupted"] * 3
    with queue.conducting(settings):
        assert words(settings, queued) == ["queued", "held back", "stopping"]
        assert words(settings, queued, listed=False) == ["stalled", "held back", "stalled"]
        assert words(settings, paused) == ["queued", "paused", "stopping"]
        # Somebody pressed Resume while another sweep has the board.
        assert words(settings, begun) == ["queued", "interrupted", "stopping"]


def test_words_of_an_end_say_whether_cells_failed(settings: Settings) -> None:
    failed = {"001": state.CellProgress(state=CellState.FAILED)}
    said = [
        words(settings, state.Progress(state=one, cells=cells))[0]
        for one in (SweepState.DONE, SweepState.STOPPED, SweepState.FAILED)
        for cells in ({}, failed)
    ]
    assert said == ["done", "done with failures", "stopped", "stopped", "failed", "failed"]


def test_every_word_says_what_can_be_asked() -> None:
    def having(name: str) -> set[str]:
        return {word.value for word in StateWord if getattr(word, name)}

    ended = {"done", "done with failures", "stopped", "failed"}
    assert having("ended") == ended
    assert having("alive") == {"queued", "running", "pausing", "reboot needed", "stopping"}
    assert having("can_stop") == {word.value for word in StateWord} - ended - {"stopping"}
    assert having("can_pause") == {"queued", "stalled", "running", "reboot needed"}
    assert {"stalled", "interrupted", "paused", "held back", "pausing"} | (ended - {"done"}) == having("can_resume")
    assert f"{StateWord.HELD_BACK}" == "held back"
