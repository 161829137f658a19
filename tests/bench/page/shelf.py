"""A shelf of a thousand finished runs, for the page that lists them."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from orin_core.runs import finish, store
from tests.bench.recordings.cases import clean_plans
from tests.bench.recordings.write import build

ORIGINALS = 6
_SHARED = (store.SPEC, store.ENVIRONMENT, store.STATUS, store.EVENTS, store.RUN_CSV, store.BATCHES_CSV)


def fill(runs_dir: Path, count: int) -> None:
    """Makes so many finished runs: a few are recorded and judged, the others are the same at other times.

    Args:
        runs_dir: where they go.
        count: how many.
    """
    apart = runs_dir.parent / "originals"
    plans = clean_plans()
    originals = [build(plans[place], apart) for place in range(0, len(plans), len(plans) // ORIGINALS)]
    for one in originals:
        finish.finish(one.recording, state=one.state, message=one.message, hint="")
    first = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    for number in range(count):
        recording = originals[number % len(originals)].recording
        parts = recording.run_id.split("_")
        stamp = first + datetime.timedelta(minutes=37 * number)
        # A mode's name may hold the sign that parts the id: as the runner does, another one stands for it.
        run_id = "_".join([f"{stamp:%Y%m%dT%H%M%SZ}", *parts[1:3], "-".join(parts[3:-1]), f"{number:04x}"])
        folder = runs_dir / run_id
        folder.mkdir(parents=True)
        for name in _SHARED:
            os.link(recording.folder / name, folder / name)
        store.write_json(folder / store.SUMMARY, {**(recording.summary() or {}), "run_id": run_id})
