"""Figures that cannot be true: above what the device can do, a missing synchronisation, readings out of range.

A missing synchronisation is the usual mistake on a GPU: calls return before the work is done, so
that the loop is timed and not the model. See ``docs/protocol.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis.bounds import fps_bound
from orin_core.analysis.findings import Finding, counted, finding, percent
from orin_core.analysis.odd_readings import MAX_POWER_W, TEMPERATURE_C
from orin_core.analysis.summary_keys import is_text, item_word, number, origin_of, part, text

_Summary = Mapping[str, Any]

MAX_FINAL_SYNC_BATCHES = 2.0
FINAL_SYNC_FLOOR_S = 0.001
FORWARD_AGREES_WITHIN = 0.05
FASTER_THAN_MODEL = 0.05
CPU_AGREES_WITHIN = 0.75
"""The same two limits where the CPU infers: its calls return when the work is done, so only the noise of a busy
machine is left between the two ways of timing, and only a gross difference means anything."""

_PERCENTAGES = {
    "gr3d_pct_mean": "GR3D",
    "gr3d_pct_median": "GR3D",
    "gr3d_idle_pct_mean": "GR3D at idle",
    "busiest_core_pct_mean": "the busiest core",
}
_POWERS = {
    "power_w_mean": "power",
    "power_first_half_w": "power in the first half",
    "power_second_half_w": "power in the second half",
    "power_idle_before_w": "power at idle",
    "power_idle_after_w": "power after the run",
}
_TEMPERATURES = {
    "tj_c_max": "highest temperature",
    "tj_c_start": "first temperature",
    "tj_c_end": "last temperature",
}


def findings(summary: _Summary) -> list[Finding]:
    """Returns why the figures of a run cannot be true: code and words each.

    Args:
        summary: as in ``summary.json``.
    """
    checks = [_out_of_range(summary)]
    if origin_of(summary) == "run":
        checks += [_final_sync(summary), _results(summary)]
        if not _has_several_sizes(summary):
            checks += [_above_the_bound(summary), _forward(summary), _faster_than_its_model(summary)]
    return list(itertools.chain.from_iterable(checks))


def unknown(summary: _Summary) -> tuple[str, ...]:
    """Returns which of the checks could not be made, one sentence each."""
    if is_text(summary):
        return ("Memory traffic bounds text generation and not operations, so its speed is held against no bound.",)
    found = []
    if _has_several_sizes(summary):
        found.append(
            "The images have several sizes, and operations and the model alone were taken from one batch, so the "
            "speed is held neither against the physical bound nor against the model alone."
        )
    on_board = text(summary, "source") == "tegrastats" and text(summary, "device_type") == "cuda"
    if on_board and fps_bound(summary) is None and not _has_several_sizes(summary):
        found.append("The physical bound is not known: operations, multiprocessors or GPU clock are missing.")
    return tuple(found)


def _above_the_bound(summary: _Summary) -> Iterable[Finding]:
    bound = fps_bound(summary)
    if bound is None:
        return
    for code, key, what in (
        ("above-the-bound", "fps_end_to_end", "end to end"),
        ("model-above-the-bound", "fps_model", "for the model alone"),
    ):
        fps = number(summary, key)
        if fps is not None and fps > bound.fps:
            yield finding(
                code,
                f"{fps:.4g} images/s {what} is more than the {bound.fps:.4g} that the GPU can do at best.",
                bound.basis,
                "The clock stopped too early, or less was computed than it seems.",
            )


def _final_sync(summary: _Summary) -> Iterable[Finding]:
    if _on_cpu(summary):
        return  # there is nothing to wait for: what was timed is how long the machine took the CPU away
    sync_s, batch_s = number(summary, "final_sync_s"), number(summary, "batch_s_p50")
    if sync_s is None or batch_s is None or batch_s <= 0:
        return
    # With several in flight a batch waits for those before it, which is no work of its own.
    batch_s /= max(1.0, number(summary, "in_flight") or 1.0)
    # Waiting for an idle device takes microseconds, but a busy machine may take the CPU away for a moment.
    if sync_s > max(MAX_FINAL_SYNC_BATCHES * batch_s, FINAL_SYNC_FLOOR_S):
        yield finding(
            "final-sync",
            f"After the last result the device still worked for {1000 * sync_s:.4g} ms, {sync_s / batch_s:.3g} batch "
            f"times (limit {MAX_FINAL_SYNC_BATCHES:g}): the clock stopped before the work was done.",
            "Wait for the device before stopping the clock.",
        )


def _forward(summary: _Summary) -> Iterable[Finding]:
    loop_ms, synchronised_ms = number(summary, "forward_ms_p50"), number(summary, "forward_synchronised_ms_p50")
    if loop_ms is None or synchronised_ms is None or synchronised_ms <= 0:
        return
    limit = CPU_AGREES_WITHIN if _on_cpu(summary) else FORWARD_AGREES_WITHIN
    # One-sided: a slow host makes the loop's forward longer, and that is no fault.
    if loop_ms < (1 - limit) * synchronised_ms:
        yield finding(
            "forward-too-short",
            f"A forward pass took {loop_ms:.4g} ms in the loop but {synchronised_ms:.4g} ms where the device was "
            f"waited for, {percent(1 - loop_ms / synchronised_ms)} less (limit {percent(limit)}): the loop did not.",
            "Wait for the device around what is timed.",
        )


def _results(summary: _Summary) -> Iterable[Finding]:
    results, items = number(summary, "results"), number(summary, "items")
    if results is not None and items is not None and results < items:
        yield finding(
            "results-not-read",
            f"Only {results:.0f} results were read for {counted(items, item_word(summary))}.",
            "What nobody reads may not have been computed: read every result before the clock stops.",
        )


def _faster_than_its_model(summary: _Summary) -> Iterable[Finding]:
    fps, fps_model = number(summary, "fps_end_to_end"), number(summary, "fps_model")
    if fps is None or fps_model is None or fps_model <= 0:
        return
    limit = 1 / (1 - CPU_AGREES_WITHIN) if _on_cpu(summary) else 1 + FASTER_THAN_MODEL
    if fps > limit * fps_model:
        yield finding(
            "faster-than-its-model",
            f"The whole way gave {fps:.4g} images/s, the model alone only {fps_model:.4g}, yet the whole cannot be "
            "faster than a part of it.",
            "Either the loop did not wait for the device, or something slowed the model down while it ran alone.",
        )


def _has_several_sizes(summary: _Summary) -> bool:
    return (number(summary, "input_shapes") or 1) > 1


def _on_cpu(summary: _Summary) -> bool:
    return text(summary, "device_type") == "cpu"


def _out_of_range(summary: _Summary) -> Iterable[Finding]:
    for names, low, high, unit in (
        (_PERCENTAGES, 0.0, 100.0, "%"),
        (_TEMPERATURES, *TEMPERATURE_C, "degree C"),
    ):
        for key, what in names.items():
            value = number(summary, key)
            if value is not None and not low <= value <= high:
                yield _unbelievable(what, value, unit, f"{low:g} to {high:g} {unit}")
    for key, what in _POWERS.items():
        value = number(summary, key)
        if value is not None and not 0 < value <= MAX_POWER_W:
            yield _unbelievable(what, value, "W", f"more than 0 and at most {MAX_POWER_W:g} W")
    total_mb = number(summary, "ram_total_mb")
    used_mb = number(summary, "ram_used_mb_max") or number(summary, "ram_used_mb_mean")
    if total_mb is not None and used_mb is not None and used_mb > total_mb:
        yield _unbelievable("used RAM", used_mb, "MB", f"at most the {total_mb:.0f} MB that there are")
    yield from _single_readings(summary)


def _single_readings(summary: _Summary) -> Iterable[Finding]:
    """Names single ticks of measure that cannot be true: a mean can hide them."""
    found = summary.get("readings_out_of_range")
    names = [str(name) for name in found] if isinstance(found, Mapping) else []
    ticks = {name: part(summary, "readings_out_of_range", name) for name in names}
    listed = [f"{name} in {many:.0f} tick{'' if many == 1 else 's'}" for name, many in ticks.items() if many]
    if listed:
        yield finding(
            "reading-out-of-range",
            f"Readings of measure that cannot be true: {', '.join(listed)}; the means hold them too.",
            "The telemetry is broken or was misread: see tegrastats.log.",
        )


def _unbelievable(what: str, value: float, unit: str, allowed: str) -> Finding:
    return finding(
        "reading-out-of-range",
        f"The reading of {what} is {value:.5g} {unit}; possible is {allowed}.",
        "The telemetry is broken or was misread.",
    )
