"""A new sweep: chosen in the form or brought as a file, checked whole, shown whole, and only then started."""

from __future__ import annotations

import dataclasses
import datetime
import html
import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import local_time, state, sweep_form
from dashboard.board import BoardView
from dashboard.words import plain, refusal
from orin_core.errors import BadRequest, CellsRefused, OrinError
from orin_core.sweeps import control
from orin_core.sweeps import spec as specs
from orin_core.sweeps.plan import Plan
from orin_core.sweeps.spec import SweepSpec
from orin_core.sweeps.state import list_sweeps

CHOOSE, FILE = "Choose here", "From a sweep.json"
MAX_BYTES = 1_000_000
EXAMPLE = """{
  "name": "first table",
  "models": ["resnet-152", "depth-anything-v2-base"],
  "datasets": ["cifar100"],
  "power_modes": ["MAXN", "50W"],
  "repeats": 2
}"""
_STYLE = """
<style>
.orin-plan { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; margin: 0 !important;
  padding: 0 !important;
  font-size: 14px; line-height: 1.45; }
.orin-plan dt { font-weight: 600; margin: 0 !important; padding: 0 !important; }
.orin-plan dd { margin: 0 !important; padding: 0 !important; overflow-wrap: anywhere; }
</style>
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """What came of the last check of this tab.

    Args:
        text: the sweep as it was checked; any change of it asks for another check.
        plan: what is to come; None where it was refused.
        refused: why; None where it was not.
    """

    text: str
    plan: Plan | None = None
    refused: OrinError | None = None


def show(board: BoardView) -> None:
    """Shows the form, the check and the start.

    Args:
        board: the board, for its power modes.
    """
    st.session_state.setdefault(state.FORM_SWEEP_WAY, CHOOSE)
    way = st.segmented_control("A new sweep", [CHOOSE, FILE], key=state.FORM_SWEEP_WAY)
    found, missing = _file() if way == FILE else sweep_form.document(board)
    if found is None:
        st.button("Check", key="sweep_check", disabled=True)
        st.caption(plain(missing))
        return
    try:
        # A run of a sweep asks for its own telemetry; the sweep is for the board of this page.
        if isinstance(found.get("run", {}), dict):
            found["run"] = {"telemetry": state.settings().telemetry, **found.get("run", {})}
        spec = specs.from_json(found)
    except BadRequest as error:
        st.error(_refusal(error, found, of_form=way != FILE))
        return
    text = json.dumps(specs.to_json(spec), indent=2)
    with st.container(horizontal=True, gap="small"):
        if st.button("Check", key="sweep_check", type="primary" if _checked(text) is None else "secondary"):
            with st.spinner("Looking everything up …"):
                st.session_state[state.KEY_SWEEP_CHECKED] = _check(spec, text)
            st.rerun()
        st.download_button(
            "Download sweep.json", text, file_name="sweep.json", mime="application/json", key="sweep_download"
        )
    checked = _checked(text)
    if checked is None:
        st.caption("Check says what is to come, before anything is started.")
    elif checked.refused is not None:
        st.error(_refusal(checked.refused, found, of_form=way != FILE))
    elif checked.plan is not None:
        _answer(spec, checked.plan)


def _refusal(error: OrinError, found: Mapping[str, Any], *, of_form: bool) -> str:
    """Returns what is wrong and what can be done, in the words of the form or of a file, as Markdown."""
    if of_form and isinstance(error, CellsRefused):
        return refusal(error.message, f"{error.advice} {sweep_form.or_leave_out(error.exclusions, found)}".strip())
    return refusal(error.message, error.hint)


def _checked(text: str) -> _Checked | None:
    """Returns the check of exactly this sweep; None where there is none."""
    kept: _Checked | None = st.session_state.get(state.KEY_SWEEP_CHECKED)
    return kept if kept is not None and kept.text == text else None


def _check(spec: SweepSpec, text: str) -> _Checked:
    try:
        return _Checked(text=text, plan=control.plan(spec, state.settings()))
    except OrinError as error:
        return _Checked(text=text, refused=error)


def _answer(spec: SweepSpec, plan: Plan) -> None:
    with st.container(border=True, gap="small"):
        st.html(_STYLE + _planned(spec, plan))
        if plan.reboots:
            st.warning(plain(_reboots(spec, plan)))
        if st.button("Start this sweep", type="primary", key="sweep_start"):
            _start(spec, plan)


def _planned(spec: SweepSpec, plan: Plan) -> str:
    """Returns what a sweep is about to do, as HTML."""
    left_out = len(spec.cells()) - len(plan.order)
    ends = local_time.now() + datetime.timedelta(seconds=plan.expected_s)
    guess = f" (a guess for {plan.unknown} of {len(plan.order)}: no earlier run tells)" if plan.unknown else ""
    order = ", ".join(dict.fromkeys(cell.power_mode.removeprefix("MODE_") for cell in plan.order))
    lines = {
        "Runs": f"{len(plan.order)}"
        + (f"; {left_out} {'is' if left_out == 1 else 'are'} left out" if left_out else ""),
        "Takes": f"about {control.duration(plan.expected_s)}{guess}, waits for cooling not counted"
        if not plan.open_ended
        else f"not known yet: no earlier run tells the length of {plan.open_ended} of {len(plan.order)}",
        "Ends": "not known yet" if plan.open_ended else f"at about {local_time.clock(ends)} if it begins now",
        "Disk": f"about {plan.disk_mb:.0f} MB",
        "Order": f"mode by mode: {order}; within a mode by chance, seed {spec.seed}, one repeat after the other",
        "Reboots": ", ".join(mode.removeprefix("MODE_") for mode in plan.reboots) or "none needed",
        "At the end": "the board goes back to the mode that it is in when the sweep begins",
    }
    parts = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in lines.items())
    return f'<dl class="orin-plan">{parts}</dl>'


def _reboots(spec: SweepSpec, plan: Plan) -> str:
    modes = ", ".join(mode.removeprefix("MODE_") for mode in plan.reboots)
    if spec.reboot:
        return f"The board reboots by itself for {modes}: every program on it ends each time."
    return f"{modes} come last: the sweep then shows the command for the reboot, waits, and goes on after it."


def jump() -> None:
    """Shows the sweep that this tab has started last, once."""
    made = st.session_state.pop(state.KEY_SWEEP_STARTED, {})
    if "id" in made:
        st.query_params.pop(state.QUERY_NEW, None)
        st.query_params[state.QUERY_SWEEP] = made["id"]


def _start(spec: SweepSpec, plan: Plan) -> None:
    st.session_state.pop(state.KEY_SWEEP_CHECKED, None)
    # A second click ends this run of the script at its next word to Streamlit: what it made is noted without one.
    made: dict[str, str] = {}
    st.session_state[state.KEY_SWEEP_STARTED] = made
    known = {sweep.sweep_id for sweep in list_sweeps(state.settings())}
    try:
        with st.spinner("Into the queue …"):
            made["id"] = control.start(spec, plan, state.settings()).sweep_id
    except (OrinError, OSError) as error:
        unwritten = f"The queue cannot be written: {getattr(error, 'strerror', None) or error}."
        said = (error.message, error.hint) if isinstance(error, OrinError) else (unwritten, "Free disk space.")
        st.session_state[state.KEY_ERROR] = said
        new = [sweep.sweep_id for sweep in list_sweeps(state.settings()) if sweep.sweep_id not in known]
        made |= {"id": new[0]} if new else {}
    st.rerun()


# -- a file ---------------------------------------------------------------------------------------


def _file() -> tuple[dict[str, Any] | None, str]:
    """Shows where a file goes in and returns what it says; None and what is missing where there is none."""
    st.file_uploader(
        "A sweep.json", type=["json"], max_upload_size=1, key=state.KEY_SWEEP_UPLOAD, on_change=_take_upload
    )
    text = st.text_area("Text of the sweep.json", key=state.FORM_SWEEP_TEXT, height=220, placeholder=EXAMPLE)
    st.caption("Paths in full: a browser does not tell in which folder the file lies.")
    if not text.strip():
        return None, "Bring a file, or paste its text."
    try:
        found = json.loads(text)
    except ValueError as error:
        return None, f"This is no JSON: {error}."
    except RecursionError:
        return None, "This is nested too deeply for a sweep."
    return (found, "") if isinstance(found, dict) else (None, "A sweep is a JSON object.")


def _take_upload() -> None:
    """Puts the text of a file where it can be read and changed."""
    upload = st.session_state.get(state.KEY_SWEEP_UPLOAD)
    if upload is None:
        return
    if upload.size > MAX_BYTES:
        st.session_state[state.KEY_ERROR] = (f"{upload.name[:80]} is too large for a sweep.", "Is it another file?")
        return
    st.session_state[state.FORM_SWEEP_TEXT] = upload.getvalue().decode("utf-8", errors="replace")
