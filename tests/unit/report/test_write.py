"""The report of a folder of runs, and the two commands."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from orin_core import cli_report
from orin_core.errors import BadRequest
from orin_core.report.table import UNNAMED
from orin_core.report.write import make_report, write_report
from orin_core.settings import Settings
from tests.unit.report.built import report_runs, run
from tests.unit.report.folders import write_run


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    for one in report_runs():
        write_run(tmp_path / "runs", one, rows=40)
    return tmp_path / "runs"


def command(tmp_path: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    cli_report.add_parser(parser.add_subparsers(dest="command", required=True))
    settings = Settings(data_dir=tmp_path / "none", state_dir=tmp_path / "state")
    return cli_report.command(parser.parse_args(words), settings)


def test_all_formats_are_written_and_every_link_leads_to_a_file(runs_dir: Path, tmp_path: Path) -> None:
    written = write_report(runs_dir, tmp_path / "out")
    assert [path.name for path in written[:3]] == ["report.md", "report.html", "report.csv"]
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(((?:Images|data)/[^)]+)\)", text)
    assert len(links) > 20
    assert {tmp_path / "out" / link for link in links} == set(written[3:])
    assert (tmp_path / "out" / "Images" / "resnet-152_maxn_gr3d.png").read_bytes().startswith(b"\x89PNG\r\n")
    newest = runs_dir / "20260301T000103Z_built_cifar100_MAXN_0067"
    assert (tmp_path / "out" / "data" / "resnet-152_maxn.csv").read_bytes() == (newest / "run.csv").read_bytes()


def test_one_format_leaves_nothing_else_behind(runs_dir: Path, tmp_path: Path) -> None:
    for name in ("html", "csv"):
        out = tmp_path / name
        assert write_report(runs_dir, out, formats=[name]) == [out / f"report.{name}"]
        assert [path.name for path in out.iterdir()] == [f"report.{name}"]
    assert "data:image/png;base64,iVBOR" in (tmp_path / "html" / "report.html").read_text(encoding="utf-8")


def test_without_runs_the_published_rows_are_reported_with_a_note(tmp_path: Path) -> None:
    write_report(tmp_path / "nowhere", tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "There is no finished run of ours" in text
    assert "|MAXN|21.02||59.07|" in text


def test_damaged_and_running_folders_are_passed_over(tmp_path: Path) -> None:
    runs = [run(number, fps=20.0 + number) for number in range(1, 5)]
    folders = [write_run(tmp_path / "runs", one) for one in runs]
    (folders[0] / "summary.json").unlink()
    (folders[1] / "summary.json").write_text("{ not json")
    (folders[2] / "environment.json").write_text("[]")
    (folders[3] / "run.csv").unlink()
    (tmp_path / "runs" / "something else").mkdir()
    write_report(tmp_path / "runs", tmp_path / "out", models=["resnet-152"])
    text = (tmp_path / "out" / "report.csv").read_text(encoding="utf-8")
    assert [line.split(",")[2] for line in text.splitlines() if ",VALID," in line]
    assert ",23," in text
    assert ",24," in text


def test_a_model_that_nobody_knows_is_refused_with_a_guess(tmp_path: Path) -> None:
    with pytest.raises(BadRequest) as found:
        write_report(tmp_path, tmp_path / "out", models=["resnet-125"])
    assert "Did you mean resnet-152?" in found.value.hint
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequest):
        write_report(tmp_path, tmp_path / "file" / "out")


def test_the_command_says_what_it_wrote(runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ("report", "--runs-dir", str(runs_dir), "--model", "resnet", "--format", "csv", "--format", "html")
    assert command(tmp_path, *words, "-o", str(out)) == 0
    assert capsys.readouterr().out.splitlines() == [str(out / "report.html"), str(out / "report.csv")]
    assert "Depth" not in (out / "report.csv").read_text(encoding="utf-8")


def test_the_command_says_where_there_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path, "report", "--format", "csv", "-o", str(tmp_path / "out")) == 0
    assert "published rows only" in capsys.readouterr().out
    with pytest.raises(BadRequest):
        command(tmp_path, "report", "--runs-dir", str(tmp_path / "typo"), "-o", str(tmp_path / "out"))


def test_mission_answers_from_the_published_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "mission",
        "--model",
        "depth-anything",
        "--power-cap-w",
        "30",
        "--fps-floor",
        "1",
        "--orbit-energy-wh",
        "5",
    )
    assert command(tmp_path, *words) == 0
    text = capsys.readouterr().out
    # 27.78 W x 269.25 s / 1000 images is 7.480 J; 5 Wh are 18 000 J.
    assert "50W, published" in text.splitlines()[1]
    assert f"{int(18_000 / (27.78 * 269.25 / 1000)):,} images/orbit" in text
    assert "MAXN, published: its figures are known to be wrong" in text
    with pytest.raises(BadRequest):
        command(tmp_path, "mission", "--power-cap-w", "-3")


def test_a_thousand_runs_are_read_by_their_summaries_alone(tmp_path: Path) -> None:
    first = write_run(tmp_path / "runs", run(1))
    # The number is the time in the id, and there is no second after the 59th.
    numbers = [number for number in range(2, 1800) if number % 100 < 60][:999]
    for number in numbers:
        folder = tmp_path / "runs" / str(run(number)["run_id"])
        folder.mkdir()
        (folder / "summary.json").write_text(json.dumps({**run(number), "environment": None}))
        (folder / "environment.json").write_text((first / "environment.json").read_text())
        # A folder in its place: whoever opens it fails.
        (folder / "run.csv").mkdir()
    (written,) = write_report(tmp_path / "runs", tmp_path / "out", formats=["csv"])
    assert ",1000," in written.read_text(encoding="utf-8")


def test_a_model_without_runs_is_named_by_the_command(
    runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("report", "--runs-dir", str(runs_dir), "--format", "csv", "-o", str(tmp_path / "out"))
    with pytest.raises(BadRequest, match="No run is of yolov8n, and no figures of it were published"):
        command(tmp_path, *words, "--model", "yolov8n")
    assert not (tmp_path / "out").exists()
    assert command(tmp_path, *words, "--model", "yolov8n", "--model", "resnet-152") == 0
    assert f"No run of yolov8n in {runs_dir}" in capsys.readouterr().out


def test_files_of_an_earlier_report_are_named_and_left_alone(
    runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    first = make_report(runs_dir, out)
    assert first.stale == ()
    (out / "Images" / "mine.png").write_bytes(b"x")
    second = make_report(runs_dir, out, models=["resnet-152"], formats=["md"])
    assert set(second.stale) == {out / "Images" / "mine.png", *first.paths} - set(second.paths)
    assert out / "report.html" in second.stale
    assert all(path.exists() for path in second.stale)
    words = ("report", "--runs-dir", str(runs_dir), "--format", "html", "-o", str(out))
    assert command(tmp_path, *words) == 0
    assert "Left from before, not of this report: report.md, report.csv, Images/" in capsys.readouterr().out


def test_the_unnamed_model_can_be_chosen_alone(runs_dir: Path, tmp_path: Path) -> None:
    (written,) = write_report(runs_dir, tmp_path / "out", models=[UNNAMED], formats=["csv"])
    lines = written.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(",,mode not known")


@pytest.mark.parametrize("value", ["1e308", "inf", "nan", "-1", "0"])
def test_absurd_limits_are_refused_by_the_command(value: str, tmp_path: Path) -> None:
    for name in ("--power-cap-w", "--fps-floor", "--orbit-energy-wh", "--orbit-active-s"):
        with pytest.raises(BadRequest):
            command(tmp_path, "mission", f"{name}={value}")
