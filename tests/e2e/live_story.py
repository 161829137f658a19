"""A run that a test writes as a runner writes it: what it shows is known to the digit."""

from __future__ import annotations

import csv
import dataclasses
import os
import threading
import time

from orin_core.board.sample import Tick
from orin_core.board.tegrastats import parse_line
from orin_core.runs import store
from orin_core.runs.journal import Journal
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.processes import ProcessId
from orin_core.runs.progress import Progress
from orin_core.spec import Phase, RunSpec, to_json
from tests.e2e.conftest import Server

PHASES = ((Phase.IDLE, 0.0), (Phase.LOAD, 20.0), (Phase.WARMUP, 24.0), (Phase.MEASURE, 40.0))
FPS = 16.0
THROTTLED_S = (90.0, 100.0)
GAP_S = (110.0, 118.0)
ENVIRONMENT = {
    "source": "simulated",
    "simulated": True,
    "model": "resnet-152",
    "dataset": "cifar100",
    "power_mode": "MAXN",
    "weights": "random",
    "images": "synthetic",
    "throttle_c": 99.0,
}


def line_at(elapsed_s: float) -> str:
    """One line of a busy AGX Orin whose values follow from the time."""
    turn = round(elapsed_s)
    busy = elapsed_s >= 40
    gr3d = 90 + turn % 9 if busy else 0
    hot = min(97.0, 50 + 0.4 * elapsed_s) + turn % 3 / 10
    cores = ",".join(f"{(turn * 7 + 13 * core) % 101}%@2201" for core in range(11))
    rails = (9000 + 400 * (turn % 7) if busy else 1500, 2400 + 50 * (turn % 5), 3900, 700)
    names = ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO")
    return (
        f"03-01-2026 12:00:00 RAM {11_400 + turn % 40 if busy else 9600}/62840MB (lfb 31x4MB) "
        f"SWAP 12/31420MB (cached 0MB) CPU [{cores},off] EMC_FREQ {30 + turn % 6}%@3199 "
        f"GR3D_FREQ {gr3d}%@[1300,1300] cpu@{hot - 4:.1f}C soc2@{hot - 7:.1f}C soc0@{hot - 8:.1f}C gpu@{hot - 2:.1f}C "
        f"tj@{hot:.1f}C soc1@{hot - 6:.1f}C "
        + " ".join(f"{name} {mw}mW/{mw}mW" for name, mw in zip(names, rails, strict=True))
    )


@dataclasses.dataclass
class Story:
    """A run that holds the board as long as the test wants, written as a runner writes it.

    Args:
        server: whose folders it is written into.
        behind_s: how long it has gone on, s.
        fps: whether it counts images.
    """

    server: Server
    behind_s: float
    fps: bool = True
    lock: BoardLock | None = None
    beat: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.over = threading.Event()

    def begin(self) -> Story:
        settings = self.server.home.settings
        self.lock = BoardLock(settings.state_dir)
        self.run_id = "20260301T120000Z_resnet-152_cifar100_MAXN_0a1b"
        self.folder = settings.runs_dir / self.run_id
        self.folder.mkdir(parents=True)
        spec = RunSpec(model="resnet-152", dataset="cifar100", seconds=600, telemetry="simulated")
        store.write_json(self.folder / store.SPEC, to_json(spec))
        self.recorder = store.Recorder(self.folder, source="simulated")
        self.recorder.t0_s -= self.behind_s
        self.recorder.utc0_s -= self.behind_s
        self.progress = Progress(spec)
        self.journal = Journal(
            self.folder, spec=spec, recorder=self.recorder, progress=self.progress, environment=dict(ENVIRONMENT)
        )
        self.lock.write(Holder(folder=self.folder, runner=ProcessId.of(os.getpid()), worker=None))
        for phase, start_s in PHASES:
            self.progress.enter(phase, self.recorder.t0_s + start_s)
            self.recorder.event("phase", self.recorder.t0_s + start_s, phase=phase.value)
        for second in range(round(self.behind_s)):
            if not GAP_S[0] <= second < GAP_S[1]:
                self.tick(float(second))
        self.journal.write_status(None, force=True)
        self.beat = threading.Thread(target=self._go_on, daemon=True)
        self.beat.start()
        return self

    def _go_on(self) -> None:
        while not self.over.wait(1.0):
            self.tick()
            self.journal.write_status(None, force=True)

    def still(self) -> None:
        """Stops the rows; what has been written stays as it is."""
        self.over.set()
        if self.beat:
            self.beat.join()

    def tick(self, elapsed_s: float | None = None) -> None:
        """Writes the row of a time, of now where none is named."""
        t_s = time.monotonic() if elapsed_s is None else self.recorder.t0_s + elapsed_s
        elapsed_s = t_s - self.recorder.t0_s
        sample = parse_line(line_at(elapsed_s))
        assert sample is not None
        assert not sample.read_in_part
        measured = self.fps and elapsed_s >= 45
        if measured:
            self.recorder.batch_rows([[t_s - 0.06, t_s, "measure", 1, 58.0, 60.0 + round(elapsed_s) % 5]], [1])
        self.recorder.tick(
            Tick(t_s=t_s, sample=sample, throttled=THROTTLED_S[0] <= elapsed_s < THROTTLED_S[1]),
            phase=next(phase.value for phase, start_s in reversed(PHASES) if elapsed_s >= start_s),
            items=round((elapsed_s - 40) * FPS) if elapsed_s >= 40 else None,
            fps=FPS + round(elapsed_s) % 3 / 10 if measured else None,
        )

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader((self.folder / store.RUN_CSV).read_text().splitlines()))

    def end(self) -> None:
        self.still()
        if self.lock:
            self.lock.__exit__(None, None, None)
            self.recorder.__exit__(None, None, None)
            self.lock = None
