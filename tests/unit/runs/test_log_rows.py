from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from orin_core import cli
from orin_core.board.logs import iter_log
from orin_core.board.sample import METRIC_BY_FIELD
from orin_core.runs.log_rows import FORMATS, write_csv, write_jsonl, write_log
from tests.bench.lines import orin_lines

LINES = [
    (
        "01-31-2025 23:59:58 RAM 4204/30698MB (lfb 35x4MB) CPU [6%@1113,off] GR3D_FREQ 7% cpu@45.5C CV0@-256C tj@46C "
        "VDD_IN 2000mW/2000mW\n"
    ),
    "garbage\n",
    (
        "01-31-2025 23:59:59 RAM 4205/30698MB (lfb 35x4MB) CPU [7%@1113,2%@729] GR3D_FREQ 9%@[305] cpu@45C gpu@40C "
        "tj@45C VDD_IN 2100mW/2050mW VDD_SOC 5mW/5mW\n"
    ),
    "02-01-2025 00:00:02 RAM 4206/30698MB (lfb 3",
]


def rows_of(lines: list[str]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    out = io.StringIO(newline="")
    written = write_csv(iter_log(lines), out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert written.rows == len(rows)
    return rows, written.left_out


def test_csv_has_the_columns_of_a_run_and_the_logs_own_time() -> None:
    rows, left_out = rows_of(LINES)
    assert [row["Elapsed (s)"] for row in rows] == ["0.000", "1.000", "4.000"]
    assert [row["Used RAM (MB)"] for row in rows] == ["4204", "4205", "4206"]
    assert [row["CPU 1 Load (%)"] for row in rows] == ["", "2", ""]
    assert [row["gpu Temperature (C)"] for row in rows] == ["", "40", ""]
    assert [row["GR3D Frequency (MHz)"] for row in rows] == ["", "305", ""]
    assert [row[METRIC_BY_FIELD["power_w"].column] for row in rows] == ["2", "2.1", ""]
    assert {row["CV0 Temperature (C)"] for row in rows} == {""}
    assert {(row["Phase"], row["Source"], row["UTC Time"], row["FPS"]) for row in rows} == {
        ("replay", "replay", "", "")
    }
    assert left_out == ("VDD_SOC Current (mW)",)


def test_jsonl_has_one_object_a_line_with_its_number() -> None:
    out = io.StringIO()
    written = write_jsonl(iter_log(LINES), out)
    objects = [json.loads(text) for text in out.getvalue().splitlines()]
    assert [(row["line"], row["ram_used_mb"]) for row in objects] == [(1, 4204), (3, 4205), (4, 4206)]
    assert objects[0]["temps_c"]["CV0"] is None
    assert objects[0]["cores"] == [{"load_pct": 6, "freq_mhz": 1113}, None]
    assert (written.rows, written.strangers) == (3, 1)


def endless(count: int) -> Iterator[str]:
    """Lines at 10 Hz, made one by one."""
    bodies = [text[len("03-01-2026 00:00:00 ") :] for text in orin_lines(50)]
    for number in range(count):
        second = number // 10
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        yield f"03-01-2026 {clock} {bodies[number % len(bodies)]}\n"


@pytest.mark.parametrize("file_format", FORMATS)
def test_memory_is_flat(file_format: str) -> None:
    peaks = []
    for count in (2_000, 8_000):
        tracemalloc.start()
        out = io.TextIOWrapper(io.BufferedWriter(io.FileIO("/dev/null", "w")), newline="")
        with out:
            assert write_log(iter_log(endless(count)), out, file_format).rows == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 200_000, f"{peaks} bytes for 2000 and 8000 lines"


def test_the_command_reads_gzip_and_counts_what_is_no_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORIN_STATE_DIR", str(tmp_path / "state"))
    log, out = tmp_path / "log.gz", tmp_path / "out.csv"
    log.write_bytes(gzip.compress("".join(LINES).encode()))
    assert cli.main(["parse", str(log), "--format", "csv", "-o", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 4
    said = capsys.readouterr().err
    assert "no tegrastats lines: 1" in said
    assert "VDD_SOC Current (mW)" in said
    assert cli.main(["parse", str(log), "--format", "scales", "-o", str(out)]) == 0
    assert out.read_bytes().count(b"\r\n") == 6
    assert cli.main(["parse", str(log), "-o", str(tmp_path / "none" / "out")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    log.write_bytes(log.read_bytes()[:-12])
    assert cli.main(["parse", str(log), "-o", str(out)]) == 4
    assert "cannot be read further" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(endless(3000)))
    with subprocess.Popen(
        [sys.executable, "-m", "orin_core", "parse", str(log)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith(b'{"line": 1')
        program.stdout.close()
        assert program.stderr.read() == b""
        deadline_s = time.monotonic() + 60
        while program.poll() is None:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
