"""Texts of others: shown as they are."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.words import length_text, plain, source_label, started_utc
from orin_core.errors import BadRequest
from orin_core.runs import launcher, store
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import RUN_ID, Folder
from tests.unit.dashboard.pages import HOME, SUMMARY, started_with

HOSTILE = "*a* $x^2$ `b` [l](http://e.example) ![p](http://e.example/p.png) <b>|c|\n# d\n- e :red[f]"


def test_text_of_others_is_shown_as_it_is(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a worker, a path or a model's name says, the page makes no formula, link, picture or cell of it."""
    store.write_json(
        folder.path / store.SUMMARY,
        {
            **SUMMARY,
            "state": "failed",
            "message": HOSTILE,
            "notices": [HOSTILE],
            "labels": [HOSTILE],
            "device": HOSTILE,
            "power_rails": [HOSTILE],
        },
    )
    monkeypatch.setattr(launcher, "recover", lambda settings: (HOSTILE,))
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    started_with(app, monkeypatch, BadRequest(HOSTILE, HOSTILE))
    texts = [*app.error, *app.info, *app.caption, *app.markdown, *app.toast]
    shown = [element.value for element in texts if "e.example" in element.value]
    assert len(shown) >= 4
    for text in shown:
        assert not re.search(r"(?<!\\)[$`\[\]<]", text.replace("`" + RUN_ID + "`", "")), text
        assert not re.search(r"^(#|- )", text, re.MULTILINE), text
    [table] = [text for text in shown if text.startswith("| | | |")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 4 for line in table.splitlines())
    assert all(line.startswith("|") for line in table.splitlines())


def test_plain_text_in_words() -> None:
    assert plain("a|b\n c") == "a\\|b c"
    assert plain("![x](y)") == "\\!\\[x\\](y)"
    assert plain("- a") == "\\- a"
    assert plain("12. a") == "12\\. a"
    assert plain("3.25 W") == "3.25 W"
    assert plain("Run finished in 12 s.") == "Run finished in 12 s."


def test_words() -> None:
    assert [length_text(s) for s in (4.4, 60, 200, 3600, 7500)] == ["4 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min"]
    assert started_utc(RUN_ID).isoformat() == "2026-01-02T03:04:05+00:00"
    assert source_label({"source": "tegrastats", "weights": "cached"}) == "tegrastats"
