"""What watching the board costs: reader, sysfs reads and recorder, and tegrastats beside them.

CPU time, not wall time, so that a busy machine disturbs little. Sysfs is a folder of ordinary files
here; on a board a read also runs the driver behind it. The simulated tegrastats is a Python program:
its cost says nothing of the real one.
"""

from __future__ import annotations

import queue
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from orin_core.board.probe import Probe, ProbeNotice
from orin_core.board.probe_tegrastats import TegrastatsProbe
from orin_core.board.probes import open_probe
from orin_core.board.sample import Tick
from orin_core.board.simulator.state import prepare
from orin_core.board.sysfs import Sysfs
from orin_core.board.tegrastats import parse_line
from orin_core.runs.store import Recorder
from tests.bench.lines import user_lines
from tests.bench.rows import Row

FAST_TICKS = 2000
FAST_INTERVAL_MS = 4
PACED_TICKS = 100
PACED_INTERVAL_MS = 100
MEMORY_TICKS = 100_000
MEMORY_WARM_TICKS = 10_000
THROTTLING_DEVICES = 20  # about what an AGX Orin lists: a cpufreq device per core, alerts, the GPU
TARGET_1_HZ_PCT = 0.2
TARGET_10_HZ_PCT = 1.5
TICK_TIMEOUT_S = 30.0

_STAND_IN = """\
import pathlib, sys, time
interval_s = int(sys.argv[sys.argv.index("--interval") + 1]) / 1000
lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
next_s = time.monotonic()
while True:
    for line in lines:
        next_s = max(next_s + interval_s, time.monotonic())
        time.sleep(next_s - time.monotonic() if next_s > time.monotonic() else 0)
        print(line, flush=True)
"""


def _sysfs_tree(folder: Path) -> Path:
    """A simulated board's sysfs with as many throttling devices as a real one."""
    root = prepare(folder).sys
    for index in range(10, 10 + THROTTLING_DEVICES):
        device = root / f"class/thermal/cooling_device{index}"
        device.mkdir()
        (device / "type").write_text(f"cpufreq-cpu{index}\n")
        (device / "cur_state").write_text("0\n")
    return root


def _watch(probe: Probe, folder: Path, ticks: int, began: Callable[[], None]) -> float:
    """Records ticks of a probe as the runner does; returns this process's CPU time a tick, s.

    Raises:
        RuntimeError: the source said something else than ticks.
    """
    heard: queue.Queue[Tick | ProbeNotice] = queue.Queue()
    folder.mkdir()
    with Recorder(folder, source=probe.source) as recorder:
        probe.start(heard.put)
        try:
            for number in range(-10, ticks):  # the first ones find files and compile expressions
                if number == 0:
                    began()
                    start_s = time.process_time()
                item = heard.get(timeout=TICK_TIMEOUT_S)
                if isinstance(item, ProbeNotice):
                    raise RuntimeError(f"{probe.source}: {item.kind}: {item.message}")
                recorder.tick(item, phase="measure", items=1000, fps=16.7)
            return (time.process_time() - start_s) / ticks
        finally:
            probe.close()


def _fast(folder: Path) -> list[Row]:
    lines, program = folder / "lines.txt", folder / "stand_in.py"
    lines.write_text("\n".join(user_lines(500)) + "\n")
    program.write_text(_STAND_IN)
    sysfs = Sysfs(_sysfs_tree(folder / "fast_board"))
    probe = TegrastatsProbe((sys.executable, str(program), str(lines)), FAST_INTERVAL_MS, sysfs)
    tick_s = _watch(probe, folder / "fast_run", FAST_TICKS, lambda: None)
    how = (
        f"process CPU time of {FAST_TICKS} lines as a user, one every {FAST_INTERVAL_MS} ms, through pipe, parser, "
        f"sysfs ({THROTTLING_DEVICES} throttling devices, GPU clock), queue and both files of the recorder"
    )
    return [
        Row(name="reader + sysfs + recorder", value=1e3 * tick_s, unit="ms/tick", how=how, decimals=3),
        _share("  at 1 Hz, of one core", tick_s, 1, f"the same, once a second; target {TARGET_1_HZ_PCT:g} %"),
        _share("  at 10 Hz, of one core", tick_s, 10, f"the same, ten times; target {TARGET_10_HZ_PCT:g} %"),
    ]


def _share(name: str, tick_s: float, rate_hz: float, how: str) -> Row:
    return Row(name=name, value=100 * tick_s * rate_hz, unit="%", how=how, decimals=3)


def _cpu_s(process: psutil.Process) -> float:
    """CPU time of a process, s; in ns where the kernel counts them, else in clock ticks."""
    try:
        return int(Path(f"/proc/{process.pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except OSError:
        times = process.cpu_times()
        return float(times.user + times.system)


def _paced(folder: Path) -> list[Row]:
    """A real 10 Hz with the simulated tegrastats: caches are cold between ticks."""
    board = folder / "paced_state"
    probe = open_probe("simulated", PACED_INTERVAL_MS, board)
    before: list[tuple[psutil.Process, float]] = []

    def began() -> None:
        before.extend((child, _cpu_s(child)) for child in psutil.Process().children())

    spent_s: list[float] = []

    def close() -> None:
        spent_s.extend(_cpu_s(child) - start_s for child, start_s in before)
        ended()

    ended = probe.close
    probe.close = close  # type: ignore[method-assign]
    tick_s = _watch(probe, folder / "paced_run", PACED_TICKS, began)
    if len(spent_s) != 1:
        raise RuntimeError(f"{len(spent_s)} tegrastats ran, not one.")
    how = f"process CPU time of {PACED_TICKS} ticks at {PACED_INTERVAL_MS} ms"
    rate_hz = 1000 / PACED_INTERVAL_MS
    return [
        _share(
            "paced at 10 Hz, of one core", tick_s, rate_hz, f"{how}, simulated board; target {TARGET_10_HZ_PCT:g} %"
        ),
        _share(
            "SIMULATED tegrastats at 10 Hz",
            spent_s[0] / PACED_TICKS,
            rate_hz,
            "CPU time of its process in the same ticks; a Python stand-in, not NVIDIA's program",
        ),
    ]


def _memory(folder: Path) -> list[Row]:
    lines = user_lines(500)
    sysfs = Sysfs(_sysfs_tree(folder / "memory_board"))
    process = psutil.Process()
    (folder / "memory_run").mkdir()
    warm_mb = 0.0
    with Recorder(folder / "memory_run", source="tegrastats") as recorder:
        for number in range(MEMORY_TICKS):
            if number == MEMORY_WARM_TICKS:
                warm_mb = process.memory_info().rss / 1e6
            raw = lines[number % len(lines)]
            sample = parse_line(raw)
            if sample is None:
                raise RuntimeError(f"This is a tegrastats line: {raw}")
            tick = Tick(t_s=time.monotonic(), sample=sysfs.complete(sample), raw=raw, throttled=sysfs.throttled())
            recorder.tick(tick, phase="measure", items=number, fps=16.7)
    return [
        Row(
            name="RSS growth",
            value=process.memory_info().rss / 1e6 - warm_mb,
            unit="MB",
            how=f"from tick {MEMORY_WARM_TICKS:,} to tick {MEMORY_TICKS:,}: parser, sysfs and recorder, no pipe",
            decimals=2,
        )
    ]


def run() -> list[Row]:
    """Returns CPU time a tick, shares of one core at 1 Hz and 10 Hz, and growth of memory.

    Raises:
        RuntimeError: the source did not deliver what it was asked for.
    """
    with tempfile.TemporaryDirectory(prefix="orin-bench-") as name:
        folder = Path(name)
        return [*_fast(folder), *_paced(folder), *_memory(folder)]
