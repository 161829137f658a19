"""What holds a run back, with the figures that say so and what to try.

The thresholds come from published logs of an AGX Orin; ``docs/protocol.md`` names them with their origin.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from orin_core.analysis import advice as advise
from orin_core.analysis import diagnosis_signs as signs
from orin_core.analysis import mode_rows
from orin_core.analysis.summary_keys import is_simulated, number, origin_of, text

_Summary = Mapping[str, Any]


class Kind(str, enum.Enum):
    """What holds a run back."""

    HOST_BOUND = "host-bound"
    GPU_BOUND = "GPU-bound"
    GOVERNOR_LIMITED = "governor-limited"
    THROTTLED = "throttled"
    MEMORY_PRESSURE = "memory-pressure"
    UNCLEAR = "unclear"


class Certainty(str, enum.Enum):
    """How sure that is."""

    LIKELY = "likely"
    YES = "yes"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What holds a run back.

    Args:
        kind: the limit.
        certainty: how sure it is; None where the kind is unclear.
        sentence: for people, with the figures.
        figures: what it rests on, by their keys in the summary.
        advice: what to try, one sentence each.
    """

    kind: Kind
    certainty: Certainty | None
    sentence: str
    figures: dict[str, float | str] = dataclasses.field(default_factory=dict)
    advice: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns the object that ``summary.json`` holds."""
        return {
            "kind": self.kind.value,
            "certainty": self.certainty.value if self.certainty else None,
            "sentence": self.sentence,
            "figures": dict(self.figures),
            "advice": list(self.advice),
        }


def diagnose(summary: _Summary) -> Diagnosis:
    """Returns what holds one run back, as far as one run can tell it.

    Args:
        summary: as in ``summary.json``; keys may be missing.
    """
    if origin_of(summary) == "replay" or number(summary, "total_inference_time_s") is None:
        return _unclear("There is no measure to look at.")
    if is_simulated(summary):
        return _unclear("The telemetry is simulated: it does not tell what holds this run back.")
    if text(summary, "device_type") == "cpu":
        return _on_cpu(summary)
    for find in (_throttled, _memory_pressure, _gpu_bound, _host_bound, _governor_limited, _waiting_device):
        found = find(summary)
        if found is not None:
            return found
    return _nothing_stands_out(summary)


def _unclear(sentence: str, figures: dict[str, float | str] | None = None, advice: tuple[str, ...] = ()) -> Diagnosis:
    return Diagnosis(kind=Kind.UNCLEAR, certainty=None, sentence=sentence, figures=figures or {}, advice=advice)


def _known(summary: _Summary, *keys: str) -> dict[str, float | str]:
    """The figures of these keys that are known."""
    return {key: value for key in keys if (value := number(summary, key)) is not None}


def _seen(summary: _Summary) -> str:
    """GR3D and the busiest core in words, as far as they are known."""
    return ", ".join(part for part in (signs.gr3d_words(summary), signs.core_words(summary)) if part)


def _on_cpu(summary: _Summary) -> Diagnosis:
    busiest = number(summary, "busiest_core_pct_mean")
    found = _known(summary, "busiest_core_pct_mean", "cpu_ceiling_mhz", "gr3d_pct_median")
    advice: tuple[str, ...] = ("See with the doctor whether torch finds a GPU here.",)
    if busiest is None or busiest < signs.HOST_CORE_PCT:
        return _unclear("Inference ran on the CPU, so GR3D says nothing about it.", found, advice)
    sentence = (
        f"Inference ran on the CPU, and {signs.core_words(summary)}: the CPU sets the pace, the GPU has no part in it."
    )
    if text(summary, "method") is not None:
        advice = (*advise.for_the_host(summary), *advice)
    return Diagnosis(kind=Kind.HOST_BOUND, certainty=Certainty.YES, sentence=sentence, figures=found, advice=advice)


def _throttled(summary: _Summary) -> Diagnosis | None:
    words, certain = signs.throttling(summary)
    if words is None:
        return None
    found = _known(summary, "throttled_share", "tj_c_max", "gr3d_freq_mhz_mean", "gr3d_freq_cap_mhz", "gr3d_pct_median")
    advice = [
        "Let the board cool, set its fan to full speed, and keep it out of the sun and off other warm parts.",
        "Use a mode that draws less: a steady lower clock is often faster than one that comes and goes.",
    ]
    if signs.over_current_matters(summary):
        advice.insert(0, "Use the power supply that came with the board, or a stronger one.")
    return Diagnosis(
        kind=Kind.THROTTLED,
        certainty=Certainty.YES if certain else Certainty.LIKELY,
        sentence=words,
        figures=found,
        advice=tuple(advice),
    )


def _memory_pressure(summary: _Summary) -> Diagnosis | None:
    words = signs.memory_pressure(summary)
    if words is None:
        return None
    return Diagnosis(
        kind=Kind.MEMORY_PRESSURE,
        certainty=Certainty.LIKELY,
        sentence=words,
        figures=_known(summary, "swap_rise_mb", "lfb_start_mb", "lfb_min_mb", "ram_used_mb_max", "ram_total_mb"),
        advice=(
            "Use a smaller batch, or FP16 instead of FP32.",
            "End the desktop, browsers and notebooks on the board: CPU and GPU share one memory.",
        ),
    )


def _gpu_bound(summary: _Summary) -> Diagnosis | None:
    if not signs.gpu_is_full(summary) or not signs.core_has_time(summary):
        return None
    precision = advise.for_the_gpu(summary)
    advice = [precision] if precision else []
    advice.append("Use a mode with a higher GPU clock or more of the GPU powered, a smaller model, or smaller images.")
    advice.append("A faster CPU, or a larger batch, will hardly help.")
    return Diagnosis(
        kind=Kind.GPU_BOUND,
        certainty=Certainty.YES if signs.clock_at_cap(summary) else Certainty.LIKELY,
        sentence=f"{_seen(summary)}{signs.clock_words(summary)}: the GPU computes nearly all the time.",
        figures=_known(
            summary, "gr3d_pct_median", "gr3d_pct_mean", "gr3d_saturated_share", "busiest_core_pct_mean",
            "gr3d_freq_mhz_mean", "gr3d_freq_cap_mhz", "fps_end_to_end", "fps_model",
        ),
        advice=tuple(advice),
    )  # fmt: skip


def _host_advice(summary: _Summary) -> tuple[str, ...]:
    advice = [*advise.for_the_host(summary), "Raising GPU clocks will not help; a mode with a higher CPU clock will."]
    if signs.clock_is_low(summary):
        advice.append("The GPU clock is low because the GPU waits; lock the clocks to see how much that costs.")
    return tuple(advice)


def _host_bound(summary: _Summary) -> Diagnosis | None:
    if not signs.core_is_busy_while_gpu_waits(summary):
        return None
    model = signs.model_alone_words(summary)
    return Diagnosis(
        kind=Kind.HOST_BOUND,
        # One log shows that a core is busy, not that more of it would be faster: across modes it shows.
        certainty=Certainty.YES if model else Certainty.LIKELY,
        sentence=f"{_seen(summary)}: a CPU core feeds the GPU too slowly.{model}",
        figures=_known(
            summary, "gr3d_pct_median", "gr3d_pct_mean", "busiest_core_pct_mean", "cpu_ceiling_mhz",
            "fps_end_to_end", "fps_model", "gr3d_freq_mhz_mean", "gr3d_freq_cap_mhz",
        ),
        advice=_host_advice(summary),
    )  # fmt: skip


def _governor_limited(summary: _Summary) -> Diagnosis | None:
    if not signs.clock_is_low(summary) or not signs.gr3d_is_partial(summary):
        return None
    return Diagnosis(
        kind=Kind.GOVERNOR_LIMITED,
        certainty=Certainty.LIKELY,
        sentence=f"{signs.gr3d_words(summary)}{signs.clock_words(summary)}: the governor leaves a light load at a low "
        "clock, so each image takes longer than it has to.",
        figures=_known(summary, "gr3d_pct_median", "gr3d_freq_mhz_mean", "gr3d_freq_cap_mhz", "busiest_core_pct_mean"),
        advice=("Lock the clocks for the run (jetson_clocks) and compare.", "A larger batch makes the load heavier."),
    )


def _waiting_device(summary: _Summary) -> Diagnosis | None:
    model = signs.model_alone_words(summary)
    if not model or not signs.gpu_is_partly_used(summary, where_unknown=True):
        return None
    seen = f"{_seen(summary)}: " if _seen(summary) else ""
    return Diagnosis(
        kind=Kind.HOST_BOUND,
        certainty=Certainty.LIKELY,
        sentence=f"{seen}the GPU waits for what the host does between two model calls.{model}",
        figures=_known(
            summary, "fps_end_to_end", "fps_model", "device_busy_share", "gr3d_pct_median", "busiest_core_pct_mean"
        ),
        advice=_host_advice(summary),
    )


def _nothing_stands_out(summary: _Summary) -> Diagnosis:
    found = _known(
        summary, "gr3d_pct_median", "busiest_core_pct_mean", "gr3d_freq_mhz_mean", "gr3d_freq_cap_mhz",
        "fps_end_to_end", "fps_model",
    )  # fmt: skip
    missing = signs.missing_words(summary)
    if missing:
        return _unclear(f"What holds this run back cannot be told: {missing}.", found)
    if signs.gpu_is_full(summary):
        return _unclear(
            f"GPU and a CPU core are both busy ({_seen(summary)}): one run does not tell which of them is the limit.",
            found,
            ("Run the same model in other power modes: what the speed follows is the limit.",),
        )
    return _unclear(
        f"Nothing stands out ({_seen(summary)}): neither the GPU nor a CPU core is the limit by itself.",
        found,
        ("Run the same model in other power modes, or with another batch size: what the speed follows is the limit.",),
    )


def across_modes(rows: Sequence[_Summary]) -> Diagnosis | None:
    """Returns what holds one model back, told from how its speed follows the clocks from mode to mode.

    Args:
        rows: one per power mode (several of one mode are averaged), with ``power_mode``, ``fps_end_to_end``,
            ``cpu_mhz`` (or ``cpu_ceiling_mhz``; where both are absent the caps of an AGX Orin), ``gr3d_pct_mean`` and,
            where known, ``method`` and ``precision``. Simulated rows are left out: their speed does not follow the
            mode.

    Returns:
        None where fewer than three modes with a speed are left.
    """
    modes = mode_rows.by_mode(rows)
    if len(modes) < mode_rows.MIN_MODES:
        return None
    figures = mode_rows.figures_of(modes)
    if mode_rows.follows_cpu_clock(modes):
        return Diagnosis(
            kind=Kind.HOST_BOUND,
            certainty=Certainty.YES,
            sentence=mode_rows.host_words(modes),
            figures=figures,
            advice=(
                advise.larger_batch(_one_method(rows)),
                "Raising GPU clocks will not help; choose the mode by its CPU clock, or take the work off the CPU.",
            ),
        )
    if mode_rows.gpu_is_full(modes):
        return Diagnosis(
            kind=Kind.GPU_BOUND,
            certainty=Certainty.LIKELY,
            sentence=mode_rows.gpu_words(modes),
            figures=figures,
            advice=(
                f"Use {advise.half_precision(rows)}a mode with more of the GPU powered, or smaller images.",
                "A faster CPU will hardly help.",
            ),
        )
    return _unclear(mode_rows.unclear_words(modes), figures)


def _one_method(rows: Sequence[_Summary]) -> str | None:
    """Returns the method that all rows name; None where they name several, or none."""
    methods = {text(row, "method") for row in rows}
    return methods.pop() if len(methods) == 1 else None
