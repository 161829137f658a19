"""The 200 recordings: 80 clean ones of every kind, 120 with one planted fault each, from easy to hard."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tests.bench.recordings.board import DEPTH, MODES, RESNET, YOLO, Mode, Model, best_fps
from tests.bench.recordings.plan import GOVERNOR, GPU, HOST, MEMORY, Plan, Wrong

CLEAN_SEEDS = range(1000, 1080)
FAULTY_SEEDS = range(2000, 2120)
_OVERTAKES = "faster than its model"
_ODD = ("gr3d", "ram", "tj", "power", "no-power", "gr3d")


def base(seed: int, kind: str, *, interval_ms: int = 1000, profile: str = "standard") -> Plan:
    """Returns a clean plan of a kind, its particulars drawn from the seed."""
    rng = np.random.default_rng([seed, 3])
    # In 15W even the slowest GPU clock is near the cap, so the governor limits nothing there.
    mode: Mode = MODES[int(rng.integers(len(MODES) - (kind == GOVERNOR)))]
    arithmetic = ("tf32", "fp32", "fp16")[int(rng.integers(3))]
    limits = {HOST: _host, GPU: _gpu, GOVERNOR: _governor, MEMORY: _memory}
    as_root = kind == MEMORY or bool(rng.random() < 0.4)
    plan = Plan(
        seed=seed,
        kind=kind,
        mode=mode,
        arithmetic=arithmetic,
        interval_ms=interval_ms,
        profile=profile,
        measure_s=630.0 if profile == "formal" else float(rng.uniform(68, 100)),
        as_root=as_root,
        clock_known=kind == GOVERNOR or bool(rng.random() < 0.8),
        # One tick is 1.5 % of a short run at 1 Hz.
        gap_share=float(rng.choice([0.0, 0.02, 0.03, 0.03 if interval_ms == 1000 and profile != "formal" else 0.045])),
        **limits[kind](rng, mode, arithmetic),
    )
    return _possible(plan)


def _possible(plan: Plan) -> Plan:
    """Returns the plan with a model that, alone, does at most three quarters of what its arithmetic allows."""
    most = 0.75 * best_fps(plan.mode, plan.model, plan.arithmetic)
    fps = min(plan.fps, most / 1.1)
    return dataclasses.replace(plan, fps=fps, model_ratio=min(plan.model_ratio, most / fps))


def _host(rng: np.random.Generator, mode: Mode, arithmetic: str) -> dict[str, Any]:
    """One core feeds the GPU: FPS follows its clock, and the governor may lower a GPU that waits."""
    model: Model = (RESNET, RESNET, YOLO)[int(rng.integers(3))]
    return {
        "model": model,
        "fps": float(model.fps_per_cpu_mhz * mode.cpu_mhz * rng.uniform(0.95, 1.05)),
        "batch": int(rng.choice([1, 1, 4])),
        "clock_share": float(rng.choice([1.0, 0.95, 0.85, 0.62])),
        "model_ratio": float(rng.uniform(1.05, 2.2)),
    }


def _gpu(rng: np.random.Generator, mode: Mode, arithmetic: str) -> dict[str, Any]:
    model: Model = (DEPTH, DEPTH, RESNET, YOLO)[int(rng.integers(4))]
    # Between a quarter and half of what its arithmetic allows.
    fps = best_fps(mode, model, arithmetic) * rng.uniform(0.25, 0.5)
    fps = max(fps, 0.8)
    return {
        "model": model,
        "fps": float(fps),
        "batch": 1 if fps < 8 else int(rng.choice([8, 32])),
        "clock_share": float(rng.choice([1.0, 1.0, 0.98])),
        "model_ratio": float(rng.uniform(1.005, 1.04)),
    }


def _governor(rng: np.random.Generator, mode: Mode, arithmetic: str) -> dict[str, Any]:
    """A light load: the GPU stays far below its cap though no core is busy."""
    share = max(306 / mode.gpu_mhz, float(rng.uniform(0.25, 0.5)))
    model: Model = (YOLO, RESNET)[int(rng.integers(2))]
    fps = best_fps(mode, model, "fp32") * 0.25 * share
    return {
        "model": model,
        "fps": float(fps),
        "batch": 1,
        "clock_share": share,
        "model_ratio": float(rng.uniform(1.02, 1.12)),
    }


def _memory(rng: np.random.Generator, mode: Mode, arithmetic: str) -> dict[str, Any]:
    return {
        "model": DEPTH,
        "fps": max(0.8, float(best_fps(mode, DEPTH, arithmetic) * 0.15)),
        "batch": 1,
        "clock_share": float(rng.uniform(0.85, 0.98)),
        "model_ratio": float(rng.uniform(1.02, 1.1)),
    }


def clean_plans() -> list[Plan]:
    """Returns the recordings with nothing wrong, some of them close to a limit."""
    kinds = [HOST] * 27 + [GPU] * 28 + [GOVERNOR] * 17 + [MEMORY] * 8
    plans = []
    for seed, kind in zip(CLEAN_SEEDS, kinds, strict=True):
        fast, long = seed % 6 == 0, seed % 13 == 5
        profile = "formal" if long and not fast else "standard"
        plan = base(seed, kind, interval_ms=100 if fast else 1000, profile=profile)
        if kind == HOST and (fast or seed == 1004):
            plan = _in_turn(plan, fps=20.0 if fast else 6.0)
        if profile == "formal":
            plan = dataclasses.replace(plan, throttled_ticks=seed % 4)
        plans.append(_of_a_real_board(_nearly_wrong(plan)))
    return plans


def _of_a_real_board(plan: Plan) -> Plan:
    """Returns the plan with what tegrastats and the board do by themselves, by its seed."""
    seed, fast = plan.seed, plan.interval_ms < 500
    rng = np.random.default_rng([seed, 4])
    if fast and seed % 4 == 0:
        plan = dataclasses.replace(plan, overhead_s=float(rng.uniform(0.018, 0.026)), gap_share=0.0)
    if seed % 3 == 1 or (fast and seed % 4 == 2):
        plan = dataclasses.replace(plan, first_tick_s=float(rng.uniform(0.8, 1.2)))
    if seed % 5 == 2 and plan.measure_s >= 68 and seed % 10 != 8:
        # One hole as in the shared logs; a run long enough that 96 % of it are still seen.
        gap_s = float(rng.uniform(3.0, 6.0))
        longer_s = max(plan.measure_s, gap_s / 0.036)
        plan = dataclasses.replace(plan, measure_s=longer_s, gap_s=gap_s, gap_share=0.0)
    if plan.kind == GOVERNOR:
        plan = dataclasses.replace(plan, busiest_pct=float(rng.uniform(30, 66)))
    return dataclasses.replace(plan, load_alarms=1 if seed % 7 == 3 else 0)


def _in_turn(plan: Plan, fps: float) -> Plan:
    """A batch of 32, decoded and then computed: the GPU waits for half a second at a time, or for three."""
    ratio = 1.7 if fps > 10 else 2.4
    fps = min(fps, 0.75 * best_fps(plan.mode, RESNET, plan.arithmetic) / ratio)
    return dataclasses.replace(plan, model=RESNET, batch=32, fps=fps, model_ratio=ratio, bursts=True)


def _nearly_wrong(plan: Plan) -> Plan:
    """Returns the plan with what a clean run may have too, by its seed."""
    last = plan.seed % 10
    small = {
        1: Wrong(other_user_pct=2.5),  # a desktop
        3: Wrong(drift_fps=-0.03),  # a board that warms up
        4: Wrong(forward_factor=0.98, final_sync_batches=0.5),
        6: Wrong(forward_factor=1.2 if plan.kind == HOST else 1.0),  # a slow host makes the loop's forward longer
        9: Wrong(drift_power=0.015),
    }
    if last == 7:
        plan = dataclasses.replace(plan, wall_jumps_s=(3600.0, -7200.0, 43_200.0))
    if last == 8 and plan.profile == "standard":
        # 60 s and 60 ticks, which are up to 5 % late.
        plan = dataclasses.replace(plan, measure_s=60.5 if plan.interval_ms < 1000 else 64.5, gap_share=0.0)
    return dataclasses.replace(plan, spins=plan.kind == GPU and last in (1, 5), wrong=small.get(last, Wrong()))


def _spread(low: float, high: float, count: int) -> list[float]:
    return [float(value) for value in np.linspace(low, high, count)]


def _faults() -> list[Wrong]:
    """Every fault from hard to easy; levels near a limit stay out of the noise of measuring."""
    never = "no synchronisation"
    wrongs = [Wrong(fault=never, forward_factor=f, final_sync_batches=1.5 / f) for f in (0.02, 0.1, 0.4)]
    wrongs += [Wrong(fault=never, forward_factor=f) for f in (0.3, 0.7, 0.9)]
    wrongs += [Wrong(fault=never, final_sync_batches=b) for b in (2.4, 12.0)]
    wrongs += [Wrong(fault=_OVERTAKES) for _ in range(2)]
    wrongs += [Wrong(fault="results not read", results_share=s) for s in (0.0, 0.03, 0.5, 0.8, 0.95, 0.99)]
    wrongs += [Wrong(fault="above the bound") for _ in range(8)]
    inside = "idle ticks inside"
    wrongs += [Wrong(fault=inside, pause_s=s) for s in (10.0, 13.0, 20.0, 40.0, 60.0, 90.0)]
    wrongs += [Wrong(fault=inside, early_s=s) for s in (10.0, 25.0)]
    wrongs += [Wrong(fault=inside, late_s=s) for s in (10.0, 25.0)]
    wrongs += [Wrong(fault="throttling", throttled_share=s) for s in (0.015, 0.02, 0.03, 0.05, *_spread(0.06, 0.3, 3))]
    wrongs += [Wrong(fault="mode flipped", mode_end="other", verified=(True, False)) for _ in range(4)]
    wrongs += [Wrong(fault="mode flipped", verified=(True, False)) for _ in range(2)]
    wrongs += [Wrong(fault="mode flipped", verified=(False, False)) for _ in range(2)]
    wrongs += [Wrong(fault="another GPU user", other_user_pct=p) for p in (7.0, 8.0, *_spread(10, 60, 5))]
    wrongs += [Wrong(fault="window too short") for _ in range(10)]
    wrongs += [Wrong(fault="gaps", lost_share=s) for s in _spread(0.075, 0.4, 8)]
    wrongs += [Wrong(fault="drift", drift_fps=d) for d in (-0.07, 0.12, -0.16, 0.3)]
    wrongs += [Wrong(fault="drift", drift_power=d) for d in (0.06, -0.12, 0.16, -0.3)]
    wrongs += [Wrong(fault="failed items", failed_items=n) for n in (1, 2, 5, 9, 50)]
    wrongs += [Wrong(fault="worker killed", killed_at=s, exit_code=-9) for s in (0.15, 0.7, 0.99)]
    wrongs += [Wrong(fault="worker killed", exit_code=code) for code in (-11, -9, 1)]
    wrongs += [Wrong(fault="warm-up not settled", settled=False) for _ in range(4)]
    wrongs += [Wrong(fault="warm-up not settled", settled=None) for _ in range(2)]
    wrongs += [Wrong(fault="over-current", alarms=n) for n in (1, 1, 3, 12)]
    wrongs += [Wrong(fault="short phase", short_phase="idle", short_s=s) for s in (5.0, 7.0)]
    wrongs += [Wrong(fault="short phase", short_phase="warmup", short_s=s) for s in (9.0, 2.0)]
    wrongs += [Wrong(fault="short phase", short_phase="cooldown", short_s=s) for s in (9.0, 1.0)]
    missing = ("final_sync_s", "results", "synchronised", "model_only", "failed_items")
    wrongs += [Wrong(fault="not recorded", unrecorded=what) for what in missing]
    return [*wrongs, *(Wrong(fault="impossible reading", odd_reading=what) for what in _ODD)]


def faulty_plans() -> list[Plan]:
    """Returns the recordings with one fault each, on clean runs of every kind in turn."""
    plans = []
    wrongs = _faults()
    for index, (seed, wrong) in enumerate(zip(FAULTY_SEEDS, wrongs, strict=True)):
        kind = (HOST, GPU, GOVERNOR)[index % 3]
        plan = base(seed, kind, interval_ms=100 if index % 9 == 4 else 1000)
        plans.append(_planted(dataclasses.replace(plan, gap_share=0.0), wrong, index))
    return plans


def _planted(plan: Plan, wrong: Wrong, index: int) -> Plan:
    """Returns the plan with the fault in it."""
    if wrong.mode_end:
        others = [mode.name for mode in MODES if mode is not plan.mode]
        wrong = dataclasses.replace(wrong, mode_end=others[index % 3])
    if wrong.fault == "above the bound":
        factor = (1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 8.0, 1.1)[index % 8]
        fps = factor * best_fps(plan.mode, plan.model, plan.arithmetic)
        plan = dataclasses.replace(plan, fps=fps, batch=32, model_ratio=1.03)
    if wrong.fault == _OVERTAKES:
        # Forward times are the device's own, but the loop goes on before they are over.
        fps = (1.12, 1.5)[index % 2] * min(plan.fps, 0.4 * best_fps(plan.mode, plan.model, plan.arithmetic))
        plan = dataclasses.replace(plan, fps=fps, model_ratio=1 / (1.12, 1.5)[index % 2])
    if wrong.fault == "window too short":
        plan = _shortened(plan, index % 10)
    # A long pause is more than half of measure, as in a published log whose idle rows were left in.
    plan = dataclasses.replace(plan, measure_s=max(plan.measure_s, wrong.pause_s / 0.6))
    if wrong.killed_at is not None:
        plan = dataclasses.replace(plan, measure_s=max(plan.measure_s, plan.min_items / plan.fps))
    return dataclasses.replace(plan, wrong=wrong)


def _shortened(plan: Plan, number: int) -> Plan:
    """Too little time, too few images, or too few ticks, in turn."""
    if number < 5:
        # The images may still be too few; the rest of the time is not waited for. The last batch ends within 60 s.
        return dataclasses.replace(plan, min_items=1, batch=1, measure_s=(30.0, 40.0, 50.0, 56.0, 58.5)[number])
    if number < 8:
        return dataclasses.replace(plan, min_items=1, measure_s=70.0, fps=(0.4, 0.9, 1.35)[number - 5], batch=1)
    return dataclasses.replace(plan, interval_ms=2000, measure_s=(75.0, 110.0)[number - 8])
