"""One stretch of an old log as a run folder: written beside the others and renamed when it is whole."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from orin_core import __version__
from orin_core.analysis.old_logs import OldLog
from orin_core.analysis.stretches import Stretch
from orin_core.board.sample import Tick
from orin_core.errors import BadRequest
from orin_core.runs import finish, store
from orin_core.runs.recording import Recording, list_runs
from orin_core.spec import Phase, RunState

AROUND_S = 90.0
"""So much idle is kept on either side of a run."""
QUIET_S = 5.0
"""The model began to load after the last spell of this length in which the board did nothing."""
_BUSY_CORE_PCT = 50.0
_BUSY_GR3D_PCT = 3.0
SOURCE = "imported"


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
    """

    model: str | None
    dataset: str | None
    power_mode: str | None
    mode_basis: str
    items: int | None
    fps: float | None
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which ticks go into the folder, and where its phases begin, by tick of the log."""

    first: int
    load: int
    measure: int
    end: int
    last: int

    def phase(self, tick: int) -> Phase:
        if tick > self.end:
            return Phase.COOLDOWN
        if tick >= self.measure:
            return Phase.MEASURE
        return Phase.LOAD if tick >= self.load else Phase.IDLE


def _plan(log: OldLog, stretch: Stretch, after: int, before: int) -> _Plan:
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
    return _Plan(first=first, load=load, measure=begin, end=end, last=last)


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


def _slug(text: str) -> str:
    name = Path(text.rstrip("/")).name or text
    name = re.sub(r"\.(txt|log|csv)?(\.gz)?$", "", name)
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", name).strip("-")[:32] or "unnamed"


def _run_id(log: OldLog, stretch: Stretch, facts: Facts, first_s: float, salt: int) -> str:
    utc = log.utc_start + datetime.timedelta(seconds=first_s)
    mode = (facts.power_mode or "unknown").removeprefix("MODE_")
    parts = [facts.model or SOURCE, facts.dataset or log.path.name, mode]
    seed = f"{log.sha256} {stretch.start_index} {stretch.end_index} {salt}"
    return "_".join([utc.strftime("%Y%m%dT%H%M%SZ"), *map(_slug, parts), hashlib.sha256(seed.encode()).hexdigest()[:4]])


def already_imported(runs_dir: Path, log: OldLog, stretch: Stretch) -> Recording | None:
    """Returns the run that this stretch of this file has become before, None where it has not."""
    lines = [int(log.series.line[index]) for index in (stretch.start_index, stretch.end_index)]
    for recording in list_runs(runs_dir):
        if recording.spec().get("origin") != SOURCE:
            continue
        for event in recording.events():
            if event["kind"] == SOURCE:
                if event.get("sha256") == log.sha256 and [event.get("first_line"), event.get("last_line")] == lines:
                    return recording
                break
    return None


def write_folder(
    runs_dir: Path, log: OldLog, stretch: Stretch, facts: Facts, *, after: int = -1, before: int | None = None
) -> Recording:
    """Writes one run folder; nothing is left behind where it cannot be written.

    Args:
        runs_dir: folder of run folders; made where it is missing.
        log: the log.
        stretch: the run.
        facts: what is known of it.
        after: last tick of the run before it, -1 where there is none.
        before: first tick of the run after it; None where there is none.

    Raises:
        BadRequest: the folder cannot be written.
        RunFailed: the disk became full.
    """
    plan = _plan(log, stretch, after, len(log.series) if before is None else before)
    first_s = float(log.series.t_s[plan.first])
    salt = 0
    while (runs_dir / (run_id := _run_id(log, stretch, facts, first_s, salt))).exists():
        salt += 1
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".import-", dir=runs_dir))
    except OSError as error:
        raise BadRequest(
            f"{runs_dir} cannot be written: {error.strerror}.", "Choose another folder with --runs-dir."
        ) from error
    try:
        folder = beside / run_id
        folder.mkdir()
        _fill(folder, log, stretch, facts, plan)
        folder.rename(runs_dir / run_id)
    except OSError as error:
        raise BadRequest(f"{runs_dir} cannot be written: {error.strerror}.", "Free disk space.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Recording(folder=runs_dir / run_id)


def _fill(folder: Path, log: OldLog, stretch: Stretch, facts: Facts, plan: _Plan) -> None:
    interval_ms = round(log.series.period_s * 1000)
    store.write_json(folder / store.SPEC, _spec(log, facts, interval_ms))
    store.write_json(folder / store.ENVIRONMENT, _environment(log, facts))
    t_s = log.series.t_s
    first_s = float(t_s[plan.first])
    started_utc = store.utc_text(log.utc_start.timestamp() + first_s)
    with store.Recorder(folder, source=SOURCE, replay=True) as recorder:
        garbled, strangers = _write_rows(recorder, log, plan)
        _write_events(recorder, log, stretch, facts, plan, started_utc)
        recorder.status(
            {
                "run_id": folder.name,
                "state": RunState.DONE.value,
                "phase": plan.phase(plan.last).value,
                "source": SOURCE,
                "simulated": False,
                **{key: getattr(facts, key) for key in ("model", "dataset", "power_mode")},
                "weights": None,
                "images": None,
                "items_done": facts.items or 0,
                "items_total": facts.items,
                "failed_items": 0,
                "unparsed_lines": strangers,
                "garbled_lines": garbled,
                "measure_s": round(stretch.seconds, 3),
                "message": "",
                "hint": "",
                "t0_s": 0.0,
                "utc0": started_utc,
                "interval_ms": interval_ms,
                "ticks": recorder.ticks,
                "notices": [],
            }
        )
        recorder.give_up_reserve()
    finish.finish(Recording(folder=folder), state=RunState.DONE, message="", hint="")


def _write_rows(recorder: store.Recorder, log: OldLog, plan: _Plan) -> tuple[int, int]:
    """Writes the ticks of a plan and returns how many lines were read in part, and how many were no ticks."""
    first_s = float(log.series.t_s[plan.first])
    tick, garbled, strangers = plan.first, 0, 0
    for now_s, raw, sample in log.rows(plan.first, plan.last):
        if sample is None:
            recorder.raw_line(raw or "")
            strangers += 1
            continue
        row = Tick(t_s=round(now_s - first_s, 3), sample=sample, raw=raw)
        recorder.tick(row, phase=plan.phase(tick).value, items=None, fps=None)
        garbled += sample.read_in_part
        tick += 1
    return garbled, strangers


def _write_events(
    recorder: store.Recorder, log: OldLog, stretch: Stretch, facts: Facts, plan: _Plan, started_utc: str
) -> None:
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
        start_s=round(stretch.start_s, 3),
        end_s=round(stretch.end_s, 3),
        dialect=log.dialect,
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


def _spec(log: OldLog, facts: Facts, interval_ms: int) -> dict[str, Any]:
    return {
        "origin": SOURCE,
        "file": log.path.name,
        "interval_ms": interval_ms,
        "items": facts.items,
        "power_mode": facts.power_mode,
        "model": facts.model,
        "dataset": facts.dataset,
        "fps": facts.fps,
    }


def _environment(log: OldLog, facts: Facts) -> dict[str, Any]:
    listed = log.series.cores_listed
    return {
        "version": __version__,
        "origin": SOURCE,
        "source": SOURCE,
        "simulated": False,
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
