"""The command ``export``: a run as one file for other programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.runs import exports, launcher
from orin_core.runs.recording import find_run
from orin_core.settings import Settings
from orin_core.user_paths import absolute, expanded

EXIT_DONE = 0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    described = "; ".join(f"{name}: {text}" for name, text in exports.DESCRIPTIONS.items())
    export = commands.add_parser("export", help="write a run as one file: CSV, the team's CSV, Parquet, zip")
    export.add_argument("run", help="its id")
    export.add_argument("--format", choices=exports.FORMATS, required=True, help=described)
    export.add_argument("-o", "--output", type=Path, help="file or folder (default: named by the run, here)")
    export.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")


def command(arguments: argparse.Namespace, config: Settings) -> int:
    """Runs the command and returns its exit code.

    Raises:
        BadRequest: there is no such run, or the file cannot be written there.
        RunFailed: the run is damaged, or the disk is full.
    """
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    active = launcher.active(config)
    recording = active if active and active.run_id == arguments.run else find_run(runs_dir, arguments.run)
    target = expanded(str(arguments.output or Path()))
    if target.is_dir():
        target = target / exports.export_name(recording, arguments.format)
    if not target.parent.is_dir():
        raise BadRequest(f"There is no folder {target.parent}.", "Make it first, or name another file with -o.")
    for note in exports.write_export(recording, arguments.format, target):
        print(note, file=sys.stderr)
    print(target)
    return EXIT_DONE
