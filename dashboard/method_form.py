"""How batches go through the model, as the form asks it: method, precision, batch size, memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.widgets import number, pick
from orin_core.methods import EXPLAINED, PRECISIONS, PRELOADABLE, Method, Precision
from orin_core.spec import CAMERA, PROMPTS

_METHODS: Mapping[Method, str] = {
    Method.BATCHED: "Batched",
    Method.GRAPH: "CUDA graph",
    Method.ONNX: "ONNX Runtime",
    Method.PIPELINE: "The library's pipeline",
    Method.REFERENCE: "Reference (as published)",
}
"""What each is called; the first is chosen at first."""

_PRECISIONS: Mapping[Precision, str] = {
    Precision.FP32: "FP32",
    Precision.TF32: "TF32 (CUDA)",
    Precision.FP16: "FP16",
    Precision.BF16: "BF16",
    Precision.INT8: "INT8",
}

_OF_PROMPTS: Mapping[Method, str] = {
    Method.BATCHED: "Prompts tokenised ahead, a whole batch answered in one model call.",
    Method.REFERENCE: "The published way: one prompt after the other, each tokenised when its turn comes.",
}
"""In place of what :data:`EXPLAINED` says of images."""


def show(what: str) -> dict[str, Any]:
    """Shows method, precision and batch size, and returns them as fields of a run.

    Args:
        what: what the model takes, images or prompts.
    """
    method = Method(pick({one.value: label for one, label in _METHODS.items()}, label="Method", key=state.FORM_METHOD))
    st.caption((_OF_PROMPTS if what == PROMPTS else EXPLAINED).get(method, EXPLAINED[method]))
    precision = pick(
        {one.value: _PRECISIONS[one] for one in PRECISIONS[method]},
        label="Precision",
        key=state.FORM_PRECISION,
        help_text="Arithmetic of the model. What the device cannot do is refused before the run begins.",
    )
    fields: dict[str, Any] = {"method": method.value, "precision": precision}
    if method is Method.REFERENCE:
        st.caption(f"Batch size 1: reference takes one {what.removesuffix('s')} at a time.")
        return {**fields, "batch_size": 1}
    size = number("Batch size", 1, 4096, 1, key=state.FORM_BATCH, help_text=f"{what.capitalize()} per model call.")
    return {**fields, "batch_size": int(size)}


def memory(method: str, dataset: str, what: str) -> dict[str, Any]:
    """Shows what may be done with memory and returns it as fields of a run.

    Args:
        method: as chosen.
        dataset: name of the data set; a camera's images cannot be preloaded.
        what: what the model takes, images or prompts; prompts are not preloaded.
    """
    preloadable = Method(method) in PRELOADABLE and not dataset.startswith(CAMERA) and what != PROMPTS
    preload = _may(
        "Preload images",
        key=state.FORM_PRELOAD,
        can=preloadable,
        help_text="Decodes them into memory before the clock starts. The run's scope is then preloaded, and it is "
        "compared with such runs alone. Prompts are not preloaded.",
    )
    smaller = _may(
        "Smaller batch where memory runs out",
        key=state.FORM_SMALLER_BATCH,
        can=method != Method.REFERENCE.value,
        help_text="Halves the batch until it fits, and says so; without this the run fails.",
    )
    return {"preload": preload, "smaller_batch": smaller}


def _may(label: str, *, key: str, can: bool, help_text: str) -> bool:
    """Shows a box to tick and returns whether it is ticked; where it cannot be, an empty one that stays so."""
    if can:
        return st.checkbox(label, key=key, help=help_text)
    # Not the same one: a tick from before would look as if it counted. It comes back with what allows it.
    return st.checkbox(label, disabled=True, help=help_text)
