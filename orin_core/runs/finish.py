"""The end of a run: its summary, written last, whoever writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from orin_core.analysis.summary import figures, is_needed
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.spec import RunState

SIMULATED_NOTE = "SIMULATED BOARD: telemetry is invented; FPS is this host's and does not follow the power mode."


def _frame(path: Path, needed: Callable[[str], bool]) -> pd.DataFrame:
    """Returns the needed columns of a CSV in the run folder; rows that are not whole are left out."""
    names = ("Elapsed (s)", "phase", "latency_ms", "items_done", "end_s", "batch")  # of an empty file
    there = path.exists() and path.stat().st_size > 0
    frame: pd.DataFrame = (
        pd.read_csv(path, usecols=needed, on_bad_lines="skip") if there else pd.DataFrame(columns=list(names))
    )
    # A row that was cut off when the machine went down may be read as a short one.
    whole: pd.DataFrame = frame if not there or _ends_whole(path) else frame.iloc[:-1]
    return whole


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def labels(environment: dict[str, Any]) -> list[str]:
    """Returns what a reader must know before the figures: simulated, random, synthetic."""
    found = []
    if environment.get("simulated"):
        found.append(SIMULATED_NOTE)
    if environment.get("weights") == "random":
        found.append("random weights: speed is real, output is meaningless")
    if environment.get("images") == "synthetic":
        found.append("synthetic images: seeded noise in place of the data set")
    return found


def summary_of(recording: Recording, *, state: RunState, message: str, hint: str) -> dict[str, Any]:
    """Returns the summary of a run folder as it stands; every key is always there.

    Args:
        recording: the run folder.
        state: how the run ended.
        message: one sentence on the end; empty for a run that went well.
        hint: what the user can do about it.
    """
    spec, environment, status = recording.spec(), recording.environment(), recording.status()
    events = recording.events()
    numbers = figures(
        frame=_frame(recording.csv_path, is_needed),
        batches=_frame(recording.folder / store.BATCHES_CSV, lambda name: True),
        events=events,
        t0_s=float(status.get("t0_s") or 0.0),
        interval_s=float(spec.get("interval_ms") or 1000) / 1000,
    )
    return {
        "run_id": recording.run_id,
        "state": state.value,
        "message": message,
        "hint": hint,
        "model": environment.get("model"),
        "dataset": environment.get("dataset"),
        "power_mode": environment.get("power_mode"),
        "source": environment.get("source"),
        "simulated": bool(environment.get("simulated")),
        "weights": environment.get("weights"),
        "images": environment.get("images"),
        "labels": labels(environment),
        "batch_size": spec.get("batch_size") if environment.get("model") else None,
        "scope": "full",
        "precision": environment.get("worker", {}).get("precision"),
        "device": environment.get("worker", {}).get("device_name"),
        "failed_items": int(status.get("failed_items") or 0),
        "items_asked": spec.get("items"),
        "seconds_asked": spec.get("seconds"),
        **numbers,
        "items": numbers["items"] if environment.get("model") else None,
        "warmup_settled": next((event.get("settled") for event in events if event["kind"] == "warmup"), None),
        "over_current": next((event.get("over_current") for event in events if event["kind"] == "end"), None),
        **{key: int(status.get(key) or 0) for key in ("unparsed_lines", "garbled_lines")},
        "rows": int(status.get("ticks") or 0),
        "notices": [event["message"] for event in events if event["kind"] == "notice"][-20:],
    }


def finish(recording: Recording, *, state: RunState, message: str, hint: str) -> dict[str, Any]:
    """Writes ``summary.json`` and returns it."""
    document = summary_of(recording, state=state, message=message, hint=hint)
    store.write_json(recording.folder / store.SUMMARY, document)
    return document
