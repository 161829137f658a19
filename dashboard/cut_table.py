"""The runs of a log as they are marked: their table, and what is wrong with the cut. Pure."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Sequence

from dashboard.words import figure, length_text
from orin_core.analysis.stretches import Stretch
from orin_core.runs.importing import Proposal, moved_note

_STYLE = """
<style>
.orin-cut { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
.orin-cut th { text-align: right; padding: 4px 10px; font-weight: 600; white-space: nowrap; }
.orin-cut td { text-align: right; padding: 5px 10px; vertical-align: top; white-space: nowrap;
  border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.orin-cut .text { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.orin-cut .small { font-size: 12px; opacity: 0.75; }
</style>
"""
_HEAD = (
    '<tr><th>Run</th><th>Start (s)</th><th>End (s)</th><th>Length</th><th class="text">Mode</th><th>GR3D</th>'
    "<th>Power</th><th>RAM</th><th>FPS</th></tr>"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One run as it is marked now.

    Args:
        number: names its inputs; never used twice for one file.
        start_s: where measure begins, s of the log.
        end_s: where it ends, s of the log.
        items: images of the run, None where nobody said.
    """

    number: int
    start_s: float
    end_s: float
    items: int | None = None


def proposed_cuts(stretches: Iterable[Stretch]) -> list[Cut]:
    """Returns the cut as it is proposed."""
    return [
        Cut(number=number, start_s=stretch.start_s, end_s=stretch.end_s) for number, stretch in enumerate(stretches)
    ]


def what_is_wrong(proposal: Proposal, cuts: Sequence[Cut]) -> str:
    """Returns why a cut cannot be accepted, in one sentence; empty where it can.

    Args:
        proposal: the log.
        cuts: its runs, in order.
    """
    before: Stretch | None = None
    for place, cut in enumerate(cuts, start=1):
        if cut.end_s <= cut.start_s:
            return f"Run {place} ends before it begins."
        stretch = proposal.cut(cut.start_s, cut.end_s)
        if stretch is None:
            return f"Run {place} has less than two ticks: widen it, or leave it out."
        if before is not None and stretch.start_index <= before.end_index:
            return f"Runs {place - 1} and {place} overlap: a tick belongs to one run only."
        before = stretch
    return ""


def cut_table(proposal: Proposal, cuts: Sequence[Cut]) -> str:
    """Returns the runs with their figures as an HTML table; all text is escaped.

    Args:
        proposal: the log.
        cuts: its runs, in order.
    """
    if not cuts:
        return ""
    rows = "".join(_row(proposal, cut, place) for place, cut in enumerate(cuts, start=1))
    return f'{_STYLE}<table class="orin-cut">{_HEAD}{rows}</table>'


def _row(proposal: Proposal, cut: Cut, place: int) -> str:
    stretch = proposal.cut(cut.start_s, cut.end_s) if cut.end_s > cut.start_s else None
    cells = [f"{place}", f"{cut.start_s:,.1f}", f"{cut.end_s:,.1f}"]
    if stretch is None:
        return f'<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}<td colspan="6" class="text">no ticks</td></tr>'
    figures = proposal.figures(stretch)
    seconds = stretch.seconds
    mode = html.escape((stretch.power_mode or "not told").removeprefix("MODE_"))
    moved = moved_note(stretch, proposal.proposed_for(stretch))
    basis = html.escape("; ".join((stretch.mode_basis, *moved, *stretch.notes)))
    numbers = (
        figure(figures["gr3d_pct_mean"], "{:.1f}", " %"),
        figure(figures["power_w_mean"], "{:.2f}", " W"),
        figure(figures["ram_used_mb_mean"], "{:,.0f}", " MB"),
        figure(cut.items / seconds if cut.items and seconds > 0 else None, "{:.2f}"),
    )
    return (
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in (*cells, length_text(seconds)))}"
        f'<td class="text">{mode}<div class="small">{basis}</div></td>'
        f"{''.join(f'<td>{number}</td>' for number in numbers)}</tr>"
    )
