"""The figures that the SCALES team published, to set beside one's own; their origin: ``data/reference/README.md``."""

from __future__ import annotations

import csv
import dataclasses
import functools
from pathlib import Path

from orin_core.catalog import model_row
from orin_core.errors import BadRequest
from orin_core.settings import PROJECT_ROOT

PUBLISHED_CSV = PROJECT_ROOT / "data" / "reference" / "scales_published.csv"
BOARD = "AGX Orin, 32 GB module"
"""**Source**: the notes of the published document, and the RAM total in its logs."""
SOURCE = "SCALES team, ML_Jetson_Performance.md, commit 01f30c0"
_MODES = ("MAXN", "50W", "30W", "15W")
_WRONG = "wrong"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """One published row: a model in a power mode.

    Args:
        model: hub id.
        dataset: hub id and split; None for the language model.
        items: images of the run; None for the language model.
        power_mode: ``MAXN``, ``50W``, ``30W`` or ``15W``.
        average_fps: images/s; None for the language model.
        average_gpu_pct: mean GR3D load, %.
        average_ram_mb: RAM in use on the whole board, MB.
        total_inference_time_s: time of the run, s.
        power_draw_w: sum of the board's four rails, W.
        tokens_per_s: of the language model; None for the others.
        known_error: why figures of this row are wrong; None where none is known to be.
        wrong_figures: fields of this row that are wrong for that reason, energy per image among them.
        corrected: what was wrong in an earlier version of this row; the figures here are right.
        note: what else a reader should know; empty where there is nothing.
    """

    model: str
    dataset: str | None
    items: int | None
    power_mode: str
    average_fps: float | None
    average_gpu_pct: float
    average_ram_mb: float
    total_inference_time_s: float
    power_draw_w: float
    tokens_per_s: float | None = None
    known_error: str | None = None
    wrong_figures: tuple[str, ...] = ()
    corrected: str | None = None
    note: str = ""

    @property
    def ttft_ms_p50(self) -> float | None:
        """None: it was not published."""
        return None

    @property
    def energy_per_item_j(self) -> float | None:
        """Power times time over images, gross of idle, J per image; from wrong figures it is wrong as well."""
        return self.power_draw_w * self.total_inference_time_s / self.items if self.items else None

    @property
    def items_per_joule(self) -> float | None:
        """Images per joule; from wrong figures it is wrong as well."""
        energy_j = self.energy_per_item_j
        return 1 / energy_j if energy_j else None


@functools.lru_cache(maxsize=4)
def published_rows(path: Path = PUBLISHED_CSV) -> tuple[PublishedRow, ...]:
    """Returns every published row in the order of the file.

    Args:
        path: the reference file.

    Raises:
        BadRequest: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return tuple(map(_row, csv.DictReader(stream)))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BadRequest(
            f"The published figures in {path} cannot be read: {error}.", "The file is part of the checkout; restore it."
        ) from error


def published_for(model: str, power_mode: str, items: int | None = None) -> PublishedRow | None:
    """Returns the published row of a model in a power mode, None where there is none.

    Args:
        model: catalogue name, alias or hub id.
        power_mode: as printed or as shown: ``MODE_50W`` and ``50W`` are the same.
        items: images of the run that it is set beside; a row over another number of images is then no match.
            None takes the row whatever its number: FPS, GPU load and power do not depend on it, the time does.
    """
    wanted, mode = hub_id(model), mode_label(power_mode)
    for row in published_rows():
        if row.model.lower() == wanted and row.power_mode == mode and items in (None, row.items):
            return row
    return None


def published_models() -> tuple[str, ...]:
    """Returns the hub ids of the published models in the order of the file."""
    return tuple(dict.fromkeys(row.model for row in published_rows()))


def hub_id(model: str) -> str:
    """Returns a model's hub id in lower case, whatever name of the catalogue it goes by."""
    row = model_row(model)
    return (row.model_id if row else model).strip().lower()


def mode_label(power_mode: str) -> str:
    """Returns the form in which modes were published: ``MODE_50W`` becomes ``50W``, ``MaxN`` becomes ``MAXN``."""
    text = power_mode.strip().removeprefix("MODE_")
    return next((mode for mode in _MODES if mode == text.upper()), text)


def _row(cells: dict[str, str]) -> PublishedRow:
    wrong = cells["error_kind"] == _WRONG
    return PublishedRow(
        model=cells["model"],
        dataset=cells["dataset"] or None,
        items=int(cells["items"]) if cells["items"] else None,
        power_mode=cells["power_mode"],
        average_fps=_number(cells["average_fps"]),
        average_gpu_pct=float(cells["average_gpu_pct"]),
        average_ram_mb=float(cells["average_ram_mb"]),
        total_inference_time_s=float(cells["total_inference_time_s"]),
        power_draw_w=float(cells["power_draw_w"]),
        tokens_per_s=_number(cells["tokens_per_s"]),
        known_error=cells["error"] or None if wrong else None,
        wrong_figures=_wrong_figures(cells["wrong_figures"].split()),
        corrected=cells["error"] or None if not wrong else None,
        note=cells["note"],
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _wrong_figures(names: list[str]) -> tuple[str, ...]:
    derived = ["energy_per_item_j", "items_per_joule"] if "power_draw_w" in names else []
    return (*names, *derived)
