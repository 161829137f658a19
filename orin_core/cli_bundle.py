"""The command ``bundle``: move models and data sets to a machine without internet."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from orin_core.bundle.manifest import Item
from orin_core.bundle.pack import pack
from orin_core.bundle.unpack import unpack
from orin_core.settings import Settings
from orin_core.user_paths import absolute

EXIT_DONE = 0
TELL_EVERY_S = 0.5
BUNDLE_HELP = """\
  on a machine with internet   python -m orin_core fetch resnet-152
                               python -m orin_core bundle pack -o /media/stick/models.tar
  on the kit                   python -m orin_core bundle unpack /media/stick/models.tar

Every file is checked before anything is changed; what is there already is kept. Checksums tell damage, not who packed
it: a YOLO file is a pickle and can run code when it is loaded, so take bundles only from people you trust.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    bundle = commands.add_parser(
        "bundle",
        help="move models and data sets to a machine without internet",
        description="Moves fetched models and data sets to a machine without internet, as one file.",
        epilog=BUNDLE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = bundle.add_subparsers(dest="action", required=True)
    packing = actions.add_parser("pack", help="write a bundle")
    packing.add_argument("--model", action="append", default=[], help="catalogue name, hub id or owner/name/file.pt")
    packing.add_argument("--dataset", action="append", default=[], help="catalogue name or hub id")
    packing.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the bundle")
    unpacking = actions.add_parser("unpack", help="put a bundle into the cache of this machine (HF_HOME)")
    unpacking.add_argument("file", type=Path, help="the bundle")
    for action in (packing, unpacking):
        action.add_argument("--json", action="store_true", help="one JSON object instead of text")


class _Teller:
    """Tells progress on standard error: in place on a terminal, a line for each tenth elsewhere."""

    def __init__(self) -> None:
        self._told: tuple[str, int] = ("", -1)
        self._told_s = float("-inf")

    def __call__(self, what: str, done: int, total: int) -> None:
        text = f"{what}  {done / 1e6:.0f} of {total / 1e6:.0f} MB"
        if sys.stderr.isatty():
            if done >= total or time.monotonic() - self._told_s >= TELL_EVERY_S:
                self._told_s = time.monotonic()
                print(f"\r\033[K{text}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
        elif self._told != (what, step := done * 10 // max(total, 1)):
            self._told = (what, step)
            print(text, file=sys.stderr, flush=True)


def command(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs the command and returns its exit code."""
    path = absolute(arguments.output if arguments.action == "pack" else arguments.file)
    return _pack(arguments, path) if arguments.action == "pack" else _unpack(arguments, path)


def _pack(arguments: argparse.Namespace, path: Path) -> int:
    manifest = pack(arguments.model, arguments.dataset, path, _Teller())
    if arguments.json:
        print(json.dumps({"file": str(path), "size_mb": _mb(path), "items": [_row(one) for one in manifest.items]}))
        return EXIT_DONE
    for item in manifest.items:
        print(f"{item.kind:8} {item.name}  revision {item.revision}")
    print(f"{path}  {_mb(path):.0f} MB")
    return EXIT_DONE


def _unpack(arguments: argparse.Namespace, path: Path) -> int:
    found = unpack(path, _Teller())
    if arguments.json:
        print(json.dumps({"items": [{**_row(one.item), "kept_revision": one.before} for one in found]}))
        return EXIT_DONE
    for one in found:
        kept = "" if one.before is None else f"; revision {one.before} was here already and is kept"
        print(f"{one.item.kind:8} {one.item.name}  revision {one.item.revision}{kept}")
    return EXIT_DONE


def _row(item: Item) -> dict[str, str]:
    return {"kind": item.kind, "name": item.name, "revision": item.revision}


def _mb(path: Path) -> float:
    return round(path.stat().st_size / 1e6, 3)
