"""The rules for how much of measure was seen: its ticks, and the readings in them. Thresholds: ``docs/protocol.md``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orin_core.analysis.findings import Finding, counted, finding, percent
from orin_core.analysis.summary_keys import count, number, origin_of

_Summary = Mapping[str, Any]

MIN_COVERAGE = 0.95
_DIED = ("tegrastats ended", "tegrastats cannot", "tegrastats printed", "tegrastats is back")
READ_IN_MEASURE = {
    "power": "power_w_mean",
    "GR3D": "gr3d_pct_mean",
    "RAM": "ram_used_mb_mean",
    "throttling": "throttled_share",
}


def ticks(summary: _Summary) -> Iterable[Finding]:
    """Yields whether ticks of measure are missing."""
    coverage = number(summary, "coverage")
    # In a measure shorter than a tick none is expected; that it was too short is said elsewhere.
    if coverage is None and origin_of(summary) == "run" and number(summary, "ticks_expected") != 0:
        yield finding("coverage-unknown", "How much of the run the telemetry covers was not recorded.", "Run it again.")
    if coverage is not None and coverage < MIN_COVERAGE:
        yield finding(
            "gaps",
            f"Only {percent(coverage)} of the expected ticks arrived (limit {percent(MIN_COVERAGE)}): "
            "nobody knows what the board did in between.",
            _gaps_advice(summary),
        )


def _gaps_advice(summary: _Summary) -> str:
    if origin_of(summary) != "run":
        return "The log has gaps."
    notices = summary.get("notices")
    said = [one for one in notices if isinstance(one, str)] if isinstance(notices, (list, tuple)) else []
    died = next((one for one in said if one.startswith(_DIED)), None)
    if died is not None:
        return f"{died.strip()} See runner.log and dmesg for who ended it, and run again."
    return "End other programs on the board, or ask for a longer interval."


def readings(summary: _Summary) -> Iterable[Finding]:
    """Yields which figures lack readings although their ticks came: a line may hold less than the others do."""
    expected, came = number(summary, "ticks_expected"), number(summary, "ticks")
    if not expected or came is None:
        return
    short = []
    for what, key in READ_IN_MEASURE.items():
        seen = count(summary, key)
        # Readings that went with their tick are a gap of the ticks, which has its own sentence.
        if seen and seen < min(MIN_COVERAGE * expected, came):
            short.append(f"{what} in {seen}")
    if short:
        yield finding(
            "gaps",
            f"Of {counted(expected, 'expected tick')} only so many have a reading: {', '.join(short)} (limit "
            f"{percent(MIN_COVERAGE)}): the means stand for a part of measure only.",
            "See in tegrastats.log what the others lack." if origin_of(summary) == "run" else "The log has gaps.",
        )
