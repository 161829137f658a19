"""``python -m tests.unit.report.regenerate``: writes the golden reports anew; read the difference before keeping it."""

from __future__ import annotations

from collections.abc import Callable

from orin_core.report import csv_table, html, markdown, table
from orin_core.report.assets import Assets
from orin_core.report.plots import GR3D, USED_RAM, Plot, stems
from orin_core.report.rows import ModelTable
from orin_core.settings import PROJECT_ROOT
from tests.unit.report.built import report_runs

FOLDER = PROJECT_ROOT / "tests" / "fixtures" / "report"
GENERATED = "2026-03-01 12:00 UTC"
PNG = b"\x89PNG built"
"""Stands for a picture: pixels differ between machines, texts do not."""


def assets(tables: tuple[ModelTable, ...]) -> dict[tuple[str | None, str], Assets]:
    found = {}
    for one in tables:
        for test, stem in stems(one).items():
            plots = tuple(Plot(kind=kind, file_name=f"{stem}_{kind}.png", png=PNG) for kind in (GR3D, USED_RAM))
            found[one.model, test] = Assets(plots=plots, data=f"data/{stem}.csv")
    return found


def documents() -> dict[str, Callable[[], str]]:
    """The golden files by name, each with what makes it."""
    tables, none = table.build(report_runs()), table.build([])
    return {
        "report.md": lambda: markdown.render(tables, generated=GENERATED, assets=assets(tables)),
        "report.html": lambda: html.render(tables, generated=GENERATED, assets=assets(tables)),
        "report.csv": lambda: csv_table.render(tables),
        "no_runs.md": lambda: markdown.render(none, generated=GENERATED),
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in documents().items():
        (FOLDER / name).write_text(make(), encoding="utf-8", newline="\n")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
