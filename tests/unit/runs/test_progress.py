"""Labels, counts and time left."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from orin_core.board.sample import Sample, Tick
from orin_core.runs import store
from orin_core.runs.finish import summary_of
from orin_core.runs.progress import Progress
from orin_core.runs.recording import Recording
from orin_core.spec import Phase, RunSpec, RunState


def _progress(**spec: object) -> Progress:
    return Progress(RunSpec(model="m", dataset="d", **spec).validated())  # type: ignore[arg-type]


def test_a_tick_that_straddles_the_start_of_measure_is_not_labelled_measure() -> None:
    progress = _progress(items=10)
    progress.enter(Phase.WARMUP, 0.0)
    assert progress.label(1.0) == "warmup"
    progress.enter(Phase.MEASURE, 1.5)
    assert progress.label(2.0) == "warmup"
    assert progress.label(3.0) == "measure"
    progress.enter(Phase.COOLDOWN, 3.5)
    assert progress.label(4.0) == "cooldown"


def test_items_count_in_measure_only_and_stay_after_it() -> None:
    progress = _progress(items=10)
    assert progress.items_column is None
    progress.enter(Phase.WARMUP, 0.0)
    progress.add_batches([[0.0, 1.0, "warmup", 4, 900.0, 1000.0]], 0)
    assert progress.items_column is None
    progress.enter(Phase.MEASURE, 1.0)
    assert progress.add_batches(
        [[1.0, 2.0, "measure", 4, 900.0, 1000.0], [2.0, 3.0, "measure", 4, 900.0, 1000.0]], 1
    ) == [4, 8]
    progress.enter(Phase.COOLDOWN, 3.0)
    document = progress.document(9.0)
    assert [progress.items_column, document["items_done"], document["failed_items"]] == [8, 8, 1]
    assert document["measure_s"] == 2.0


def test_time_left_is_unknown_until_measure_has_a_pace() -> None:
    progress = _progress(items=100)
    assert progress.document(0.0)["time_left_s"] is None
    progress.enter(Phase.WARMUP, 0.0)
    progress.add_batches([[0.0, 2.0, "warmup", 4, 900.0, 1000.0]], 0)
    document = progress.document(2.0)
    assert (document["rate_fps"], document["time_left_s"]) == (2.0, None)
    progress.enter(Phase.MEASURE, 2.0)
    begun = progress.document(2.5)
    assert (begun["items_done"], begun["rate_fps"], begun["time_left_s"]) == (0, None, None), "warm-up is no measure"
    progress.add_batches([[2.0, 4.0, "measure", 10, 900.0, 1000.0]], 0)
    assert progress.document(4.0)["time_left_s"] == pytest.approx(18.0)


def test_prompts_have_no_rate_of_images_and_a_time_left_all_the_same() -> None:
    found = []
    for of_text in (False, True):
        progress = Progress(RunSpec(model="m", dataset="d", items=100), of_text=of_text)
        progress.enter(Phase.MEASURE, 0.0)
        progress.add_batches([[float(s), s + 1.0, "measure", 1, 900.0, 1000.0] for s in range(8)], 0)
        document = progress.document(8.0)
        found.append((progress.live_fps, document["rate_fps"], document["time_left_s"]))
    assert found == [(1.0, 1.0, 92.0), (None, None, 92.0)]


def test_time_left_of_a_run_by_seconds_is_the_rest_of_the_seconds() -> None:
    progress = _progress(seconds=30.0)
    progress.enter(Phase.MEASURE, 10.0)
    progress.add_batches([[10.0, 11.0, "measure", 1, 900.0, 1000.0]], 0)
    assert progress.document(22.0)["time_left_s"] == pytest.approx(18.0)


def test_a_slow_model_has_images_left_when_its_seconds_are_over() -> None:
    progress = _progress()
    assert progress.document(0.0)["min_items"] == 100
    progress.enter(Phase.MEASURE, 0.0)
    progress.add_batches([[0.0, 20.0, "measure", 10, 900.0, 1000.0]], 0)
    # 70 s were asked for; 90 images are left at one in two seconds.
    assert progress.document(20.0)["time_left_s"] == pytest.approx(180.0)
    progress.add_batches([[20.0, 40.0, "measure", 80, 900.0, 1000.0]], 0)
    assert progress.document(40.0)["time_left_s"] == pytest.approx(30.0)


def test_nothing_is_left_once_the_run_has_ended() -> None:
    progress = _progress(seconds=30.0)
    progress.enter(Phase.MEASURE, 10.0)
    progress.add_batches([[10.0, 11.0, "measure", 1, 900.0, 1000.0]], 0)
    progress.end(RunState.STOPPED, "The run was stopped.", "")
    document = progress.document(12.0)
    assert (document["state"], document["time_left_s"]) == ("stopped", None)


def test_the_board_is_busy_in_cooldown_while_the_worker_times_the_model_alone() -> None:
    progress = _progress(items=4)
    progress.enter(Phase.MEASURE, 1.0)
    assert progress.document(1.5)["step"] is None
    progress.measured = True
    progress.enter(Phase.COOLDOWN, 3.0)
    assert progress.document(3.5)["step"] == "timing the model alone"
    progress.worker_left = True
    assert progress.document(6.0)["step"] is None


def recorded(folder: Path, *, batch_s: float, batch_size: int) -> Recording:
    """A run in log time as the runner writes it: 20 s of warm-up, 60 s of measure, a tick a second."""
    progress, measure_s = _progress(seconds=60.0), 20.0
    messages: list[tuple[float, str, list[list[Any]]]] = [(s + 0.4, "tick", []) for s in range(100)]
    rows: list[list[Any]] = []
    while not rows or rows[-1][1] < measure_s + 60.0:
        start_s = rows[-1][1] if rows else 0.0
        phase = "warmup" if start_s < measure_s else "measure"
        if phase == "measure" and rows[-1][2] == "warmup":
            measure_s = start_s
            messages.append((start_s, "measure", []))
        # Its pace is never quite the same.
        end_s = start_s + batch_s * (1 + 0.1 * math.sin(len(rows)))
        rows.append([start_s, end_s, phase, batch_size, 1.0, 1.0])
    # The worker tells of its batches five times a second.
    for told_s, together in itertools.groupby(rows, key=lambda row: 0.2 * math.ceil(row[1] / 0.2)):
        messages.append((told_s, "batches", list(together)))
    end_s = rows[-1][1]
    messages.append((0.2 * math.ceil(end_s / 0.2), "cooldown", []))
    folder.mkdir()
    with store.Recorder(folder, source="simulated", replay=True) as recorder:
        progress.enter(Phase.WARMUP, 0.0)
        for t_s, kind, told in sorted(messages, key=lambda message: message[0]):
            if kind == "batches":
                recorder.batch_rows(told, progress.add_batches(told, 0))
            elif kind == "tick":
                tick, phase = Tick(t_s=t_s, sample=Sample()), progress.label(t_s)
                recorder.tick(tick, phase=phase, items=progress.items_column, fps=progress.live_fps)
            else:
                begin_s = measure_s if kind == "measure" else end_s
                if kind == "cooldown":
                    ends = {"t_start_s": measure_s, "t_end_s": end_s, "items": progress.items_done}
                    recorder.event("done", end_s, **ends)
                progress.enter(Phase(kind), begin_s)
                recorder.event("phase", begin_s, phase=kind)
    store.write_json(folder / store.STATUS, {"t0_s": 0.0})
    return Recording(folder=folder)


@pytest.mark.parametrize(("batch_s", "batch_size"), [(0.02, 1), (1.3, 4), (3.7, 16)])
def test_the_rows_of_measure_come_near_the_figures_of_the_run_and_its_count_stands_behind_them(
    tmp_path: Path, batch_s: float, batch_size: int
) -> None:
    run = recorded(tmp_path / "20260131T120000Z_m_d_MAXN_0001", batch_s=batch_s, batch_size=batch_size)
    summary = summary_of(run, state=RunState.DONE, message="", hint="")
    frame = pd.read_csv(run.csv_path)
    measure, after = frame[frame["Phase"] == "measure"], frame[frame["Phase"] == "cooldown"]
    assert measure["Items"].iloc[-1] < summary["items"]
    assert set(after["Items"]) == {summary["items"]}
    assert measure["FPS"].mean() == pytest.approx(summary["fps_end_to_end"], rel=0.03)
    # Empty until its window of five batches and 5 s lies behind the first batch, which a slow model takes long for.
    window_s = batch_s + max(5.0, 5 * batch_s)
    assert measure["FPS"].isna().sum() == pytest.approx(window_s, abs=0.1 * window_s + 1)
