from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

import pytest

from orin_core.assets import fetch_process
from orin_core.errors import BadRequest
from tests.conftest import Home, wait_for


def test_never_started(home: Home) -> None:
    assert fetch_process.state("resnet-152", home.settings.state_dir).state == "none"


def test_failure_says_why(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real process, on a machine that is told to stay away from the hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    state_dir = home.settings.state_dir
    fetch_process.start("resnet-152", state_dir)
    wait_for(lambda: not fetch_process.state("resnet-152", state_dir).running, "its end")
    ended = fetch_process.state("resnet-152", state_dir)
    assert ended.state == "failed"
    assert "HF_HUB_OFFLINE" in ended.message


def test_two_tabs_at_once_start_one_download(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    state_dir = home.settings.state_dir
    together = threading.Barrier(8)
    started: list[int] = []
    popen = subprocess.Popen

    def counted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        child: subprocess.Popen[bytes] = popen(*arguments, **options)
        started.append(child.pid)
        return child

    def press() -> None:
        together.wait(60)
        fetch_process.start("resnet-152", state_dir)

    monkeypatch.setattr(subprocess, "Popen", counted)
    tabs = [threading.Thread(target=press) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(60)
    assert len(started) == 1
    wait_for(lambda: not fetch_process.state("resnet-152", state_dir).running, "its end")


def test_progress_is_the_last_whole_line(home: Home) -> None:
    folder = home.settings.state_dir / "fetch"
    folder.mkdir(parents=True)
    (folder / "a--b.pid").write_text(json.dumps([1, 1]))
    (folder / "a--b.jsonl").write_text('{"state": "done", "done_mb": 5.5, "total_mb": 5.5}\n{"state": "do')
    ended = fetch_process.state("a/b", home.settings.state_dir)
    assert (ended.state, ended.done_mb) == ("done", 5.5)


def test_nothing_is_refused(home: Home) -> None:
    with pytest.raises(BadRequest):
        fetch_process.start("  ", home.settings.state_dir)
