"""``python -m tests.bench [NAME ...]``: runs every ``bench_NAME.py`` of this folder and prints its rows.

A bench is a module with ``run() -> list[Row]``. It fails by raising, never by printing an odd figure.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from tests.bench.rows import as_table, machine_facts

PREFIX = "bench_"


def bench_names() -> list[str]:
    """Returns the names of all benches, sorted."""
    return sorted(path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))


def main() -> None:
    """Runs the benches that the command line names, all of them without a name."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(bench_names()))
    names = parser.parse_args().names or bench_names()
    unknown = sorted(set(names) - set(bench_names()))
    if unknown:
        parser.error(f"no bench {', '.join(unknown)}; there are {', '.join(bench_names())}")
    print(machine_facts())
    for name in names:
        module = importlib.import_module(f"tests.bench.{PREFIX}{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        print(as_table(module.run()), flush=True)


if __name__ == "__main__":
    main()
