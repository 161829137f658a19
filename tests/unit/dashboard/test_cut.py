"""The cut of an old log as the page shows it: chart, table, what is wrong with it."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cut_chart, cut_form, cut_kept, imports
from dashboard.cut_shelf import Shelf
from dashboard.cut_table import Cut, cut_table, proposed_cuts, what_is_wrong
from orin_core.runs.importing import Imported, Proposal, import_runs, propose
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import Folder, held


def log_lines(seconds: int, *busy: tuple[int, int], gpu: bool = True) -> str:
    """One tick a second, GR3D 90 % and 20 W where busy, 0 % and 5 W elsewhere."""
    lines = []
    for second in range(seconds):
        on = any(begin <= second < end for begin, end in busy)
        load = f"GR3D_FREQ {90 if on else 0}% " if gpu else ""
        lines.append(
            f"01-02-2026 03:{second // 60:02}:{second % 60:02} RAM 9000/30698MB (lfb 3x4MB) "
            f"CPU [{'30%@2201,' * 11}30%@2201] {load}cpu@45C VDD_GPU_SOC {20_000 if on else 5000}mW/1mW\n"
        )
    return "".join(lines)


@pytest.fixture
def proposal(tmp_path: Path) -> Proposal:
    path = tmp_path / "log.txt"
    path.write_text(log_lines(300, (30, 100), (150, 260)))
    return propose(path)


def test_table_shows_what_a_marked_run_averages(proposal: Proposal) -> None:
    cuts = proposed_cuts(proposal.stretches)
    assert [(cut.start_s, cut.end_s) for cut in cuts] == [(29, 99), (149, 259)]
    table = cut_table(proposal, cuts)
    assert "<td>90.0 %</td><td>20.00 W</td><td>9,000 MB</td><td>–</td>" in table
    assert "MAXN" in table
    assert "CPU ceiling 2201 MHz" in table
    moved = [Cut(number=0, start_s=79, end_s=119, items=80)]
    # 20 busy ticks and 20 at rest.
    assert "<td>45.0 %</td><td>12.50 W</td><td>9,000 MB</td><td>2.00</td>" in cut_table(proposal, moved)
    assert cut_table(proposal, []) == ""


def test_run_that_was_not_moved_is_the_proposed_one(proposal: Proposal) -> None:
    first, second = proposal.stretches
    assert proposal.cut(first.start_s, first.end_s) is first
    assert proposal.cut(second.start_s + 0.04, second.end_s) is second
    moved = proposal.cut(149, 258)
    assert moved is not None
    assert (moved.end_s, moved.cut_basis) == (258, "as set by a person")


def test_table_says_what_a_person_moved(proposal: Proposal) -> None:
    assert "by hand" not in cut_table(proposal, proposed_cuts(proposal.stretches))
    moved = cut_table(proposal, [Cut(number=0, start_s=29, end_s=80), Cut(number=2, start_s=101, end_s=140)])
    assert "The cut was moved by hand: 29 to 99 s proposed, 29 to 80 s kept." in moved
    assert "The cut was made by hand: none proposed there, 101 to 140 s kept." in moved


def shown(made: Sequence[Imported]) -> tuple[str, list[str]]:
    """Returns what the page says of runs that were kept, and where its links lead."""

    def script() -> None:
        import streamlit as st

        from dashboard import cut_kept, links, runs

        links.keep({"runs": st.Page(runs.page, url_path="runs")})
        cut_kept.show(st.session_state["made"], key="stored")

    app = AppTest.from_function(script, default_timeout=60)
    app.session_state["made"] = made
    app.run()
    assert not app.exception
    texts = [element.value for element in (*app.markdown, *app.caption)]
    return " ".join(texts), [link.proto.query_string for link in app.get("page_link")]


def test_run_that_is_there_is_not_headed_kept_and_says_how_to_change_it(proposal: Proposal, tmp_path: Path) -> None:
    runs_dir, (first, second) = tmp_path / "runs", proposal.stretches
    spans = [(first.start_s, first.end_s), (second.start_s, second.end_s)]
    new = import_runs(proposal, runs_dir=runs_dir, stretches=spans[:1], model="yolov8n", items=700)
    said, links = shown(new)
    assert "✔ Kept." in said
    assert "delete" not in said
    assert links == [f"run={new[0].recording.run_id}"]
    again = import_runs(proposal, runs_dir=runs_dir, stretches=spans[:1], model="resnet-152", items=900)
    said, links = shown(again)
    assert "Kept" not in said
    assert "✔" not in said
    assert "Nothing was stored" in said
    assert "yolov8n, data set not known, 700 images" in said
    assert "open the run, delete it there, come back and accept again" in said
    assert str(runs_dir) not in said
    assert links == [f"run={new[0].recording.run_id}"]
    mixed = import_runs(proposal, runs_dir=runs_dir, stretches=spans)
    assert cut_kept.heading(mixed) == "✔ 1 run was kept; 1 run was imported before."
    # Done as told, the page still draws what it last stored.
    shutil.rmtree(again[0].recording.folder)
    said, links = shown(again)
    assert "was removed since" in said
    assert links == []


def test_log_whose_clock_does_not_begin_at_zero_says_so(proposal: Proposal) -> None:
    assert "300 ticks in 4 min 59 s · from" in imports._origin(proposal)
    series = dataclasses.replace(proposal.log.series, t_s=proposal.log.series.t_s + 21)
    late = dataclasses.replace(proposal, log=dataclasses.replace(proposal.log, series=series))
    assert "300 ticks in 4 min 59 s (its own clock goes from 21 to 320 s) · from" in imports._origin(late)


def test_shelf_keeps_what_was_used_last_within_its_bound(proposal: Proposal) -> None:
    shelf = Shelf(max_ticks=2 * len(proposal.log.series))
    for key in ("a", "b"):
        shelf.put(key, proposal)
    assert shelf.get("a") is proposal
    shelf.put("c", proposal)
    assert [key for key in "abc" if shelf.get(key)] == ["a", "c"]
    shelf.drop("a")
    assert shelf.get("a") is None
    alone = Shelf(max_ticks=1)
    alone.put("a", proposal)
    assert alone.get("a") is proposal


@pytest.mark.parametrize(
    ("spans", "wrong"),
    [
        ([(29, 99), (149, 259)], ""),
        ([(29, 99), (99, 259)], ""),
        ([(29, 99), (98, 259)], "overlap"),
        ([(50, 50)], "ends before it begins"),
        ([(50, 50.5)], "less than two ticks"),
    ],
)
def test_wrong_cut_is_told_in_words(proposal: Proposal, spans: list[tuple[float, float]], wrong: str) -> None:
    cuts = [Cut(number=place, start_s=start_s, end_s=end_s) for place, (start_s, end_s) in enumerate(spans)]
    found = what_is_wrong(proposal, cuts)
    assert (wrong in found) if wrong else found == ""
    assert cut_table(proposal, cuts)


def test_another_run_is_marked_where_the_log_is_free(proposal: Proposal) -> None:
    cuts = proposed_cuts(proposal.stretches)
    cut_form._add(proposal, cuts)
    assert [(cut.start_s, cut.end_s) for cut in cuts] == [(29, 99), (99, 149), (149, 259)]
    assert len({cut.number for cut in cuts}) == 3
    cut_form._leave_out(cuts, cuts[0].number, "form_import_x_0")
    assert [cut.start_s for cut in cuts] == [99, 149]


def test_chart_keeps_peaks_of_a_long_log_and_numbers_the_runs() -> None:
    t_s = np.arange(100_000.0)
    gr3d = np.zeros(100_000)
    gr3d[54_321] = 99.0
    drawn = cut_chart.figure(t_s, gr3d, np.full(100_000, 5.0), [(10.0, 20.0), (30.0, 50.0)])
    load, power = drawn["data"]
    assert len(load["x"]) <= cut_chart.POINTS
    assert max(load["y"]) == 99
    assert set(power["y"]) == {5}
    layout = drawn["layout"]
    assert [(shape["x0"], shape["x1"]) for shape in layout["shapes"]] == [(10, 20), (30, 50)]
    assert [one["text"] for one in layout["annotations"]] == ["<b>1</b>", "<b>2</b>"]


def test_chart_leaves_out_what_the_log_does_not_print() -> None:
    t_s, none = np.arange(10.0), np.full(10, np.nan)
    [only] = cut_chart.figure(t_s, none, np.arange(10.0), [])["data"]
    assert (only["name"], only["yaxis"]) == ("Power", "y")
    gap = np.arange(10.0)
    gap[4] = np.nan
    assert cut_chart.figure(t_s, gap, none, [])["data"][0]["y"][4] is None
    assert cut_chart.figure(t_s, none, none, [])["data"] == []


@pytest.mark.parametrize("ticks", [40, 40_000])
def test_silence_of_a_log_is_a_gap(ticks: int) -> None:
    t_s = np.arange(float(ticks))
    t_s[ticks // 2 :] += 1000
    load, _ = cut_chart.figure(t_s, np.full(ticks, 50.0), np.full(ticks, 5.0), [])["data"]
    assert len(load["x"]) <= cut_chart.POINTS
    assert load["x"] == sorted(load["x"])
    [place] = [place for place, value in enumerate(load["y"]) if value is None]
    assert load["x"][place - 1] <= ticks // 2 - 1 < load["x"][place] < ticks // 2 + 1000 <= load["x"][place + 1]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("log.txt", "log.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\logs\\a b.csv.gz", "a b.csv.gz"),
        ("..", "log.txt"),
        ("a\x00b\n.txt", "ab.txt"),
        ("é" * 300 + ".txt.gz", "é" * 53 + ".txt.gz"),
    ],
)
def test_name_of_an_upload_cannot_leave_its_folder(name: str, safe: str) -> None:
    assert imports._safe_name(name) == safe
    assert len(safe.encode()) < 255


def test_logs_are_not_read_while_a_run_is_measured(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script() -> None:
        from dashboard import imports

        imports.page()

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    assert len(app.get("file_uploader")) == 1
    held(monkeypatch, folder.recording)
    app.run()
    # The uploader stays, and with it what was dropped.
    assert len(app.get("file_uploader")) == 1
    assert "would disturb it" in app.info[0].value
