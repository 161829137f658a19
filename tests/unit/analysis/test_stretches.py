"""The cut: built logs with known truth, and the logs of the published tables."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from orin_core.analysis.old_logs import OldLog, read_old_log
from orin_core.analysis.stretches import Stretch, between, find_in, find_stretches
from orin_core.board.logs import iter_log, timed_lines
from tests.support_logs import Part, idle, load, log_lines, run

SHARED = Path(__file__).parents[4] / "shared" / "scales" / "logs"
SEEDS = (0, 1, 2)
Truth = Sequence[tuple[float, float, str | None]]


def cut_of(parts: Sequence[Part], path: Path, **options: object) -> tuple[OldLog, list[Stretch]]:
    path.write_text("".join(log_lines(parts, **options)))  # type: ignore[arg-type]
    log = read_old_log(path)
    return log, find_in(log.series, log.rails)


def assert_cut(found: Sequence[Stretch], truth: Truth, within_s: float = 2.1) -> None:
    assert [one.power_mode for one in found] == [mode for *_, mode in truth], found
    for one, (start_s, end_s, _) in zip(found, truth, strict=True):
        assert one.start_s == pytest.approx(start_s, abs=within_s), found
        assert one.end_s == pytest.approx(end_s, abs=within_s), found


LLM_LOAD = Part(40, gr3d=5, jitter=8, gpu_w=2.4, cpu=50, ram=11_000, zeros=0.3)
DESKTOP = [idle(4), idle(1, gr3d=12)]

CASES: dict[str, tuple[list[Part], Truth]] = {
    "plain": ([idle(60), load(15), run(200), idle(60)], [(74, 274, "MAXN")]),
    "low load": ([idle(60), run(200, 20, gpu_w=3.5, jitter=8), idle(60)], [(59, 259, "MAXN")]),
    "low load with zeros": (
        [idle(60), load(10), run(200, 35, gpu_w=4.5, zeros=0.6, jitter=8), idle(60)],
        [(69, 269, "MAXN")],
    ),
    "language model": (
        [idle(20), load(10), LLM_LOAD, run(180, 64, gpu_w=5.2, jitter=12, zeros=0.05, cpu=70), idle(200)],
        [(69, 249, "MAXN")],
    ),
    "load that uses the GPU": (
        [idle(60), load(5, gr3d=35, jitter=8, gpu_w=3.2), run(130, 60, gpu_w=5.4), idle(30)],
        [(64, 194, "MAXN")],
    ),
    "the same without idle": ([load(5, gr3d=35, jitter=8, gpu_w=3.2), run(130, 60, gpu_w=5.4)], [(4, 134, "MAXN")]),
    "bursts at idle": ([idle(60), *[idle(20), run(2, 80, gpu_w=6), idle(7, gr3d=4, jitter=6)] * 10], []),
    "longer bursts at idle": ([idle(60), *[idle(25), run(12, 80, gpu_w=6)] * 10], []),
    "desktop before a run": ([idle(600, gr3d=3, jitter=4), *DESKTOP * 60, run(200), idle(60)], [(899, 1099, "MAXN")]),
    "a CPU that works alone": ([idle(60), load(200), idle(60)], []),
    "begins and ends inside a run": ([run(300)], [(0, 299, "MAXN")]),
    "zeros while power stays": ([idle(60), run(100), run(15, 0, jitter=0), run(80), idle(30)], [(59, 254, "MAXN")]),
    "idle of 10 s splits": (
        [idle(60), run(100), idle(10), run(80), idle(30)],
        [(59, 159, "MAXN"), (169, 249, "MAXN")],
    ),
    "a shorter pause does not": ([idle(60), run(100), idle(9), run(80), idle(30)], [(59, 248, "MAXN")]),
    "nor does a desktop make a pause shorter": (
        [idle(60), run(100), idle(5), idle(1, gr3d=10), idle(6), run(80), idle(30)],
        [(59, 159, "MAXN"), (171, 251, "MAXN")],
    ),
    "a trial before the run": ([idle(60), run(3), idle(8), run(100), idle(30)], [(70, 170, "MAXN")]),
    "work of two kinds": ([idle(60), run(200, 95, gpu_w=36), run(100, 60, gpu_w=12), idle(60)], [(59, 359, "MAXN")]),
    "too short": ([idle(60), run(15), idle(60)], []),
    "power alone": (
        [idle(60, gr3d=None), load(10, gr3d=None), run(200, None), idle(60, gr3d=None)],
        [(69, 269, "MAXN")],
    ),
    "no GR3D and nothing in power": ([idle(200, gr3d=None)], []),
    "mode changed between": (
        [idle(60), run(120), idle(30, mhz=1497), load(5, mhz=1497), run(120, mhz=1497, gpu_w=12), idle(60)],
        [(59, 179, "MAXN"), (214, 334, "MODE_50W")],
    ),
    "mode changed live": (
        [idle(60), run(120), run(120, mhz=1497, gpu_w=12), idle(60)],
        [(59, 179, "MAXN"), (180, 299, "MODE_50W")],
    ),
    "mode changed live, upwards": (
        [idle(60), run(40, mhz=1497, gpu_w=12), run(40), idle(60)],
        [(59, 99, "MODE_50W"), (100, 139, "MAXN")],
    ),
    "cores switched off live": (
        [idle(60), run(60, mhz=1728, online=8), run(60, mhz=1113, online=4), idle(60)],
        [(59, 119, "MODE_30W"), (120, 179, "MODE_15W")],
    ),
    "a ceiling that is seldom met": (
        [idle(60), *[run(18, cpu=10), run(2)] * 15, run(60, cpu=10), idle(60)],
        [(59, 419, "MAXN")],
    ),
    "a desktop before and after": (
        [idle(20, gr3d=12, jitter=2), load(12), run(190, 60, gpu_w=8), idle(300, gr3d=12, jitter=2)],
        [(31, 221, "MAXN")],
    ),
    "a desktop around a run that hardly moves the GPU's rail": (
        [idle(120, gr3d=12, jitter=3), run(190, 32, gpu_w=2.7, cpu=70, jitter=10), idle(300, gr3d=12, jitter=3)],
        [(119, 309, "MAXN")],
    ),
    "a desktop for longer than the run": (
        [idle(1500, gr3d=12, jitter=3), run(100, 90, gpu_w=18), idle(900, gr3d=9, jitter=3)],
        [(1499, 1599, "MAXN")],
    ),
    "a desktop is no run": ([idle(60), idle(120, gr3d=12, jitter=2), idle(60)], []),
    "a desktop between two runs": (
        [idle(30), run(100), idle(40, gr3d=11, jitter=4), run(80), idle(30, gr3d=11, jitter=4)],
        [(29, 129, "MAXN"), (169, 249, "MAXN")],
    ),
    "the border is where power steps": (
        [idle(60), run(112), run(8, cpu=10), run(120, mhz=1497, gpu_w=12), idle(60)],
        [(59, 179, "MAXN"), (180, 299, "MODE_50W")],
    ),
    "the border is where power steps, upwards": (
        [idle(60), run(60, mhz=1497, gpu_w=12), run(9, cpu=10), run(60), idle(60)],
        [(59, 119, "MODE_50W"), (120, 188, "MAXN")],
    ),
    "a lower ceiling for a moment": ([idle(60), run(200), run(15, mhz=1497), idle(60)], [(59, 274, "MAXN")]),
    "a ceiling that the governor may yet meet": (
        [idle(60), *[run(18, mhz=1497), run(2)] * 15, run(60, mhz=1497), idle(60)],
        [(59, 419, "MAXN")],
    ),
    "unknown ceiling": ([idle(60), run(100, mhz=1900), idle(60)], [(59, 159, None)]),
    "ceiling of one mode, cores of another": ([idle(60), run(100, online=8), idle(60)], [(59, 159, None)]),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES)
def test_the_cut_is_the_truth(tmp_path: Path, case: str, seed: int) -> None:
    parts, truth = CASES[case]
    _, found = cut_of(parts, tmp_path / "log", seed=seed)
    assert_cut(found, truth)


@pytest.mark.parametrize(("period_s", "within_s"), [(0.1, 1.1), (0.522, 2.1), (2.0, 4.1), (5.0, 10.1)])
def test_the_cut_does_not_depend_on_the_interval(tmp_path: Path, period_s: float, within_s: float) -> None:
    _, found = cut_of([idle(60), load(15), run(200), idle(60)], tmp_path / "log", period_s=period_s)
    assert_cut(found, [(75, 275, "MAXN")], within_s)


@pytest.mark.parametrize(
    "clock",
    [
        pytest.param(lambda t_s: t_s + 3600 * (t_s > 150), id="set forward"),
        pytest.param(lambda t_s: t_s - 3600 * (t_s > 150), id="set back"),
        pytest.param(lambda t_s: t_s + 20 * 86_400 * (t_s > 150), id="set far"),
        pytest.param(lambda t_s: t_s + 20 * (t_s > 150), id="set a little"),
        pytest.param(lambda t_s: t_s + 100 * (t_s > 30), id="set while idle"),
    ],
)
def test_a_clock_that_is_set_changes_nothing(tmp_path: Path, clock: Callable[[float], float]) -> None:
    _, found = cut_of([idle(60), run(200), idle(60)], tmp_path / "log", clock=clock)
    assert_cut(found, [(59, 259, "MAXN")])


def test_dropped_ticks_and_shuffled_fields_change_nothing(tmp_path: Path) -> None:
    lines = log_lines([idle(60), load(15), run(200), idle(60)])
    kept = [line for number, line in enumerate(lines) if number % 7 and not 150 < number < 190]
    kept[100] = " ".join([*kept[100].split()[:2], *reversed(kept[100].split()[-8:])]) + "\n"
    (tmp_path / "log").write_text("".join(kept))
    log = read_old_log(tmp_path / "log")
    found = find_in(log.series, log.rails)
    assert_cut(found, [(74, 274, "MAXN")])
    # The averages moved on by all that is missing, so it is no clock that was set.
    assert ["A hole of 40 s" in note for one in found for note in one.notes] == [True]
    assert not any("clock" in note for note in log.notes)


def test_ramp_of_a_log_without_power_stays_outside(tmp_path: Path) -> None:
    lines = log_lines([idle(60), run(12, 20, jitter=2), run(200, 95, jitter=2), run(12, 20, jitter=2), idle(60)])
    (tmp_path / "log").write_text("".join(line.partition(" VDD_")[0] + "\n" for line in lines))
    log = read_old_log(tmp_path / "log")
    assert_cut(find_in(log.series, log.rails), [(71, 271, "MAXN")])


def test_a_higher_clock_beside_a_run_is_noted(tmp_path: Path) -> None:
    _, (quiet,) = cut_of([idle(60), run(100, mhz=1497), idle(60)], tmp_path / "quiet")
    assert quiet.notes == ()
    _, (one,) = cut_of([idle(60), run(100, mhz=1497), idle(20), idle(5, cpu=40), idle(60)], tmp_path / "log")
    assert one.power_mode == "MODE_50W"
    assert [note.split(":")[0] for note in one.notes] == [
        "A CPU clock of 2201 MHz is met within a minute of this run, above its own 1497 MHz"
    ]


@pytest.mark.parametrize("seed", range(6))
def test_bursts_of_a_desktop_change_neither_end(tmp_path: Path, seed: int) -> None:
    """Three idle ticks in ten show up to 30 %, as with a person at the desktop."""
    rng = random.Random(seed)

    def noisy(seconds: int) -> list[Part]:
        return [idle(1, gr3d=rng.randint(0, 30) if rng.random() < 0.3 else 0) for _ in range(seconds)]

    for name, busy in (("low", run(200, 30, gpu_w=2.8, cpu=70, jitter=10)), ("high", run(200, 76, gpu_w=4.4))):
        _, found = cut_of([*noisy(120), busy, *noisy(600)], tmp_path / name, seed=seed)
        assert_cut(found, [(119, 319, "MAXN")], 4.1)


def test_notes_basis_and_ceiling_are_named(tmp_path: Path) -> None:
    _, (one,) = cut_of([run(100, mhz=1900)], tmp_path / "log")
    assert one.cpu_ceiling_mhz == 1900
    assert one.mode_basis == "CPU ceiling 1900 MHz, 12 of 12 cores online; no mode of the AGX Orin has that ceiling"
    assert [note.split()[2] for note in one.notes] == ["begins", "ends"]
    _, (two,) = cut_of([idle(60, gr3d=None), run(100, None, mhz=1497), idle(60, gr3d=None)], tmp_path / "log")
    assert two.mode_basis == "CPU ceiling 1497 MHz, 12 of 12 cores online"
    assert two.notes == ("The log has no GR3D; the run was found by power alone.",)


def test_a_mode_of_the_agx_orin_is_named_on_no_other_board(tmp_path: Path) -> None:
    text = "".join(log_lines([idle(60), run(100), idle(60)])).replace("VDD_GPU_SOC", "VDD_IN")
    (tmp_path / "log").write_text(text)
    log = read_old_log(tmp_path / "log")
    (one,) = find_in(log.series, log.rails)
    assert one.power_mode is None
    assert "AGX Orin with 12 cores only" in one.mode_basis


def test_samples_at_hand_are_cut_the_same_and_a_person_may_move_the_cut(tmp_path: Path) -> None:
    lines = log_lines([idle(60), run(100), idle(60)], date=None)
    timed = [(t_s, sample) for t_s, _, sample in timed_lines(iter_log(lines), 1.0) if sample]
    (found,) = find_stretches([t_s for t_s, _ in timed], [sample for _, sample in timed])
    log, (same,) = cut_of([idle(60), run(100), idle(60)], tmp_path / "log", date=None)
    assert found == same
    moved = between(log.series, 79, 149, log.rails)
    assert moved is not None
    assert (moved.start_s, moved.end_s, moved.seconds, moved.power_mode) == (79, 149, 70, "MAXN")
    assert (moved.start_index, moved.end_index) == (80, 149)
    assert between(log.series, 79, 80.5, log.rails) is None
    first = between(log.series, 0, 10, log.rails)
    assert first is not None
    assert (first.start_index, first.end_index, first.cut_basis) == (0, 10, "as set by a person")


Span = tuple[float, float]
EXPECTED: dict[str, list[tuple[str, Span, Span, Span, float]]] = {
    "resnet_maxn": [("MAXN", (58.6, 59.6), (14.68, 14.88), (7865, 7945), 475.03)],
    "depth_maxn": [
        ("MAXN", (84, 88), (45, 48), (4650, 4800), 190.54),
        ("MODE_50W", (88, 91), (27, 28.5), (4900, 5000), 269.25),
    ],
    "depth_50W": [("MODE_50W", (89, 91), (27, 28), (4900, 5000), 269.25)],
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the team's logs are not beside this checkout")
@pytest.mark.parametrize(
    "file", ["resnet_maxn.txt", "resnet_maxn.csv", "depth_maxn.txt", "depth_maxn.csv", "depth_50W.txt"]
)
def test_published_logs_are_cut_as_they_should_have_been(file: str) -> None:
    log = read_old_log(SHARED / f"{file}.gz")
    found = find_in(log.series, log.rails)
    name = file.split(".")[0]
    assert len(found) == len(EXPECTED[name])
    for one, (mode, gr3d, power, ram, seconds) in zip(found, EXPECTED[name], strict=True):
        inside = slice(one.start_index, one.end_index + 1)
        assert one.power_mode == mode
        for values, (low, high) in (
            (log.series.gr3d_pct, gr3d),
            (log.series.power_w, power),
            (log.series.ram_mb, ram),
        ):
            assert low <= np.mean(values[inside]) <= high
        assert one.seconds == pytest.approx(seconds, rel=0.03)
