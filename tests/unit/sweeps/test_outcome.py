"""What a run that is over says of its cell."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from orin_core import cli_cell
from orin_core.runs.worker_process import Exit
from orin_core.sweeps import outcome


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ({}, True),
        ({"power_mode_verified_start": True, "power_mode_verified_end": None}, True),
        ({"power_mode_verified_start": False, "power_mode_verified_end": True}, False),
        ({"power_mode_verified_start": True, "power_mode_verified_end": False}, False),
    ],
)
def test_a_run_that_lost_its_mode_does_not_count_and_a_scheduler_hears_of_it(
    summary: dict[str, Any], kept: bool
) -> None:
    assert outcome.mode_kept(summary) is kept
    assert cli_cell.exit_code({"state": "done", **summary}, 0) == (0 if kept else 78)


def test_a_worker_that_was_killed_is_told_from_one_that_failed() -> None:
    assert outcome.worker_was_killed({"message": Exit(code=-signal.SIGKILL).message})
    assert not outcome.worker_was_killed({"message": Exit(code=1).message})
    assert not outcome.worker_was_killed({"message": None})


def test_a_run_is_over_when_its_summary_says_so(tmp_path: Path) -> None:
    assert outcome.ended_utc_of(tmp_path) is None
    (tmp_path / "summary.json").write_text("{}")
    assert str(outcome.ended_utc_of(tmp_path)).endswith("Z")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    outcome.to_disk(tmp_path)
