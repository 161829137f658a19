from __future__ import annotations

import pytest

from orin_core.errors import BadRequest
from orin_core.runs import launcher
from orin_core.settings import Settings
from tests.unit.dashboard.pages import page, start_button


def test_what_was_recovered_is_told_once_in_every_tab(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Settings] = []

    def recover(settings: Settings) -> tuple[str, ...]:
        calls.append(settings)
        return ("Run xyz was finalised.",)

    monkeypatch.setattr(launcher, "recover", recover)
    for _ in range(2):
        app = page(singletons)
        assert [toast.value for toast in app.toast] == ["Run xyz was finalised."]
        assert not app.run().toast
    assert calls == [singletons]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "/x/y"), BadRequest("No lock.", "Set it.")])
def test_recovery_that_fails_keeps_no_page_away(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def recover(settings: Settings) -> tuple[str, ...]:
        raise error

    monkeypatch.setattr(launcher, "recover", recover)
    app = page(singletons)
    assert not app.exception
    assert len(app.error) == 1
    assert "Permission denied" in app.error[0].value or "No lock." in app.error[0].value
    assert start_button(app)
