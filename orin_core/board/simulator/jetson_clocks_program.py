"""The simulated board's ``jetson_clocks``: same flags, acting on the board's sysfs.

**Source**: the flags of jetson_clocks; a store is one ``path:value`` a line, and an existing one is
overwritten only when its question is answered with ``y``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from orin_core import settings
from orin_core.board.simulator import conf_text
from orin_core.board.simulator.state import State, prepare, put

_ALONE = Path()  # a flag without a file


def _ranges(state: State) -> list[tuple[Path, Path]]:
    """Lowest and highest clock of every core that is on and of the GPU."""
    cpu = state.sys / "devices/system/cpu"
    online = [core for core in range(conf_text.CORES) if state.number(f"devices/system/cpu/cpu{core}/online") == 1]
    folders = [cpu / f"cpu{core}/cpufreq" for core in online]
    gpu = state.sys / "class/devfreq" / conf_text.GPU_DEVICE
    cpu_ranges = [(folder / "scaling_min_freq", folder / "scaling_max_freq") for folder in folders]
    return [*cpu_ranges, (gpu / "min_freq", gpu / "max_freq")]


def _store(state: State, file: Path) -> int:
    if file.exists():
        print(f"File {file} already exists. Can I overwrite it? Y/N: ", end="", flush=True)
        if sys.stdin.readline().strip().lower() != "y":
            print(f"\nError: file {file} already exists!")
            return 1
    paths = [path for pair in _ranges(state) for path in pair]
    file.write_text("".join(f"{path}:{path.read_text().strip()}\n" for path in paths), encoding="ascii")
    return 0


def _restore(state: State, file: Path) -> int:
    if not file.is_file():
        print(f"Error: {file} not found!")
        return 1
    for line in file.read_text(encoding="ascii").splitlines():
        path, _, value = line.rpartition(":")
        if not Path(path).is_relative_to(state.sys):
            print(f"Error: {path} is not of this board")
            return 1
        put(Path(path), value)
    return 0


def _show(state: State) -> int:
    for low, high in _ranges(state):
        print(f"{low.parent}: MinFreq={low.read_text().strip()} MaxFreq={high.read_text().strip()}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="jetson_clocks", description="Simulated Jetson AGX Orin.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--store", nargs="?", type=Path, const=_ALONE, metavar="FILE", help="keep the clocks as they are")
    what.add_argument("--restore", nargs="?", type=Path, const=_ALONE, metavar="FILE", help="put them back")
    what.add_argument("--show", action="store_true", help="print them")
    parser.add_argument("--state", type=Path, help="state folder of the simulated board")
    options = parser.parse_args(argv)
    state = prepare(options.state or settings.load().state_dir / "simulator")
    default = state.folder / "l4t_dfs.conf"
    if options.show:
        return _show(state)
    fault = state.read_json("faults.json").get("jetson_clocks")
    if fault == "not_permitted":
        print("Error: Run this script as a root user")
        return 1
    if options.store is not None:
        return _store(state, default if options.store == _ALONE else options.store)
    if options.restore is not None:
        return _restore(state, default if options.restore == _ALONE else options.restore)
    if fault != "not_applied":
        for low, high in _ranges(state):
            put(low, high.read_text().strip())
    return 0
