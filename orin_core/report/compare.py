"""Which of two rows is better, and whether anybody may say so.

Two rows are ranked only where everything captured agrees but the power mode, and only where the
interval of their difference leaves out 0. All else is "not distinguishable", with the reason. Temperatures around the
board are typed in by people, so they agree within :data:`AMBIENT_C`, and one that nobody typed in is named.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

from orin_core.analysis.diagnosis import Diagnosis, across_modes
from orin_core.analysis.intervals import welch
from orin_core.analysis.verdict import Status
from orin_core.methods import Method
from orin_core.report.agreement import SETTING_BY_KEY
from orin_core.report.figures import COLUMN_BY_FIELD, first_sentence
from orin_core.report.published import PublishedRow
from orin_core.report.rows import SEAM, Best, Row

REPEATABILITY = 0.013
"""How far a repeat came out elsewhere: 27.74 and 27.37 W for one published run that was made twice.

**Source**: the SCALES team's logs of Depth Anything V2 in 50W.
"""
AMBIENT_C = 5.0
"""Runs at temperatures further apart are not ranked.

**Source**: own choice. The die is as much warmer as the air around it, and a warmer die leaks more current at the same
work; one room changes by less in a day, and a thermometer that a person reads is right to 1 or 2.
"""
RANKABLE = (Status.VALID, Status.IMPORTED)
"""A demo, an invalid run and simulated telemetry are shown, and rank nobody."""
_RANKED_BY = "items_per_joule"
_PER_JOULE = COLUMN_BY_FIELD["items_per_joule"]
_PER_ITEM = COLUMN_BY_FIELD["energy_per_item_j"]
_TWICE = f"a published run that was made twice differed by {REPEATABILITY * 100:.1f} %"
_ONE_RUN = f"one run each, so there is no interval of the difference; {_TWICE}"
_ONE_RUN_BLOCKS = f"closer than the repeatability of single runs, about {REPEATABILITY * 100:.1f} %"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One row against another in one figure.

    Args:
        comparable: whether the rows may be compared at all.
        distinguishable: whether the difference is more than chance.
        difference_pct: of the first against the second, %; None where there is none.
        low_pct: lower end of its 95 % interval, %; None where there is no interval.
        high_pct: upper end, %.
        why: why not comparable or not distinguishable, or what the interval rests on.
    """

    comparable: bool
    distinguishable: bool = False
    difference_pct: float | None = None
    low_pct: float | None = None
    high_pct: float | None = None
    why: str


def compare(first: Row, second: Row, field: str = _RANKED_BY) -> Comparison:
    """Returns how two rows that differ in their power mode stand to each other in one figure."""
    if refusal := why_not_ranked(first) or why_not_ranked(second):
        return Comparison(comparable=False, why=refusal)
    if apart := differing(first, second):
        names = ", ".join(SETTING_BY_KEY[key].name for key in apart)
        return Comparison(comparable=False, why=f"their environments differ: {names}")
    mine, other = first.figure(field), second.figure(field)
    if mine is None or not other:
        return Comparison(comparable=False, why="one of them has no such figure")
    if why := _ambients_apart(first, second):
        return Comparison(comparable=False, difference_pct=_pct(mine - other, other), why=why)
    values = first.values.get(field, ()), second.values.get(field, ())
    if (difference := welch(*values)) is not None:
        return _compared(mine, other, difference.low, difference.high, difference.distinguishable, "repeats, Welch")
    half = _half_width(first, second, field)
    if half is None:
        why = _without_interval(len(values[0]), len(values[1]))
        return Comparison(comparable=True, difference_pct=_pct(mine - other, other), why=why)
    # Blocks of one run know nothing of what a repeat would change, so that is asked for on top.
    beyond_repeats = abs(mine - other) > REPEATABILITY * abs(other)
    beyond_blocks = abs(mine - other) > half
    why = _ONE_RUN_BLOCKS if beyond_blocks and not beyond_repeats else _basis(first, second)
    return _compared(mine, other, mine - other - half, mine - other + half, beyond_blocks and beyond_repeats, why)


def _ambients_apart(first: Row, second: Row) -> str:
    """Returns why the temperatures around the board forbid a ranking; empty where one of them is not known."""
    if not (first.ambients_c and second.ambients_c):
        return ""
    low, high = min(first.ambients_c + second.ambients_c), max(first.ambients_c + second.ambients_c)
    return f"{low:g} and {high:g} °C around the board, more than {AMBIENT_C:g} apart" if high - low > AMBIENT_C else ""


def _without_interval(first: int, second: int) -> str:
    if max(first, second) < 2:
        return _ONE_RUN
    counts = " against ".join(f"{count} run{'' if count == 1 else 's'}" for count in (first, second))
    return f"{counts}, so there is no interval of the difference; {_TWICE}"


def _basis(first: Row, second: Row) -> str:
    bases = {first.interval_basis, second.interval_basis}
    return "interval of single runs" if bases == {"blocks"} else "interval from repeats of one, blocks of the other"


def why_not_ranked(row: Row) -> str:
    """Returns why a row may not be ranked; empty where it may."""
    if row.model is None:
        return "rows of an unnamed model may be of several models"
    if row.spoiled:
        return f"{row.test}: {first_sentence(row.spoiled[0])}"
    if row.settings.get("telemetry") == "simulated board":
        return "simulated telemetry ranks no modes"
    if row.status not in RANKABLE:
        return f"{row.test} is {row.validity}" if row.validity else f"{row.test} was not run"
    return ""


def differing(first: Row, second: Row) -> list[str]:
    """Returns the keys of the settings in which two rows differ; an unknown one differs from a known one."""
    return [key for key in SETTING_BY_KEY if first.settings.get(key) != second.settings.get(key)]


def _compared(mine: float, other: float, low: float, high: float, apart: bool, why: str) -> Comparison:
    return Comparison(
        comparable=True,
        distinguishable=apart,
        difference_pct=_pct(mine - other, other),
        low_pct=_pct(low, other),
        high_pct=_pct(high, other),
        why=why,
    )


def _half_width(first: Row, second: Row, field: str) -> float | None:
    """Returns half the interval of a difference, from the intervals of both: their widths add as squares."""
    intervals = first.intervals.get(field), second.intervals.get(field)
    if intervals[0] is None or intervals[1] is None:
        return None
    return math.hypot(*((high - low) / 2 for low, high in (intervals[0], intervals[1])))


def _pct(part: float, whole: float) -> float:
    return 100 * part / whole


# -- the best of several --------------------------------------------------------------------------


def ranked_groups(rows: Iterable[Row]) -> list[list[Row]]:
    """Returns the rows that are ranked among themselves, the largest group first."""
    groups: dict[tuple[str | None, ...], list[Row]] = {}
    for row in rows:
        if row.items_per_joule and row.power_mode and not why_not_ranked(row):
            groups.setdefault(_setting(row), []).append(row)
    return sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)


def rankings(rows: Iterable[Row]) -> tuple[Best, ...]:
    """Returns the best of every group of rows that may be ranked, the largest group first."""
    everything = [row for row in rows if row.run_ids]
    found = ranked_groups(everything)
    return tuple(_best_of(group, everything, named=len(found) > 1) for group in found)


def why_left_out(row: Row, groups: Sequence[Sequence[Row]]) -> str:
    """Returns why a row is in none of the groups that are ranked, a clause; of several groups the nearest counts."""
    if refusal := why_not_ranked(row):
        return refusal
    if not row.power_mode:
        return "its power mode is not known"
    if not row.items_per_joule:
        return f"{row.power_mode} has no images per joule"
    apart = min((differing(row, group[0]) for group in groups), key=len)
    return f"{row.power_mode} differs in {', '.join(SETTING_BY_KEY[key].name for key in apart)}"


def _setting(row: Row) -> tuple[str | None, ...]:
    return tuple(row.settings.get(key) for key in SETTING_BY_KEY)


def _unranked(one: Row, rows: Sequence[Row]) -> list[Row]:
    """Returns the rows that would belong to a group but for their verdict or what spoils their means."""
    return [row for row in rows if row.settings == one.settings and why_not_ranked(row)]


def _best_of(group: Sequence[Row], everything: Sequence[Row], *, named: bool) -> Best:
    first, *others = sorted(group, key=lambda row: row.items_per_joule or 0.0, reverse=True)
    compared = [(row, compare(first, row)) for row in others]
    unclear = [(row, found) for row, found in compared if not found.distinguishable]
    second, to_second = compared[0]
    sentence = (
        f"{first.power_mode} gives most images per joule: {_PER_JOULE.text(first.items_per_joule)}"
        f" ({_PER_ITEM.text(first.energy_per_item_j)} J an image), {to_second.difference_pct:.1f} % more"
        f" than {second.power_mode}."
    )
    if unclear:
        names = ", ".join(str(row.power_mode) for row, _ in unclear)
        whys = "; ".join(dict.fromkeys(_why(found) for _, found in unclear))
        sentence += f" Not distinguishable from {names} ({whys})."
    else:
        others_named = "every other mode" if len(group) == len(everything) else "every other mode ranked here"
        sentence += f" The 95 % interval of the difference to {others_named} leaves out 0."
    silent = [str(row.power_mode) for row in group if not row.ambients_c]
    if silent and len(silent) < len(group):
        sentence += f" The temperature around the board is not known of {', '.join(silent)}."
    if unranked := _unranked(first, everything):
        sentence += f" Not ranked: {', '.join(map(_named_unranked, unranked))}."
    if first.status is Status.IMPORTED:
        sentence += " From imported logs, not verified."
    if marks := [label for label in first.labels if label.startswith(("random", "synthetic", "camera"))]:
        sentence += f" All with {' and '.join(marks)}."
    if first.settings.get("scope") == "preloaded":
        sentence += " All preloaded: images were decoded before the clock started."
    return Best(
        power_mode=str(first.power_mode),
        test=first.test,
        items_per_joule=first.items_per_joule or 0.0,
        energy_per_item_j=first.energy_per_item_j or 0.0,
        certain=not unclear,
        sentence=sentence,
        setting=first.test.partition(SEAM)[2] if named else "",
    )


def _named_unranked(row: Row) -> str:
    return f"{row.power_mode} ({first_sentence(row.spoiled[0]) if row.spoiled else row.validity})"


def _why(found: Comparison) -> str:
    if found.low_pct is None or found.high_pct is None or found.why == _ONE_RUN_BLOCKS:
        return found.why
    return f"95 % interval of the difference {found.low_pct:+.1f} to {found.high_pct:+.1f} %, {found.why}"


def best_published(rows: Sequence[PublishedRow]) -> Best | None:
    """Returns the best of the published rows of one model; rows that are known to be wrong are left out and named."""
    usable = [row for row in rows if row.known_error is None and row.items_per_joule]
    if len(usable) < 2:
        return None
    first, second, *_ = sorted(usable, key=lambda row: row.items_per_joule or 0.0, reverse=True)
    best, next_best = first.items_per_joule or 0.0, second.items_per_joule or 1.0
    sentence = (
        f"Of the published rows {first.power_mode} gives most images per joule: {_PER_JOULE.text(best)}"
        f" ({_PER_ITEM.text(first.energy_per_item_j)} J an image), {_pct(best - next_best, next_best):.1f} % more"
        f" than {second.power_mode} ({_ONE_RUN})."
    )
    if wrong := [row.power_mode for row in rows if row.known_error is not None]:
        sentence += f" {', '.join(wrong)} is left out: its published figures are known to be wrong, see the notes."
    return Best(
        power_mode=first.power_mode,
        test=first.power_mode,
        items_per_joule=best,
        energy_per_item_j=first.energy_per_item_j or 0.0,
        certain=False,
        sentence=sentence,
    )


# -- across modes ---------------------------------------------------------------------------------


def across(rows: Iterable[Row]) -> Diagnosis | None:
    """Returns what limits a model, from the largest group of its rows that agree in all but the mode."""
    groups: dict[tuple[str | None, ...], list[Row]] = {}
    for row in rows:
        if not why_not_ranked(row):
            groups.setdefault(_setting(row), []).append(row)
    if not groups:
        return None
    largest = max(groups.values(), key=len)
    return across_modes([_mode_figures(row, row.cpu_ceiling_mhz) for row in largest])


def across_published(rows: Iterable[PublishedRow]) -> Diagnosis | None:
    """Returns what limits a model, from its published rows; their CPU clocks are the caps of the modes."""
    return across_modes([_mode_figures(row, None) for row in rows])


def _mode_figures(row: Row | PublishedRow, cpu_mhz: float | None) -> dict[str, Any]:
    # The published rows are what the reference method is named for.
    method = row.settings.get("method") if isinstance(row, Row) else Method.REFERENCE.value
    precision = row.settings.get("precision") if isinstance(row, Row) else None
    return {
        "power_mode": row.power_mode,
        "method": method,
        "precision": precision and precision.partition(" ")[0],  # without what it says of TF32
        "fps_end_to_end": row.average_fps,
        "gr3d_pct_mean": row.average_gpu_pct,
        "cpu_mhz": cpu_mhz,
    }
