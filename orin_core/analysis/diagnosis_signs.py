"""The signs of one run that a diagnosis is made of, their thresholds, and their words.

**Source** of the thresholds unless another is named: the published tegrastats logs of ResNet-152 and
Depth Anything V2 on an AGX Orin, recomputed; see ``docs/protocol.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orin_core.analysis.summary_keys import number, over_current_events

_Summary = Mapping[str, Any]

HOST_CORE_PCT = 70.0
"""Busiest core, mean: 80 to 83 % in the host-bound logs, 14 to 30 % in the GPU-bound ones."""
IDLE_CORE_PCT = 50.0
PARTIAL_GR3D_PCT = 90.0
"""GR3D median: 59 % in the host-bound log, 99 % in the GPU-bound ones."""
FULL_GR3D_PCT = 97.0
FULL_SHARE = 0.70
"""Share of ticks at 95 % or more: 78 and 84 % in the GPU-bound logs, none in the host-bound one."""
MODEL_FAR_ABOVE = 1.5
"""Model alone over end to end: from there on the device waits a third of the time or more."""
MODEL_CLOSE = 1.1
LOW_CLOCK_SHARE = 0.70
"""GPU clock over its cap. Without jetson_clocks the governor can leave a light load at 306 MHz of 1300."""
AT_CAP_SHARE = 0.95
HELD_DOWN_SHARE = 0.90
"""A full GPU below this share of its cap is held down by something: the governor would raise its clock."""
THROTTLED_SHARE = 0.01
SWAP_RISE_MB = 50.0
"""Swap did not move by a MB in any published log."""
LFB_LOST = 0.25
LFB_SMALL_MB = 8.0
RAM_FULL_SHARE = 0.90
"""Small free blocks count only while RAM is full: in the published logs they fall from 164 to 4 MB with 25 GB free."""


def gr3d_words(summary: _Summary) -> str:
    """Returns GR3D in words; empty where it is not known."""
    median, share = number(summary, "gr3d_pct_median"), number(summary, "gr3d_saturated_share")
    if median is None:
        return ""
    full = f" ({100 * share:.0f} % of ticks at 95 % or more)" if share is not None and gpu_is_full(summary) else ""
    mean = number(summary, "gr3d_pct_mean")
    means = f", mean {mean:.0f} %" if mean is not None else ""
    return f"GR3D median {median:.0f} %{means}{full}"


def core_words(summary: _Summary) -> str:
    """Returns the busiest core in words; empty where it is not known."""
    busiest, mhz = number(summary, "busiest_core_pct_mean"), number(summary, "cpu_ceiling_mhz")
    if busiest is None:
        return ""
    return f"busiest core {busiest:.0f} %" + (f" at {mhz:.0f} MHz" if mhz is not None else "")


def clock_words(summary: _Summary) -> str:
    """Returns the GPU clock in words with a comma before it; empty where it is not known."""
    mhz, cap_mhz = number(summary, "gr3d_freq_mhz_mean"), number(summary, "gr3d_freq_cap_mhz")
    if mhz is None:
        return ""
    if clock_at_cap(summary):
        return f", GPU at the cap clock of {cap_mhz:.0f} MHz"
    return f", GPU at {mhz:.0f} MHz" + (f" of {cap_mhz:.0f}" if cap_mhz is not None else "")


def _clock_share(summary: _Summary) -> float | None:
    mhz, cap_mhz = number(summary, "gr3d_freq_mhz_mean"), number(summary, "gr3d_freq_cap_mhz")
    return mhz / cap_mhz if mhz is not None and cap_mhz is not None and cap_mhz > 0 else None


def clock_at_cap(summary: _Summary) -> bool:
    """Returns whether the GPU clock is known and at its cap."""
    share = _clock_share(summary)
    return share is not None and share >= AT_CAP_SHARE


def clock_is_low(summary: _Summary) -> bool:
    """Returns whether the GPU clock is known and far below its cap."""
    share = _clock_share(summary)
    return share is not None and share < LOW_CLOCK_SHARE


def gpu_is_full(summary: _Summary) -> bool:
    """Returns whether the GPU computes nearly all the time.

    Never where the model alone is far above the whole way, whatever GR3D says: it tells that the GPU had work in
    a moment, not how much of the moment it worked.
    """
    return _is_saturated(summary) and not model_alone_words(summary)


def _is_saturated(summary: _Summary) -> bool:
    median, share = number(summary, "gr3d_pct_median"), number(summary, "gr3d_saturated_share")
    return (median is not None and median >= FULL_GR3D_PCT) or (share is not None and share >= FULL_SHARE)


def gr3d_is_partial(summary: _Summary) -> bool:
    """Returns whether GR3D is known and below what a full GPU shows."""
    median = number(summary, "gr3d_pct_median")
    return median is not None and median < PARTIAL_GR3D_PCT


def gpu_is_partly_used(summary: _Summary, *, where_unknown: bool = False) -> bool:
    """Returns whether the GPU is known to have had time left.

    Args:
        summary: as in ``summary.json``.
        where_unknown: the answer where there is no GR3D.
    """
    if number(summary, "gr3d_pct_median") is None:
        return where_unknown
    return gr3d_is_partial(summary) or bool(model_alone_words(summary))


def _gpu_waits_in_between(summary: _Summary) -> bool:
    """Whether a GPU that is full in most ticks still waits for the host, as it does between large batches."""
    mean = number(summary, "gr3d_pct_mean")
    return mean is not None and mean < PARTIAL_GR3D_PCT and bool(model_alone_words(summary))


def core_has_time(summary: _Summary) -> bool:
    """Returns whether no CPU core can be the limit: none is busy, or the model alone is hardly faster."""
    busiest = number(summary, "busiest_core_pct_mean")
    if busiest is not None and busiest < IDLE_CORE_PCT:
        return True
    fps, fps_model = number(summary, "fps_end_to_end"), _fps_model(summary)
    return bool(fps and fps_model and fps_model <= MODEL_CLOSE * fps)


def _fps_model(summary: _Summary) -> float | None:
    """The speed of the model alone; None where images have several sizes, since it was timed on those of one batch."""
    return None if (number(summary, "input_shapes") or 1) > 1 else number(summary, "fps_model")


def core_is_busy_while_gpu_waits(summary: _Summary) -> bool:
    """Returns whether a CPU core is busy while the GPU has time left."""
    busiest = number(summary, "busiest_core_pct_mean")
    return gpu_is_partly_used(summary) and busiest is not None and busiest >= HOST_CORE_PCT


def model_alone_words(summary: _Summary) -> str:
    """Returns how much faster the model alone is, with a blank before it; empty where it is not far above."""
    fps, fps_model = number(summary, "fps_end_to_end"), _fps_model(summary)
    if not fps or not fps_model or fps_model < MODEL_FAR_ABOVE * fps:
        return ""
    return f" The model alone does {fps_model:.4g} images/s, the whole way {fps:.4g}."


def over_current_matters(summary: _Summary) -> bool:
    """Returns whether over-current alarms came in 1 % of the ticks or more."""
    alarms = over_current_events(summary)
    return alarms > 0 and alarms >= THROTTLED_SHARE * (number(summary, "ticks") or 0)


def throttling(summary: _Summary) -> tuple[str | None, bool]:
    """Returns whether something slowed the board down, in words or None, and whether that is certain."""
    share, hottest_c = number(summary, "throttled_share"), number(summary, "tj_c_max")
    warm = f" (hottest {hottest_c:.0f} degree C)" if hottest_c is not None else ""
    if share is not None and share >= THROTTLED_SHARE:
        return f"The board slowed itself down in {100 * share:.3g} % of the ticks{warm}.", True
    if over_current_matters(summary):
        return f"The board slowed itself down after {over_current_events(summary)} over-current alarms.", True
    clock = _clock_share(summary)
    held_down = clock is not None and clock < HELD_DOWN_SHARE
    # The bare loop may run on a board that is still cool, so a faster model alone is no sign against throttling.
    if held_down and _is_saturated(summary) and not _gpu_waits_in_between(summary):
        words = f"{gr3d_words(summary)}{clock_words(summary)}: something holds the clock of a full GPU down{warm}."
        return words, False
    return None, False


def memory_pressure(summary: _Summary) -> str | None:
    """Returns how memory ran short, in words; None where it did not."""
    swap_mb = number(summary, "swap_rise_mb")
    if swap_mb is not None and swap_mb > SWAP_RISE_MB:
        return f"Swap grew by {swap_mb:.0f} MB since the run began: memory ran short, and pages went to the disk."
    start_mb, least_mb = number(summary, "lfb_start_mb"), number(summary, "lfb_min_mb")
    used_mb, total_mb = number(summary, "ram_used_mb_max"), number(summary, "ram_total_mb")
    if start_mb is None or least_mb is None or used_mb is None or not total_mb:
        return None
    if least_mb < LFB_LOST * start_mb and least_mb <= LFB_SMALL_MB and used_mb >= RAM_FULL_SHARE * total_mb:
        full = f"RAM {100 * used_mb / total_mb:.0f} % full"
        return f"With {full} the largest free blocks fell from {start_mb:.0f} to {least_mb:.0f} MB: memory ran short."
    return None


def missing_words(summary: _Summary) -> str:
    """Returns which readings a diagnosis lacks; empty where it lacks none."""
    missing = []
    if number(summary, "gr3d_pct_median") is None:
        missing.append("there is no GR3D reading")
    if number(summary, "busiest_core_pct_mean") is None:
        missing.append("the loads of the cores are not known")
    return " and ".join(missing)
