"""Rows are whole, never shift, and are read as they grow."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from orin_core.board.sample import CoreSample, RailSample, Sample, Tick
from orin_core.errors import BadRequest, RunFailed
from orin_core.runs import store
from orin_core.runs.columns import Layout
from orin_core.runs.recording import Recording, Tail, check_run_id, find_run, list_runs, started_utc
from orin_core.runs.whole_lines import open_whole

RUN_ID = "20260131T120000Z_resnet-152_cifar100_MAXN_0a1b"


def sample(**changes: object) -> Sample:
    values: dict[str, object] = {
        "stamp": "01-31-2026 12:00:00",
        "ram_used_mb": 4000,
        "ram_total_mb": 62841,
        "lfb_blocks": 3,
        "lfb_block_mb": 0.25,
        "swap_used_mb": 0,
        "swap_total_mb": 31420,
        "swap_cached_mb": 0,
        "cores": (CoreSample(load_pct=7, freq_mhz=2201), None),
        "gr3d_pct": 42,
        "gr3d_freq_mhz": (1300, 1299),
        "temps_c": {"cpu": 44.5, "tboard": 31.0, "soc2": 41.25, "tdiode": 35.0, "soc0": 42.0, "tj": 44.5, "soc1": 41.0},
        "power_mw": {
            "VDD_GPU_SOC": RailSample(current_mw=4000, average_mw=3900),
            "VDD_CPU_CV": RailSample(current_mw=1500, average_mw=None),
        },
    }
    return Sample(**{**values, **changes})  # type: ignore[arg-type]


def tick(t_s: float, **changes: object) -> Tick:
    return Tick(t_s=t_s, sample=sample(**changes), raw="RAM ...")


def folder(tmp_path: Path) -> Path:
    made = tmp_path / RUN_ID
    made.mkdir()
    return made


def test_csv_is_the_golden_file(tmp_path: Path) -> None:
    made = folder(tmp_path)
    with store.Recorder(made, source="tegrastats", replay=True) as recorder:
        recorder.tick(tick(0.0), phase="idle", items=None, fps=None)
        batches = [[0.1 + i / 4, 0.3 + i / 4, "measure", 4, 200.0, ms] for i, ms in enumerate((380.0, 381.2468, 900.0))]
        recorder.batch_rows(batches, [4, 8, 12])
        recorder.tick(tick(1.004, gr3d_pct=None, temps_c={}, power_mw={}), phase="measure", items=8, fps=21.0154)
    golden = Path(__file__).parent.parent.parent / "fixtures" / "run_golden.csv"
    assert (made / store.RUN_CSV).read_text() == golden.read_text()


def test_latency_is_the_median_of_what_came_since_the_row_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FULL_BATCH_ROWS", 1)
    made = folder(tmp_path)
    with store.Recorder(made, source="tegrastats") as recorder:
        for second, latencies in enumerate(([], [10.0], [10.0, 40.0], [], [7.0, 1.0, 3.0])):
            recorder.batch_rows([[0.0, 1.0, "measure", 1, 1.0, ms] for ms in latencies], [0] * len(latencies))
            recorder.tick(tick(recorder.t0_s + second), phase="measure", items=0, fps=None)
    records = csv.DictReader(io.StringIO((made / store.RUN_CSV).read_text()))
    assert [record["Latency (ms)"] for record in records] == ["", "10", "25", "", "3"]


def test_pandas_reads_absent_as_missing(tmp_path: Path) -> None:
    made = folder(tmp_path)
    with store.Recorder(made, source="tegrastats") as recorder:
        recorder.tick(tick(recorder.t0_s + 1, gr3d_pct=None), phase="idle", items=None, fps=None)
    frame = pd.read_csv(made / store.RUN_CSV)
    assert frame["Used GR3D (%)"].isna().all()
    assert frame["CPU 1 Load (%)"].isna().all()
    assert frame["gpu Temperature (C)"].isna().all()
    assert frame.loc[0, "Power (W)"] == 5.5
    assert frame.loc[0, "GR3D Frequency (MHz)"] == 1300


def test_a_sleeping_gpu_sensor_has_its_column_from_the_first_line() -> None:
    header = Layout.of(sample()).header()
    assert header.index("gpu Temperature (C)") == header.index("tj Temperature (C)") - 1


def test_a_field_seen_later_goes_to_the_side_file_and_shifts_nothing(tmp_path: Path) -> None:
    made = folder(tmp_path)
    late = {**sample().temps_c, "cv0": 39.5}
    with store.Recorder(made, source="tegrastats") as recorder:
        recorder.tick(tick(recorder.t0_s), phase="idle", items=None, fps=None)
        recorder.tick(tick(recorder.t0_s + 1, temps_c=late), phase="idle", items=None, fps=None)
    records = list(csv.reader(io.StringIO((made / store.RUN_CSV).read_text())))
    assert len({len(record) for record in records}) == 1
    side = json.loads((made / store.LATE_FIELDS).read_text())
    assert side["index"] == 1
    assert side["cv0 Temperature (C)"] == 39.5


def test_tail_takes_complete_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "grow.csv"
    tail = Tail(path)
    assert tail.read_new() == []
    path.write_text("a,b\n1,2\n3,")
    assert tail.read_new() == [{"a": "1", "b": "2"}]
    assert tail.read_new() == []
    with path.open("a") as stream:
        stream.write("4\n5,6\n")
    assert tail.read_new() == [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}]


def test_a_full_disk_takes_the_torn_row_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    appender = store.Appender(tmp_path / "rows.csv")
    appender.append("1,2\n")
    real, calls = os.write, []

    def short_then_full(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 1:
            return real(descriptor, data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", short_then_full)
    with pytest.raises(RunFailed, match="No space left"):
        appender.append("3,4\n")
    assert (tmp_path / "rows.csv").read_text() == "1,2\n"


def test_batches_of_a_long_run_are_thinned_and_still_count_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FULL_BATCH_ROWS", 10)
    with store.Recorder(folder(tmp_path), source="tegrastats") as recorder:
        rows = [[float(i), i + 0.5, "measure", 4, 1.0, 2.0] for i in range(300)]
        recorder.batch_rows(rows, [4 * (i + 1) for i in range(300)])
    batches = list(Recording(folder=tmp_path / RUN_ID).batches())
    assert len(batches) == 10 + 3
    assert batches[-1]["items_done"] == "1200"


@pytest.mark.parametrize("text", ["", "..", "../../etc/passwd", RUN_ID + "/..", "x" + RUN_ID, RUN_ID + "\n"])
def test_what_is_no_run_id_never_becomes_a_path(text: str) -> None:
    with pytest.raises(BadRequest):
        check_run_id(text)


@pytest.mark.parametrize("stamp", ["20261399T000000Z", "20260229T120000Z", "00000101T000000Z", "20260131T246060Z"])
def test_folder_of_a_time_that_there_is_not_is_no_run(tmp_path: Path, stamp: str) -> None:
    run_id = f"{stamp}_m_d_MAXN_0000"
    (tmp_path / run_id).mkdir()
    assert list_runs(tmp_path) == []
    with pytest.raises(BadRequest, match="no run id"):
        check_run_id(run_id)


def test_run_began_when_its_id_says() -> None:
    assert started_utc(RUN_ID).isoformat() == "2026-01-31T12:00:00+00:00"


def test_links_and_pipes_are_no_files_of_a_run(tmp_path: Path) -> None:
    """A reader of a run folder must not be led to another file, nor wait for somebody to write."""
    secret, recording = tmp_path / "secret", Recording(folder=tmp_path / RUN_ID)
    secret.write_text('{"kind": "notice", "t_s": 1}\n')
    recording.folder.mkdir()
    for name in (store.SPEC, store.EVENTS, store.WORKER_LOG):
        (recording.folder / name).symlink_to(secret)
    os.mkfifo(recording.csv_path)
    (recording.folder / store.BATCHES_CSV).mkdir()
    assert (recording.spec(), recording.events()) == ({}, [])
    assert Tail(recording.folder / store.WORKER_LOG).read_new() == []
    assert list(recording.batches()) == []
    for name in (store.WORKER_LOG, store.RUN_CSV, store.BATCHES_CSV):
        with pytest.raises(FileNotFoundError):
            open_whole(recording.folder / name)


def test_runs_are_listed_newest_first_and_strangers_left_out(tmp_path: Path) -> None:
    older = RUN_ID.replace("20260131", "20250131")
    for name in (older, RUN_ID, "notes", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / RUN_ID.replace("0a1b", "ffff")).write_text("a file, not a folder")
    assert [recording.run_id for recording in list_runs(tmp_path)] == [RUN_ID, older]
    assert list_runs(tmp_path / "missing") == []
    with pytest.raises(BadRequest):
        find_run(tmp_path, RUN_ID.replace("0a1b", "eeee"))


def test_the_start_is_known_without_a_status(tmp_path: Path) -> None:
    recording = Recording(folder=tmp_path)
    assert recording.began_s() is None
    (tmp_path / store.EVENTS).write_text('{"kind": "start", "t_s": 500.25, "elapsed_s": 0.25}\n')
    assert recording.began_s() == 500.0
    store.write_json(tmp_path / store.STATUS, {"t_s": 1, "t0_s": 499.5})
    assert recording.began_s() == 499.5


def test_tabs_that_write_one_file_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / store.STATUS
    store.write_json(path, {"number": -1})

    def write(number: int) -> bool:
        for _ in range(100):
            store.write_json(path, {"number": number, "filling": "x" * 5000})
            if store.read_json(path) is None:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(write, range(4)))
    assert [one.name for one in tmp_path.iterdir()] == [store.STATUS]
