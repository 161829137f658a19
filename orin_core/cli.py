"""Every feature of the pages, as a command.

Exit codes: 0 done, 1 doctor found a problem, 2 bad request, 3 board busy, 4 failed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gzip
import json
import os
import signal
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from orin_core import doctor, hub, kit_check, settings
from orin_core.board.logs import iter_log, open_log
from orin_core.catalog import dataset_row, model_row
from orin_core.errors import BadRequest, OrinError, RunFailed
from orin_core.runs import launcher, log_rows
from orin_core.runs.finish import labels
from orin_core.runs.recording import Recording, find_run, list_runs
from orin_core.settings import Settings
from orin_core.spec import RunSpec, RunState

EXIT_DONE = 0
EXIT_FAILED = 4
EXIT_INTERRUPTED = 130
POLL_S = 0.25


def _run_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    defaults = RunSpec()
    run = commands.add_parser("run", help="run one model once and print its summary")
    run.add_argument("--model", help="catalogue name, hub id, or path of a local model")
    run.add_argument("--dataset", help="catalogue name, hub id, or folder of images")
    run.add_argument("--power-mode", default=defaults.power_mode, help="current (default), an id, or a name")
    length = run.add_mutually_exclusive_group()
    length.add_argument("--items", type=int, help="images to measure")
    length.add_argument("--seconds", type=float, help="length of measure in s (default 60)")
    run.add_argument("--batch-size", type=int, default=defaults.batch_size, help="images per model call")
    run.add_argument("--weights", default=defaults.weights, help="auto (default), cached or random")
    run.add_argument("--images", default=defaults.images, help="auto (default), cached or synthetic")
    run.add_argument("--telemetry", help="auto, tegrastats, host, simulated or replay:FILE[@SPEED]")
    run.add_argument("--interval-ms", type=int, default=defaults.interval_ms, help="time between ticks")
    for name in ("idle", "warmup-min", "warmup-max", "cooldown"):
        default = getattr(defaults, f"{name.replace('-', '_')}_s")
        run.add_argument(f"--{name}-s", type=float, default=default, help=f"length in s (default {default:g})")
    run.add_argument("--lock-clocks", action="store_true", help="hold the clocks at the mode's caps (jetson_clocks)")
    run.add_argument("--seed", type=int, default=defaults.seed, help="of random weights and synthetic images")
    run.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")
    run.add_argument("--offline", action="store_true", help="never look at the network (runs never download)")
    run.add_argument("--detach", action="store_true", help="print the run's id and return at once")
    run.add_argument("--json", action="store_true", help="print exactly summary.json")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orin_core", description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    _run_parser(commands)
    runs = commands.add_parser("runs", help="list runs, newest first")
    runs.add_argument("--json", action="store_true", help="one JSON list")
    runs.add_argument("--runs-dir", type=Path, help="folder of run folders")
    stop = commands.add_parser("stop", help="stop a run")
    stop.add_argument("run", help="its id")
    stop.add_argument("--runs-dir", type=Path, help="folder of run folders")
    fetch = commands.add_parser("fetch", help="download a model or a data set")
    fetch.add_argument("name", help="catalogue name or hub id")
    parse = commands.add_parser("parse", help="turn a tegrastats log into rows")
    parse.add_argument("log", help="text or gzip; - for standard input")
    parse.add_argument("--format", choices=log_rows.FORMATS, default="jsonl", help="scales: the team's own CSV layout")
    parse.add_argument("-o", "--output", type=Path, help="file to write instead of standard output")
    doctor.add_parser(commands)
    kit_check.add_parser(commands)
    return parser


def _spec_of(arguments: argparse.Namespace, config: Settings) -> RunSpec:
    values = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(RunSpec)
        if getattr(arguments, field.name, None) is not None
    }
    spec = RunSpec(**{"telemetry": config.telemetry, **values})
    return dataclasses.replace(
        spec,
        model=_absolute(spec.model, model_row),
        dataset=_absolute(spec.dataset, dataset_row),
        telemetry=_absolute_telemetry(spec.telemetry),
    )


def _absolute(name: str | None, known: Callable[[str], object]) -> str | None:
    """Returns a path as seen from anywhere; names of the catalogue and hub ids are left alone."""
    if name and not known(name) and (name.startswith((".", "~", "/")) or Path(name).exists()):
        return str(Path(name).expanduser().resolve())
    return name


def _absolute_telemetry(text: str) -> str:
    """Returns a replay's log as seen from anywhere."""
    if not text.startswith("replay:"):
        return text
    path, at, speed = text.removeprefix("replay:").rpartition("@")
    if not at or Path(path + at + speed).exists():
        path, at, speed = path + at + speed, "", ""
    return f"replay:{Path(path).expanduser().absolute()}{at}{speed}" if path else text


class _Stopper:
    """The first Ctrl-C stops the run, the second leaves; in force from before the run is started."""

    def __init__(self) -> None:
        self._recording: Recording | None = None
        self.interrupted = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def watch(self, recording: Recording) -> None:
        """Takes the run that has begun, and stops it if Ctrl-C came meanwhile."""
        self._recording = recording
        if self.interrupted:
            self._stop()

    def _stop(self) -> None:
        if self._recording:
            with contextlib.suppress(BadRequest):  # it had just ended
                launcher.stop(self._recording)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            print("\nLeaving; the run stops by itself.", file=sys.stderr)
            raise SystemExit(EXIT_INTERRUPTED)
        self.interrupted = True
        self._stop()
        print("\nStopping the run; once more to leave at once.", file=sys.stderr)


def _progress_line(status: dict[str, Any]) -> str:
    parts = [f"{status.get('phase', ''):8}", f"{status.get('items_done', 0)} items"]
    if status.get("rate_fps"):
        parts.append(f"{status['rate_fps']:.2f} FPS")
    if status.get("time_left_s") is not None:
        parts.append(f"{status['time_left_s']:.0f} s left")
    if status.get("failed_items"):
        parts.append(f"{status['failed_items']} failed")
    return "  ".join(parts)


def _follow(recording: Recording, config: Settings) -> dict[str, Any]:
    """Prints progress until the run has ended and returns its summary.

    Raises:
        RunFailed: the runner was killed and its run cannot be finalised.
    """
    terminal, shown, seen = sys.stderr.isatty(), "", 0
    while (summary := launcher.wait(recording, config, timeout_s=POLL_S)) is None:
        active = launcher.active(config)
        if active is None or active.run_id != recording.run_id:
            break
        status = recording.status()
        notices = status.get("notices", [])
        for notice in notices[seen:]:
            if notice["kind"] != "recovered":  # said at the start already
                print(("\n" if terminal else "") + notice["message"], file=sys.stderr)
        seen = len(notices)
        if terminal:
            print("\r\033[K" + _progress_line(status), end="", file=sys.stderr, flush=True)
        elif status.get("phase", "") != shown:
            shown = status.get("phase", "")
            print(_progress_line(status), file=sys.stderr)
    if terminal:
        print(file=sys.stderr)
    if summary is None:
        launcher.recover(config)
        summary = recording.summary()
    if summary is None:
        raise RunFailed("The runner was killed.", f"What it had written is in {recording.folder}.")
    return summary


def _print_summary(summary: dict[str, Any]) -> None:
    for label in summary["labels"]:
        print(f"NOTE  {label}")
    for key, value in summary.items():
        if key not in ("labels", "notices") and value not in (None, "", []):
            print(f"{key:24} {', '.join(map(str, value)) if isinstance(value, list) else value}")


def _command_run(arguments: argparse.Namespace, config: Settings) -> int:
    spec = _spec_of(arguments, config)
    runs_dir = (arguments.runs_dir or config.runs_dir).expanduser().resolve()
    stopper = None if arguments.detach else _Stopper()
    started = launcher.start(spec, config, runs_dir=runs_dir)
    if stopper:
        stopper.watch(started.recording)
    for notice in started.notices:
        print(notice, file=sys.stderr)
    print(f"run {started.run_id}\nin  {started.folder}", file=sys.stderr)
    for label in labels(started.recording.environment()):
        print(f"NOTE  {label}", file=sys.stderr)
    if stopper is None:
        print(
            json.dumps({"run_id": started.run_id, "folder": str(started.folder)}) if arguments.json else started.run_id
        )
        return EXIT_DONE
    summary = _follow(started.recording, config)
    if arguments.json:
        print(json.dumps(summary, indent=2))
    else:
        _print_summary(summary)
    if summary["state"] not in (RunState.DONE.value, RunState.STOPPED.value):
        print(f"{summary['message']} {summary['hint']}".strip(), file=sys.stderr)
        return EXIT_FAILED
    stopped = stopper.interrupted or summary["state"] == RunState.STOPPED.value
    return EXIT_INTERRUPTED if stopped else EXIT_DONE


def _command_runs(arguments: argparse.Namespace, config: Settings) -> int:
    recordings = list_runs((arguments.runs_dir or config.runs_dir).expanduser().resolve())
    active = launcher.active(config)
    rows = [_run_row(recording, active) for recording in recordings]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return EXIT_DONE
    if not rows:
        print("No runs yet. Start one with: python -m orin_core run --model resnet-152 --dataset cifar100")
    for row in rows:
        fps = "" if row["fps_end_to_end"] is None else f"{row['fps_end_to_end']:.2f} FPS"
        print(
            f"{row['run_id']}  {row['state'] or 'unknown':11}  {fps:>12}  {'SIMULATED BOARD' if row['simulated'] else ''}".rstrip()
        )
    return EXIT_DONE


def _run_row(recording: Recording, active: Recording | None) -> dict[str, Any]:
    summary = recording.summary()
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
    runs_dir = (arguments.runs_dir or config.runs_dir).expanduser().resolve()
    active = launcher.active(config)
    recording = active if active and active.run_id == arguments.run else find_run(runs_dir, arguments.run)
    launcher.stop(recording)
    summary = launcher.wait(recording, config)
    print(f"{recording.run_id}  {summary['state'] if summary else 'killed'}")
    return EXIT_DONE


def _command_fetch(arguments: argparse.Namespace) -> int:
    hub.fetch(arguments.name, lambda progress: print(json.dumps(progress), flush=True))
    return EXIT_DONE


def _command_parse(arguments: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        lines = iter_log(stack.enter_context(open_log(arguments.log)))
        out = stack.enter_context(_opened_for_writing(arguments.output)) if arguments.output else sys.stdout
        try:
            written = log_rows.write_log(lines, out, arguments.format)
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
    if written.strangers:
        print(f"Lines that are no tegrastats lines: {written.strangers}", file=sys.stderr)
    if written.left_out:
        print(
            f"Left out, since first seen after the columns were fixed: {', '.join(written.left_out)}", file=sys.stderr
        )
    for note in written.notes:
        print(note, file=sys.stderr)
    return EXIT_DONE


def _opened_for_writing(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.", "Name another file with -o.") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Args:
        argv: arguments without the program's name; the process's own without it.
    """
    arguments = _parser().parse_args(argv)
    try:
        config = settings.load()
        if arguments.command == "run":
            return _command_run(arguments, config)
        if arguments.command == "runs":
            return _command_runs(arguments, config)
        if arguments.command == "stop":
            return _command_stop(arguments, config)
        if arguments.command == "fetch":
            return _command_fetch(arguments)
        if arguments.command == "doctor":
            return doctor.command(arguments, config)
        if arguments.command == "kit-check":
            return kit_check.command(arguments, config)
        return _command_parse(arguments)
    except OrinError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output, head for example, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
