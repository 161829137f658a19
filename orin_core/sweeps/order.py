"""In which order the cells of a sweep are run: few mode changes, fewest reboots, nobody favoured. Pure."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence

from orin_core.sweeps.spec import Cell


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModePlace:
    """Where a power mode of a sweep stands on the board as it is now.

    Args:
        is_current: whether the board is in it.
        tpc_pg_mask: mask of its GPU clusters; modes of another mask are reached by a reboot only. None where
            the board does not tell.

    **Source**: nvpmodel asks for a reboot where ``TPC_PG_MASK`` changes (``../docs/jetson.md``).
    """

    is_current: bool = False
    tpc_pg_mask: int | None = None


def ordered(
    cells: Sequence[Cell], *, seed: int, places: Mapping[str, ModePlace], mask_now: int | None
) -> tuple[Cell, ...]:
    """Returns the cells in the order in which they are run; excluded ones are left out.

    Grouped by power mode: the mode of the board first, then those that need no reboot, then the
    others by the mask that they share. Within a mode one repeat after the other, each in a random
    order of its own, so that warming up favours nobody.

    Args:
        cells: of the sweep.
        seed: of the random orders; the same seed gives the same order.
        places: by mode as written in the sweep.
        mask_now: mask of GPU clusters that is in force; None where the board does not tell.
    """
    modes = _modes(cells, places, mask_now)
    found: list[Cell] = []
    for mode in modes:
        for repeat in sorted({cell.repeat for cell in cells}):
            round_of = [
                cell for cell in cells if (cell.power_mode, cell.repeat) == (mode, repeat) and not cell.excluded
            ]
            random.Random(f"{seed} {mode} {repeat}").shuffle(round_of)
            found += round_of
    return tuple(found)


def _modes(cells: Sequence[Cell], places: Mapping[str, ModePlace], mask_now: int | None) -> list[str]:
    written = list(dict.fromkeys(cell.power_mode for cell in cells))
    masks = list(dict.fromkeys(places[mode].tpc_pg_mask for mode in written))

    def rank(mode: str) -> tuple[bool, bool, int, int]:
        place = places[mode]
        away = place.tpc_pg_mask is not None and mask_now is not None and place.tpc_pg_mask != mask_now
        return not place.is_current, away, masks.index(place.tpc_pg_mask) if away else 0, written.index(mode)

    return sorted(written, key=rank)
