"""What each key of a summary holds, so that a damaged or foreign one can be read: what does not fit is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

_TEXTS = """
    run_id state message hint sweep cell origin started_utc model dataset power_mode source weights images method scope
    profile precision agreement_metric
    device device_type power_mode_at_end power_mode_mismatch l4t over_current_span fps_bound_basis
"""
_FLAGS = """
    simulated tf32_allowed power_mode_verified_start power_mode_verified_end stopped warmup_settled throttle_readable
    measure_began agreement_ok
"""
_SIGNED = """
    worker_exit_code ram_rise_mb swap_rise_mb energy_per_item_net_j tj_c_start tj_c_end tj_c_max
"""
_NUMBERS = """
    batch_size batch_size_asked agreement_value agreement_threshold agreement_images failed_items items_asked
    seconds_asked interval_s multiprocessors flop_per_item cpu_freq_cap_mhz gr3d_freq_cap_mhz cores_online ram_total_mb
    in_flight results input_shapes final_sync_s warmup_s own_cpu_pct items total_inference_time_s fps_end_to_end
    fps_model tokens_per_s ttft_ms_p50 latency_ms_p50 latency_ms_p90 latency_ms_p99 forward_ms_p50
    forward_synchronised_ms_p50 batch_s_p50 gr3d_pct_mean gr3d_freq_mhz_mean busiest_core_pct_mean ram_used_mb_mean
    power_w_mean throttled_share gr3d_freq_mhz_max cpu_ceiling_mhz ram_used_mb_max gr3d_pct_median gr3d_saturated_share
    idle_ticks_inside lfb_start_mb lfb_min_mb gr3d_idle_pct_mean ram_idle_mb_mean power_idle_before_w power_idle_after_w
    idle_before_s idle_after_s cpu_load_sum_before_pct cpu_load_sum_after_pct fps_first_half fps_second_half
    power_first_half_w power_second_half_w energy_j energy_per_item_j items_per_joule ticks ticks_expected gaps coverage
    tick_period_s device_busy_share fps_bound unparsed_lines garbled_lines rows
"""
_LISTS = "labels notices power_rails"
_OBJECTS = "counts power_by_rail_w readings_out_of_range phases_asked_s over_current"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(one is None or _is_number(one) for one in value.values())


def _is_intervals(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(ends, (list, tuple)) and len(ends) == 2 and all(map(_is_number, ends)) for ends in value.values()
    )


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_TEXTS.split(), lambda value: isinstance(value, str)),
    **dict.fromkeys(_FLAGS.split(), lambda value: isinstance(value, bool)),
    **dict.fromkeys(_SIGNED.split(), _is_number),
    **dict.fromkeys(_NUMBERS.split(), _is_positive),
    **dict.fromkeys(_LISTS.split(), _is_texts),
    **dict.fromkeys(_OBJECTS.split(), _is_numbers),
    "intervals_95": _is_intervals,
}

KEYS = frozenset(_SHAPES)
"""Every key of a summary but ``verdict`` and ``diagnosis``, which follow from these."""


def damaged_keys(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the keys whose values are of a wrong type, not finite, or negative where nothing can be.

    Args:
        summary: as in ``summary.json``.
    """
    return tuple(key for key, fits in _SHAPES.items() if summary.get(key) is not None and not fits(summary[key]))


def without_damage(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a summary without the values that :func:`damaged_keys` names: those keys are absent.

    Args:
        summary: as in ``summary.json``.
    """
    damaged = set(damaged_keys(summary))
    return {key: value for key, value in summary.items() if key not in damaged}
