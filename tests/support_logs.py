"""Built tegrastats logs of an AGX Orin with known truth: idle, loading, runs, pauses."""

from __future__ import annotations

import dataclasses
import datetime
import io
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from orin_core.analysis.scales import write_scales
from orin_core.board.logs import iter_log

IDLE_W, CORES = 2.0, 12
START = datetime.datetime(2024, 10, 22, 20, 7, 30, tzinfo=datetime.timezone.utc)
DATE_LINE = "Wed Oct 23 03:07:29 AM UTC 2024"
"""Seven hours ahead of :data:`START`, which is local time."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A piece of a log in which the board does one thing.

    Args:
        seconds: its length.
        gr3d: GPU load, %; None prints no GR3D at all.
        gpu_w: power of the GPU's rail, W.
        cpu: load of the busiest core, %.
        mhz: CPU ceiling; idle cores rest at 729.
        online: cores that are on.
        ram: RAM at its end, MB; it goes there evenly.
        zeros: share of ticks in which GR3D is sampled as 0.
        jitter: half width of GR3D's noise, %.
    """

    seconds: float
    gr3d: float | None = 0.0
    gpu_w: float = IDLE_W
    cpu: int = 6
    mhz: int = 2201
    online: int = CORES
    ram: int = 4000
    zeros: float = 0.0
    jitter: float = 0.0


def idle(seconds: float, **changes: object) -> Part:
    return dataclasses.replace(Part(seconds=seconds), **changes)  # type: ignore[arg-type]


def run(seconds: float, gr3d: float | None = 90.0, **changes: object) -> Part:
    made = Part(seconds=seconds, gr3d=gr3d, gpu_w=18.0, cpu=30, ram=5000, jitter=3.0)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def load(seconds: float, **changes: object) -> Part:
    return dataclasses.replace(Part(seconds=seconds, gpu_w=2.4, cpu=100, ram=5000), **changes)  # type: ignore[arg-type]


def log_lines(
    parts: Sequence[Part],
    *,
    seed: int = 0,
    period_s: float = 1.0,
    date: str | None = DATE_LINE,
    stamps: bool = True,
    clock: Callable[[float], float] = lambda t_s: t_s,
) -> list[str]:
    """Returns the lines of a log.

    Args:
        parts: what the board does, in order.
        seed: of the noise.
        period_s: time between two lines.
        date: date line in front; None for none.
        stamps: whether lines carry the time.
        clock: what the board's clock shows, s since :data:`START`, at a true time.
    """
    rng = random.Random(seed)
    lines = [] if date is None else [date + "\n"]
    t_s, ram, sums = 0.0, float(parts[0].ram), [0.0] * 4
    for count, (part, share, step) in enumerate(_ticks(parts, period_s), 1):
        ram = part.ram if share >= 1 else ram + (part.ram - ram) * step
        rails = _rails(part, rng)
        sums = [total + watts for total, watts in zip(sums, rails, strict=True)]
        lines.append(_line(part, rng, round(ram), rails, [total / count for total in sums], clock(t_s), stamps))
        t_s += period_s
    return lines


def _ticks(parts: Iterable[Part], period_s: float) -> Iterator[tuple[Part, float, float]]:
    for part in parts:
        count = max(1, round(part.seconds / period_s))
        for number in range(count):
            yield part, (number + 1) / count, 1 / (count - number)


def _rails(part: Part, rng: random.Random) -> list[float]:
    """VDD_GPU_SOC in its coarse steps, VDD_CPU_CV, VIN_SYS_5V0, VDDQ_VDD2_1V8AO, W."""
    gpu_w = round((part.gpu_w + rng.uniform(-0.2, 0.2)) / 0.397) * 0.397
    return [max(gpu_w, 0.0), 0.004 * part.cpu * 6, 2.4 + 0.15 * part.gpu_w, 0.3 + 0.08 * part.gpu_w]


def _line(
    part: Part, rng: random.Random, ram: int, rails: list[float], means: list[float], shown_s: float, stamps: bool
) -> str:
    busiest = rng.randrange(part.online)
    cores = []
    for core in range(CORES):
        if core >= part.online:
            cores.append("off")
        elif core == busiest:
            cores.append(f"{part.cpu}%@{part.mhz if part.cpu >= 15 else 729}")
        else:
            cores.append(f"{rng.randint(0, 6)}%@729")
    gr3d = ""
    if part.gr3d is not None:
        pct = part.gr3d + rng.uniform(-part.jitter, part.jitter)
        gr3d = f"GR3D_FREQ {0 if rng.random() < part.zeros else min(99, max(0, round(pct)))}% "
    names = ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO")
    power = " ".join(
        f"{name} {round(1000 * now)}mW/{round(1000 * mean)}mW"
        for name, now, mean in zip(names, rails, means, strict=True)
    )
    stamp = (START + datetime.timedelta(seconds=shown_s)).strftime("%m-%d-%Y %H:%M:%S ") if stamps else ""
    return (
        f"{stamp}RAM {ram}/30698MB (lfb 3x4MB) SWAP 0/15349MB (cached 0MB) CPU [{','.join(cores)}] {gr3d}"
        f"cpu@45.5C tboard@33C soc2@41.5C tdiode@38.75C soc0@42.031C tj@45.5C soc1@41.75C {power}\n"
    )


def as_csv(lines: list[str], *, old: bool = False, date: bool = True, ending: str = "\r\n") -> str:
    """Returns the same as a CSV of tegrastats_parser.

    Args:
        lines: as :func:`log_lines` returns them.
        old: whether rails are named the older way.
        date: whether the date record stands in front.
        ending: of every line.
    """
    out = io.StringIO(newline="")
    write_scales(iter_log(lines), out)
    text = out.getvalue()
    record, rest = text.split('\r\n"\r\n', 1)
    if old:
        header, body = rest.split("\r\n", 1)
        for rail in ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"):
            for kind in ("Current", "Average"):
                header = header.replace(f"{rail} {kind} (mW)", f"{kind} {rail} Power Consumption (mW)")
        rest = f"{header}\r\n{body}"
    return ((f'{record}\r\n"\r\n' if date else "") + rest).replace("\r\n", ending)
