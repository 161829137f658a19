"""The results of one sweep as tables and pictures, from its run folders alone.

Which runs belong to it their ``spec.json`` says, so the sweep folder may be gone; and nothing of the
moment is written, so the same runs give the same files whoever makes them and whenever.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.report import table
from orin_core.report.agreement import SETTINGS, settings_of
from orin_core.report.csv_table import safe_text
from orin_core.report.rows import ModelTable, Row
from orin_core.report.run_facts import RunFacts, run_facts
from orin_core.report.sections import Frame, Section
from orin_core.report.write import FORMATS, Report, write_tables
from orin_core.runs.recording import Recording, list_runs
from orin_core.sweeps import batches, repeats
from orin_core.sweeps.state import SWEEP_ID

REPEATS_CSV, BATCHES_CSV = "repeats.csv", "batch_sizes.csv"
SIMULATED = (
    "On the simulated board FPS does not follow the power mode: it is that of the machine that ran the models. Power, "
    "and so energy per image, is invented."
)
_SWEPT = ("dataset", "batch", "method", "precision")
"""Settings that a sweep varies on purpose; model and mode are none."""
_OF_METHOD = ("in_flight", "provider")
"""Settings that follow from the method."""
_NAMED = 10
"""So many cells without a finished run are named, and the others counted."""


def runs_of(sweep_id: str, runs_dir: Path) -> list[Recording]:
    """Returns the runs of a sweep, oldest first.

    Args:
        sweep_id: name of its folder.
        runs_dir: folder of run folders.

    Raises:
        BadRequest: the id is malformed, or no run names it.
    """
    if not SWEEP_ID.fullmatch(sweep_id):
        raise BadRequest("This is no sweep id.", "List them with: python -m orin_core sweep status")
    found = [recording for recording in list_runs(runs_dir) if recording.spec().get("sweep") == sweep_id]
    if not found:
        raise BadRequest(
            f"No run in {runs_dir} is of sweep {sweep_id}.", "See: python -m orin_core sweep status, or use --runs-dir."
        )
    return sorted(found, key=lambda recording: recording.run_id)


def make_report(sweep_id: str, runs_dir: Path, out_dir: Path, *, formats: Sequence[str] = FORMATS) -> Report:
    """Writes the report of a sweep; of one that goes on it holds what has ended so far.

    Args:
        sweep_id: name of its folder, which need not exist any more.
        runs_dir: folder of run folders.
        out_dir: where the report goes; made where it is missing.
        formats: ``md``, ``html``, ``csv``.

    Raises:
        BadRequest: there is no such sweep or no finished run of it, a format is unknown, or the folder cannot be
            written.
        RunFailed: the disk is full or gone.
    """
    recordings = runs_of(sweep_id, runs_dir)
    tables = tuple(_told(one) for one in table.build(recordings) if one.has_runs)
    if not tables:
        raise BadRequest(
            f"No run of sweep {sweep_id} has figures yet.", f"See: python -m orin_core sweep status {sweep_id}"
        )
    facts = [one for recording in recordings if (one := run_facts(recording)) is not None]
    cells = {recording.run_id: str(recording.spec().get("cell")) for recording in recordings}
    return write_tables(
        tables, recordings, out_dir, formats=formats, frame=_frame(sweep_id, tables, recordings, facts, cells)
    )


# -- around the tables ----------------------------------------------------------------------------


def _frame(
    sweep_id: str,
    tables: Sequence[ModelTable],
    recordings: Sequence[Recording],
    facts: Sequence[RunFacts],
    cells: Mapping[str, str],
) -> Frame:
    repeated = {one.model: repeats.of_table(one, facts) for one in tables}
    curves = {model: batches.curves(found) for model, found in repeated.items()}
    sections: dict[str | None, tuple[Section, ...]] = {}
    for one in tables:
        found = (batches.section(one, curves[one.model]), repeats.section(repeated[one.model], cells))
        sections[one.model] = tuple(section for section in found if section is not None)
    files = {
        REPEATS_CSV: _csv(
            repeats.csv_header(), (row for one in repeated.values() for row in repeats.csv_rows(one, cells))
        )
    }
    if any(curves.values()):
        files[BATCHES_CSV] = _csv(
            batches.csv_header(), (row for one in curves.values() for row in batches.csv_rows(one))
        )
    return Frame(
        command=f"python -m orin_core sweep report {sweep_id}",
        lead=(*_lead(sweep_id, recordings, facts, cells), *(w for one in tables for w in _unlike(one, facts))),
        sections=sections,
        csv_files=files,
    )


def _lead(
    sweep_id: str, recordings: Sequence[Recording], facts: Sequence[RunFacts], cells: Mapping[str, str]
) -> tuple[str, ...]:
    finished = {cells[run.run_id] for run in facts if not run.broken}
    missing = {
        cells[recording.run_id]: recording for recording in recordings if cells[recording.run_id] not in finished
    }
    runs = "1 run folder" if len(recordings) == 1 else f"{len(recordings)} run folders"
    of_cells = f"{len(finished)} of {len(finished) + len(missing)} cells that were begun"
    lead = [
        f"Sweep {sweep_id}, from its {runs} alone: {of_cells} have a finished run.",
        "Of cells that never had a run nothing is known here.",
    ]
    if missing:
        named = [f"{cell} ({_how_it_ended(recording)})" for cell, recording in sorted(missing.items())]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        lead.append(f"Without a finished run: {', '.join(named[:_NAMED])}{more}.")
    return tuple(lead)


def _unlike(one: ModelTable, facts: Sequence[RunFacts]) -> list[str]:
    """Says in what the runs of a model differ that the sweep did not vary: their rows stay apart for it."""
    found: dict[str, set[str]] = {}
    for run in facts:
        if run.model == one.model and not run.broken:
            for key, value in settings_of(run).items():
                found.setdefault(key, set()).add(value or "not known")
    on_purpose = (*_SWEPT, *_OF_METHOD) if len(found.get("method", ())) > 1 else _SWEPT
    differing = [
        f"{setting.name} ({', '.join(sorted(found[setting.key]))})"
        for setting in SETTINGS
        if setting.key not in on_purpose and len(found.get(setting.key, ())) > 1
    ]
    if not differing:
        return []
    return [
        f"The runs of {one.label} differ in what the sweep did not vary: {', '.join(differing)}.",
        "Rows that differ in it are neither averaged nor put on one line.",
    ]


def _how_it_ended(recording: Recording) -> str:
    summary = recording.summary()
    if summary is None:
        return "no summary yet"
    message = str(summary.get("message") or "").rstrip(".")
    return ": ".join(part for part in (str(summary.get("state") or "no state"), message) if part)


def _told(one: ModelTable) -> ModelTable:
    """Returns a table that says what its simulated rows are worth."""
    if not any(_is_simulated(row) for row in one.rows):
        return one
    rows = tuple(
        dataclasses.replace(row, remarks=(*row.remarks, SIMULATED)) if _is_simulated(row) else row for row in one.rows
    )
    return dataclasses.replace(one, caption=f"{one.caption} {SIMULATED}", rows=rows)


def _is_simulated(row: Row) -> bool:
    return bool(row.run_ids) and row.settings.get("telemetry") == "simulated board"


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([safe_text(cell) for cell in row] for row in rows)
    return buffer.getvalue()
