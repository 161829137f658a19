"""The Markdown report against its golden files, and what must hold whatever they say."""

from __future__ import annotations

import itertools
import re

import pytest

from orin_core.report import markdown, table
from tests.unit.report.built import imported, run
from tests.unit.report.regenerate import FOLDER, GENERATED, assets, documents

HEAD = "|Test|Average FPS|Average GPU %|Average RAM (MB)|Total Inference Time (s)|Power Draw (W)|"


@pytest.mark.parametrize("name", ["report.md", "no_runs.md"])
def test_golden(name: str) -> None:
    made = documents()[name]()
    assert made == (FOLDER / name).read_text(encoding="utf-8"), "see tests/unit/report/regenerate.py"


def test_the_shape_is_that_of_the_published_document() -> None:
    tables = table.build([run(1, fps=21.02, power_w=14.78)], models=["resnet-152"])
    lines = markdown.render(tables, generated=GENERATED, assets=assets(tables)).splitlines()
    assert "## ResNet-152 Results" in lines
    assert any(line.startswith(HEAD) for line in lines)
    assert any(line.startswith("|MAXN|21.02|59.07|7905|475.74|14.78|") for line in lines)
    for line in ("### Raw Data", "- [MAXN Raw Data](data/resnet-152_maxn.csv)", "### Graphs", "#### MAXN Data"):
        assert line in lines
    assert "![MAXN Used GR3D %](Images/resnet-152_maxn_gr3d.png)" in lines
    assert "![MAXN Used RAM](Images/resnet-152_maxn_used_ram.png)" in lines


def test_a_mode_that_nobody_ran_is_an_empty_row() -> None:
    text = markdown.render(table.build([run(1)], models=["resnet-152"]), generated=GENERATED)
    assert re.search(r"^\|50W\|{11}$", text, re.MULTILINE)


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    lines = documents()["report.md"]().splitlines()
    heads = 0
    for above, line in itertools.pairwise(lines):
        cells = [len(re.findall(r"(?<!\\)\|", one)) for one in (above, line)]
        if line.startswith("|") and above.startswith("|"):
            assert cells[0] == cells[1], line
            heads += 1
    assert heads > 20


def test_foreign_text_becomes_neither_markup_nor_html() -> None:
    assert markdown.plain("a|b <img> *c* [d](e)\n`f`") == r"a\|b \<img\> \*c\* \[d\](e) \`f\`"
    assert markdown.plain("&lt;b&gt;") == r"\&lt;b\&gt;"


def test_pipes_and_line_ends_of_foreign_text_make_no_cell() -> None:
    evil = "a|b\nc"
    lines = markdown.render(table.build([run(1, mode=evil, model=evil)], models=[evil]), generated="x").splitlines()
    assert any(line.startswith(r"|a\|b c|21.00|") for line in lines)


def test_only_wrong_figures_carry_the_dagger() -> None:
    tables = table.build([imported(1, model="depth-anything", items=1000, fps=5.25)], models=["depth-anything"])
    lines = markdown.render(tables, generated="x").splitlines()
    (line,) = [line for line in lines if line.startswith("|MAXN · imported|5.25|0.0 %")]
    cells = line.strip("|").split("|")
    assert [cell for cell in cells if "†" in cell] == ["45.98 †", "4454 †", "21.25 †", "4.049 †", "0.247 †"]
    assert "+118" not in line


def test_a_figure_that_fewer_runs_have_says_so() -> None:
    text = markdown.render(table.build([run(1), run(2, power_w_mean=None)], models=["resnet-152"]), generated="x")
    assert "|14.80 (1 of 2)|" in text


def test_models_without_runs_are_named() -> None:
    text = markdown.render(table.build([run(1)], models=["depth-anything"]), generated="x")
    assert "There is no finished run of ours of Depth Anything V2 Base;" in text
