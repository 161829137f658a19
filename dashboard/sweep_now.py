"""How a sweep stands at a moment, as the page and its refreshes show it: made once for all tabs while nothing changes.

Whether something has changed is told by looks at the files alone (``stat``), so that a refresh costs no reading.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dashboard import report_table, state, sweep_head, sweep_matrix
from dashboard.sweep_head import Standing
from orin_core.board.probes import resolve_telemetry
from orin_core.errors import BadRequest, OrinError
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import file_version
from orin_core.settings import Settings
from orin_core.sweeps import control, matrix, outcome, queue
from orin_core.sweeps.control import StateWord
from orin_core.sweeps.matrix import Matrix
from orin_core.sweeps.spec import SweepSpec
from orin_core.sweeps.state import SPEC, STATE, WANTED, CellProgress, Progress, Sweep, list_sweeps

LOOK_S = 2.0
"""Time between two looks at a sweep that goes on, s."""
IDLE_LOOK_S = 6.0
"""The same where nothing goes on: another tab, or the command line, may start something."""

Version = tuple[int, int]
_LOCK = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is shown of a sweep, and what the page beside it depends on.

    Args:
        standing: how it stands; None where no sweep is shown, or its files are damaged or gone.
        error: why it cannot be shown, and what can be done; None where it can.
        run_id: the run that goes on, or the newest one between two cells; None where the sweep does not go on.
        parts: what a browser shows, by name: ``page`` names what the page must be run again for, ``head``, ``end``,
            ``status`` and ``matrix`` are what changes by itself.
        tag: names all parts at once.
    """

    standing: Standing | None = None
    error: BadRequest | None = None
    run_id: str | None = None
    parts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tag: str = ""

    @property
    def page(self) -> str:
        """Another one means that the page must be run again."""
        return str(self.parts["page"]["sign"])

    def answer(self, tag: str = "") -> dict[str, Any]:
        """Returns the parts that a browser does not have yet.

        Args:
            tag: names those that it has.
        """
        known = tag.split(".")
        own = self.tag.split(".")
        # A tag of another kind of answer names nothing.
        known = known if len(known) == len(own) else [""] * len(own)
        new = {name: self.parts[name] for name, now, then in zip(self.parts, own, known, strict=True) if now != then}
        return {"tag": self.tag, "now_unix_s": round(time.time(), 1), **new}


def look(settings: Settings, sweep_id: str | None, what: str) -> Moment:
    """Returns how a sweep stands now.

    Args:
        settings: where sweeps and runs lie.
        sweep_id: which, well formed; None for the page without a sweep.
        what: what the cells of the matrix show, a key of ``sweep_matrix.SHOWN``.
    """
    # Many tabs find out at once that something has changed; one of them makes it for all.
    with _LOCK:
        return _moment(settings, sweep_id, what, _fingerprint(settings, sweep_id))


# -- whether something has changed ----------------------------------------------------------------


def _fingerprint(settings: Settings, sweep_id: str | None) -> tuple[object, ...]:
    folder, queue_path = settings.sweeps_dir, settings.sweeps_dir / queue.QUEUE
    queue_version = file_version(queue_path)
    active, conductor = state.run_finder().active(), queue.conductor_of(folder)
    ids = dict.fromkeys([*_order(settings, queue_version), *([sweep_id] if sweep_id else [])])
    return (
        queue_version,
        file_version(folder),
        file_version(settings.runs_dir),
        active.run_id if active else None,
        conductor.pid if conductor else None,
        tuple(_versions(folder / one) for one in ids),
    )


@functools.lru_cache(maxsize=4)
def _order(settings: Settings, version: Version) -> tuple[str, ...]:
    """Reads the queue; its version is only part of the key."""
    return tuple(queue.order(settings))


def _versions(folder: Path) -> tuple[object, ...]:
    """Returns the versions of a sweep's files, and whether the process that works on it is alive."""
    state_version = file_version(folder / STATE)
    conductor = _conductor(folder, state_version)
    alive = conductor is not None and conductor.alive()
    return (state_version, file_version(folder / WANTED), file_version(folder / SPEC), alive)


@functools.lru_cache(maxsize=64)
def _conductor(folder: Path, version: Version) -> ProcessId | None:
    try:
        progress = _progress(folder, version)
    except BadRequest:
        return None
    return ProcessId.from_json(progress.conductor_pid, progress.conductor_start)


@functools.lru_cache(maxsize=64)
def _progress(folder: Path, version: Version) -> Progress:
    return Sweep(folder=folder).progress()


@functools.lru_cache(maxsize=64)
def _spec(folder: Path, version: Version) -> SweepSpec:
    return Sweep(folder=folder).spec()


# -- what is shown then ---------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _moment(settings: Settings, sweep_id: str | None, what: str, fingerprint: tuple[object, ...]) -> Moment:
    """Reads it; the fingerprint is only part of the key."""
    active = state.run_finder().active()
    ids = queue.order(settings)
    shown_ids = dict.fromkeys([*ids, *([sweep_id] if sweep_id else [])])
    stands = {one: _standing(settings.sweeps_dir / one) for one in shown_ids}
    sign: list[object] = [
        [sweep.sweep_id for sweep in list_sweeps(settings)],
        ids,
        [found.words if isinstance(found, Standing) else found.message for found in stands.values()],
        None if active is None or active.spec().get("sweep") in ids else active.run_id,
    ]
    chosen = stands[sweep_id] if sweep_id else None
    if not isinstance(chosen, Standing):
        return _made(Moment(error=chosen), {"page": {"sign": _crc(sign), "pace_s": IDLE_LOOK_S}})
    active_id = active.run_id if active else None
    run_id = sweep_head.present_run(chosen.progress)
    if not (chosen.words in _GOES_ON or (run_id is not None and run_id == active_id)):
        run_id = None
    table = _table(chosen, settings)
    simulated = table.simulated if _has_runs(table) else _is_simulated(chosen.spec, settings)
    has_report = any(one.run_id for one in chosen.progress.cells.values())
    sign += [run_id, has_report, chosen.loud, chosen.progress.command]
    parts = {
        "page": {"sign": _crc(sign), "pace_s": LOOK_S if chosen.words.alive else IDLE_LOOK_S},
        "head": sweep_head.head(chosen, active=active_id, simulated=simulated),
        "end": sweep_head.end(chosen),
        "status": sweep_head.status(chosen),
        "matrix": _matrix_html(table, what, goes_on=run_id is not None),
    }
    return _made(Moment(standing=chosen, run_id=run_id), parts)


_GOES_ON = (StateWord.RUNNING, StateWord.PAUSING, StateWord.STOPPING)


def _made(moment: Moment, parts: Mapping[str, Any]) -> Moment:
    tag = ".".join(_crc(part) for part in parts.values())
    return dataclasses.replace(moment, parts=parts, tag=tag)


def _crc(value: object) -> str:
    return f"{zlib.crc32(json.dumps(value).encode()):x}"


def _standing(folder: Path) -> Standing | BadRequest:
    """Returns how a sweep stands; where that cannot be read, why."""
    sweep = Sweep(folder=folder)
    try:
        if not (folder / STATE).is_file():
            raise BadRequest(f"Sweep {sweep.sweep_id} is not here (any more).", "Choose another one.")
        progress = _progress(folder, file_version(folder / STATE))
        spec = _spec(folder, file_version(folder / SPEC))
        return Standing(sweep=sweep, spec=spec, progress=progress, words=control.state_words(sweep, progress))
    except BadRequest as error:
        return error


def _table(now: Standing, settings: Settings) -> Matrix:
    """Returns a sweep as a table, made anew only where a cell of it or a run folder has changed."""
    cells = tuple(now.progress.cells.items())
    return _table_of(
        now.sweep.folder,
        settings.runs_dir,
        file_version(now.sweep.folder / SPEC),
        file_version(settings.runs_dir),
        cells,
    )


@functools.lru_cache(maxsize=16)
def _table_of(
    folder: Path,
    runs_dir: Path,
    spec_version: Version,
    runs_version: Version,
    cells: tuple[tuple[str, CellProgress], ...],
) -> Matrix:
    progress = Progress(cells=dict(cells))
    return matrix.matrix(_spec(folder, spec_version), progress, outcome.summaries(progress, runs_dir))


def _matrix_html(table: Matrix, what: str, *, goes_on: bool) -> str:
    text = sweep_matrix.table(table, what, goes_on=goes_on)
    failed = sweep_matrix.failures(table)
    return text + (report_table.listed("What failed", failed) if failed else "")


def _has_runs(table: Matrix) -> bool:
    return any(one.status is not None for row in table.rows for cell in row.cells for one in cell.repeats)


def _is_simulated(spec: SweepSpec, settings: Settings) -> bool:
    """Returns whether the runs of a sweep will be made on a simulated board, before there is one that tells."""
    try:
        return resolve_telemetry(str(spec.run.get("telemetry", settings.telemetry))).kind == "simulated"
    except OrinError:
        return False
