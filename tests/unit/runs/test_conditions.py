"""The commit, the page and the browser, found without a program."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from orin_core.runs.conditions import git_commit, has_browser, page_open

A, B = "a" * 40, "b" * 40


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_branch_is_its_own_file_or_a_line_of_the_packed_ones(tmp_path: Path) -> None:
    _write(tmp_path / ".git" / "HEAD", "ref: refs/heads/main\n")
    assert git_commit(tmp_path) is None
    packed = f"# pack-refs with: peeled fully-peeled sorted\n{B} refs/heads/main2\n{A} refs/heads/main\n^{B}\n"
    _write(tmp_path / ".git" / "packed-refs", packed)
    assert git_commit(tmp_path) == A
    # A newer file wins over what was packed.
    _write(tmp_path / ".git" / "refs" / "heads" / "main", f"{B}\n")
    assert git_commit(tmp_path) == B


def test_a_detached_head_is_the_commit_itself(tmp_path: Path) -> None:
    _write(tmp_path / ".git" / "HEAD", f"{A}\n")
    assert git_commit(tmp_path) == A


def test_a_linked_work_tree_has_its_own_head_and_the_refs_of_the_other(tmp_path: Path) -> None:
    own = tmp_path / "main" / ".git" / "worktrees" / "second"
    _write(own / "HEAD", "ref: refs/heads/second\n")
    _write(own / "commondir", "../..\n")
    _write(tmp_path / "main" / ".git" / "refs" / "heads" / "second", f"{A}\n")
    for number, named in enumerate((str(own), "../main/.git/worktrees/second")):
        _write(tmp_path / f"second{number}" / ".git", f"gitdir: {named}\n")
        assert git_commit(tmp_path / f"second{number}") == A


@pytest.mark.parametrize("head", [None, "", "ref: refs/heads/none", "no commit"])
def test_outside_a_checkout_there_is_no_commit(tmp_path: Path, head: str | None) -> None:
    if head is not None:
        _write(tmp_path / ".git" / "HEAD", head)
    assert git_commit(tmp_path) is None


def test_the_page_is_open_while_somebody_is_connected_to_its_port() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = server.getsockname()[1]
        assert page_open(port) is False
        with socket.create_connection(("127.0.0.1", port)) as viewer:
            accepted, _ = server.accept()
            with accepted:
                assert page_open(port) is True
                # The viewer's own port is no page.
                assert page_open(viewer.getsockname()[1]) is False


def test_a_browser_is_told_by_its_name_and_its_absence_only_where_all_is_seen() -> None:
    board = [(1, "systemd"), (2, "kthreadd"), (800, "python3"), (801, None)]
    assert has_browser(board) is False
    assert has_browser([*board, (900, "firefox")]) is True
    assert has_browser([*board, (900, "chromium-browser")]) is True
    assert has_browser([(1, "python3"), (2, "sh")]) is None
    assert has_browser([(1, "python3"), (7, "chrome")]) is True
