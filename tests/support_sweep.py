"""A sweep on the simulated board with everything killed at random instants, and what must hold at its end."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from orin_core.runs.recording import list_runs
from orin_core.sweeps.state import CellState, Progress, Sweep, find_sweep
from tests.conftest import Home, wait_for
from tests.support import write_images, write_tiny_model

SHORT = {"idle_s": 0.2, "warmup_min_s": 0, "warmup_max_s": 0, "cooldown_s": 0.2, "interval_ms": 100}
FOR_LONG_S = 1200.0


@dataclasses.dataclass(frozen=True)
class SweepHome:
    """A machine of its own with a tiny model and a few images.

    Args:
        home: its folders.
    """

    home: Home

    def file(self, **changes: Any) -> Path:
        """Writes a sweep file; keys that are given replace those of a short sweep."""
        root = self.home.root
        if not (root / "images").exists():
            write_images(root / "images", 4, size_px=32)
        for name in changes.get("models", ["./tiny"]):
            if name.startswith("./") and not (root / name).exists():
                write_tiny_model(root / name)
        document = {
            "name": "try",
            "models": ["./tiny"],
            "datasets": ["./images"],
            "power_modes": ["MAXN"],
            "profile": "demo",
            "cooldown_at_most_s": 0,
            "run": {"weights": "random", "items": 20, **SHORT},
            **changes,
        }
        path = root / "sweep.json"
        path.write_text(json.dumps(document))
        return path

    def start(self, **changes: Any) -> Sweep:
        """Starts a sweep by the command line."""
        done = self.home.cli("sweep", "start", str(self.file(**changes)))
        assert done.returncode == 0, done.stderr
        return find_sweep(self.home.settings, done.stdout.split()[-1])

    def resume(self) -> None:
        """Goes on with the queue, as after a reboot of the machine."""
        done = self.home.cli("sweep", "resume")
        assert done.returncode == 0, done.stderr

    def wait_for_end(self, sweep: Sweep, *, timeout_s: float = FOR_LONG_S) -> Progress:
        """Waits for the end of a sweep and of the process that works on it."""
        wait_for(lambda: sweep.progress().state.ended and not self.home.processes(), "the sweep's end", timeout_s)
        return sweep.progress()

    def boot_id(self) -> str:
        """What changes with every boot of the simulated board."""
        return (self.home.settings.state_dir / "simulator" / "boot_id").read_text()

    def power_cut(self) -> int:
        """Kills every process of this machine at once; returns how many there were."""
        pids = list(self.home.processes())
        for pid in pids:
            kill(pid)
        wait_for(lambda: not self.home.processes(), "no process is left")
        return len(pids)


def kill(pid: int) -> None:
    """Kills a process; it may be gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill_at_random(machine: SweepHome, sweep: Sweep, *, kills: int, seed: int, longest_s: float) -> Counter[str]:
    """Kills one process, or all, at random instants and goes on each time.

    Args:
        machine: whose processes.
        sweep: what goes on there.
        kills: how often.
        seed: of instants and victims.
        longest_s: longest time between two kills, s.

    Returns:
        How often each kind of process was the victim.
    """
    dice, victims = random.Random(seed), Counter[str]()
    for _ in range(kills):
        time.sleep(dice.uniform(0.05, longest_s))
        if sweep.progress().state.ended:
            break
        found = machine.home.processes()
        if dice.random() < 0.2:
            victims["all"] += machine.power_cut() > 0
        elif found:
            pid = dice.choice(sorted(found))
            victims[kind_of(found[pid])] += 1
            kill(pid)
        machine.resume()
    return victims


def kind_of(command: str) -> str:
    """Returns what a process is, by its command line."""
    parts = ("sweeps.conductor", "runs.runner", "inference.worker", "tegrastats", "nvpmodel")
    return next((part for part in parts if part in command), "other")


def assert_each_cell_once(machine: SweepHome, sweep: Sweep, progress: Progress) -> None:
    """Asserts that every cell has exactly one finished run, the one that its state names."""
    wanted = {cell.cell_id for cell in sweep.spec().cells() if not cell.excluded}
    assert {cell_id for cell_id, one in progress.cells.items() if one.state is CellState.DONE} == wanted
    finished: Counter[str] = Counter()
    for recording in list_runs(machine.home.settings.runs_dir):
        spec, summary = recording.spec(), recording.summary()
        if spec.get("sweep") == sweep.sweep_id and summary and summary["state"] == "done":
            finished[str(spec["cell"])] += 1
            assert progress.cells[str(spec["cell"])].run_id == recording.run_id
    assert finished == Counter(dict.fromkeys(wanted, 1))
