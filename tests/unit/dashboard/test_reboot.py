"""A reboot is offered, asked for once more, and sent only then. The launcher, the runner and nvpmodel are real."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import state
from orin_core.board import power
from orin_core.board.simulator.state import State, prepare
from orin_core.settings import Settings

HOME = Path(dashboard.__file__).with_name("home.py")


@pytest.fixture
def simulator(singletons: Settings) -> State:
    return prepare(singletons.state_dir / "simulator")


def boot_id(simulator: State) -> str:
    return (simulator.folder / "boot_id").read_text()


def started_in_15w() -> AppTest:
    app = AppTest.from_file(str(HOME), default_timeout=180).run()
    app.selectbox(key=state.FORM_MODE).set_value("MODE_15W").run()
    return app.button(key="start").click().run()


def keys(app: AppTest) -> set[str | None]:
    return {button.key for button in app.button}


def test_reboot_is_sent_only_after_it_was_confirmed(simulator: State, singletons: Settings) -> None:
    before = boot_id(simulator)
    app = started_in_15w()
    assert "needs a reboot" in app.warning[0].value
    assert "-m 1" in app.warning[0].value, "the exact command"
    assert app.button(key="reboot").label.startswith("Reboot into MODE")
    assert "reboot_yes" not in keys(app)

    app.button(key="reboot").click().run()
    assert [box.value for box in app.error] == ["**The board reboots at once; every running program ends.**"]
    app.button(key="reboot_no").click().run()
    assert "reboot" not in keys(app)
    app = started_in_15w()
    app.button(key="reboot").click().run()
    app.run()
    assert boot_id(simulator) == before, "nothing was sent unasked"
    assert power.current_mode(simulator.paths()) == power.list_modes(simulator.paths())[0]

    app.button(key="reboot_yes").click().run()
    assert not app.exception
    assert not app.error
    assert "was rebooted into MODE" in app.info[0].value
    assert boot_id(simulator) != before
    mode = power.find_mode("15W", power.list_modes(simulator.paths()))
    assert power.current_mode(simulator.paths()) == mode
    assert power.mismatches(simulator.paths(), mode) == []
    assert "reboot" not in keys(app)
    assert not list(singletons.runs_dir.glob("*"))


def test_without_permission_the_exact_command_is_shown(simulator: State) -> None:
    app = started_in_15w()
    simulator.write_json("faults.json", {"nvpmodel": "not_permitted"})
    before = boot_id(simulator)
    app.button(key="reboot").click().run()
    app.button(key="reboot_yes").click().run()
    assert "may not set the power mode" in app.error[0].value
    assert "-m 1" in app.error[0].value
    assert boot_id(simulator) == before
