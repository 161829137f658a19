"""A machine of its own: folders, a run that goes on, and the dashboard's server, each a process that ends with it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from orin_core.runs import columns, store
from orin_core.settings import PROJECT_ROOT
from tests.conftest import Home
from tests.e2e.conftest import Server, free_port

TAIL_BYTES = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server with what it shows.

    Args:
        server: the server, running.
        run_id: the run that goes on; None where none does.
        utc0_s: wall clock at the start of that run, unix s.
        started_s: how long the server took until it answered, s.
    """

    server: Server
    run_id: str | None
    utc0_s: float
    started_s: float

    def cpu_s(self) -> float:
        """CPU time that the server has used, s."""
        times = psutil.Process(self.server.pid).cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Memory of the server, MB."""
        return float(psutil.Process(self.server.pid).memory_info().rss) / 1e6

    def ticks_s(self) -> list[float]:
        """Returns when the newest ticks of the run were taken, s since it began."""
        path = self.server.home.settings.runs_dir / str(self.run_id) / store.RUN_CSV
        with path.open("rb") as stream:
            place_of = stream.readline().decode().strip().split(",").index(columns.ELAPSED_S)
            stream.seek(max(stream.tell(), path.stat().st_size - TAIL_BYTES))
            lines = stream.read().decode().splitlines()[1:]
        return [float(line.split(",")[place_of]) for line in lines]

    def live(self, *, light: bool = False) -> str:
        """Address of the live page with the run; the lighter view on request."""
        return f"{self.server.url}/?run={self.run_id}{'&light=1' if light else ''}"


@contextlib.contextmanager
def place(*, hours: float | None = None, interval_ms: int = 1000) -> Iterator[Place]:
    """Makes folders, starts a run with hours behind it, and a server.

    Args:
        hours: how long the run has gone on, h; None for no run.
        interval_ms: time between its rows from now on, ms; those behind it lie 100 ms apart.

    Raises:
        RuntimeError: the writer did not come up.
    """
    root = Path(tempfile.mkdtemp(prefix="orin-bench-"))
    home = Home(root=root)
    (root / "data" / "runs").mkdir(parents=True)
    try:
        with _run(home, hours, interval_ms) as (run_id, utc0_s), server(home) as (running, started_s):
            yield Place(server=running, run_id=run_id, utc0_s=utc0_s, started_s=started_s)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def server(home: Home) -> Iterator[tuple[Server, float]]:
    """Starts the server; gives it with the seconds until it answered."""
    made = Server(home=home, port=free_port())
    start_s = time.monotonic()
    try:
        made.start()
        yield made, time.monotonic() - start_s
    finally:
        made.kill()


@contextlib.contextmanager
def _run(home: Home, hours: float | None, interval_ms: int) -> Iterator[tuple[str | None, float]]:
    if hours is None:
        yield None, 0.0
        return
    command = [sys.executable, "-m", "tests.bench.page.writer", "--hours", f"{hours:g}", "--interval-ms"]
    folders = ["--runs-dir", str(home.settings.runs_dir), "--state-dir", str(home.settings.state_dir)]
    with subprocess.Popen(
        [*command, str(interval_ms), *folders],
        cwd=PROJECT_ROOT,
        env=home.env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        try:
            line = child.stdout.readline() if child.stdout else ""
            if not line:
                raise RuntimeError(f"The writer of a run left with {child.wait(timeout=10)}.")
            ready = json.loads(line)
            yield str(ready["run_id"]), float(ready["utc0_s"])
        finally:
            if child.stdin:
                child.stdin.close()
            child.wait(timeout=20)
