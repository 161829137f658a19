"""The report of a sweep: from its run folders alone, the same at any time, with batch sizes and repeats."""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orin_core import cli_sweep
from orin_core.errors import BadRequest
from orin_core.report import table
from orin_core.report.run_facts import run_facts
from orin_core.report.write import FORMATS
from orin_core.settings import Settings
from orin_core.sweeps import batches, repeats
from orin_core.sweeps.report import SIMULATED, make_report
from tests.e2e.quality.seeds import make_run
from tests.unit.report.built import environment, run
from tests.unit.report.folders import write_run

SWEEP = "20260301T000000Z_gaps_0a1b"
OTHER = "20260301T000000Z_other_0a1b"
FPS_OF_BATCH = {1: 21.0, 2: 40.0, 4: 72.0, 8: 95.5, 16: 100.0}


def write_cell(runs_dir: Path, number: int, *, sweep: str = SWEEP, cell: str | None = None, **changes: Any) -> str:
    """Writes the run of a cell and returns its id."""
    folder = write_run(runs_dir, run(number, **changes), rows=40)
    (folder / "spec.json").write_text(json.dumps({"sweep": sweep, "cell": cell or f"{number:03d}"}))
    return folder.name


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    number = 0
    for mode, share in (("MAXN", 1.0), ("50W", 0.7)):
        for batch, fps in FPS_OF_BATCH.items():
            number += 1
            write_cell(folder, number, mode=mode, batch_size=batch, fps=fps * share, power_w=10 + 5 * share + batch)
    write_cell(folder, 40, sweep=OTHER, mode="30W", fps=3.0)
    write_run(folder, run(41, mode="15W", fps=2.0), rows=40)
    return folder


# -- which runs, and the same files always ---------------------------------------------------------


def test_it_holds_the_runs_of_the_sweep_and_no_others(runs_dir: Path, tmp_path: Path) -> None:
    report = make_report(SWEEP, runs_dir, tmp_path / "out")
    assert [path.name for path in report.paths[:5]] == [
        "report.md", "report.html", "report.csv", "repeats.csv", "batch_sizes.csv",
    ]  # fmt: skip
    ours = [row for row in rows_of(tmp_path / "out" / "report.csv") if row["Run Ids"]]
    assert {row["Power Mode"] for row in ours} == {"MAXN", "50W"}
    assert [row["Batch"] for row in ours] == [str(batch) for batch in FPS_OF_BATCH] * 2
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert f"Made by `python -m orin_core sweep report {SWEEP}`." in text
    assert "10 of 10 cells that were begun have a finished run" in text
    # Published rows of models that the sweep did not run have no place in it.
    assert "Depth Anything" not in text


def test_the_same_runs_give_the_same_files_wherever_they_lie(runs_dir: Path, tmp_path: Path) -> None:
    make_report(SWEEP, runs_dir, tmp_path / "first")
    moved = tmp_path / "elsewhere" / "kept"
    shutil.copytree(runs_dir, moved)
    make_report(SWEEP, moved, tmp_path / "second")
    first, second = files_of(tmp_path / "first"), files_of(tmp_path / "second")
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert "Images/resnet-152_batch_sizes.png" in first


def test_cells_without_a_finished_run_are_named(tmp_path: Path) -> None:
    write_cell(tmp_path / "runs", 1, fps=20.0)
    write_cell(tmp_path / "runs", 2, cell="002", fps=None, state="failed", message="Out of memory.")
    write_cell(tmp_path / "runs", 3, cell="003", state="interrupted")
    write_cell(tmp_path / "runs", 4, cell="003", fps=20.1)
    make_report(SWEEP, tmp_path / "runs", tmp_path / "out", formats=["md"])
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "2 of 3 cells" in text
    assert "Without a finished run: 002 (failed: Out of memory)." in text


def test_what_changed_while_the_sweep_went_on_is_said(runs_dir: Path, tmp_path: Path) -> None:
    words = "differ in what the sweep did not vary"
    make_report(SWEEP, runs_dir, tmp_path / "alike", formats=["md"])
    assert words not in (tmp_path / "alike" / "report.md").read_text(encoding="utf-8")
    for number, (batch, is_open) in enumerate([(1, True), (4, False)], start=1):
        env = environment(browser_on_board=is_open)
        write_cell(tmp_path / "other", number, batch_size=batch, fps=20.0 * batch, env=env)
    make_report(SWEEP, tmp_path / "other", tmp_path / "out", formats=["md", "csv"])
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert f"The runs of ResNet-152 {words}: Browser on the board (no, yes)." in text
    assert not (tmp_path / "out" / "batch_sizes.csv").exists()


def test_what_cannot_be_reported_is_refused(runs_dir: Path, tmp_path: Path) -> None:
    write_cell(runs_dir, 50, sweep="20260302T000000Z_none_0000", fps=None, power_w_mean=None, gr3d_pct_mean=None,
               ram_used_mb_mean=None, total_inference_time_s=None, state="failed")  # fmt: skip
    for sweep_id, words in (
        ("../runs", "no sweep id"),
        ("20260302T000000Z_missing_0000", "No run in"),
        ("20260302T000000Z_none_0000", "has figures yet"),
    ):
        with pytest.raises(BadRequest, match=words):
            make_report(sweep_id, runs_dir, tmp_path / "out")
    with pytest.raises(BadRequest, match="There is no report as"):
        make_report(SWEEP, runs_dir, tmp_path / "out", formats=["pdf"])
    assert not (tmp_path / "out").exists()


def command(config: Settings, *words: str) -> int:
    parser = argparse.ArgumentParser()
    cli_sweep.add_parser(parser.add_subparsers(dest="command", required=True))
    return cli_sweep.command(parser.parse_args(("sweep", "report", *words)), config)


def test_the_command_says_what_it_wrote(runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = Settings(data_dir=tmp_path, state_dir=tmp_path / "state"), tmp_path / "out"
    assert command(config, SWEEP, "-o", str(out), "--format", "csv") == 0
    names = ["report.csv", "repeats.csv", "batch_sizes.csv"]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in names]
    assert command(config, SWEEP, "-o", str(out), "--format", "html", "--runs-dir", str(runs_dir)) == 0
    assert "Left from before, not of this report: report.csv" in capsys.readouterr().out
    with pytest.raises(BadRequest, match="There is no folder"):
        command(config, SWEEP, "-o", str(out), "--runs-dir", str(tmp_path / "typo"))


# -- batch sizes -----------------------------------------------------------------------------------


def test_the_knee_is_the_smallest_batch_near_the_best(runs_dir: Path, tmp_path: Path) -> None:
    make_report(SWEEP, runs_dir, tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "batch_sizes.csv")
    assert [(row["Test"], row["Batch"]) for row in rows if row["Knee"] == "1"] == [("MAXN", "8"), ("50W", "8")]
    assert [row["Batch"] for row in rows if row["Test"] == "MAXN"] == ["1", "2", "4", "8", "16"]
    first = rows[0]
    assert float(first["Average FPS (images/s)"]) == 21.0
    assert float(first["Energy per Image (J)"]) == pytest.approx(16 / 21)
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "the smallest batch that reaches 95 % of the best FPS" in text
    assert "MAXN: the knee is at batch 8, 95.50 FPS and 0.241 J per image." in text
    assert "|MAXN|8|95.50|95.5 %|0.241|knee|VALID|" in text
    assert (tmp_path / "out" / "Images" / "resnet-152_batch_sizes.png").read_bytes().startswith(b"\x89PNG\r\n")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<figcaption>Batch Sizes</figcaption>" in page


def repeats_of(runs: list[dict[str, Any]]) -> tuple[repeats.Repeats, ...]:
    (found,) = table.build(runs, models=["resnet-152"])
    return repeats.of_table(found, [one for summary in runs if (one := run_facts(summary)) is not None])


def curves_of(fps_of_batch: dict[int, float], **changes: Any) -> tuple[batches.Curve, ...]:
    runs = [run(number, batch_size=batch, fps=fps, **changes) for number, (batch, fps) in
            enumerate(fps_of_batch.items(), start=1)]  # fmt: skip
    return batches.curves(repeats_of(runs))


@pytest.mark.parametrize(
    ("fps_of_batch", "knee", "at_its_end"),
    [
        ({1: 20.0, 8: 20.5, 16: 20.4}, 1, False),
        ({1: 10.0, 2: 20.0, 4: 40.0}, 4, True),
        ({1: 95.0, 2: 100.0}, 1, False),
        ({1: 94.9, 2: 100.0, 4: 60.0}, 2, False),
        ({32: 90.0, 4: 99.0, 8: 100.0}, 4, False),
    ],
)
def test_where_the_knee_lies(fps_of_batch: dict[int, float], knee: int, at_its_end: bool) -> None:
    (curve,) = curves_of(fps_of_batch)
    assert (curve.knee.batch, curve.at_its_end) == (knee, at_its_end)


def test_one_batch_size_makes_no_curve_and_no_curve_goes_over_methods_or_precisions() -> None:
    assert curves_of({4: 20.0}) == ()
    made = [
        (1, "batched", "fp32", 10.0), (4, "batched", "fp32", 20.0), (1, "batched", "fp16", 30.0),
        (4, "graph", "fp16", 60.0), (8, "onnx", "fp32", 90.0),
    ]  # fmt: skip
    runs = [
        run(place, batch_size=batch, method=method, precision=precision, fps=fps)
        for place, (batch, method, precision, fps) in enumerate(made)
    ]
    (curve,) = batches.curves(repeats_of(runs))
    assert [point.mean(batches.FPS) for point in curve.points] == [10.0, 20.0]
    assert "batched" in curve.label
    assert "fp32" in curve.label


@pytest.mark.parametrize("status", ["valid", "simulated", "demo"])
def test_a_point_is_the_mean_of_its_repeats_with_their_interval_and_not_the_newest_run(status: str) -> None:
    made = [(1, 20.0), (1, 22.0), (1, 21.0), (4, 40.0), (4, 41.0)]
    runs = [run(place, batch_size=batch, fps=fps, status=status) for place, (batch, fps) in enumerate(made, start=1)]
    runs.append(run(9, batch_size=1, fps=5.0, status="invalid", reasons=("Throttled.",)))
    (curve,) = batches.curves(repeats_of(runs))
    first, second = curve.points
    assert [first.mean(batches.FPS), second.mean(batches.FPS)] == pytest.approx([21.0, 40.5])
    # Student's t of two degrees of freedom, 4.303, times 1 / sqrt(3).
    assert first.half(batches.FPS) == pytest.approx(2.484, abs=0.001)
    assert first.text(batches.FPS) == "21.00 ± 2.48"


def test_a_batch_of_another_verdict_is_shown_and_is_no_knee() -> None:
    runs = [run(batch, batch_size=batch, fps=fps) for batch, fps in ((1, 20.0), (2, 39.0), (4, 40.0))]
    runs.append(run(9, batch_size=8, fps=400.0, status="invalid", reasons=("Its results do not agree.",)))
    (curve,) = batches.curves(repeats_of(runs))
    assert ([point.batch for point in curve.points], curve.best_fps, curve.knee.batch) == ([1, 2, 4, 8], 40.0, 2)
    (one,) = table.build(runs, models=["resnet-152"])
    section = batches.section(one, [curve])
    assert section is not None
    assert [row[3] for row in section.rows] == ["50.0 %", "97.5 %", "100.0 %", ""]
    assert any("only the batches of its best verdict count" in sentence for sentence in section.sentences)


def test_refused_figures_are_on_no_curve() -> None:
    assert curves_of({1: 10.0, 2: 20.0}, status="implausible") == ()


# -- repeats ---------------------------------------------------------------------------------------


def test_repeats_have_intervals_and_an_outlier_is_named_and_kept(tmp_path: Path) -> None:
    values = [21.0, 21.1, 20.9, 21.05, 14.0, 20.95]
    ids = [write_cell(tmp_path / "runs", number, fps=fps) for number, fps in enumerate(values, start=1)]
    make_report(SWEEP, tmp_path / "runs", tmp_path / "out")
    (row,) = [row for row in rows_of(tmp_path / "out" / "report.csv") if row["Run Ids"]]
    assert (row["Runs"], row["Interval From"]) == ("6", "repeats")
    assert float(row["Average FPS (images/s)"]) == pytest.approx(sum(values) / 6, abs=1e-6)
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert f"Average FPS: outlier 14.00 in cell 005 ({ids[4].replace('_', chr(92) + '_')})" in text
    assert "the mean is 19.83, without it it would be 21.00" in text
    assert "None is dropped" in text
    marked = rows_of(tmp_path / "out" / "repeats.csv")
    assert [line["Average FPS Outlier"] for line in marked] == ["0", "0", "0", "0", "1", "0"]
    assert [line["Cell"] for line in marked] == [f"{number:03d}" for number in range(1, 7)]


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([21.0, 21.0, 21.0, 14.0], ()),  # too few to tell
        ([21.0, 21.0, 21.0, 21.0, 14.0], (4,)),
        ([21.0, 21.0, 21.0, 21.0, 21.2], ()),  # within 1.3 %
        ([20.0, 21.0, 22.0, 23.0, 24.0], ()),
        ([1.0, 21.0, 21.5, 20.5, 21.2, 40.0], (0, 5)),
        ([0.0, 0.0, 0.0, 0.0, 0.0], ()),
    ],
)
def test_what_is_an_outlier(values: list[float], places: tuple[int, ...]) -> None:
    assert repeats.outliers(values) == places


def test_few_repeats_tell_no_outlier_and_single_runs_have_no_section(tmp_path: Path) -> None:
    for number, fps in enumerate([21.0, 14.0], start=1):
        write_cell(tmp_path / "two", number, fps=fps)
    make_report(SWEEP, tmp_path / "two", tmp_path / "out", formats=["md"])
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "No row has 5 repeats" in text
    assert "14.00 to 21.00" in text
    write_cell(tmp_path / "one", 1)
    make_report(SWEEP, tmp_path / "one", tmp_path / "single", formats=["md"])
    assert "### Repeats" not in (tmp_path / "single" / "report.md").read_text(encoding="utf-8")


def test_only_repeats_of_the_verdict_of_the_row_count() -> None:
    runs = [run(1, fps=21.0), run(2, fps=20.0), run(3, fps=9.0, status="invalid", reasons=("Throttled.",))]
    (found,) = table.build(runs, models=["resnet-152"])
    facts = [one for summary in runs if (one := run_facts(summary)) is not None]
    (first, *_) = repeats.of_table(found, facts)
    assert [value for _, value in first.values(repeats.COLUMNS[0])] == [21.0, 20.0]
    # Not counted, and not hidden either.
    assert [line[4] for line in repeats.csv_rows([first], {})] == ["VALID", "VALID", "INVALID"]


# -- the simulated board ---------------------------------------------------------------------------


def test_on_the_simulated_board_it_says_that_fps_does_not_follow_the_mode(tmp_path: Path) -> None:
    common: dict[str, Any] = {"status": "simulated", "simulated": True, "source": "simulated",
                              "env": environment(board="simulated AGX Orin 64 GB")}  # fmt: skip
    for number, fps in enumerate([10.0, 11.0, 12.0, 10.5, 11.5], start=1):
        write_cell(tmp_path / "runs", number, fps=fps, **common)
    make_report(SWEEP, tmp_path / "runs", tmp_path / "out")
    for name in FORMATS:
        assert SIMULATED in (tmp_path / "out" / f"report.{name}").read_text(encoding="utf-8")
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    # Only VALID runs are averaged above; the repeats are told all the same.
    assert "|MAXN · simulated board|5|SIMULATED|11.00 ± 0.98|10.00 to 12.00|" in text
    assert "of other rows it shows the newest run" in text


def test_on_a_board_nothing_is_said_of_the_simulated_one(runs_dir: Path, tmp_path: Path) -> None:
    make_report(SWEEP, runs_dir, tmp_path / "out", formats=["html"])
    assert "imulated board" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_recorded_runs_give_the_figures_of_their_summaries(tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    for place, mode in enumerate(("MAXN", "MODE_50W"), start=1):
        run_id = make_run(runs_dir, f"000{place}", mode)
        spec_path = runs_dir / run_id / "spec.json"
        spec_path.write_text(json.dumps({**json.loads(spec_path.read_text()), "sweep": SWEEP, "cell": f"{place:03d}"}))
    make_report(SWEEP, runs_dir, tmp_path / "out")
    found = {row["Power Mode"]: float(row["Average FPS (images/s)"]) for row in
             rows_of(tmp_path / "out" / "report.csv") if row["Run Ids"]}  # fmt: skip
    assert found == pytest.approx({"MAXN": 22.0, "50W": 16.0}, rel=0.01)
