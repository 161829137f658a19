"""How much room a sweep has on its disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from orin_core.runs.prepare import MIN_FREE_MB


def free_mb(folder: Path) -> float:
    """Returns how much is free on the disk of a folder that need not exist yet, MB."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return shutil.disk_usage(existing).free / 1e6


def too_little(runs_dir: Path) -> str:
    """Returns what is said where no run can start for want of room; empty where one can."""
    free = free_mb(runs_dir)
    if free >= MIN_FREE_MB:
        return ""
    return f"Only {int(free)} MB are free in {runs_dir}; it goes on once there are {MIN_FREE_MB} MB."
