"""The form: widgets -> RunSpec. It starts nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import downloads, state
from dashboard.board import BoardView
from dashboard.words import plain
from orin_core import catalog
from orin_core.catalog import Choice
from orin_core.errors import OrinError
from orin_core.spec import RunSpec

OTHER_MODEL = "other-model"
FOLDER = "folder"
CURRENT = "current"
RANDOM = "random"
SYNTHETIC = "synthetic"
DOWNLOAD = "download"
MINUTE = "One minute"
WHOLE = "Whole data set"
NUMBER = "Number of images"
SECONDS = "Number of seconds"


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
    """A model or a data set as chosen: its name, where its files come from, what is missing."""

    name: str
    source: str
    missing: str = ""


def form(board: BoardView, *, disabled: bool) -> Form:
    """Shows the form and returns what it says.

    Args:
        board: the board, for its power modes.
        disabled: whether a run is on, so that nothing can be changed.
    """
    model = _model(disabled)
    dataset = _dataset(disabled)
    mode = _power_mode(board, disabled)
    length = _length(dataset, disabled)
    batch_size = _number(
        "Batch size", 1, 4096, 1, key=state.FORM_BATCH, disabled=disabled, help_text="Images per model call."
    )
    phases = _advanced(board, disabled)
    missing = model.missing or dataset.missing
    if missing or isinstance(length, str):
        return Form(spec=None, missing=missing or str(length))
    return Form(
        spec=RunSpec(
            model=model.name,
            dataset=dataset.name,
            power_mode=mode,
            items=length[0],
            seconds=length[1],
            batch_size=int(batch_size),
            weights=model.source,
            images=dataset.source,
            telemetry=state.settings().telemetry,
            **phases,
        )
    )


def _pick(labels: Mapping[str, str], *, label: str, key: str, disabled: bool, help_text: str | None = None) -> str:
    """Shows a list of choices and returns the one that is chosen; the first at first."""
    chosen: Any = st.selectbox(
        label, list(labels), format_func=lambda name: labels[name], key=key, disabled=disabled, help=help_text
    )
    return str(chosen)


def _number(
    label: str, low: float, high: float, default: float, *, key: str, disabled: bool, help_text: str | None = None
) -> float:
    """Shows a number and returns it; whole where its bounds are."""
    # Not as value=: the page keeps what was typed while another page is shown, and Streamlit wants one of the two.
    st.session_state.setdefault(key, default)
    step = 1 if isinstance(low, int) else 1.0
    typed: Any = st.number_input(label, low, high, step=step, key=key, disabled=disabled, help=help_text)
    return float(typed)


def _model(disabled: bool) -> _Subject:
    choices = {choice.name: choice for choice in catalog.model_choices()}
    labels = {name: choice.label for name, choice in choices.items()} | {OTHER_MODEL: "Own model (path or hub id)"}
    name = _pick(labels, label="Model", key=state.FORM_MODEL, disabled=disabled)
    if name == OTHER_MODEL:
        path = st.text_input(
            "Path or hub id",
            key=state.FORM_MODEL_PATH,
            disabled=disabled,
            placeholder="/path/to/model",
            help="A folder with config.json and safetensors, a YOLO .pt file, or the id of a cached hub model.",
        )
        return _Subject(name=path.strip(), source="auto", missing="" if path.strip() else "Name your model.")
    choice = choices[name]
    if choice.missing:
        st.warning(plain(choice.missing))
        return _Subject(name=name, source="cached", missing=f"{choice.label} cannot run here.")
    return _files(choice, "weights", RANDOM, "Random", state.FORM_WEIGHTS, disabled)


def _dataset(disabled: bool) -> _Subject:
    choices = {choice.name: choice for choice in catalog.dataset_choices()}
    labels = {name: choice.label for name, choice in choices.items()} | {FOLDER: "Folder of images on this machine"}
    name = _pick(labels, label="Images", key=state.FORM_DATASET, disabled=disabled)
    if name == FOLDER:
        path = st.text_input(
            "Folder", key=state.FORM_DATASET_PATH, disabled=disabled, placeholder="/path/to/images"
        ).strip()
        return _Subject(name=path, source="auto", missing="" if path else "Name a folder of images.")
    return _files(choices[name], "images", SYNTHETIC, "Synthetic", state.FORM_IMAGES, disabled)


def _files(choice: Choice, what: str, stand_in: str, stand_in_label: str, key: str, disabled: bool) -> _Subject:
    """Shows where the weights or images come from, and offers the download where they are not here."""
    if choice.cached:
        size = "" if choice.size_mb is None else f", {choice.size_mb:.0f} MB"
        st.caption(f"✓ {what} on this machine{size}")
        return _Subject(name=choice.name, source="cached")
    hints = {stand_in: stand_in_label, DOWNLOAD: "Download"}
    # A key of its own per row, so that a choice made for one model is not carried to the next.
    source: Any = st.radio(
        f"{what.capitalize()} are not downloaded",
        list(hints),
        format_func=lambda option: hints[option],
        key=f"{key}_{choice.name}",
        disabled=disabled,
        horizontal=True,
        help=f"{stand_in_label}: the same arithmetic at the same speed, but the output means nothing. "
        "The run says so everywhere.",
    )
    if source == stand_in:
        return _Subject(name=choice.name, source=stand_in)
    downloads.offer(choice, disabled=disabled)
    return _Subject(name=choice.name, source="cached", missing=f"Download the {what} of {choice.label} first.")


def _power_mode(board: BoardView, disabled: bool) -> str:
    labels = {CURRENT: f"Current ({board.current.name})" if board.current else "Current"}
    labels |= {mode.name: f"{mode.label} (id {mode.mode_id})" for mode in board.modes}
    return _pick(
        labels,
        label="Power mode",
        key=state.FORM_MODE,
        disabled=disabled or not board.modes,
        help_text="As this board lists them. It is set for the run and restored after it. Where the board needs a "
        "reboot for a mode, nothing is started and the reboot is offered.",
    )


def _length(dataset: _Subject, disabled: bool) -> tuple[int | None, float | None] | str:
    """Returns items and seconds, one of them None; a sentence where the length is not known."""
    names = {name: name for name in (MINUTE, WHOLE, NUMBER, SECONDS)}
    length = _pick(names, label="Length", key=state.FORM_LENGTH, disabled=disabled)
    if length == NUMBER:
        items = _number("How many images", 1, 100_000_000, 500, key=state.FORM_ITEMS, disabled=disabled)
        return int(items), None
    if length == SECONDS:
        seconds = _number("How many seconds", 1, 604_800, 60, key=state.FORM_SECONDS, disabled=disabled)
        return None, seconds
    if length == MINUTE:
        return None, 60.0
    if dataset.missing:
        return dataset.missing
    try:
        items_known = catalog.resolve_dataset(dataset.name, images=dataset.source).items
    except OrinError as error:
        return str(error)
    return (items_known, None) if items_known else "The number of images is not known; give a number."


def _advanced(board: BoardView, disabled: bool) -> dict[str, Any]:
    defaults = RunSpec()
    with st.expander("Phases and telemetry"):
        fields: Sequence[tuple[str, str, str]] = (
            ("idle_s", "Idle before (s)", state.FORM_IDLE_S),
            ("warmup_min_s", "Warm-up at least (s)", state.FORM_WARMUP_MIN_S),
            ("warmup_max_s", "Warm-up at most (s)", state.FORM_WARMUP_MAX_S),
            ("cooldown_s", "Cool-down after (s)", state.FORM_COOLDOWN_S),
        )
        values: dict[str, Any] = {
            field: _number(label, 0.0, 86_400.0, float(getattr(defaults, field)), key=key, disabled=disabled)
            for field, label, key in fields
        }
        interval_ms = _number(
            "Time between ticks (ms)", 50, 60_000, defaults.interval_ms, key=state.FORM_INTERVAL_MS, disabled=disabled
        )
        values["interval_ms"] = int(interval_ms)
        locked = st.checkbox(
            "Lock clocks (jetson_clocks)",
            key=state.FORM_LOCK_CLOCKS,
            disabled=disabled or not board.has_jetson_clocks,
            help="Holds the clocks at the caps of the power mode during the run and puts them back after it.",
        )
        values["lock_clocks"] = locked and board.has_jetson_clocks
        st.caption(f"Telemetry: {board.kind or 'none'}")
    return values
