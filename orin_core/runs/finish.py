"""The end of a run: its summary, written last, whoever writes it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from orin_core.analysis.bounds import fps_bound
from orin_core.analysis.captured import busy_share, conditions, last_event, origin_of
from orin_core.analysis.diagnosis import diagnose
from orin_core.analysis.pace import without_fps
from orin_core.analysis.summary import condensed, figures, is_needed
from orin_core.analysis.summary_keys import text
from orin_core.analysis.verdict import judge
from orin_core.errors import BadRequest
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.runs.whole_lines import open_whole
from orin_core.spec import RunState, Task

SIMULATED_NOTE = "SIMULATED BOARD: telemetry is invented; FPS is this host's and does not follow the power mode."
_CHUNK_ROWS = 100_000
_EMPTY_COLUMNS = ("Elapsed (s)", "phase", "latency_ms", "items_done", "end_s", "batch")


def _frame(path: Path, needed: Callable[[str], bool], reduce: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Returns what is needed of a CSV in the run folder; rows that are not whole are left out.

    It is read in pieces, each reduced before the next is read: a day at 10 Hz has 864 000 rows.
    """
    pieces: list[pd.DataFrame] = []
    # A row that was cut off when the machine went down could be read as a short one.
    with contextlib.suppress(FileNotFoundError, pd.errors.EmptyDataError), open_whole(path) as stream:
        read = pd.read_csv(stream, usecols=needed, on_bad_lines="skip", chunksize=_CHUNK_ROWS)
        pieces.extend(reduce(rows) for rows in read)
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=list(_EMPTY_COLUMNS))


def labels(environment: dict[str, Any], *, scope: str | None = None) -> list[str]:
    """Returns what a reader must know before the figures: simulated, random, synthetic, preloaded.

    Args:
        environment: what was found.
        scope: what the clock went over, where that is known already.
    """
    found = []
    if environment.get("simulated"):
        found.append(SIMULATED_NOTE)
    if environment.get("weights") == "random":
        found.append("random weights: speed is real, output is meaningless")
    if environment.get("images") == "synthetic":
        found.append(
            "synthetic prompts: seeded token ids in place of the data set"
            if _is_text(environment)
            else "synthetic images: seeded noise in place of the data set"
        )
    if environment.get("images") == "camera":
        found.append("camera images: no two runs see the same, and the camera's own rate bounds FPS")
    if scope == "preloaded":
        found.append("preloaded: images were decoded before the clock started; compare with preloaded runs only")
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
    interval_s = float(spec.get("interval_ms") or 1000) / 1000
    numbers = figures(
        frame=_frame(recording.csv_path, is_needed, condensed),
        batches=_frame(recording.folder / store.BATCHES_CSV, lambda name: True, lambda rows: rows),
        events=events,
        t0_s=recording.began_s() or 0.0,
        interval_s=interval_s,
    )
    if _is_text(environment):
        numbers = without_fps(numbers)
    found = conditions(spec, environment, events)
    model, origin = environment.get("model"), origin_of(spec, environment)
    busy = busy_share(found["device_type"], numbers["fps_end_to_end"], numbers["fps_model"])
    document = {
        "run_id": recording.run_id,
        "state": state.value,
        "message": message,
        "hint": hint,
        "origin": origin,
        "started_utc": _started_utc(recording.run_id, status, events),
        "model": model,
        "dataset": environment.get("dataset"),
        "power_mode": environment.get("power_mode"),
        "source": environment.get("source"),
        "simulated": bool(environment.get("simulated")),
        "weights": environment.get("weights"),
        "images": environment.get("images"),
        "labels": labels(environment, scope=found["scope"]),
        "failed_items": _failed_items(status, events),
        "items_asked": spec.get("items"),
        "seconds_asked": spec.get("seconds"),
        "interval_s": interval_s,
        "sweep": spec.get("sweep"),
        "cell": spec.get("cell"),
        **found,
        **numbers,
        # The board knows which cores are on, the telemetry how much RAM there is; each stands in for the other.
        "cores_online": _or_else(found["cores_online"], numbers["cores_online"]),
        "ram_total_mb": _or_else(numbers["ram_total_mb"], found["ram_total_mb"]),
        # A replay has none; 0 is for a run that never measured.
        "items": numbers["items"] if model or numbers["items"] else None,
        "device_busy_share": busy,
        "counts": {**numbers["counts"], **({} if busy is None else {"device_busy_share": numbers["items"]})},
        **{key: int(status.get(key) or 0) for key in ("unparsed_lines", "garbled_lines")},
        "rows": int(status.get("ticks") or 0),
        "notices": [str(event.get("message") or "") for event in events if event["kind"] == "notice"][-20:],
    }
    return _judged(document)


def _is_text(environment: dict[str, Any]) -> bool:
    """Returns whether the items are prompts: the speed is tokens per second then, and FPS is null."""
    model = environment.get("model_spec")
    return isinstance(model, dict) and model.get("task") == Task.TEXT_GENERATION.value


def _or_else(first: Any, second: Any) -> Any:
    return second if first is None else first


def _judged(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the summary with what follows from its own figures: bound, verdict, diagnosis."""
    bound = fps_bound(document)
    document["fps_bound"] = round(bound.fps, 3) if bound else None
    document["fps_bound_basis"] = bound.basis if bound else None
    return {**document, "verdict": judge(document).to_json(), "diagnosis": diagnose(document).to_json()}


def _started_utc(run_id: str, status: dict[str, Any], events: list[dict[str, Any]]) -> str | None:
    """Returns when the run began, ISO 8601; for an imported log the time in the log, which its name carries."""
    said = last_event(events, "start").get("utc") or (None if last_event(events, "imported") else status.get("utc0"))
    if said:
        return str(said)
    try:
        moment = datetime.datetime.strptime(run_id.split("_", 1)[0], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
    return store.utc_text(moment.timestamp())


def _failed_items(status: dict[str, Any], events: list[dict[str, Any]]) -> int | None:
    """Returns how many images could not be read, the larger of what runner and worker counted; None if neither did."""
    told = (status.get("failed_items"), last_event(events, "done").get("failed_items"))
    return max((int(count) for count in told if count is not None), default=None)


def finish(recording: Recording, *, state: RunState, message: str, hint: str) -> dict[str, Any]:
    """Writes ``summary.json`` and returns it."""
    document = summary_of(recording, state=state, message=message, hint=hint)
    store.write_json(recording.folder / store.SUMMARY, document)
    return document


def resummarise(recording: Recording) -> dict[str, Any]:
    """Writes the summary of a run folder anew from its rows and returns it; how the run ended is kept.

    Args:
        recording: a run folder with a summary, perhaps of an older version.

    Raises:
        BadRequest: the run has no summary: it goes on, or its next start will finalise it.
    """
    before = recording.summary()
    if before is None or not recording.spec():
        raise BadRequest(
            f"The run {recording.run_id} has no summary to compute anew.",
            "Wait for its end; an interrupted run is finalised by the next start of a run.",
        )
    said = before.get("state", RunState.DONE.value)
    # Which end a damaged summary spoke of nobody knows; that it had come to one is sure.
    state = RunState(said) if said in [one.value for one in RunState] else RunState.INTERRUPTED
    message, hint = (text(before, key) or "" for key in ("message", "hint"))
    return finish(recording, state=state, message=message, hint=hint)
