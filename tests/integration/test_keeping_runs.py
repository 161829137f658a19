"""What becomes of runs afterwards, by command: notes and deletion."""

from __future__ import annotations

from pathlib import Path

from orin_core.runs import store
from tests.conftest import Home

RUN = "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"
OTHER = "20260102T030406Z_resnet-152_cifar100_MAXN_0a1c"


def _made(home: Home, name: str) -> Path:
    folder = home.settings.runs_dir / name
    folder.mkdir(parents=True)
    store.write_json(folder / store.SPEC, {"notes": "typed in before"})
    store.write_json(folder / store.STATUS, {"state": "done"})
    return folder


def test_notes_are_printed_and_replaced(home: Home) -> None:
    _made(home, RUN)
    assert home.cli("notes", RUN).stdout == "typed in before\n"
    assert home.cli("notes", RUN, "fan at full speed").returncode == 0
    assert home.cli("notes", RUN).stdout == "fan at full speed\n"


def test_nothing_is_deleted_where_one_id_is_wrong(home: Home) -> None:
    folder = _made(home, RUN)
    refused = home.cli("delete", RUN, OTHER)
    assert refused.returncode == 2
    assert OTHER in refused.stderr
    assert folder.is_dir()


def test_runs_are_deleted_whole(home: Home) -> None:
    folders = [_made(home, name) for name in (RUN, OTHER)]
    assert home.cli("delete", RUN, OTHER).returncode == 0
    assert not any(folder.exists() for folder in folders)
    assert list(home.settings.runs_dir.iterdir()) == []
