"""The page of the machine: what doctor finds, in groups, and how to let a user switch power modes."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import html
from collections.abc import Sequence

import streamlit as st

from dashboard import state
from orin_core import doctor
from orin_core.doctor import Check, State
from orin_core.errors import OrinError
from orin_core.settings import Settings

KEY_CHECK = "system_check"

# A sign and a word each, since colour alone tells some people nothing.
_SIGNS = {State.OK: "✔ ok", State.WARNING: "⚠ warning", State.PROBLEM: "✖ problem"}

_STYLE = """
<style>
.orin-checks { border-collapse: collapse; width: 100%; font-size: 14px; }
.orin-checks th { text-align: left; padding: 14px 8px 4px; font-size: 15px; }
.orin-checks td { padding: 5px 8px; vertical-align: top; overflow-wrap: anywhere;
  border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.orin-checks td:nth-child(1) { white-space: nowrap; width: 7rem; font-weight: 600; }
.orin-checks td:nth-child(2) { white-space: nowrap; width: 11rem; }
.orin-checks ul { margin: 2px 0 2px 1.2rem; padding: 0; font-size: 13px; opacity: 0.85; }
.orin-checks .hint { opacity: 0.8; }
.orin-checks [data-state="warning"] td:nth-child(1) { color: light-dark(#8f5a00, #e8a33d); }
.orin-checks [data-state="problem"] td:nth-child(1) { color: color-mix(in srgb, #e0342b 80%, currentColor); }
.orin-checks [data-state="ok"] td:nth-child(1) { color: color-mix(in srgb, #1f9d55 80%, currentColor); }
</style>
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What doctor found, and when.

    Args:
        checks: in the order in which they are shown.
        utc: when they were made.
    """

    checks: tuple[Check, ...]
    utc: datetime.datetime


@functools.cache
def _kept() -> dict[Settings, Report]:
    """The last report, shared by all tabs of this server."""
    return {}


def page() -> None:
    """Shows the last report, and makes one when the button is pressed, unless a run is measured."""
    settings = state.settings()
    st.subheader("System")
    st.caption(doctor.NOT_CONFIRMED)
    measuring = state.run_finder().active() is not None
    if measuring:
        st.info("A run is being measured, and checking this machine would disturb it.")
    if st.button("Check this machine", key=KEY_CHECK, type="primary", disabled=measuring):
        with st.spinner("Looking at the board, two ticks of telemetry, torch, disk and clock…"):
            checks = tuple(doctor.run_checks(settings))
        _kept()[settings] = Report(checks=checks, utc=datetime.datetime.now(datetime.timezone.utc))
    report = _kept().get(settings)
    if report is None:
        st.info(
            "Nothing was checked yet. A check takes a few seconds and changes nothing; "
            "on the command line it is `python -m orin_core doctor`."
        )
    else:
        st.caption(f"{counts(report.checks)}. Checked {report.utc:%Y-%m-%d %H:%M:%S} UTC.")
        st.html(_STYLE + table(report.checks))
    _switching(settings)


def counts(checks: Sequence[Check]) -> str:
    """Returns how many checks are in which state, in words."""
    return ", ".join(f"{sum(check.state is known for check in checks)} {known.value}" for known in State)


def table(checks: Sequence[Check]) -> str:
    """Returns the checks as an HTML table, a heading for each group; all text is escaped."""
    rows: list[str] = []
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            rows.append(f'<tr><th colspan="3">{html.escape(group)}</th></tr>')
        rows.append(_row(check))
    return f'<table class="orin-checks">{"".join(rows)}</table>'


def _row(check: Check) -> str:
    details = "".join(f"<li>{html.escape(detail)}</li>" for detail in check.details)
    found = html.escape(check.message)
    found += f"<ul>{details}</ul>" if details else ""
    found += f'<div class="hint">→ {html.escape(check.hint)}</div>' if check.hint else ""
    sign = _SIGNS[check.state]
    return (
        f'<tr data-state="{check.state.value}"><td>{sign}</td><td>{html.escape(check.name)}</td><td>{found}</td></tr>'
    )


def _switching(settings: Settings) -> None:
    """Shows how a user is allowed to switch power modes, and nothing else."""
    with st.expander("Let a user switch power modes without a password"):
        st.markdown(
            "Reading needs no right; setting a mode needs root. The file below allows exactly one command for each "
            "mode of this board's conf. Write it, check it with `visudo -c -f FILE`, install it as its head says:"
        )
        st.code("python -m orin_core doctor --sudoers > orin-sudoers", language="bash")
        try:
            text = doctor.sudoers(settings)
        except (OrinError, OSError) as error:
            st.info(str(error))
        else:
            st.code(text, language=None)
