"""The command ``sweep``: many runs in order, unattended; and the queue of the board."""

from __future__ import annotations

import argparse
import datetime
import json
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest
from orin_core.report.write import FORMATS
from orin_core.settings import Settings
from orin_core.sweeps import control
from orin_core.sweeps.report import make_report
from orin_core.sweeps.spec import SweepSpec, read_file
from orin_core.sweeps.state import CellState, Progress, Sweep, find_sweep, list_sweeps
from orin_core.user_paths import absolute

EXIT_DONE = 0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    sweep = commands.add_parser("sweep", help="many runs in order, unattended")
    actions = sweep.add_subparsers(dest="action", required=True)
    start = actions.add_parser("start", help="check a sweep file whole and queue it")
    start.add_argument("file", type=Path, help="sweep.json; see docs/sweeps.md")
    start.add_argument("--dry-run", action="store_true", help="check it and say what would come; queue nothing")
    status = actions.add_parser("status", help="where the sweeps stand, or one of them")
    status.add_argument("sweep", nargs="?", help="its id")
    status.add_argument("--json", action="store_true", help="as JSON")
    for name, words in (("pause", "pause after the present cell"), ("stop", "stop now, the present run included")):
        actions.add_parser(name, help=words).add_argument("sweep", help="its id")
    resume = actions.add_parser("resume", help="go on with a sweep, or with the queue after a reboot")
    resume.add_argument("sweep", nargs="?", help="its id")
    move = actions.add_parser("move", help="change the order of the queue")
    move.add_argument("sweep", help="its id")
    move.add_argument("place", type=int, help="1 is the next to run")
    report = actions.add_parser("report", help="results table, batch sizes and repeats, from the run folders alone")
    report.add_argument("sweep", help="its id; its folder need not exist any more")
    report.add_argument("-o", "--output", type=Path, required=True, help="folder to write into")
    report.add_argument("--format", action="append", choices=FORMATS, help="one of them; again for more (default all)")
    report.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")


def _start(arguments: argparse.Namespace, config: Settings) -> int:
    spec = read_file(arguments.file)
    planned = control.plan(spec, config)
    print(control.words(spec, planned, now=datetime.datetime.now().astimezone()))
    if not arguments.dry_run:
        print(control.start(spec, planned, config).sweep_id)
    return EXIT_DONE


def _status(arguments: argparse.Namespace, config: Settings) -> int:
    sweeps = [find_sweep(config, arguments.sweep)] if arguments.sweep else list_sweeps(config)
    if arguments.json:
        print(json.dumps([_document(one) for one in sweeps], indent=2))
        return EXIT_DONE
    if not sweeps:
        print("No sweeps yet. Start one with: python -m orin_core sweep start sweep.json")
    for one in sweeps:
        if arguments.sweep:
            print("\n".join([_line(one, one.progress()), *_cells(one.spec(), one.progress())]))
        else:
            print(_line_or_problem(one))
    return EXIT_DONE


def _line_or_problem(sweep: Sweep) -> str:
    """Returns where a sweep stands; a damaged one does not hide the others."""
    try:
        return _line(sweep, sweep.progress())
    except BadRequest as error:
        return f"{sweep.sweep_id}  {error}"


def _document(sweep: Sweep) -> dict[str, Any]:
    return {"sweep_id": sweep.sweep_id, "wanted": sweep.wanted().value, **sweep.document()}


def _line(sweep: Sweep, progress: Progress) -> str:
    counts = control.counts(progress)
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    line = f"{sweep.sweep_id}  {control.state_words(sweep, progress)}  {told}  {progress.message}".rstrip()
    return f"{line}\n  {progress.command}" if progress.command else line


def _cells(spec: SweepSpec, progress: Progress) -> list[str]:
    found = []
    for cell in spec.cells():
        stands = progress.cells[cell.cell_id]
        work = f"{cell.power_mode} {cell.method} {cell.precision} batch {cell.batch_size}"
        what = f"{cell.model} {cell.dataset} {work} repeat {cell.repeat}"
        more = stands.run_id or stands.reason
        found.append(f"  {cell.cell_id}  {stands.state.value:8}  {what}  {more}".rstrip())
    return found


def _report(arguments: argparse.Namespace, config: Settings) -> int:
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    if not runs_dir.is_dir():
        raise BadRequest(f"There is no folder {runs_dir}.", "Name the folder of the run folders with --runs-dir.")
    out_dir = absolute(arguments.output)
    report = make_report(arguments.sweep, runs_dir, out_dir, formats=arguments.format or FORMATS)
    for path in report.paths:
        print(path)
    if left := report.stale_words(out_dir):
        print(left)
    return EXIT_DONE


def _resume(sweep_id: str | None, config: Settings) -> None:
    if sweep_id is None:
        control.resume(None, config)
        return
    sweep = find_sweep(config, sweep_id)
    progress = sweep.progress()
    control.resume(sweep, config)
    failed = control.counts(progress)[CellState.FAILED.value]
    if progress.state.ended and failed:
        print("1 failed cell is tried again." if failed == 1 else f"{failed} failed cells are tried again.")


def command(arguments: argparse.Namespace, config: Settings) -> int:
    """Runs the command and returns its exit code."""
    if arguments.action == "start":
        return _start(arguments, config)
    if arguments.action == "status":
        return _status(arguments, config)
    if arguments.action == "report":
        return _report(arguments, config)
    if arguments.action == "move":
        control.move(find_sweep(config, arguments.sweep), arguments.place, config)
    elif arguments.action == "resume":
        _resume(arguments.sweep, config)
    elif arguments.action == "pause":
        control.pause(find_sweep(config, arguments.sweep), config)
    else:
        control.stop(find_sweep(config, arguments.sweep), config)
    return EXIT_DONE
