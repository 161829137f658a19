"""What happens in a recording, as functions of continuous time: phases, batches, power, and the truth of them."""

from __future__ import annotations

import bisect
import dataclasses
import math

import numpy as np

from tests.bench.recordings.plan import GPU, HOST, Plan

IDLE_W = 6.3
LOAD_W = 9.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When the phases begin, s since the run began."""

    load_s: float
    warmup_s: float
    bare_s: float
    measure_s: float
    end_s: float
    cooldown_s: float
    over_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch of measure, s since the run began."""

    start_s: float
    end_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Power in measure: a level, slow waves, a trend; integrated by formula.

    Args:
        level_w: mean level.
        waves: share of the level, angular frequency in 1/s, phase, of each wave.
        trend: by how much of the level power changes from the first half to the second.
        start_s: where the trend begins.
        end_s: where it ends.
    """

    level_w: float
    waves: tuple[tuple[float, float, float], ...]
    trend: float
    start_s: float
    end_s: float

    def at_w(self, t_s: float) -> float:
        """Returns power at a time, W."""
        x = (t_s - self.start_s) / (self.end_s - self.start_s) - 0.5
        waves = sum(share * math.sin(omega * t_s + phase) for share, omega, phase in self.waves)
        return self.level_w * (1 + waves + 2 * self.trend * x)

    def energy_j(self, from_s: float, to_s: float) -> float:
        """Returns the integral of power between two times, J."""
        seconds, length_s = to_s - from_s, self.end_s - self.start_s
        middle = ((from_s + to_s) / 2 - self.start_s) / length_s - 0.5
        waves = sum(
            share / omega * (math.cos(omega * from_s + phase) - math.cos(omega * to_s + phase))
            for share, omega, phase in self.waves
        )
        return self.level_w * (seconds * (1 + 2 * self.trend * middle) + waves)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A recording before anybody looked at it.

    Args:
        plan: what it is to be.
        times: its phases.
        batches: of measure, in order.
        power: in measure.
        host_share: share of a batch in which the GPU waits for the host.
        idle_w: power while nothing runs.
        paused: the time in which the model's process stood still; empty where it did not.
    """

    plan: Plan
    times: Times
    batches: tuple[Batch, ...]
    power: Power
    host_share: float
    idle_w: float
    paused: tuple[float, float]

    @property
    def items(self) -> int:
        """Images done in measure."""
        return len(self.batches) * self.plan.batch

    @property
    def batch_s(self) -> float:
        """Usual length of a batch, s."""
        return self.plan.batch / self.plan.fps

    @property
    def fps(self) -> float:
        """The true FPS end to end."""
        return self.items / (self.times.end_s - self.times.measure_s)

    @property
    def energy_per_item_j(self) -> float:
        """The true energy per image of a run without a pause, J."""
        return self.power.energy_j(self.times.measure_s, self.times.end_s) / self.items

    @property
    def halves_apart(self) -> tuple[float, float]:
        """By how much the halves truly differ in FPS and in power, as shares."""
        start_s, end_s = self.times.measure_s, self.times.end_s
        middle_s = (start_s + end_s) / 2
        ends = [batch.end_s for batch in self.batches]
        done = bisect.bisect_right(ends, middle_s)
        now = self.batches[min(done, len(self.batches) - 1)]
        first = done + (middle_s - now.start_s) / (now.end_s - now.start_s)
        first_j, second_j = self.power.energy_j(start_s, middle_s), self.power.energy_j(middle_s, end_s)
        return (len(self.batches) - first) / first - 1, second_j / first_j - 1

    def works(self, t_s: float) -> bool:
        """Whether the model runs at a time."""
        times = self.times
        if self.paused[0] <= t_s < self.paused[1]:
            return False
        between = times.measure_s <= t_s < self.batches[0].start_s or self.batches[-1].end_s <= t_s < times.end_s
        return times.warmup_s <= t_s < times.cooldown_s and not between

    def power_w(self, t_s: float) -> float:
        """Returns the board's power at a time, W."""
        if self.works(t_s):
            return self.power.at_w(t_s)
        return LOAD_W if self.times.load_s <= t_s < self.times.warmup_s else self.idle_w

    def host_now(self, t_s: float) -> bool:
        """Whether the GPU waits for the host at a time within a batch of measure."""
        index = bisect.bisect_right(self.batches, t_s, key=lambda batch: batch.start_s) - 1
        if index < 0 or not self.works(t_s):
            return False
        batch = self.batches[index]
        return t_s < batch.start_s + self.host_share * (batch.end_s - batch.start_s)

    def items_by(self, t_s: float) -> int:
        """Returns the images of measure done by a time."""
        return self.plan.batch * bisect.bisect_right(self.batches, t_s, key=lambda batch: batch.end_s)


def _batches(plan: Plan, start_s: float, rng: np.random.Generator) -> tuple[tuple[Batch, ...], tuple[float, float]]:
    """Returns the batches and when the process stood still."""
    wrong = plan.wrong
    now_s, paused = start_s, (0.0, 0.0)
    batches: list[Batch] = []
    period_s, phase = rng.uniform(9, 30), rng.uniform(0, 2 * math.pi)
    length_s = max(plan.measure_s, plan.min_items / plan.fps)
    while now_s - start_s < plan.measure_s or len(batches) * plan.batch < plan.min_items:
        x = (now_s - start_s) / length_s
        rate = plan.fps * (1 + 0.004 * math.sin(2 * math.pi * now_s / period_s + phase))
        rate *= 1 + 2 * wrong.drift_fps * (x - 0.5)
        seconds = plan.batch / rate * max(0.5, 1 + 0.02 * rng.standard_normal())
        if wrong.pause_s and not paused[1] and now_s - start_s >= 0.5 * length_s - 0.5 * wrong.pause_s:
            paused = (now_s, now_s + wrong.pause_s)
            seconds += wrong.pause_s
        if wrong.killed_at is not None and x >= wrong.killed_at:
            break
        batches.append(Batch(start_s=round(now_s, 6), end_s=round(now_s + seconds, 6)))
        now_s = batches[-1].end_s
    return tuple(batches), paused


def _power(plan: Plan, start_s: float, end_s: float, rng: np.random.Generator) -> Power:
    """Waves of 8 to 40 s with about 1 % together: what the shared logs show of a steady run."""
    waves = tuple(
        (rng.uniform(0.002, 0.008), 2 * math.pi / rng.uniform(8, 40), rng.uniform(0, 2 * math.pi)) for _ in range(3)
    )
    level_w = {HOST: plan.mode.host_w, GPU: plan.mode.gpu_w}.get(plan.kind, plan.mode.host_w)
    return Power(
        level_w=level_w * rng.uniform(0.93, 1.07),
        waves=waves,
        trend=plan.wrong.drift_power or rng.uniform(-0.003, 0.008),
        start_s=start_s,
        end_s=end_s,
    )


def tell(plan: Plan) -> Story:
    """Returns what happens in a recording."""
    rng = np.random.default_rng(plan.seed)
    wrong = plan.wrong
    load_s = (wrong.short_s if wrong.short_phase == "idle" else 10.0) + rng.uniform(0.05, 0.3)
    warmup_s = load_s + rng.uniform(5, 12)
    warm_s = rng.uniform(10.5, 14.5)
    if wrong.short_phase == "warmup":
        warm_s = max(6.5, wrong.short_s + 0.5)  # three windows of 2 s it needs in any case
    bare_s = warmup_s + (0.0 if wrong.settled is None else warm_s)
    measure_s = round(bare_s + rng.uniform(4.5, 5.5), 6)
    batches, paused = _batches(plan, measure_s + plan.wrong.early_s, rng)
    end_s = round(batches[-1].end_s + plan.wrong.late_s, 6)
    cooldown_s = end_s + (0.2 if plan.wrong.exit_code else rng.uniform(4.5, 5.5))
    return Story(
        plan=plan,
        times=Times(
            load_s=load_s,
            warmup_s=warmup_s,
            bare_s=bare_s,
            measure_s=measure_s,
            end_s=end_s,
            cooldown_s=cooldown_s,
            over_s=cooldown_s + (wrong.short_s if wrong.short_phase == "cooldown" else 10.0) + 0.2,
        ),
        batches=batches,
        power=_power(plan, measure_s, end_s, rng),
        host_share=1 - 1 / plan.model_ratio,
        idle_w=IDLE_W + rng.uniform(-0.5, 0.9),
        paused=paused,
    )
