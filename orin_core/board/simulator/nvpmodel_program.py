"""The simulated board's ``nvpmodel``: same flags, same output, same traps.

**Source**: output and exit code 234 of nvpmodel when a mode needs a reboot (another TPC mask).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from orin_core import settings
from orin_core.board.nvpmodel_conf import Conf, ModeConf
from orin_core.board.simulator.state import State, prepare

_EXIT_BAD_INPUT = 234
_EXIT_ERROR = 255
_HANG_S = 3600
_TPC_MASK = ("TPC_POWER_GATING", "TPC_PG_MASK")


def _say(text: str) -> None:
    print(text, flush=True)


def _query(conf: Conf, state: State) -> int:
    mode_id = state.mode_id()
    name = next((mode.mode.name for mode in conf.modes if mode.mode.mode_id == mode_id), "UNKNOWN")
    _say(f"NV Power Mode: {name}\n{mode_id}")
    return 0


def _print_modes(conf: Conf, *, verbose: bool) -> int:
    for mode in conf.modes:
        _say(f"NVPM VERB: POWER_MODEL: ID={mode.mode.mode_id} NAME={mode.mode.name}")
        if verbose:
            for (group, name), value in mode.values.items():
                _say(f"NVPM VERB: {group}: {name}: {value}")
    return 0


def _planted(fault: str, state: State, mode: ModeConf) -> int | None:
    """Plays a planted fault; None where there is none."""
    if fault == "refuse":
        _say("NVPM ERROR: failed to set power mode!")
        return _EXIT_ERROR
    if fault == "not_permitted":
        _say("NVPM ERROR: Error opening /var/lib/nvpmodel/status: Permission denied")
        return 1
    if fault == "not_applied":
        # As in a container: everything says yes and nothing changes.
        _say("NVPM WARN: running in a container, the request is ignored")
        state.set_status(mode.mode.mode_id)
        return 0
    if fault == "hang":
        time.sleep(_HANG_S)
    return None


def _set(conf: Conf, state: State, mode_id: int) -> int:
    mode = next((known for known in conf.modes if known.mode.mode_id == mode_id), None)
    if mode is None:
        _say(f"NVPM ERROR: power mode {mode_id} is not in the conf")
        return _EXIT_ERROR
    code = _planted(str(state.read_json("faults.json").get("nvpmodel", "")), state, mode)
    if code is not None:
        return code
    running_mask = int(state.file_of(conf.files[_TPC_MASK]).read_text())
    if mode.values[_TPC_MASK] == running_mask:
        state.apply(conf, mode)
        return 0
    _say(f"NVPM WARN: Reboot required for changing to this power mode: {mode_id}")
    _say("NVPM WARN: DO YOU WANT TO REBOOT NOW? enter YES/yes to confirm:")
    if sys.stdin.readline().strip() not in ("YES", "yes"):
        _say("NVPM ERROR: bad input!")
        return _EXIT_BAD_INPUT
    state.reboot(conf, mode)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="nvpmodel", description="Simulated Jetson AGX Orin.")
    parser.add_argument("-q", "--query", action="store_true", help="print the current mode")
    parser.add_argument("-m", "--mode", type=int, metavar="ID", help="set a mode")
    parser.add_argument("-p", "--parse", action="store_true", help="print the modes of the conf")
    parser.add_argument("--verbose", action="store_true", help="with -p: print what each mode sets")
    parser.add_argument("--state", type=Path, help="state folder of the simulated board")
    options = parser.parse_args(argv)
    state = prepare(options.state or settings.load().state_dir / "simulator")
    conf = state.conf()
    if options.mode is not None:
        return _set(conf, state, options.mode)
    if options.parse:
        return _print_modes(conf, verbose=options.verbose)
    if options.query:
        return _query(conf, state)
    parser.print_help()
    return 0
