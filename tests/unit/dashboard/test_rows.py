"""A long run shows its newest rows at once, and all of them once they are read."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dashboard import rows
from tests.conftest import GENEROUS_S, wait_for
from tests.unit.dashboard.conftest import RUN_ID, Folder, held, live


def seconds(folder: Folder) -> list[float]:
    return [float(row["Elapsed (s)"]) for row in csv.DictReader(io.StringIO(folder.text()))]


def test_newest_rows_come_first_and_the_others_once_they_are_read(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, folder.recording)
    folder.ticks(0, 400)
    size = folder.recording.csv_path.stat().st_size
    monkeypatch.setattr(rows, "LONG_BYTES", size // 2)
    monkeypatch.setattr(rows, "TAIL_BYTES", size // 10)
    gate, read = threading.Event(), rows.Rows.read

    def held_up(self: rows.Rows) -> bool:
        if self.life == "r":
            assert gate.wait(GENEROUS_S)
        return read(self)

    monkeypatch.setattr(rows.Rows, "read", held_up)
    first = live(client, RUN_ID)
    assert first["partial"] is True
    shown = [row[0] for row in first["rows"]]
    assert 20 < len(shown) < 60
    assert shown == seconds(folder)[-len(shown) :]
    folder.ticks(400, 2)
    second = live(client, RUN_ID, since=first["cursor"])
    assert [row[0] for row in second["rows"]] == [401.0, 402.0]
    gate.set()
    wait_for(lambda: "partial" not in live(client, RUN_ID), "all rows")
    third = live(client, RUN_ID, since=second["cursor"])
    assert third["reset"] is True
    assert [row[0] for row in third["rows"]] == seconds(folder)
    folder.ticks(402, 1)
    assert [row[0] for row in live(client, RUN_ID, since=third["cursor"])["rows"]] == [403.0]


def test_line_that_the_offset_cuts_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\nthree\nfo")
    growing = rows.Growing(path, 2)
    assert growing.read_new() == b"two\nthree\n"
    with path.open("ab") as stream:
        stream.write(b"ur\n")
    assert growing.read_new() == b"four\n"
    assert growing.left_bytes() == 0
