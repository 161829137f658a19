"""Putting in order what earlier runs left, without torch: folders and state files as a crash leaves them."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from pathlib import Path

import pytest

from orin_core.board.power import current_mode, find_mode, list_modes, set_mode
from orin_core.board.probes import board_paths
from orin_core.runs import launcher, store
from orin_core.runs.mode_hold import CLOCKS_STORE, RESTORE, ModeHold, restore_after_crash
from orin_core.runs.processes import ProcessId
from orin_core.runs.recording import Recording
from orin_core.spec import RunSpec, to_json
from tests.conftest import Home

RUN_ID = "20260131T120000Z_tiny_images_MAXN_0a1b"
LINE = "RAM 100/200MB (lfb 1x4MB) CPU [1%@729,off] GR3D_FREQ 5% cpu@40C tj@41C VDD_IN 1000mW/1000mW\n"


def _leave_run(folder: Path, **status: object) -> Recording:
    """A run folder as a killed runner leaves it."""
    folder.mkdir(parents=True)
    store.write_json(folder / store.SPEC, to_json(RunSpec(model="m", dataset="d", items=3)))
    store.write_json(folder / store.STATUS, {"state": "running", "t0_s": 0.0, **status})
    return Recording(folder=folder)


def _mode_name(home: Home) -> str | None:
    paths = board_paths("simulated", home.settings.state_dir)
    mode = current_mode(paths) if paths else None
    return mode.name if mode else None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (store.EVENTS, '{"kind": "phase"\nnot json\n[]\n'),
        (store.RUN_CSV, "a,b\n1,2,3,4\n\x00\n"),
        (store.BATCHES_CSV, "what,is,this\n1,2,3\n"),
        (store.ENVIRONMENT, "[1]"),
    ],
)
def test_a_damaged_run_folder_does_not_hold_up_the_board(home: Home, name: str, text: str) -> None:
    damaged = _leave_run(home.settings.runs_dir / RUN_ID)
    (damaged.folder / name).write_text(text)
    whole = _leave_run(home.settings.runs_dir / RUN_ID.replace("0a1b", "ffff"))
    messages = launcher.recover(home.settings)
    assert any(RUN_ID in message for message in messages)
    assert f"Run {whole.run_id} had been interrupted and was finalised." in messages
    summary = whole.summary()
    assert summary is not None
    assert summary["state"] == "interrupted"


def test_a_run_that_lives_under_another_state_folder_is_left_alone(home: Home) -> None:
    me = ProcessId.of(os.getpid())
    assert me is not None
    alive = _leave_run(home.settings.runs_dir / RUN_ID, runner_pid=me.pid, runner_start=me.start)
    assert launcher.recover(home.settings) == ()
    assert alive.summary() is None


@pytest.mark.parametrize(
    ("summary_text", "told"),
    [
        (None, f"Run {RUN_ID} had ended without a summary; it was computed."),
        ("{", f"The summary of run {RUN_ID} could not be read and was computed again."),
    ],
)
def test_a_run_that_had_ended_keeps_its_own_end(home: Home, summary_text: str | None, told: str) -> None:
    said = {"state": "failed", "message": "run.csv cannot be written: No space left on device.", "hint": "Free some."}
    failed = _leave_run(home.settings.runs_dir / RUN_ID, **said)
    if summary_text is not None:
        (failed.folder / store.SUMMARY).write_text(summary_text)
    assert launcher.recover(home.settings) == (told,)
    summary = failed.summary()
    assert summary is not None
    assert {key: summary[key] for key in said} == said


def test_a_run_in_another_folder_is_finalised_by_who_held_the_board_last(home: Home, tmp_path: Path) -> None:
    elsewhere = _leave_run(tmp_path / "elsewhere" / RUN_ID)
    home.settings.state_dir.mkdir(parents=True)
    (home.settings.state_dir / "board.lock").write_text(json.dumps({"folder": str(elsewhere.folder)}))
    launcher.recover(home.settings)
    assert elsewhere.summary() is not None


def test_the_mode_that_was_found_first_survives_a_restore_that_failed(home: Home) -> None:
    state = home.settings.state_dir
    paths = board_paths("simulated", state)
    assert paths is not None
    ModeHold(paths, state).take("50W")  # a run that was killed
    faults = state / "simulator" / "faults.json"
    faults.write_text(json.dumps({"nvpmodel": "refuse"}))
    assert any("MODE_50W" in sentence for sentence in restore_after_crash(state))
    faults.unlink()
    hold = ModeHold(paths, state)
    assert hold.take("current") is not None
    hold = ModeHold(paths, state)
    hold.take("50W")
    assert hold.restore() is None
    assert not restore_after_crash(state)
    assert _mode_name(home) == "MAXN"


def test_locked_clocks_are_restored_with_the_mode(home: Home) -> None:
    state = home.settings.state_dir
    paths = board_paths("simulated", state)
    assert paths is not None
    ModeHold(paths, state).take("50W", lock_clocks=True)
    said = " ".join(restore_after_crash(state))
    assert "clocks" in said
    assert "MAXN" in said
    assert _mode_name(home) == "MAXN"
    assert not (state / RESTORE).exists()
    assert restore_after_crash(state) == []


def test_damaged_restore_file_restores_nothing(home: Home) -> None:
    state = home.settings.state_dir
    paths = board_paths("simulated", state)
    assert paths is not None
    set_mode(paths, find_mode("50W", list_modes(paths)))
    (state / RESTORE).write_text('{"found_id": 0}')
    assert restore_after_crash(state) == []
    assert _mode_name(home) == "MODE_50W"


def test_a_truncated_log_is_a_failed_replay_that_keeps_its_rows(home: Home, tmp_path: Path) -> None:
    noise = random.Random(1)
    lines = (LINE.replace("1000mW", f"{noise.randrange(10**6)}mW") for _ in range(20_000))
    whole = gzip.compress("".join(lines).encode())
    log = tmp_path / "cut.gz"
    log.write_bytes(whole[: len(whole) // 2])
    done = home.cli("run", "--telemetry", f"replay:{log}@max", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["rows"] > 0


def test_a_log_without_a_tegrastats_line_is_a_failed_replay(home: Home, tmp_path: Path) -> None:
    log = tmp_path / "poem.txt"
    log.write_text("no lines\nof that kind\n")
    done = home.cli("run", "--telemetry", f"replay:{log}@max")
    assert done.returncode == 4
    assert "no tegrastats line" in done.stderr


def test_a_relative_log_is_found_from_where_the_user_stands(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orin_core.cli import main

    (tmp_path / "a.log").write_text(LINE * 3)
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--telemetry", "replay:a.log@max"]) == 0
    shutil.rmtree(home.settings.runs_dir)
    assert main(["run", "--telemetry", "replay:./a.log"]) == 0


def test_a_store_that_others_may_write_is_not_restored_from(home: Home) -> None:
    state = home.settings.state_dir
    paths = board_paths("simulated", state)
    assert paths is not None
    ModeHold(paths, state).take("50W", lock_clocks=True)
    (state / CLOCKS_STORE).chmod(0o666)
    said = " ".join(restore_after_crash(state))
    assert "may have been written by another user" in said
    assert (state / CLOCKS_STORE).exists()


def test_a_log_is_never_overwritten_by_its_own_rows(home: Home, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(LINE * 3)
    done = home.cli("parse", str(log), "-o", str(log))
    assert done.returncode == 2
    assert log.read_text() == LINE * 3


def test_lines_that_are_cut_are_counted_as_read_in_part(home: Home, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(LINE + LINE.replace("cpu@40C", "cpu@4#C") + "no line\n")
    done = home.cli("parse", str(log))
    assert "read in part, since cut or garbled: 1" in done.stderr
    assert "no tegrastats lines: 1" in done.stderr
    ran = home.cli("run", "--telemetry", f"replay:{log}@max", "--json")
    summary = json.loads(ran.stdout)
    assert (summary["rows"], summary["garbled_lines"], summary["unparsed_lines"]) == (2, 1, 1)
