"""A plan becomes a run folder, through the parser and the recorder of the product."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from orin_core.board.sample import Tick
from orin_core.board.tegrastats import parse_line
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.spec import RunSpec, RunState, to_json
from tests.bench.recordings.facts import MONOTONIC_0_S, UTC_0_S, environment, loaded, status
from tests.bench.recordings.lines import Printer
from tests.bench.recordings.plan import Plan
from tests.bench.recordings.story import Story, tell
from tests.bench.recordings.ticks import Sensors, coverage, tick_times

ZONE_S = -8 * 3600.0

Edit = Callable[[list[str], np.random.Generator], list[str]]
"""Takes the fields of a printed line and gives those that are written."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A written run folder with the truth about it.

    Args:
        plan: what it was to be.
        story: what happened in it.
        recording: the run folder.
        state: how the run ended.
        message: one sentence on the end; empty for a run that went well.
        coverage: share of measure that its ticks see.
    """

    plan: Plan
    story: Story
    recording: Recording
    state: RunState
    message: str
    coverage: float


def build(plan: Plan, runs_dir: Path, *, edit: Edit | None = None, drop: frozenset[int] = frozenset()) -> Built:
    """Writes the run folder of a plan.

    Args:
        plan: what it is to be; the same plan gives the same folder.
        runs_dir: where the folder is made.
        edit: changes the fields of every line before it is parsed.
        drop: numbers of ticks that never arrive.
    """
    story = tell(plan)
    folder = runs_dir / f"20260301T120000Z_{plan.model.name}_{plan.model.dataset}_{plan.mode.name}_{plan.seed:04x}"
    folder.mkdir(parents=True)
    rng = np.random.default_rng([plan.seed, 1])
    ticks = tick_times(story, rng)
    with store.Recorder(folder, source="tegrastats") as recorder:
        recorder.give_up_reserve()
        recorder.t0_s, recorder.utc0_s = MONOTONIC_0_S, UTC_0_S
        _write_ticks(recorder, story, ticks, rng, edit, drop)
        _write_batches(recorder, story, rng)
        _write_events(recorder, story, rng)
    spec = to_json(RunSpec(model=plan.model.name, dataset=plan.model.dataset, batch_size=plan.batch))
    asked = {"seconds": plan.measure_s, "interval_ms": plan.interval_ms, "profile": plan.profile}
    if plan.wrong.short_phase:
        key = {"idle": "idle_s", "warmup": "warmup_min_s", "cooldown": "cooldown_s"}[plan.wrong.short_phase]
        asked[key] = plan.wrong.short_s
    store.write_json(
        folder / store.SPEC, {**spec, **asked, "min_items": plan.min_items, "notes": "", "ambient_c": None}
    )
    store.write_json(folder / store.ENVIRONMENT, environment(plan))
    state = RunState.FAILED if plan.wrong.exit_code else RunState.DONE
    message = "The worker was killed." if plan.wrong.exit_code else ""
    store.write_json(folder / store.STATUS, status(story, folder.name, state, len(ticks)))
    recording = Recording(folder=folder)
    seen = coverage(story, ticks)
    return Built(plan=plan, story=story, recording=recording, state=state, message=message, coverage=seen)


def _write_ticks(
    recorder: store.Recorder,
    story: Story,
    ticks: list[float],
    rng: np.random.Generator,
    edit: Edit | None,
    drop: frozenset[int],
) -> None:
    plan = story.plan
    sensors, printer = Sensors(story, ticks, rng), Printer(as_root=plan.as_root)
    edits = np.random.default_rng([plan.seed, 2])
    before_s = -1.0
    for number, t_s in enumerate(ticks):
        jump_s = _jump_s(plan, t_s / story.times.over_s)
        fields = printer.fields(reading := sensors.read(t_s), UTC_0_S + ZONE_S + t_s + jump_s)
        if number in drop:
            continue
        line = " ".join(edit(fields, edits) if edit else fields)
        sample = parse_line(line)
        if sample is None or sample.read_in_part:
            raise ValueError(f"The parser does not know this line: {line}")
        if plan.clock_known and not plan.as_root:
            sample = dataclasses.replace(sample, gr3d_freq_mhz=(reading.gpu_mhz,))  # as sysfs completes it
        recorder.utc0_s = UTC_0_S + jump_s
        tick = Tick(t_s=MONOTONIC_0_S + t_s, sample=sample, raw=line, throttled=reading.throttled)
        measured = t_s >= story.times.measure_s
        recorder.tick(
            tick,
            phase=_phase(story, t_s, before_s),
            items=story.items_by(t_s) if measured else None,
            fps=plan.fps if story.times.measure_s + 5 < t_s < story.times.end_s else None,
        )
        before_s = t_s


def _jump_s(plan: Plan, share: float) -> float:
    """What the wall clock shows beyond the true time after this share of the run, s."""
    jumps = (0.0, *plan.wall_jumps_s)
    return jumps[min(len(jumps) - 1, int(share * len(jumps)))]


def _phase(story: Story, t_s: float, before_s: float) -> str:
    times = story.times
    if t_s < times.load_s:
        return "idle"
    if t_s < times.warmup_s:
        return "load"
    if t_s < times.measure_s or before_s < times.measure_s:
        return "warmup"
    return "measure" if t_s < times.end_s else "cooldown"


def _write_batches(recorder: store.Recorder, story: Story, rng: np.random.Generator) -> None:
    plan, batch_s = story.plan, story.batch_s
    rows: list[list[Any]] = []
    done: list[int] = []
    warm_s = story.times.warmup_s
    while warm_s + batch_s < story.times.bare_s:
        rows.append([warm_s, warm_s + batch_s, "warmup", plan.batch, 1000 * batch_s, 1000 * batch_s])
        done.append(0)
        warm_s += batch_s
    for number, batch in enumerate(story.batches, 1):
        length_s = batch.end_s - batch.start_s
        forward_s = forward_ms(story) / 1000 * max(0.7, 1 + 0.015 * rng.standard_normal())
        times = [MONOTONIC_0_S + batch.start_s, MONOTONIC_0_S + batch.end_s]
        rows.append([*times, "measure", plan.batch, 1000 * plan.wrong.forward_factor * forward_s, 990 * length_s])
        done.append(number * plan.batch)
    for row in rows[: len(rows) - len(story.batches)]:
        row[:2] = [MONOTONIC_0_S + row[0], MONOTONIC_0_S + row[1]]
    recorder.batch_rows(rows, done)


def forward_ms(story: Story) -> float:
    """The true time of a forward, ms; the bare loop repeats it."""
    return 1000 * story.batch_s / story.plan.model_ratio


def _write_events(recorder: store.Recorder, story: Story, rng: np.random.Generator) -> None:
    plan, times, wrong = story.plan, story.times, story.plan.wrong

    def event(kind: str, t_s: float, **fields: Any) -> None:
        if kind != wrong.unrecorded:
            recorder.event(kind, MONOTONIC_0_S + t_s, **fields)

    def phase(name: str, t_s: float) -> None:
        event("phase", t_s, phase=name, own_cpu_s=round(0.4 + 0.004 * t_s, 3), **_alarms(plan, name))

    def segments(when: str, t_s: float) -> None:
        bare_ms = forward_ms(story)
        batches = max(3, round(2000 / bare_ms))
        items, seconds = batches * plan.batch, batches * bare_ms / 1000 * rng.uniform(0.99, 1.01)
        event("model_only", t_s, when=when, items=items, seconds=round(seconds, 6), fps=round(items / seconds, 4))
        p50_ms, batches = bare_ms * rng.uniform(0.985, 1.015), max(5, round(1000 / bare_ms))
        event(
            "synchronised",
            t_s + 1.3,
            when=when,
            batches=batches,
            items=batches * plan.batch,
            forward_ms_p50=round(p50_ms, 3),
        )

    event("start", 0.0, utc=store.utc_text(UTC_0_S))
    phase("idle", 0.0)
    phase("load", times.load_s)
    event("loaded", times.warmup_s - 0.1, **loaded(plan))
    if wrong.settled is not None:
        phase("warmup", times.warmup_s)
        seconds = round(times.bare_s - times.warmup_s, 6)
        event("warmup", times.bare_s, settled=wrong.settled, windows=5, seconds=seconds)
    segments("before", times.bare_s + 2.6)
    phase("measure", times.measure_s)
    if wrong.killed_at is None:
        _write_done(event, story)
    phase("cooldown", times.end_s)
    if not wrong.exit_code:
        segments("after", times.end_s + 2.6)
    event("worker_exit", times.cooldown_s, code=wrong.exit_code)
    mode_end = wrong.mode_end or plan.mode.name
    event(
        "end",
        times.over_s,
        state="failed" if wrong.exit_code else "done",
        message="",
        over_current={"oc1": 0, "oc3": plan.load_alarms + wrong.alarms},
        own_cpu_s=round(0.4 + 0.004 * times.over_s, 3),
        power_mode=mode_end,
        power_mode_verified=wrong.verified[1],
        power_mode_mismatch=None if wrong.verified[1] else f"{mode_end} is in force, {plan.mode.name} was asked for",
    )


def _alarms(plan: Plan, phase: str) -> dict[str, dict[str, int]]:
    """What the counters of the power supply say at the ends of measure, since the run began."""
    so_far = {"measure": plan.load_alarms, "cooldown": plan.load_alarms + plan.wrong.alarms}
    return {"over_current": {"oc1": 0, "oc3": so_far[phase]}} if phase in so_far else {}


def _write_done(event: Callable[..., None], story: Story) -> None:
    times, wrong = story.times, story.plan.wrong
    told = {
        "t_start_s": round(MONOTONIC_0_S + times.measure_s, 6),
        "t_end_s": round(MONOTONIC_0_S + times.end_s, 6),
        "items": story.items - wrong.failed_items,
        "failed_items": wrong.failed_items,
        "stopped": False,
        "final_sync_s": round(max(6e-5, wrong.final_sync_batches * story.batch_s), 6),
        "results": int(wrong.results_share * (story.items - wrong.failed_items)),
        "in_flight": 1,
    }
    event("done", times.end_s + 0.001, **{key: value for key, value in told.items() if key != wrong.unrecorded})
