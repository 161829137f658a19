"""Whether the device of this machine can do what is asked of it, found out before a run leaves a trace.

Only torch can tell, and only the worker imports it: it is asked (``--describe``), and its answer is kept in the state
folder. Before anything is refused by what is kept the worker is asked anew; where it may not be, nothing is refused.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from orin_core import abilities
from orin_core.abilities import Abilities, Work
from orin_core.errors import BadRequest
from orin_core.runs import store
from orin_core.runs.worker_process import describe_worker
from orin_core.spec import to_json

KEPT = "device.json"
ASK_S = 60.0
"""Longest wait for the worker's answer, s: importing torch takes seconds, from a cold disk tens of them."""


def refusals(works: Sequence[Work], state_dir: Path, *, may_ask: bool) -> list[BadRequest | None]:
    """Returns of each why the device cannot do it; None where it can, or where nobody knows.

    Args:
        works: what is asked of the device.
        state_dir: where the worker's answer is kept.
        may_ask: whether the worker may be asked; it takes cores and memory from a run that goes on.
    """
    # What is kept may be out of date, so it may let pass but never refuse.
    if not may_ask or not any(map(abilities.hangs_on_device, works)):
        return [None] * len(works)
    found = _judged(works, _kept(state_dir))
    if found is None or any(found):
        found = _judged(works, _asked(state_dir))
    return found or [None] * len(works)


def _judged(works: Sequence[Work], device: Abilities | None) -> list[BadRequest | None] | None:
    return None if device is None else [abilities.refusal(work, device) for work in works]


def _kept(state_dir: Path) -> Abilities | None:
    document = store.read_json(state_dir / KEPT) or {}
    return abilities.from_json(document.get("abilities")) if document.get("of") == _installation() else None


def _asked(state_dir: Path) -> Abilities | None:
    """Asks the worker and keeps what it says; None where it says nothing, and the run that loads it will say why."""
    device = abilities.from_json((describe_worker(ASK_S) or {}).get("abilities"))
    if device is not None:
        # Where it cannot be kept it is asked again.
        with contextlib.suppress(OSError):
            store.write_json(state_dir / KEPT, {"of": _installation(), "abilities": to_json(device)})
    return device


def _installation() -> str:
    """Returns what an answer is kept for: one installation of torch."""
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        version = "none"
    return f"{sys.executable} torch {version}"
