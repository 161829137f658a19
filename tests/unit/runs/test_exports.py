from __future__ import annotations

import argparse
import csv
import datetime
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from orin_core import cli_export
from orin_core.board.sample import CoreSample, RailSample, Sample, Tick
from orin_core.board.tegrastats import parse_line
from orin_core.errors import BadRequest, RunFailed
from orin_core.runs import store
from orin_core.runs.exports import FORMATS, export_name, write_export
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec, to_json

RUN_ID = "20241023T042743Z_resnet-152_cifar100_MAXN_0a1b"
LINE = (
    "10-22-2024 21:27:{second:02d} RAM {ram}/30698MB (lfb 35x4MB) SWAP 0/15349MB (cached 0MB) CPU [6%@1113,off] "
    "GR3D_FREQ {gr3d}% cpu@45.5C soc2@41.5C soc0@42.031C {gpu}tj@45.5C soc1@41.75C VDD_GPU_SOC 1988mW/1990mW"
)
TEAM_HEADER = (
    "Index,Time (mS),Used RAM (MB),Total RAM (MB),Number of Free RAM Blocks,Size of Free RAM Blocks (MB),"
    "Used SWAP (MB),Total SWAP (MB),Cached SWAP (MB),CPU Frequency (MHz),CPU 0 Load (%),CPU 1 Load (%),"
    "Used GR3D (%),GR3D Frequency (MHz),cpu Temperature (C), Temperature (C),gpu Temperature (C),tj Temperature (C),"
    "VDD_GPU_SOC Current (mW),VDD_GPU_SOC Average (mW)"
)


def line(index: int) -> str:
    gpu = "gpu@40.25C " if index % 5 else ""
    return LINE.format(second=44 + index % 10, ram=4200 + index, gr3d=index % 100, gpu=gpu)


class Run:
    """A run folder written by the real recorder, with a known UTC at its start."""

    def __init__(self, folder: Path, *, raw: bool = True) -> None:
        self.folder, self.raw = folder, raw
        folder.mkdir(parents=True)
        store.write_json(folder / store.SPEC, to_json(RunSpec(model="resnet-152", dataset="cifar100")))
        self.recorder = store.Recorder(folder, source="tegrastats")
        self.recorder.utc0_s = datetime.datetime(2024, 10, 23, 4, 27, 43, tzinfo=datetime.timezone.utc).timestamp()
        self.recording = Recording(folder=folder)

    def ticks(self, count: int) -> None:
        for index in range(count):
            text = line(index)
            sample = parse_line(text)
            assert sample is not None
            tick = Tick(
                t_s=self.recorder.t0_s + index * 1.25, sample=sample, raw=text if self.raw else None, throttled=False
            )
            phase = "idle" if index < 2 else "measure"
            self.recorder.tick(
                tick, phase=phase, items=index * 3 if index >= 2 else None, fps=2.5 if index > 4 else None
            )

    def end(self) -> None:
        self.recorder.give_up_reserve()
        store.write_json(self.folder / store.SUMMARY, {"run_id": RUN_ID, "state": "done"})


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def make(*, raw: bool = True) -> Run:
        runs.append(Run(tmp_path / "runs" / RUN_ID, raw=raw))
        return runs[-1]

    yield make
    for run in runs:
        run.recorder.__exit__(None, None, None)


def export(run: Run, file_format: str, tmp_path: Path) -> Path:
    target = tmp_path / "out" / export_name(run.recording, file_format)
    target.parent.mkdir(exist_ok=True)
    write_export(run.recording, file_format, target)
    assert [path.name for path in target.parent.iterdir()] == [target.name], "nothing but the file is left"
    return target


def test_csv_is_the_file_as_it_is(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(20)
    assert export(run, "csv", tmp_path).read_bytes() == run.recording.csv_path.read_bytes()


@pytest.mark.parametrize("raw", [True, False])
def test_the_teams_script_reads_its_layout(raw: bool, made: Callable[..., Run], tmp_path: Path) -> None:
    run = made(raw=raw)
    run.ticks(20)
    path = export(run, "scales", tmp_path)
    text = path.read_bytes().decode()
    assert "\n" not in text.replace("\r\n", "")
    first, second, header = text.split("\r\n")[:3]
    assert (first, second) == ('"Wed Oct 23 04:27:43 AM UTC 2024', '"')
    assert datetime.datetime.strptime(first[1:], "%a %b %d %I:%M:%S %p UTC %Y").hour == 4  # noqa: DTZ007 - as theirs
    assert header == TEAM_HEADER
    frame = pd.read_csv(path, skiprows=1)
    assert list(frame["Used GR3D (%)"]) == [float(index % 100) for index in range(20)]
    assert list(frame["CPU 1 Load (%)"]) == ["off"] * 20
    assert list(frame[" Temperature (C)"]) == [41.75] * 20, "the last soc that is printed wins"
    assert frame["gpu Temperature (C)"].isna().sum() == 4
    if not raw:
        assert list(frame["Time (mS)"]) == [1250 * index for index in range(20)]


def test_half_written_lines_stay_out_of_every_format(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(8)
    whole = run.recording.csv_path.read_bytes()
    with run.recording.csv_path.open("a") as rows, (run.folder / store.RAW_LOG).open("a") as log:
        rows.write("8,9000,42")
        log.write(line(8)[:60])
        rows.flush()
        log.flush()
        assert export(run, "csv", tmp_path).read_bytes() == whole
    for file_format in ("parquet", "scales", "zip"):
        for old in (tmp_path / "out").iterdir():
            old.unlink()
        path = export(run, file_format, tmp_path)
        if file_format == "parquet":
            assert len(pd.read_parquet(path)) == 8
        elif file_format == "scales":
            assert len(pd.read_csv(path, skiprows=1)) == 8
        else:
            with zipfile.ZipFile(path) as archive:
                assert archive.read(f"{RUN_ID}/run.csv") == whole
                assert archive.read(f"{RUN_ID}/tegrastats.log").count(b"\n") == 8


def test_parquet_holds_what_the_csv_holds(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(40)
    run.end()
    found = pd.read_parquet(export(run, "parquet", tmp_path))
    expected = pd.read_csv(run.recording.csv_path)
    assert str(found["UTC Time"].dtype).startswith("datetime64[ms, UTC")
    assert found["UTC Time"].iloc[0] == pd.Timestamp("2024-10-23T04:27:43Z")
    assert {found[name].dtype.name for name in ("Phase", "Source")} == {"category"}
    numbers = [name for name in expected.columns if name not in ("UTC Time", "Phase", "Source", "Board Time")]
    assert {found[name].dtype.kind for name in numbers} <= {"i", "f"}
    found["UTC Time"] = found["UTC Time"].dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3] + "Z"
    for name in ("Phase", "Source"):
        found[name] = found[name].astype(str)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


def test_parquet_of_a_long_run_is_written_in_batches(
    made: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orin_core.runs.export_parquet.BLOCK_BYTES", 4096)
    run = made()
    run.ticks(300)
    path = export(run, "parquet", tmp_path)
    from pyarrow import parquet

    assert parquet.ParquetFile(path).num_row_groups > 5
    assert list(pd.read_parquet(path)["Index"]) == list(range(300))


def test_parquet_of_a_header_alone_has_no_rows_and_every_column(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(1)
    header = run.recording.csv_path.read_text().splitlines()[0]
    run.recording.csv_path.write_text(header + "\n")
    found = pd.read_parquet(export(run, "parquet", tmp_path))
    assert (len(found), list(found.columns)) == (0, header.split(","))


def test_damaged_rows_are_named_or_left_out_and_leave_no_file(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(3)
    text = run.recording.csv_path.read_text()
    run.recording.csv_path.write_text(text + "3,4000,12\n")
    assert len(pd.read_parquet(export(run, "parquet", tmp_path))) == 3
    run.recording.csv_path.write_text(text.replace(",4201,", ",many,"))
    target = tmp_path / "damaged.parquet"
    with pytest.raises(RunFailed, match="no number"):
        write_export(run.recording, "parquet", target)
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_zip_equals_the_folder_without_hidden_files_and_links(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(5)
    run.recorder.event("phase", run.recorder.t0_s, phase="idle")
    (run.folder / store.WORKER_LOG).write_text("last words without a line end")
    run.end()
    (run.folder / ".hidden").write_text("of the moment")
    (tmp_path / "secret").write_text("elsewhere")
    (run.folder / "link.log").symlink_to(tmp_path / "secret")
    with zipfile.ZipFile(export(run, "zip", tmp_path)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "back")
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    back = tmp_path / "back" / RUN_ID
    expected = {path.name for path in run.folder.iterdir()} - {".hidden", "link.log"}
    assert {path.name for path in back.iterdir()} == expected
    for name in expected:
        assert (back / name).read_bytes() == (run.folder / name).read_bytes()


def test_replay_takes_its_date_from_the_log(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.recorder._replay = True  # rows then have no UTC
    (run.folder / store.RAW_LOG).write_text("Thu Oct 24 05:00:00 AM UTC 2024\n")
    run.ticks(3)
    first = export(run, "scales", tmp_path).read_text().splitlines()[0]
    assert first == '"Thu Oct 24 05:00:00 AM UTC 2024'


def test_import_without_raw_lines_takes_its_date_from_its_id(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made(raw=False)
    run.recorder._replay = True
    store.write_json(run.folder / store.ENVIRONMENT, {"origin": "imported"})
    run.ticks(3)
    text = export(run, "scales", tmp_path).read_bytes().decode()
    record, rest = text.split('\r\n"\r\n', 1)
    assert record == '"Wed Oct 23 04:27:43 AM UTC 2024'
    assert [row["Time (mS)"] for row in csv.DictReader(io.StringIO(rest))] == ["0", "1250", "2500"]


def test_unread_cores_are_empty_and_off_cores_are_off(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made(raw=False)
    for index, cores in enumerate([(CoreSample(load_pct=7, freq_mhz=729), None), ()]):
        sample = Sample(cores=cores, power_mw={"VDD": RailSample(current_mw=5, average_mw=6)})
        run.recorder.tick(Tick(t_s=run.recorder.t0_s + index, sample=sample), phase="idle", items=None, fps=None)
    rest = export(run, "scales", tmp_path).read_bytes().decode().split('\r\n"\r\n', 1)[1]
    rows = [(row["CPU 0 Load (%)"], row["CPU 1 Load (%)"]) for row in csv.DictReader(io.StringIO(rest))]
    assert rows == [("7", "off"), ("", "")]


def test_sensor_that_a_csv_left_unnamed_gets_its_column_back(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made(raw=False)
    sample = Sample(temps_c={"cpu": 40.5, "soc": 39.25, "tj": 41.0}, power_mw={})
    run.recorder.tick(Tick(t_s=run.recorder.t0_s, sample=sample), phase="idle", items=None, fps=None)
    frame = pd.read_csv(export(run, "scales", tmp_path), skiprows=1)
    assert [name for name in map(str, frame) if name.endswith("Temperature (C)")] == [
        "cpu Temperature (C)",
        " Temperature (C)",
        "tj Temperature (C)",
    ]
    assert list(frame[" Temperature (C)"]) == [39.25]


@pytest.mark.parametrize("file_format", FORMATS)
def test_run_folder_is_never_written_to(file_format: str, made: Callable[..., Run]) -> None:
    run = made()
    run.ticks(2)
    before = run.recording.csv_path.read_bytes()
    with pytest.raises(BadRequest, match=f"lies in the run folder {RUN_ID}"):
        write_export(run.recording, file_format, run.recording.csv_path)
    assert run.recording.csv_path.read_bytes() == before


def test_no_other_run_folder_is_written_to_not_even_through_a_link(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(2)
    other = tmp_path / "elsewhere"
    (other / "deep").mkdir(parents=True)
    (other / store.STATUS).write_text("{}")
    by_name = tmp_path / RUN_ID.replace("0a1b", "ffff")
    by_name.mkdir()
    (tmp_path / "link.csv").symlink_to(other / store.STATUS)
    for target in (other / "x.csv", other / "deep" / "x.csv", by_name / "x.csv", tmp_path / "link.csv"):
        with pytest.raises(BadRequest, match="lies in the run folder"):
            write_export(run.recording, "csv", target)
    assert (other / store.STATUS).read_text() == "{}"
    assert not [*other.glob("**/*.csv"), *by_name.iterdir()]


def test_only_a_plain_file_is_replaced(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    run.ticks(2)
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", tmp_path / "runs", Path("/dev/null")):
        with pytest.raises(BadRequest, match="no plain file"):
            write_export(run.recording, "csv", target)
    assert (tmp_path / "pipe").is_fifo()
    old = tmp_path / "old.csv"
    old.write_text("old")
    (tmp_path / "link.csv").symlink_to(old)
    write_export(run.recording, "csv", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert old.read_bytes() == run.recording.csv_path.read_bytes()
    long = tmp_path / f"{'x' * 250}.csv"
    write_export(run.recording, "csv", long)
    assert long.is_file()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (store.RUN_CSV, "\n0,0,", "\n0,many,"),
        (store.RUN_CSV, ",4200,", ",many,"),
        (store.RUN_CSV, "2024-10-23T", "2024-99-23T"),
        (store.RUN_CSV, "Time (mS)", "Time"),
        (store.SPEC, '"interval_ms": 1000', '"interval_ms": "soon"'),
    ],
)
def test_damaged_cells_are_named_in_the_teams_layout(
    file: str, old: str, new: str, made: Callable[..., Run], tmp_path: Path
) -> None:
    run = made(raw=False)
    run.ticks(3)
    path = run.folder / file
    text = path.read_text()
    path.write_text(text.replace(old, new))
    assert path.read_text() != text
    with pytest.raises(RunFailed, match="damaged") as raised:
        write_export(run.recording, "scales", tmp_path / "x.csv")
    assert "csv or zip" in raised.value.hint
    assert not [entry for entry in tmp_path.iterdir() if entry.is_file()]


def test_what_cannot_be_exported_says_so(made: Callable[..., Run], tmp_path: Path) -> None:
    run = made()
    with pytest.raises(BadRequest, match="no rows yet"):
        write_export(run.recording, "csv", tmp_path / "x.csv")
    with pytest.raises(BadRequest, match="no format 'xlsx'"):
        write_export(run.recording, "xlsx", tmp_path / "x.csv")
    with pytest.raises(RunFailed, match="cannot be written"):
        write_export(run.recording, "zip", tmp_path / "nowhere" / "x.zip")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_command_writes_a_file_or_into_a_folder(
    made: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made()
    run.ticks(4)
    parser = argparse.ArgumentParser()
    cli_export.add_parser(parser.add_subparsers())
    config = Settings(data_dir=tmp_path, state_dir=tmp_path / "state")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for arguments, expected in (
        (["--format", "csv"], f"{RUN_ID}.csv"),
        (["--format", "scales", "-o", "folder"], f"folder/{RUN_ID}_scales.csv"),
        (["--format", "zip", "-o", "one.zip"], "one.zip"),
    ):
        asked = parser.parse_args(["export", RUN_ID, "--runs-dir", str(tmp_path / "runs"), *arguments])
        assert cli_export.command(asked, config) == 0
        assert capsys.readouterr().out == expected + "\n"
        assert os.path.getsize(expected) > 0
    asked = parser.parse_args(["export", RUN_ID, "--runs-dir", str(tmp_path / "runs"), "--format", "csv", "-o", "no/x"])
    with pytest.raises(BadRequest, match="no folder no"):
        cli_export.command(asked, config)
