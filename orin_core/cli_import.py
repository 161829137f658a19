"""The command ``import``: old logs become runs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from orin_core.errors import OrinError
from orin_core.runs.importing import Imported, Proposal, import_runs, propose
from orin_core.settings import Settings

EXIT_DONE = 0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    parser = commands.add_parser("import", help="turn old tegrastats logs and CSVs into runs")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="text or CSV, plain or gzip")
    parser.add_argument("--model", help="which model ran")
    parser.add_argument("--dataset", help="which images it was fed")
    parser.add_argument(
        "--items",
        type=_numbers(int),
        action="extend",
        metavar="N[,N...]",
        help="images of each run in order, over all files; FPS = N / length",
    )
    parser.add_argument("--power-mode", help="name of the mode; the log's own CPU ceiling wins where it tells another")
    parser.add_argument(
        "--fps", type=_numbers(float), action="extend", metavar="F[,F...]", help="images per second of each run"
    )
    parser.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")
    parser.add_argument("--json", action="store_true", help="print one JSON list of the runs with their summaries")


def _numbers(kind: Any) -> Any:
    """Returns a reader of one number or several with commas between."""

    def read(text: str) -> list[Any]:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no number, nor numbers with commas between") from error

    return read


def command(arguments: argparse.Namespace, config: Settings) -> int:
    """Runs the command and returns its exit code: that of the last file that could not be imported, else 0."""
    runs_dir = (arguments.runs_dir or config.runs_dir).expanduser().resolve()
    code = EXIT_DONE
    proposals: list[Proposal] = []
    for path in arguments.files:
        code = _propose(path.expanduser(), proposals) or code
    runs = sum(len(proposal.stretches) for proposal in proposals)
    shares = {name: _shares(getattr(arguments, name), proposals, runs) for name in ("items", "fps")}
    rows: list[dict[str, Any]] = []
    for place, proposal in enumerate(proposals):
        try:
            imported = import_runs(
                proposal,
                runs_dir=runs_dir,
                model=arguments.model,
                dataset=arguments.dataset,
                items=shares["items"][place],
                power_mode=arguments.power_mode,
                fps=shares["fps"][place],
            )
        except OrinError as error:
            code = _say(error)
            continue
        rows += [_row(proposal, one) for one in imported]
        if not arguments.json:
            _print(proposal, imported)
        for note in dict.fromkeys(note for one in imported for note in one.notes):
            print(f"NOTE  {proposal.log.path.name}: {note}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    return code


def _propose(path: Path, proposals: list[Proposal]) -> int:
    """Adds a log's proposal to the list and returns 0, else says what is wrong and returns its exit code."""
    try:
        proposals.append(propose(path))
    except OrinError as error:
        return _say(error)
    return EXIT_DONE


def _say(error: OrinError) -> int:
    print(error, file=sys.stderr)
    return error.exit_code


def _shares(values: list[Any] | None, proposals: list[Proposal], runs: int) -> list[list[Any] | None]:
    """Returns each log's part of the values given; all of them to each where they do not go round, for its note."""
    if not values or len(values) != runs:
        return [values or None] * len(proposals)
    shares: list[list[Any] | None] = []
    rest = list(values)
    for proposal in proposals:
        count = len(proposal.stretches)
        shares.append(rest[:count])
        rest = rest[count:]
    return shares


def _row(proposal: Proposal, one: Imported) -> dict[str, Any]:
    return {
        **(one.recording.summary() or {}),
        "run_id": one.recording.run_id,
        "folder": str(one.recording.folder),
        "file": str(proposal.log.path),
        "already_imported": one.already,
        "start_s": round(one.stretch.start_s, 3),
        "end_s": round(one.stretch.end_s, 3),
        "mode_basis": one.recording.environment().get("power_mode_basis"),
        "notes": list(one.notes),
    }


def _print(proposal: Proposal, imported: list[Imported]) -> None:
    count = len(imported)
    print(f"{proposal.log.path.name}: {count} {'run' if count == 1 else 'runs'}")
    for one in imported:
        summary = one.recording.summary() or {}
        stretch = one.stretch
        figures = [
            _figure(summary, "gr3d_pct_mean", "GR3D {:.1f} %"),
            _figure(summary, "power_w_mean", "{:.2f} W"),
            _figure(summary, "ram_used_mb_mean", "RAM {:.0f} MB"),
            _figure(summary, "fps_end_to_end", "{:.2f} FPS"),
        ]
        basis = one.recording.environment().get("power_mode_basis")
        print(
            f"  {stretch.start_s:.0f} to {stretch.end_s:.0f} s ({stretch.seconds:.0f} s)  "
            f"{summary.get('power_mode') or 'mode unknown'} ({basis})  {'  '.join(filter(None, figures))}"
        )
        print(f"    {'already imported as' if one.already else 'run'} {one.recording.run_id}")
    if any(one.already for one in imported):
        print("    What is there stays as it is; remove its folder to import it with other options.")


def _figure(summary: dict[str, Any], key: str, form: str) -> str:
    value = summary.get(key)
    return "" if value is None else form.format(value)
