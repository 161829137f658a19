"""What can be asked of a sweep on its page, in words that are true where it stands."""

from __future__ import annotations

from typing import Any

from orin_core.settings import Settings
from orin_core.sweeps import queue
from orin_core.sweeps.state import CellProgress, CellState, SweepState, Wanted
from tests.unit.dashboard.test_sweep_page import button_keys, make, myself, nobody_works, page, set_cells, texts

__all__ = ["nobody_works"]


def test_pause_resume_and_stop_ask_for_what_they_say(singletons: Settings, nobody_works: list[str]) -> None:
    sweep = make(singletons)
    app = page()
    app.button(key="sweep_pause").click().run()
    assert sweep.wanted() is Wanted.PAUSE
    assert "held back" in texts(app)
    app.button(key="sweep_resume").click().run()
    assert sweep.wanted() is Wanted.RUN
    app.button(key="sweep_stop").click().run()
    assert sweep.wanted() is Wanted.RUN, "it asks first"
    app.button(key="sweep_stop_no").click().run()
    assert "sweep_stop_yes" not in button_keys(app)
    app.button(key="sweep_stop").click().run()
    app.button(key="sweep_stop_yes").click().run()
    assert sweep.wanted() is Wanted.STOP
    assert sweep.progress().state is SweepState.STOPPED, "it had not begun"
    assert nobody_works == ["ensure", "ensure"]


def test_reboot_that_is_needed_shows_the_command_as_one_to_copy(singletons: Settings) -> None:
    sweep = make(singletons)
    set_cells(sweep, SweepState.REBOOT, "MODE_30W needs a reboot.", command="sudo nvpmodel -m 2")
    app = page()
    assert [one.value for one in app.code] == ["sudo nvpmodel -m 2"]
    assert "Nobody works on this sweep" in texts(app), "its process is not there"
    set_cells(sweep, SweepState.REBOOT, "MODE_30W needs a reboot.", command="sudo nvpmodel -m 2", **myself())
    app = page()
    assert [one.value for one in app.code] == ["sudo nvpmodel -m 2"]
    assert "Nobody works" not in texts(app)
    assert ">reboot needed</span>" in texts(app)


def test_waiting_sweep_that_nobody_will_begin_says_so(singletons: Settings, nobody_works: list[str]) -> None:
    make(singletons)
    app = page()
    assert "nobody works on the queue" in texts(app)
    assert app.button(key="sweep_resume").label == "Start the queue"
    app.button(key="sweep_resume").click().run()
    assert nobody_works == ["ensure"]
    with queue.conducting(singletons):
        app = page()
        assert "nobody works" not in texts(app)
        assert "sweep_resume" not in button_keys(app)


def test_failed_cells_that_a_resume_tries_again_are_said_to_be(singletons: Settings) -> None:
    sweep = make(singletons)
    failed: dict[str, Any] = {"_001": CellProgress(state=CellState.FAILED, reason="No model.")}
    set_cells(sweep, SweepState.STOPPED, **failed)
    assert page().button(key="sweep_resume").label == "Resume, failed cells too"
    set_cells(sweep, SweepState.DONE, **failed, _002=CellProgress(state=CellState.DONE))
    app = page()
    assert app.button(key="sweep_resume").label == "Try the failed cells again"
    assert '<span class="badge" data-tone="bad">done with failures</span>' in texts(app)


def test_question_of_stop_says_what_ends_and_is_gone_with_the_sweep(singletons: Settings) -> None:
    sweep = make(singletons)
    app = page()
    app.button(key="sweep_stop").click().run()
    assert "It has no run yet" in texts(app)
    set_cells(sweep, SweepState.RUNNING, _001=CellProgress(state=CellState.RUNNING), **myself())
    app.run()
    assert "Its present run ends now" in texts(app)
    # Another tab stops it.
    set_cells(sweep, SweepState.STOPPED)
    app.run()
    assert "sweep_stop_yes" not in button_keys(app)
    set_cells(sweep, SweepState.RUNNING, _001=CellProgress(state=CellState.RUNNING), **myself())
    app.run()
    assert "sweep_stop_yes" not in button_keys(app), "nobody has asked again"
