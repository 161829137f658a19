"""The figures of a results table: its columns, and how their values become text."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

SIGNIFICANT = 3
_TYPED_LENGTH = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One figure of the results table.

    Args:
        field: attribute of :class:`Row` and of ``PublishedRow``.
        summary_key: key of ``summary.json``.
        heading: as the team's document spells it.
        csv_name: column of the CSV, with the unit.
        decimals: shown at least; more where fewer than three digits would be left.
        of_text: whether only text generation has it; tables without such rows leave it out.
    """

    field: str
    summary_key: str
    heading: str
    csv_name: str
    decimals: int
    of_text: bool = False

    def text(self, value: float | None) -> str:
        """Returns a value as the tables show it; empty where there is none."""
        return digits(value, self.decimals)

    def decimals_of(self, value: float) -> int:
        """Returns how many decimals a value needs, so that small ones keep three significant digits."""
        return _decimals_of(value, self.decimals)


def digits(value: float | None, decimals: int) -> str:
    """Returns a value with so many decimals, and more where it is small; empty where there is none."""
    return "" if value is None else f"{value:.{_decimals_of(value, decimals)}f}"


def _decimals_of(value: float, decimals: int) -> int:
    while value and abs(value) * 10**decimals < 10 ** (SIGNIFICANT - 1) and decimals < 6:
        decimals += 1
    return decimals


def typed(value: float) -> str:
    """Returns a number as a person would type it: every digit, no exponent unless it would be very long."""
    text = format(Decimal(repr(float(value))), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if len(text) <= _TYPED_LENGTH else repr(float(value))


COLUMNS = (
    Column(
        field="average_fps",
        summary_key="fps_end_to_end",
        heading="Average FPS",
        csv_name="Average FPS (images/s)",
        decimals=2,
    ),
    Column(
        field="average_gpu_pct",
        summary_key="gr3d_pct_mean",
        heading="Average GPU %",
        csv_name="Average GPU (%)",
        decimals=2,
    ),
    Column(
        field="average_ram_mb",
        summary_key="ram_used_mb_mean",
        heading="Average RAM (MB)",
        csv_name="Average RAM (MB)",
        decimals=0,
    ),
    Column(
        field="total_inference_time_s",
        summary_key="total_inference_time_s",
        heading="Total Inference Time (s)",
        csv_name="Total Inference Time (s)",
        decimals=2,
    ),
    Column(
        field="power_draw_w",
        summary_key="power_w_mean",
        heading="Power Draw (W)",
        csv_name="Power Draw (W)",
        decimals=2,
    ),
    Column(
        field="energy_per_item_j",
        summary_key="energy_per_item_j",
        heading="Energy per Image (J)",
        csv_name="Energy per Image (J)",
        decimals=3,
    ),
    Column(
        field="items_per_joule",
        summary_key="items_per_joule",
        heading="Images per Joule",
        csv_name="Images per Joule (1/J)",
        decimals=3,
    ),
    Column(
        field="tokens_per_s",
        summary_key="tokens_per_s",
        heading="Tokens per Second",
        csv_name="Tokens per Second (1/s)",
        decimals=2,
        of_text=True,
    ),
    Column(
        field="ttft_ms_p50",
        summary_key="ttft_ms_p50",
        heading="Time to First Token (ms)",
        csv_name="Time to First Token (ms)",
        decimals=1,
        of_text=True,
    ),
)
"""The first five are those of the team's published tables; the others are added behind them."""
COLUMN_BY_FIELD = {column.field: column for column in COLUMNS}


def first_sentence(text: str) -> str:
    """Returns the first of several sentences without its full stop: what was found, without the advice."""
    return text.partition(". ")[0].rstrip(".")


def signed_pct(value: float | None) -> str:
    """Returns a difference with its sign, for example ``+3.2 %``; empty where there is none."""
    if value is None:
        return ""
    rounded = round(value, 1)
    return f"{rounded:+.1f} %" if rounded else "0.0 %"


def number_or_none(value: Any) -> float | None:
    """Returns a finite number of a summary, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if value == value and abs(value) != float("inf") else None
