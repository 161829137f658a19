"""Repeating a run: the form of the Live page filled with what that run was asked to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import controls, links, state
from orin_core import catalog
from orin_core.profiles import PROFILES
from orin_core.spec import PowerMode, RunSpec

_FIELDS = (
    ("idle_s", state.FORM_IDLE_S),
    ("warmup_min_s", state.FORM_WARMUP_MIN_S),
    ("warmup_max_s", state.FORM_WARMUP_MAX_S),
    ("cooldown_s", state.FORM_COOLDOWN_S),
)


def offer(spec: Mapping[str, Any], modes: Sequence[PowerMode]) -> None:
    """Shows the button, where the run is one that the form can say.

    Args:
        spec: as in ``spec.json``.
        modes: power modes of the board that is here now.
    """
    if not can_repeat(spec):
        return
    if st.button("Repeat this run", key="run_again", help="Fills the form of the Live page; nothing starts by itself."):
        st.session_state.update(form_values(spec, modes))
        st.session_state[state.KEY_NOTICES] = (
            "The form is filled as for the earlier run. Look it through, then Start.",
        )
        links.go("live")


def can_repeat(spec: Mapping[str, Any]) -> bool:
    """Returns whether a run was one of a model over images, as the form starts them; a log was not."""
    named = all(isinstance(spec.get(key), str) and spec[key] for key in ("model", "dataset"))
    return named and not str(spec.get("telemetry") or "").startswith("replay:") and spec.get("origin") != "imported"


def form_values(spec: Mapping[str, Any], modes: Sequence[PowerMode]) -> dict[str, Any]:
    """Returns what each widget of the form is set to, by its key.

    Notes and the temperature around the board are of that run alone and are left as they are.

    Args:
        spec: as in ``spec.json``; a damaged value gives the form's own.
        modes: power modes of the board that is here now; one that it lacks gives the current one.
    """
    usual = RunSpec()
    found = _subject(str(spec["model"]), str(spec["dataset"]), spec)
    found[state.FORM_MODE] = _mode(str(spec.get("power_mode") or ""), modes)
    profile = spec.get("profile")
    found[state.FORM_PROFILE] = profile if profile in PROFILES else usual.profile
    found |= _length(spec, str(found[state.FORM_PROFILE]))
    found[state.FORM_BATCH] = int(_number(spec, "batch_size", usual.batch_size, 1, 4096))
    found[state.FORM_INTERVAL_MS] = int(_number(spec, "interval_ms", usual.interval_ms, 50, 60_000))
    for field, key in _FIELDS:
        found[key] = _number(spec, field, float(getattr(usual, field)), 0.0, 86_400.0)
    found[state.FORM_LOCK_CLOCKS] = spec.get("lock_clocks") is True
    return found


def _subject(model: str, dataset: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    model_row, dataset_row = catalog.model_row(model), catalog.dataset_row(dataset)
    if model_row is None:
        found |= {state.FORM_MODEL: controls.OTHER_MODEL, state.FORM_MODEL_PATH: model}
    else:
        found[state.FORM_MODEL] = model_row.name
        if spec.get("weights") == controls.RANDOM:
            found[f"{state.FORM_WEIGHTS}_{model_row.name}"] = controls.RANDOM
    if dataset_row is None:
        found |= {state.FORM_DATASET: controls.FOLDER, state.FORM_DATASET_PATH: dataset}
    else:
        found[state.FORM_DATASET] = dataset_row.name
        if spec.get("images") == controls.SYNTHETIC:
            found[f"{state.FORM_IMAGES}_{dataset_row.name}"] = controls.SYNTHETIC
    return found


def _mode(asked: str, modes: Sequence[PowerMode]) -> str:
    for mode in modes:
        if asked in (mode.name, mode.label, str(mode.mode_id)):
            return mode.name
    return controls.CURRENT


def _length(spec: Mapping[str, Any], profile: str) -> dict[str, Any]:
    items, seconds = spec.get("items"), spec.get("seconds")
    if isinstance(items, int) and items >= 1:
        return {state.FORM_LENGTH: controls.NUMBER, state.FORM_ITEMS: min(items, 100_000_000)}
    usual_s, _ = PROFILES[profile].length(_number(spec, "interval_ms", 1000, 50, 60_000) / 1000)
    if not isinstance(seconds, (int, float)) or abs(seconds - usual_s) < 1e-6:
        return {state.FORM_LENGTH: controls.AS_ASKED}
    return {state.FORM_LENGTH: controls.SECONDS, state.FORM_SECONDS: int(min(max(round(seconds), 1), 604_800))}


def _number(spec: Mapping[str, Any], key: str, usual: float, low: float, high: float) -> float:
    value = spec.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    return float(usual)
