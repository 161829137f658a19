"""What doctor looks at in the telemetry: the source, two of its ticks, what is missing in them and why."""

from __future__ import annotations

import queue
import time

from orin_core.board.probe import ProbeNotice
from orin_core.board.probes import Probe, open_probe
from orin_core.board.sample import METRICS, Sample, Tick
from orin_core.board.sysfs import Sysfs
from orin_core.diagnosis.check import Check, State
from orin_core.diagnosis.subject import Subject

GROUP = "Telemetry"
TICKS = 2
INTERVAL_MS = 500
LIMIT_S = 9.0
_WORDS = {
    "tegrastats": "tegrastats of this board",
    "host": "this workstation (psutil, NVML)",
    "simulated": "the simulated board",
}


def checks(subject: Subject, limit_s: float = LIMIT_S) -> list[Check]:
    """Returns the checks of the telemetry; takes two ticks of its own.

    Args:
        subject: the machine.
        limit_s: how long the ticks may take, s.
    """
    asked = subject.settings.telemetry
    if subject.telemetry is None:
        error = subject.error
        message, hint = (error.message, error.hint) if error else ("There is no telemetry.", "")
        return [_check("source", State.PROBLEM, message, hint)]
    if subject.telemetry.kind == "replay":
        return [_check("source", State.OK, f"{asked}: a log is replayed, no board is read.")]
    if subject.error is not None:
        return [_check("source", State.PROBLEM, subject.error.message, subject.error.hint)]
    ticks, notices = take_ticks(open_probe(subject.telemetry, INTERVAL_MS, subject.settings.state_dir), limit_s)
    words = f"{asked}: {_WORDS[subject.telemetry.kind]}"
    if len(ticks) < TICKS:
        return [
            _check(
                "source",
                State.PROBLEM,
                f"{words} gave {len(ticks)} of {TICKS} ticks in {limit_s:g} s.",
                "Run tegrastats by hand and look at what it prints.",
                tuple(notices),
            )
        ]
    reasons = list(dict.fromkeys(notices + _sysfs_notices(subject)))
    return [_check("source", State.OK, f"{words}, {TICKS} ticks read."), _fields(ticks[-1].sample, reasons)]


def _check(name: str, state: State, message: str, hint: str = "", details: tuple[str, ...] = ()) -> Check:
    return Check(group=GROUP, name=name, state=state, message=message, hint=hint, details=details)


def take_ticks(probe: Probe, limit_s: float) -> tuple[list[Tick], list[str]]:
    """Returns the first ticks of a probe, and what it had to say besides.

    Args:
        probe: not yet started; closed at the end.
        limit_s: how long it may take, s.

    Raises:
        TelemetryError: the source cannot be started.
    """
    heard: queue.SimpleQueue[Tick | ProbeNotice] = queue.SimpleQueue()
    ticks: list[Tick] = []
    notices: list[str] = []
    deadline_s = time.monotonic() + limit_s
    try:
        probe.start(heard.put)
        while len(ticks) < TICKS:
            try:
                item = heard.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                break
            if isinstance(item, Tick):
                ticks.append(item)
            else:
                notices.append(f"not understood: {item.message[:120]!r}" if item.kind == "unparsed" else item.message)
    finally:
        probe.close()
    return ticks, notices


def _sysfs_notices(subject: Subject) -> list[str]:
    """Returns what cannot be read beside the ticks, each with its reason."""
    if subject.paths is None:
        return []
    sysfs = Sysfs(subject.paths.sysfs)
    for read in (sysfs.gpu_clocks_mhz, sysfs.gpu_load_pct, sysfs.throttled, sysfs.over_current, sysfs.fan):
        read()
    # What the rails and zones lack is told by the ticks, where the line leaves them out.
    return sysfs.notices


def missing_fields(sample: Sample) -> list[str]:
    """Returns what a tick lacks, each with where it would come from and which releases have it."""
    missing = [
        f"{metric.label} is absent: {metric.source}; JetPack {metric.releases}"
        for metric in METRICS
        if metric.read(sample) is None
    ]
    families = (("temperatures", sample.temps_c), ("power rails", sample.power_mw), ("cores", sample.cores))
    missing += [f"no {name} in the ticks" for name, values in families if not values]
    return missing


def _fields(sample: Sample, reasons: list[str]) -> Check:
    missing = missing_fields(sample)
    have = f"{len(METRICS) - sum(' is absent: ' in text for text in missing)} of {len(METRICS)} figures"
    have += f", {len(sample.temps_c)} temperatures, {len(sample.power_mw)} rails"
    details = tuple(missing + reasons)
    if missing:
        return _check("fields", State.WARNING, f"{have}; what is absent stays empty.", "Some need root.", details)
    if details:
        return _check("fields", State.OK, f"{have}; beside them some sensors cannot be read.", "", details)
    return _check("fields", State.OK, f"{have}.")
