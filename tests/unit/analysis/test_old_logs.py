"""Logs of other programs: every dialect, every way they are broken."""

from __future__ import annotations

import csv
import datetime
import functools
import gzip
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from orin_core.analysis.old_logs import MAX_LINE, read_old_log
from orin_core.errors import BadRequest
from tests.support_logs import DATE_LINE, START, as_csv, idle, log_lines, run

SHARED = Path(__file__).parents[4] / "shared"
UTC = datetime.timezone.utc
PARTS = [idle(5), run(30), idle(5)]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("compress", [False, True])
def test_a_text_log_gives_its_ticks_its_utc_and_its_lines_again(tmp_path: Path, compress: bool) -> None:
    lines = log_lines(PARTS)
    lines.insert(10, "\x00garbage\n")
    content = "".join(lines).encode()
    log = read_old_log(written(tmp_path / "log", gzip.compress(content) if compress else content))
    assert (log.dialect, log.date_line, log.lines, log.strangers) == ("tegrastats", DATE_LINE, 42, 1)
    assert log.utc_start == START + datetime.timedelta(hours=7)
    assert log.ram_total_mb == 30698
    assert log.rails == ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO")
    assert log.series.t_s.tolist() == list(range(40))
    assert np.isfinite(log.series.power_w).all()
    rows = list(log.rows(7, 9))
    assert [(t_s, raw) for t_s, raw, _ in rows] == [
        (t_s, text.rstrip("\n")) for t_s, text in zip((7, 8, 8, 9), lines[8:12], strict=True)
    ]
    assert [sample and sample.ram_used_mb for _, _, sample in rows] == [
        *log.series.ram_mb[7:9].tolist(),
        None,
        log.series.ram_mb[9],
    ]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("date", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_both_csv_dialects_say_the_same_as_the_text(tmp_path: Path, old: bool, date: bool, ending: str) -> None:
    lines = log_lines([idle(5, online=4), run(30, online=4)])
    text = read_old_log(written(tmp_path / "log.txt", "".join(lines)))
    path = written(tmp_path / "log.csv", as_csv(lines, old=old, date=date, ending=ending))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    log = read_old_log(path)
    assert log.dialect == ("parser" if old else "scales")
    assert (log.strangers, log.rails, log.ram_total_mb) == (0, text.rails, 30698)
    for name in ("t_s", "gr3d_pct", "power_w", "gpu_w", "cores_online", "cores_listed", "cpu_busiest_pct", "ram_mb"):
        assert getattr(log.series, name) == pytest.approx(getattr(text.series, name)), name
    if date:
        # The date line is printed a second before the first tick.
        assert log.utc_start == text.utc_start - datetime.timedelta(seconds=1)
    else:
        assert log.utc_start == datetime.datetime.fromtimestamp(1_700_000_000, UTC)
        assert any("time of the file" in note for note in log.notes)
    ((_, raw, sample),) = log.rows(20, 20)
    ((_, _, same),) = text.rows(20, 20)
    assert raw is None
    assert sample is not None
    assert same is not None
    assert sample.power_mw == same.power_mw
    assert [core is None for core in sample.cores] == [False] * 4 + [True] * 8
    assert (sample.temps_c["tj"], sample.temps_c["soc"]) == (45.5, 41.75)


def test_a_csv_with_blank_cells_torn_rows_a_repeated_header_and_no_power_is_read(tmp_path: Path) -> None:
    records = list(csv.reader(io.StringIO(as_csv(log_lines(PARTS), date=False))))
    kept = [record[:-8] for record in records]
    kept[3][kept[0].index("Used GR3D (%)")] = ""
    kept[4] = [kept[4][0], kept[4][1], "5000.0"]
    rows = [",".join(record) for record in kept]
    content = "\n".join(["\ufeff" + rows[0], "", *rows[1:8], rows[0], "rubbish", *rows[8:]]) + "\n"
    log = read_old_log(written(tmp_path / "log.csv", content))
    assert (len(log.series), log.strangers) == (39, 2)
    assert not np.isfinite(log.series.power_w).any()
    assert log.rails == ()
    assert np.isnan(log.series.gr3d_pct[2])
    assert log.series.t_s[3] == 4
    assert [note.split(":")[0] for note in log.notes[1:3]] == [
        "1 row is missing from this CSV, in 1 place",
        "2 rows of this CSV dropped",
    ]


@pytest.mark.parametrize("torn", ["5,50", "20,2", "30,", "9,9000000,"])
def test_a_torn_row_gives_no_time_and_splits_nothing(tmp_path: Path, torn: str) -> None:
    head, *rows = as_csv(log_lines([run(60)]), date=False, ending="\n").splitlines()
    log = read_old_log(written(tmp_path / "log.csv", "\n".join([head, *rows[:30], torn, *rows[31:]]) + "\n"))
    assert log.series.t_s.tolist() == [float(t_s) for t_s in range(60) if t_s != 30]
    assert not log.series.restart.any()
    assert log.strangers == 1


@pytest.mark.parametrize("time_ms", ["3", "900000"])
def test_a_garbled_time_of_a_whole_row_splits_nothing_unless_the_next_row_agrees(tmp_path: Path, time_ms: str) -> None:
    head, *rows = as_csv(log_lines([run(60)]), date=False, ending="\n").splitlines()
    garbled = rows[30].split(",")
    garbled[1] = time_ms
    log = read_old_log(
        written(tmp_path / "log.csv", "\n".join([head, *rows[:30], ",".join(garbled), *rows[31:]]) + "\n")
    )
    assert (len(log.series), log.strangers) == (59, 1)
    assert not log.series.restart.any()


def semicolons(text: str) -> str:
    records = csv.reader(io.StringIO(text))
    return "".join(";".join(cell.replace(".", ",") for cell in record) + "\r\n" for record in records)


def thousands(text: str) -> str:
    out = io.StringIO(newline="")
    for record in csv.reader(io.StringIO(text)):
        csv.writer(out).writerow(f"{int(float(cell)):,}" if cell.endswith(".0") else cell for cell in record)
    return out.getvalue()


@pytest.mark.parametrize(
    "saved",
    [
        pytest.param(lambda text: semicolons(text).encode(), id="semicolons and decimal commas"),
        pytest.param(lambda text: text.replace(",", "\t").encode("utf-16"), id="UTF-16 with tabs"),
        pytest.param(lambda text: text.replace("\r\n", "\r").encode(), id="returns alone"),
        pytest.param(lambda text: thousands(text).encode("utf-8-sig"), id="thousands in quotes"),
        pytest.param(lambda text: f"sep=,\r\n{text}".encode(), id="separator named"),
    ],
)
def test_a_csv_that_a_spreadsheet_saved_says_the_same(tmp_path: Path, saved: Callable[[str], bytes]) -> None:
    text = as_csv(log_lines(PARTS), date=False)
    one = read_old_log(written(tmp_path / "one.csv", text))
    two = read_old_log(written(tmp_path / "two.csv", saved(text)))
    for name in ("t_s", "gr3d_pct", "power_w", "ram_mb", "cpu_max_mhz"):
        assert getattr(two.series, name) == pytest.approx(getattr(one.series, name)), name
    ((_, _, first),), ((_, _, second),) = one.rows(20, 20), two.rows(20, 20)
    assert first == second


def test_a_csv_in_an_unknown_form_is_refused_with_what_to_do(tmp_path: Path) -> None:
    text = as_csv(log_lines(PARTS), date=False)
    with pytest.raises(BadRequest) as raised:
        read_old_log(written(tmp_path / "log.csv", text.encode("utf-16-le")))
    assert "save it as comma-separated UTF-8" in raised.value.hint


def test_rows_under_a_header_with_other_columns_are_not_misread(tmp_path: Path) -> None:
    head, *rows = as_csv(log_lines([run(60)]), date=False, ending="\n").splitlines()
    other = ",".join(reversed(head.split(",")))
    log = read_old_log(written(tmp_path / "log.csv", "\n".join([head, *rows, other, *rows, head, *rows]) + "\n"))
    assert (len(log.series), log.strangers) == (120, 60)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\n" * 3_000_000, id="nothing"),
        pytest.param(log_lines([run(2)], date=None)[0].encode() + b"x\n" * 3_000_000, id="a tick and strangers"),
        pytest.param(b"Time (mS),Used RAM (MB)\n" + b"\n" * 3_000_000, id="a header"),
        pytest.param(b"x" * 200_000_000, id="one line"),
    ],
)
def test_a_small_gzip_of_millions_of_lines_is_refused_early(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "log.gz", gzip.compress(content, 1))
    with pytest.raises(BadRequest, match=r"no log|no tegrastats log"):
        read_old_log(path)


OWN = "Time (mS),Used RAM (MB),Used GR3D (%),VDD_GPU_SOC Current (mW),Elapsed (s),UTC Time,Phase,Source"


def own_csv(sources: Sequence[str], phases: Sequence[str]) -> str:
    rows = [
        f"{500 + 1000 * second},4000,0,2000,{second}.5,2026-05-01T10:00:{second:02}.500Z,{phase},{source}"
        for second, (phase, source) in enumerate(zip(phases, sources, strict=True))
    ]
    return "\n".join([OWN, *rows]) + "\n"


def test_phases_source_and_utc_of_this_projects_own_csv_are_read(tmp_path: Path) -> None:
    phases = ["idle"] * 5 + ["warmup"] * 5 + ["measure"] * 30 + ["cooldown"] * 5
    log = read_old_log(written(tmp_path / "run.csv", own_csv(["simulated"] * 45, phases)))
    assert (log.dialect, log.simulated, log.measured) == ("run", True, ((10, 39),))
    assert log.utc_start == datetime.datetime(2026, 5, 1, 10, 0, 0, tzinfo=UTC)
    assert log.notes == ()
    hectic = own_csv([f"s{second}" for second in range(60)], ["idle", "measure"] * 30)
    assert len(read_old_log(written(tmp_path / "hectic.csv", hectic)).sources) == 20
    with pytest.raises(BadRequest, match="mixes simulated"):
        read_old_log(written(tmp_path / "mixed.csv", own_csv(["simulated", *["tegrastats"] * 44], phases)))


def test_rows_deleted_from_a_csv_and_csvs_in_a_row_begin_anew(tmp_path: Path) -> None:
    head, *rows = as_csv(log_lines([run(60)]), date=False, ending="\n").splitlines()
    cut = read_old_log(written(tmp_path / "cut.csv", "\n".join([head, *rows[:20], *rows[35:]]) + "\n"))
    assert np.flatnonzero(cut.series.restart).tolist() == [20]
    twice = read_old_log(written(tmp_path / "twice.csv", "\n".join([head, *rows, head, *rows]) + "\n"))
    assert np.flatnonzero(twice.series.restart).tolist() == [60]
    assert (np.diff(twice.series.t_s) == 1).all()


def jumping(jump_s: float, t_s: float) -> float:
    return t_s + jump_s * (t_s > 20)


def test_a_clock_that_was_set_moves_no_tick_and_another_tegrastats_begins_anew(tmp_path: Path) -> None:
    true = read_old_log(written(tmp_path / "true", "".join(log_lines(PARTS))))
    for name, jump_s in (("forward", 3600), ("back", -3600), ("far", 40 * 86_400)):
        lines = log_lines(PARTS, clock=functools.partial(jumping, jump_s))
        log = read_old_log(written(tmp_path / name, "".join(lines)))
        assert log.series.t_s == pytest.approx(true.series.t_s), name
        assert not log.series.restart.any()
    assert "clock was set" in read_old_log(tmp_path / "forward").notes[0]
    later = log_lines([idle(5), run(20)], date=None, clock=lambda t_s: t_s + 3000)
    log = read_old_log(written(tmp_path / "two", "".join(log_lines(PARTS) + later)))
    assert np.flatnonzero(log.series.restart).tolist() == [40]
    assert log.series.t_s[40] == 3000


@pytest.mark.parametrize(
    ("date", "stamps", "utc", "said"),
    [
        ("Tue Oct 22 20:07:29 UTC 2024", True, START, ""),
        ("Wed Oct 23 01:37:29 UTC 2024", True, START + datetime.timedelta(hours=5, minutes=30), ""),
        (None, True, START, "unknown zone"),
        ("Tue Oct 22 08:07:29 PM PDT 2024", True, START, "unknown zone"),
        (DATE_LINE, False, datetime.datetime(2024, 10, 23, 3, 7, 29, tzinfo=UTC), ""),
        (None, False, datetime.datetime.fromtimestamp(1_700_000_000, UTC), "time of the file"),
    ],
)
def test_utc_comes_from_the_date_line_then_the_stamps_then_the_file(
    tmp_path: Path, date: str | None, stamps: bool, utc: datetime.datetime, said: str
) -> None:
    path = written(tmp_path / "log", "".join(log_lines(PARTS, date=date, stamps=stamps)))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    log = read_old_log(path)
    assert log.utc_start == utc
    assert log.strangers == 0
    assert [said in note for note in log.notes] == ([True] if said else [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (bytes(range(256)) * 4000, "is no tegrastats log"),
        (b"A,B,C\n1,2,3\n", "is no tegrastats log"),
        (b'"unfinished,' + b"x" * 300_000, "is no tegrastats log"),
        (b"Time (mS),Used RAM (MB)\n", "no rows"),
        (gzip.compress(b"", mtime=0), "is no tegrastats log"),
        (b"\x1f\x8b\x08 broken", "is no tegrastats log"),
    ],
)
def test_what_is_no_log_is_a_bad_request(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message) as raised:
        read_old_log(written(tmp_path / "file", content))
    assert "Name a tegrastats log" in raised.value.hint


def test_no_file_and_no_plain_file_are_bad_requests(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in ((".", "is no file"), ("pipe", "is no file"), ("none", "cannot be read")):
        with pytest.raises(BadRequest, match=message):
            read_old_log(tmp_path / name)


def test_an_endless_line_and_a_cut_gzip_cost_nothing_but_themselves(tmp_path: Path) -> None:
    lines = log_lines(PARTS)
    lines.insert(20, "x" * (3 * MAX_LINE + 5) + "\n")
    log = read_old_log(written(tmp_path / "long", "".join(lines)))
    assert (len(log.series), log.strangers, log.lines) == (40, 1, 42)
    ((_, raw, _), *_) = [row for row in log.rows(0, 39) if row[2] is None]
    assert raw == "x" * 200
    # Noise does not compress, so the cut takes whole lines away.
    data = gzip.compress("".join(log_lines([idle(5), run(600)])).encode())
    cut = read_old_log(written(tmp_path / "cut", data[: len(data) // 2]))
    assert 50 < len(cut.series) < 605
    assert "cannot be read to its end" in cut.notes[0]
    assert sum(1 for _ in cut.rows(0, len(cut.series) - 1)) == len(cut.series)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the team's logs are not beside this checkout")
def test_lines_of_every_jetpack_are_ticks(tmp_path: Path) -> None:
    lines = (SHARED / "tegrastats" / "lines.txt").read_text().splitlines()
    for number, line in enumerate(lines):
        log = read_old_log(written(tmp_path / "log", f"{line}\n" * 3))
        assert len(log.series) == 3, f"line {number + 1}"
