"""The queue on disk, and the state of a sweep."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orin_core.errors import BadRequest
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from orin_core.sweeps import conductor, control, queue, reboots, state
from orin_core.sweeps import spec as specs
from orin_core.sweeps.plan import Plan
from orin_core.sweeps.state import CellState, Sweep, SweepState, Wanted


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "state", telemetry="simulated")


def make(settings: Settings, name: str = "one") -> Sweep:
    spec = specs.from_json({"name": name, "models": ["a", "b"], "datasets": ["c"], "exclude": [{"model": "b"}]})
    return state.make(spec, settings, ["001"], "MAXN")


def test_a_sweep_folder_says_all_of_it(settings: Settings) -> None:
    sweep = make(settings)
    assert [one.sweep_id for one in state.list_sweeps(settings)] == [sweep.sweep_id]
    found = state.find_sweep(settings, sweep.sweep_id)
    progress = found.progress()
    assert (progress.state, progress.order, progress.mode_found) == (SweepState.QUEUED, ("001",), "MAXN")
    assert {key: one.state for key, one in progress.cells.items()} == {
        "001": CellState.PENDING,
        "002": CellState.SKIPPED,
    }
    assert progress.next_cell() == "001"
    done = progress.with_cell("001", state.CellProgress(state=CellState.DONE, attempts=(state.Attempt(run_id="r"),)))
    found.write(done)
    assert found.progress() == done
    assert found.progress().next_cell() is None


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
    with queue.conducting(settings) as again:
        assert again


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
    # The clock of a board without a battery may stand in the past after a boot.
    ahead = [entry("MAXN", 4e9)] * reboots.MAX_PER_HOUR
    with pytest.raises(BadRequest, match="within the hour"):
        reboots.check(ahead, "MODE_30W")


def test_a_run_that_waits_is_a_sweep_of_one_cell() -> None:
    run = RunSpec(model="resnet-152", dataset="cifar100", power_mode="30W", items=7, notes="why")
    sweep = control.single(run)
    (cell,) = sweep.cells()
    found = sweep.run_spec(cell, "s")
    assert (found.model, found.power_mode, found.items, found.notes) == ("resnet-152", "30W", 7, "why")
    assert specs.from_json(json.loads(json.dumps(specs.to_json(sweep)))) == sweep


@pytest.mark.parametrize(("run", "telemetry"), [({}, "simulated"), ({"telemetry": "host"}, "host")])
def test_the_runs_have_the_telemetry_that_the_sweep_was_checked_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, run: dict[str, str], telemetry: str
) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    spec = specs.from_json({"models": ["a"], "datasets": ["c"], "run": run})
    planned = Plan(order=spec.cells(), mode_found=None, expected_s=1.0, unknown=0, disk_mb=1.0, reboots=())
    sweep = control.start(spec, planned, settings)
    (cell,) = sweep.spec().cells()
    assert sweep.spec().run_spec(cell, sweep.sweep_id).telemetry == telemetry


def test_a_sweep_that_has_not_begun_stops_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    sweep = make(settings)
    queue.add(settings, sweep.sweep_id)
    assert control.state_words(sweep, sweep.progress()) == "queued"
    control.pause(sweep, settings)
    assert control.state_words(sweep, sweep.progress()) == "held back"
    control.stop(sweep, settings)
    assert sweep.progress().state is SweepState.STOPPED
    assert queue.order(settings) == []


def test_words_say_what_was_asked_meanwhile(settings: Settings) -> None:
    sweep, me = make(settings), ProcessId.of(os.getpid())
    assert me is not None
    begun = state.Progress(state=SweepState.RUNNING, conductor_pid=me.pid, conductor_start=me.start)
    said = []
    for wanted in Wanted:
        sweep.want(wanted)
        said.append(control.state_words(sweep, begun))
    assert said == ["running", "pausing", "stopping"]
    assert control.state_words(sweep, state.Progress(state=SweepState.RUNNING)) == "interrupted"
    assert control.state_words(sweep, state.Progress(state=SweepState.DONE)) == "done"
