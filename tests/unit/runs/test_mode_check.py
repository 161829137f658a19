"""Whether the board is in the run's mode, by its limits and not by what it says."""

from __future__ import annotations

from pathlib import Path

from orin_core.board import power
from orin_core.board.probes import board_paths
from orin_core.runs.mode_hold import ModeCheck, ModeHold


def test_a_mode_is_verified_until_a_limit_or_the_mode_itself_is_another(tmp_path: Path) -> None:
    paths = board_paths("simulated", tmp_path)
    assert paths is not None
    hold = ModeHold(paths, tmp_path)
    hold.take("50W", lock_clocks=True)
    assert hold.check() == ModeCheck(name="MODE_50W", verified=True)
    cap = paths.sysfs / "devices" / "system" / "cpu" / "cpu0" / "cpufreq" / "scaling_max_freq"
    right = cap.read_text()
    cap.write_text("729600\n")
    capped = hold.check()
    assert (capped.name, capped.verified) == ("MODE_50W", False)
    assert "729600" in (capped.mismatch or "")
    cap.write_text(right)
    assert hold.check().verified is True
    power.set_mode(paths, power.find_mode("MAXN", power.list_modes(paths)))
    flipped = hold.check()
    assert (flipped.name, flipped.verified) == ("MAXN", False)
    assert "MODE_50W" in (flipped.mismatch or "")


def test_where_there_are_no_modes_nothing_is_known() -> None:
    hold = ModeHold(None, Path("/nowhere"))
    hold.take("current")
    assert hold.check() == ModeCheck(name=None, verified=None, mismatch=None)
