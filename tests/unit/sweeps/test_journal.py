"""The state of a sweep on a disk that fills up."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from orin_core.runs import store
from orin_core.settings import Settings
from orin_core.sweeps import disk, journal, state
from orin_core.sweeps import spec as specs
from orin_core.sweeps.journal import Journal
from orin_core.sweeps.state import Sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    settings = Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "state", telemetry="simulated")
    spec = specs.from_json({"models": ["a"], "datasets": ["c"]})
    return state.make(spec, settings, ["001"])


def fail(monkeypatch: pytest.MonkeyPatch, number: int, *, times: int) -> None:
    """The next writes of a JSON file fail."""
    write_json, left = store.write_json, [OSError(number, "no")] * times

    def write(path: Path, document: Any, **options: Any) -> None:
        if left:
            raise left.pop()
        write_json(path, document, **options)

    monkeypatch.setattr(store, "write_json", write)
    monkeypatch.setattr(journal, "LOOK_S", 0.0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_costs_the_reserve_and_no_step(sweep: Sweep, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    written = Journal(sweep, leaving=lambda: False)
    assert (sweep.folder / state.RESERVE).stat().st_size == state.RESERVE_BYTES
    fail(monkeypatch, number, times=3)
    written.say("waits")
    assert sweep.progress().message == "waits"
    assert not (sweep.folder / state.RESERVE).exists()
    written.keep_room()
    assert (sweep.folder / state.RESERVE).stat().st_size == state.RESERVE_BYTES


def test_any_other_error_and_a_process_that_leaves_do_not_wait(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, errno.EROFS, times=1)
    with pytest.raises(OSError, match="no"):
        Journal(sweep, leaving=lambda: False).say("waits")
    fail(monkeypatch, errno.ENOSPC, times=1)
    with pytest.raises(OSError, match="no"):
        Journal(sweep, leaving=lambda: True).say("waits")


def test_the_reserve_holds_the_largest_state(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "state", telemetry="simulated")
    spec = specs.from_json({"models": ["a"], "datasets": ["c"], "batch_sizes": list(range(1, 21)), "repeats": 100})
    assert len(spec.cells()) == specs.MAX_CELLS
    sweep = state.make(spec, settings, [cell.cell_id for cell in spec.cells()])
    run_id = "20260301T000000Z_resnet-152_cifar100_MODE-50W_0a1b"
    moment = "2026-03-01T00:00:00.000Z"
    attempt = state.Attempt(run_id=run_id, outcome="done", begun_utc=moment, ended_utc=moment)
    done = state.CellProgress(state=state.CellState.DONE, run_id=run_id, attempts=(attempt,))
    sweep.write(state.Progress(order=tuple(c.cell_id for c in spec.cells()),
                               cells={cell.cell_id: done for cell in spec.cells()}))  # fmt: skip
    assert (sweep.folder / state.STATE).stat().st_size < state.RESERVE_BYTES


def test_too_little_room_is_told_with_what_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disk.free_mb(tmp_path / "not" / "yet") == pytest.approx(shutil.disk_usage(tmp_path).free / 1e6, rel=0.1)
    monkeypatch.setattr(disk, "free_mb", lambda folder: 199.9)
    assert "it goes on once there are 200 MB" in disk.too_little(tmp_path)
    monkeypatch.setattr(disk, "free_mb", lambda folder: 200.0)
    assert disk.too_little(tmp_path) == ""
