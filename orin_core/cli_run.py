"""The command ``run``: start a run, follow it, print its summary."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from orin_core import cli_cell, resolve
from orin_core.catalog import dataset_row, model_row
from orin_core.errors import BadRequest, OrinError, RunFailed
from orin_core.methods import EXPLAINED
from orin_core.profiles import DEMO_S, FORMAL_S, STANDARD_S
from orin_core.runs import launcher
from orin_core.runs.finish import labels
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import MAX_NOTES, RunSpec, RunState
from orin_core.user_paths import absolute, expanded

EXIT_DONE = 0
EXIT_FAILED = 4
EXIT_INTERRUPTED = 130
POLL_S = 0.25
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_METHODS = "\n".join(f"  {method.value:10} {text}" for method, text in EXPLAINED.items())
RUN_HELP = f"""\
profiles: what a run must reach to be VALID, and the length of measure where none is given
  demo      nothing; never VALID ({DEMO_S:g} s)
  standard  60 s, 60 ticks and 100 images ({STANDARD_S:g} s, or longer until all three are reached)
  formal    600 s, 60 ticks and 100 images ({FORMAL_S:g} s, or longer); to be repeated five times
A shorter run works too, exits 0, and says why it is not VALID.

methods: how batches go through the model
{_METHODS}
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    defaults = RunSpec()
    run = commands.add_parser(
        "run",
        help="run one model once and print its summary",
        description="Runs one model once and prints its summary.",
        epilog=RUN_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "--model",
        help="catalogue name, hub id, path of a local model, or owner/name/file.pt (YOLO)",
    )
    run.add_argument("--dataset", help="catalogue name, hub id, folder of images, parquet, file of prompts, camera:0")
    run.add_argument("--profile", default=defaults.profile, help="demo, standard (default) or formal; see below")
    run.add_argument("--power-mode", default=defaults.power_mode, help="current (default), an id, or a name")
    length = run.add_mutually_exclusive_group()
    length.add_argument("--items", type=int, help="images to measure")
    length.add_argument("--seconds", type=float, help="length of measure in s (default: what the profile needs)")
    run.add_argument("--batch-size", type=int, default=defaults.batch_size, help="images per model call")
    run.add_argument("--method", default=defaults.method, help="how batches go through the model; see below")
    run.add_argument(
        "--precision", default=defaults.precision, help="fp32 (default), tf32, fp16, bf16, or int8 (onnx only)"
    )
    run.add_argument("--preload", action="store_true", help="decode the images before the clock: scope preloaded")
    run.add_argument(
        "--smaller-batch", action="store_true", help="where memory runs out, halve the batch instead of failing"
    )
    run.add_argument("--weights", default=defaults.weights, help="auto (default), cached or random")
    run.add_argument("--images", default=defaults.images, help="auto (default), cached or synthetic")
    run.add_argument("--telemetry", help="auto, tegrastats, host, simulated or replay:FILE[@SPEED]")
    run.add_argument("--interval-ms", type=int, default=defaults.interval_ms, help="time between ticks")
    for name in ("idle", "warmup-min", "warmup-max", "cooldown"):
        default = getattr(defaults, f"{name.replace('-', '_')}_s")
        run.add_argument(f"--{name}-s", type=float, default=default, help=f"length in s (default {default:g})")
    run.add_argument("--lock-clocks", action="store_true", help="hold the clocks at the mode's caps (jetson_clocks)")
    run.add_argument("--seed", type=int, default=defaults.seed, help="of random weights and synthetic images")
    run.add_argument("--notes", default=defaults.notes, help=f"text to keep with the run, up to {MAX_NOTES} characters")
    run.add_argument("--ambient-c", type=float, metavar="C", help="temperature around the board, degree C")
    run.add_argument("--spec", type=Path, metavar="FILE", help="the run as JSON, as in a spec.json; with --out only")
    run.add_argument(
        "--out", type=Path, metavar="DIR", help="with --spec: where its run goes; one that is there is kept"
    )
    run.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")
    run.add_argument("--offline", action="store_true", help="never look at the network (runs never download)")
    run.add_argument("--detach", action="store_true", help="print the run's id and return at once")
    run.add_argument("--json", action="store_true", help="print exactly summary.json")


def _spec_of(arguments: argparse.Namespace, config: Settings) -> RunSpec:
    values = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(RunSpec)
        if getattr(arguments, field.name, None) is not None
    }
    spec = RunSpec(**{"telemetry": config.telemetry, **values})
    return dataclasses.replace(
        spec,
        model=spec.model and resolve.absolute(spec.model, model_row),
        dataset=spec.dataset and resolve.absolute(spec.dataset, dataset_row),
        telemetry=_absolute_telemetry(spec.telemetry),
    )


def _absolute_telemetry(text: str) -> str:
    """Returns a replay's log as seen from anywhere."""
    if not text.startswith("replay:"):
        return text
    path, at, speed = text.removeprefix("replay:").rpartition("@")
    if not at or Path(path + at + speed).exists():
        path, at, speed = path + at + speed, "", ""
    return f"replay:{expanded(path).absolute()}{at}{speed}" if path else text


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
    parts = [
        f"{status.get('phase', ''):8}",
        *([status["step"]] if status.get("step") else []),
        f"{status.get('items_done', 0)} items",
    ]
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
    for line in _judgement(summary):
        print(line)
    for key, value in summary.items():
        if key in ("labels", "notices", "verdict", "diagnosis", "counts", "intervals_95") or value in _NOTHING:
            continue
        print(f"{key:24} {_plain(value)}")


def _plain(value: Any) -> str:
    parts = [f"{name} {part}" for name, part in value.items()] if isinstance(value, dict) else value
    return ", ".join(map(str, parts)) if isinstance(parts, list) else str(parts)


def _judgement(summary: dict[str, Any]) -> list[str]:
    """Returns verdict and diagnosis in lines, every reason and every advice on its own."""
    verdict, diagnosis = summary.get("verdict") or {}, summary.get("diagnosis") or {}
    lines = [f"{verdict['badge']}  {verdict['sentence']}"] if verdict else []
    # A reason that is the sentence itself is not said twice.
    lines += [f"  - {one['text']}" for one in verdict.get("reasons", ()) if one["text"] != verdict["sentence"]]
    lines += [f"  - not known: {text}" for text in verdict.get("unknown", ())]
    lines += [diagnosis["sentence"]] if diagnosis else []
    return lines + [f"  - {text}" for text in diagnosis.get("advice", ())]


def command(arguments: argparse.Namespace, config: Settings) -> int:
    """Runs the command and returns its exit code."""
    if (arguments.spec is None) != (arguments.out is None):
        raise BadRequest("--spec and --out go together.", "Give both: a run as JSON, and where it goes.")
    if arguments.spec is not None:
        return _cell(arguments, config)
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    return _run(_spec_of(arguments, config), runs_dir, arguments, config)[0]


def _cell(arguments: argparse.Namespace, config: Settings) -> int:
    spec, folder = cli_cell.read_spec(arguments.spec), absolute(arguments.out)
    if (found := cli_cell.done_before(spec, folder)) is not None:
        print(f"{found.run_id} is done already.", file=sys.stderr)
        return EXIT_DONE
    try:
        usual, summary = _run(spec, folder, arguments, config)
    except OrinError as error:
        code = cli_cell.exit_code_of(error)
        if code is None:
            raise
        print(str(error), file=sys.stderr)
        return code
    return cli_cell.exit_code(summary, usual)


def _run(spec: RunSpec, runs_dir: Path, arguments: argparse.Namespace, config: Settings) -> tuple[int, dict[str, Any]]:
    """Starts a run and follows it; returns its exit code and its summary, which is empty for one that goes on alone."""
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
        return EXIT_DONE, {}
    summary = _follow(started.recording, config)
    if arguments.json:
        print(json.dumps(summary, indent=2))
    else:
        _print_summary(summary)
    if summary["state"] not in (RunState.DONE.value, RunState.STOPPED.value):
        print(f"{summary['message']} {summary['hint']}".strip(), file=sys.stderr)
        return EXIT_FAILED, summary
    stopped = stopper.interrupted or summary["state"] == RunState.STOPPED.value
    return EXIT_INTERRUPTED if stopped else EXIT_DONE, summary
