"""``python -m orin_core kit-check``: for the first person with a board.

Collects what a board says of itself into one tarball that tests can use as fixtures: read-only
first, then, if allowed, one power mode after the other, then a run of each model. It never reboots.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from orin_core import __version__, catalog
from orin_core.board.identity import identity
from orin_core.board.paths import BoardPaths
from orin_core.board.power import list_modes
from orin_core.diagnosis import kit_collect, kit_runs
from orin_core.diagnosis.kit_bundle import Bundle
from orin_core.diagnosis.kit_scrub import Scrubber
from orin_core.diagnosis.subject import Subject
from orin_core.errors import BadRequest
from orin_core.profiles import STANDARD_S
from orin_core.runs import launcher
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.user_paths import absolute

EXIT_DONE = 0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``kit-check`` to the command line."""
    kit = commands.add_parser("kit-check", help="collect what a board says of itself into one tarball")
    kit.add_argument("--out", type=Path, metavar="FILE.tar.gz", help="default orin-kit-<utc>.tar.gz here")
    kit.add_argument("--yes", action="store_true", help="agree to live mode changes; never to a reboot")
    kit.add_argument("--no-modes", action="store_true", help="change no power mode and do not ask")
    kit.add_argument("--seconds-per-model", type=float, default=STANDARD_S, help="length of each run in s; 0 for none")
    kit.add_argument("--models", help="names or paths with commas between (default: what needs no download)")
    kit.add_argument("--dataset", default=catalog.DATASETS[0].name, help="name or folder of images")
    kit.add_argument("--lines", type=int, default=30, help="tegrastats lines to take each time")
    kit.add_argument("--interval-ms", type=int, default=1000, help="time between them")


def command(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs ``kit-check`` and returns the exit code.

    Raises:
        BadRequest: there is no board here, or the tarball cannot be written.
        BoardBusy: a run holds the board.
        TelemetryError: a Jetson without tegrastats.
    """
    out = _out(arguments.out)
    if arguments.lines < 1 or not 50 <= arguments.interval_ms <= 60_000 or not arguments.seconds_per_model >= 0:
        raise BadRequest("--lines, --interval-ms or --seconds-per-model is out of range.", "Leave them out.")
    subject = Subject.of(settings)
    paths = subject.board()
    bundle = Bundle(Scrubber.of_machine())
    facts = _facts(subject)
    kit = kit_collect.Kit(
        bundle=bundle, paths=paths, root=subject.root, lines=arguments.lines, interval_ms=arguments.interval_ms
    )
    for message in launcher.recover(settings):
        say(message)
    with BoardLock(settings.state_dir) as lock:
        lock.write(Holder(folder=None, runner=ProcessId.of(os.getpid()), worker=None))
        say(f"{facts['board'] or 'This board'}: reading; nothing is changed.")
        facts |= kit.read_only()
        if not arguments.no_modes and _agreed(paths, agreed=arguments.yes):
            facts |= kit.modes(settings.state_dir, say)
    with tempfile.TemporaryDirectory(prefix="orin-kit-") as work:
        if arguments.seconds_per_model > 0:
            # Those that run whatever is on this machine.
            usual = [row.name for row in catalog.MODELS if row.config]
            names = arguments.models.split(",") if arguments.models else usual
            plan = kit_runs.Plan(models=tuple(names), dataset=arguments.dataset, seconds=arguments.seconds_per_model)
            facts["runs"] = kit_runs.run_models(plan, settings, Path(work) / "runs", bundle, say)
    facts["comparisons"] = [dataclasses.asdict(item) for item in kit.comparisons]
    try:
        bundle.write(out, facts)
    except OSError as error:
        raise BadRequest(f"{out} cannot be written: {error.strerror}.", "Name another file with --out.") from error
    _report(kit, out)
    return EXIT_DONE


def say(text: str) -> None:
    """Tells the person how far it is."""
    print(text, file=sys.stderr, flush=True)


def _out(path: Path | None) -> Path:
    """Where the tarball goes; found out to be writable before minutes are spent."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    out = absolute(path or Path(f"orin-kit-{stamp}.tar.gz"))
    if out.exists():
        raise BadRequest(f"{out} is already there.", "Name another file with --out.")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK | os.X_OK):
        raise BadRequest(f"{out.parent} is no folder that can be written.", "Name another file with --out.")
    return out


def _facts(subject: Subject) -> dict[str, Any]:
    board = identity(subject.root)
    return {
        "version": __version__,
        "simulated": subject.simulated,
        "board": "simulated AGX Orin 64 GB" if subject.simulated else board.model,
        "l4t": None if subject.simulated else board.l4t,
        "runs": [],
    }


def _agreed(paths: BoardPaths, *, agreed: bool) -> bool:
    """Whether the person agrees to mode changes; no answer is a no."""
    modes = list_modes(paths)
    if agreed or not modes:
        return bool(modes)
    names = ", ".join(mode.label for mode in modes)
    print(
        f"Set {names} one after the other for a few seconds, and then the present mode again?\n"
        "Only modes that need no reboot are reached; this never reboots. [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _report(kit: kit_collect.Kit, out: Path) -> None:
    differing = [item for item in kit.comparisons if not item.agrees]
    print(f"Agreed with docs/jetson.md: {len(kit.comparisons) - len(differing)} of {len(kit.comparisons)}.")
    for item in differing:
        print(f"  differs  {item.what}: {item.found} here, {item.expected} there")
    print(f"Sysfs reads of a tick: {kit.cost['tick_us']:.0f} µs.")
    print(f"{out}\nLook into it before you pass it on: names, serial numbers and addresses were taken out.")
