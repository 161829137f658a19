"""Which power mode for a mission: limits in, the cheapest mode out, and why not the others."""

from __future__ import annotations

import html
from typing import Any

import streamlit as st

from dashboard import address, report_charts, report_table
from dashboard.words import ABSENT, plain, refusal
from orin_core.errors import BadRequest
from orin_core.report import mission
from orin_core.report.figures import digits
from orin_core.report.mission import Candidate, MissionAnswer, Option
from orin_core.report.mission_rows import refusal as why_refused
from orin_core.report.rows import ModelTable

QUERY_CAP_W = "cap_w"
QUERY_FLOOR_FPS = "floor_fps"
QUERY_ORBIT_WH = "orbit_wh"
QUERY_ACTIVE_MIN = "active_min"
QUERY_GROUP = "weigh"
"""Query keys: the four limits as numbers, and which kind of rows is weighed."""
# Kept while another page is shown, as every key that begins with "form_".
FORM_CAP_W = "form_mission_cap_w"
FORM_FLOOR_FPS = "form_mission_floor_fps"
FORM_ORBIT_WH = "form_mission_orbit_wh"
FORM_ACTIVE_MIN = "form_mission_active_min"
KEY_GROUP = "mission_group"
_HEADS = ("Mode", "Note", "FPS", "Power (W)", "J per image", "Images per Wh")
_ORBIT_HEADS = ("Images per orbit", "Wh per orbit", "Ends by")


def show(table: ModelTable) -> None:
    """Shows the view for one model.

    Args:
        table: its results; simulated rows are named and not offered.
    """
    st.subheader("Mission")
    st.caption(
        "The mode that takes the least energy per image under a power cap and above an FPS floor. "
        "Energy is gross of idle: what the board draws anyway is in it."
    )
    cap_w, floor_fps, orbit_wh, active_min = _limits()
    rows = _group(mission.candidates(table), table.slug)
    try:
        answer = mission.options(
            rows,
            power_cap_w=cap_w,
            fps_floor=floor_fps,
            orbit_energy_wh=orbit_wh,
            orbit_active_s=None if active_min is None else active_min * 60,
        )
    except BadRequest as error:
        # An answer to other limits than those in the fields would be taken for theirs.
        st.error(refusal(error.message, error.hint))
        return
    (st.success if answer.best else st.warning)(plain(answer.sentence))
    if answer.best:
        _tiles(answer.best)
        heads = _HEADS if answer.best.items_per_orbit is None else (*_HEADS, *_ORBIT_HEADS)
        cells = [_cells(option)[: len(heads)] for option in answer.options]
        st.html(report_table.STYLE + report_table.plain_table("Modes for the mission", heads, cells))
    if answer.notes:
        st.caption(plain(" ".join(answer.notes)))
    _dropped(answer)
    if answer.offered:
        _charts(answer, cap_w, floor_fps)


def _limits() -> tuple[float | None, float | None, float | None, float | None]:
    """Shows the four limits and returns them; None where a field is empty."""
    fields = (
        ("Power cap (W)", QUERY_CAP_W, FORM_CAP_W, "no cap", "Mean power of the board that may not be passed."),
        ("FPS floor", QUERY_FLOOR_FPS, FORM_FLOOR_FPS, "no floor", "Images per second that are needed, end to end."),
        (
            "Energy per orbit (Wh)",
            QUERY_ORBIT_WH,
            FORM_ORBIT_WH,
            "not asked",
            "This or the active time gives images per orbit.",
        ),
        (
            "Active time per orbit (min)",
            QUERY_ACTIVE_MIN,
            FORM_ACTIVE_MIN,
            "no limit",
            "How long the board may run in one orbit.",
        ),
    )
    found: list[float | None] = []
    for column, (label, name, key, empty, help_text) in zip(st.columns(4), fields, strict=True):
        with column:
            # Without bounds, since the field keeps a value beyond them to itself and the page would answer the one
            # before; and as typed, since two decimals show 0.001 as 0.
            typed: Any = st.number_input(
                label,
                value=None,
                step=1.0,
                format="%g",
                placeholder=empty,
                help=help_text,
                **address.bound(name, key, read=address.read_number, write=address.write_number),
            )
            found.append(None if typed is None else float(typed))
    return found[0], found[1], found[2], found[3]


def _group(rows: tuple[Candidate, ...], slug: str) -> tuple[Candidate, ...]:
    """Returns the rows to weigh; a choice is shown where there are kinds that are not weighed together."""
    kinds = mission.groups(row for row in rows if why_refused(row) is None)
    if len(kinds) < 2:
        return rows
    names = [kind[0].group_text or "real weights and images" for kind in kinds]
    chosen: Any = st.radio(
        "Weigh rows of",
        names,
        horizontal=True,
        help="Such rows are weighed among themselves only.",
        **address.bound(
            QUERY_GROUP,
            f"{KEY_GROUP}_{slug}",  # of its own per model, since each has other kinds
            read=lambda text: text if text in names else names[0],
            write=lambda name: "" if name == names[0] else str(name),
        ),
    )
    place = names.index(chosen) if chosen in names else 0
    return rows if place == 0 else tuple(row for row in rows if row.group == kinds[place][0].group)


def _tiles(best: Option) -> None:
    row = best.candidate
    tiles = [
        ("Mode", row.power_mode or "–", ""),
        ("Energy per image", _figure(row.energy_per_item_j, 3), " J"),
        ("FPS end to end", _figure(row.fps, 2), ""),
        ("Power", _figure(row.power_w, 2), " W"),
        ("Images per Wh", f"{best.items_per_wh:,.0f}", ""),
    ]
    if best.items_per_orbit is not None:
        tiles.append(("Images per orbit", f"{best.items_per_orbit:,}", ""))
        tiles.append(("Energy per orbit", _figure(best.energy_per_orbit_wh, 2), " Wh"))
    cells = (
        f'<div class="orin-figure"><div>{label}</div><b>{html.escape(value)}</b>{unit}</div>'
        for label, value, unit in tiles
    )
    st.html(f'<div class="orin-figures">{"".join(cells)}</div>')


def _figure(value: float | None, decimals: int) -> str:
    return digits(value, decimals) or ABSENT


def _cells(option: Option) -> tuple[str, ...]:
    row = option.candidate
    return (
        row.label,
        ", ".join(row.marks),
        _figure(row.fps, 2),
        _figure(row.power_w, 2),
        _figure(row.energy_per_item_j, 3),
        f"{option.items_per_wh:,.0f}",
        "" if option.items_per_orbit is None else f"{option.items_per_orbit:,}",
        _figure(option.energy_per_orbit_wh, 2),
        option.limited_by or "",
    )


def _dropped(answer: MissionAnswer) -> None:
    if answer.dropped:
        st.html(report_table.STYLE + report_table.listed("Not offered", [one.sentence for one in answer.dropped]))


def _charts(answer: MissionAnswer, cap_w: float | None, floor_fps: float | None) -> None:
    charts = report_charts.pareto(answer, power_cap_w=cap_w, fps_floor=floor_fps)
    names = ("power", "energy")
    for column, chart, name in zip(st.columns(2), charts, names, strict=True):
        with column:
            st.plotly_chart(
                chart,
                key=f"mission_{name}",
                config={"displayModeBar": False},
                alt=f"FPS against {name}, one point for each mode that can be offered",
            )
