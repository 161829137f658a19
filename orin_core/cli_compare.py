"""The command ``compare``: several runs against the first, and who is better where that may be said."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.report.differences import Compared, Differences, differences
from orin_core.report.figures import COLUMNS, Column, signed_pct
from orin_core.report.overlay import MAX_RUNS, MIN_RUNS
from orin_core.report.rows import columns_of
from orin_core.runs import launcher
from orin_core.runs.recording import Recording, find_run
from orin_core.settings import Settings
from orin_core.user_paths import absolute

EXIT_DONE = 0
_CELL = 64
"""Longer texts (notes, names) are cut, so that the columns stay in sight."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    compare = commands.add_parser("compare", help="two to eight runs side by side, each against the first")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="their ids; the first is what others are held against")
    compare.add_argument("--json", action="store_true", help="one JSON object")
    compare.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")


def command(arguments: argparse.Namespace, config: Settings) -> int:
    """Runs the command and returns its exit code.

    Raises:
        BadRequest: too few or too many runs, or there is no such run.
    """
    run_ids = list(dict.fromkeys(arguments.runs))
    if not MIN_RUNS <= len(run_ids) <= MAX_RUNS:
        count = f"{len(run_ids)} run{'' if len(run_ids) == 1 else 's'}"
        raise BadRequest(f"{count} cannot be compared.", f"Name {MIN_RUNS} to {MAX_RUNS} different ones.")
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    active = launcher.active(config)
    found = differences([_recording(run_id, runs_dir, active) for run_id in run_ids])
    print(json.dumps(_document(found), indent=2) if arguments.json else "\n".join(_lines(found)))
    return EXIT_DONE


def _recording(run_id: str, runs_dir: Path, active: Recording | None) -> Recording:
    return active if active is not None and active.run_id == run_id else find_run(runs_dir, run_id)


# -- JSON -----------------------------------------------------------------------------------------


def _document(found: Differences) -> dict[str, Any]:
    return {
        "runs": [_run(one) for one in found.runs],
        "differing": {name: list(texts) for name, texts in found.differing.items()},
        "same": found.same,
        "results": {name: list(texts) for name, texts in found.results.items()},
        "ranking": list(found.ranking),
        "not_ranked": list(found.not_ranked),
    }


def _run(one: Compared) -> dict[str, Any]:
    row = one.row
    return {
        "run_id": one.run_id,
        "letter": one.letter,
        "model": row.model if row else None,
        "power_mode": row.power_mode if row else None,
        "validity": row.validity if row else None,
        "labels": list(row.labels) if row else [],
        "figures": {column.field: row.figure(column.field) for column in COLUMNS} if row else {},
        "intervals_95": {field: list(ends) for field, ends in row.intervals.items()} if row else {},
        "differences": {field: dataclasses.asdict(difference) for field, difference in one.differences.items()},
        "against_reference": dataclasses.asdict(row.against) if row and row.against else None,
        "notes": list(one.notes),
    }


# -- text -----------------------------------------------------------------------------------------


def _lines(found: Differences) -> list[str]:
    lines = []
    for one in found.runs:
        marks = [*(one.row.labels if one.row else ()), one.row.validity if one.row else "not finished"]
        lines.append(f"{one.letter}  {one.run_id}  {', '.join(dict.fromkeys(filter(None, marks)))}")
    rows = [_cells(column, found) for column in columns_of(one.row for one in found.runs)]
    lines += ["", *_table(["", *(one.name for one in found.runs)], rows)]
    for title, texts in (("In what they differ", found.differing), ("What else they came to", found.results)):
        if texts:
            rows = [[name, *(" ".join(cell.split())[:_CELL] for cell in cells)] for name, cells in texts.items()]
            lines += ["", *_table([title, *(one.name for one in found.runs)], rows)]
    lines += ["", found.same] if found.same else []
    lines += ["", "? behind a difference: not more than chance, or nobody may say so; the reasons are below."]
    said = [*found.ranking, *(f"Not ranked: {why}" for why in found.not_ranked)]
    said += [f"{one.letter} against {found.runs[0].letter}: {note}." for one in found.runs for note in one.notes]
    return [*lines, "", *said] if said else lines


def _cells(column: Column, found: Differences) -> list[str]:
    cells = [column.heading]
    for one in found.runs:
        text = one.row.cell(column) if one.row else ""
        difference = one.differences.get(column.field)
        if difference is not None and (percent := signed_pct(difference.difference_pct)):
            text += f" ({percent}{'' if difference.distinguishable else ' ?'})"
        cells.append(text)
    return cells


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (heads, *rows)
    ]
