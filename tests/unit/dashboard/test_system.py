from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import system
from orin_core import doctor
from orin_core.doctor import Check, State
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import Folder, held

SCRIPT = "from dashboard import system\nsystem.page()\n"
CHECKS = [
    Check(group="Board", name="board", state=State.OK, message="An Orin."),
    Check(group="Board", name="mode", state=State.PROBLEM, message="<b>x</b>", hint="Set it.", details=("a & b",)),
    Check(group="Disk", name="disk", state=State.WARNING, message="Nearly full."),
]


def test_table_says_states_in_words_and_escapes_text() -> None:
    text = system.table(CHECKS)
    assert [text.count(word) for word in ("✔ ok", "⚠ warning", "✖ problem")] == [1, 1, 1]
    assert "&lt;b&gt;x&lt;/b&gt;<ul><li>a &amp; b</li></ul>" in text
    assert "→ Set it." in text
    assert text.count("<th ") == 2
    assert system.counts(CHECKS) == "1 ok, 1 warning, 1 problem"


def test_nothing_is_looked_at_before_the_button_and_once_for_each_press(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []

    def run_checks(settings: Settings) -> list[Check]:
        asked.append(settings)
        return CHECKS

    monkeypatch.setattr(doctor, "run_checks", run_checks)
    app = AppTest.from_string(SCRIPT, default_timeout=60).run()
    assert not app.exception
    assert asked == []
    assert "Nothing was checked yet" in app.info[0].value
    app.button(key=system.KEY_CHECK).click().run()
    assert asked == [singletons]
    assert any("1 ok, 1 warning, 1 problem. Checked" in caption.value for caption in app.caption)
    other = AppTest.from_string(SCRIPT, default_timeout=60).run()
    assert len(asked) == 1
    assert any("1 problem" in caption.value for caption in other.caption)
    assert any("nvpmodel -m 3" in code.value for code in app.code)


def test_machine_is_not_checked_while_a_run_is_measured(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = AppTest.from_string(SCRIPT, default_timeout=60).run()
    assert not app.button(key=system.KEY_CHECK).disabled
    held(monkeypatch, folder.recording)
    app.run()
    assert app.button(key=system.KEY_CHECK).disabled
    assert any("would disturb it" in box.value for box in app.info)
