"""Texts of others: shown as they are."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.words import asked_text, item_of, length_text, plain, source_label
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
        assert not re.search(r"(?<!\\)[$`\[\]<]", text.replace("`" + RUN_ID + "`", "").replace(":small[]", "")), text
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


def test_plain_text_is_not_read_again_by_streamlit() -> None:
    """What Streamlit looks for in a text that was parsed is parted by a span of nothing; a browser test shows it."""
    assert plain("http://e.x HTTPS://e.x www.e.x a@e.x") == (
        "http:small[]\\://e.x HTTPS:small[]\\://e.x www:small[].e.x a:small[]@e.x"
    )
    assert plain(":material/home: :smile:") == "\\::small[]material/home\\: \\::small[]smile\\:"
    assert plain("a -> b <-> c <= d -- e") == ("a -:small[]\\> b \\<:small[]-:small[]\\> c \\<:small[]= d -:small[]- e")
    assert plain("---") == "\\---"
    assert plain("--runs-dir at 03:04:05, x->y") == "--runs-dir at 03\\:04\\:05, x-\\>y"


@pytest.mark.parametrize("number", ["many", float("inf"), float("nan"), [3], True])
def test_damaged_spec_is_told_without_its_length(number: object) -> None:
    told = asked_text({"model": "m", "dataset": "d", "items": number, "seconds": number, "batch_size": 1})
    assert told == "This run: m, d, batch 1, power mode None."


def test_words() -> None:
    assert [length_text(s) for s in (4.4, 60, 200, 3600, 7500)] == ["4 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min"]
    assert source_label({"source": "tegrastats", "weights": "cached"}) == "tegrastats"
    assert source_label({"source": "host", "images": "camera"}) == "host, camera images"
    told = asked_text({"model": "o/m", "method": "batched", "precision": "fp16", "preload": True, "batch_size": 8})
    assert told == "This run: m, batched fp16 preloaded, batch 8, power mode None."
    text = item_of({"model_spec": {"task": "text-generation"}})
    assert "12 prompts" in asked_text({"model": "m", "items": 12}, text)
    assert {item_of(one) for one in ({}, {"model_spec": None}, {"model_spec": {"task": "depth"}})} == {"image"}
