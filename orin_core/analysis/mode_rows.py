"""One model in several power modes: what its speed follows, in words."""

from __future__ import annotations

import dataclasses
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orin_core.analysis.summary_keys import is_simulated, mode_label, number, text

MIN_MODES = 3
SAME_WITHIN = 0.10
"""Spread of FPS per CPU MHz over its mean: 7 % in the published ResNet-152 rows, 107 % in the depth rows."""
CLOCKS_DIFFER = 1.2
"""Highest CPU clock over lowest. Where the clocks hardly differ, following them means nothing."""
FULL_GR3D_PCT = 80.0
"""Median over the modes of the GR3D means: 52 to 72 % in the ResNet-152 rows, 91 to 96 % in the correct depth rows."""
SLOWER_BY = 0.02
"""Repeating a published run gave figures 1.3 % apart: less is no order."""

CPU_CAP_MHZ = {"MAXN": 2201.0, "50W": 1497.0, "30W": 1728.0, "15W": 1113.0}
"""For rows that do not name their clock, such as published ones.

**Source**: the nvpmodel conf of AGX Orin (64 and 32 GB have the same CPU caps), see ``docs/jetson.md``.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """One power mode.

    Args:
        mode: short name.
        fps: images/s end to end.
        cpu_mhz: highest CPU clock, MHz; None where not known.
        gr3d_pct: mean of GR3D, %; None where not known.
    """

    mode: str
    fps: float
    cpu_mhz: float | None
    gr3d_pct: float | None

    @property
    def fps_per_mhz(self) -> float | None:
        """Images/s for each MHz of the CPU clock."""
        return self.fps / self.cpu_mhz if self.cpu_mhz else None

    @property
    def rank(self) -> float:
        """The power that the name promises, W; MAXN promises no limit."""
        watts = re.fullmatch(r"([0-9]+)W", self.mode)
        return float(watts[1]) if watts else float("inf") if self.mode.startswith("MAXN") else float("nan")


def by_mode(rows: Sequence[Mapping[str, Any]]) -> list[ModeRow]:
    """Returns one row per power mode, the highest first.

    Args:
        rows: those without a mode or a speed, and simulated ones, are left out.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        mode = text(row, "power_mode")
        if mode and (number(row, "fps_end_to_end") or 0) > 0 and not is_simulated(row):
            groups.setdefault(mode_label(mode), []).append(row)
    found = [_mean_row(mode, group) for mode, group in groups.items()]
    return sorted(found, key=lambda row: (row.rank != row.rank, -row.rank if row.rank == row.rank else 0, row.mode))


def _mean_row(mode: str, group: Sequence[Mapping[str, Any]]) -> ModeRow:
    fps = _mean(number(row, "fps_end_to_end") for row in group)
    clock_mhz = _mean(number(row, "cpu_mhz") or number(row, "cpu_ceiling_mhz") for row in group)
    if clock_mhz is None or clock_mhz <= 0:
        clock_mhz = CPU_CAP_MHZ.get(mode)
    return ModeRow(
        mode=mode,
        fps=fps or 0.0,
        cpu_mhz=clock_mhz,
        gr3d_pct=_mean(number(row, "gr3d_pct_mean") for row in group),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _spread(values: Sequence[float]) -> float:
    return (max(values) - min(values)) / statistics.fmean(values)


def _ratios(modes: Sequence[ModeRow]) -> list[float]:
    return [row.fps_per_mhz for row in modes if row.fps_per_mhz is not None]


def gpu_is_full(modes: Sequence[ModeRow]) -> bool:
    """Returns whether the GPU computes nearly all the time in most modes."""
    known = [row.gr3d_pct for row in modes if row.gr3d_pct is not None]
    # The median: one published row of four is wrong by a factor of two.
    return len(known) >= MIN_MODES and statistics.median(known) >= FULL_GR3D_PCT


def follows_cpu_clock(modes: Sequence[ModeRow]) -> bool:
    """Returns whether FPS per CPU MHz is the same in three or more modes of other clocks, and the GPU is not full."""
    clocks_mhz = [row.cpu_mhz for row in modes if row.cpu_mhz]
    ratios = _ratios(modes)
    if len(ratios) < MIN_MODES or max(clocks_mhz) < CLOCKS_DIFFER * min(clocks_mhz):
        return False
    return _spread(ratios) <= SAME_WITHIN and not gpu_is_full(modes)


def figures_of(modes: Sequence[ModeRow]) -> dict[str, float | str]:
    """Returns what a diagnosis across modes rests on, by mode."""
    found: dict[str, float | str] = {}
    for row in modes:
        found[f"fps_end_to_end {row.mode}"] = row.fps
        for key, value in (("cpu_mhz", row.cpu_mhz), ("gr3d_pct_mean", row.gr3d_pct)):
            if value is not None:
                found[f"{key} {row.mode}"] = value
    ratios = _ratios(modes)
    if len(ratios) >= MIN_MODES:
        found["fps_per_cpu_mhz_spread"] = round(_spread(ratios), 4)
    return found


def _out_of_order(modes: Sequence[ModeRow]) -> list[tuple[ModeRow, ModeRow]]:
    """Neighbours and others where the mode that promises more is the slower one."""
    return [
        (high, low)
        for index, high in enumerate(modes)
        for low in modes[index + 1 :]
        if high.rank > low.rank and high.fps < (1 - SLOWER_BY) * low.fps
    ]


def host_words(modes: Sequence[ModeRow]) -> str:
    """Returns in words that the speed follows the CPU clock, and what that turns upside down."""
    ratios = _ratios(modes)
    spread = 100 * _spread(ratios)
    words = (
        f"FPS follows the CPU clock from mode to mode: {min(ratios):.4f} to {max(ratios):.4f} images/s for each MHz in "
        f"{len(ratios)} modes, {spread:.0f} % apart. One CPU core sets the pace, not the GPU."
    )
    for high, low in _out_of_order(modes):
        if high.cpu_mhz and low.cpu_mhz and high.cpu_mhz < low.cpu_mhz:
            words += (
                f" {high.mode} is slower than {low.mode} ({high.fps:.4g} against {low.fps:.4g} images/s): "
                f"{high.mode} caps the CPU at {high.cpu_mhz:.0f} MHz, {low.mode} at {low.cpu_mhz:.0f} MHz."
            )
    return words


def gpu_words(modes: Sequence[ModeRow]) -> str:
    """Returns in words that the GPU is full in most modes, and which mode is the exception."""
    full = [row for row in modes if row.gr3d_pct is not None and row.gr3d_pct >= FULL_GR3D_PCT]
    rest = [row for row in modes if row.gr3d_pct is not None and row.gr3d_pct < FULL_GR3D_PCT]
    low, high = (pick(row.gr3d_pct or 0.0 for row in full) for pick in (min, max))
    words = f"GR3D is {low:.0f} to {high:.0f} % on average in {', '.join(row.mode for row in full)}"
    ratios = _ratios(modes)
    if len(ratios) >= MIN_MODES and _spread(ratios) > SAME_WITHIN:
        words += ", and FPS does not follow the CPU clock"
    words += ": the GPU sets the pace."
    for row in rest:
        words += f" {row.mode} does not fit with its {row.gr3d_pct:.0f} %: look at its cut."
    return words


def unclear_words(modes: Sequence[ModeRow]) -> str:
    """Returns in words why the modes do not tell what holds the model back."""
    ratios = _ratios(modes)
    if len(ratios) < MIN_MODES:
        return "The CPU clocks of fewer than three modes are known, so what the speed follows cannot be told."
    if _spread(ratios) <= SAME_WITHIN:
        return "FPS and the CPU clock go together, but the CPU clocks hardly differ or the GPU is full as well."
    return (
        f"FPS for each MHz of the CPU clock differs by {100 * _spread(ratios):.0f} % between the modes, and the GPU is "
        "not full: neither sets the pace in every mode."
    )
