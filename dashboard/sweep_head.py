"""Where a sweep stands, in words: its state, how far it is, what goes on, what it waits for. HTML; text is escaped."""

from __future__ import annotations

import dataclasses
import html
import math
import time
from typing import Any

from dashboard.words import short_name
from orin_core.sweeps import control, pace
from orin_core.sweeps.control import StateWord
from orin_core.sweeps.spec import Cell, SweepSpec
from orin_core.sweeps.state import CellState, Progress, Sweep, SweepState

SIMULATED = (
    "<b>Simulated board.</b> FPS is that of this machine and does not follow the power mode; power and temperature are "
    "invented. The matrix shows how a sweep works; nothing in it is ranked."
)
_LOUD = (SweepState.REBOOT, SweepState.FAILED)
"""States whose message must not be overlooked: the page shows it in a box."""
_TONES = {
    StateWord.RUNNING: "busy",
    StateWord.PAUSING: "busy",
    StateWord.DONE: "good",
    StateWord.STALLED: "warn",
    StateWord.REBOOT: "warn",
    StateWord.DONE_WITH_FAILURES: "bad",
    StateWord.FAILED: "bad",
    StateWord.INTERRUPTED: "bad",
}
STYLE = """
<style>
.orin-sweep-note { font-size: 14px; line-height: 1.4; padding: 4px 12px; border-left: 4px solid #c98a00;
  border-radius: 3px; background: color-mix(in srgb, #c98a00 9%, transparent); }
.orin-sweep { display: flex; flex-direction: column; gap: 10px; }
.orin-sweep-bar { height: 8px; border-radius: 4px; overflow: hidden; margin: 6px 0 2px; max-width: 640px;
  background: color-mix(in srgb, currentColor 16%, transparent); }
.orin-sweep-bar div { height: 100%; background: light-dark(#0072b2, #56b4e9); }
.orin-sweep-head { font-size: 14px; line-height: 1.5; overflow-wrap: anywhere; }
.orin-sweep-head .orin-sweep-note { margin-bottom: 8px; }
.orin-sweep-head .badge { display: inline-block; padding: 0 9px; margin-right: 8px; border-radius: 999px;
  font-size: 12px; font-weight: 600; color: #fff; background: #4f6580; }
.orin-sweep-head .badge[data-tone="good"] { background: #00735a; }
.orin-sweep-head .badge[data-tone="bad"] { background: #b3261e; }
.orin-sweep-head .badge[data-tone="busy"] { background: #005a8c; }
.orin-sweep-head .badge[data-tone="warn"] { background: #805300; }
.orin-sweep-head a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
.orin-sweep-waits { font-size: 14px; line-height: 1.5; margin-top: -10px; overflow-wrap: anywhere; }
.orin-sweep-waits:empty, .orin-sweep-lost[hidden] { display: none; }
.orin-sweep-lost { font-size: 14px; font-weight: 600; padding: 4px 12px; border-left: 4px solid #b3261e;
  border-radius: 3px; background: color-mix(in srgb, #b3261e 9%, transparent); }
.orin-sweep[data-silent] > :is(.orin-sweep-head, .orin-sweep-waits, .orin-sweep-matrix) { opacity: 0.45; }
.orin-sweep-told { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
</style>
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A sweep as it stands at a moment.

    Args:
        sweep: its folder.
        spec: what was asked.
        progress: where it stands.
        words: the same in a word or two.
    """

    sweep: Sweep
    spec: SweepSpec
    progress: Progress
    words: StateWord

    @property
    def failed(self) -> bool:
        """Whether a cell of it failed."""
        return any(one.state is CellState.FAILED for one in self.progress.cells.values())

    @property
    def loud(self) -> str:
        """What it says that must not be overlooked; empty where there is nothing of the kind."""
        return self.progress.message if self.progress.state in _LOUD else ""


def present_run(progress: Progress) -> str | None:
    """Returns the run that goes on, or the newest one between two cells, so that its chart stays."""
    attempts = [
        (one.state is CellState.RUNNING, attempt.begun_utc, attempt.run_id)
        for one in progress.cells.values()
        for attempt in one.attempts
        if attempt.run_id
    ]
    return max(attempts)[2] if attempts else None


def head(now: Standing, *, active: str | None, simulated: bool) -> dict[str, str]:
    """Returns the head of the board: its HTML, and what the title of the tab says.

    Args:
        now: how the sweep stands.
        active: id of the run that holds the board; None where none does.
        simulated: whether its runs are made on a simulated board.
    """
    counts = control.counts(now.progress)
    wanted = sum(counts.values()) - counts[CellState.SKIPPED.value]
    done, failed = counts[CellState.DONE.value], counts[CellState.FAILED.value]
    told = [f"{done} of {wanted} runs done"]
    told += [f"{counts[name]} {name}" for name in (CellState.FAILED.value, CellState.SKIPPED.value) if counts[name]]
    pct = 100 * (done + failed) / wanted if wanted else 0.0
    label = f"{done + failed} of {wanted} runs are over"
    text = (
        f'<span class="badge" data-tone="{_TONES.get(now.words, "")}">{html.escape(now.words.value)}</span>'
        f'{html.escape(" · ".join(told))}<span class="orin-sweep-end"></span>'
        f'<div class="orin-sweep-bar" role="progressbar" aria-label="{label}" aria-valuemin="0" '
        f'aria-valuemax="{wanted}" aria-valuenow="{done + failed}"><div style="width: {pct:.1f}%"></div></div>'
        f"{_present(now, active)}"
    )
    note = f'<div class="orin-sweep-note">{SIMULATED}</div>' if simulated else ""
    return {"html": note + text, "title": f"{now.words.value} {done} of {wanted} · {now.spec.name}"}


def _present(now: Standing, active: str | None) -> str:
    """Returns which cell goes on, with a link to its run; of a sweep that nobody works on, where it was."""
    cells = {cell.cell_id: cell for cell in now.spec.cells()}
    parts = []
    for key, one in now.progress.cells.items():
        if one.state is not CellState.RUNNING or key not in cells:
            continue
        run_id = one.attempts[-1].run_id if one.attempts else None
        goes_on = now.words is not StateWord.INTERRUPTED or (run_id is not None and run_id == active)
        link = ""
        if run_id and goes_on:
            link = f' <a href="/?run={html.escape(run_id)}" target="_self">on the Live page</a>'
        words = html.escape(cell_words(cells[key], now.spec))
        parts.append(f"<div>{'Now' if goes_on else 'Was at'}: {words}{link}</div>")
    return "".join(parts)


def cell_words(cell: Cell, spec: SweepSpec) -> str:
    """Returns a cell for people; what all cells have in common is left out."""
    parts = [short_name(cell.model)]
    parts += [short_name(cell.dataset)] if len(spec.datasets) > 1 else []
    parts += [cell.method] if len(spec.methods) > 1 else []
    parts += [cell.precision] if len(spec.precisions) > 1 else []
    parts += [f"batch {cell.batch_size}"] if len(spec.batch_sizes) > 1 else []
    parts.append(cell.power_mode.removeprefix("MODE_"))
    parts += [f"repeat {cell.repeat} of {spec.repeats}"] if spec.repeats > 1 else []
    return " · ".join(parts)


def status(now: Standing) -> dict[str, str]:
    """Returns what a sweep waits for, or why it ended: as it changes every second, and the kind of it, told once."""
    # What a dead process waited for nobody waits for.
    message = "" if now.loud or now.words is StateWord.INTERRUPTED else now.progress.message
    waits = "Waits: " if message and now.words in (StateWord.RUNNING, StateWord.PAUSING, StateWord.STOPPING) else ""
    kind = message.partition(":")[0] if waits else message
    # A message that says itself how the sweep stands is not led in by the same.
    told = kind if kind.startswith("The sweep ") else f"The sweep is {now.words.value}. {kind}".strip()
    return {"text": waits + message, "told": told}


def end(now: Standing) -> dict[str, Any] | None:
    """Returns what the browser counts down to the expected end; None where the sweep has ended.

    ``behind_s`` is how long the cells after the present one take, s, None before that is known; ``cell_end_unix_s``
    when the present one should be over; ``runs`` whether time goes by for the sweep at all.
    """
    if now.words.ended:
        return None
    now_unix_s, planned_s = time.time(), now.sweep.lengths_s()
    left_s = pace.left_s(now.spec, now.progress, planned_s=planned_s, now_unix_s=now_unix_s)
    # At the end of time the present cell is over, and what is left are those behind it.
    behind_s = pace.left_s(now.spec, now.progress, planned_s=planned_s, now_unix_s=math.inf)
    if left_s is None or behind_s is None:
        return {"runs": False, "behind_s": None, "cell_end_unix_s": None}
    if now.words not in _RUNS:
        return {"runs": False, "behind_s": round(left_s), "cell_end_unix_s": None}
    cell_end_unix_s = round(now_unix_s + left_s - behind_s) if left_s > behind_s else None
    return {"runs": True, "behind_s": round(behind_s), "cell_end_unix_s": cell_end_unix_s}


_RUNS = (StateWord.RUNNING, StateWord.PAUSING)
