"""Old logs become run folders: whole, once, and with what is known said."""

from __future__ import annotations

import csv
import errno
import gzip
import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orin_core.cli import main
from orin_core.errors import BadRequest, RunFailed
from orin_core.runs import store
from orin_core.runs.import_facts import NO_MODEL
from orin_core.runs.importing import import_log, import_runs, propose
from orin_core.runs.recording import RUN_ID, Recording, list_runs
from tests.support_logs import Part, as_csv, idle, load, log_lines, run

TWO_RUNS = [idle(120), load(10), run(100), idle(40), run(80, mhz=1497, gpu_w=12), idle(120)]


def log_file(folder: Path, parts: list[Part], name: str = "old.log", **options: Any) -> Path:
    path = folder / name
    path.write_text("".join(log_lines(parts, **options)))
    return path


def rows_of(recording: Recording) -> list[dict[str, str]]:
    with recording.csv_path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def event_of(recording: Recording, kind: str) -> dict[str, Any]:
    (event,) = [event for event in recording.events() if event["kind"] == kind]
    return event


def summary_of(recording: Recording) -> dict[str, Any]:
    summary = recording.summary()
    assert summary is not None
    return summary


def test_a_log_becomes_one_folder_a_run_with_idle_on_both_sides(tmp_path: Path) -> None:
    path = log_file(tmp_path, TWO_RUNS)
    first, second = import_log(path, runs_dir=tmp_path / "runs")
    assert list_runs(tmp_path / "runs") == [second, first]
    assert RUN_ID.fullmatch(first.run_id)
    # Of the 130 s before it 90 are kept; the board's local time is seven hours behind UTC.
    assert first.run_id.startswith("20241023T030810Z_imported_old_MAXN_")
    assert second.run_id.startswith("20241023T031120Z_imported_old_50W_")
    rows = rows_of(first)
    phases = [row["Phase"] for row in rows]
    assert [phases.count(name) for name in ("idle", "load", "measure", "cooldown")] == [80, 10, 100, 40]
    assert [row["Elapsed (s)"] for row in rows[:2]] == ["0.000", "1.000"]
    assert {row["Source"] for row in rows} == {"imported"}
    assert {row["Items"] + row["FPS"] + row["UTC Time"] for row in rows} == {""}
    raw = (first.folder / store.RAW_LOG).read_text().splitlines()
    assert raw == [line.rstrip("\n") for line in log_lines(TWO_RUNS)][41:271]
    assert not (first.folder / store.RESERVE).exists()
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {first.run_id, second.run_id}


def test_spec_environment_events_and_summary_say_what_is_known_and_no_more(tmp_path: Path) -> None:
    path = log_file(tmp_path, [*TWO_RUNS[:3], idle(120)])
    (made,) = import_log(
        path, runs_dir=tmp_path / "runs", model="microsoft/resnet-152", dataset="my images", items=2000
    )
    assert made.spec() == {
        "origin": "imported",
        "file": "old.log",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "cut": "by rule",
        "start_s": 129,
        "end_s": 229,
        "proposed_start_s": 129,
        "proposed_end_s": 229,
        "interval_ms": 1000,
        "items": 2000,
        "power_mode": "MAXN",
        "model": "resnet-152",
        "dataset": "my images",
        "fps": None,
    }
    environment = made.environment()
    assert (environment["origin"], environment["source"], environment["simulated"]) == ("imported", "imported", False)
    assert environment["board"] == "AGX Orin, 30 698 MB RAM (32 GB module)"
    assert environment["power_mode_basis"] == "CPU ceiling 2201 MHz, 12 of 12 cores online"
    imported, done, end = (event_of(made, kind) for kind in ("imported", "done", "end"))
    assert (imported["first_line"], imported["last_line"], imported["lines"]) == (132, 231, 351)
    assert (imported["start_s"], imported["end_s"]) == (129, 229)
    assert (imported["cut"], imported["proposed_start_s"], imported["proposed_end_s"]) == ("by rule", 129, 229)
    assert (done["t_start_s"], done["t_end_s"], done["items"], done["stopped"]) == (89, 189, 2000, False)
    assert end["over_current"] is None
    phases = [(event["phase"], event["t_s"]) for event in made.events() if event["kind"] == "phase"]
    assert phases == [("idle", 0), ("load", 79), ("measure", 89), ("cooldown", 189)]
    summary = summary_of(made)
    assert summary["origin"] == "imported"
    assert summary["verdict"]["status"] == "imported"
    assert (summary["items"], summary["total_inference_time_s"], summary["ticks"]) == (2000, 100, 100)
    assert summary["fps_end_to_end"] == pytest.approx(20)
    measured = [row for row in rows_of(made) if row["Phase"] == "measure"]
    assert summary["power_w_mean"] == pytest.approx(sum(float(row["Power (W)"]) for row in measured) / 100, rel=1e-3)
    assert summary["energy_per_item_j"] == pytest.approx(summary["power_w_mean"] / 20, rel=1e-3)
    assert summary["started_utc"] == "2024-10-23T03:08:10.000Z"
    assert summary["latency_ms_p50"] is None


def test_without_items_there_is_no_pace_and_no_energy_per_image(tmp_path: Path) -> None:
    (made,) = import_log(log_file(tmp_path, [idle(60), run(100), idle(60)]), runs_dir=tmp_path / "runs")
    summary = summary_of(made)
    for key in ("items", "fps_end_to_end", "energy_per_item_j", "items_per_joule", "model", "dataset"):
        assert summary[key] is None, key
    assert summary["energy_j"] is not None


def test_a_pause_inside_is_flagged(tmp_path: Path) -> None:
    parts = [idle(60), run(100), idle(8), run(100), idle(60)]
    (made,) = import_log(log_file(tmp_path, parts), runs_dir=tmp_path / "runs")
    summary = summary_of(made)
    assert summary["idle_ticks_inside"] == 8
    assert any("idle" in reason["text"] for reason in summary["verdict"]["reasons"])


def test_a_csv_becomes_the_same_run_but_for_its_raw_lines(tmp_path: Path) -> None:
    text = log_file(tmp_path, [*TWO_RUNS[:3], idle(120)])
    table = tmp_path / "old.csv"
    table.write_text(as_csv(text.read_text().splitlines(keepends=True)), newline="")
    (first,), (second,) = (import_log(path, runs_dir=tmp_path / "runs", twice=True) for path in (text, table))
    assert (second.folder / store.RAW_LOG).read_text() == ""
    one, two = summary_of(first), summary_of(second)
    for key in (
        "total_inference_time_s",
        "gr3d_pct_mean",
        "power_w_mean",
        "power_rails",
        "ram_used_mb_mean",
        "power_mode",
    ):
        assert one[key] == two[key], key
    assert any("counted intervals" in notice for notice in two["notices"])


def test_the_same_stretch_is_imported_once_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = log_file(tmp_path, TWO_RUNS)
    once = import_runs(path, runs_dir=tmp_path / "runs")
    twice = import_runs(path.rename(tmp_path / "other.txt"), runs_dir=tmp_path / "runs", model="yolov8n")
    assert [one.already for one in once + twice] == [False, False, True, True]
    assert [one.recording for one in once] == [one.recording for one in twice]
    unmoved = [(one.stretch.start_s, one.stretch.end_s + 0.04) for one in once]
    again = import_runs(tmp_path / "other.txt", runs_dir=tmp_path / "runs", stretches=unmoved)
    assert [one.already for one in again] == [True, True]
    moved = import_runs(tmp_path / "other.txt", runs_dir=tmp_path / "runs", stretches=[(140, 200)])
    assert [one.already for one in moved] == [False]
    assert len(list_runs(tmp_path / "runs")) == 3


def test_a_person_may_move_the_cut(tmp_path: Path) -> None:
    proposal = propose(log_file(tmp_path, TWO_RUNS))
    assert [stretch.power_mode for stretch in proposal.stretches] == ["MAXN", "MODE_50W"]
    stretch = proposal.cut(150, 190)
    assert stretch is not None
    figures = proposal.figures(stretch)
    (made,) = import_log(proposal, runs_dir=tmp_path / "runs", stretches=[(150, 190)])
    summary = summary_of(made)
    assert summary["total_inference_time_s"] == figures["seconds"] == 40
    for key in ("gr3d_pct_mean", "power_w_mean", "ram_used_mb_mean"):
        assert summary[key] == pytest.approx(figures[key], rel=1e-3), key
    for wrong in ([(150, 150.5)], [(150, 190), (180, 220)], [(float("nan"), 190)]):
        with pytest.raises(BadRequest):
            import_log(proposal, runs_dir=tmp_path / "none", stretches=wrong)
    assert not (tmp_path / "none").exists()


CUT_KEYS = ("cut", "start_s", "end_s", "proposed_start_s", "proposed_end_s")


@pytest.mark.parametrize(
    ("asked", "cut", "said"),
    [
        ((129, 220), ("by hand", 129, 220, 129, 229), "moved by hand: 129 to 229 s proposed, 129 to 220 s kept."),
        ((100, 229.5), ("by hand", 100, 229, 129, 229), "moved by hand: 129 to 229 s proposed, 100 to 229 s kept."),
        # More of the second run than of the first.
        ((220, 340), ("by hand", 220, 340, 269, 349), "moved by hand: 269 to 349 s proposed, 220 to 340 s kept."),
        ((10, 60), ("by hand", 10, 60, None, None), "made by hand: none proposed there, 10 to 60 s kept."),
        # Past no tick: nothing was moved.
        ((129.4, 229.6), ("by rule", 129, 229, 129, 229), None),
    ],
)
def test_a_cut_that_was_moved_by_hand_says_so(
    tmp_path: Path, asked: tuple[float, float], cut: tuple[Any, ...], said: str | None
) -> None:
    (made,) = import_runs(log_file(tmp_path, TWO_RUNS), runs_dir=tmp_path / "runs", stretches=[asked])
    for where in (event_of(made.recording, "imported"), made.recording.spec()):
        assert tuple(where[key] for key in CUT_KEYS) == cut
    expected = [] if said is None else [f"The cut was {said}"]
    for notes in (made.notes, summary_of(made.recording)["notices"]):
        assert [note for note in notes if note.startswith("The cut was")] == expected


def test_a_run_that_shares_ticks_with_an_earlier_import_of_the_file_says_so(tmp_path: Path) -> None:
    path, runs_dir = log_file(tmp_path, TWO_RUNS), tmp_path / "runs"
    first, second = import_runs(path, runs_dir=runs_dir)
    assert not any("Overlaps" in note for one in (first, second) for note in one.notes)
    (moved,) = import_runs(path.rename(tmp_path / "new name.log"), runs_dir=runs_dir, stretches=[(129, 220)])
    [note] = [note for note in moved.notes if "Overlaps" in note]
    assert note.startswith(f"Overlaps {first.recording.run_id}, ")
    assert "(lines 132 to 231 there, 132 to 222 here)" in note
    assert note in summary_of(moved.recording)["notices"]
    # The tick after the first run's last, to the one before the second's first; then both, and what was moved.
    (beside,) = import_runs(tmp_path / "new name.log", runs_dir=runs_dir, stretches=[(229, 269)])
    assert not any("Overlaps" in note for note in beside.notes)
    (over,) = import_runs(tmp_path / "new name.log", runs_dir=runs_dir, stretches=[(200, 300)])
    named = [note.split(",")[0] for note in over.notes if "Overlaps" in note]
    assert sorted(named) == sorted(f"Overlaps {one.recording.run_id}" for one in (first, second, moved, beside))
    # The same ticks of another file are another file's.
    other = log_file(tmp_path, TWO_RUNS, "other.log", seed=7)
    (foreign,) = import_runs(other, runs_dir=runs_dir, stretches=[(129, 220)])
    assert not any("Overlaps" in note for note in foreign.notes)


@pytest.mark.parametrize(
    ("given", "mode", "basis", "noted"),
    [
        ("50W", "MAXN", "CPU ceiling 2201", True),
        ("0", "MAXN", "as given, and CPU ceiling 2201", False),
        ("maxn", "MAXN", "as given, and CPU ceiling 2201", False),
    ],
)
def test_the_ceiling_wins_over_a_mode_that_was_given(
    tmp_path: Path, given: str, mode: str, basis: str, noted: bool
) -> None:
    path = log_file(tmp_path, [idle(60), run(100), idle(60)])
    (made,) = import_runs(path, runs_dir=tmp_path / "runs", power_mode=given)
    environment = made.recording.environment()
    assert environment["power_mode"] == mode
    assert environment["power_mode_basis"].startswith(basis)
    assert any("was given; the log says MAXN" in note for note in made.notes) is noted


def test_a_mode_that_was_given_stands_where_the_ceiling_is_unknown(tmp_path: Path) -> None:
    path = log_file(tmp_path, [idle(60), run(100, mhz=1900), idle(60)])
    (one,) = import_runs(path, runs_dir=tmp_path / "runs", power_mode="MY_MODE")
    assert any("MY_MODE is no mode of the AGX Orin" in note for note in one.notes)
    made = one.recording
    assert "_MY-MODE_" in made.run_id
    assert summary_of(made)["power_mode"] == "MY_MODE"
    assert made.environment()["power_mode_basis"].startswith("as given; CPU ceiling 1900 MHz")


def test_items_and_fps_are_per_run_and_noted_where_they_disagree(tmp_path: Path) -> None:
    path = log_file(tmp_path, TWO_RUNS)
    one, two = import_runs(path, runs_dir=tmp_path / "a", items=[1000, 400], fps=[10.0, 6.0])
    assert [summary_of(made.recording)["items"] for made in (one, two)] == [1000, 400]
    assert not any("images, not" in note for note in one.notes)
    assert any("480 images, not 400" in note for note in two.notes)
    by_fps = import_log(path, runs_dir=tmp_path / "b", fps=[10.0, 5.0])
    assert [summary_of(made)["items"] for made in by_fps] == [1000, 400]
    unclear = import_runs(path, runs_dir=tmp_path / "c", items=1000)
    assert [summary_of(made.recording)["items"] for made in unclear] == [None, None]
    assert all(any("give one per run, as in --items N,N" in note for note in made.notes) for made in unclear)


@pytest.mark.parametrize(
    "options",
    [
        {"items": [0, 1]},
        {"items": [1, -5]},
        {"fps": [0.0, 1.0]},
        {"fps": [float("nan"), 1.0]},
        {"model": "a\nb"},
        {"power_mode": "x" * 300},
    ],
)
def test_values_out_of_range_are_refused_before_anything_is_written(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        import_log(log_file(tmp_path, TWO_RUNS), runs_dir=tmp_path / "runs", **options)
    assert not (tmp_path / "runs").exists()


def test_a_log_without_a_run_is_a_bad_request_that_says_why(tmp_path: Path) -> None:
    for parts, why in (
        ([idle(100), run(5), idle(100)], "never busy for 20 s"),
        ([idle(100, gr3d=None)], "its power does not tell idle from work"),
    ):
        with pytest.raises(BadRequest, match=why):
            import_log(log_file(tmp_path, parts), runs_dir=tmp_path / "runs")


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = log_file(tmp_path, [idle(60), run(100), idle(60)])
    written = 0
    really_write = os.write

    def full(descriptor: int, data: bytes) -> int:
        nonlocal written
        written += len(data)
        if written > 20_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really_write(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunFailed, match="cannot be written"):
        import_log(path, runs_dir=tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    path = log_file(tmp_path, [idle(60), run(100), idle(60)], name="..; rm -rf ~ $(x).log")
    (made,) = import_log(path, runs_dir=tmp_path / "runs", model="../../etc/<b>", dataset="ü" * 100)
    assert RUN_ID.fullmatch(made.run_id)
    assert made.folder.parent == tmp_path / "runs"
    assert json.loads((made.folder / store.SPEC).read_text())["model"] == "../../etc/<b>"


def test_of_two_imports_at_once_one_finds_the_runs_of_the_other(tmp_path: Path) -> None:
    path = log_file(tmp_path, TWO_RUNS)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: import_runs(path, runs_dir=tmp_path / "runs"), range(4)))
    assert sorted(one.already for runs in made for one in runs) == [False] * 2 + [True] * 6
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_what_a_dead_import_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / "runs" / ".import-abc" / "20240101T000000Z_a_b_c_0000"
    left.mkdir(parents=True)
    (left / "run.csv").write_text("half")
    (made,) = import_log(log_file(tmp_path, [idle(60), run(100), idle(60)]), runs_dir=tmp_path / "runs")
    assert [entry.name for entry in (tmp_path / "runs").iterdir()] == [made.run_id]


def own_csv(source: str) -> str:
    head = "Time (mS),Used RAM (MB),Used GR3D (%),VDD_GPU_SOC Current (mW),Elapsed (s),UTC Time,Phase,Source"
    phases = ["idle"] * 30 + ["warmup"] * 20 + ["measure"] * 60 + ["cooldown"] * 10
    rows = [
        f"{1000 * second},4000,{90 if 30 <= second < 110 else 0},9000,{second}.0,"
        f"2026-05-01T10:{second // 60:02}:{second % 60:02}.000Z,{phase},{source}"
        for second, phase in enumerate(phases)
    ]
    return "\n".join([head, *rows]) + "\n"


def test_csv_of_this_project_keeps_its_measure_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_text(own_csv("simulated"))
    (made,) = import_log(tmp_path / "run.csv", runs_dir=tmp_path / "runs")
    summary = summary_of(made)
    assert (summary["origin"], summary["simulated"], summary["source"]) == ("imported", True, "simulated")
    assert any("SIMULATED" in label for label in summary["labels"])
    assert summary["total_inference_time_s"] == 60
    assert summary["started_utc"] == "2026-05-01T10:00:00.000Z"
    assert {row["Source"] for row in rows_of(made)} == {"simulated"}
    assert event_of(made, "imported")["cut_basis"] == "phases of the file"
    (tmp_path / "real.csv").write_text(own_csv("tegrastats"))
    (real,) = import_log(tmp_path / "real.csv", runs_dir=tmp_path / "runs")
    assert (summary_of(real)["simulated"], summary_of(real)["source"]) == (False, "imported")
    (tmp_path / "none.csv").write_text(own_csv("tegrastats").replace("measure", "warmup"))
    with pytest.raises(BadRequest, match="names no measure phase"):
        import_log(tmp_path / "none.csv", runs_dir=tmp_path / "runs")


def imported(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["import", "--json", *options])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else [], err


def test_values_are_for_all_runs_of_all_files_or_for_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = str(log_file(tmp_path, [idle(60), run(100), idle(60)], "one.log"))
    two = str(log_file(tmp_path, TWO_RUNS, "two.log"))
    runs_dir = ["--runs-dir", str(tmp_path / "runs")]
    code, rows, said = imported(capsys, one, two, "--items", "1000", *runs_dir)
    assert (code, [row["items"] for row in rows]) == (0, [None] * 3)
    assert said.count("--items names 1 value; there are 3 runs in 2 files") == 1
    runs_dir = ["--runs-dir", str(tmp_path / "again")]
    _, rows, said = imported(capsys, one, two, "--items", "1000,2000,3000", *runs_dir)
    assert [row["items"] for row in rows] == [1000, 2000, 3000]
    assert "--items" not in said
    _, rows, _ = imported(capsys, one, "--items", "700", "--runs-dir", str(tmp_path / "single"))
    assert [row["items"] for row in rows] == [700]


def test_a_wrong_value_for_the_last_file_writes_nothing_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = str(log_file(tmp_path, [idle(60), run(100), idle(60)], "one.log"))
    two = str(log_file(tmp_path, TWO_RUNS, "two.log"))
    code, rows, said = imported(capsys, one, two, "--items", "10,20,0", "--runs-dir", str(tmp_path / "runs"))
    assert (code, rows) == (BadRequest.exit_code, [])
    assert "0 is no number of images" in said
    assert not (tmp_path / "runs").exists()


def test_standard_input_is_a_log_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(log_lines([idle(60), run(100), idle(60)])).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(text))))
    _, (row,), _ = imported(capsys, "-", "--runs-dir", str(tmp_path / "runs"))
    assert row["total_inference_time_s"] == 100
    assert json.loads((Path(row["folder"]) / store.SPEC).read_text())["file"] == "standard input"


def test_the_same_rows_from_another_file_are_known_again_and_kept_only_on_purpose(tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    text = log_file(tmp_path, [*TWO_RUNS[:3], idle(120)])
    lines = text.read_text().splitlines(keepends=True)
    table = tmp_path / "old.csv"
    # A converter may lose a line, and a CSV without a date holds no time of day.
    table.write_text(as_csv([*lines[:150], *lines[151:]], date=False), newline="")
    (first,) = import_log(text, runs_dir=runs_dir)
    (again,) = import_runs(table, runs_dir=runs_dir)
    assert (again.recording, again.already, again.alike) == (first, True, True)
    assert f"Holds the same rows as {first.run_id}, which was imported from old.log" in again.notes[0]
    assert list_runs(runs_dir) == [first]
    (second,) = import_runs(table, runs_dir=runs_dir, twice=True)
    assert (second.already, second.alike) == (False, False)
    assert again.notes[0] in summary_of(second.recording)["notices"]

    # Another run of the same model at the same load is another one: its noise differs.
    other = log_file(tmp_path, [*TWO_RUNS[:3], idle(120)], "other.log", seed=1)
    (third,) = import_runs(other, runs_dir=runs_dir)
    assert (third.already, third.alike) == (False, False)


def test_a_csv_that_counts_whole_seconds_is_known_again_though_its_ticks_came_later(tmp_path: Path) -> None:
    text = log_file(tmp_path, [idle(120), load(10), run(400), idle(120)], period_s=1.012)
    header, *rows = csv.reader(io.StringIO(as_csv(text.read_text().splitlines(keepends=True), date=False)))
    place = header.index("Time (mS)")
    counted = [[*row[:place], str(1000 * number), *row[place + 1 :]] for number, row in enumerate(rows)]
    table = tmp_path / "old.csv"
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *counted])
    (first,) = import_runs(text, runs_dir=tmp_path / "runs")
    (again,) = import_runs(table, runs_dir=tmp_path / "runs")
    assert first.stretch.seconds - again.stretch.seconds > 3
    assert (again.recording, again.alike) == (first.recording, True)


def test_two_runs_at_a_load_that_hardly_changes_are_not_taken_for_one(tmp_path: Path) -> None:
    steady = [*TWO_RUNS[:2], run(200, gr3d=99.0, jitter=0.6), idle(120)]
    made = [
        import_runs(log_file(tmp_path, steady, f"{seed}.log", seed=seed), runs_dir=tmp_path / "runs")[0]
        for seed in (1, 2)
    ]
    assert [(one.already, one.alike) for one in made] == [(False, False)] * 2


def test_a_run_of_a_model_that_nobody_named_says_what_that_means(tmp_path: Path) -> None:
    path = log_file(tmp_path, [*TWO_RUNS[:3], idle(120)])
    (unnamed,) = import_runs(path, runs_dir=tmp_path / "a")
    assert NO_MODEL in unnamed.notes
    (named,) = import_runs(path, runs_dir=tmp_path / "b", model="resnet-152")
    assert NO_MODEL not in named.notes
