"""Hours of rows behind a run, made quickly: the layout writes some minutes, the rest repeats them in time."""

from __future__ import annotations

import math
import random
from pathlib import Path

from orin_core.board.sample import Sample, Tick
from orin_core.board.tegrastats import parse_line
from orin_core.runs import columns, store
from orin_core.runs.columns import Layout, RowContext
from tests.bench.lines import ENGINES

PERIOD = 3000
"""So many rows are made by the layout before they repeat."""
FPS = 16.7
LOAD_S, WARMUP_S, MEASURE_S = 10.0, 12.0, 30.0
_RAILS = (("VDD_GPU_SOC", 15_200), ("VDD_CPU_CV", 3_400), ("VIN_SYS_5V0", 5_100), ("VDDQ_VDD2_1V8AO", 900))
_MOVING = (columns.INDEX, columns.TIME_MS, columns.ELAPSED_S, columns.UTC_TIME, columns.PHASE, columns.ITEMS)


def sample_at(number: int) -> Sample:
    """Returns the reading of an AGX Orin that is busy with a small model: all clocks, sensors and rails."""
    rng, turn = random.Random(number), 2 * math.pi * number / PERIOD
    cores = ",".join(f"{max(0, min(100, round(rng.gauss(20 + 5 * (core % 4), 9))))}%@2201" for core in range(12))
    hot = 62 + 6 * math.sin(turn)
    temps = " ".join(
        f"{name}@{hot - below + rng.gauss(0, 0.2):.3f}C"
        for name, below in (("cpu", 4), ("soc2", 7), ("soc0", 8), ("gpu", 2), ("tj", 0), ("soc1", 6))
    )
    rails = " ".join(
        f"{name} {mw + round(rng.gauss(300 * math.sin(3 * turn), mw / 40))}mW/{mw}mW"
        for name, mw in (
            ("VDD_GPU_SOC", 15_200),
            ("VDD_CPU_CV", 3_400),
            ("VIN_SYS_5V0", 5_100),
            ("VDDQ_VDD2_1V8AO", 900),
        )
    )
    gpu = min(99, max(0, round(rng.gauss(92, 6))))
    line = (
        f"03-01-2026 12:00:00 RAM {round(11_000 + 300 * math.sin(turn))}/62840MB (lfb 31x4MB) "
        f"SWAP {round(5 + 4 * math.sin(turn))}/31420MB (cached 0MB) CPU [{cores}] "
        f"EMC_FREQ {round(rng.gauss(38, 3))}%@3199 GR3D_FREQ {gpu}%@[1300,1300] {ENGINES} {temps} {rails}"
    )
    sample = parse_line(line)
    if sample is None or sample.read_in_part:
        raise RuntimeError(f"This is a tegrastats line: {line}")
    return sample


def phase_at(elapsed_s: float) -> str:
    """Returns the phase that a row at this time is labelled with."""
    if elapsed_s < LOAD_S:
        return "idle"
    if elapsed_s < WARMUP_S:
        return "load"
    return "warmup" if elapsed_s < MEASURE_S else "measure"


def items_at(elapsed_s: float) -> int:
    """Returns how many images of measure were done by then."""
    return int(max(0.0, elapsed_s - MEASURE_S) * FPS)


def _context(number: int, elapsed_s: float, utc0_s: float) -> RowContext:
    return RowContext(
        index=number,
        elapsed_s=elapsed_s,
        utc=store.utc_text(utc0_s + elapsed_s),
        phase=phase_at(elapsed_s),
        items=items_at(elapsed_s) if elapsed_s >= MEASURE_S else None,
        # Of the place within the period, so that a repeated row is the row.
        fps=None if elapsed_s < MEASURE_S + 5 else round(FPS + math.sin(2 * math.pi * (number % PERIOD) / PERIOD), 3),
        source="simulated",
        latency_ms=None if elapsed_s < MEASURE_S + 1 else 59.28 + number % PERIOD % 7,
    )


def _cells(layout: Layout, number: int, elapsed_s: float, utc0_s: float) -> list[str]:
    tick = Tick(t_s=elapsed_s, sample=sample_at(number % PERIOD), raw=None, throttled=False)
    return layout.row(tick, _context(number, elapsed_s, utc0_s))


def append(csv_path: Path, layout: Layout, *, first: int, rows: int, interval_s: float, utc0_s: float) -> None:
    """Appends the rows ``first`` to ``first + rows`` of a run to its ``run.csv``.

    Args:
        csv_path: the file; its header is there.
        layout: its columns.
        first: number of the first row.
        rows: how many.
        interval_s: time between two of them, s.
        utc0_s: wall clock at the start of the run, unix s.

    Raises:
        RuntimeError: a repeated row is not what the layout would have written.
    """
    # Before FPS is there a row has another shape.
    shaped = min(first + rows, math.ceil((MEASURE_S + 6) / interval_s))
    repeat = _Repeat(layout, utc0_s)
    with csv_path.open("ab") as out:
        for number in range(first, shaped):
            out.write(store.csv_line(_cells(layout, number, number * interval_s, utc0_s)).encode())
        for start in range(shaped, first + rows, PERIOD):
            numbers = range(start, min(first + rows, start + PERIOD))
            out.write("".join([repeat.line(number, number * interval_s) for number in numbers]).encode())
    if shaped < first + rows:
        _check(repeat.line(shaped, shaped * interval_s), layout, shaped, shaped * interval_s, utc0_s)


def _check(line: str, layout: Layout, number: int, elapsed_s: float, utc0_s: float) -> None:
    wanted = store.csv_line(_cells(layout, number, elapsed_s, utc0_s))
    if line != wanted:
        raise RuntimeError(f"A repeated row is wrong: {line}instead of {wanted}")


class _Repeat:
    """Rows of measure as text: the readings of the period again, count and times their own."""

    def __init__(self, layout: Layout, utc0_s: float) -> None:
        places = [layout.header().index(name) for name in _MOVING]
        if places[:2] != [0, 1] or places[2:] != list(range(places[2], places[2] + 4)):
            raise RuntimeError(f"The moving columns lie elsewhere: {places}")
        start, end = 2, places[2]
        self._utc0_s = utc0_s
        self._seconds: tuple[int, str] = (-1, "")
        self._parts = []
        for number in range(PERIOD):
            cells = _cells(layout, number, 1000.0, utc0_s)
            self._parts.append((",".join(cells[start:end]), ",".join(cells[end + 4 :])))

    def line(self, number: int, elapsed_s: float) -> str:
        """Returns one row with its line end."""
        before, after = self._parts[number % PERIOD]
        # As store.utc_text, which is slow: the text of a second is kept, thousandths are cut.
        unix_s = self._utc0_s + elapsed_s
        second, thousandths = divmod(math.floor(round(unix_s * 1e6) / 1000), 1000)
        if second != self._seconds[0]:
            self._seconds = (second, store.utc_text(second)[:-4])
        utc = f"{self._seconds[1]}{thousandths:03d}Z"
        items = items_at(elapsed_s)
        return f"{number},{round(elapsed_s * 1000)},{before},{elapsed_s:.3f},{utc},measure,{items},{after}\n"
