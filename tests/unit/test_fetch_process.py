"""Downloads as processes of their own: how far they are, ended on purpose, gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import Any

import pytest

from orin_core.assets import fetch_process
from orin_core.errors import BadRequest
from tests.conftest import Home, wait_for
from tests.support_hub import StandInHub


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


def test_a_download_is_sized_started_cancelled_and_gone_on_with(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    state_dir = home.settings.state_dir

    def now() -> fetch_process.FetchState:
        return fetch_process.state("resnet-152", state_dir)

    with StandInHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.repos["models/microsoft/resnet-152"] = {
            "config.json": b"{}",
            "preprocessor_config.json": b"{}",
            "model.safetensors": os.urandom(6_000_000),
        }
        fetch_process.start("resnet-152", state_dir, size_only=True)
        wait_for(lambda: not now().running, "the size")
        assert (now().state, now().done_mb, now().total_mb) == ("sized", 0.0, 6.0)
        assert not hub.gets()

        hub.pause_after = 2_000_000
        fetch_process.start("resnet-152", state_dir)
        parts = home.root / "hf" / "hub" / "models--microsoft--resnet-152" / "blobs"
        wait_for(lambda: any(part.stat().st_size >= 1_900_000 for part in parts.glob("*.part")), "the first part")
        assert now().running
        fetch_process.cancel("resnet-152", state_dir)
        assert (now().state, now().total_mb, now().message) == ("cancelled", 6.0, "")
        fetch_process.cancel("resnet-152", state_dir)

        hub.pause_after = None
        hub.go_on.set()
        fetch_process.start("resnet-152", state_dir)
        wait_for(lambda: not now().running, "its end")
        assert (now().state, now().done_mb) == ("done", 6.0)
        assert int(hub.gets()[-1]["Range"].removeprefix("bytes=").removesuffix("-")) >= 1_900_000


def test_a_download_that_was_killed_by_others_is_no_success(home: Home) -> None:
    folder = home.settings.state_dir / "fetch"
    folder.mkdir(parents=True)
    (folder / "a--b.pid").write_text(json.dumps([1, 1]))
    (folder / "a--b.jsonl").write_text('{"state": "downloading", "done_mb": 5.5, "total_mb": 9.0}\n')
    ended = fetch_process.state("a/b", home.settings.state_dir)
    assert (ended.state, ended.done_mb, ended.total_mb) == ("failed", 5.5, 9.0)
    assert "goes on where it was" in ended.message
