"""The simulated board's ``tegrastats``: same flags, same lines as JetPack 6 on AGX Orin."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

from orin_core import settings
from orin_core.board.simulator import conf_text
from orin_core.board.simulator.model import RAM_TOTAL_MB, SWAP_TOTAL_MB, Model, Reading, caps_in_force
from orin_core.board.simulator.state import ZONES, State, prepare, put, start_of

_ENGINES_OFF = "NVENC off NVDEC off NVJPG off NVJPG1 off VIC off OFA off NVDLA0 off NVDLA1 off PVA0_FREQ off APE 174"
_GATED_AFTER_TICKS = 3  # the GPU, and with it its sensor, is off once it was idle this long


def line_of(reading: Reading, averages_mw: dict[str, int], stamp: str, *, root: bool, gated: bool) -> str:
    """Returns the line that tegrastats prints.

    Args:
        reading: the tick.
        averages_mw: mean of every rail since the program started, mW.
        stamp: local time as printed.
        root: whether to print what only root gets (EMC, GPU clock, engines).
        gated: whether the GPU is powered off.
    """
    cores = ",".join("off" if core is None else f"{core[0]}%@{core[1]}" for core in reading.cores)
    clock_mhz = 0 if gated else reading.gpu_mhz
    words = [
        stamp,
        f"RAM {reading.ram_used_mb}/{RAM_TOTAL_MB}MB (lfb 12x4MB)",
        f"SWAP 0/{SWAP_TOTAL_MB}MB (cached 0MB)",
        f"CPU [{cores}]",
        *([f"EMC_FREQ {reading.emc[0]}%@{reading.emc[1]}"] if root else []),
        f"GR3D_FREQ {reading.gr3d_pct}%" + (f"@[{clock_mhz},{clock_mhz}]" if root else ""),
        *([_ENGINES_OFF] if root else []),
        *(f"{zone}@{_printed(reading.temps_c[zone])}C" for zone in ZONES if zone != "gpu" or not gated),
        *(f"{rail} {mw}mW/{averages_mw[rail]}mW" for rail, mw in reading.rails_mw.items()),
    ]
    return " ".join(words)


def _printed(temp_c: float) -> str:
    # The sensors step by 1/32 degree and tegrastats cuts after three digits.
    milli_c = int(temp_c * 32) * 1000 // 32
    return f"{milli_c / 1000:.3f}".rstrip("0").rstrip(".")


class Program:
    """One running tegrastats.

    Args:
        state: the board.
        out: where the lines go.
        interval_s: time between lines, s.
    """

    def __init__(self, state: State, out: TextIO, interval_s: float) -> None:
        self._state = state
        self._out = out
        self._interval_s = interval_s
        self._board = state.read_json("board.json")
        self._written: dict[str, str] = {}
        self._idle_ticks = _GATED_AFTER_TICKS
        self._sums_mw: dict[str, int] = {}

    def run(self) -> None:
        """Prints lines until killed, or until nobody reads them."""
        temps_c = {zone: self._state.number(_zone(zone)) / 1000 for zone in ZONES}
        model = Model(int(self._board.get("seed", 0)), temps_c)
        next_s = last_s = time.monotonic()
        tick = 0
        while True:
            next_s += self._interval_s
            time.sleep(max(0.0, next_s - time.monotonic()))
            now_s = time.monotonic()
            reading = model.step(tick, now_s - last_s, caps_in_force(self._state), self._state.load())
            last_s = now_s
            tick += 1
            self._idle_ticks = 0 if reading.gr3d_pct else self._idle_ticks + 1
            self._publish(reading)
            self._print(tick, self._line(tick, reading))

    def _line(self, tick: int, reading: Reading) -> str:
        for rail, mw in reading.rails_mw.items():
            self._sums_mw[rail] = self._sums_mw.get(rail, 0) + mw
        return line_of(
            reading,
            {rail: total // tick for rail, total in self._sums_mw.items()},
            datetime.datetime.now().astimezone().strftime("%m-%d-%Y %H:%M:%S"),
            root=bool(self._board.get("root", True)),
            gated=self._gated,
        )

    @property
    def _gated(self) -> bool:
        return self._idle_ticks >= _GATED_AFTER_TICKS

    def _publish(self, reading: Reading) -> None:
        """Shows the tick in sysfs too, where a reader without root looks for the GPU's clock."""
        values = {_zone(zone): round(1000 * temp_c) for zone, temp_c in reading.temps_c.items()}
        values["devices/platform/gpu.0/load"] = 10 * reading.gr3d_pct
        values[f"class/devfreq/{conf_text.GPU_DEVICE}/cur_freq"] = 0 if self._gated else reading.gpu_mhz * 1_000_000
        for name, value in values.items():
            if self._written.get(name) != str(value):
                self._written[name] = str(value)
                put(self._state.sys / name, str(value))

    def _print(self, tick: int, line: str) -> None:
        fault = self._state.read_json("faults.json").get("tegrastats") or {}
        if tick > fault.get("die_after", tick):
            self._spend_fault(fault)
            sys.exit(1)
        if tick > fault.get("stall_after", tick):
            self._spend_fault(fault)
            signal.pause()
        if tick % fault.get("garble", tick + 1) == 0:
            line = garbled(line, tick)
        self._out.write(line + "\n")
        self._out.flush()

    def _spend_fault(self, fault: dict[str, object]) -> None:
        if fault.get("once"):
            faults = self._state.read_json("faults.json")
            faults.pop("tegrastats", None)
            self._state.write_json("faults.json", faults)


def _zone(zone: str) -> str:
    return f"class/thermal/thermal_zone{ZONES.index(zone)}/temp"


def garbled(line: str, seed: int) -> str:
    """Returns the line cut somewhere and with a few characters replaced."""
    noise = random.Random(seed)
    cut = list(line[: noise.randrange(len(line))])
    for _ in range(3):
        if cut:
            cut[noise.randrange(len(cut))] = noise.choice("#~?\x00")
    return "".join(cut)


def _stop_all(state: State) -> None:
    for path in (state.folder / "instances").glob("[0-9]*"):
        pid, started = map(int, path.name.split("-"))
        if start_of(pid) == started:
            os.kill(pid, signal.SIGTERM)
        path.unlink(missing_ok=True)


def main(argv: list[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="tegrastats", description="Simulated Jetson AGX Orin.", allow_abbrev=False)
    parser.add_argument("--interval", type=int, default=1000, metavar="MS")
    parser.add_argument("--logfile", type=Path, metavar="FILE")
    parser.add_argument("--stop", action="store_true", help="end every instance on this board")
    parser.add_argument("--readall", action="store_true", help="accepted, no effect")
    parser.add_argument("--verbose", action="store_true", help="accepted, no effect")
    parser.add_argument("--state", type=Path, help="state folder of the simulated board")
    options = parser.parse_args(argv)
    state = prepare(options.state or settings.load().state_dir / "simulator")
    if options.stop:
        _stop_all(state)
        return 0
    if options.interval < 1:
        parser.error("--interval takes 1 ms or more")
    instance = state.folder / "instances" / f"{os.getpid()}-{start_of(os.getpid())}"
    instance.touch()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as stack:
        stack.callback(instance.unlink, missing_ok=True)
        out = sys.stdout
        if options.logfile is not None:
            out = stack.enter_context(open(options.logfile, "a", encoding="ascii"))
        try:
            Program(state, out, options.interval / 1000).run()
        except BrokenPipeError:
            # Who read this is gone; the interpreter must not flush into the pipe once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            pass
    return 0
