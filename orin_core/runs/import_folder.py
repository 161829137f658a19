"""One stretch of an old log as a run folder: written beside the others and renamed when it is whole."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from orin_core.analysis.old_logs import OldLog
from orin_core.analysis.stretches import Stretch
from orin_core.board.sample import Tick
from orin_core.errors import BadRequest
from orin_core.runs import finish, store
from orin_core.runs.import_records import (
    SOURCE,
    Facts,
    Plan,
    environment_of,
    plan_of,
    source_of,
    spec_of,
    write_events,
)
from orin_core.runs.recording import Recording, list_runs
from orin_core.spec import RunState

_BESIDE = ".import-"


@contextlib.contextmanager
def only_import(runs_dir: Path) -> Iterator[None]:
    """Holds a folder of runs for one import, and clears what imports that died left in it.

    Another import waits, and then finds what the first one made. The folder itself is locked
    with flock(2), so the kernel frees it however the import ends; where the file system knows no
    locks, imports go on without and nothing is cleared.

    Args:
        runs_dir: folder of run folders; made where it is missing.

    Raises:
        BadRequest: the folder cannot be made or opened.
    """
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(runs_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _not_writable(runs_dir, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            pass
        else:
            for left in runs_dir.glob(f"{_BESIDE}*"):
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def _not_writable(runs_dir: Path, error: OSError) -> BadRequest:
    return BadRequest(
        f"{runs_dir} cannot be written: {error.strerror}.", "Choose another folder (--runs-dir, or ORIN_DATA_DIR)."
    )


def _slug(text: str) -> str:
    name = Path(text.rstrip("/")).name or text
    name = re.sub(r"\.(txt|log|csv)?(\.gz)?$", "", name)
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", name).strip("-")[:32] or "unnamed"


def _run_id(log: OldLog, stretch: Stretch, facts: Facts, first_s: float, salt: int) -> str:
    utc = log.utc_start + datetime.timedelta(seconds=first_s)
    mode = (facts.power_mode or "unknown").removeprefix("MODE_")
    parts = [facts.model or SOURCE, facts.dataset or log.path.name, mode]
    seed = f"{log.sha256} {stretch.start_index} {stretch.end_index} {salt}"
    return "_".join([utc.strftime("%Y%m%dT%H%M%SZ"), *map(_slug, parts), hashlib.sha256(seed.encode()).hexdigest()[:4]])


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A run that an import has made of this file before.

    Args:
        recording: its folder.
        first_line: line of its first tick in the file, from 1.
        last_line: line of its last tick.
    """

    recording: Recording
    first_line: int
    last_line: int


def imported_before(runs_dir: Path, log: OldLog) -> list[Earlier]:
    """Returns the runs that this file, whatever it was called then, has become before."""
    found = []
    for recording in list_runs(runs_dir):
        if recording.spec().get("origin") != SOURCE:
            continue
        event = next((event for event in recording.events() if event["kind"] == SOURCE), {})
        first, last = event.get("first_line"), event.get("last_line")
        if event.get("sha256") == log.sha256 and isinstance(first, int) and isinstance(last, int):
            found.append(Earlier(recording=recording, first_line=first, last_line=last))
    return found


def same_as(earlier: Sequence[Earlier], log: OldLog, stretch: Stretch) -> Recording | None:
    """Returns the run that this very stretch has become before, None where it has not."""
    lines = _lines(log, stretch)
    return next((one.recording for one in earlier if (one.first_line, one.last_line) == lines), None)


def overlaps(earlier: Sequence[Earlier], log: OldLog, stretch: Stretch) -> tuple[str, ...]:
    """Returns one sentence for every earlier run of the same file that shares ticks with a stretch."""
    first, last = _lines(log, stretch)
    return tuple(
        f"Overlaps {one.recording.run_id}, which was imported from the same file (lines {one.first_line} to "
        f"{one.last_line} there, {first} to {last} here): ticks of both count twice in a mean over these runs."
        for one in sorted(earlier, key=lambda one: one.first_line)
        if one.first_line <= last and first <= one.last_line
    )


def _lines(log: OldLog, stretch: Stretch) -> tuple[int, int]:
    return int(log.series.line[stretch.start_index]), int(log.series.line[stretch.end_index])


def write_folder(
    runs_dir: Path, log: OldLog, stretch: Stretch, facts: Facts, *, after: int = -1, before: int | None = None
) -> Recording:
    """Writes one run folder; nothing is left behind where it cannot be written.

    Args:
        runs_dir: folder of run folders, held by :func:`only_import`.
        log: the log.
        stretch: the run.
        facts: what is known of it.
        after: last tick of the run before it, -1 where there is none.
        before: first tick of the run after it; None where there is none.

    Raises:
        BadRequest: the folder cannot be written.
        RunFailed: the disk became full.
    """
    plan = plan_of(log, stretch, after, len(log.series) if before is None else before)
    first_s = float(log.series.t_s[plan.first])
    salt = 0
    while (runs_dir / (run_id := _run_id(log, stretch, facts, first_s, salt))).exists():
        salt += 1
    try:
        beside = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=runs_dir))
    except OSError as error:
        raise _not_writable(runs_dir, error) from error
    try:
        folder = beside / run_id
        folder.mkdir()
        _fill(folder, log, stretch, facts, plan)
        folder.rename(runs_dir / run_id)
    except OSError as error:
        raise BadRequest(f"{runs_dir} cannot be written: {error.strerror}.", "Free disk space.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Recording(folder=runs_dir / run_id)


def _fill(folder: Path, log: OldLog, stretch: Stretch, facts: Facts, plan: Plan) -> None:
    interval_ms = round(log.series.period_s * 1000)
    store.write_json(folder / store.SPEC, spec_of(log, stretch, facts, interval_ms))
    store.write_json(folder / store.ENVIRONMENT, environment_of(log, facts))
    t_s = log.series.t_s
    first_s = float(t_s[plan.first])
    started_utc = store.utc_text(log.utc_start.timestamp() + first_s)
    with store.Recorder(folder, source=source_of(log), replay=True) as recorder:
        garbled, strangers = _write_rows(recorder, log, plan)
        write_events(recorder, log, stretch, facts, plan, started_utc)
        recorder.status(
            {
                "run_id": folder.name,
                "state": RunState.DONE.value,
                "phase": plan.phase(plan.last).value,
                "source": source_of(log),
                "simulated": log.simulated,
                **{key: getattr(facts, key) for key in ("model", "dataset", "power_mode")},
                "weights": None,
                "images": None,
                "items_done": facts.items or 0,
                "items_total": facts.items,
                "failed_items": 0,
                "unparsed_lines": strangers,
                "garbled_lines": garbled,
                "measure_s": round(stretch.seconds, 3),
                "message": "",
                "hint": "",
                "t0_s": 0.0,
                "utc0": started_utc,
                "interval_ms": interval_ms,
                "ticks": recorder.ticks,
                "notices": [],
            }
        )
        recorder.give_up_reserve()
    finish.finish(Recording(folder=folder), state=RunState.DONE, message="", hint="")


def _write_rows(recorder: store.Recorder, log: OldLog, plan: Plan) -> tuple[int, int]:
    """Writes the ticks of a plan and returns how many lines were read in part, and how many were no ticks."""
    first_s = float(log.series.t_s[plan.first])
    tick, garbled, strangers = plan.first, 0, 0
    for now_s, raw, sample in log.rows(plan.first, plan.last):
        if sample is None:
            recorder.raw_line(raw or "")
            strangers += 1
            continue
        row = Tick(t_s=round(now_s - first_s, 3), sample=sample, raw=raw)
        recorder.tick(row, phase=plan.phase(tick).value, items=None, fps=None)
        garbled += sample.read_in_part
        tick += 1
    return garbled, strangers
