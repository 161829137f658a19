"""The queue's process with sweeps that cannot go on; no model is run here."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.board import power
from orin_core.board.probes import board_paths
from orin_core.errors import BoardBusy, ClocksError, RunFailed
from orin_core.runs import launcher
from orin_core.spec import PowerMode
from orin_core.sweeps import conductor, control, queue, reboots, state, work
from orin_core.sweeps import spec as specs
from orin_core.sweeps.board_state import SweepBoard
from orin_core.sweeps.standing import StateWord
from orin_core.sweeps.state import CellState, Sweep, SweepState
from orin_core.sweeps.work import Outcome, SweepWork
from tests.conftest import Home, wait_for


def queued(home: Home, **changes: Any) -> Sweep:
    """A sweep of a model that is missing, so that every cell of it is refused, in the queue."""
    document = {"models": [str(home.root / "missing")], "datasets": ["cifar100"], "cooldown_at_most_s": 0, **changes}
    spec = specs.from_json({**document, "run": {"telemetry": "simulated", **changes.get("run", {})}})
    sweep = state.make(spec, home.settings, [cell.cell_id for cell in spec.cells()])
    queue.add(home.settings, sweep.sweep_id)
    return sweep


def resume(home: Home) -> None:
    done = home.cli("sweep", "resume")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not home.processes(), "the queue's process has ended")


def test_a_sweep_that_cannot_go_on_says_why_and_does_not_hold_up_the_others(home: Home) -> None:
    damaged, elsewhere, last = (
        queued(home),
        queued(home, run={"telemetry": "tegrastats"}),
        queued(home, on_failure="retry"),
    )
    (damaged.folder / state.SPEC).write_text('{"models": 3}')
    resume(home)
    said = damaged.progress()
    assert (said.state, "sweep.json" in said.message) == (SweepState.FAILED, True)
    said = elsewhere.progress()
    assert (said.state, "tegrastats" in said.message) == (SweepState.FAILED, True)
    assert control.state_words(last, last.progress()) is StateWord.DONE_WITH_FAILURES
    assert "missing" in last.progress().cells["001"].reason
    assert [one.outcome for one in last.progress().cells["001"].attempts] == ["refused", "refused"]
    assert queue.order(home.settings) == []
    listed = home.cli("sweep", "status").stdout
    assert "done with failures" in listed
    (damaged.folder / state.STATE).write_text("{")
    assert "cannot be read" in home.cli("sweep", "status").stdout
    again = home.cli("sweep", "resume", last.sweep_id)
    assert (again.returncode, again.stdout) == (0, "1 failed cell is tried again.\n")
    wait_for(lambda: not home.processes(), "the queue's process has ended")
    # Its retry counts anew as well.
    assert [one.outcome for one in last.progress().cells["001"].attempts] == ["refused"] * 4


def test_a_sweep_puts_back_the_mode_that_it_finds_when_it_begins(home: Home) -> None:
    sweep = queued(home, power_modes=["MAXN", "50W"])
    paths = board_paths("simulated", home.settings.state_dir)
    assert paths is not None
    power.set_mode(paths, power.find_mode("50W", power.list_modes(paths)))
    resume(home)
    progress = sweep.progress()
    mode = power.current_mode(paths)
    assert (progress.mode_found, mode.name if mode else None) == ("MODE_50W", "MODE_50W")
    # The present mode comes first, whatever it was when the sweep was checked.
    assert progress.order == ("002", "001")


def test_a_run_that_takes_the_board_before_a_reboot_costs_no_attempt(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = queued(home, models=[str(home.root)], power_modes=["30W"], reboot=True)
    busy = [BoardBusy("Run x holds the board.")] * (reboots.MAX_PER_HOUR + 1)
    reboot_into = SweepBoard.reboot_into

    def reboot(board: SweepBoard, mode: PowerMode) -> None:
        if busy:
            raise busy.pop()
        reboot_into(board, mode)

    monkeypatch.setattr(SweepBoard, "reboot_into", reboot)
    assert SweepWork(sweep, home.settings, leaving=lambda: False).run() is Outcome.ENDED
    progress = sweep.progress()
    assert [(one["mode"], one["reached"]) for one in progress.reboots] == [("MODE_30W", True)]
    assert "no model folder" in progress.cells["001"].reason


def test_what_fails_at_a_shutdown_is_tried_again_after_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, leaving = queued(home), False

    def start(*what: object) -> None:
        nonlocal leaving
        leaving = True
        raise ClocksError("jetson_clocks was ended by SIGTERM.")

    monkeypatch.setattr(launcher, "start", start)
    assert SweepWork(sweep, home.settings, leaving=lambda: leaving).run() is Outcome.LEAVING
    stands = sweep.progress().cells["001"]
    assert (stands.state, [one.outcome for one in stands.attempts]) == (CellState.PENDING, ["interrupted"])


def test_a_cell_that_was_given_up_has_all_its_attempts_again_after_a_resume(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, leaving = queued(home), False
    tries = (state.Attempt(outcome="interrupted", message="gone"),) * (work.MAX_INTERRUPTED - 1)
    sweep.write(sweep.progress().with_cell("001", state.CellProgress(attempts=tries)))

    def start(*what: object) -> None:
        nonlocal leaving
        leaving = True
        raise RunFailed("The runner died before it answered.")

    def tried() -> tuple[CellState, int]:
        nonlocal leaving
        leaving = False
        SweepWork(sweep, home.settings, leaving=lambda: leaving).run()
        stands = sweep.progress().cells["001"]
        return stands.state, len(stands.attempts)

    monkeypatch.setattr(launcher, "start", start)
    monkeypatch.setattr(work, "START_AGAIN_S", 0.0)
    monkeypatch.setattr(conductor, "ensure", lambda settings: None)
    assert tried() == (CellState.FAILED, work.MAX_INTERRUPTED)
    control.stop(sweep, home.settings)
    SweepWork(sweep, home.settings, leaving=lambda: False).run()
    control.resume(sweep, home.settings)
    assert tried() == (CellState.PENDING, work.MAX_INTERRUPTED + 1)
    # A reboot or a kill in between is no new beginning.
    control.resume(sweep, home.settings)
    assert len(sweep.progress().cells["001"].counted) == 1


def test_a_process_that_does_not_come_up_is_an_error_and_no_silence(home: Home) -> None:
    sweep = queued(home)
    (home.settings.sweeps_dir / queue.CONDUCTOR_LOCK).mkdir()
    with pytest.raises(RunFailed, match="does not start"):
        conductor.ensure(home.settings)
    assert control.state_words(sweep, sweep.progress()) is StateWord.STALLED
