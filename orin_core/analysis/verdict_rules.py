"""The rules of the protocol: nothing where a rule was kept, else its code and the words for it.

Every threshold is explained in ``docs/protocol.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis.findings import Finding, finding, percent
from orin_core.analysis.summary_keys import (
    flag,
    is_simulated,
    mode_label,
    number,
    origin_of,
    over_current_events,
    text,
)

_Summary = Mapping[str, Any]

MIN_COVERAGE = 0.95
MAX_THROTTLED_SHARE = 0.01
MAX_FPS_DRIFT = 0.05
MAX_POWER_DRIFT = 0.03
MAX_GR3D_IDLE_PCT = 5.0
MIN_IDLE_S = 10.0
IDLE_EDGE_TICKS = 2
"""Ticks at both ends of idle that may miss it, so that an idle of 10 s covers a little less."""


def minimum(summary: _Summary, *, profile: str, min_s: float, min_ticks: int, min_items: int) -> list[Finding]:
    """Returns what a run lacks of the length that its profile asks for.

    Args:
        summary: as in ``summary.json``.
        profile: name of the profile, for the words.
        min_s: least length of measure, s.
        min_ticks: least number of ticks.
        min_items: least number of images.
    """
    seconds, ticks, items = (number(summary, key) for key in ("total_inference_time_s", "ticks", "items"))
    if seconds is None:
        return [finding("no-measure", "The run never came to measure, so there is nothing to judge.")]
    is_run = origin_of(summary) == "run"
    found = []
    if seconds < min_s:
        measured = f"Only {_floored(seconds)} of {min_s:g} s were measured; {profile} needs {min_s:g} s."
        longer = "Run it longer, or call it a demo." if is_run else "A longer stretch is needed."
        found.append(finding("too-short", measured, longer))
    if ticks is not None and ticks < min_ticks:
        rest = f"The means rest on {ticks:.0f} ticks of telemetry; {profile} needs {min_ticks}."
        found.append(finding("too-few-ticks", rest, "Run it longer, or ask for a shorter interval." if is_run else ""))
    # A log does not tell how many images went through; a run that does not is broken.
    if items is None and is_run:
        found.append(finding("too-few-items", "How many images were done was not recorded.", "Run it again."))
    if items is not None and items < min_items:
        rest = f"FPS rests on {items:.0f} images; {profile} needs {min_items}."
        found.append(finding("too-few-items", rest, "Run it longer." if is_run else ""))
    return [(code, words.strip()) for code, words in found]


def _floored(seconds: float) -> str:
    """Seconds cut to one digit after the point, so that 59.97 does not read as the 60 that it is not."""
    return f"{int(10 * seconds) / 10:g}"


def unfinished(summary: _Summary) -> list[Finding]:
    """Returns why a run did not come to its planned end."""
    state, message = text(summary, "state"), text(summary, "message")
    said = f": {message.strip().rstrip('.')}" if message else ""
    if state == "failed":
        return [finding("run-failed", f"The run failed{said}.", "See worker.log in its folder, and run it again.")]
    if state == "interrupted":
        return [finding("run-interrupted", f"The run was interrupted{said}.", "Run it again.")]
    if state == "stopped" or flag(summary, "stopped") is True:
        return [finding("run-stopped", "The run was stopped before its end.", "Let it run to its end.")]
    if state == "running":
        return [finding("run-unfinished", "The run has not come to its end yet.")]
    return []


def protocol(summary: _Summary) -> list[Finding]:
    """Returns the rules that a run of this program did not keep, but for its least length."""
    rules = (_idle, _other_gpu_user, _warmup, _mode, _items, _coverage, _idle_inside, _throttled, _drift, _worker)
    return list(itertools.chain.from_iterable(rule(summary) for rule in rules))


def of_a_log(summary: _Summary) -> list[Finding]:
    """Returns the rules that a log shows to be broken, but for the least length."""
    rules = (_other_gpu_user, _coverage, _idle_inside, _throttled, _drift)
    return list(itertools.chain.from_iterable(rule(summary) for rule in rules))


def _idle(summary: _Summary) -> Iterable[Finding]:
    idle_s = number(summary, "idle_before_s") or 0.0
    tick_s = number(summary, "tick_period_s") or number(summary, "interval_s") or 1.0
    if idle_s > 0 and idle_s + IDLE_EDGE_TICKS * tick_s >= MIN_IDLE_S:
        return
    had = f"Only {_floored(idle_s)} s of idle were" if idle_s > 0 else "No idle was"
    yield finding(
        "no-idle",
        f"{had} recorded before the model was loaded; {MIN_IDLE_S:g} s are needed to see that nobody else uses the "
        "GPU.",
        f"Leave the idle phase at {MIN_IDLE_S:g} s or more.",
    )


def _other_gpu_user(summary: _Summary) -> Iterable[Finding]:
    idle_pct = number(summary, "gr3d_idle_pct_mean")
    if idle_pct is not None and idle_pct >= MAX_GR3D_IDLE_PCT:
        yield finding(
            "gpu-in-use",
            f"The GPU was at {idle_pct:.1f} % when nothing of this run used it (limit {MAX_GR3D_IDLE_PCT:g} %): "
            "somebody else did.",
            "End other GPU programs and the desktop's windows, and run again.",
        )


def _warmup(summary: _Summary) -> Iterable[Finding]:
    settled = flag(summary, "warmup_settled")
    if settled is None:
        yield finding("no-warm-up", "There was no warm-up, so slow first images count.", "Leave the warm-up on.")
    elif not settled:
        yield finding(
            "warm-up-not-settled",
            "When warm-up ended the speed had not settled within 5 %.",
            "Allow a longer warm-up, and see what else runs on the board.",
        )


def _mode(summary: _Summary) -> Iterable[Finding]:
    mode, at_end = text(summary, "power_mode"), text(summary, "power_mode_at_end")
    name = mode_label(mode) if mode else "its power mode"
    start, end = flag(summary, "power_mode_verified_start"), flag(summary, "power_mode_verified_end")
    if start is False:
        yield finding(
            "mode-not-verified",
            f"When the run began the board's clocks and cores were not those of {name}.",
            "Set the mode again, reboot where nvpmodel asks for it, and run again.",
        )
    if mode and at_end and mode_label(mode) != mode_label(at_end):
        yield finding(
            "mode-changed",
            f"The run began in {name} and ended in {mode_label(at_end)}: somebody changed the power mode.",
            "Run it again.",
        )
    elif end is False:
        yield finding(
            "mode-changed",
            f"When the run ended the board's clocks and cores were not those of {name}.",
            "See what sets clocks beside this program, and run again.",
        )
    has_modes = text(summary, "source") == "tegrastats" or is_simulated(summary)
    missing = [when for when, value in (("start", start), ("end", end)) if value is None]
    if has_modes and missing:
        yield finding(
            "mode-unverified",
            f"The power mode was not verified at the {' and the '.join(missing)} of the run.",
            "See with the doctor whether it can be read, and run again.",
        )


def _items(summary: _Summary) -> Iterable[Finding]:
    failed, items, asked = (number(summary, key) for key in ("failed_items", "items", "items_asked"))
    if failed:
        images = "1 image" if failed == 1 else f"{failed:.0f} images"
        yield finding("failed-items", f"{images} could not be read.", "Mend or remove what is broken, and run again.")
    if items is not None and asked is not None and items < asked:
        yield finding("items-missing", f"Only {items:.0f} of {asked:.0f} images were done.", "Let it run to its end.")


def _coverage(summary: _Summary) -> Iterable[Finding]:
    coverage = number(summary, "coverage")
    if coverage is None and origin_of(summary) == "run":
        yield finding("coverage-unknown", "How much of the run the telemetry covers was not recorded.", "Run it again.")
    if coverage is not None and coverage < MIN_COVERAGE:
        yield finding(
            "gaps",
            f"Only {percent(coverage)} of the expected ticks arrived (limit {percent(MIN_COVERAGE)}): "
            "nobody knows what the board did in between.",
            "End other programs on the board, or ask for a longer interval."
            if origin_of(summary) == "run"
            else "The log has gaps.",
        )


def _idle_inside(summary: _Summary) -> Iterable[Finding]:
    inside = number(summary, "idle_ticks_inside")
    if inside:
        yield finding(
            "idle-inside",
            f"{inside:.0f} ticks inside measure look idle: the model paused, or idle rows were counted in. "
            "That makes the means too low.",
            "Find out what the model waited for." if origin_of(summary) == "run" else "Cut the log again.",
        )


def _throttled(summary: _Summary) -> Iterable[Finding]:
    share, alarms, ticks = number(summary, "throttled_share"), over_current_events(summary), number(summary, "ticks")
    if share is not None and share >= MAX_THROTTLED_SHARE:
        yield finding(
            "throttled",
            f"The board slowed itself down in {percent(share)} of the ticks (limit {percent(MAX_THROTTLED_SHARE)}).",
            "Cool it, see that its fan turns, and run again.",
        )
    # An alarm slows the clocks for less than a tick and shows in no cooling device, so each counts as one tick.
    if alarms and alarms >= MAX_THROTTLED_SHARE * (ticks or 0):
        yield finding(
            "over-current",
            f"Over-current or under-voltage alarms in {ticks or 0:.0f} ticks: {alarms} "
            f"(limit {percent(MAX_THROTTLED_SHARE)} of the ticks). Each slows the board down for a moment.",
            "Use a stronger power supply, or a mode that draws less.",
        )


def _drift(summary: _Summary) -> Iterable[Finding]:
    for code, what, unit, first_key, second_key, limit in (
        ("fps-drift", "FPS was", "images/s", "fps_first_half", "fps_second_half", MAX_FPS_DRIFT),
        ("power-drift", "Power was", "W", "power_first_half_w", "power_second_half_w", MAX_POWER_DRIFT),
    ):
        first, second = number(summary, first_key), number(summary, second_key)
        if code == "fps-drift" and first is None and origin_of(summary) == "run":
            yield finding(
                "too-few-batches",
                "There were too few batches to tell whether the speed stayed the same.",
                "Run it longer, or use a smaller batch.",
            )
        if first is None or second is None or first + second <= 0:
            continue
        drift = abs(second - first) / ((first + second) / 2)
        if drift > limit:
            yield finding(
                code,
                f"{what} {first:.4g} {unit} in the first half and {second:.4g} in the second, {percent(drift)} apart "
                f"(limit {percent(limit)}): the board had not settled.",
                "Warm up longer, let it cool before the run, and end other programs.",
            )


def _worker(summary: _Summary) -> Iterable[Finding]:
    code = number(summary, "worker_exit_code")
    if code is None:
        yield finding("worker-exit-unknown", "How the inference program ended was not recorded.", "Run it again.")
    elif code != 0:
        yield finding(
            "worker-exit", f"The inference program ended with code {code:.0f} instead of 0.", "See worker.log."
        )


def unknown(summary: _Summary) -> tuple[str, ...]:
    """Returns what nobody could look at in a run of this program, one sentence each."""
    found = []
    if number(summary, "gr3d_idle_pct_mean") is None:
        found.append("Nobody could look at the GPU before the run: there is no GR3D reading here.")
    has_modes = text(summary, "source") == "tegrastats" or is_simulated(summary)
    if not has_modes and text(summary, "power_mode") is None:
        found.append("This machine has no power modes, so none was verified.")
    if number(summary, "throttled_share") is None:
        found.append("Whether the board throttled cannot be read here.")
    if any(number(summary, f"power_{half}_half_w") is None for half in ("first", "second")):
        found.append("Whether the power stayed the same over the run is not known: there is no reading of it here.")
    return tuple(found)


def unknown_of_a_log(summary: _Summary) -> tuple[str, ...]:
    """Returns what a log does not tell, one sentence each."""
    found = [
        "A log does not tell how images were counted, whether the device was waited for, or whether warm-up was over.",
        "The power mode was told from the clocks in the log or typed in; nobody verified it on the board.",
    ]
    if number(summary, "gr3d_idle_pct_mean") is None:
        found.append("The log has no idle beside this stretch, so another user of the GPU would not be seen.")
    return tuple(found)
