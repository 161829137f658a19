"""Single readings that cannot be true: a mean over a hundred ticks hides one of them.

The parser keeps what is printed. The limits lie far outside of what an AGX Orin can show: the published runs took
10 to 48 W, and the module shuts down long before 125 degree C.
"""

from __future__ import annotations

import numpy as np

from orin_core.analysis.ticks import GR3D, HOTTEST, POWER, RAIL_SUFFIX, RAM_TOTAL, RAM_USED, Ticks

MAX_POWER_W = 200.0
TEMPERATURE_C = (-40.0, 125.0)


def readings_out_of_range(ticks: Ticks) -> dict[str, int]:
    """Returns how many ticks have a reading that cannot be true, by what was read; empty where none has.

    Args:
        ticks: of measure; those that were left out after a gap count for no mean, nor here.
    """
    found: dict[str, int] = {}

    def tell(what: str, wrong: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> None:
        # A value that is absent compares as false, so it is never out of range.
        if wrong.any():
            found[what] = int(wrong.sum())

    def column(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        if name not in ticks.frame:
            return np.full(len(ticks.frame), np.nan)
        return ticks.frame[name].to_numpy(dtype=float)

    gr3d, power_w, hottest_c = column(GR3D), column(POWER), column(HOTTEST)
    tell("GR3D", (gr3d < 0) | (gr3d > 100))
    tell("power", (power_w <= 0) | (power_w > MAX_POWER_W))
    for name in ticks.frame.columns:
        if str(name).endswith(RAIL_SUFFIX):
            tell(f"rail {str(name).removesuffix(RAIL_SUFFIX)}", column(str(name)) < 0)
    tell("used RAM", column(RAM_USED) > column(RAM_TOTAL))
    tell("hottest temperature", (hottest_c < TEMPERATURE_C[0]) | (hottest_c > TEMPERATURE_C[1]))
    return found
