"""The command ``import``: old logs become runs."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest, OrinError
from orin_core.runs.importing import Imported, Proposal, check_given, import_runs, propose
from orin_core.settings import Settings
from orin_core.user_paths import absolute, expanded

EXIT_DONE = 0
STANDARD_INPUT = "standard input"
MAX_INPUT_BYTES = 1 << 30
"""Most that is read from standard input; a longer log is named as a file."""
_CHUNK_BYTES = 1 << 20


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    parser = commands.add_parser("import", help="turn old tegrastats logs and CSVs into runs")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="text or CSV, plain or gzip; - is standard input"
    )
    parser.add_argument("--model", help="which model ran")
    parser.add_argument("--dataset", help="which images it was fed")
    parser.add_argument(
        "--items",
        type=_numbers(int),
        action="extend",
        metavar="N[,N...]",
        help="images of each run in order, over all files: one number per run; FPS = N / length",
    )
    parser.add_argument("--power-mode", help="name of the mode; the log's own CPU ceiling wins where it tells another")
    parser.add_argument(
        "--fps", type=_numbers(float), action="extend", metavar="F[,F...]", help="images per second of each run"
    )
    parser.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")
    parser.add_argument(
        "--twice", action="store_true", help="import a run also where one with the same rows came from another file"
    )
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
    """Runs the command and returns its exit code: that of the last file that could not be imported, else 0.

    Raises:
        BadRequest: a value is out of range; then nothing was written.
    """
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    elsewhere = "" if runs_dir == config.runs_dir else f" --runs-dir {shlex.quote(str(runs_dir))}"
    given = {name: getattr(arguments, name) for name in ("model", "dataset", "items", "power_mode", "fps")}
    check_given(**given)
    code = EXIT_DONE
    proposals: list[Proposal] = []
    rows: list[dict[str, Any]] = []
    with _files(arguments.files) as files:
        for path in files:
            code = _propose(path, proposals) or code
        shares, said = _all_shares(given, proposals)
        for note in said:
            print(f"NOTE  {note}", file=sys.stderr)
        for place, proposal in enumerate(proposals):
            own = {**given, **{name: share[place] for name, share in shares.items()}}
            try:
                imported = import_runs(proposal, runs_dir=runs_dir, notes=said, twice=arguments.twice, **own)
            except OrinError as error:
                code = _say(error)
                continue
            rows += [_row(proposal, one) for one in imported]
            if not arguments.json:
                _print(proposal, imported, elsewhere)
            for note in dict.fromkeys(note for one in imported for note in one.notes if note not in said):
                print(f"NOTE  {proposal.log.path.name}: {note}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    return code


@contextlib.contextmanager
def _files(asked: list[Path]) -> Iterator[list[Path]]:
    """Yields the files to read; standard input is kept as one for as long."""
    if Path("-") not in asked:
        yield asked
        return
    with tempfile.TemporaryDirectory(prefix="orin-import-") as folder:
        kept = Path(folder) / STANDARD_INPUT
        try:
            _keep_input(kept)
        except OSError as error:
            raise BadRequest(f"Standard input cannot be kept: {error.strerror}.", "Name a file instead.") from error
        yield [kept if path == Path("-") else path for path in dict.fromkeys(asked)]


def _keep_input(kept: Path) -> None:
    size = 0
    with kept.open("wb") as out:
        while data := sys.stdin.buffer.read(_CHUNK_BYTES):
            size += len(data)
            if size > MAX_INPUT_BYTES:
                raise BadRequest(
                    f"Standard input holds more than {MAX_INPUT_BYTES >> 20} MB.", "Save it, and name the file."
                )
            out.write(data)


def _propose(path: Path, proposals: list[Proposal]) -> int:
    """Adds a log's proposal to the list and returns 0, else says what is wrong and returns its exit code."""
    try:
        proposals.append(propose(expanded(str(path))))
    except OrinError as error:
        return _say(error)
    return EXIT_DONE


def _say(error: OrinError) -> int:
    print(error, file=sys.stderr)
    return error.exit_code


def _all_shares(
    given: dict[str, Any], proposals: list[Proposal]
) -> tuple[dict[str, list[list[Any] | None]], tuple[str, ...]]:
    """Returns each log's part of items and FPS, and what to say where they are not one per run."""
    runs = sum(len(proposal.stretches) for proposal in proposals)
    shares: dict[str, list[list[Any] | None]] = {}
    said = []
    for name in ("items", "fps"):
        values: list[Any] = given[name] or []
        if values and len(values) != runs:
            said.append(
                f"--{name} names {len(values)} {'value' if len(values) == 1 else 'values'}; there "
                f"{'is 1 run' if runs == 1 else f'are {runs} runs'} in {len(proposals)} "
                f"{'file' if len(proposals) == 1 else 'files'}. None is used: give one per run, in order."
            )
            values = []
        shares[name] = _shares(values, proposals)
    return shares, tuple(said)


def _shares(values: list[Any], proposals: list[Proposal]) -> list[list[Any] | None]:
    rest = list(values)
    shares: list[list[Any] | None] = []
    for proposal in proposals:
        count = len(proposal.stretches)
        shares.append(rest[:count] or None)
        rest = rest[count:]
    return shares


def _row(proposal: Proposal, one: Imported) -> dict[str, Any]:
    return {
        **(one.recording.summary() or {}),
        "run_id": one.recording.run_id,
        "folder": str(one.recording.folder),
        "file": str(proposal.log.path),
        "already_imported": one.already,
        "same_rows": one.alike,
        "start_s": round(one.stretch.start_s, 3),
        "end_s": round(one.stretch.end_s, 3),
        "cut_basis": one.stretch.cut_basis,
        "mode_basis": one.recording.environment().get("power_mode_basis"),
        "notes": list(one.notes),
    }


def _print(proposal: Proposal, imported: list[Imported], elsewhere: str) -> None:
    """Prints what came of a log.

    Args:
        proposal: the log.
        imported: its runs.
        elsewhere: the option that names their folder in other commands; empty where that is the usual one.
    """
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
    if any(one.alike for one in imported):
        print("    Import it as a run of its own all the same with --twice.")
    if there := [one.recording for one in imported if one.already and not one.alike]:
        ids = " ".join(recording.run_id for recording in there)
        print(
            "    What is there stays as it is. To change its model, images or mode delete it and import again:\n"
            f"    python -m orin_core delete {ids}{elsewhere}"
        )


def _figure(summary: dict[str, Any], key: str, form: str) -> str:
    value = summary.get(key)
    return "" if value is None else form.format(value)
