"""What a run says of itself, for its summary: from what was asked, what was found, and its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.analysis.tick_figures import rounded

_Document = Mapping[str, Any]
_Events = Sequence[_Document]


def last_event(events: _Events, kind: str) -> _Document:
    """Returns the last event of a kind, an empty one where there is none."""
    return next((event for event in reversed(events) if event["kind"] == kind), {})


def origin_of(spec: _Document, environment: _Document) -> str:
    """Returns ``run``, ``replay`` or ``imported``; folders from before there were imports say it by their source."""
    for document in (environment, spec):
        if document.get("origin"):
            return str(document["origin"])
    return "replay" if environment.get("source") == "replay" else "run"


def conditions(spec: _Document, environment: _Document, events: _Events) -> dict[str, Any]:
    """Returns how the run was made: device, arithmetic, caps, power mode, end; None where not known.

    Args:
        spec: ``spec.json``.
        environment: ``environment.json``.
        events: rows of ``events.jsonl``.
    """
    worker = _worker(environment)
    done, end, warmup = (last_event(events, kind) for kind in ("done", "end", "warmup"))
    in_force = environment.get("power_limits") or {}
    asked = environment.get("power_limits_asked") or {}
    cores = in_force.get("cores_online")
    return {
        "profile": spec.get("profile"),
        **way(spec, environment, events),
        **agreement(events),
        "tf32_allowed": worker.get("tf32_allowed"),
        "device": worker.get("device_name"),
        "device_type": worker.get("device"),
        "multiprocessors": worker.get("multiprocessors"),
        "flop_per_item": last_event(events, "loaded").get("flop_per_item", worker.get("flop_per_item")),
        "cpu_freq_cap_mhz": in_force.get("cpu_max_mhz") or asked.get("cpu_max_mhz"),
        "gr3d_freq_cap_mhz": in_force.get("gpu_max_mhz") or asked.get("gpu_max_mhz"),
        "cores_online": None if cores is None else len(cores) if isinstance(cores, Sequence) else int(cores),
        "ram_total_mb": environment.get("ram_total_mb"),
        "power_mode_verified_start": environment.get("power_mode_verified"),
        "power_mode_verified_end": end.get("power_mode_verified"),
        "power_mode_at_end": end.get("power_mode"),
        "power_mode_mismatch": end.get("power_mode_mismatch"),
        "in_flight": done.get("in_flight"),
        "results": done.get("results"),
        "measure_began": any(event["kind"] == "phase" and event.get("phase") == "measure" for event in events),
        "input_shapes": done.get("input_shapes"),
        "final_sync_s": done.get("final_sync_s"),
        "stopped": done.get("stopped"),
        "worker_exit_code": last_event(events, "worker_exit").get("code"),
        "l4t": environment.get("l4t"),
        "phases_asked_s": phases_asked_s(spec),
        "warmup_settled": warmup.get("settled"),
        "warmup_s": warmup.get("seconds"),
        **over_current(events),
        "own_cpu_pct": own_cpu_pct(events),
    }


def _worker(environment: _Document) -> _Document:
    found = environment.get("worker")
    return found if isinstance(found, Mapping) else {}


def way(spec: _Document, environment: _Document, events: _Events) -> dict[str, Any]:
    """Returns how images went through the model: as the worker said once it had loaded, before that as asked.

    A log tells nothing of it. A run of before there were methods names none, and its scope is ``full``.

    Args:
        spec: ``spec.json``.
        environment: ``environment.json``.
        events: rows of ``events.jsonl``.
    """
    keys = ("method", "precision", "scope", "batch_size", "batch_size_asked")
    if origin_of(spec, environment) != "run":
        return dict.fromkeys(keys)
    loaded = last_event(events, "loaded")
    told = {**_worker(environment), **loaded}
    asked = {} if loaded else spec
    return {
        "method": told.get("method") or asked.get("method"),
        "precision": told.get("precision") or asked.get("precision"),
        "scope": told.get("scope") or ("preloaded" if asked.get("preload") else "full"),
        "batch_size": told.get("batch_size") or spec.get("batch_size"),
        "batch_size_asked": told.get("batch_size_asked") or spec.get("batch_size"),
    }


def agreement(events: _Events) -> dict[str, Any]:
    """Returns how far the results were held to agree with the reference method, by metric; None where nobody looked."""
    found = last_event(events, "agreement")
    return {f"agreement_{key}": found.get(key) for key in ("metric", "value", "threshold", "ok", "images")}


def phases_asked_s(spec: _Document) -> dict[str, float] | None:
    """Returns how long the phases around measure were asked to be, s; None for a log, which has none.

    Args:
        spec: ``spec.json``.
    """
    keys = {"idle": "idle_s", "warmup_min": "warmup_min_s", "warmup_max": "warmup_max_s", "cooldown": "cooldown_s"}
    asked = {name: float(spec[key]) for name, key in keys.items() if spec.get(key) is not None}
    return asked or None


def over_current(events: _Events) -> dict[str, Any]:
    """Returns the power supply alarms by counter, and what they span: measure alone, else the whole run.

    Both ends of measure carry how many there had been since the run began. Where one of them does not (a run of an
    older version, a worker that was killed), only the count of the whole run is known.
    """
    marks = [event for event in events if event["kind"] == "phase"]
    for number, mark in enumerate(marks[:-1]):
        if mark.get("phase") != "measure":
            continue
        before, after = mark.get("over_current"), marks[number + 1].get("over_current")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            return {
                "over_current": {name: int(count) - int(before.get(name, 0)) for name, count in after.items()},
                "over_current_span": "measure",
            }
    whole = last_event(events, "end").get("over_current")
    return {"over_current": whole, "over_current_span": None if whole is None else "run"}


def own_cpu_pct(events: _Events) -> float | None:
    """Returns the CPU time of runner and telemetry child over measure, in % of one core; None where not known.

    Their CPU time so far stands in the phase events and in the end.
    """
    marks = [event for event in events if event["kind"] in ("phase", "end")]
    for number, mark in enumerate(marks[:-1]):
        if mark.get("phase") != "measure":
            continue
        following = marks[number + 1]
        used_s, until_s = mark.get("own_cpu_s"), following.get("own_cpu_s")
        seconds = float(following["t_s"]) - float(mark["t_s"])
        if used_s is None or until_s is None or seconds <= 0:
            return None
        return rounded(100 * (float(until_s) - float(used_s)) / seconds, 2)
    return None


def busy_share(device_type: str | None, fps: float | None, fps_model: float | None) -> float | None:
    """Returns the share of measure in which the device computed, 0 to 1; on CUDA only, else None.

    The bare loop keeps the device busy all the time, so its pace against the pace end to end is
    that share. On a CPU both share the cores and the quotient says nothing.

    Args:
        device_type: where the model ran, ``cuda`` or ``cpu``.
        fps: images per second end to end.
        fps_model: images per second of the bare loop.
    """
    if device_type != "cuda" or fps is None or not fps_model:
        return None
    return rounded(min(1.0, fps / fps_model), 4)
