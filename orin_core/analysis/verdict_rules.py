"""The rules of the protocol: nothing where a rule was kept, else its code and the words for it.

Every threshold is explained in ``docs/protocol.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis import agreement_words, verdict_coverage, verdict_phases, verdict_record
from orin_core.analysis.findings import Finding, counted, finding, percent
from orin_core.analysis.summary_keys import (
    flag,
    has_power_modes,
    is_text,
    item_word,
    mode_label,
    number,
    origin_of,
    over_current_events,
    text,
)
from orin_core.profiles import Profile

_Summary = Mapping[str, Any]

CLOCK_ABOVE_CAP = 1.02
"""A reading may be a little off its cap; the next step of a clock is 5 % up or more."""
MAX_THROTTLED_SHARE = 0.01
MAX_FPS_DRIFT = 0.05
MAX_POWER_DRIFT = 0.03
SLOW_SOURCE = 1.1
"""Median tick over asked interval, beyond which the page says that the telemetry was slower than asked."""


def minimum(summary: _Summary, profile: Profile) -> list[Finding]:
    """Returns what a run lacks of the length that its profile asks for.

    Args:
        summary: as in ``summary.json``.
        profile: whose minimum it is held to.
    """
    name, min_s, min_ticks, min_items = profile.value, profile.min_s, profile.min_ticks, profile.min_items
    seconds, ticks, items = (number(summary, key) for key in ("total_inference_time_s", "ticks", "items"))
    if seconds is None:
        if flag(summary, "measure_began") is True:
            return [finding("no-measure", "No batch of measure ended, so there is nothing to judge.")]
        return [finding("no-measure", "The run never came to measure, so there is nothing to judge.")]
    is_run = origin_of(summary) == "run"
    found = []
    if seconds < min_s:
        measured = f"Only {verdict_phases.floored(seconds)} of {min_s:g} s were measured; {name} needs {min_s:g} s."
        longer = "Run it longer, or call it a demo." if is_run else "A longer stretch is needed."
        found.append(finding("too-short", measured, longer))
    if ticks is not None and ticks < min_ticks:
        rest = f"The means rest on {counted(ticks, 'tick')} of telemetry; {name} needs {min_ticks}."
        found.append(finding("too-few-ticks", rest, "Run it longer, or ask for a shorter interval." if is_run else ""))
    # A log does not tell how many images went through; a run that does not is broken.
    if items is None and is_run:
        found.append(finding("too-few-items", "How many images were done was not recorded.", "Run it again."))
    if items is not None and items < min_items:
        speed = "The speed" if is_text(summary) else "FPS"
        rest = f"{speed} rests on {counted(items, item_word(summary))}; {name} needs {min_items}."
        found.append(finding("too-few-items", rest, "Run it longer." if is_run else ""))
    return [(code, words.strip()) for code, words in found]


def protocol(summary: _Summary) -> list[Finding]:
    """Returns the rules that a run of this program did not keep, but for its least length."""
    rules = (
        verdict_record.incomplete,
        verdict_phases.idle,
        verdict_phases.other_gpu_user,
        verdict_phases.warmup,
        agreement_words.agrees,
        _mode,
        _above_the_cap,
        _items,
        verdict_coverage.ticks,
        verdict_coverage.readings,
        _idle_inside,
        _throttled,
        _drift,
        verdict_phases.cooldown,
        verdict_record.worker,
    )
    return list(itertools.chain.from_iterable(rule(summary) for rule in rules))


def of_a_log(summary: _Summary) -> list[Finding]:
    """Returns the rules that a log shows to be broken, but for the least length."""
    rules = (
        verdict_phases.other_gpu_user,
        verdict_coverage.ticks,
        verdict_coverage.readings,
        _idle_inside,
        _throttled,
        _drift,
    )
    return list(itertools.chain.from_iterable(rule(summary) for rule in rules))


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
    missing = [when for when, value in (("start", start), ("end", end)) if value is None]
    if has_power_modes(summary) and missing:
        yield finding(
            "mode-unverified",
            f"The power mode was not verified at the {' and the '.join(missing)} of the run.",
            "See with the doctor whether it can be read, and run again.",
        )


def _above_the_cap(summary: _Summary) -> Iterable[Finding]:
    for what, seen_key, cap_key in (
        ("A CPU core", "cpu_ceiling_mhz", "cpu_freq_cap_mhz"),
        ("The GPU", "gr3d_freq_mhz_max", "gr3d_freq_cap_mhz"),
    ):
        seen_mhz, cap_mhz = number(summary, seen_key), number(summary, cap_key)
        if seen_mhz is not None and cap_mhz and seen_mhz > CLOCK_ABOVE_CAP * cap_mhz:
            yield finding(
                "mode-changed",
                f"{what} ran at {seen_mhz:.0f} MHz in measure, above the {cap_mhz:.0f} MHz that the power mode allowed "
                "when the run began: somebody changed the mode or the caps during the run.",
                "See what sets clocks beside this program, and run again.",
            )


def _items(summary: _Summary) -> Iterable[Finding]:
    failed, items, asked = (number(summary, key) for key in ("failed_items", "items", "items_asked"))
    if failed:
        yield finding(
            "failed-items",
            f"{counted(failed, item_word(summary))} could not be read.",
            "Mend or remove what is broken, and run again.",
        )
    if items is not None and asked is not None and items < asked:
        what = f"{item_word(summary)}s"
        yield finding("items-missing", f"Only {items:.0f} of {asked:.0f} {what} were done.", "Let it run to its end.")


def _idle_inside(summary: _Summary) -> Iterable[Finding]:
    inside = number(summary, "idle_ticks_inside")
    if inside:
        look = "looks" if inside == 1 else "look"
        yield finding(
            "idle-inside",
            f"{counted(inside, 'tick')} inside measure {look} idle: the model paused, or idle rows were counted in. "
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
        in_measure = text(summary, "over_current_span") == "measure"
        where = f"in the {counted(ticks or 0, 'tick')} of measure" if in_measure else "over the whole run"
        so_many = "" if in_measure else " How many of them fell into measure was not recorded."
        yield finding(
            "over-current",
            f"Over-current or under-voltage alarms {where}: {alarms} (limit {percent(MAX_THROTTLED_SHARE)} of the "
            f"ticks of measure). Each slows the board down for a moment.{so_many}",
            "Use a stronger power supply, or a mode that draws less.",
        )


def _drift(summary: _Summary) -> Iterable[Finding]:
    for code, what, unit, first_key, second_key, limit in (
        ("fps-drift", "FPS was", "images/s", "fps_first_half", "fps_second_half", MAX_FPS_DRIFT),
        ("power-drift", "Power was", "W", "power_first_half_w", "power_second_half_w", MAX_POWER_DRIFT),
    ):
        first, second = number(summary, first_key), number(summary, second_key)
        if code == "fps-drift" and first is None and origin_of(summary) == "run" and not is_text(summary):
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


def unknown(summary: _Summary) -> tuple[str, ...]:
    """Returns what nobody could look at in a run of this program, one sentence each."""
    found = []
    # Where measure has a reading and idle has none, that is a reason and not unknown.
    if number(summary, "gr3d_idle_pct_mean") is None and number(summary, "gr3d_pct_mean") is None:
        found.append("Nobody could look at the GPU before the run: there is no GR3D reading here.")
    if text(summary, "source") == "tegrastats":
        missing = [
            what
            for what, key in verdict_coverage.READ_IN_MEASURE.items()
            if key != "throttled_share" and not _was_read(summary, key)
        ]
        if missing:
            found.append(f"No tick inside measure has a reading of {' or '.join(missing)}.")
    if not has_power_modes(summary) and text(summary, "power_mode") is None:
        found.append("This machine has no power modes, so none was verified.")
    if number(summary, "throttled_share") is None:
        found.append(
            "Whether the board throttled is not known: no tick fell inside measure."
            if number(summary, "ticks") == 0
            else "Whether the board throttled cannot be read here."
        )
    if any(number(summary, f"power_{half}_half_w") is None for half in ("first", "second")):
        found.append(f"Whether the power stayed the same over the run is not known: {_no_power(summary)}.")
    period_s, asked_s = number(summary, "tick_period_s"), number(summary, "interval_s")
    if period_s is not None and asked_s is not None and period_s > SLOW_SOURCE * asked_s:
        found.append(
            f"The telemetry came every {1000 * period_s:.0f} ms and not every {1000 * asked_s:.0f} ms as asked: what "
            "is shorter than that was not seen."
        )
    return tuple(found)


def _was_read(summary: _Summary, key: str) -> bool:
    return number(summary, key) is not None


def _no_power(summary: _Summary) -> str:
    """Why there is no power in one of the halves of measure."""
    if _was_read(summary, "power_w_mean"):
        return "not both halves of measure have a reading of it"
    if _was_read(summary, "power_idle_before_w") or _was_read(summary, "power_idle_after_w"):
        return "no tick that has it fell inside measure"
    return "no tick fell inside measure" if number(summary, "ticks") == 0 else "there is no reading of it here"


def unknown_of_a_log(summary: _Summary) -> tuple[str, ...]:
    """Returns what a log does not tell, one sentence each."""
    found = [
        "A log does not tell how images were counted, whether the device was waited for, or whether warm-up was over.",
        "The power mode was told from the clocks in the log or typed in; nobody verified it on the board.",
    ]
    if number(summary, "gr3d_idle_pct_mean") is None:
        found.append("The log has no idle beside this stretch, so another user of the GPU would not be seen.")
    return tuple(found)
