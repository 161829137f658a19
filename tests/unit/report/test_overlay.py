"""Runs laid over each other: where 0 is, what is a gap, and what thinning may not lose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orin_core.errors import BadRequest
from orin_core.report import overlay
from orin_core.runs.recording import Recording
from tests.unit.report.built import run
from tests.unit.report.folders import write_run


def recording(runs_dir: Path, number: int = 1, *, rows: int = 120, step_s: float = 1.0) -> Recording:
    return Recording(folder=write_run(runs_dir, run(number), rows=rows, step_s=step_s))


def without_rows(one: Recording, first: int, last: int) -> None:
    lines = one.csv_path.read_text().splitlines()
    one.csv_path.write_text("\n".join(lines[: first + 1] + lines[last + 1 :]) + "\n")


def csv(one: Recording, rows: list[str], header: str = "Elapsed (s),Phase,Used GR3D (%),Power (W)") -> None:
    one.csv_path.write_text("\n".join([header, *rows]) + "\n")


def test_lines_of_runs_that_waited_differently_meet_where_measure_began(tmp_path: Path) -> None:
    early, late = recording(tmp_path, 1, rows=80), recording(tmp_path, 2, rows=400)
    found = overlay.aligned([early, late], "power_w")
    assert list(found) == [early.run_id, late.run_id]
    for line, seconds in ((found[early.run_id], 40), (found[late.run_id], 200)):
        assert line.t_s[0] == 1.0, "the tick at 0 tells of the time before"
        assert line.t_s[-1] == seconds
        assert set(line.values[:-1]) == {14.8}, "no idle row is inside"
    assert overlay.lines_of(late).measure_s == 200.0


def test_a_tick_that_tells_of_the_time_before_measure_is_not_drawn_with_it(tmp_path: Path) -> None:
    one = recording(tmp_path)
    csv(one, [f"{second / 2},{'measure' if second > 59 else 'idle'},50,9" for second in range(59, 70)])
    line = overlay.aligned([one], "power_w")[one.run_id]
    assert line.t_s[0] == 0.5, "that of 30.0 s was received as measure began"


def test_the_whole_run_has_what_came_before_below_zero(tmp_path: Path) -> None:
    one = recording(tmp_path)
    line = overlay.aligned([one], "power_w", whole=True)[one.run_id]
    assert (line.t_s[0], line.t_s[-1]) == (-30.0, 89.0)
    assert set(line.values[line.t_s < 0]) == {8.0}
    assert set(line.values[(line.t_s >= 0) & (line.t_s < 60)]) == {14.8}


@pytest.mark.parametrize("text", [None, '{"kind": "done", "t_s": 1, "t_start_s": "x", "t_end_s": []}\n'])
def test_without_the_workers_word_measure_is_where_the_rows_say_so(tmp_path: Path, text: str | None) -> None:
    one = recording(tmp_path)
    events = one.folder / "events.jsonl"
    events.unlink() if text is None else events.write_text(text)
    line = overlay.aligned([one], "power_w")[one.run_id]
    assert (line.t_s[0], line.t_s[-1]) == (0.0, 59.0)
    assert overlay.lines_of(one).measure_s == 59.0


@pytest.mark.parametrize("status", [None, "{", '{"t0_s": "x"}'])
def test_without_its_status_a_run_lies_where_its_events_say(tmp_path: Path, status: str | None) -> None:
    one = recording(tmp_path)
    path = one.folder / "status.json"
    path.unlink() if status is None else path.write_text(status)
    line = overlay.aligned([one], "power_w")[one.run_id]
    assert (line.t_s[0], line.t_s[-1]) == (1.0, 60.0)
    events = one.folder / "events.jsonl"
    events.write_text(events.read_text().replace('"elapsed_s"', '"elapsed"'))
    line = overlay.aligned([one], "power_w")[one.run_id]
    assert (line.t_s[0], line.t_s[-1]) == (0.0, 59.0), "nobody knows when it began: the rows say where measure is"


@pytest.mark.parametrize("bad", ["9e8", "0.5", "-7", "x", ""])
def test_a_damaged_time_costs_its_own_row_only(tmp_path: Path, bad: str) -> None:
    one = recording(tmp_path)
    times = [str(second) for second in range(25, 100)]
    times[20] = times[50] = bad
    csv(one, [f"{time},measure,50,9" for time in times])
    line = overlay.aligned([one], "power_w", whole=True)[one.run_id]
    assert (line.t_s[0], line.t_s[-1], len(line.t_s)) == (-5.0, 69.0, 73)


def test_a_run_that_did_not_reach_measure_begins_with_its_first_row_and_says_so(tmp_path: Path) -> None:
    one = recording(tmp_path)
    (one.folder / "events.jsonl").unlink()
    csv(one, [f"{5 + second},idle,0,{second}" for second in range(10)])
    found = overlay.lines_of(one)
    assert found.measure_s is None
    assert found.measured["power_w"].t_s.tolist() == list(range(10))


def test_missing_ticks_are_a_gap_and_nothing_else_is(tmp_path: Path) -> None:
    one = recording(tmp_path)
    without_rows(one, 50, 60)
    line = overlay.aligned([one], "gr3d_pct")[one.run_id]
    empty = np.flatnonzero(np.isnan(line.values))
    assert len(empty) == 1
    assert line.t_s[empty[0] - 1] < line.t_s[empty[0]] < line.t_s[empty[0] + 1]
    assert line.t_s[empty[0] + 1] - line.t_s[empty[0] - 1] == 11.0


def test_a_reading_that_was_absent_for_long_is_a_gap_and_for_one_tick_is_none(tmp_path: Path) -> None:
    one = recording(tmp_path)
    (one.folder / "events.jsonl").unlink()
    absent = {10, *range(20, 25)}
    csv(one, [f"{second},measure,{'' if second in absent else 50},{second}" for second in range(40)])
    line = overlay.aligned([one], "gr3d_pct")[one.run_id]
    assert line.t_s[np.isnan(line.values)].tolist() == [22.0]
    assert not np.isnan(overlay.aligned([one], "power_w")[one.run_id].values).any()


def test_damaged_rows_and_cells_cost_themselves_only(tmp_path: Path) -> None:
    one = recording(tmp_path)
    (one.folder / "events.jsonl").unlink()
    csv(one, ["0,measure,1,1", "1,measure,1e300,x", "0.5,measure,7,7", "x,measure,8,8", "2,measure,3,3"])
    with one.csv_path.open("a") as stream:
        stream.write("3,measure,99")
    found = overlay.aligned([one], "gr3d_pct")[one.run_id]
    assert (found.t_s.tolist(), found.values.tolist()) == ([0.0, 2.0], [1.0, 3.0])
    assert overlay.aligned([one], "power_w")[one.run_id].values.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("text", [None, "", "Index,Elapsed (s)\n", "Index,Something\n1,2\n", "\x00\x00"])
def test_a_run_without_rows_or_readings_has_no_line(tmp_path: Path, text: str | None) -> None:
    one = recording(tmp_path)
    one.csv_path.unlink()
    if text is not None:
        one.csv_path.write_text(text)
    for reading in overlay.READINGS:
        assert overlay.aligned([one], reading.key) == {}


def test_a_reading_that_only_one_run_has_is_a_line_of_that_run(tmp_path: Path) -> None:
    one, two = recording(tmp_path, 1), recording(tmp_path, 2)
    csv(one, [f"{second},measure,50,12" for second in range(30, 90)], "Elapsed (s),Phase,FPS,Power (W)")
    assert list(overlay.aligned([one, two], "fps")) == [one.run_id]


def test_an_unknown_reading_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="no reading") as caught:
        overlay.aligned([], "speed")
    assert "gr3d_pct" in caught.value.hint


def test_a_run_is_read_anew_only_where_a_file_of_it_has_changed(tmp_path: Path) -> None:
    one = recording(tmp_path)
    first = overlay.lines_of(one)
    assert overlay.lines_of(one) is first
    done: dict[str, Any] = json.loads((one.folder / "events.jsonl").read_text())
    done["t_start_s"] += 10
    (one.folder / "events.jsonl").write_text(json.dumps(done) + "\n\n")
    second = overlay.lines_of(one)
    assert second.measure_s == 50.0
    assert first.measure_s == 60.0


def noisy(count: int, seed: int = 3) -> tuple[overlay._Floats, overlay._Floats]:
    noise = np.random.default_rng(seed)
    return np.arange(count) / 10, noise.normal(50, 3, count)


def test_thinned_lines_keep_every_extreme_at_its_time_and_invent_nothing() -> None:
    t_s, values = noisy(100_000)
    values[[17, 40_003, 99_998]] = (500.0, -500.0, 400.0)
    thin_t_s, thin = overlay.thinned(t_s, values, 1500, gap_s=1.0)
    assert len(thin) <= 1500
    assert len(thin) > 1000
    assert (np.diff(thin_t_s) > 0).all()
    whole = dict(zip(t_s.tolist(), values.tolist(), strict=True))
    assert all(whole[second] == value for second, value in zip(thin_t_s.tolist(), thin.tolist(), strict=True))
    for place in (0, 17, 40_003, 99_998, 99_999):
        assert t_s[place] in thin_t_s


@pytest.mark.parametrize("points", [16, 100, 1500])
@pytest.mark.parametrize("every", [3, 50, 5000])
def test_thinned_lines_keep_their_number_and_the_longest_gaps(points: int, every: int) -> None:
    t_s, values = noisy(20_000)
    t_s = t_s + np.cumsum(np.arange(20_000) % every == 0) * 5.0
    t_s[12_345:] += 1000.0
    thin_t_s, thin = overlay.thinned(t_s, values, points, gap_s=1.0)
    assert len(thin) <= points
    empty = np.flatnonzero(np.isnan(thin))
    assert 1 <= len(empty) <= points // 8
    longest = max(empty, key=lambda place: float(thin_t_s[place + 1] - thin_t_s[place - 1]))
    assert (thin_t_s[longest - 1], thin_t_s[longest + 1]) == (t_s[12_344], t_s[12_345])


def test_short_lines_are_not_thinned() -> None:
    t_s, values = noisy(1500)
    thin_t_s, thin = overlay.thinned(t_s, values, 1500, gap_s=1.0)
    assert np.array_equal(thin_t_s, t_s)
    assert np.array_equal(thin, values)
