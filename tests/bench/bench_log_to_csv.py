"""A tegrastats log to CSV, in one pass: how long 24 h at 10 Hz would take."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from orin_core.board.logs import iter_log, open_log
from orin_core.runs.log_rows import write_log
from tests.bench.lines import orin_lines
from tests.bench.rows import Row

LINES = 60_000
DAY_LINES = 24 * 3600 * 10
TARGET_S = 60.0


def _log(path: Path) -> None:
    bodies = [line.split(" ", 2)[2] for line in orin_lines(2000)]
    with path.open("w", encoding="ascii") as log:
        for number in range(LINES):
            second = number // 10
            clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            log.write(f"03-01-2026 {clock} {bodies[number % len(bodies)]}\n")


def run() -> list[Row]:
    """Returns s for a day's log in each CSV layout, from a shorter one.

    Raises:
        ValueError: a line was lost.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="orin-bench-") as name:
        path = Path(name) / "tegrastats.log"
        _log(path)
        for file_format in ("csv", "scales"):
            start_s = time.process_time()
            with open_log(path) as log, (Path(name) / "out.csv").open("w", newline="") as out:
                written = write_log(iter_log(log), out, file_format)
            spent_s = time.process_time() - start_s
            if written.rows != LINES:
                raise ValueError(f"{LINES - written.rows} of {LINES} lines were lost.")
            rows.append(
                Row(
                    name=f"24 h at 10 Hz to {file_format}",
                    value=spent_s / LINES * DAY_LINES,
                    unit="s",
                    how=f"CPU time of {LINES:,} lines times {DAY_LINES / LINES:g}, one thread; target {TARGET_S:g} s",
                )
            )
    return rows
