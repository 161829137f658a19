"""Every feature of the pages, as a command.

Exit codes: 0 done, 1 doctor found a problem, 2 bad request, 3 board busy, 4 failed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from orin_core import (
    cli_bundle,
    cli_compare,
    cli_export,
    cli_fetch,
    cli_import,
    cli_report,
    cli_run,
    cli_sweep,
    doctor,
    kit_check,
    settings,
)
from orin_core.board.logs import Line, iter_log, open_log
from orin_core.errors import BadRequest, OrinError, RunFailed
from orin_core.runs import launcher, log_rows
from orin_core.runs.judged import judged_summary
from orin_core.runs.notes import read_notes, write_notes
from orin_core.runs.recording import Recording, find_run, list_runs
from orin_core.runs.removal import delete_run
from orin_core.settings import Settings
from orin_core.spec import RunState
from orin_core.user_paths import absolute

EXIT_DONE = 0
EXIT_FAILED = 4
EXIT_INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orin_core", description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    cli_run.add_parser(commands)
    cli_sweep.add_parser(commands)
    runs = commands.add_parser("runs", help="list runs, newest first")
    runs.add_argument("--json", action="store_true", help="one JSON list")
    runs.add_argument("--runs-dir", type=Path, help="folder of run folders")
    stop = commands.add_parser("stop", help="stop a run")
    stop.add_argument("run", help="its id")
    stop.add_argument("--runs-dir", type=Path, help="folder of run folders")
    delete = commands.add_parser("delete", help="delete runs and everything in their folders")
    delete.add_argument("run", nargs="+", help="their ids")
    delete.add_argument("--runs-dir", type=Path, help="folder of run folders")
    notes = commands.add_parser("notes", help="print what was noted on a run, or note something")
    notes.add_argument("run", help="its id")
    notes.add_argument("text", nargs="?", help="the new notes; without it they are printed")
    notes.add_argument("--runs-dir", type=Path, help="folder of run folders")
    cli_fetch.add_parser(commands)
    cli_bundle.add_parser(commands)
    parse = commands.add_parser("parse", help="turn a tegrastats log into rows")
    parse.add_argument("log", help="text or gzip; - for standard input")
    parse.add_argument("--format", choices=log_rows.FORMATS, default="jsonl", help="scales: the team's own CSV layout")
    parse.add_argument("-o", "--output", type=Path, help="file to write instead of standard output")
    cli_import.add_parser(commands)
    cli_export.add_parser(commands)
    cli_report.add_parser(commands)
    cli_compare.add_parser(commands)
    doctor.add_parser(commands)
    kit_check.add_parser(commands)
    return parser


def _command_runs(arguments: argparse.Namespace, config: Settings) -> int:
    recordings = list_runs(absolute(arguments.runs_dir or config.runs_dir))
    active = launcher.active(config)
    rows = [_run_row(recording, active) for recording in recordings]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return EXIT_DONE
    if not rows:
        print("No runs yet. Start one with: python -m orin_core run --model resnet-152 --dataset cifar100")
    for row in rows:
        badge = (row.get("verdict") or {}).get("badge", "")
        fps = "" if row["fps_end_to_end"] is None else f"{row['fps_end_to_end']:.2f} FPS"
        # Figures that cannot be true are shown nowhere.
        fps = "refused" if fps and badge == "IMPLAUSIBLE" else fps
        mark = "SIMULATED BOARD" if row["simulated"] else ""
        print(f"{row['run_id']}  {row['state'] or 'unknown':11}  {badge:11}  {fps:>12}  {mark}".rstrip())
    return EXIT_DONE


def _run_row(recording: Recording, active: Recording | None) -> dict[str, Any]:
    summary = judged_summary(recording)
    if summary:
        return {"run_id": recording.run_id, "state": None, "fps_end_to_end": None, "simulated": None, **summary}
    status = recording.status()
    running = active is not None and active.run_id == recording.run_id
    return {
        **{key: status.get(key) for key in ("model", "dataset", "power_mode", "source", "simulated", "weights")},
        "run_id": recording.run_id,
        "state": RunState.RUNNING.value if running else RunState.INTERRUPTED.value,
        "phase": status.get("phase"),
        "items": status.get("items_done"),
        "fps_end_to_end": None,
    }


def _command_stop(arguments: argparse.Namespace, config: Settings) -> int:
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    active = launcher.active(config)
    recording = active if active and active.run_id == arguments.run else find_run(runs_dir, arguments.run)
    launcher.stop(recording)
    summary = launcher.wait(recording, config)
    print(f"{recording.run_id}  {summary['state'] if summary else 'killed'}")
    return EXIT_DONE


def _command_delete(arguments: argparse.Namespace, config: Settings) -> int:
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    # All are found before one is deleted: a typing mistake in the last must not cost the first.
    for recording in [find_run(runs_dir, run_id) for run_id in arguments.run]:
        delete_run(recording, config)
        print(f"{recording.run_id}  deleted")
    return EXIT_DONE


def _command_notes(arguments: argparse.Namespace, config: Settings) -> int:
    recording = find_run(absolute(arguments.runs_dir or config.runs_dir), arguments.run)
    if arguments.text is None:
        print(read_notes(recording))
    else:
        write_notes(recording, arguments.text)
    return EXIT_DONE


def _command_parse(arguments: argparse.Namespace, config: Settings) -> int:
    read_in_part = 0

    def counted(lines: Iterable[Line]) -> Iterator[Line]:
        nonlocal read_in_part
        for line in lines:
            read_in_part += line[2] is not None and line[2].read_in_part
            yield line

    if _same_file(arguments.output, arguments.log):
        raise BadRequest(f"{arguments.log} cannot be read and overwritten at once.", "Name another file with -o.")
    with contextlib.ExitStack() as stack:
        lines = iter_log(stack.enter_context(open_log(arguments.log)))
        out = stack.enter_context(_opened_for_writing(arguments.output)) if arguments.output else sys.stdout
        try:
            written = log_rows.write_log(counted(lines), out, arguments.format)
            out.flush()
        except BrokenPipeError:
            # Whoever read this has seen enough; the interpreter must not flush into the pipe once more.
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
            return EXIT_DONE
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RunFailed(
                f"{arguments.log} cannot be read further: {error}.", "What came before is written."
            ) from error
        except OSError as error:
            raise RunFailed(f"The rows cannot be written: {error.strerror}.", "Is the disk full?") from error
    if written.strangers:
        print(f"Lines that are no tegrastats lines: {written.strangers}", file=sys.stderr)
    if read_in_part:
        print(f"Lines that were read in part, since cut or garbled: {read_in_part}", file=sys.stderr)
    if written.left_out:
        print(
            f"Left out, since first seen after the columns were fixed: {', '.join(written.left_out)}", file=sys.stderr
        )
    for note in written.notes:
        print(note, file=sys.stderr)
    return EXIT_DONE


def _same_file(output: Path | None, log: str) -> bool:
    return output is not None and output.exists() and Path(log).exists() and output.samefile(log)


def _opened_for_writing(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.", "Name another file with -o.") from error


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Settings], int]] = {
    "run": cli_run.command,
    "sweep": cli_sweep.command,
    "runs": _command_runs,
    "stop": _command_stop,
    "fetch": cli_fetch.command,
    "bundle": cli_bundle.command,
    "parse": _command_parse,
    "import": cli_import.command,
    "export": cli_export.command,
    "compare": cli_compare.command,
    "delete": _command_delete,
    "notes": _command_notes,
    "report": cli_report.command,
    "mission": cli_report.command,
    "doctor": doctor.command,
    "kit-check": kit_check.command,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Args:
        argv: arguments without the program's name; the process's own without it.
    """
    arguments = _parser().parse_args(argv)
    try:
        return _COMMANDS[arguments.command](arguments, settings.load())
    except OrinError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output, head for example, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
