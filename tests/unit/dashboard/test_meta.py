"""What the live page is told beside the rows: marks, the idle level of memory, the lighter view."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboard import api
from orin_core.runs import store
from tests.unit.dashboard.conftest import RUN_ID, Folder, live


def test_events_are_marks_with_text(client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.ticks(0, 1)
    recorder = folder.recorder
    told: list[tuple[str, dict[str, Any]]] = [
        ("phase", {"phase": "idle"}),
        ("notice", {"notice": "restarted", "message": "tegrastats is back."}),
        ("notice", {"notice": "unparsed", "message": "A line could not be read."}),
        ("notice", {"notice": "mode", "message": "The mode could not be restored."}),
        ("item_failed", {"name": "/somewhere/else/cat.jpg", "reason": "truncated"}),
        ("warmup", {"settled": True}),
        ("warmup", {"settled": False}),
        ("end", {"state": "stopped", "message": "The run was stopped."}),
    ]
    for second, (kind, fields) in enumerate(told):
        recorder.event(kind, recorder.t0_s + second, **fields)
    folder.status(state="stopped")
    assert live(client, RUN_ID)["meta"]["events"] == [
        [1, "reader", "tegrastats is back."],
        [3, "mode", "The mode could not be restored."],
        [4, "image", "cat.jpg could not be read: truncated"],
        [6, "notice", "Warm-up did not settle."],
        [7, "stop", "The run was stopped."],
    ]
    for second in range(70):
        recorder.event("notice", recorder.t0_s + second, notice="died", message=str(second))
    assert [mark[2] for mark in live(client, RUN_ID)["meta"]["events"]] == [str(second) for second in range(20, 70)]


@pytest.mark.parametrize(
    ("task", "item"), [("text-generation", "prompt"), ("depth-estimation", "image"), (None, "image")]
)
def test_items_are_called_what_the_model_takes(client: TestClient, folder: Folder, task: str | None, item: str) -> None:
    folder.ticks(0, 1)
    store.write_json(folder.path / store.ENVIRONMENT, {"model_spec": {"task": task}})
    assert live(client, RUN_ID)["meta"]["item"] == item


def test_where_an_imported_run_came_from_is_no_mark(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 1)
    folder.recorder.event("imported", 0.0, file="old.log", notes=["Cut by the rule."])
    folder.recorder.event("notice", 0.0, notice="imported", message="Cut by the rule.")
    store.write_json(folder.path / store.SPEC, {"origin": "imported"})
    meta = live(client, RUN_ID)["meta"]
    assert meta["events"] == []
    assert meta["imported"] is True


def test_a_run_that_ends_well_has_no_mark_for_it(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 1)
    folder.recorder.event(
        "end", folder.recorder.t0_s + 1, state="done", message="", power_mode_mismatch="30W, not MAXN"
    )
    assert live(client, RUN_ID)["meta"]["events"] == [[1, "mode", "30W, not MAXN"]]


def test_idle_level_of_memory_is_the_mean_until_the_model_loads(client: TestClient, folder: Folder) -> None:
    recorder = folder.recorder
    folder.ticks(0, 4)
    assert live(client, RUN_ID)["meta"]["ram_idle_mb"] is None
    recorder.event("phase", recorder.t0_s, phase="idle")
    first = live(client, RUN_ID)
    # 3000 MB at the first tick, which speaks of the time before it, then 3001 to 3003.
    assert first["meta"]["ram_idle_mb"] == 3002
    folder.ticks(4, 1)
    # Half a MB more is no news: the rest of the meta data need not come again for it.
    assert "meta" not in live(client, RUN_ID, tag=first["tag"])
    folder.ticks(5, 5)
    recorder.event("phase", recorder.t0_s + 9.5, phase="load")
    # 3001 to 3008 MB until then; 3009 came after it.
    assert live(client, RUN_ID)["meta"]["ram_idle_mb"] == 3004
    folder.ticks(10, 5)
    assert live(client, RUN_ID)["meta"]["ram_idle_mb"] == 3004


@pytest.mark.parametrize(
    ("address", "jetson", "light"),
    [
        ("127.0.0.1", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("10.0.0.7", True, False),
        ("somewhere", True, False),
        ("127.0.0.1", False, False),
    ],
)
def test_browser_on_the_board_gets_the_lighter_view(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch, address: str, jetson: bool, light: bool
) -> None:
    monkeypatch.setattr(api, "_on_jetson", lambda: jetson)
    folder.ticks(0, 1)
    there = TestClient(client.app, base_url="http://127.0.0.1", client=(address, 50_000))
    assert live(there, RUN_ID)["meta"]["light"] is light
