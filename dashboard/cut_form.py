"""The inputs that move a cut: start, end and images of each run, a run more or less, and what ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.cut_table import Cut
from orin_core import catalog
from orin_core.analysis.cpu_ceiling import AGX_ORIN_MODES
from orin_core.runs.importing import Proposal

_STEP_S = 1.0
_FEW = 4
"""More runs than this are not all in sight at first."""


def input_key(name: str) -> str:
    """Returns the key of an input: the page keeps what begins like this while another page is shown."""
    return f"form_{name}"


def cut_inputs(proposal: Proposal, cuts: list[Cut], *, key: str) -> None:
    """Shows start, end and images of every run, and sets ``cuts`` to what they say.

    Args:
        proposal: the log.
        cuts: the runs as they were set, in order; changed in place, by the buttons too.
        key: begins the keys of this file's inputs.
    """
    with st.expander("Adjust the cut", expanded=len(cuts) <= _FEW):
        moved = [_one(proposal, cut, cuts, place=place, key=key) for place, cut in enumerate(cuts, start=1)]
        cuts[:] = sorted(moved, key=lambda cut: (cut.start_s, cut.end_s))
        st.button("Mark another run", key=f"{key}_add", on_click=_add, args=(proposal, cuts))


def _one(proposal: Proposal, cut: Cut, cuts: list[Cut], *, place: int, key: str) -> Cut:
    first_s, last_s = float(proposal.log.series.t_s[0]), float(proposal.log.series.t_s[-1])
    start, end, images, out = st.columns([2, 2, 2, 1], vertical_alignment="bottom")
    name = input_key(f"{key}_{cut.number}")
    # Not as value=: the inputs keep what was typed, and Streamlit wants one of the two.
    for what, value in (("start", cut.start_s), ("end", cut.end_s), ("items", cut.items)):
        st.session_state.setdefault(f"{name}_{what}", value)
    bounds: Any = {"min_value": first_s, "max_value": last_s, "step": _STEP_S, "format": "%.1f"}
    start_s: Any = start.number_input(f"Run {place}: start (s)", key=f"{name}_start", **bounds)
    end_s: Any = end.number_input(f"Run {place}: end (s)", key=f"{name}_end", **bounds)
    items: Any = images.number_input(
        f"Run {place}: images", 1, 10**12, value=None, step=1, key=f"{name}_items", placeholder="not known"
    )
    args = (cuts, cut.number, name)
    out.button("Leave out", key=f"{key}_{cut.number}_out", width="stretch", on_click=_leave_out, args=args)
    return Cut(
        number=cut.number, start_s=float(start_s), end_s=float(end_s), items=None if items is None else int(items)
    )


def _leave_out(cuts: list[Cut], number: int, name: str) -> None:
    cuts[:] = [cut for cut in cuts if cut.number != number]
    for what in ("start", "end", "items"):
        st.session_state.pop(f"{name}_{what}", None)


def _add(proposal: Proposal, cuts: list[Cut]) -> None:
    """Marks the longest part of the log that is in no run."""
    t_s = proposal.log.series.t_s
    edges = [float(t_s[0]), *(edge for cut in cuts for edge in (cut.start_s, cut.end_s)), float(t_s[-1])]
    start_s, end_s = max(zip(edges[::2], edges[1::2], strict=True), key=lambda part: part[1] - part[0])
    number = 1 + max((cut.number for cut in cuts), default=len(proposal.stretches))
    cuts.append(Cut(number=number, start_s=start_s, end_s=max(start_s, end_s)))
    cuts.sort(key=lambda cut: (cut.start_s, cut.end_s))


def subject_inputs(*, key: str) -> tuple[str | None, str | None, str | None]:
    """Shows what ran and in which mode, and returns model, data set and mode; None where nobody said.

    Args:
        key: begins the keys of this file's inputs.
    """
    model, dataset, mode = st.columns(3)
    modes = [known.name.removeprefix("MODE_") for known in AGX_ORIN_MODES]
    return (
        _pick(model, "Model", [row.name for row in catalog.MODELS], input_key(f"{key}_model")),
        _pick(dataset, "Data set", [row.name for row in catalog.DATASETS], input_key(f"{key}_dataset")),
        _pick(mode, "Power mode, where the log does not tell", modes, input_key(f"{key}_mode")),
    )


def _pick(column: Any, label: str, names: Sequence[str], key: str) -> str | None:
    chosen: Any = column.selectbox(
        label, names, index=None, key=key, accept_new_options=True, placeholder="not known; choose or type"
    )
    return str(chosen).strip() or None if chosen is not None else None
