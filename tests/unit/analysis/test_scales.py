from __future__ import annotations

import csv
import datetime
import gzip
import io
from pathlib import Path

import pytest

from orin_core.analysis.scales import Written, write_scales
from orin_core.board.logs import iter_log, open_log

SHARED = Path(__file__).parents[4] / "shared" / "scales" / "logs"
DATE = "Fri Jan 31 11:59:58 PM UTC 2025"
TEMPS = "cpu@45.5C tboard@34C soc2@41.5C tdiode@38.75C soc0@42.031C {gpu}tj@45.5C soc1@41.75C"
RAILS = "VDD_GPU_SOC 1988mW/1990mW VDD_CPU_CV 397mW/400mW"


def line(second: int, *, cores: str = "6%@1113,off", gpu: str = "", rails: str = RAILS, extra: str = "") -> str:
    return (
        f"01-31-2025 23:59:{second:02d} RAM 4204/30698MB (lfb 35x4MB) SWAP 0/15349MB (cached 0MB) CPU [{cores}] "
        f"{extra}GR3D_FREQ 7% {TEMPS.format(gpu=gpu)} {rails}\n"
    )


def scales(*lines: str) -> tuple[Written, str, list[dict[str, str]]]:
    """What was reported, record 1, and the rows by column."""
    out = io.StringIO(newline="")
    written = write_scales(iter_log(lines), out)
    text = out.getvalue()
    record, rest = text.split('\r\n"\r\n', 1)
    assert record.startswith('"')
    assert "\n" not in rest.replace("\r\n", ""), "every line ends in CRLF"
    return written, record[1:], list(csv.DictReader(io.StringIO(rest, newline="")))


def test_golden_file() -> None:
    out = io.StringIO(newline="")
    emc = "EMC_FREQ 4%@2133 "
    written = write_scales(iter_log([DATE + "\n", line(10), line(12, cores="100%@729,0%@730", extra=emc)]), out)
    assert out.getvalue() == (
        f'"{DATE}\r\n"\r\n'
        "Index,Time (mS),Used RAM (MB),Total RAM (MB),Number of Free RAM Blocks,Size of Free RAM Blocks (MB),"
        "Used SWAP (MB),Total SWAP (MB),Cached SWAP (MB),CPU Frequency (MHz),CPU 0 Load (%),CPU 1 Load (%),"
        "Used GR3D (%),GR3D Frequency (MHz),cpu Temperature (C),tboard Temperature (C), Temperature (C),"
        "tdiode Temperature (C),tj Temperature (C),VDD_GPU_SOC Current (mW),VDD_GPU_SOC Average (mW),"
        "VDD_CPU_CV Current (mW),VDD_CPU_CV Average (mW)\r\n"
        "0,0,4204.0,30698.0,35.0,4.0,0.0,15349.0,0.0,1113.0,6,off,7.0,,45.5,34.0,41.75,38.75,45.5,"
        "1988.0,1990.0,397.0,400.0\r\n"
        "1,2000,4204.0,30698.0,35.0,4.0,0.0,15349.0,0.0,729.0,100,0,7.0,,45.5,34.0,41.75,38.75,45.5,"
        "1988.0,1990.0,397.0,400.0\r\n"
    )
    assert written == Written(rows=2, strangers=1)


def test_a_sensor_that_wakes_early_has_a_column_and_nothing_shifts() -> None:
    written, _, rows = scales(line(1), line(2, gpu="gpu@40.25C "), line(3, rails=""))
    assert list(rows[0]).index("gpu Temperature (C)") == list(rows[0]).index("tj Temperature (C)") - 1
    assert [row["gpu Temperature (C)"] for row in rows] == ["", "40.25", ""]
    assert [row["tj Temperature (C)"] for row in rows] == ["45.5"] * 3
    assert [row["VDD_CPU_CV Current (mW)"] for row in rows] == ["397.0", "397.0", ""]
    assert written.left_out == ()


def test_what_is_first_seen_late_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orin_core.analysis.scales._LOOK_AHEAD", 2)
    late = line(3, gpu="gpu@40.25C ", cores="1%@729,2%@729,3%@729", rails=RAILS + " VDD_X 1mW/1mW")
    written, _, rows = scales(line(1), line(2), late, line(4))
    assert written.rows == len(rows) == 4
    assert written.left_out == ("gpu Temperature (C)", "VDD_X Current (mW)", "CPU 2 Load (%)")
    assert [row["CPU 1 Load (%)"] for row in rows] == ["off", "off", "2", "off"]


def test_garbage_is_counted_and_makes_no_row() -> None:
    written, _, rows = scales(DATE + "\n", line(1), "\x00#garbage\n", "\n", line(2))
    assert (written.rows, written.strangers, len(rows)) == (2, 3, 2)


def test_record_1_is_a_date_also_where_the_log_has_none() -> None:
    written, record, rows = scales(line(7))
    assert record == "Fri Jan 31 11:59:07 PM UTC 2025"
    assert "local time" in written.notes[0]
    assert len(rows) == 1
    written, record, _ = scales("RAM 1/2MB CPU [1%@729]\n")
    assert "no date" in written.notes[0]
    datetime.datetime.strptime(record, "%a %b %d %I:%M:%S %p UTC %Y")  # noqa: DTZ007 - as the team's scripts do


def test_an_empty_log_gives_a_header_and_no_row() -> None:
    written, _, rows = scales()
    assert (written.rows, rows) == (0, [])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the team's logs are not beside this checkout")
@pytest.mark.parametrize("name", ["resnet_maxn", "depth_maxn"])
def test_the_teams_own_csv_is_reproduced_but_for_its_drifting_time(name: str) -> None:
    out = io.StringIO(newline="")
    with open_log(SHARED / f"{name}.txt.gz") as log:
        write_scales(iter_log(log), out)
    with gzip.open(SHARED / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        theirs = file.read()
    assert out.getvalue().split("\r\n")[:3] == theirs.split("\r\n")[:3], "date record and header"
    ours_by_index = {row["Index"]: row for row in _rows(out.getvalue())}
    compared = 0
    for row in _rows(theirs):
        ours = ours_by_index[row.pop("Index")]
        assert row.items() - {("Time (mS)", row["Time (mS)"])} <= ours.items()
        assert int(ours["Time (mS)"]) >= int(row["Time (mS)"]), "theirs counts intervals that tegrastats exceeds"
        compared += 1
    assert compared > 400


def _rows(text: str) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(text.split('\r\n"\r\n', 1)[1], newline=""))
