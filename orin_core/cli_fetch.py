"""The command ``fetch``: download a model or a data set."""

from __future__ import annotations

import argparse
import json

from orin_core import hub
from orin_core.settings import Settings

EXIT_DONE = 0
FETCH_HELP = """\
One JSON object per line says how far it is, sizes in MB (10^6 bytes). What was cut off, by Ctrl-C or by the network,
goes on where it was when the command is given again.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command with its options."""
    fetch = commands.add_parser(
        "fetch",
        help="download a model or a data set",
        description="Downloads a model or a data set into the Hugging Face cache (HF_HOME).",
        epilog=FETCH_HELP,
    )
    fetch.add_argument("name", help="catalogue name, hub id, or a YOLO file on the hub (owner/name/file.pt)")
    fetch.add_argument("--size", action="store_true", help="only ask the hub how large it is")


def command(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs the command and returns its exit code."""
    hub.fetch(arguments.name, lambda progress: print(json.dumps(progress), flush=True), size_only=arguments.size)
    return EXIT_DONE
