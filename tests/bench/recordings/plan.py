"""What one recording is to be, and what is wrong with it."""

from __future__ import annotations

import dataclasses

from tests.bench.recordings.board import Mode, Model

HOST, GPU, GOVERNOR, THROTTLED, MEMORY = (
    "host-bound",
    "GPU-bound",
    "governor-limited",
    "throttled",
    "memory-pressure",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What departs from a clean run; the defaults are a clean run.

    Args:
        fault: name of the planted fault; empty for a clean recording.
        forward_factor: forward times are reported so much too short (1 = right).
        final_sync_batches: length of the last synchronisation in batch times.
        results_share: share of the results that was read on the host.
        pause_s: how long the model's process stood still in the middle of measure, s.
        early_s: how long before the first batch measure is said to begin, s.
        late_s: how long after the last batch measure is said to end, s.
        throttled_share: share of the ticks of measure with throttling.
        mode_end: mode in force at the end; empty for the mode of the run.
        verified: whether the mode was found in force at start and at end.
        other_user_pct: GR3D of somebody else's work (a desktop takes 2 % or so), %.
        lost_share: share of measure without ticks.
        drift_fps: by how much the second half is faster or slower than the first (0.1 = 10 %).
        drift_power: the same for power.
        failed_items: images that could not be read.
        killed_at: share of measure after which the worker was killed.
        exit_code: of the worker.
        settled: whether warm-up settled; None where it was left out.
        alarms: power supply alarms in measure.
        short_phase: the phase that was asked to be too short: ``idle``, ``warmup`` or ``cooldown``; empty for none.
        short_s: how long it was asked to be, s.
        unrecorded: what an older version did not record: a field of ``done`` and of
            the status, or a kind of event; empty for nothing.
        odd_reading: which reading of a single tick cannot be true: ``gr3d ram tj power no-power``; empty for none.
    """

    fault: str = ""
    forward_factor: float = 1.0
    final_sync_batches: float = 0.0
    results_share: float = 1.0
    pause_s: float = 0.0
    early_s: float = 0.0
    late_s: float = 0.0
    throttled_share: float = 0.0
    mode_end: str = ""
    verified: tuple[bool, bool] = (True, True)
    other_user_pct: float = 0.0
    lost_share: float = 0.0
    drift_fps: float = 0.0
    drift_power: float = 0.0
    failed_items: int = 0
    killed_at: float | None = None
    exit_code: int = 0
    settled: bool | None = True
    alarms: int = 0
    short_phase: str = ""
    short_s: float = 0.0
    unrecorded: str = ""
    odd_reading: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One recording before it is written.

    Args:
        seed: of all its noise.
        kind: what limits the run by construction: one of the kinds above.
        mode: power mode.
        model: model.
        arithmetic: ``fp16``, ``tf32`` (fp32 with TF32 allowed) or ``fp32``.
        fps: images/s end to end that the run is made with.
        batch: images per model call.
        interval_ms: asked time between ticks.
        profile: ``standard`` or ``formal``.
        measure_s: length of measure, s.
        min_items: measure goes on until so many images are done.
        as_root: lines as root on JetPack 6 (clocks printed, three rails), else as a user on JetPack 5.
        clock_known: whether sysfs gave the GPU clock where the line has none.
        clock_share: GPU clock over its cap, mean.
        model_ratio: FPS model only over FPS end to end.
        gap_share: share of measure that is lost in the gaps which a clean run has.
        gap_s: length of one more such gap, s; 0 for none.
        overhead_s: by how much every tick is late whatever the interval, s; None for a share of it, as at 1 Hz.
        first_tick_s: when tegrastats prints its first line, s; None for within its interval.
        busiest_pct: mean load of the busiest core of a governor-limited run, %.
        load_alarms: power supply alarms while the model is loaded.
        throttled_ticks: single ticks with throttling which a long clean run may have.
        bursts: whether host and GPU work in turn, so that GR3D swings between 0 and 99 within a batch.
        spins: whether a thread waits for the GPU without sleeping, so that a core looks busy.
        wall_jumps_s: by how much the wall clock jumps, in turn, during the run.
        wrong: what is wrong with it.
    """

    seed: int
    kind: str
    mode: Mode
    model: Model
    arithmetic: str
    fps: float
    batch: int
    interval_ms: int = 1000
    profile: str = "standard"
    measure_s: float = 72.0
    min_items: int = 100
    as_root: bool = False
    clock_known: bool = True
    clock_share: float = 1.0
    model_ratio: float = 1.02
    gap_share: float = 0.0
    gap_s: float = 0.0
    overhead_s: float | None = None
    first_tick_s: float | None = None
    busiest_pct: float = 42.0
    load_alarms: int = 0
    throttled_ticks: int = 0
    bursts: bool = False
    spins: bool = False
    wall_jumps_s: tuple[float, ...] = ()
    wrong: Wrong = dataclasses.field(default_factory=Wrong)

    @property
    def limited_by(self) -> str | None:
        """The diagnosis that is right by construction; None where the fault leaves none."""
        wrong = self.wrong
        if not wrong.fault:
            return self.kind
        if wrong.throttled_share >= 0.05:
            return THROTTLED
        if wrong.alarms:
            return THROTTLED
        untrue = wrong.fault in (
            "no synchronisation",
            "faster than its model",
            "results not read",
            "above the bound",
            "impossible reading",
            "not recorded",
        )
        blurred = wrong.fault in ("idle ticks inside", "throttling", "another GPU user")
        return None if untrue or blurred else self.kind
