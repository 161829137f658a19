"""The form of a new sweep: widgets -> the object that a sweep file holds. It starts nothing."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from dashboard import state
from dashboard.board import BoardView
from dashboard.words import plain, short_name
from orin_core import catalog
from orin_core.catalog import Choice
from orin_core.methods import EXPLAINED, Method, Precision
from orin_core.profiles import PROFILES, Profile
from orin_core.sweeps.spec import AXES, MAX_REPEATS, OnFailure, SweepSpec

CURRENT = "current"
AS_ASKED, NUMBER, SECONDS = "As the protocol asks", "Number of images", "Number of seconds"
_BATCHES = ("1", "2", "3", "4", "6", "8", "16", "32", "64")
"""With 3 and 6, of which others begin: what is typed is then the first in the list, and Enter adds that."""
_PROFILES = {
    Profile.STANDARD.value: "Standard: 70 s each",
    Profile.DEMO.value: "Demo: 20 s each, never VALID",
    Profile.FORMAL.value: "Formal: 10.5 min each",
}
_FAILURES = {
    OnFailure.CONTINUE.value: "Go on with the next cell",
    OnFailure.RETRY.value: "Try that cell once more",
    OnFailure.STOP.value: "Stop the sweep",
}
_WEIGHTS = {"auto": "Those that are here, else random", "cached": "Only those that are here", "random": "Random"}
_IMAGES = {
    "auto": "Those that are here, else synthetic",
    "cached": "Only those that are here",
    "synthetic": "Synthetic",
}
_SEAM = " × "
_LABELS = {
    "models": "Models",
    "datasets": "Data sets",
    "power_modes": "Power modes",
    "batch_sizes": "Batch sizes",
    "methods": "Methods",
    "precisions": "Precisions",
}
"""Names of the lists by the keys of a sweep file."""
LEAVE_OUT = "Leave out"
"""Name of the field for combinations that are not run."""


def document(board: BoardView) -> tuple[dict[str, Any] | None, str]:
    """Shows the form and returns the sweep as its file would say it, and what is missing, one sentence.

    Args:
        board: the board, for its power modes.
    """
    left, right = st.columns(2, gap="medium")
    with left:
        axes: dict[str, Any] = {
            "models": _several(_LABELS["models"], state.FORM_SWEEP_MODELS, _labels(catalog.model_choices())),
            "datasets": _several(_LABELS["datasets"], state.FORM_SWEEP_DATASETS, _labels(catalog.dataset_choices())),
        }
    with right:
        axes["power_modes"] = _modes(board)
        batches = _several(
            _LABELS["batch_sizes"],
            state.FORM_SWEEP_BATCHES,
            {one: one for one in _BATCHES},
            start=["1"],
            hint="Type another one",
            filter_mode="prefix",
        )
    _stand_ins(axes)
    common = _common()
    wrong = [one for one in batches if not one.isdecimal() or int(one) < 1]
    axes["batch_sizes"] = [int(one) for one in batches if one not in wrong]
    with st.expander("Methods, precisions, and where weights and images come from"):
        axes |= _ways()
        files = _files()
    found = {**axes, **common, "exclude": _exclusions(axes), **_rules(board)}
    found["run"] = {**common["run"], **files}
    if wrong:
        return None, f"{wrong[0]} is no batch size."
    empty = next((name for name, key in _NEEDED.items() if not axes[key]), "")
    return (None, f"Choose at least one {empty}.") if empty else (found, "")


_NEEDED = {key.removesuffix("s").replace("_", " ").replace("dataset", "data set"): key for key in AXES}


def _several(
    label: str,
    key: str,
    labels: Mapping[str, str],
    *,
    start: Sequence[str] = (),
    hint: str = "Choose, or type a path or a hub id",
    typed: bool = True,
    filter_mode: Literal["fuzzy", "prefix"] = "fuzzy",
    help_text: str | None = None,
) -> list[str]:
    """Shows a list of which several can be chosen, and others typed where that makes sense."""
    st.session_state.setdefault(key, list(start))
    chosen: Any = st.multiselect(
        label,
        list(labels),
        format_func=lambda name: labels.get(name, name),
        key=key,
        accept_new_options=typed,
        filter_mode=filter_mode,
        # Else Enter behind a typed name adds everything that is like it.
        select_all=not typed,
        placeholder=hint,
        help=help_text,
    )
    return list(dict.fromkeys(str(one).strip() for one in chosen if str(one).strip()))


def _labels(choices: Sequence[Choice]) -> dict[str, str]:
    return {one.name: f"{one.label} (cannot run here)" if one.missing else one.label for one in choices}


def _modes(board: BoardView) -> list[str]:
    labels = {CURRENT: f"Current ({board.current.label})" if board.current else "Current"}
    labels |= {mode.name: f"{mode.label} (id {mode.mode_id})" for mode in board.modes}
    key = state.FORM_SWEEP_MODES
    st.session_state[key] = [one for one in st.session_state.get(key, []) if one in labels]
    chosen: Any = st.multiselect(
        _LABELS["power_modes"],
        list(labels),
        format_func=lambda name: labels.get(name, name),
        key=key,
        placeholder="As this board lists them",
    )
    return list(chosen)


def _stand_ins(axes: Mapping[str, Sequence[str]]) -> None:
    """Says which of what was chosen is not on this machine, so that something else stands in for it."""
    for key, choices, what in (
        ("models", catalog.model_choices(), "weights are not on this machine: random ones are used, so the speed is"),
        (
            "datasets",
            catalog.dataset_choices(),
            "images are not on this machine: synthetic ones are used, the speed is",
        ),
    ):
        absent = [one.label for one in choices if one.name in axes[key] and not one.cached and one.replaceable]
        if absent:
            st.caption(plain(f"{', '.join(absent)}: {what} real and the output means nothing. Every run says so."))


def _common() -> dict[str, Any]:
    """Shows what all cells have in common and returns it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.session_state.setdefault(state.FORM_SWEEP_NAME, "sweep")
        name = st.text_input("Name", key=state.FORM_SWEEP_NAME, max_chars=80, width=200)
        repeats = _whole("Repeats", state.FORM_SWEEP_REPEATS, 1, MAX_REPEATS, 1, help_text="Runs of each combination.")
        profile = _one("Protocol", state.FORM_SWEEP_PROFILE, _PROFILES)
        length = _one("Length", state.FORM_SWEEP_LENGTH, {one: one for one in (AS_ASKED, NUMBER, SECONDS)})
        run: dict[str, Any] = {}
        if length == NUMBER:
            run["items"] = _whole("How many images", state.FORM_SWEEP_ITEMS, 1, 100_000_000, 500)
        elif length == SECONDS:
            run["seconds"] = float(_whole("How many seconds", state.FORM_SWEEP_SECONDS, 1, 604_800, 70))
    least = PROFILES[profile]
    if run.get("items", least.min_items) < least.min_items or run.get("seconds", least.min_s) < least.min_s:
        st.caption(f"Too short to be VALID: this protocol needs {least.min_s:g} s and {least.min_items} images.")
    return {"name": name.strip() or "sweep", "repeats": repeats, "profile": profile, "run": run}


def _exclusions(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Shows pairs that can be left out and returns those that are; other combinations go into a file."""
    names = {key: _names(axes[key]) for key in AXES}
    # By what is left out and not by how it is named: two models of one short name are two.
    pairs: dict[str, str] = {}
    for (one_key, one_field), (other_key, other_field) in itertools.combinations(AXES.items(), 2):
        if len(axes[one_key]) * len(axes[other_key]) < 2:
            continue
        for one, other in itertools.product(axes[one_key], axes[other_key]):
            pair = json.dumps({one_field: one, other_field: other})
            pairs[pair] = _SEAM.join((names[one_key][one], names[other_key][other]))
    key = state.FORM_SWEEP_EXCLUDE
    st.session_state[key] = [one for one in st.session_state.get(key, []) if one in pairs]
    chosen = st.multiselect(
        LEAVE_OUT,
        list(pairs),
        format_func=lambda pair: pairs.get(pair, pair),
        key=key,
        placeholder="No combination is left out",
        disabled=not pairs,
        help="Combinations that make no sense, or that you have already.",
    )
    return [json.loads(one) for one in chosen]


def or_leave_out(exclusions: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> str:
    """Returns how the form leaves combinations out, a sentence; empty where it cannot, or where nothing would be left.

    Args:
        exclusions: as a sweep file has them.
        found: the sweep as the form says it.
    """
    ways, pairs = [], []
    for one in exclusions:
        keys = [key for key, field in AXES.items() if field in one]
        if len(keys) > 2 or all(len(found[key]) == 1 for key in keys):
            return ""
        names = [_names(found[key])[one[AXES[key]]] for key in keys]
        if len(keys) == 1:
            ways.append(f'take {names[0]} out of "{_LABELS[keys[0]]}"')
        else:
            pairs.append(_SEAM.join(names))
    ways += [f'choose {", ".join(pairs)} under "{LEAVE_OUT}"'] if pairs else []
    return f"Or {', '.join(ways)}."


def _names(values: Sequence[Any]) -> dict[Any, str]:
    """Returns each value of an axis for people: short, whole where two would be named alike."""
    short = {one: f"batch {one}" if isinstance(one, int) else short_name(one) for one in values}
    alike = Counter(short.values())
    return {one: text if alike[text] == 1 else str(one) for one, text in short.items()}


def _rules(board: BoardView) -> dict[str, Any]:
    """Shows how the sweep goes from cell to cell and returns it."""
    usual = SweepSpec(models=(), datasets=())
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        within_c = _whole(
            "Begin within (°C) of idle",
            state.FORM_SWEEP_COOL_C,
            1,
            100,
            round(usual.cooldown_within_c),
            help_text="A run begins when the hottest zone is so close to its value on the idle board.",
        )
        at_most_s = _whole(
            "Begin at the latest after (s)", state.FORM_SWEEP_COOL_S, 0, 3600, round(usual.cooldown_at_most_s)
        )
        on_failure = _one("When a cell fails", state.FORM_SWEEP_FAILURE, _FAILURES)
        seed = _whole("Seed of the order", state.FORM_SWEEP_SEED, 0, 2**32 - 1, usual.seed)
    reboot = st.checkbox(
        "The sweep may reboot the board by itself",
        key=state.FORM_SWEEP_REBOOT,
        help="Some modes are reached by a reboot only, as nvpmodel says.",
    )
    st.caption(
        "**It reboots without asking: every program on the board ends each time.** The sweep goes on by itself after "
        "each reboot if its service is installed (see deploy/)."
        if reboot
        else "Without this, modes that need a reboot come last, and the sweep then shows the command and waits for you."
    )
    found = {"cooldown_within_c": float(within_c), "cooldown_at_most_s": float(at_most_s)}
    return {**found, "on_failure": on_failure, "seed": seed, "reboot": reboot}


def _ways() -> dict[str, Any]:
    """Shows how batches go through a model and in which arithmetic, and returns what is to be tried."""
    usual = SweepSpec(models=(), datasets=())
    left, right = st.columns(2, gap="medium")
    with left:
        methods = _several(
            _LABELS["methods"],
            state.FORM_SWEEP_METHODS,
            {one.value: one.value for one in Method},
            start=usual.methods,
            hint="One or more",
            typed=False,
            help_text="  \n".join(f"**{one.value}**: {text}" for one, text in EXPLAINED.items()),
        )
    with right:
        precisions = _several(
            _LABELS["precisions"],
            state.FORM_SWEEP_PRECISIONS,
            {one.value: one.value for one in Precision},
            start=usual.precisions,
            hint="One or more",
            typed=False,
            help_text="What does not go together has to be left out.",
        )
    return {"methods": methods, "precisions": precisions}


def _files() -> dict[str, str]:
    """Shows where weights and images come from and returns what is not as usual."""
    with st.container(horizontal=True, gap="small"):
        weights = _one("Weights", state.FORM_SWEEP_WEIGHTS, _WEIGHTS)
        images = _one("Images", state.FORM_SWEEP_IMAGES, _IMAGES)
        st.caption("For all else, such as other phases or ticks: download the sweep.json, change it, bring it back.")
    return {name: value for name, value in (("weights", weights), ("images", images)) if value != "auto"}


def _one(label: str, key: str, labels: Mapping[str, str]) -> str:
    chosen: Any = st.selectbox(label, list(labels), format_func=lambda name: labels[name], key=key, width=250)
    return str(chosen)


def _whole(label: str, key: str, low: int, high: int, usual: int, *, help_text: str | None = None) -> int:
    st.session_state.setdefault(key, usual)
    typed: Any = st.number_input(label, low, high, step=1, key=key, help=help_text, width=170)
    return int(typed)
