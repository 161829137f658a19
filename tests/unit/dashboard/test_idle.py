from __future__ import annotations

import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboard import idle, state
from orin_core.board import power
from orin_core.board.probes import board_paths
from orin_core.runs import launcher
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from tests.conftest import wait_for
from tests.unit.dashboard.conftest import RUN_ID, Folder, held, live


def test_idle_board_is_one_probe_for_all_and_ends_with_the_last_viewer(
    client: TestClient, singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, None)
    board = state.idle_board()
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(live(client, "idle"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["cursor"].partition(":")[0] for answer in answers}) == 1
    wait_for(lambda: len(live(client, "idle")["rows"]) >= 2, "two ticks of the idle board")
    meta = live(client, "idle")["meta"]
    assert (meta["simulated"], meta["state"]) == (True, "idle")
    assert (meta["events"], meta["ram_idle_mb"], meta["light"]) == ([], None, False)
    wide = live(client, "idle", cores=1)
    assert "CPU 11 Load (%)" in wide["meta"]["columns"]
    assert len(wide["rows"][0]) == len(wide["meta"]["columns"]) == len(meta["columns"]) + 12
    newest_s = wide["rows"][-1][0]
    assert live(client, "idle", **{"from": newest_s})["rows"][0][0] == newest_s
    board._linger_s = 0.0
    wait_for(lambda: not board.running, "the probe's end")


def test_idle_probe_gives_way_to_a_run(client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch, None)
    live(client, "idle")
    assert state.idle_board().running
    wait_for(lambda: live(client, "idle")["rows"], "a tick")
    held(monkeypatch, folder.recording)
    wait_for(lambda: not state.idle_board().running, "the probe's end")
    first = live(client, "idle")
    assert first["active"] == RUN_ID
    assert not state.idle_board().running
    # Never the last values as if live: they get older.
    assert live(client, "idle", since=first["cursor"])["age_s"] >= first["age_s"] > 0


def test_idle_probe_stays_off_while_a_run_is_being_started(
    client: TestClient, singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, None)
    board = state.idle_board()
    seen: list[bool] = []

    def look() -> None:
        live(client, "idle")
        seen.append(board.running)

    look()
    wait_for(lambda: live(client, "idle")["rows"], "a tick")
    with board.held_off():
        seen.append(board.running)
        with board.held_off():
            look()
        look()
        before = live(client, "idle")
        assert before["age_s"] is not None
        assert before["meta"]["recent"] == before["meta"]["message"] == "The board is being prepared."
    look()
    assert seen == [True, False, False, False, True]
    # The rows of before are not taken for those of the new probe, not even before its first tick.
    after = live(client, "idle", since=before["cursor"])
    assert (after["reset"], after["meta"]["recent"]) == (True, "")


def test_cursor_of_another_server_starts_over(singletons: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch, None)
    lives = set()
    for _ in range(2):
        state.idle_board().touch()
        lives.add(state.idle_board().epoch)
        state.reset()
    assert len(lives) == 2


def test_power_mode_that_another_sets_is_followed(
    client: TestClient, singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, None)
    monkeypatch.setattr(idle, "MODE_S", 0.0)
    before = live(client, "idle")["meta"]["power_mode"]
    paths = board_paths("simulated", singletons.state_dir)
    assert paths is not None
    other = next(mode for mode in power.list_modes(paths) if mode.name != before)
    paths.status.parent.mkdir(parents=True, exist_ok=True)
    paths.status.write_text(f"pmode:{other.mode_id:04d}")
    wait_for(lambda: live(client, "idle")["meta"]["power_mode"] == other.name, "the mode that is set now")


def test_idle_probe_is_ended_only_by_its_own_watch(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that comes late, when its probe is gone and another tab has opened the next one."""
    looks: list[str] = []

    def active(settings: Settings) -> Recording | None:
        looks.append(threading.current_thread().name)
        return folder.recording if looks[-1] == "late" else None

    monkeypatch.setattr(launcher, "active", active)
    board = state.idle_board()
    live(client, "idle")
    late_stop = threading.Event()
    late = threading.Thread(target=board._watch, args=(late_stop, None), name="late", daemon=True)
    late.start()
    wait_for(lambda: looks.count("late") > 1, "a second look, so that the first has been acted on")
    late_stop.set()
    late.join(60)
    assert board.running
