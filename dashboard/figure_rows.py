"""Every figure of a summary in words: its label, its unit, what it is counted from, why it may be blank. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from dashboard import agreement_figures
from dashboard.words import ABSENT, plain
from orin_core.analysis.intervals import block_count
from orin_core.analysis.summary_keys import is_text, item_word

_NO_TICKS = "no tick lay within measure"
_NO_BATCH = "no batch of measure ended"
_NO_READING = "not printed here, or no tick within measure"
_NO_LOAD = "the model was not loaded"
_NO_IDLE = "there was no idle phase, or nothing was read in it"
_NO_CLOCK = "not timed"
_NO_COUNT = "not counted"
_NO_MODES = "this source has no power modes"
_OLDER = "a run of an older version"
_NO_TEXT = "only text generation has tokens"
_NOT_HELD = "the reference itself, a run of an older version, or the model was not loaded"
_ONLY_OF_A_RUN = (_NO_BATCH, _NO_LOAD, _NO_CLOCK, _NO_COUNT, _NO_MODES, _OLDER, _NOT_HELD)
_LOG = "a log does not tell"


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table.

    Args:
        label: what it is, for people.
        key: of ``summary.json``.
        pattern: how it is formatted.
        unit: with its blank before it.
        why: why it may be blank.
    """

    label: str
    key: str
    pattern: str = "{}"
    unit: str = ""
    why: str = ""


GROUPS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "Run",
        (
            Row("Model", "model", why="not told"),
            Row("Data set", "dataset", why="not told"),
            Row("Started (UTC)", "started_utc", why="not told"),
            Row("Origin", "origin"),
            Row("Sweep", "sweep", why="a run of its own"),
            Row("Cell", "cell", why="a run of its own"),
            Row("Protocol", "profile", why="a log, or a run of an older version"),
            Row("Images asked for", "items_asked", "{:,}", why="the length was given in seconds"),
            Row("Seconds asked for", "seconds_asked", "{:g}", " s", "the length was given in images"),
            Row("Ended early by a person", "stopped"),
            Row("Images measured", "items", "{:,}", why=_NO_BATCH),
            Row("Images that could not be read", "failed_items", "{:,}"),
            Row("Results read on the host", "results", "{:,}", why=_NO_BATCH),
            Row("Sizes of what the model got", "input_shapes", why=_NO_BATCH),
            Row("Method", "method", why=_OLDER),
            Row("Batch size", "batch_size", why=_NO_LOAD),
            Row("Batch size, asked", "batch_size_asked", why=_NO_LOAD),
            Row("Batches in flight", "in_flight", why=_NO_LOAD),
            Row("Scope", "scope", why=_NO_LOAD),
            Row("Measure was begun", "measure_began"),
            Row("Time of measure", "total_inference_time_s", "{:.3f}", " s", _NO_BATCH),
            Row("Precision", "precision", why=_NO_LOAD),
            Row("TF32 allowed", "tf32_allowed", why=_NO_LOAD),
            Row("Device", "device", why=_NO_LOAD),
            Row("L4T release", "l4t", why="no Jetson, or not told"),
            Row("Operations per image", "flop_per_item", "{:,.0f}", " FLOP", _NO_COUNT),
            Row("Phases, asked (s)", "phases_asked_s", why="a run of an older version, or a log"),
            Row("Warm-up settled", "warmup_settled", why="there was no warm-up"),
            Row("Warm-up, lasted", "warmup_s", "{:.1f}", " s", "there was no warm-up"),
            Row("Power mode", "power_mode", why="not told"),
            Row("Power mode at the end", "power_mode_at_end", why=_NO_MODES),
            Row("Mode verified at start", "power_mode_verified_start", why=_NO_MODES),
            Row("Mode verified at end", "power_mode_verified_end", why=_NO_MODES),
            Row("What the mode lacked at the end", "power_mode_mismatch", why="nothing, or nobody looked"),
            Row("Worker's exit code", "worker_exit_code", why="there was no worker, or it was not seen to end"),
        ),
    ),
    (
        "Throughput",
        (
            Row("FPS end to end", "fps_end_to_end", "{:.3f}", why=_NO_BATCH),
            Row("FPS model only", "fps_model", "{:.3f}", why=_NO_CLOCK),
            Row("Tokens per second", "tokens_per_s", "{:.2f}", why=_NO_TEXT),
            Row("Time to the first token, median", "ttft_ms_p50", "{:.1f}", " ms", _NO_TEXT),
            Row("Device busy", "device_busy_share", "{:.1%}", why="only on CUDA, and needs both FPS"),
            Row("FPS of the first half", "fps_first_half", "{:.3f}", why=_NO_BATCH),
            Row("FPS of the second half", "fps_second_half", "{:.3f}", why=_NO_BATCH),
            Row("Physical bound", "fps_bound", "{:,.1f}", " FPS", "only where the board itself computes"),
            Row("Bound from", "fps_bound_basis"),
        ),
    ),
    (
        "Agreement with the reference",
        (
            Row("Compared by", "agreement_metric", why=_NOT_HELD),
            Row("Agreement", "agreement_value", "{:.4g}", why=_NOT_HELD),
            Row("Needed or allowed", "agreement_threshold", "{:.4g}", why=_NOT_HELD),
            Row("Agrees", "agreement_ok", why=_NOT_HELD),
            Row("Images compared", "agreement_images", "{:,}", why=_NOT_HELD),
        ),
    ),
    (
        "Latency",
        (
            Row("Latency, median", "latency_ms_p50", "{:.2f}", " ms", _NO_BATCH),
            Row("Latency, 90 %", "latency_ms_p90", "{:.2f}", " ms", _NO_BATCH),
            Row("Latency, 99 %", "latency_ms_p99", "{:.2f}", " ms", "needs 1000 batches"),
            Row("Batch to batch, median", "batch_s_p50", "{:.4f}", " s", _NO_BATCH),
            Row("Forward, median", "forward_ms_p50", "{:.3f}", " ms", _NO_BATCH),
            Row("Forward, synchronised", "forward_synchronised_ms_p50", "{:.3f}", " ms", _NO_CLOCK),
            Row("Last synchronisation", "final_sync_s", "{:.4f}", " s", _NO_CLOCK),
        ),
    ),
    (
        "GPU",
        (
            Row("GPU load (GR3D), mean", "gr3d_pct_mean", "{:.2f}", " %", _NO_READING),
            Row("GPU load, median", "gr3d_pct_median", "{:.1f}", " %", _NO_READING),
            Row("Ticks with load of 95 % and more", "gr3d_saturated_share", "{:.1%}", why=_NO_READING),
            Row("GPU load at idle", "gr3d_idle_pct_mean", "{:.2f}", " %", _NO_IDLE),
            Row("GPU clock, mean", "gr3d_freq_mhz_mean", "{:.0f}", " MHz", _NO_READING),
            Row("GPU clock, highest", "gr3d_freq_mhz_max", "{:.0f}", " MHz", _NO_READING),
            Row("GPU clock, cap of the mode", "gr3d_freq_cap_mhz", "{:.0f}", " MHz", "not readable here"),
            Row("Streaming multiprocessors", "multiprocessors", why="no CUDA device"),
            Row("Idle ticks inside measure", "idle_ticks_inside", why=_NO_READING),
        ),
    ),
    (
        "CPU",
        (
            Row("Busiest core, mean", "busiest_core_pct_mean", "{:.1f}", " %", _NO_READING),
            Row("Highest core clock seen", "cpu_ceiling_mhz", "{:.0f}", " MHz", _NO_READING),
            Row("CPU clock, cap of the mode", "cpu_freq_cap_mhz", "{:.0f}", " MHz", "not readable here"),
            Row("Cores online", "cores_online", why="not readable here"),
            Row("CPU load at idle before, sum", "cpu_load_sum_before_pct", "{:.1f}", " %", _NO_IDLE),
            Row("CPU load at idle after, sum", "cpu_load_sum_after_pct", "{:.1f}", " %", _NO_IDLE),
            Row("The dashboard's own share of a core", "own_cpu_pct", "{:.2f}", " %", _NO_COUNT),
        ),
    ),
    (
        "Memory",
        (
            Row("RAM, mean", "ram_used_mb_mean", "{:,.1f}", " MB", _NO_TICKS),
            Row("RAM, highest", "ram_used_mb_max", "{:,.0f}", " MB", _NO_TICKS),
            Row("RAM before the model", "ram_idle_mb_mean", "{:,.1f}", " MB", _NO_IDLE),
            Row("RAM, rise over idle", "ram_rise_mb", "{:,.1f}", " MB", _NO_IDLE),
            Row("RAM of the board", "ram_total_mb", "{:,.0f}", " MB", "not printed here"),
            Row("Swap, rise since the run began", "swap_rise_mb", "{:,.1f}", " MB", _NO_READING),
            Row("Largest free blocks at start", "lfb_start_mb", "{:,.0f}", " MB", "not printed here"),
            Row("Largest free blocks, least", "lfb_min_mb", "{:,.0f}", " MB", "not printed here"),
        ),
    ),
    (
        "Power and energy",
        (
            Row("Power, mean", "power_w_mean", "{:.3f}", " W", "no rails, or no tick within measure"),
            Row("Power of the first half", "power_first_half_w", "{:.3f}", " W", _NO_READING),
            Row("Power of the second half", "power_second_half_w", "{:.3f}", " W", _NO_READING),
            Row("Power at idle before", "power_idle_before_w", "{:.3f}", " W", _NO_IDLE),
            Row("Power at idle after", "power_idle_after_w", "{:.3f}", " W", _NO_IDLE),
            Row("Idle before", "idle_before_s", "{:.1f}", " s", _NO_IDLE),
            Row("Idle after", "idle_after_s", "{:.1f}", " s", _NO_IDLE),
            Row("Energy of measure", "energy_j", "{:,.1f}", " J", "needs power"),
            Row("Energy per image", "energy_per_item_j", "{:.4f}", " J", "needs power and images"),
            Row(
                "Energy per image, net of idle",
                "energy_per_item_net_j",
                "{:.4f}",
                " J",
                "needs 60 s of quiet idle before and after that agree within 0.3 W",
            ),
            Row("Images per joule", "items_per_joule", "{:.4f}", why="needs power and images"),
        ),
    ),
    (
        "Heat",
        (
            Row("Hottest (tj) at start", "tj_c_start", "{:.1f}", " °C", _NO_READING),
            Row("Hottest (tj) at end", "tj_c_end", "{:.1f}", " °C", _NO_READING),
            Row("Hottest (tj)", "tj_c_max", "{:.1f}", " °C", _NO_TICKS),
            Row("Ticks that were throttled", "throttled_share", "{:.2%}", why="not readable here"),
            Row("Throttling can be read", "throttle_readable"),
            Row("Over-current alarms", "over_current", why="not readable here"),
            Row("Over-current alarms are of (measure or the whole run)", "over_current_span", why="not readable here"),
        ),
    ),
    (
        "Telemetry",
        (
            Row("Ticks of measure", "ticks"),
            Row("Ticks expected", "ticks_expected"),
            Row("Ticks that came", "coverage", "{:.1%}", why="measure was not reached"),
            Row("Gaps left out", "gaps"),
            Row("Ticks with a reading that cannot be true", "readings_out_of_range"),
            Row("Rows recorded", "rows", "{:,}"),
            Row("Lines that are no ticks", "unparsed_lines", "{:,}"),
            Row("Lines that were read in part", "garbled_lines", "{:,}"),
            Row("Time between ticks, asked", "interval_s", "{:.3f}", " s"),
            Row("Time between ticks, median", "tick_period_s", "{:.3f}", " s", _NO_TICKS),
        ),
    ),
)


def value_text(row: Row, value: Any) -> str:
    """Returns a value with its unit; yes or no for a truth value; a dash where there is none."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items()) or "none"
    try:
        return row.pattern.format(value).replace("%", " %") + row.unit
    except (TypeError, ValueError):
        return str(value)  # a foreign file: shown as it is


def spread_text(row: Row, summary: Mapping[str, Any]) -> str:
    """Returns half the width of a figure's interval, for example ``± 0.05 (95 %, 23 blocks)``; else nothing."""
    found = (summary.get("intervals_95") or {}).get(row.key)
    if not isinstance(found, (list, tuple)) or len(found) != 2 or None in found:
        return ""
    blocks = block_count(summary.get("total_inference_time_s") or 0.0, summary.get("tick_period_s") or 0.0)
    basis = f"95 %, {blocks} blocks" if blocks else "95 %"
    return f"± {row.pattern.format((found[1] - found[0]) / 2)} ({basis})"


def count_text(row: Row, summary: Mapping[str, Any]) -> str:
    """Returns what a figure is counted from, for example ``472 ticks``; nothing where that is not known."""
    count = (summary.get("counts") or {}).get(row.key)
    if count is None:
        return ""
    name = "tick"
    if row.key.startswith(("latency", "forward", "batch")) or row.key in ("fps_first_half", "fps_second_half"):
        name = "batch"
    elif row.key in ("fps_end_to_end", "fps_model", "device_busy_share"):
        name = item_word(summary)
    return f"{count:,} {name}{'' if count == 1 else 'es' if name == 'batch' else 's'}"


def rails(summary: Mapping[str, Any]) -> Iterator[Row]:
    """Yields one row per power rail, with the rail's name as its key."""
    for rail in summary.get("power_by_rail_w") or {}:
        yield Row(f"Rail {rail}", rail, "{:.3f}", " W", "no reading within measure")


def lines(summary: Mapping[str, Any], *, refused: bool) -> Iterator[str]:
    """Yields the lines of the Markdown table of all figures.

    Args:
        summary: as in ``summary.json``.
        refused: whether the figures cannot be true, so that they are struck out.
    """
    yield "| | | |"
    yield "|---|---|---|"
    for title, rows in GROUPS:
        yield f"| **{title}** | | |"
        for row in rows:
            yield _line(row, summary, summary.get(row.key), refused=refused)
            if row.key == "power_w_mean":
                for rail in rails(summary):
                    yield _line(rail, summary, summary["power_by_rail_w"][rail.key], refused=refused)


_MEASURED = ("Throughput", "Latency", "GPU", "Power and energy")
_STRUCK = {row.key for title, rows in GROUPS if title in _MEASURED for row in rows}


def _line(row: Row, summary: Mapping[str, Any], value: Any, *, refused: bool) -> str:
    label = plain(_of_items(row.label, summary))
    if value is None:
        of_a_log = summary.get("origin") in ("imported", "replay")
        why = _of_items(_LOG if of_a_log and row.why in _ONLY_OF_A_RUN else row.why, summary)
        return f"| {label} | {ABSENT}{f' *({why})*' if why else ''} | |"
    text = agreement_figures.text(row.key, summary) or value_text(row, value)
    shown = plain(f"{text} {spread_text(row, summary)}".strip())
    if refused and row.key in _STRUCK:
        shown = f"~~{shown}~~ *refused*"
    return f"| {label} | {shown} | {count_text(row, summary)} |"


def _of_items(words: str, summary: Mapping[str, Any]) -> str:
    """Returns words with the items of the run called what they are: prompts in place of images."""
    return words.replace("Image", "Prompt").replace("image", "prompt") if is_text(summary) else words
