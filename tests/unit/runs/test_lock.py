"""One board, one holder, and nobody taken for somebody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orin_core.errors import BadRequest, BoardBusy
from orin_core.runs import processes
from orin_core.runs.lock import BoardLock, Holder, read_holder
from orin_core.runs.processes import ProcessId, start_ticks

RUN_ID = "20260131T120000Z_resnet-152_cifar100_MAXN_0a1b"


def _me() -> ProcessId:
    me = ProcessId.of(os.getpid())
    assert me is not None
    return me


def test_the_loser_is_told_who_holds_the_board(tmp_path: Path) -> None:
    with BoardLock(tmp_path) as lock:
        lock.write(Holder(folder=tmp_path / RUN_ID, runner=_me(), worker=None))
        with pytest.raises(BoardBusy, match=RUN_ID) as caught:
            BoardLock(tmp_path)
        assert caught.value.run_id == RUN_ID
    with BoardLock(tmp_path):
        assert read_holder(tmp_path) is None


def test_a_child_that_inherited_the_lock_holds_the_board_alone(tmp_path: Path) -> None:
    with BoardLock(tmp_path) as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.fd,), start_new_session=True
        )
    with pytest.raises(BoardBusy):
        BoardLock(tmp_path)
    child.communicate(b"\n")
    with BoardLock(tmp_path):
        pass


def test_a_shorter_holder_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    with BoardLock(tmp_path) as lock:
        lock.write(Holder(folder=tmp_path / ("x" * 200), runner=_me(), worker=_me()))
        lock.write(Holder(folder=tmp_path, runner=_me(), worker=None))
        assert read_holder(tmp_path) == Holder(folder=tmp_path, runner=_me(), worker=None)


def test_a_state_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequest, match="ORIN_STATE_DIR"):
        BoardLock(tmp_path / "file" / "state")


def test_a_reused_pid_is_not_the_old_process() -> None:
    me = _me()
    assert me.alive()
    assert not ProcessId(pid=me.pid, start=me.start + 1).alive()


def test_the_same_pid_and_tick_of_another_boot_are_not_the_old_process(monkeypatch: pytest.MonkeyPatch) -> None:
    me = _me()
    monkeypatch.setattr(processes, "_boot", lambda: 7)
    assert not me.alive()
    again = _me()
    assert again.alive()
    assert json.loads(json.dumps(float(again.start))) == again.start


def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks(child.pid) is None
    child.wait()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"folder": 3}', '{"runner_pid": "1"}'])
def test_a_damaged_lock_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "board.lock").write_text(text)
    holder = read_holder(tmp_path)
    assert holder is None or not holder.alive()


def test_a_planted_link_is_refused_and_what_it_points_at_is_left_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("secret")
    victim.chmod(0o600)
    state = tmp_path / "state"
    state.mkdir()
    (state / "board.lock").symlink_to(victim)
    with pytest.raises(BadRequest, match="cannot be opened"):
        BoardLock(state)
    (state / "board.lock").unlink()
    os.link(victim, state / "board.lock")
    with pytest.raises(BadRequest, match="no plain file"):
        BoardLock(state)
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("secret", 0o600)
