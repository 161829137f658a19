"""``python -m tests.soak``: a whole sweep on the simulated board, killed at random instants; takes minutes.

Three tiny models, four power modes, two repeats; reboots are allowed and happen. Prints the seed, what was killed,
and whether every cell has exactly one finished run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from orin_core.sweeps.state import CellState
from tests.conftest import Home
from tests.support_sweep import SweepHome, assert_each_cell_once, kill_at_random

MODELS = ["./tiny-a", "./tiny-b", "./tiny-c"]
MODES = ["MAXN", "50W", "30W", "15W"]


def main() -> None:
    """Runs the sweep and says how it ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--kills", type=int, default=20, help="how often something is killed")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each model in each mode")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of instants and victims")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="orin-soak-") as folder:
        machine = SweepHome(home=Home(root=Path(folder)))
        begin_s = time.monotonic()
        sweep = machine.start(models=MODELS, power_modes=MODES, repeats=asked.repeats, reboot=True)
        print(f"{len(sweep.spec().cells())} cells, {asked.kills} kills, seed {asked.seed}", flush=True)
        try:
            victims = kill_at_random(machine, sweep, kills=asked.kills, seed=asked.seed, longest_s=12.0)
            machine.resume()
            progress = machine.wait_for_end(sweep)
        finally:
            machine.power_cut()
        print(f"killed: {', '.join(f'{count} {name}' for name, count in sorted(victims.items())) or 'nothing'}")
        attempts = sum(len(one.attempts) for one in progress.cells.values())
        print(f"{progress.state.value} after {time.monotonic() - begin_s:.0f} s, {attempts} attempts, ", end="")
        print(f"{len(progress.reboots)} reboots: {', '.join(str(one['mode']) for one in progress.reboots)}")
        for cell_id, one in progress.cells.items():
            if one.state is not CellState.DONE:
                print(f"cell {cell_id} {one.state.value}: {one.reason}")
        assert_each_cell_once(machine, sweep, progress)
        print(f"each of {len(progress.cells)} cells has exactly one finished run")


if __name__ == "__main__":
    main()
