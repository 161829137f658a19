"""The Markdown report against its golden files, and what must hold whatever they say."""

from __future__ import annotations

import itertools
import re

import pytest

from orin_core.report import markdown, table
from tests.unit.report.built import run
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
