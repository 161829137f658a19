"""The command that holds runs against the first, as text and as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from orin_core import cli_compare
from orin_core.errors import BadRequest
from tests.conftest import Home
from tests.unit.report.built import run
from tests.unit.report.folders import write_run


def command(home: Home, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    cli_compare.add_parser(parser.add_subparsers(dest="command", required=True))
    return cli_compare.command(parser.parse_args(["compare", *arguments]), home.settings)


def two(folder: Path) -> list[str]:
    made = (run(1, fps=20.0, power_w=20.0), run(2, mode="50W", fps=15.0, power_w=12.0, batch_size=8))
    return [write_run(folder, summary).name for summary in made]


def test_text_has_figures_differences_and_why_nobody_is_ranked(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = two(home.settings.runs_dir)
    assert command(home, first, second) == 0
    shown = capsys.readouterr().out
    assert f"A  {first}  VALID" in shown
    assert "15.00 (-25.0 % ?)" in shown
    assert "Not ranked: Their environments differ: Batch." in shown
    assert "B against A: their environments differ: Batch.\n" in shown


def test_json_has_every_figure_under_its_unit(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    first, second = two(elsewhere)
    assert command(home, first, second, first, "--json", "--runs-dir", str(elsewhere)) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["run_id"] for one in found["runs"]] == [first, second]
    assert found["runs"][1]["figures"]["power_draw_w"] == 12.0
    assert found["runs"][1]["differences"]["power_draw_w"]["difference_pct"] == pytest.approx(-40.0)
    assert found["runs"][1]["differences"]["power_draw_w"]["comparable"] is False
    assert found["differing"]["Batch"] == ["1", "8"]
    assert found["ranking"] == []


def test_runs_in_which_nothing_differs_are_called_repeats(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [write_run(home.settings.runs_dir, run(place)).name for place in (1, 2)]
    assert command(home, *ids) == 0
    assert "In nothing that was captured: these runs are repeats." in capsys.readouterr().out
    assert command(home, *ids, "--json") == 0
    assert "repeats" in json.loads(capsys.readouterr().out)["same"]


@pytest.mark.parametrize("count", [1, 9])
def test_too_few_and_too_many_runs_are_refused(home: Home, count: int) -> None:
    ids = [write_run(home.settings.runs_dir, run(place)).name for place in range(count)]
    with pytest.raises(BadRequest, match=f"{count} runs? cannot be compared"):
        command(home, *ids)


def test_a_run_that_is_not_there_is_refused(home: Home) -> None:
    first, second = two(home.settings.runs_dir)
    with pytest.raises(BadRequest, match="There is no run"):
        command(home, first, second.replace("_0002", "_ffff"))
    with pytest.raises(BadRequest, match="no run id"):
        command(home, first, "../x")
