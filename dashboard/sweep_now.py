"""What of a sweep changes while it goes on: where it stands, when it ends, its matrix, the chart of its present run."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import html
import time
import zoneinfo
from pathlib import Path

import streamlit as st

from dashboard import report_table, state, sweep_matrix
from dashboard.live_chart import live_chart
from dashboard.words import plain
from orin_core.errors import BadRequest, OrinError
from orin_core.settings import Settings
from orin_core.sweeps import control, matrix, queue
from orin_core.sweeps.matrix import Matrix
from orin_core.sweeps.spec import Cell, SweepSpec
from orin_core.sweeps.state import STATE, CellState, Progress, Sweep, SweepState, find_sweep, list_sweeps

LOOK_S = 2.0
"""Time between two looks at a sweep that goes on, s."""
IDLE_LOOK_S = 6.0
"""The same where nothing goes on: another tab, or the command line, may start something."""

STYLE = """
<style>
.orin-sweep-note { font-size: 14px; line-height: 1.4; padding: 4px 12px; border-left: 4px solid #c98a00;
  border-radius: 3px; background: color-mix(in srgb, #c98a00 9%, transparent); }
.orin-sweep-bar { height: 8px; border-radius: 4px; overflow: hidden; margin: 6px 0 2px; max-width: 640px;
  background: color-mix(in srgb, currentColor 16%, transparent); }
.orin-sweep-bar div { height: 100%; background: light-dark(#0072b2, #56b4e9); }
.orin-sweep-head { font-size: 14px; line-height: 1.5; overflow-wrap: anywhere; }
.orin-sweep-head .badge { display: inline-block; padding: 0 9px; margin-right: 8px; border-radius: 999px;
  font-size: 12px; font-weight: 600; color: #fff; background: #4f6580; }
.orin-sweep-head .badge[data-tone="good"] { background: #00735a; }
.orin-sweep-head .badge[data-tone="bad"] { background: #b3261e; }
.orin-sweep-head .badge[data-tone="busy"] { background: #005a8c; }
.orin-sweep-head a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
</style>
"""
_LOUD = (SweepState.REBOOT, SweepState.FAILED)
"""States whose message must not be overlooked."""
_TONES = {"running": "busy", "done": "good", "failed": "bad", "interrupted": "bad"}


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
    words: str


def standing(sweep: Sweep, settings: Settings) -> Standing:
    """Returns how a sweep stands now.

    Raises:
        BadRequest: one of its files is damaged.
    """
    progress = sweep.progress()
    return Standing(sweep=sweep, spec=sweep.spec(), progress=progress, words=control.state_words(sweep, progress))


def signature(settings: Settings, sweep_id: str | None) -> tuple[object, ...]:
    """Returns what the still part of the page depends on: another one means that the page must be run again.

    Args:
        settings: where sweeps lie.
        sweep_id: the sweep that is shown.
    """
    ids = queue.order(settings)
    return (
        tuple(ids),
        len(list_sweeps(settings)),
        tuple(_word(one, settings) for one in dict.fromkeys([*ids, sweep_id])),
    )


def _word(sweep_id: str | None, settings: Settings) -> str:
    if sweep_id is None:
        return ""
    try:
        sweep = find_sweep(settings, sweep_id)
        return control.state_words(sweep, sweep.progress())
    except BadRequest:
        return "damaged"


def watch(seen: tuple[object, ...], sweep_id: str | None = None) -> None:
    """Runs the page again when something has changed, by whomever; it shows nothing."""
    if signature(state.settings(), sweep_id) != seen:
        st.rerun()


def follow(sweep_id: str, what: str, seen: tuple[object, ...]) -> None:
    """Shows where a sweep stands and its matrix; a fragment that is run every few seconds.

    Args:
        sweep_id: which.
        what: what the cells of the matrix show, a key of ``sweep_matrix.SHOWN``.
        seen: signature of the page as it was drawn; another one runs the whole page again.
    """
    watch(seen, sweep_id)
    settings = state.settings()
    now = standing(find_sweep(settings, sweep_id), settings)
    shown = table_of(now.sweep, settings)
    st.html(_head(now, settings))
    if now.words == "interrupted":
        st.warning("Nobody works on this sweep: its process ended, or the machine was off. **Resume** goes on with it.")
    if now.progress.message and now.progress.state in _LOUD:
        st.warning(plain(now.progress.message))
    st.html(sweep_matrix.table(shown, what))
    if failed := sweep_matrix.failures(shown):
        st.html(report_table.listed("What failed", failed))


def chart(sweep_id: str) -> None:
    """Shows the live chart of the run that goes on; a fragment that is run every few seconds."""
    settings = state.settings()
    progress = find_sweep(settings, sweep_id).progress()
    run_id = _present_run(progress)
    if run_id is None or progress.state is not SweepState.RUNNING:
        st.caption("The live chart comes here when a run of this sweep goes on.")
        return
    active = state.run_finder().active()
    live_chart(
        run=run_id, active=active.run_id if active else None, follow=False, span_s=600, key=state.KEY_SWEEP_CHART
    )


# -- the matrix -----------------------------------------------------------------------------------


def table_of(sweep: Sweep, settings: Settings) -> Matrix:
    """Returns a sweep as a table; made anew only when its state or the runs have changed.

    Raises:
        BadRequest: one of its files is damaged.
    """
    return _table(sweep.folder, settings.runs_dir, _changed_ns(sweep.folder / STATE), _changed_ns(settings.runs_dir))


@functools.lru_cache(maxsize=16)
def _table(folder: Path, runs_dir: Path, changed_ns: int, runs_changed_ns: int) -> Matrix:
    """Reads it; the times are only part of the key."""
    sweep = Sweep(folder=folder)
    progress = sweep.progress()
    return matrix.matrix(sweep.spec(), progress, matrix.summaries(progress, runs_dir))


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


# -- where it stands, in words --------------------------------------------------------------------


def _head(now: Standing, settings: Settings) -> str:
    counts = control.counts(now.progress)
    wanted = sum(counts.values()) - counts[CellState.SKIPPED.value]
    over = counts[CellState.DONE.value] + counts[CellState.FAILED.value]
    told = [f"{counts[CellState.DONE.value]} of {wanted} runs done"]
    told += [f"{count} {name}" for name, count in counts.items() if count and name in ("failed", "skipped")]
    told.append(_end(now, settings))
    pct = 100 * over / wanted if wanted else 0.0
    label = html.escape(f"{over} of {wanted} runs are over")
    return (
        f'<div class="orin-sweep-head"><span class="badge" data-tone="{_TONES.get(now.words, "")}">'
        f"{html.escape(now.words)}</span>{html.escape(' · '.join(part for part in told if part))}"
        f'<div class="orin-sweep-bar" role="progressbar" aria-label="{label}" aria-valuemin="0" '
        f'aria-valuemax="{wanted}" aria-valuenow="{over}"><div style="width: {pct:.1f}%"></div></div>'
        f"{_present(now)}{_waits(now)}</div>"
    )


def _present(now: Standing) -> str:
    """Returns which cell goes on, with a link to its run."""
    cells = {cell.cell_id: cell for cell in now.spec.cells()}
    running = [key for key, one in now.progress.cells.items() if one.state is CellState.RUNNING and key in cells]
    parts = []
    for key in running:
        attempts = now.progress.cells[key].attempts
        run_id = attempts[-1].run_id if attempts else None
        link = f' <a href="/?run={html.escape(run_id)}" target="_self">on the Live page</a>' if run_id else ""
        parts.append(f"<div>Now: {html.escape(cell_words(cells[key], now.spec))}{link}</div>")
    return "".join(parts)


def _waits(now: Standing) -> str:
    """Returns what a sweep waits for, or why it ended; what must not be overlooked has a box of its own."""
    if not now.progress.message or now.progress.state in _LOUD:
        return ""
    waits = "Waits: " if now.progress.state is SweepState.RUNNING else ""
    return f'<div role="status">{waits}{html.escape(now.progress.message)}</div>'


def cell_words(cell: Cell, spec: SweepSpec) -> str:
    """Returns a cell for people; what all cells have in common is left out."""
    parts = [Path(cell.model).name]
    parts += [Path(cell.dataset).name] if len(spec.datasets) > 1 else []
    parts += [f"batch {cell.batch_size}"] if len(spec.batch_sizes) > 1 else []
    parts.append(cell.power_mode.removeprefix("MODE_"))
    parts += [f"repeat {cell.repeat} of {spec.repeats}"] if spec.repeats > 1 else []
    return " · ".join(parts)


def _present_run(progress: Progress) -> str | None:
    """Returns the run that goes on, or the newest one between two cells, so that the chart stays."""
    attempts = [attempt for one in progress.cells.values() for attempt in one.attempts if attempt.run_id]
    return max(attempts, key=lambda attempt: attempt.begun_utc).run_id if attempts else None


# -- when it ends ---------------------------------------------------------------------------------


def _end(now: Standing, settings: Settings) -> str:
    if now.progress.state.ended:
        return ""
    each_s = matrix.pace_s(now.progress) or _planned_each_s(now.sweep.folder, settings)
    if each_s is None:
        return "its end is known once two cells have begun"
    left_s = matrix.left_s(now.progress, each_s=each_s, now_unix_s=time.time())
    length = control.duration(left_s)
    if now.words not in ("running", "pausing"):
        return f"about {length} to go"
    return f"about {length} to go, ends at about {clock(local_now() + datetime.timedelta(seconds=left_s))}"


@functools.lru_cache(maxsize=16)
def _planned_each_s(folder: Path, settings: Settings) -> float | None:
    """Returns how long a cell takes by the plan, s; None where it cannot be planned any more."""
    try:
        planned = control.plan(Sweep(folder=folder).spec(), settings)
    except OrinError:
        return None
    return planned.expected_s / len(planned.order) if planned.order else None


def local_now() -> datetime.datetime:
    """Returns the time of day where the viewer is, else where the server is."""
    try:
        return datetime.datetime.now(zoneinfo.ZoneInfo(str(st.context.timezone)))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.datetime.now().astimezone()


def clock(moment: datetime.datetime) -> str:
    """Returns a time of day, with its day where that is another one."""
    return f"{moment:%H:%M}" if moment.date() == local_now().date() else f"{moment:%H:%M on %a %d %b}"
