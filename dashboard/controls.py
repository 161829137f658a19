"""The form: widgets -> RunSpec. It starts nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboard import downloads, method_form, state
from dashboard.board import BoardView
from dashboard.widgets import number, pick
from dashboard.words import length_text, plain, short_name
from orin_core import catalog, combination, methods, resolve
from orin_core.analysis.verdict import PROFILES
from orin_core.catalog import Choice
from orin_core.errors import BadRequest, NotCached, OrinError
from orin_core.profiles import Profile
from orin_core.spec import IMAGES, MAX_NOTES, PROMPTS, RunSpec
from orin_core.user_paths import expanded, readable

OTHER_MODEL = "other-model"
FOLDER = "folder"
CURRENT = "current"
RANDOM = "random"
SYNTHETIC = "synthetic"
DOWNLOAD = "download"
AS_ASKED = "As the protocol asks"
WHOLE = "Whole data set"
NUMBER = "Number of images"
SECONDS = "Number of seconds"

# Kept while another page is shown, as every key that begins with "form_".

_PROTOCOLS = {
    Profile.STANDARD: ("Standard", "70 s of measure and 100 {what}: what a VALID run needs."),
    Profile.DEMO: ("Demo", "20 s of measure, to see that everything works. A demo is never VALID."),
    Profile.FORMAL: ("Formal", "10.5 min, the {what} looped. Five such runs make a result to publish."),
}
"""What each is called, and what it needs in one line of images or prompts; the first is chosen at first."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the form says.

    Args:
        spec: the run; None while something is missing.
        missing: what is missing, one sentence; empty where nothing is.
    """

    spec: RunSpec | None
    missing: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A model or a data set as chosen: its name, where its files come from, what is missing, images or prompts."""

    name: str
    source: str
    missing: str = ""
    holds: str | None = None


def form(board: BoardView, *, running: bool) -> Form:
    """Shows the form and returns what it says.

    Args:
        board: the board, for its power modes.
        running: whether a run is on, which a download would disturb.
    """
    model = _model(running)
    dataset = _dataset(running, model.holds)
    mode = _power_mode(board)
    what = dataset.holds or model.holds or IMAGES
    profile = _profile(what)
    length = _length(dataset, profile, what)
    method = method_form.show(what)
    others = _advanced(board, method["method"], dataset.name, what)
    missing = model.missing or dataset.missing
    if missing or isinstance(length, str):
        return Form(spec=None, missing=missing or str(length))
    spec = RunSpec(
        model=model.name,
        dataset=dataset.name,
        power_mode=mode,
        profile=profile,
        items=length[0],
        seconds=length[1],
        weights=model.source,
        images=dataset.source,
        telemetry=state.settings().telemetry,
        **method,
        **others,
    )
    try:
        spec.validated()
        if model.holds == PROMPTS:
            methods.check_text(spec.method, preload=spec.preload)
    except BadRequest as error:
        return Form(spec=None, missing=error.message)
    return Form(spec=spec)


def _model(running: bool) -> _Subject:
    choices = {choice.name: choice for choice in catalog.model_choices()}
    labels = {name: choice.label for name, choice in choices.items()} | {OTHER_MODEL: "Own model (path or hub id)"}
    name = pick(labels, label="Model", key=state.FORM_MODEL)
    if name == OTHER_MODEL:
        typed = st.text_input(
            "Path or hub id",
            key=state.FORM_MODEL_PATH,
            placeholder="/path/to/model",
            help="A folder with config.json and safetensors, a YOLO .pt file, a hub id (owner/name), or a YOLO file on "
            "the hub (owner/name/file.pt).",
        )
        return _own(typed.strip(), "model", _takes, running)
    choice = choices[name]
    if choice.missing:
        st.warning(plain(choice.missing))
        return _Subject(name=name, source="cached", missing=f"{choice.label} cannot run here.", holds=choice.holds)
    return _files(choice, "weights", RANDOM, "Random", state.FORM_WEIGHTS, running)


def _takes(name: str) -> str:
    """Returns what a model takes: images or prompts.

    Raises:
        OrinError: it means nothing, or is not here.
    """
    return combination.wanted(resolve.resolve_model(name).task)


def _holds(name: str) -> str | None:
    """Returns what a data set holds, None where only who opens it can tell.

    Raises:
        OrinError: it means nothing, or is not here.
    """
    return resolve.resolve_dataset(name).holds


def _dataset(running: bool, wanted: str | None) -> _Subject:
    choices = {choice.name: choice for choice in catalog.dataset_choices() if wanted in (None, choice.holds)}
    own = "Own prompts (path or hub id)" if wanted == PROMPTS else "Own images (path, camera or hub id)"
    labels = {name: choice.label for name, choice in choices.items()} | {FOLDER: own}
    name = pick(labels, label="Prompts" if wanted == PROMPTS else "Images", key=state.FORM_DATASET)
    if name == FOLDER:
        typed = st.text_input(
            "Path, camera or hub id",
            key=state.FORM_DATASET_PATH,
            placeholder="/path/to/images",
            help="A folder of images, a parquet file or a folder of them, what the datasets library saved, a camera "
            "(camera:0, or camera:/path/to/video.mp4), or a hub id (owner/name). For text generation a .txt file with "
            "one prompt a line, or a .jsonl, parquet or saved data set with a column of text.",
        )
        found = _own(typed.strip(), "data set", _holds, running)
        if None not in (wanted, found.holds) and found.holds != wanted:
            return dataclasses.replace(found, missing=f"This model takes {wanted}, and these are {found.holds}.")
        return found
    return _files(choices[name], choices[name].holds, SYNTHETIC, "Synthetic", state.FORM_IMAGES, running)


def _own(name: str, what: str, look: Callable[[str], str | None], running: bool) -> _Subject:
    """Returns what a person typed, with what is wrong with it; offers the download of what the hub may have."""
    if not name:
        return _Subject(name=name, source="auto", missing=f"Name your {what}.")
    try:
        # A folder is not gone through each time the page is drawn: it may be large.
        if what == "data set" and _is_folder(name):
            return _Subject(name=name, source="auto")
        holds = look(name)
    except NotCached as error:
        if resolve.is_path(name):
            return _Subject(name=name, source="auto", missing=error.message)
        downloads.offer(name, short_name(name), disabled=running)
        return _Subject(name=name, source="auto", missing=f"Download {short_name(name)} first.")
    except OrinError as error:
        return _Subject(name=name, source="auto", missing=str(error))
    return _Subject(name=name, source="auto", holds=holds)


@readable
def _is_folder(name: str) -> bool:
    return expanded(name).is_dir()


def _files(choice: Choice, what: str, stand_in: str, stand_in_label: str, key: str, running: bool) -> _Subject:
    """Shows where the weights or images come from, and offers the download where they are not here."""
    if choice.cached:
        size = "" if choice.size_mb is None else f", {choice.size_mb:.0f} MB"
        st.caption(f"✓ {what} on this machine{size}")
        return _Subject(name=choice.name, source="cached", holds=choice.holds)
    lacking = f"Download the {what} of {choice.label} first."
    if not choice.replaceable:
        downloads.offer(choice.name, choice.label, disabled=running)
        return _Subject(name=choice.name, source="cached", missing=lacking, holds=choice.holds)
    hints = {stand_in: stand_in_label, DOWNLOAD: "Download"}
    # A key of its own per row, so that a choice made for one model is not carried to the next.
    source: Any = st.radio(
        f"{what.capitalize()} are not downloaded",
        list(hints),
        format_func=lambda option: hints[option],
        key=f"{key}_{choice.name}",
        horizontal=True,
        help=f"{stand_in_label}: the same arithmetic at the same speed, but the output means nothing. "
        "The run says so everywhere.",
    )
    if source == stand_in:
        return _Subject(name=choice.name, source=stand_in, holds=choice.holds)
    downloads.offer(choice.name, choice.label, disabled=running)
    return _Subject(name=choice.name, source="cached", missing=lacking, holds=choice.holds)


def _power_mode(board: BoardView) -> str:
    labels = {CURRENT: f"Current ({board.current.name})" if board.current else "Current"}
    labels |= {mode.name: f"{mode.label} (id {mode.mode_id})" for mode in board.modes}
    return pick(
        labels,
        label="Power mode",
        key=state.FORM_MODE,
        disabled=not board.modes,
        help_text="As this board lists them. It is set for the run and restored after it. Where the board needs a "
        "reboot for a mode, nothing is started and the reboot is offered.",
    )


def _profile(what: str) -> str:
    labels = {profile.value: label for profile, (label, _) in _PROTOCOLS.items()}
    chosen = pick(labels, label="Protocol", key=state.FORM_PROFILE)
    st.caption(_PROTOCOLS[Profile(chosen)][1].format(what=what))
    return chosen


def _length(dataset: _Subject, profile: str, what: str) -> tuple[int | None, float | None] | str:
    """Returns items and seconds, both None where the protocol decides; a sentence where the length is not known."""
    names = {name: name for name in (AS_ASKED, WHOLE, NUMBER, SECONDS)} | {NUMBER: f"Number of {what}"}
    least = PROFILES[profile]
    length = pick(names, label="Length", key=state.FORM_LENGTH)
    if length == NUMBER:
        items = number(f"How many {what}", 1, 100_000_000, 500, key=state.FORM_ITEMS)
        if items < least.min_items:
            st.caption(f"Too few to be VALID: this protocol needs {least.min_items} {what} and more.")
        return int(items), None
    if length == SECONDS:
        seconds = number("How many seconds", 1, 604_800, 70, key=state.FORM_SECONDS)
        if seconds < least.min_s:
            st.caption(f"Too short to be VALID: this protocol needs {length_text(least.min_s)} and more.")
        return None, seconds
    if length == AS_ASKED:
        return None, None
    if dataset.missing:
        return dataset.missing
    try:
        items_known = resolve.resolve_dataset(dataset.name, images=dataset.source).items
    except OrinError as error:
        return str(error)
    return (items_known, None) if items_known else f"The number of {what} is not known; give a number."


def _advanced(board: BoardView, method: str, dataset: str, what: str) -> dict[str, Any]:
    defaults = RunSpec()
    with st.expander("Memory, phases and telemetry"):
        values = method_form.memory(method, dataset, what)
        fields: Sequence[tuple[str, str, str]] = (
            ("idle_s", "Idle before (s)", state.FORM_IDLE_S),
            ("warmup_min_s", "Warm-up at least (s)", state.FORM_WARMUP_MIN_S),
            ("warmup_max_s", "Warm-up at most (s)", state.FORM_WARMUP_MAX_S),
            ("cooldown_s", "Cool-down after (s)", state.FORM_COOLDOWN_S),
        )
        values |= {
            field: number(label, 0.0, 86_400.0, float(getattr(defaults, field)), key=key)
            for field, label, key in fields
        }
        interval_ms = number("Time between ticks (ms)", 50, 60_000, defaults.interval_ms, key=state.FORM_INTERVAL_MS)
        values["interval_ms"] = int(interval_ms)
        locked = st.checkbox(
            "Lock clocks (jetson_clocks)",
            key=state.FORM_LOCK_CLOCKS,
            disabled=not board.has_jetson_clocks,
            help="Holds the clocks at the caps of the power mode during the run and puts them back after it.",
        )
        values["lock_clocks"] = locked and board.has_jetson_clocks
        values |= _conditions()
        st.caption(f"Telemetry: {board.kind or 'none'}")
    return values


def _conditions() -> dict[str, Any]:
    """Shows what only a person can tell of the run, and returns it; kept with the run."""
    ambient_c: Any = st.number_input(
        "Ambient temperature (°C, optional)",
        -60.0,
        80.0,
        value=None,
        step=0.5,
        key=state.FORM_AMBIENT_C,
        placeholder="not measured",
    )
    notes: Any = st.text_area(
        "Notes (optional)",
        key=state.FORM_NOTES,
        max_chars=MAX_NOTES,
        height=90,
        placeholder="Fan, case, supply, anything unusual",
    )
    return {"ambient_c": None if ambient_c is None else float(ambient_c), "notes": str(notes or "").strip()}
