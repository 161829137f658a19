"""Repeating a run: the form of the Live page filled with what that run was asked to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import controls, links, state
from dashboard.board import BoardView
from dashboard.words import is_number
from orin_core import catalog
from orin_core.methods import PRECISIONS, Method
from orin_core.profiles import PROFILES
from orin_core.spec import PowerMode, RunSpec

_PHASES = (
    ("idle_s", state.FORM_IDLE_S, "idle (s)"),
    ("warmup_min_s", state.FORM_WARMUP_MIN_S, "least warm-up (s)"),
    ("warmup_max_s", state.FORM_WARMUP_MAX_S, "longest warm-up (s)"),
    ("cooldown_s", state.FORM_COOLDOWN_S, "cool-down (s)"),
)
_UNSAID = {"seed": "the seed, {}"}
"""Fields that the form cannot say, and what is said of the usual value that the new run has instead."""
_SUBJECTS = {
    "weights": ("model", controls.OTHER_MODEL, state.FORM_MODEL_PATH, controls.RANDOM, state.FORM_WEIGHTS),
    "images": ("dataset", controls.FOLDER, state.FORM_DATASET_PATH, controls.SYNTHETIC, state.FORM_IMAGES),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The form as it is filled for a run.

    Args:
        values: what each widget is set to, by its key.
        otherwise: what the new run would do otherwise than the earlier one, in words.
    """

    values: Mapping[str, Any]
    otherwise: tuple[str, ...]

    @property
    def notice(self) -> str:
        """What to say of it."""
        if self.otherwise:
            return (
                f"The form is filled as for the earlier run, but for: {'; '.join(self.otherwise)}. "
                "Look it through, then Start."
            )
        return "The form is filled as for the earlier run. Look it through, then Start."


def offer(spec: Mapping[str, Any], view: BoardView) -> None:
    """Shows the button, where the run is one that the form can say.

    Args:
        spec: as in ``spec.json``.
        view: the board that is here now.
    """
    if not can_repeat(spec):
        return
    if st.button("Repeat this run", key="run_again", help="Fills the form of the Live page; nothing starts by itself."):
        found = filled(spec, view)
        st.session_state.update(found.values)
        st.session_state[state.KEY_NOTICES] = (found.notice,)
        links.go("live")


def can_repeat(spec: Mapping[str, Any]) -> bool:
    """Returns whether a run was one of a model over images, as the form starts them; a log was not."""
    named = all(isinstance(spec.get(key), str) and spec[key] for key in ("model", "dataset"))
    return named and not str(spec.get("telemetry") or "").startswith("replay:") and spec.get("origin") != "imported"


def filled(spec: Mapping[str, Any], view: BoardView) -> Filled:
    """Returns how the form is filled for a run.

    Notes and the temperature around the board are of that run alone and are left as they are.

    Args:
        spec: as in ``spec.json``; a damaged value gives the form's own.
        view: the board that is here now; a mode that it lacks gives the current one.
    """
    form = _Form(spec)
    form.subject("weights", state.FORM_MODEL, catalog.model_row, catalog.model_choices)
    form.subject("images", state.FORM_DATASET, catalog.dataset_row, catalog.dataset_choices)
    form.mode(view.modes)
    form.length()
    form.method()
    form.number("batch_size", state.FORM_BATCH, "batch size", 1, 4096)
    form.number("interval_ms", state.FORM_INTERVAL_MS, "time between ticks", 50, 60_000)
    for field, key, label in _PHASES:
        form.number(field, key, label, 0.0, 86_400.0)
    form.values[state.FORM_LOCK_CLOCKS] = spec.get("lock_clocks") is True
    if spec.get("lock_clocks") is True and not view.has_jetson_clocks:
        form.otherwise.append("clocks that are not locked, since this board has no jetson_clocks")
    form.unsaid()
    return Filled(values=form.values, otherwise=tuple(form.otherwise))


class _Form:
    """The form while it is filled.

    Args:
        spec: as in ``spec.json``.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self.values: dict[str, Any] = {}
        self.otherwise: list[str] = []

    def subject(
        self, what: str, key: str, row_of: Callable[[str], Any], choices: Callable[[], Sequence[catalog.Choice]]
    ) -> None:
        """Fills in model or data set, and where its weights or images come from."""
        field, own, path_key, stand_in, source_key = _SUBJECTS[what]
        name = str(self._spec[field])
        row = row_of(name)
        if row is None:
            self.values |= {key: own, path_key: name}
            return
        self.values[key] = row.name
        asked = self._spec.get(what)
        cached = any(choice.cached for choice in choices() if choice.name == row.name)
        # Set in any case: what was chosen in this tab before must not speak for the earlier run.
        stands_in = asked == stand_in or (asked == "auto" and not cached)
        self.values[f"{source_key}_{row.name}"] = stand_in if stands_in else controls.DOWNLOAD
        if asked == stand_in and cached:
            self.otherwise.append(f"{what} that are not {stand_in}, since they are on this machine by now")
        elif asked == "auto" and not cached:
            self.otherwise.append(f"{what} that are {stand_in}, unless they are downloaded")
        elif not stands_in and not cached:
            self.otherwise.append(f"{what} that must be downloaded first, since they are not on this machine")

    def mode(self, modes: Sequence[PowerMode]) -> None:
        """Fills in the power mode."""
        asked = str(self._spec.get("power_mode") or controls.CURRENT)
        found = next((mode.name for mode in modes if asked in (mode.name, mode.label, str(mode.mode_id))), None)
        self.values[state.FORM_MODE] = found or controls.CURRENT
        if found is None and asked != controls.CURRENT:
            self.otherwise.append(f"the current power mode, since this board has no mode {asked}")

    def length(self) -> None:
        """Fills in protocol and length."""
        spec, profile = self._spec, self._spec.get("profile")
        known = isinstance(profile, str) and profile in PROFILES
        profile = str(profile) if known else RunSpec().profile
        if not known:
            self.otherwise.append(f"the {profile} protocol")
        self.values[state.FORM_PROFILE] = profile
        items, seconds = spec.get("items"), spec.get("seconds")
        usual_s, usual_items = PROFILES[profile].length(_within(spec.get("interval_ms"), 50, 60_000, 1000) / 1000)
        if items is None and is_number(seconds) and abs(seconds - usual_s) < 1e-6:
            self.values[state.FORM_LENGTH] = controls.AS_ASKED
        elif isinstance(items, int) and not isinstance(items, bool) and 1 <= items <= 100_000_000:
            self.values |= {state.FORM_LENGTH: controls.NUMBER, state.FORM_ITEMS: items}
        elif items is None and is_number(seconds):
            whole_s = int(min(max(round(seconds), 1), 604_800))
            self.values |= {state.FORM_LENGTH: controls.SECONDS, state.FORM_SECONDS: whole_s}
            if whole_s != seconds:
                self.otherwise.append(f"a length of {whole_s} s")
        else:
            self.values[state.FORM_LENGTH] = controls.AS_ASKED
            if items is not None or seconds is not None:
                self.otherwise.append("a length as the protocol asks")
        # The form has no field for it: what the protocol asks for, or nothing where a length is given.
        least = usual_items if self.values[state.FORM_LENGTH] == controls.AS_ASKED else 0
        if spec.get("min_items", least) != least:
            self.otherwise.append(f"at least {least} images" if least else "no least number of images")

    def method(self) -> None:
        """Fills in method, precision, and what may be done with memory."""
        usual = RunSpec()
        asked, precision = self._spec.get("method", usual.method), self._spec.get("precision", usual.precision)
        if asked not in [one.value for one in Method]:
            asked = usual.method
            self.otherwise.append(f"the method, {asked}")
        allowed = [one.value for one in PRECISIONS[Method(asked)]]
        if precision not in allowed:
            precision = allowed[0]
            self.otherwise.append(f"the precision, {precision}")
        self.values |= {state.FORM_METHOD: asked, state.FORM_PRECISION: precision}
        self.values[state.FORM_PRELOAD] = self._spec.get("preload") is True
        self.values[state.FORM_SMALLER_BATCH] = self._spec.get("smaller_batch") is True

    def unsaid(self) -> None:
        """Names what the form cannot say and the earlier run had otherwise."""
        for field, words in _UNSAID.items():
            usual = getattr(RunSpec(), field)
            if self._spec.get(field, usual) != usual:
                self.otherwise.append(words.format("no" if usual is False else usual))

    def number(self, field: str, key: str, label: str, low: float, high: float) -> None:
        """Fills in a number; whole where its bounds are."""
        kind = type(low)
        asked, usual = self._spec.get(field), getattr(RunSpec(), field)
        self.values[key] = kind(_within(asked, low, high, usual))
        if self.values[key] != asked:
            self.otherwise.append(f"{label}, {self.values[key]:g}")


def _within(value: Any, low: float, high: float, usual: float) -> float:
    return float(value) if is_number(value) and low <= value <= high else float(usual)
