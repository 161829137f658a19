"""Deleting runs: whole, never the one that holds the board, never what is no run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orin_core.errors import BadRequest, BoardBusy, RunFailed
from orin_core.runs import store
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording, list_runs
from orin_core.runs.removal import HIDDEN, delete_run
from orin_core.settings import Settings

RUN_ID = "20260102T030405Z_resnet-152_cifar100_MAXN_0a1{}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "state")


def made(settings: Settings, mark: str = "b", **status: object) -> Recording:
    folder = settings.runs_dir / RUN_ID.format(mark)
    (folder / "gallery").mkdir(parents=True)
    (folder / "gallery" / "0.jpg").write_bytes(b"x")
    store.write_json(folder / store.STATUS, {"state": "done", **status})
    return Recording(folder=folder)


def test_run_is_gone_with_everything_and_its_neighbour_stays(settings: Settings) -> None:
    gone, stays = made(settings, "b"), made(settings, "c")
    delete_run(gone, settings)
    assert [run.run_id for run in list_runs(settings.runs_dir)] == [stays.run_id]
    assert os.listdir(settings.runs_dir) == [stays.run_id]
    with pytest.raises(BadRequest, match="gone"):
        delete_run(gone, settings)


def test_run_that_holds_the_board_is_refused(settings: Settings) -> None:
    run, other = made(settings, "b"), made(settings, "c")
    with BoardLock(settings.state_dir) as lock:
        lock.write(Holder(folder=run.folder, runner=ProcessId.of(os.getpid()), worker=None))
        with pytest.raises(BoardBusy, match="holds the board"):
            delete_run(run, settings)
        delete_run(other, settings)
    assert list_runs(settings.runs_dir) == [run]
    delete_run(run, settings)
    assert list_runs(settings.runs_dir) == []


def test_run_of_another_board_is_refused_while_its_runner_lives(settings: Settings) -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None
    run = made(settings, state="running", runner_pid=me.pid, runner_start=me.start)
    with pytest.raises(BoardBusy):
        delete_run(run, settings)
    store.write_json(run.folder / store.STATUS, {"state": "running", "runner_pid": me.pid, "runner_start": 1})
    delete_run(run, settings)
    assert list_runs(settings.runs_dir) == []


def test_only_run_folders_are_deleted(settings: Settings, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    settings.runs_dir.mkdir(parents=True)
    link = settings.runs_dir / RUN_ID.format("d")
    link.symlink_to(outside)
    for folder in (outside, link):
        with pytest.raises(BadRequest):
            delete_run(Recording(folder=folder), settings)
    inside = made(settings, "e")
    (inside.folder / "away").symlink_to(outside)
    delete_run(inside, settings)
    assert (outside / "kept").read_text() == "x"


def test_leavings_of_a_killed_deletion_go_with_the_next(settings: Settings) -> None:
    run = made(settings)
    left = settings.runs_dir / f"{HIDDEN}{RUN_ID.format('f')}-00000000"
    left.mkdir()
    assert list_runs(settings.runs_dir) == [run]
    own = settings.runs_dir / f"{HIDDEN}by-hand-keep-this"
    own.mkdir()
    delete_run(run, settings)
    assert os.listdir(settings.runs_dir) == [own.name]


def test_folder_that_cannot_be_renamed_stays_whole(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(settings)

    def rename(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(RunFailed, match="Permission denied"):
        delete_run(run, settings)
    assert (run.folder / "gallery" / "0.jpg").exists()
