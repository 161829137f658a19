"""What must hold when processes are killed, each alone and together."""

from __future__ import annotations

import concurrent.futures
import json
import os
import resource
import signal
from pathlib import Path

import pandas as pd
import pytest

from orin_core.board.power import current_mode
from orin_core.board.probes import board_paths
from orin_core.errors import BoardBusy
from orin_core.runs import launcher
from orin_core.runs.recording import Recording
from orin_core.spec import RunSpec
from tests.conftest import Home, wait_for
from tests.integration.conftest import Bench

pytestmark = pytest.mark.torch


def _spec(bench: Bench, **changes: object) -> RunSpec:
    values: dict[str, object] = {
        "model": str(bench.model),
        "dataset": str(bench.images),
        "weights": "random",
        "telemetry": "simulated",
        "interval_ms": 100,
        "idle_s": 0.3,
        "warmup_min_s": 0.0,
        "warmup_max_s": 0.0,
        "cooldown_s": 0.0,
        "seconds": 600.0,
        "power_mode": "50W",
    }
    return RunSpec(**{**values, **changes})  # type: ignore[arg-type]


def _in_measure(recording: Recording) -> bool:
    status = recording.status()
    if status.get("state") != "running":
        pytest.fail(f"the run ended early: {status}")
    return status.get("phase") == "measure" and status.get("items_done", 0) > 0


def _start(bench: Bench, **changes: object) -> Recording:
    recording = launcher.start(_spec(bench, **changes), bench.home.settings).recording
    wait_for(lambda: _in_measure(recording), "measure")
    return recording


def _pid(recording: Recording, who: str) -> int:
    pid = recording.status()[f"{who}_pid"]
    assert isinstance(pid, int)
    return pid


def _tegrastats(home: Home) -> list[int]:
    return [pid for pid, command in home.processes().items() if "tegrastats" in command]


def _all_gone(home: Home) -> bool:
    # A process that is just ending has no environment any more, but still holds the lock.
    return not home.processes() and launcher.active(home.settings) is None


def _mode(home: Home) -> str | None:
    paths = board_paths("simulated", home.settings.state_dir)
    mode = current_mode(paths) if paths else None
    return mode.name if mode else None


def _rows(recording: Recording) -> pd.DataFrame:
    frame = pd.read_csv(recording.csv_path)
    assert list(frame["Index"]) == list(range(len(frame)))
    assert frame["Elapsed (s)"].is_monotonic_increasing
    return frame


def test_a_killed_worker_is_a_named_end_and_the_board_is_free(bench: Bench) -> None:
    recording = _start(bench)
    before = len(_rows(recording))
    os.kill(_pid(recording, "worker"), signal.SIGKILL)
    summary = launcher.wait(recording, bench.home.settings, timeout_s=60)
    assert summary is not None
    assert summary["state"] == "failed"
    assert "SIGKILL" in summary["message"]
    assert summary["items"] > 0
    assert len(_rows(recording)) >= before
    assert _mode(bench.home) == "MAXN"
    wait_for(lambda: launcher.active(bench.home.settings) is None, "the board to be free")


def test_a_killed_runner_takes_its_children_along_and_the_next_start_puts_all_in_order(bench: Bench) -> None:
    recording = _start(bench)
    before = len(_rows(recording))
    os.kill(_pid(recording, "runner"), signal.SIGKILL)
    wait_for(lambda: _all_gone(bench.home), "every process of the run to be gone")
    assert launcher.active(bench.home.settings) is None
    assert _mode(bench.home) == "MODE_50W"
    started = launcher.start(_spec(bench, seconds=None, items=3, power_mode="current"), bench.home.settings)
    said = " ".join(started.notices)
    assert "MAXN" in said
    assert recording.run_id in said
    assert launcher.wait(started.recording, bench.home.settings, timeout_s=120) is not None
    assert started.recording.environment()["power_mode"] == "MAXN"
    summary = recording.summary()
    assert summary is not None
    assert summary["state"] == "interrupted"
    assert summary["items"] > 0
    assert len(_rows(recording)) >= before


def test_a_killed_tegrastats_is_started_again_and_the_gap_stays_a_gap(bench: Bench) -> None:
    recording = _start(bench)
    (pid,) = _tegrastats(bench.home)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: [p for p in _tegrastats(bench.home) if p != pid], "a new tegrastats")
    rows = len(_rows(recording))
    wait_for(lambda: len(_rows(recording)) > rows + 3, "new rows")
    launcher.stop(recording)
    summary = launcher.wait(recording, bench.home.settings, timeout_s=60)
    assert summary is not None
    assert summary["state"] == "stopped"
    assert any("tegrastats" in notice for notice in summary["notices"])
    _rows(recording)


def test_all_killed_together_leave_every_row_and_no_process(bench: Bench) -> None:
    recording = _start(bench)
    before = len(_rows(recording))
    for pid in (_pid(recording, "runner"), _pid(recording, "worker"), *_tegrastats(bench.home)):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: _all_gone(bench.home), "every process of the run to be gone")
    messages = launcher.recover(bench.home.settings)
    assert any(recording.run_id in message for message in messages)
    assert _mode(bench.home) == "MAXN"
    assert len(_rows(recording)) >= before
    assert launcher.recover(bench.home.settings) == ()


def test_a_mode_that_was_changed_again_is_not_taken_back(bench: Bench) -> None:
    recording = _start(bench)
    os.kill(_pid(recording, "runner"), signal.SIGKILL)
    wait_for(lambda: _all_gone(bench.home), "every process of the run to be gone")
    restore = bench.home.settings.state_dir / "restore.json"
    document = json.loads(restore.read_text())
    restore.write_text(json.dumps({**document, "set_id": 2, "set_name": "MODE_30W"}))
    launcher.recover(bench.home.settings)
    assert _mode(bench.home) == "MODE_50W"
    assert not restore.exists()


def test_of_two_starts_at_once_one_runs_and_the_other_is_told_who(bench: Bench) -> None:
    def attempt(_: int) -> launcher.Started | BoardBusy:
        try:
            return launcher.start(_spec(bench), bench.home.settings)
        except BoardBusy as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, range(2)))
    (winner,) = [result for result in results if isinstance(result, launcher.Started)]
    (loser,) = [result for result in results if isinstance(result, BoardBusy)]
    assert loser.message
    assert [run.name for run in bench.home.runs] == [winner.run_id]
    with pytest.raises(BoardBusy, match=winner.run_id):
        launcher.start(_spec(bench), bench.home.settings)
    launcher.stop(winner.recording)
    assert launcher.wait(winner.recording, bench.home.settings, timeout_s=60) is not None


def test_who_started_a_run_may_die_and_the_run_goes_on(bench: Bench) -> None:
    with bench.home.popen(*bench.arguments("--seconds", "600")) as child:
        wait_for(lambda: launcher.active(bench.home.settings), "the run")
        child.kill()
        child.communicate()
    recording = launcher.active(bench.home.settings)
    assert recording is not None
    wait_for(lambda: _in_measure(recording), "measure")
    launcher.stop(recording)
    assert launcher.wait(recording, bench.home.settings, timeout_s=60) is not None


def test_a_worker_that_ignores_stop_is_killed(bench: Bench) -> None:
    recording = _start(bench)
    os.kill(_pid(recording, "worker"), signal.SIGSTOP)
    for _ in range(2):
        launcher.stop(recording)
    summary = launcher.wait(recording, bench.home.settings, timeout_s=90)
    assert summary is not None
    assert summary["state"] == "stopped"
    assert not Path(f"/proc/{recording.status()['worker_pid']}").exists()


def test_a_disk_that_fills_up_is_a_named_end(bench: Bench, tmp_path: Path) -> None:
    recording = _start(bench)
    runner = _pid(recording, "runner")
    size = recording.csv_path.stat().st_size
    # The kernel refuses to let any file of the runner grow past this, as a full disk would.
    resource.prlimit(runner, resource.RLIMIT_FSIZE, (size + 2000, size + 2000))
    wait_for(lambda: launcher.active(bench.home.settings) is None, "the run to end")
    launcher.recover(bench.home.settings)
    summary = recording.summary()
    assert summary is not None
    assert summary["state"] == "failed"
    assert "cannot be written" in summary["message"]
    _rows(recording)
