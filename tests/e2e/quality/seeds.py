"""Finished runs for the pages to show, by the real recorder and the real summary; quickly, since nothing is run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from orin_core.board.sample import CoreSample, RailSample, Sample, Tick
from orin_core.runs import finish, store
from orin_core.runs.recording import Recording
from orin_core.spec import RunSpec, RunState, to_json

WORKER = {"device": "cuda", "device_name": "Orin", "precision": "fp32", "multiprocessors": 16, "tf32_allowed": True}
IDLE_S, MEASURE_S, COOLDOWN_S = 20, 80, 20
MODES = {"MAXN": (22.0, 2201, 1300), "MODE_50W": (16.0, 1497, 816), "MODE_30W": (12.0, 1728, 612)}
"""FPS, CPU clock and GPU clock in MHz of a run in each mode."""


def sample(second: int, mode: str, *, busy: bool) -> Sample:
    """Returns a tick of an AGX Orin in that second of a run."""
    fps, cpu_mhz, gpu_mhz = MODES[mode]
    wave = math.sin(second / 3) + 0.4 * math.sin(second * 1.7)
    warm_c = 44 + 0.05 * second + 6 * busy * fps / 22
    gpu_mw = round((fps * 700 if busy else 1800) + 220 * wave)
    return Sample(
        ram_used_mb=3400 + 2600 * busy + round(14 * wave),
        ram_total_mb=62_841,
        swap_used_mb=12,
        swap_total_mb=31_420,
        cores=tuple(
            CoreSample(
                load_pct=max(0, round((70 if busy and core == second // 9 % 12 else 6) + 4 * wave)), freq_mhz=cpu_mhz
            )
            for core in range(12)
        ),
        emc_pct=34 if busy else 1,
        emc_freq_mhz=3199,
        gr3d_pct=min(100, max(0, round(74 + 9 * wave))) if busy else 0,
        gr3d_freq_mhz=(gpu_mhz, gpu_mhz),
        temps_c={
            "cpu": warm_c,
            "soc0": warm_c - 2,
            "soc1": warm_c - 3,
            "soc2": warm_c - 2.5,
            "gpu": warm_c - 1,
            "tj": warm_c + 0.4,
        },
        power_mw={
            "VDD_GPU_SOC": RailSample(current_mw=gpu_mw, average_mw=gpu_mw),
            "VDD_CPU_CV": RailSample(current_mw=900 + 1500 * busy, average_mw=900),
            "VIN_SYS_5V0": RailSample(current_mw=4000 + 900 * busy, average_mw=4000),
        },
    )


def make_run(runs_dir: Path, mark: str, mode: str = "MAXN", *, simulated: bool = False, **changed: Any) -> str:
    """Writes a run of two minutes and returns its id.

    Args:
        runs_dir: where runs lie.
        mark: four hexadecimal digits, which also set its second of start.
        mode: one of :data:`MODES`.
        simulated: whether it says that its board was simulated.
        changed: keys of its summary that are set.
    """
    run_id = f"20260102T0304{int(mark, 16) % 60:02d}Z_resnet-152_cifar100_{mode.removeprefix('MODE_')}_{mark}"
    folder = runs_dir / run_id
    folder.mkdir(parents=True)
    source, fps = "simulated" if simulated else "tegrastats", MODES[mode][0]
    store.write_json(
        folder / store.SPEC, to_json(RunSpec(model="resnet-152", dataset="cifar100", power_mode=mode).validated())
    )
    found: dict[str, Any] = {"model": "resnet-152", "dataset": "cifar100", "power_mode": mode, "origin": "run"}
    found |= {"source": source, "simulated": simulated, "power_mode_verified": True, "throttle_c": 99.0}
    origin = {"weights": "random", "images": "synthetic"} if simulated else {"weights": "cached", "images": "cached"}
    store.write_json(folder / store.ENVIRONMENT, {**found, **origin, "worker": WORKER})
    with store.Recorder(folder, source=source) as recorder:
        recorder.status({"state": "done", "phase": "cooldown", "interval_ms": 1000, "t0_s": recorder.t0_s})
        begin_s, end_s = recorder.t0_s + IDLE_S, recorder.t0_s + IDLE_S + MEASURE_S
        for second in range(1, IDLE_S + MEASURE_S + COOLDOWN_S + 1):
            measured = IDLE_S < second <= IDLE_S + MEASURE_S
            phase = "measure" if measured else "idle" if second <= IDLE_S else "cooldown"
            tick = Tick(
                t_s=recorder.t0_s + second, sample=sample(second, mode, busy=measured), raw=None, throttled=False
            )
            done = round((second - IDLE_S) * fps) if measured else None
            live = fps + 0.3 * math.sin(second / 4) if measured and second > IDLE_S + 5 else None
            recorder.tick(tick, phase=phase, items=done, fps=live)
        count = round(MEASURE_S * fps)
        rows = [[begin_s + n / fps, begin_s + (n + 1) / fps, "measure", 1, 800 / fps, 990 / fps] for n in range(count)]
        recorder.batch_rows(rows, list(range(1, count + 1)))
        for phase, t_s in (("idle", recorder.t0_s), ("measure", begin_s), ("cooldown", end_s)):
            recorder.event("phase", t_s=t_s, phase=phase)
        recorder.event("done", t_s=end_s, t_start_s=begin_s, t_end_s=end_s, items=count, failed_items=0)
    document = finish.summary_of(Recording(folder=folder), state=RunState.DONE, message="", hint="")
    store.write_json(folder / store.SUMMARY, {**document, **changed})
    return run_id
