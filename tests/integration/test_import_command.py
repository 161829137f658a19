"""The command import, end to end."""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import pytest

from orin_core import cli_import, settings
from orin_core.cli import main
from orin_core.runs.recording import Recording
from tests.conftest import Home
from tests.support_logs import idle, log_lines, run

SHARED = Path(__file__).parents[3] / "shared" / "scales" / "logs"


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    cli_import.add_parser(parser.add_subparsers(dest="command"))
    return cli_import.command(parser.parse_args(["import", *arguments]), settings.load())


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    """A text log with two runs, a gzip log with one."""
    two, one = tmp_path / "two.log", tmp_path / "one.log.gz"
    two.write_text("".join(log_lines([idle(60), run(60), idle(30), run(60, mhz=1497, gpu_w=12), idle(30)])))
    one.write_bytes(gzip.compress("".join(log_lines([idle(60), run(80), idle(30)], seed=1)).encode()))
    return [str(two), str(one)]


def test_several_files_become_runs_and_values_go_round_in_order(
    home: Home, logs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*logs, "--items", "600,300", "--items", "400", "--model", "resnet-152", "--json") == 0
    printed, said = capsys.readouterr()
    rows = json.loads(printed)
    assert [(row["items"], row["power_mode"], row["already_imported"]) for row in rows] == [
        (600, "MAXN", False),
        (300, "MODE_50W", False),
        (400, "MAXN", False),
    ]
    assert {Path(row["folder"]).name for row in rows} == {folder.name for folder in home.runs}
    for row in rows:
        assert (Recording(folder=Path(row["folder"])).summary() or {}).items() <= row.items()
    assert said == ""
    assert command(*logs) == 0
    printed, said = capsys.readouterr()
    assert printed.count("already imported as") == 3
    assert len(home.runs) == 3
    # What it says to type does what it says.
    (line,) = [line for line in printed.partition("one.log.gz")[2].splitlines() if "orin_core delete" in line]
    orin = line.strip().removeprefix("python -m orin_core ").split()
    assert main(orin) == 0
    assert len(home.runs) == 2
    elsewhere = ("--runs-dir", str(home.root / "other runs"))
    assert (command(logs[1], *elsewhere), command(logs[1], *elsewhere)) == (0, 0)
    assert f"--runs-dir '{home.root}/other runs'\n" in capsys.readouterr().out


def test_values_that_do_not_go_round_are_left_out_and_said(
    home: Home, logs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(logs[0], "--items", "600") == 0
    printed, said = capsys.readouterr()
    assert "two.log: 2 runs" in printed
    assert "MODE_50W (CPU ceiling 1497 MHz" in printed
    assert "FPS" not in printed
    assert said.count("give one per run") == 1


def test_a_bad_file_is_named_and_the_others_are_imported(
    home: Home, logs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junk, quiet = tmp_path / "junk", tmp_path / "quiet.log"
    junk.write_bytes(bytes(range(256)) * 100)
    quiet.write_text("".join(log_lines([idle(60)])))
    assert command(str(junk), str(tmp_path), logs[1], str(quiet)) == 2
    printed, said = capsys.readouterr()
    assert "one.log.gz: 1 run" in printed
    assert [line.split(" is ")[0] for line in said.splitlines()[:2]] == ["junk", str(tmp_path)]
    assert "No run was found in quiet.log" in said
    assert len(home.runs) == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="the team's logs are not beside this checkout")
def test_published_logs_give_the_published_rows_and_the_one_that_should_have_been(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(str(path) for path in SHARED.glob("*.txt.gz"))
    assert command(*files, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["file"].split("/")[-1], row["power_mode"]) for row in rows] == [
        ("depth_50W.txt.gz", "MODE_50W"),
        ("depth_maxn.txt.gz", "MAXN"),
        ("depth_maxn.txt.gz", "MODE_50W"),
        ("resnet_maxn.txt.gz", "MAXN"),
    ]
    spans = [
        ((89, 91), (27, 28), 269.25),
        ((84, 88), (45, 48), 190.54),
        ((88, 91), (27, 28.5), 269.25),
        ((58.6, 59.6), (14.68, 14.88), 475.03),
    ]
    for row, (gr3d, power, seconds) in zip(rows, spans, strict=True):
        assert gr3d[0] <= row["gr3d_pct_mean"] <= gr3d[1]
        assert power[0] <= row["power_w_mean"] <= power[1]
        assert row["total_inference_time_s"] == pytest.approx(seconds, rel=0.03)
        assert len(row["power_rails"]) == 4
    assert rows[3]["ram_used_mb_mean"] == pytest.approx(7905, abs=40)
