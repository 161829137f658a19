"""When tegrastats prints, and what the board's sensors read then.

**Source** of the numbers: the shared logs of ResNet-152 and Depth Anything V2 on an AGX Orin. Period 1.005 to
1.046 of the one asked for, gaps up to 6 s; GR3D 59 +- 3.3 % with one thread that wanders between cores (81.5 %
on average, 44 % of ticks at 95 % and more), or 99 % in 78 to 84 % of ticks with dips down to 0 for single ticks;
rails in steps of 0.4 W and 0.1 W. At other intervals: asked for 500 ms it printed about every 522 ms, so what it
adds may be the same time at every interval; its first line takes about a second.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from tests.bench.recordings.plan import GOVERNOR, GPU, HOST, MEMORY
from tests.bench.recordings.story import Story

STEP_MW = {"VDD_GPU_SOC": 397.6, "VDD_CPU_CV": 397.6, "VIN_SYS_5V0": 100.3, "VDDQ_VDD2_1V8AO": 100.3}
_SLOWEST_CLOCK_MHZ = 729
_GPU_IDLE_MHZ = 306


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the sensors show at one tick.

    Args:
        t_s: s since the run began.
        gr3d_pct: GPU load.
        gpu_mhz: GPU clock.
        cores: load in % and clock in MHz of every core that is on.
        ram_mb: RAM in use.
        lfb: number of largest free blocks of 4 MB.
        swap_mb: swap in use.
        tj_c: junction temperature.
        rails_mw: rails, in the steps of their sensors.
        throttled: whether the clocks are held down.
    """

    t_s: float
    gr3d_pct: int
    gpu_mhz: int
    cores: tuple[tuple[int, int], ...]
    ram_mb: int
    lfb: int
    swap_mb: int
    tj_c: float
    rails_mw: dict[str, int]
    throttled: bool


def tick_times(story: Story, rng: np.random.Generator) -> list[float]:
    """Returns when lines arrive, s since the run began, with the gaps of the plan."""
    plan, times = story.plan, story.times
    asked_s = plan.interval_ms / 1000
    period_s = asked_s * rng.uniform(1.005, 1.046)
    if plan.overhead_s is not None:
        period_s = asked_s + plan.overhead_s
    count = int(times.over_s / period_s)
    jitter_s = np.clip(0.012 * period_s * rng.standard_normal(count), -0.2 * period_s, 0.2 * period_s)
    first_s = rng.uniform(0.2, 0.9) * period_s
    if plan.first_tick_s is not None:
        first_s = plan.first_tick_s
    ticks = [float(t) for t in np.arange(count) * period_s + first_s + jitter_s]
    inside = [i for i, t in enumerate(ticks) if times.measure_s < t < times.end_s]
    dropped = _dropped(story, inside, period_s, rng)
    return [round(t, 4) for i, t in enumerate(ticks) if i not in dropped]


def _dropped(story: Story, inside: list[int], period_s: float, rng: np.random.Generator) -> set[int]:
    """Returns which ticks are lost; after a stretch of lost ones the next one speaks of a long time too."""
    plan = story.plan
    length_s = story.times.end_s - story.times.measure_s
    share = plan.wrong.lost_share or plan.gap_share
    if plan.gap_s:
        # One hole of that length: so many ticks less one are lost.
        lost = round(plan.gap_s / period_s) - 1
        first = inside[len(inside) // 3]
        return set(range(first, first + lost))
    most = min(int(5.0 / period_s), len(inside) // 4)
    if not plan.wrong.lost_share:
        most = min(most, int(share * length_s / period_s) - 1)
    dropped: set[int] = set()
    lost_s = 0.0
    free = set(inside[3:-3])
    while free and most >= 1 and lost_s + 2 * period_s <= share * length_s:
        most = min(most, max(1, int((share * length_s - lost_s) / period_s) - 1))
        length = int(rng.integers(1, most + 1))
        first = int(rng.choice(sorted(free)))
        stretch = set(range(first, first + length))
        if not stretch <= free:
            free.discard(first)
            continue
        dropped |= stretch
        free -= set(range(first - 1, first + length + 1))
        lost_s += (length + 1) * period_s
    return dropped


def coverage(story: Story, ticks: list[float]) -> float:
    """Returns the share of measure that is seen: the time that is not in steps of 1.5 periods and more."""
    inside = np.array([t for t in ticks if story.times.measure_s <= t <= story.times.end_s])
    steps_s = np.diff(inside)
    lost_s = float(steps_s[steps_s > 1.5 * np.median(steps_s)].sum())
    return 1 - lost_s / (story.times.end_s - story.times.measure_s)


class Sensors:
    """The sensors of one board during one recording.

    Args:
        story: what happens.
        ticks: when they are read.
        rng: their noise.
    """

    def __init__(self, story: Story, ticks: list[float], rng: np.random.Generator) -> None:
        self._story = story
        self._rng = rng
        self._throttled = _throttled(story, ticks)
        shares = np.array([0.62, 0.05, 0.23, 0.10] if story.plan.kind == GPU else [0.41, 0.16, 0.31, 0.12])
        if story.plan.as_root:  # three rails there
            shares = np.append(shares[:2], shares[2:].sum())
        self._shares = dict(zip(STEP_MW, shares.tolist(), strict=False))
        self._ram_base_mb = story.plan.model.ram_mb - int(rng.integers(1500, 3000))
        self._dip_until_s = 0.0
        inside = [t for t in ticks if story.times.measure_s + 3 < t < story.times.end_s - 3]
        self._odd_at_s = inside[len(inside) // 2] if story.plan.wrong.odd_reading and inside else None

    def read(self, t_s: float) -> Reading:
        """Returns the readings at a time."""
        story = self._story
        works = story.works(t_s)
        throttled = t_s in self._throttled
        gr3d_pct = self._gr3d(t_s, works)
        rise = min(1.0, max(0.0, (t_s - story.times.load_s) / 150))
        ram_mb, lfb, swap_mb = self._memory(t_s)
        reading = Reading(
            t_s=t_s,
            gr3d_pct=gr3d_pct,
            gpu_mhz=self._gpu_mhz(works, throttled),
            cores=self._cores(t_s, works),
            ram_mb=ram_mb,
            lfb=lfb,
            swap_mb=swap_mb,
            tj_c=44 + 14 * math.sqrt(rise) + self._rng.uniform(-0.2, 0.2),
            rails_mw=self._rails(story.power_w(t_s) * (0.85 if throttled else 1.0)),
            throttled=throttled,
        )
        return _odd(reading, story.plan.wrong.odd_reading) if t_s == self._odd_at_s else reading

    def _gr3d(self, t_s: float, works: bool) -> int:
        rng, plan = self._rng, self._story.plan
        other = plan.wrong.other_user_pct
        if not works:
            quiet = float(rng.integers(1, 4)) if rng.random() < 0.05 else 0.0
            return round(min(99.0, max(0.0, other + 2.0 * rng.standard_normal()))) if other else int(quiet)
        if plan.kind == GPU:
            own = self._saturated_pct(t_s)
        elif plan.kind == HOST and plan.bursts:
            own = rng.uniform(0, 2) if self._story.host_now(t_s) else 99.0
        elif plan.kind == MEMORY:
            own = rng.normal(58, 9) if rng.random() < 0.75 else rng.uniform(8, 35)
        else:
            own = rng.normal(plan.mode.host_gr3d_pct if plan.kind == HOST else 62.0, 3.3 if plan.kind == HOST else 7.0)
        return round(min(99.0, max(0.0, own + 0.5 * other)))

    def _saturated_pct(self, t_s: float) -> float:
        """Returns GR3D of a full GPU: 99 with dips, of single ticks at 1 Hz and of up to a second at 10 Hz."""
        rng, fast = self._rng, self._story.plan.interval_ms < 500
        if t_s < self._dip_until_s:
            return rng.uniform(0, 8)
        if rng.random() < (0.97 if fast else 0.8):
            return float(rng.integers(98, 100))
        self._dip_until_s = t_s + (rng.uniform(0, 1) if fast else 0.0)
        return rng.uniform(0, 95)

    def _gpu_mhz(self, works: bool, throttled: bool) -> int:
        plan = self._story.plan
        if not works:
            return _GPU_IDLE_MHZ
        share = min(1.0, plan.clock_share * (1 + 0.05 * self._rng.standard_normal()))
        share = plan.clock_share if plan.clock_share == 1.0 else share
        return max(_GPU_IDLE_MHZ, round(plan.mode.gpu_mhz * share * (0.6 if throttled else 1.0)))

    def _cores(self, t_s: float, works: bool) -> tuple[tuple[int, int], ...]:
        """Returns load and clock of the cores that are on; the busy thread is on another one every few ticks."""
        rng, plan = self._rng, self._story.plan
        count, cap_mhz = plan.mode.cores, plan.mode.cpu_mhz
        loads = rng.poisson(3.5, count)
        clocks = np.full(count, _SLOWEST_CLOCK_MHZ)
        if self._story.times.load_s <= t_s < self._story.times.warmup_s:
            loads[int(rng.integers(count))] = 90
            clocks[:] = cap_mhz
        elif works:
            busy = int(rng.integers(count))
            loads[busy] = self._busiest_pct()
            at_cap = plan.kind == HOST or rng.random() < 0.55
            cluster = slice(busy // 4 * 4, busy // 4 * 4 + 4)  # one clock for four cores
            clocks[cluster] = cap_mhz if at_cap else int(rng.integers(_SLOWEST_CLOCK_MHZ, cap_mhz))
        return tuple((int(min(load, 100)), int(clock)) for load, clock in zip(loads, clocks, strict=True))

    def _busiest_pct(self) -> int:
        rng, kind = self._rng, self._story.plan.kind
        if kind == HOST:
            return int(rng.integers(95, 101)) if rng.random() < 0.47 else int(rng.integers(45, 95))
        if self._story.plan.spins:
            return int(rng.integers(93, 101))
        mean = {GPU: 26.0, GOVERNOR: self._story.plan.busiest_pct, MEMORY: 44.0}[kind]
        return int(np.clip(rng.normal(mean, 6.5), 8, 100))

    def _memory(self, t_s: float) -> tuple[int, int, int]:
        """Returns RAM, free blocks and swap; under pressure RAM is full, blocks go and swap fills."""
        story, rng = self._story, self._rng
        x = (t_s - story.times.measure_s) / (story.times.end_s - story.times.measure_s)
        if story.plan.kind == MEMORY and t_s >= story.times.warmup_s:
            share = min(1.0, max(0.0, x))
            return 30_100 + int(rng.integers(0, 300)), max(1, int(60 * (1 - 1.5 * share))), int(40 + 1500 * share)
        loaded = story.times.load_s + 3 <= t_s < story.times.cooldown_s
        ram_mb = story.plan.model.ram_mb if loaded else self._ram_base_mb
        return ram_mb + int(rng.integers(-8, 9)), 78 if loaded else 109, 0

    def _rails(self, power_w: float) -> dict[str, int]:
        rails = {}
        for name, share in self._shares.items():
            step_mw = STEP_MW[name]
            steps = 1000 * power_w * share / step_mw + 0.4 * self._rng.standard_normal()
            rails[name] = int(max(0, round(steps)) * step_mw)
        return rails


def _odd(reading: Reading, what: str) -> Reading:
    """Returns a reading of which one part cannot be true."""
    rails = reading.rails_mw
    if what == "gr3d":
        return dataclasses.replace(reading, gr3d_pct=250)
    if what == "ram":
        return dataclasses.replace(reading, ram_mb=48_000)
    if what == "tj":
        return dataclasses.replace(reading, tj_c=900.0)
    return dataclasses.replace(reading, rails_mw=dict.fromkeys(rails, 150_000 if what == "power" else 0))


def _throttled(story: Story, ticks: list[float]) -> set[float]:
    """Returns the ticks with throttling: stretches of up to four, spread over measure."""
    inside = [t for t in ticks[1:-1] if story.times.measure_s + 3 < t < story.times.end_s - 3]
    share = story.plan.wrong.throttled_share
    count = math.ceil(share * len(inside)) if share else story.plan.throttled_ticks
    if not count:
        return set()
    length = 4 if count >= 8 else 1
    starts = np.linspace(0, len(inside) - length, math.ceil(count / length) + 2)[1:-1].astype(int)
    return {inside[start + i] for start in starts for i in range(length)}
