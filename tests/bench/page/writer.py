"""``python -m tests.bench.page.writer``: a run that goes on, as its folder and the board's lock show it.

It holds the board and writes through the recorder as a runner does, but takes its readings from a table: hours of
rows behind it cost seconds. One JSON line says that it is ready; it leaves when its standard input is closed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import select
import sys
import time
from pathlib import Path
from typing import Any

from orin_core.board.sample import Tick
from orin_core.runs import store
from orin_core.runs.columns import Layout
from orin_core.runs.journal import Journal
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.progress import Progress
from orin_core.runs.store import Recorder
from orin_core.spec import Phase, RunSpec, to_json
from tests.bench.page import history

LOOK_S = 0.2
_ENVIRONMENT = {
    "source": "simulated",
    "simulated": True,
    "model": "resnet-152",
    "dataset": "cifar100",
    "power_mode": "MAXN",
    "weights": "random",
    "images": "synthetic",
    "throttle_c": 99.0,
    "ram_total_mb": 62_840,
}


class Writer:
    """A run in the middle of measure.

    Args:
        runs_dir: where its folder is made.
        hours: how long it has gone on, h.
        behind_ms: time between the rows behind it, ms.
        interval_ms: time between the rows from now on, ms.
        lock: the board, held.
    """

    def __init__(self, runs_dir: Path, *, hours: float, behind_ms: int, interval_ms: int, lock: BoardLock) -> None:
        behind_s = hours * 3600
        self.interval_s = interval_ms / 1000
        spec = RunSpec(
            model="resnet-152",
            dataset="cifar100",
            seconds=behind_s + 6 * 3600,
            telemetry="simulated",
            interval_ms=interval_ms,
        )
        stamp = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)
        self.folder = runs_dir / f"{stamp:%Y%m%dT%H%M%SZ}_resnet-152_cifar100_MAXN_{round(hours):04x}"
        self.folder.mkdir(parents=True)
        store.write_json(self.folder / store.SPEC, to_json(spec))
        self.recorder = Recorder(self.folder, source="simulated")
        self.recorder.t0_s -= behind_s
        self.recorder.utc0_s -= behind_s
        self.progress = Progress(spec)
        self.journal = Journal(
            self.folder, spec=spec, recorder=self.recorder, progress=self.progress, environment=_ENVIRONMENT
        )
        lock.write(Holder(folder=self.folder, runner=self.journal.me, worker=None))
        self._rows_behind(round(behind_s * 1000 / behind_ms), behind_ms / 1000)
        self._phases_behind()
        self.batch_end_s = time.monotonic()

    def _rows_behind(self, rows: int, interval_s: float) -> None:
        first = history.sample_at(0)
        self.recorder.tick(Tick(t_s=self.recorder.t0_s, sample=first), phase="idle", items=None, fps=None)
        history.append(
            self.folder / store.RUN_CSV,
            Layout.of(first),
            first=1,
            rows=rows - 1,
            interval_s=interval_s,
            utc0_s=self.recorder.utc0_s,
        )
        self.recorder.ticks = rows

    def _phases_behind(self) -> None:
        t0_s = self.recorder.t0_s
        begins = ((Phase.IDLE, 0.0), (Phase.LOAD, history.LOAD_S), (Phase.WARMUP, history.WARMUP_S))
        for phase, start_s in (*begins, (Phase.MEASURE, history.MEASURE_S)):
            self.progress.enter(phase, t0_s + start_s)
            self.recorder.event("phase", t0_s + start_s, phase=phase.value, own_cpu_s=0.4)
        self.progress.items_done = history.items_at(time.monotonic() - t0_s)

    def tick(self) -> None:
        """Writes the batches that have ended, and a row."""
        now_s = time.monotonic()
        length_s, rows = 1 / history.FPS, list[list[Any]]()
        while self.batch_end_s + length_s <= now_s:
            start_s, self.batch_end_s = self.batch_end_s, self.batch_end_s + length_s
            rows.append([start_s, self.batch_end_s, Phase.MEASURE.value, 1, 950 * length_s, 990 * length_s])
        if rows:
            self.recorder.batch_rows(rows, self.progress.add_batches(rows, 0))
        sample = history.sample_at(self.recorder.ticks % history.PERIOD)
        self.recorder.tick(
            Tick(t_s=time.monotonic(), sample=sample, throttled=False),
            phase=self.progress.label(now_s),
            items=self.progress.items_column,
            fps=self.progress.live_fps,
        )

    def go_on(self) -> None:
        """Writes a row per interval until standard input is closed."""
        next_s = time.monotonic()
        while True:
            left_s = next_s - time.monotonic()
            if left_s <= 0:
                self.tick()
                next_s = max(next_s + self.interval_s, time.monotonic())
            self.journal.write_status(None)
            if select.select([sys.stdin], [], [], max(0.0, min(LOOK_S, next_s - time.monotonic())))[0]:
                return


def main() -> None:
    """Makes the run and goes on with it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page.writer")
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--behind-ms", type=int, default=100)
    parser.add_argument("--interval-ms", type=int, default=1000)
    asked = parser.parse_args()
    with BoardLock(asked.state_dir) as lock:
        writer = Writer(
            asked.runs_dir,
            hours=asked.hours,
            behind_ms=asked.behind_ms,
            interval_ms=asked.interval_ms,
            lock=lock,
        )
        with writer.recorder:
            writer.journal.write_status(None, force=True)
            ready = {"run_id": writer.folder.name, "utc0_s": writer.recorder.utc0_s, "rows": writer.recorder.ticks}
            print(json.dumps(ready), flush=True)
            writer.go_on()


if __name__ == "__main__":
    main()
