"""What an imported run folder says of itself beside its ticks: which ticks it holds, spec, environment, events."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from orin_core import __version__
from orin_core.analysis.old_logs import SIMULATED, OldLog
from orin_core.analysis.stretches import BY_PERSON, Stretch
from orin_core.runs import store
from orin_core.spec import Phase, RunState

SOURCE = "imported"
BY_RULE, BY_HAND = "by rule", "by hand"
AROUND_S = 90.0
"""So much idle is kept on either side of a run."""
QUIET_S = 5.0
"""The model began to load after the last spell of this length in which the board did nothing."""
_BUSY_CORE_PCT = 50.0
_BUSY_GR3D_PCT = 3.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a run besides its ticks.

    Args:
        model: as shown to people; None where nobody said.
        dataset: the same.
        power_mode: name of the mode; None where it is not known.
        mode_basis: what the mode rests on, in words.
        items: images of the whole run; None where nobody said.
        fps: images per second as given; None where they were not.
        notes: what a person should know, one sentence each.
        proposed: start and end that the rule gave the run, s of the log; None where it found no run there.
    """

    model: str | None
    dataset: str | None
    power_mode: str | None
    mode_basis: str
    items: int | None
    fps: float | None
    notes: tuple[str, ...]
    proposed: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which ticks go into the folder, and where its phases begin, by tick of the log."""

    first: int
    load: int
    measure: int
    end: int
    last: int

    def phase(self, tick: int) -> Phase:
        """Returns the phase of a tick of the log."""
        if tick > self.end:
            return Phase.COOLDOWN
        if tick >= self.measure:
            return Phase.MEASURE
        return Phase.LOAD if tick >= self.load else Phase.IDLE


def plan_of(log: OldLog, stretch: Stretch, after: int, before: int) -> Plan:
    """Returns the plan of a folder.

    Args:
        log: the log.
        stretch: the run.
        after: last tick of the run before it, -1 where there is none.
        before: first tick of the run after it; the number of ticks where there is none.
    """
    series, begin, end = log.series, stretch.start_index, stretch.end_index
    t_s = series.t_s
    first = max(int(np.searchsorted(t_s, t_s[begin] - AROUND_S)), after + 1)
    last = min(int(np.searchsorted(t_s, t_s[end] + AROUND_S, side="right")) - 1, before - 1)
    restarts = np.flatnonzero(series.restart)
    first = max([first, *restarts[restarts <= begin].tolist()[-1:]])
    last = min([last, *(int(at) - 1 for at in restarts[restarts > end][:1])])
    with np.errstate(invalid="ignore"):
        working = (series.cpu_busiest_pct >= _BUSY_CORE_PCT) | (series.gr3d_pct >= _BUSY_GR3D_PCT)
    load = begin
    for tick in range(begin - 1, first - 1, -1):
        if working[tick]:
            load = tick
        elif t_s[load] - t_s[tick] > QUIET_S:
            break
    return Plan(first=first, load=load, measure=begin, end=end, last=last)


def source_of(log: OldLog) -> str:
    """Returns the source of an imported run's rows: what no board printed stays ``simulated``."""
    return SIMULATED if log.simulated else SOURCE


def board_name(log: OldLog) -> str | None:
    """Returns the board as far as a log tells it, None where it does not.

    **Source**: of all Jetson modules only the AGX Orin has twelve cores; Linux sees 30 to 31 GB of
    its 32, and 60 to 63 GB of its 64.
    """
    listed = log.series.cores_listed
    if not np.isfinite(listed).any() or np.nanmax(listed) != 12 or log.ram_total_mb is None:
        return None
    for size, low_mb, high_mb in ((32, 28_000, 31_800), (64, 58_000, 64_000)):
        if low_mb <= log.ram_total_mb <= high_mb:
            thousands = f"{log.ram_total_mb:,}".replace(",", " ")
            return f"AGX Orin, {thousands} MB RAM ({size} GB module)"
    return None


def write_events(
    recorder: store.Recorder, log: OldLog, stretch: Stretch, facts: Facts, plan: Plan, started_utc: str
) -> None:
    """Writes every event of an imported run.

    Raises:
        RunFailed: the disk became full.
    """
    series = log.series
    first_s = float(series.t_s[plan.first])

    def since_first(t_s: float) -> float:
        return round(max(t_s - first_s, 0.0), 3)

    recorder.event("start", 0.0, utc=started_utc)
    recorder.event(
        SOURCE,
        0.0,
        file=log.path.name,
        sha256=log.sha256,
        lines=log.lines,
        first_line=int(series.line[stretch.start_index]),
        last_line=int(series.line[stretch.end_index]),
        **cut_of(stretch, facts.proposed),
        dialect=log.dialect,
        cut_basis=stretch.cut_basis,
        file_sources=list(log.sources),
        cpu_ceiling_mhz=stretch.cpu_ceiling_mhz,
        mode_basis=facts.mode_basis,
        notes=list(facts.notes),
    )
    for note in facts.notes:
        recorder.event("notice", 0.0, notice=SOURCE, message=note)
    start_s, end_s = since_first(stretch.start_s), since_first(stretch.end_s)
    if plan.load > plan.first:
        recorder.event("phase", 0.0, phase=Phase.IDLE.value)
    if plan.first < plan.measure and plan.load < plan.measure:
        load_s = since_first(float(series.t_s[max(plan.load - 1, plan.first)]))
        recorder.event("phase", min(load_s, start_s), phase=Phase.LOAD.value)
    recorder.event("phase", start_s, phase=Phase.MEASURE.value)
    recorder.event("done", end_s, t_start_s=start_s, t_end_s=end_s, items=facts.items, failed_items=0, stopped=False)
    if plan.last > plan.end:
        recorder.event("phase", end_s, phase=Phase.COOLDOWN.value)
    recorder.event(
        "end", since_first(float(series.t_s[plan.last])), state=RunState.DONE.value, message="", over_current=None
    )


def cut_of(stretch: Stretch, proposed: tuple[float, float] | None) -> dict[str, Any]:
    """Returns where a run lies in its log, s, and who said so: the rule, or a person beside what the rule proposed.

    Args:
        stretch: the run.
        proposed: start and end by the rule; None where it found no run there.
    """
    kept = (stretch.start_s, stretch.end_s)
    by_hand = stretch.cut_basis == BY_PERSON
    start_s, end_s = (proposed or (None, None)) if by_hand else kept
    return {
        "cut": BY_HAND if by_hand else BY_RULE,
        "start_s": round(kept[0], 3),
        "end_s": round(kept[1], 3),
        "proposed_start_s": None if start_s is None else round(start_s, 3),
        "proposed_end_s": None if end_s is None else round(end_s, 3),
    }


def spec_of(log: OldLog, stretch: Stretch, facts: Facts, interval_ms: int) -> dict[str, Any]:
    """Returns ``spec.json`` of an imported run."""
    return {
        "origin": SOURCE,
        "file": log.path.name,
        "sha256": log.sha256,
        **cut_of(stretch, facts.proposed),
        "interval_ms": interval_ms,
        "items": facts.items,
        "power_mode": facts.power_mode,
        "model": facts.model,
        "dataset": facts.dataset,
        "fps": facts.fps,
    }


def environment_of(log: OldLog, facts: Facts) -> dict[str, Any]:
    """Returns ``environment.json`` of an imported run."""
    listed = log.series.cores_listed
    return {
        "version": __version__,
        "origin": SOURCE,
        "source": source_of(log),
        "simulated": log.simulated,
        "model": facts.model,
        "weights": None,
        "dataset": facts.dataset,
        "images": None,
        "power_mode": facts.power_mode,
        "power_mode_id": None,
        "power_mode_basis": facts.mode_basis,
        "power_mode_verified": None,
        "board": board_name(log),
        "ram_total_mb": log.ram_total_mb,
        "cores": int(np.nanmax(listed)) if np.isfinite(listed).any() else None,
        "l4t": None,
        "notes": "",
        "ambient_c": None,
    }
