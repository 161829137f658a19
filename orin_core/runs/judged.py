"""The summary of a run as pages, tables and commands show it, whatever wrote it and whatever became of the file.

An older version wrote fewer keys, and a file can be damaged. To judge such a summary by what it
lacks would call good runs bad, so it is computed anew from the rows of its folder, in memory:
``summary.json`` is left as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orin_core.analysis.diagnosis import diagnose
from orin_core.analysis.summary_shapes import KEYS, damaged_keys, without_damage
from orin_core.analysis.verdict import from_json, judge
from orin_core.runs import finish, store
from orin_core.runs.recording import Recording
from orin_core.spec import RunState

UNREADABLE = "summary.json cannot be read; it is rebuilt at the next start of a run."
LOST = "summary.json cannot be read, and without spec.json it cannot be rebuilt."
WRONG_TYPES = "summary.json holds values of wrong types, and what else the run left does not allow to rebuild it."
_ENDS = {state.value for state in RunState if state is not RunState.RUNNING}
_SAYS_WHAT_IT_WAS = ("model", "dataset", "power_mode", "source", "total_inference_time_s", "fps_end_to_end")
"""A folder that lost its events or its environment gives less than its summary still says."""


def judged_summary(recording: Recording) -> dict[str, Any] | None:
    """Returns the summary of a run with its verdict, every value of the right type.

    Args:
        recording: the run folder.

    Returns:
        The summary as written where it is whole and of this version; else computed anew from the rows, in memory.
        Where that cannot be: of an older version what it says, judged now; of a damaged one that it cannot be read,
        since the rest of a file with wrong values is not to be trusted either. None where there is no summary: the
        run goes on or was interrupted.
    """
    path = recording.folder / store.SUMMARY
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError:
        return None
    # Its own copy for everybody: what is kept must not be changed by who shows it.
    return dict(_judged(recording.folder, changed_ns, _changed_ns(recording.csv_path)))


def judged(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a summary without what is damaged in it, and with a verdict: its own where that is whole.

    What was left out is named under ``damaged``.

    Args:
        summary: as in ``summary.json``.
    """
    found, damaged = without_damage(summary), damaged_keys(summary)
    if damaged or not _is_verdict(found.get("verdict")):
        found["verdict"] = judge(found).to_json()
    if found.get("diagnosis") is not None and (damaged or not _is_diagnosis(found["diagnosis"])):
        found["diagnosis"] = diagnose(found).to_json()
    if damaged:
        found["damaged"] = list(damaged)
    return found


@functools.lru_cache(maxsize=1000)
def _judged(folder: Path, changed_ns: int, rows_changed_ns: int) -> dict[str, Any]:
    """Reads and judges a summary once for each of its versions; the times are only part of the key."""
    recording = Recording(folder=folder)
    stored = recording.summary()
    if stored is not None and _is_of_this_version(stored):
        return stored
    damaged = () if stored is None else damaged_keys(stored)
    sound = None if stored is None else without_damage(stored)
    rebuilt = _rebuilt(recording, sound)
    if sound is None or damaged:
        return rebuilt or _unreadable(recording, damaged)
    if rebuilt and all(rebuilt.get(key) is not None for key in _SAYS_WHAT_IT_WAS if sound.get(key) is not None):
        return rebuilt
    return judged(sound)


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_of_this_version(summary: Mapping[str, Any]) -> bool:
    return (
        summary.keys() >= KEYS
        and not damaged_keys(summary)
        and _is_verdict(summary.get("verdict"))
        and _is_diagnosis(summary.get("diagnosis"))
    )


def _rebuilt(recording: Recording, stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns the summary computed from the rows; None where the folder does not allow it."""
    if not recording.spec():
        return None
    told: Mapping[str, Any] = recording.status() if stored is None or "state" not in stored else stored
    state = told.get("state")
    message, hint = (str(told[key]) if isinstance(told.get(key), str) else "" for key in ("message", "hint"))
    ended = RunState(state) if isinstance(state, str) and state in _ENDS else None
    if ended is None and stored is not None:
        return None
    try:
        return finish.summary_of(recording, state=ended or RunState.INTERRUPTED, message=message, hint=hint)
    except Exception:  # boundary: a damaged folder is shown with what can be read of it  # noqa: BLE001
        return None


def _unreadable(recording: Recording, damaged: Sequence[str]) -> dict[str, Any]:
    said = WRONG_TYPES if damaged else UNREADABLE if recording.spec() else LOST
    document: dict[str, Any] = {"run_id": recording.run_id, "state": None, "message": said, "hint": ""}
    return {**document, **{key: None for key in KEYS if key not in document}, "labels": [], "notices": []} | {
        "verdict": {**judge({}).to_json(), "sentence": said, "reasons": [{"code": "unreadable", "text": said}]},
        "diagnosis": diagnose({}).to_json(),
        **({"damaged": list(damaged)} if damaged else {}),
    }


def _is_verdict(value: Any) -> bool:
    try:
        from_json(value)
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _is_diagnosis(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("sentence"), str):
        return False
    advice = value.get("advice")
    return advice is None or (isinstance(advice, list) and all(isinstance(one, str) for one in advice))
