from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import table
from dashboard.table import Table
from dashboard.thinning import thinned
from dashboard.window import KEPT_S, Windows, between, for_browser
from orin_core.runs import columns
from orin_core.runs.columns import number
from tests.unit.dashboard.conftest import Folder

HEADER = ["Index", "Elapsed (s)", "Phase", "CPU 0 Load (%)", "Used RAM (MB)", "FPS", "Latency (ms)"]
BLOCK = table._BLOCK_ROWS


def filled(count: int, *, keep: int | None = None) -> Table:
    made = Table(HEADER, keep=keep)
    for index in range(count):
        made.add_cells([str(index), f"{index}.125", "idle", "7", str(100 + index), "" if index % 2 else "0.1", ""])
    return made


def waves(count: int) -> tuple[Table, np.ndarray]:
    """A table of many rows at ten ticks a second, and the same numbers as an array."""
    numbers = np.random.default_rng(5).normal(500, 100, (count, 3)).round(2)
    text = "".join(
        f"{index},{index / 10:.3f},measure,,{ram:.2f},{fps:.2f},{ms:.2f}\n"
        for index, (ram, fps, ms) in enumerate(numbers)
    )
    made = Table(HEADER)
    made.add_csv(text.encode())
    return made, np.column_stack([np.arange(count) / 10, numbers])


def test_columns_of_the_chart_are_taken_by_name() -> None:
    header = ["Index", "tj Temperature (C)", "VDD_IN Current (mW)", "VDD_IN Average (mW)", "CPU 0 Load (%)", "FPS"]
    made = Table(["Elapsed (s)", *header, "CPU 0 Frequency (MHz)"])
    assert made.columns == ["Elapsed (s)", "tj Temperature (C)", "VDD_IN Current (mW)", "CPU 0 Load (%)", "FPS"]
    assert made.picks(cores=True) == [0, 1, 2, 3, 4]
    assert made.picks(cores=False) == [0, 1, 2, 4]


def test_places_are_counted_from_the_first_row_ever() -> None:
    made = filled(5)
    assert (made.first, made.end, made.last_s) == (0, 5, 4.125)
    assert made.take(3, 5)[:, 0].tolist() == [3.125, 4.125]
    assert [made.place(3.125), made.place(3.125, after=True), made.place(3.2), made.place(99)] == [3, 4, 4, 5]
    assert [made.time_s(4), made.time_s(5), made.time_s(-1)] == [4.125, None, None]
    assert Table(HEADER).last_s is None


def test_ring_keeps_the_newest_and_knows_what_it_dropped() -> None:
    made = filled(1000, keep=100)
    assert made.end == 1000
    assert 100 <= made.end - made.first <= 200
    assert made.last_s == 999.125
    assert made.time_s(made.first - 1) is None
    assert made.take(made.first, 1000)[:, 0].tolist() == [index + 0.125 for index in range(made.first, 1000)]
    assert made.take(990, 1000)[:, 2].tolist() == [100.0 + index for index in range(990, 1000)]


def test_bulk_and_line_by_line_give_the_numbers_of_the_cells(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.ticks(0, 60)
    first, _, rest = folder.text().partition("\n")
    header = next(csv.reader([first]))
    one, other = Table(header), Table(header)
    one.add_csv(rest.encode())
    monkeypatch.setattr(table, "_BULK_BYTES", 1)
    other.add_csv(rest.encode())
    assert one.end == other.end == 60
    np.testing.assert_array_equal(one.take(0, 60), other.take(0, 60))
    cells = [
        [float(record[name]) if record[name] else math.nan for name in one.columns]
        for record in csv.DictReader(io.StringIO(folder.text()))
    ]
    np.testing.assert_array_equal(one.take(0, 60), cells)


@given(st.floats(0, 16_000), st.floats(0, 100_000), st.integers(0, 1 << 24), st.floats(0, 1e7))
def test_a_number_comes_out_as_its_cell_spells_it(fps: float, latency_ms: float, ram_mb: int, elapsed_s: float) -> None:
    cells = [
        number(fps, 3),
        number(latency_ms, columns.LATENCY_DECIMALS),
        number(ram_mb),
        f"{elapsed_s:.3f}",
    ]
    made = Table(["FPS", "Latency (ms)", "Used RAM (MB)", "Elapsed (s)"])
    made.add_cells(cells)
    assert made.take(0, 1)[0].tolist() == [float(cells[3]), *map(float, cells[:3])]


def test_torn_or_foreign_line_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Table(["Elapsed (s)", "FPS"])
    lines = b"1.0,2\n3.0\n4.0,5,6\n,8\n7.0,x\n"
    made.add_csv(lines)
    monkeypatch.setattr(table, "_BULK_BYTES", 1)
    made.add_csv(lines)
    made.add_csv(lines.replace(b"x", b""))
    assert made.take(0, made.end)[:, 0].tolist() == [1.0, 7.0] * 3
    assert np.isnan(made.take(0, made.end)[1::2, 1]).all()


@pytest.mark.parametrize("bulk_bytes", [1, 1 << 20])
def test_garbled_cell_costs_only_its_line(monkeypatch: pytest.MonkeyPatch, bulk_bytes: int) -> None:
    monkeypatch.setattr(table, "_BULK_BYTES", bulk_bytes)
    made = Table(["Elapsed (s)", "FPS"])
    for garbled in (b'2,"x', b'"2,5', b"2,\0", b"\0\0\0"):
        made.add_csv(b"1,5\n" + garbled + b"\n3,7\n")
    made.add_csv(b"1e300,5\ninf,5\n")
    times = made.take(0, made.end)[:, 0]
    assert times[times != 2].tolist() == [1, 3] * 4


@pytest.mark.parametrize("bulk_bytes", [1, 1 << 20])
def test_number_without_a_bound_is_absent(monkeypatch: pytest.MonkeyPatch, bulk_bytes: int) -> None:
    monkeypatch.setattr(table, "_BULK_BYTES", bulk_bytes)
    made = Table(["Elapsed (s)", "FPS"])
    made.add_csv(b"1,inf\n2,-inf\n3,3.5e38\n4,nan\n5,3e38\n")
    made.add_cells(["6", "1e999"])
    rows, _ = Windows().rows(made, span_s=None, points=100, cores=False, gap_s=2.5)
    assert [row[1] is None for row in rows] == [True, True, True, True, False, True]
    json.dumps(rows, allow_nan=False)


@given(st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=400), st.integers(8, 30))
def test_thinning_keeps_the_extremes_and_the_order(values: list[float], points: int) -> None:
    rows = np.column_stack([np.arange(len(values), dtype=float), np.array(values)])
    few = thinned(rows, points)
    assert len(few) <= max(points, 4) + 1
    assert few[:, 1].min() == min(values)
    assert few[:, 1].max() == max(values)
    assert (np.diff(few[:, 0]) >= 0).all()


LONG, LONG_ROWS = waves(3 * BLOCK + 1234)


@given(st.integers(0, len(LONG_ROWS) - 2), st.integers(1, len(LONG_ROWS)), st.integers(8, 300))
def test_thinning_by_groups_keeps_what_thinning_by_rows_keeps(first: int, count: int, points: int) -> None:
    last = min(first + count, len(LONG_ROWS))
    few, rows = LONG.thinned(first, last, points, LONG.picks(cores=False)), LONG_ROWS[first:last]
    assert len(few) <= points + 1
    assert (few.min(axis=0) == rows.min(axis=0)).all()
    assert (few.max(axis=0) == rows.max(axis=0)).all()
    assert (np.diff(few[:, 0]) >= 0).all()


RAILS = ["VDD_GPU_SOC Current (mW)", "Power (W)", "VDD_CPU_CV Current (mW)", "tj Temperature (C)"]


@pytest.mark.parametrize("count", [300, 3 * BLOCK + 1234])
def test_rails_add_up_to_the_power_where_rows_are_thinned(count: int) -> None:
    rails = np.random.default_rng(5).integers(0, 20_000, (2, count)).astype(float)
    rails[:, 40:80] = math.nan
    total = rails.sum(axis=0) / 1000
    made = Table(["Elapsed (s)", *RAILS])
    made._add([np.arange(count) / 10, rails[0], total, rails[1], np.arange(count) % 50])
    few = made.thinned(0, count, 200)
    assert 100 < len(few) <= 201
    np.testing.assert_allclose((few[:, 1] + few[:, 3]) / 1000, few[:, 2])
    assert [np.nanmin(few[:, 2]), np.nanmax(few[:, 2])] == [np.nanmin(total), np.nanmax(total)]
    assert [few[:, 4].min(), few[:, 4].max()] == [0, 49]


def test_groups_are_of_about_as_many_rows_each() -> None:
    few = LONG.thinned(0, LONG.end, 40)
    steps = np.diff(few[0::2, 0])
    assert steps.max() - steps.min() <= 2 * table._GROUP_ROWS / 10


def test_mean_is_of_the_readings_that_there_are() -> None:
    made = filled(4)
    assert made.mean("Used RAM (MB)", 1, 4) == 102
    assert made.mean("FPS", 0, 4) == pytest.approx(0.1)
    assert made.mean("FPS", 1, 2) is None
    assert made.mean("no such column", 0, 4) is None
    assert made.mean("Used RAM (MB)", 2, 2) is None


def test_window_is_the_last_seconds_without_the_cores() -> None:
    made = filled(100)
    rows, few = Windows().rows(made, span_s=10, points=50, cores=False, gap_s=2.5)
    assert not few
    assert rows == [[index + 0.125, 100 + index, None if index % 2 else 0.1, None] for index in range(89, 100)]
    assert len(Windows().rows(made, span_s=None, points=100, cores=True, gap_s=2.5)[0]) == 100
    assert Windows().rows(Table(HEADER), span_s=None, points=100, cores=False, gap_s=2.5) == ([], False)


def test_a_thinned_window_is_made_once_for_all_tabs_and_kept_complete() -> None:
    now = [0.0]
    windows = Windows(lambda: now[0])
    made = filled(600)

    def rows() -> list[list[float | int | None]]:
        found, few = windows.rows(made, span_s=None, points=100, cores=False, gap_s=2.5)
        assert few
        return found

    first = rows()
    assert len(first) <= 102
    for index in range(600, 605):
        made.add_cells([str(index), f"{index}.125", "idle", "7", "9", "", ""])
    now[0] = KEPT_S - 1
    more = rows()
    assert more[: len(first)] == first
    assert [row[0] for row in more[len(first) :]] == [index + 0.125 for index in range(600, 605)]
    now[0] = KEPT_S + 1
    anew = rows()
    assert len(anew) <= 102
    assert anew[-5:] == more[-5:]


def test_between_two_times_every_row_comes_where_they_are_few() -> None:
    rows, few = between(LONG, 100.0, 150.0, points=1500, cores=False, gap_s=0.25)
    assert not few
    assert rows == LONG_ROWS[1000:1501].tolist()
    rows, few = between(LONG, 100.0, 1000.0, points=300, cores=False, gap_s=0.25)
    assert few
    assert len(rows) <= 301
    assert (rows[0][0], rows[-1][0]) == (100.0, 1000.0)
    assert between(LONG, 100.01, 100.09, points=300, cores=False, gap_s=0.25) == ([], False)


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
