"""The HTML report against its golden file, and that it needs and runs nothing."""

from __future__ import annotations

from html.parser import HTMLParser

from orin_core.report import html, table
from tests.unit.report.built import imported, reasoned, run
from tests.unit.report.regenerate import FOLDER, documents

VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Keeps tags, their addresses and their text; fails where one is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(document: str) -> Reader:
    reader = Reader()
    reader.feed(document)
    reader.close()
    assert not reader.open
    return reader


def test_golden() -> None:
    made = documents()["report.html"]()
    assert made == (FOLDER / "report.html").read_text(encoding="utf-8"), "see tests/unit/report/regenerate.py"


def test_it_is_one_file_without_a_script_or_an_address() -> None:
    found = read(documents()["report.html"]())
    assert "script" not in found.tags
    assert found.tags.count("img") > 10
    assert found.addresses
    assert all(address.startswith(("data:", "#")) for address in found.addresses)


def test_foreign_text_is_text() -> None:
    evil = '"><script>alert(1)</script>'
    document = html.render(table.build([run(1, model=f"/m/{evil}", device=evil)]), generated=evil)
    found = read(document)
    assert "script" not in found.tags
    assert "<script>" not in document
    assert any("<script>alert(1)" in words for words in found.words)


def test_the_policy_forbids_every_address() -> None:
    document = documents()["report.html"]()
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in document
    assert "url(" not in document
    assert "@import" not in document


def test_only_wrong_figures_carry_the_dagger() -> None:
    tables = table.build([imported(1, model="depth-anything", items=1000, fps=5.25)], models=["depth-anything"])
    (line,) = [line for line in html.render(tables, generated="x").splitlines() if '<tr data-status="imported"' in line]
    assert line.count("†") == 5
    assert '<span class="theirs">5.25 (0.0 %)</span>' in line
    assert "+118" not in line


def test_a_refused_log_is_shown_as_refused_and_fewer_runs_are_named() -> None:
    verdict = reasoned("imported", ("reading-out-of-range", "GR3D of 300 %."))
    tables = table.build([imported(1, verdict=verdict), run(2), run(3, power_w_mean=None)], models=["resnet-152"])
    text = html.render(tables, generated="x")
    assert '<tr data-status="refused">' in text
    assert '<span class="badge bad">IMPORTED</span>' in text
    assert "<small>1 of 2 runs</small>" in text
