"""A long run shows its newest rows at once, and all of them once they are read."""

from __future__ import annotations

import csv
import io
import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dashboard import rows
from dashboard.table import Table
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
    growing = rows.Growing(path, 2, cut=True)
    assert growing.read_new() == b"two\nthree\n"
    with path.open("ab") as stream:
        stream.write(b"ur\n")
    assert growing.read_new() == b"four\n"
    assert growing.offset == path.stat().st_size


HEADER = b"Elapsed (s),FPS\n"


@pytest.mark.parametrize(("offset", "times"), [(0, [1, 2, 3]), (3, [1, 2, 3]), (len(HEADER) + 1, [2, 3])])
def test_rows_begin_after_the_header(tmp_path: Path, offset: int, times: list[float]) -> None:
    path = tmp_path / "run.csv"
    found = rows.Rows(path, offset)
    for torn in (b"", HEADER[:-1]):
        path.write_bytes(torn)
        assert (found.read(), found.table) == (False, None)
    path.write_bytes(HEADER + b"1,5\n2,5\n3,5\n")
    assert found.read()
    assert found.table is not None
    assert found.table.take(0, found.table.end)[:, 0].tolist() == times


@pytest.mark.parametrize("header", [b"Time,FPS\n", b"\0\0\0\n", b"\n"])
def test_file_without_a_header_of_ours_has_no_rows(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(header + b"1,5\n")
    assert not rows.Rows(path).read()


def test_link_to_another_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_bytes(HEADER + b"1,5\n")
    (tmp_path / "run.csv").symlink_to(tmp_path / "other.csv")
    run = rows.RunRows(tmp_path / "run.csv")
    assert (run.read()[1], run.partial) == (False, False)


def long_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is read in a thread, a line at a time."""
    path = tmp_path / "run.csv"
    path.write_bytes(HEADER + b"".join(b"%05d,5\n" % second for second in range(2000)))
    monkeypatch.setattr(rows, "LONG_BYTES", 1000)
    monkeypatch.setattr(rows, "TAIL_BYTES", 800)
    monkeypatch.setattr(rows, "_BLOCK_BYTES", len(HEADER))
    return path


def test_long_file_that_goes_away_costs_only_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = long_csv(tmp_path, monkeypatch)
    run, size = rows.RunRows(path), rows.RunRows._size

    def gone(self: rows.RunRows) -> int:
        found = size(self)
        path.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(rows.RunRows, "_size", gone)
    assert run.read()[1] is False
    wait_for(lambda: run.read()[0].life == "r", "the end of the reader")
    assert run.read()[0].table is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_reader_that_failed_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, add, failed = rows.RunRows(long_csv(tmp_path, monkeypatch)), Table.add_csv, threading.Event()

    def fail_once(self: Table, data: bytes) -> None:
        if threading.current_thread().name == "run.csv" and not failed.is_set():
            failed.set()
            raise OSError("The disk did not answer.")
        add(self, data)

    monkeypatch.setattr(Table, "add_csv", fail_once)
    run.read()
    assert failed.wait(GENEROUS_S)
    wait_for(lambda: (run.read()[0].life, run.partial) == ("r", False), "all rows")
    whole = run.read()[0].table
    assert whole is not None
    assert whole.last_s == 1999


def test_reader_ends_with_the_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = rows.RunRows(long_csv(tmp_path, monkeypatch))
    more = rows.Growing.read_new
    begun, gate = threading.Event(), threading.Event()

    def held_up(self: rows.Growing) -> bytes:
        if threading.current_thread().name == "run.csv":
            begun.set()
            assert gate.wait(GENEROUS_S)
        return more(self)

    monkeypatch.setattr(rows.Growing, "read_new", held_up)
    run.read()
    assert begun.wait(GENEROUS_S)
    reader = run._reader
    assert reader is not None
    run.close()
    gate.set()
    reader.join(GENEROUS_S)
    assert not reader.is_alive()
    assert run._whole.offset < 100
