"""What belongs to a row of the report beside its figures: pictures and raw data."""

from __future__ import annotations

import dataclasses

from orin_core.report.plots import Plot

IMAGES = "Images"
DATA = "data"
"""Folders beside the Markdown file, named as beside the team's document."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Pictures and raw data of one row.

    Args:
        plots: pictures of the run that stands for the row.
        data: path of its CSV relative to the report; None where it is not copied.
    """

    plots: tuple[Plot, ...] = ()
    data: str | None = None

    def image(self, plot: Plot) -> str:
        """Returns the path of a picture relative to the report."""
        return f"{IMAGES}/{plot.file_name}"
