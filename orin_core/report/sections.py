"""What a report over some of the runs adds to the tables: how it was made, and sections below them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from orin_core.report.assets import IMAGES
from orin_core.report.plots import Plot

COMMAND = "python -m orin_core report"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section below the table of a model.

    Args:
        title: its heading.
        sentences: what it says in words.
        names: heads of its table; empty where it has none.
        rows: lines of its table, as many cells as there are names, the first of which names the line.
        plots: its pictures.
    """

    title: str
    sentences: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    plots: tuple[Plot, ...] = ()

    def image(self, plot: Plot) -> str:
        """Returns the path of a picture relative to the report."""
        return f"{IMAGES}/{plot.file_name}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the tables of a report.

    Args:
        command: what makes it.
        lead: what a reader must know before the tables, one sentence each.
        sections: by model as in its table.
        csv_files: tables beside ``report.csv``, text by file name.
    """

    command: str = COMMAND
    lead: tuple[str, ...] = ()
    sections: Mapping[str | None, tuple[Section, ...]] = dataclasses.field(default_factory=dict)
    csv_files: Mapping[str, str] = dataclasses.field(default_factory=dict)


def at(generated: str) -> str:
    """Returns the end of the sentence that says when a report was made; a report of no time has none."""
    return f" at {generated}." if generated else "."
