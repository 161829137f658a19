"""Which power mode for a mission: the cheapest under a power cap and above an FPS floor, and what a budget buys.

Energy per image is gross of idle, as everywhere. Simulated figures are never offered, since they follow no
power mode; random weights and synthetic images are weighed among themselves only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

from orin_core.analysis.verdict import Status
from orin_core.errors import BadRequest
from orin_core.report.compare import REPEATABILITY
from orin_core.report.figures import COLUMN_BY_FIELD, typed
from orin_core.report.mission_rows import Candidate, candidates, groups, refusal

__all__ = ["Candidate", "Dropped", "MissionAnswer", "Option", "candidates", "groups", "options", "pareto"]

J_PER_WH = 3600.0
_FPS, _POWER = COLUMN_BY_FIELD["average_fps"], COLUMN_BY_FIELD["power_draw_w"]
MAX_LIMIT = 1e9
"""No cap, floor, budget or time of a mission is larger."""
SIMULATED_NOTE = "Simulated rows are not offered: their power is invented and their FPS does not follow the power mode."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A row that meets the cap and the floor, with what it buys.

    Args:
        candidate: the row.
        items_per_wh: images per watt-hour.
        items_per_orbit: images per orbit; None where neither energy nor time was given.
        energy_per_orbit_wh: energy that those take, Wh; None where neither was given.
        limited_by: ``energy`` or ``time``, whichever ends first; None where neither was given.
    """

    candidate: Candidate
    items_per_wh: float
    items_per_orbit: int | None = None
    energy_per_orbit_wh: float | None = None
    limited_by: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A row that is not offered.

    Args:
        candidate: the row.
        reasons: why, each a clause that follows its label.
    """

    candidate: Candidate
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The row and its reasons as one sentence."""
        return f"{self.candidate.label}: {'; '.join(self.reasons)}."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MissionAnswer:
    """What to fly, and why not the others.

    Args:
        options: rows that meet cap and floor, least energy per image first.
        dropped: the others with their reasons, in the order in which they came.
        front_power: rows that no other beats in both FPS and W, slowest first; cap and floor not applied.
        front_energy: the same for FPS and J per image.
        offered: rows that could be weighed at all, in the order in which they came.
        sentence: the answer in words.
        notes: what a reader must know, one sentence each.
    """

    options: tuple[Option, ...]
    dropped: tuple[Dropped, ...]
    front_power: tuple[Candidate, ...]
    front_energy: tuple[Candidate, ...]
    offered: tuple[Candidate, ...]
    sentence: str
    notes: tuple[str, ...]

    @property
    def best(self) -> Option | None:
        """The cheapest row under the cap and above the floor; None where there is none."""
        return self.options[0] if self.options else None


def options(
    rows: Iterable[Candidate],
    *,
    power_cap_w: float | None = None,
    fps_floor: float | None = None,
    orbit_energy_wh: float | None = None,
    orbit_active_s: float | None = None,
) -> MissionAnswer:
    """Weighs the rows of one model against a mission.

    Args:
        rows: rows of one model; of rows with random weights, synthetic or camera images, another scope or another way
            through the model only one kind is weighed, the one nearest to a real run (:func:`groups` gives the others).
        power_cap_w: mean power that may not be passed, W; None for no cap.
        fps_floor: images/s that are needed; None for no floor.
        orbit_energy_wh: energy per orbit, Wh; None for no limit.
        orbit_active_s: time per orbit in which the board may run, s; None for no limit. Images per orbit are
            told where either is given.

    Raises:
        BadRequest: a limit is negative, no number, or larger than anything that flies.
    """
    for name, value in (
        ("Power cap", power_cap_w),
        ("FPS floor", fps_floor),
        ("Energy per orbit", orbit_energy_wh),
        ("Active time per orbit", orbit_active_s),
    ):
        check_limit(name, value)
    everything = tuple(rows)
    refused = {id(row): reason for row in everything if (reason := refusal(row))}
    usable = [row for row in everything if id(row) not in refused]
    offered, apart = _nearest_to_real(usable)
    chosen: list[Option] = []
    dropped: list[Dropped] = []
    for row in everything:
        reasons = _reasons(row, refused.get(id(row)), apart, offered, power_cap_w, fps_floor)
        if reasons:
            dropped.append(Dropped(candidate=row, reasons=reasons))
        else:
            chosen.append(_option(row, orbit_energy_wh, orbit_active_s))
    chosen.sort(key=lambda option: option.candidate.energy_per_item_j or 0.0)
    return MissionAnswer(
        options=tuple(chosen),
        dropped=tuple(dropped),
        front_power=pareto(offered, cost="power_w"),
        front_energy=pareto(offered, cost="energy_per_item_j"),
        offered=tuple(offered),
        sentence=_sentence(chosen, offered, power_cap_w, fps_floor),
        notes=_notes(everything, chosen),
    )


def check_limit(name: str, value: float | None) -> None:
    """Refuses a limit that no mission can have.

    Args:
        name: how it is named to people.
        value: None where it is not given.

    Raises:
        BadRequest: it is negative, no number, or above :data:`MAX_LIMIT`.
    """
    if value is not None and not (math.isfinite(value) and 0 <= value <= MAX_LIMIT):
        raise BadRequest(
            f"{name} {typed(value) if math.isfinite(value) else value} cannot be met.",
            f"Give a number from 0 to {typed(MAX_LIMIT)}.",
        )


def pareto(rows: Iterable[Candidate], *, cost: str = "power_w") -> tuple[Candidate, ...]:
    """Returns the rows that no other row beats: none is at least as fast at no more cost and better in one of them.

    Args:
        rows: those whose figures are not known are left out.
        cost: ``power_w`` or ``energy_per_item_j``.

    Returns:
        The front, slowest first.
    """
    known = [(row.fps, value, row) for row in rows if row.fps is not None and (value := _cost(row, cost)) is not None]
    front = [
        (fps, value, row)
        for fps, value, row in known
        if not any(
            other_fps >= fps and other <= value and (other_fps > fps or other < value) for other_fps, other, _ in known
        )
    ]
    return tuple(row for _, _, row in sorted(front, key=lambda point: point[:2]))


def _cost(row: Candidate, cost: str) -> float | None:
    return row.power_w if cost == "power_w" else row.energy_per_item_j


def _nearest_to_real(usable: Sequence[Candidate]) -> tuple[list[Candidate], set[int]]:
    """The group that is weighed, and the rows that stand apart from it, by identity."""
    apart = groups(usable)
    offered = list(apart[0]) if apart else []
    return offered, {id(row) for group in apart[1:] for row in group}


def _reasons(
    row: Candidate,
    refused: str | None,
    apart: set[int],
    offered: Sequence[Candidate],
    power_cap_w: float | None,
    fps_floor: float | None,
) -> tuple[str, ...]:
    if refused:
        return (refused,)
    if id(row) in apart:
        mine, theirs = row.group_text or "real weights and images", offered[0].group_text or "real weights and images"
        return (f"{mine}: such rows are weighed among themselves only, and these are of {theirs}",)
    reasons = []
    if power_cap_w is not None and row.power_w is not None and row.power_w > power_cap_w:
        reasons.append(f"{_POWER.text(row.power_w)} W is over the cap of {typed(power_cap_w)} W")
    if fps_floor is not None and row.fps is not None and row.fps < fps_floor:
        reasons.append(f"{_FPS.text(row.fps)} FPS is under the floor of {typed(fps_floor)}")
    return tuple(reasons)


def _option(row: Candidate, orbit_energy_wh: float | None, orbit_active_s: float | None) -> Option:
    energy_j, fps = row.energy_per_item_j, row.fps
    assert energy_j is not None  # rows without it were refused
    assert fps is not None
    per_wh = J_PER_WH / energy_j
    by_energy = math.inf if orbit_energy_wh is None else orbit_energy_wh * per_wh
    by_time = math.inf if orbit_active_s is None else fps * orbit_active_s
    if math.isinf(min(by_energy, by_time)):
        return Option(candidate=row, items_per_wh=per_wh)
    # Whole images; the small number keeps a product such as 2.9999999996 from losing one.
    items = int(min(by_energy, by_time) + 1e-9)
    return Option(
        candidate=row,
        items_per_wh=per_wh,
        items_per_orbit=items,
        energy_per_orbit_wh=items * energy_j / J_PER_WH,
        limited_by="time" if by_time < by_energy else "energy",
    )


def _sentence(
    chosen: Sequence[Option], offered: Sequence[Candidate], power_cap_w: float | None, fps_floor: float | None
) -> str:
    limits = [
        "" if power_cap_w is None else f"at most {typed(power_cap_w)} W",
        "" if fps_floor is None else f"at least {typed(fps_floor)} FPS",
    ]
    asked = " and ".join(limit for limit in limits if limit)
    if not offered:
        return "No row can be offered; the reasons are below."
    if not chosen:
        return f"No row meets {asked}; the reasons are below."
    best = chosen[0].candidate
    marks = f" ({'; '.join(best.marks)})" if best.marks else ""
    return (
        f"Least energy per image{f' with {asked}' if asked else ''}: {best.label}{marks}, "
        f"{best.energy_per_item_j:.3g} J, {_FPS.text(best.fps)} FPS at {_POWER.text(best.power_w)} W, "
        f"{chosen[0].items_per_wh:,.0f} images per watt-hour."
    )


def _notes(everything: Sequence[Candidate], chosen: Sequence[Option]) -> tuple[str, ...]:
    notes = []
    if any(row.simulated or row.status is Status.SIMULATED for row in everything):
        notes.append(SIMULATED_NOTE)
    if any(option.candidate.published for option in chosen):
        notes.append("Published rows are single runs on an AGX Orin 32 GB module; another board may differ.")
    if any(option.candidate.status is Status.IMPORTED for option in chosen):
        notes.append("Imported rows are not verified: nobody knows how the log was taken.")
    if len(chosen) > 1 and _close(chosen):
        chance_pct = REPEATABILITY * 100
        notes.append(f"The first two differ by less than {chance_pct:.1f} %, as a repeat of one run may do.")
    return tuple(notes)


def _close(chosen: Sequence[Option]) -> bool:
    first, second = (option.candidate.energy_per_item_j or 0.0 for option in chosen[:2])
    return second - first < REPEATABILITY * first
