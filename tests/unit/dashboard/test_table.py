from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import table
from dashboard.table import Table, for_browser, thinned, window
from tests.unit.dashboard.conftest import Folder


def filled(count: int, *, keep: int | None = None) -> Table:
    made = Table(["Index", "Elapsed (s)", "Phase", "Used RAM (MB)", "FPS"], keep=keep)
    for index in range(count):
        made.add_cells([str(index), f"{index}.125", "idle", str(100 + index), "" if index % 2 else "0.1"])
    return made


def test_columns_of_the_chart_are_taken_by_name() -> None:
    header = ["Index", "tj Temperature (C)", "VDD_IN Current (mW)", "VDD_IN Average (mW)", "CPU 0 Load (%)", "FPS"]
    assert table.chart_columns(header) == ["Elapsed (s)", "tj Temperature (C)", "VDD_IN Current (mW)", "FPS"]


def test_cursor_gives_every_row_once() -> None:
    made = filled(5)
    first = made.since(0)
    assert first is not None
    assert len(first) == made.end == 5
    made.add_cells(["5", "5.125", "idle", "105", ""])
    more = made.since(5)
    assert more is not None
    assert more[:, 0].tolist() == [5.125]
    assert made.before(5) == 4.125
    assert made.since(7) is None


def test_ring_keeps_the_newest_and_knows_what_it_dropped() -> None:
    made = filled(1000, keep=100)
    assert made.end == 1000
    assert 100 <= len(made.rows) <= 200
    assert made.rows[-1, 0] == 999.125
    assert made.since(3) is None
    newest = made.since(990)
    assert newest is not None
    assert newest[:, 0].tolist() == [index + 0.125 for index in range(990, 1000)]


def test_bulk_and_line_by_line_give_the_same_numbers(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.ticks(0, 60)
    first, _, rest = folder.text().partition("\n")
    header = next(csv.reader([first]))
    one, other = Table(header), Table(header)
    one.add_csv(rest.encode())
    monkeypatch.setattr(table, "_BULK_BYTES", 1)
    other.add_csv(rest.encode())
    assert len(one.rows) == 60
    np.testing.assert_array_equal(one.rows, other.rows)
    cells = [float(row["cpu Temperature (C)"]) for row in csv.DictReader(io.StringIO(folder.text()))]
    assert one.rows[:, one.columns.index("cpu Temperature (C)")].tolist() == cells


def test_torn_or_foreign_line_adds_nothing() -> None:
    made = Table(["Elapsed (s)", "FPS"])
    made.add_csv(b"1.0,2\n3.0\n4.0,5,6\n7.0,x\n")
    assert made.rows[:, 0].tolist() == [1.0, 7.0]
    assert math.isnan(made.rows[1, 1])


@given(st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=400), st.integers(8, 30))
def test_thinning_keeps_the_extremes_and_the_order(values: list[float], points: int) -> None:
    rows = np.column_stack([np.arange(len(values), dtype=float), np.array(values)])
    few = thinned(rows, points)
    assert len(few) <= max(points, 4) + 1
    assert few[:, 1].min() == min(values)
    assert few[:, 1].max() == max(values)
    assert (np.diff(few[:, 0]) >= 0).all()


def test_window_is_the_last_seconds() -> None:
    rows = filled(100).rows
    assert window(rows, 10)[:, 0].tolist() == [index + 0.125 for index in range(89, 100)]
    assert len(window(rows, None)) == 100


def test_missing_ticks_become_one_empty_row() -> None:
    rows = np.array([[1.0, 5.0], [2.0, 6.5], [9.0, math.nan]])
    assert for_browser(rows, 2.5) == [[1, 5], [2, 6.5], [5.5, None], [9, None]]
    assert for_browser(rows[2:], 2.5, before_s=8.0) == [[9, None]]


def test_assets_of_the_chart_name_no_other_machine() -> None:
    folder = Path(table.__file__).with_name("live_chart")
    texts = {path.name: path.read_text() for path in folder.iterdir() if path.suffix in (".js", ".css")}
    assert {"live_chart.js", "live_chart.css"} <= set(texts)
    for name, text in texts.items():
        assert "https://" not in text.replace("http://www.w3.org", ""), name
