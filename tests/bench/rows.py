"""One printed figure, and the facts of the machine that it was measured on."""

from __future__ import annotations

import dataclasses
import os
import platform
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Args:
        name: what was measured.
        value: the figure.
        unit: its unit; ``x`` for a ratio.
        how: the way it was measured, in a few words.
        decimals: digits after the point.
    """

    name: str
    value: float
    unit: str
    how: str
    decimals: int = 1


def machine_facts() -> str:
    """Returns one line: processor, cores, load of the last minute, kernel, Python."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return (
        f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def as_table(rows: list[Row]) -> str:
    """Returns the rows as an aligned text table."""
    cells = [(row.name, f"{row.value:,.{row.decimals}f} {row.unit}", row.how) for row in rows]
    name_width = max(len(name) for name, _, _ in cells)
    value_width = max(len(value) for _, value, _ in cells)
    return "\n".join(f"{name:<{name_width}}  {value:>{value_width}}  {how}" for name, value, how in cells)
