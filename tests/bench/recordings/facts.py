"""The documents of a run folder that hold no figures: environment, worker, status."""

from __future__ import annotations

from typing import Any

from orin_core.runs import store
from orin_core.spec import RunState
from tests.bench.recordings.plan import Plan
from tests.bench.recordings.story import Story

MONOTONIC_0_S = 5000.0
"""What the monotonic clock shows when a run begins."""
UTC_0_S = 1_772_366_400.0
"""What the wall clock shows then, before it jumps."""


def loaded(plan: Plan) -> dict[str, Any]:
    """Returns what the worker says when the model is ready."""
    return {
        "parameters": 60_192_808,
        "weights": "cached",
        "dataset_source": "hub",
        "dataset_items": 10_000,
        "input_shape": [plan.batch, 3, 224, 224],
        "precision": "fp16" if plan.arithmetic == "fp16" else "fp32",
        "tf32_allowed": plan.arithmetic == "tf32",
        "device": "cuda",
        "threads": plan.mode.cores,
        "load_s": 6.2,
        "flop_per_item": plan.model.flop,
    }


def environment(plan: Plan) -> dict[str, Any]:
    """Returns what the runner found."""
    limits = {
        "cores_online": list(range(plan.mode.cores)),
        "cpu_max_mhz": plan.mode.cpu_mhz,
        "gpu_max_mhz": plan.mode.gpu_mhz,
        "tpc_pg_mask": plan.mode.tpc_mask,
    }
    worker = {
        "torch": "2.5.0",
        "cuda": "12.6",
        "device_name": "Orin",
        "multiprocessors": plan.mode.multiprocessors,
        **loaded(plan),
    }
    return {
        "version": "0.1.0",
        "origin": "run",
        "source": "tegrastats",
        "simulated": False,
        "model": plan.model.name,
        "weights": "cached",
        "dataset": plan.model.dataset,
        "images": "cached",
        "power_mode": plan.mode.name,
        "power_mode_id": plan.mode.mode_id,
        "power_mode_verified": plan.wrong.verified[0],
        "power_limits_asked": limits,
        "power_limits": limits,
        "jetson_clocks": "off",
        "fan": None,
        "throttle_c": 99.0,
        "over_current": {"oc1": 0, "oc3": 0},
        "git_commit": None,
        "page_open": False,
        "browser_on_board": False,
        "ambient_c": None,
        "notes": "",
        "ram_total_mb": None,
        "board": "NVIDIA Jetson AGX Orin Developer Kit",
        "cores": plan.mode.cores,
        "worker": worker,
    }


def status(story: Story, run_id: str, state: RunState, ticks: int) -> dict[str, Any]:
    """Returns the last status of the run."""
    plan = story.plan
    told = {
        "run_id": run_id,
        "source": "tegrastats",
        "simulated": False,
        "state": state.value,
        "phase": "cooldown",
        "items_done": story.items,
        "items_total": None,
        "failed_items": plan.wrong.failed_items,
        "unparsed_lines": 0,
        "garbled_lines": 0,
        "measure_total_s": plan.measure_s,
        "message": "",
        "hint": "",
        "notices": [],
        "t0_s": MONOTONIC_0_S,
        "utc0": store.utc_text(UTC_0_S),
        "interval_ms": plan.interval_ms,
        "ticks": ticks,
    }
    return {key: value for key, value in told.items() if key != plan.wrong.unrecorded}
