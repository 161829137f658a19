"""``python -m tests.bench.inference.beside FOLDER``: reads and records the simulated board once a second, until killed.

What runs beside inference in every run: without it a loop would look cheaper than it is.
"""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from orin_core.board.probe import ProbeNotice
from orin_core.board.probes import open_probe
from orin_core.board.sample import Tick
from orin_core.runs.store import Recorder
from orin_core.settings import PROJECT_ROOT

INTERVAL_MS = 1000


def main(folder: Path) -> None:
    """Records until it is killed, or until nobody holds its standard input."""
    heard: queue.Queue[Tick | ProbeNotice] = queue.Queue()
    probe = open_probe("simulated", INTERVAL_MS, folder / "state")
    run = folder / "run"
    run.mkdir(parents=True)
    with Recorder(run, source=probe.source) as recorder:
        probe.start(heard.put)
        try:
            while True:
                item = heard.get()
                if isinstance(item, Tick):
                    recorder.tick(item, phase="measure", items=1000, fps=16.7)
        finally:
            probe.close()


@contextlib.contextmanager
def telemetry(folder: Path) -> Iterator[None]:
    """Reads and records beside what is done here.

    Raises:
        RuntimeError: it recorded nothing, so that what was measured beside it counts for nothing.
    """
    process = subprocess.Popen([sys.executable, "-m", __name__, str(folder)], cwd=PROJECT_ROOT)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"The recording beside ended with code {process.returncode}.")
    finally:
        process.terminate()
        process.wait()
    rows = len((folder / "run" / "run.csv").read_text().splitlines())
    if rows < 2:
        raise RuntimeError("The recording beside recorded nothing.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
