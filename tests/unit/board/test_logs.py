from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from orin_core.board.logs import iter_log, open_log, timed_lines
from orin_core.errors import BadRequest

SHARED = Path(__file__).parents[4] / "shared" / "scales" / "logs"
STAMPED = "10-22-2024 20:00:{:02d} RAM 1/2MB CPU [1%@1]"


def times(lines: list[str], interval_s: float = 1.0) -> list[float]:
    stream = io.StringIO("\n".join(lines) + "\n")
    return [t_s for t_s, _, sample in timed_lines(iter_log(stream), interval_s) if sample is not None]


@pytest.mark.parametrize("compress", [False, True])
def test_plain_and_gzip_logs_give_every_line_with_its_number(tmp_path: Path, compress: bool) -> None:
    content = b"Wed Oct 23 03:07:29 AM UTC 2024\nRAM 1/2MB\r\n\x00\xff\x85 garbage\nRAM 3/4MB SWAP 5/6MB (cached 7MB"
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(content) if compress else content)
    with open_log(path) as stream:
        lines = list(iter_log(stream))
    assert [number for number, _, _ in lines] == [1, 2, 3, 4]
    assert [sample.ram_used_mb if sample else None for _, _, sample in lines] == [None, 1, None, 3]
    assert lines[1][1] == "RAM 1/2MB"


def test_a_missing_log_is_a_bad_request(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot be read"), open_log(tmp_path / "none"):
        pass
    with pytest.raises(BadRequest, match="cannot be read"), open_log(tmp_path):
        pass


def test_lines_of_one_second_are_spread_over_it() -> None:
    stamped = [STAMPED.format(second) for second in (5, 5, 6, 6, 6, 6, 8)]
    assert times(stamped) == [0, 0.5, 1, 1.25, 1.5, 1.75, 3]


def test_lines_without_stamp_come_at_the_interval() -> None:
    assert times(["date line", "RAM 1/2MB", "noise", "RAM 1/2MB", "RAM 1/2MB"], 0.5) == [0, 0.5, 1]


def test_a_clock_that_was_set_moves_time_on_by_one_interval() -> None:
    lines = [STAMPED.format(50), STAMPED.format(51), STAMPED.format(10), STAMPED.format(12)]
    assert times(lines) == [0, 1, 2, 4]
    lines = ["01-01-1970 00:00:09 RAM 1/2MB", STAMPED.format(51), STAMPED.format(52)]
    assert times(lines) == [0, 1, 2]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/scales/logs here")
@pytest.mark.parametrize("name", ["depth_50W", "depth_maxn", "resnet_maxn"])
def test_shared_logs_are_read_whole(name: str) -> None:
    path = SHARED / f"{name}.txt.gz"
    count = len(gzip.decompress(path.read_bytes()).splitlines())
    with open_log(path) as stream:
        lines = list(timed_lines(iter_log(stream), 1.0))
    assert len(lines) == count
    assert sum(sample is None for _, _, sample in lines) == 1, "the date line"
    moments = [t_s for t_s, _, _ in lines]
    assert moments == sorted(moments)
