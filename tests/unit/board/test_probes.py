from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from orin_core.board import probes
from orin_core.board.paths import BoardPaths
from orin_core.board.probe import Activity
from orin_core.board.probe_tegrastats import TegrastatsProbe
from orin_core.board.probes import Telemetry, open_probe, resolve_telemetry
from orin_core.board.sample import Tick
from orin_core.board.simulator.state import State
from orin_core.board.sysfs import Sysfs
from orin_core.errors import BadRequest, TelemetryError
from tests.unit.board.conftest import WAIT_S, Heard

SHARED = Path(__file__).parents[4] / "shared" / "scales" / "logs"
NO_BOARD = BoardPaths(
    conf=Path("/none"), status=Path("/none"), sysfs=Path("/none"), tegrastats=(), nvpmodel=(), simulated=False
)


def children(board: State) -> list[psutil.Process]:
    """Running tegrastats of this board."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        argv = process.info["cmdline"] or []
        if str(board.folder) in argv and any(word.endswith("/tegrastats") for word in argv):
            found.append(process)
    return found


def wait_until_gone(board: State) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while children(board):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_simulated_ticks_carry_line_and_reception_time(board: State, heard: Heard) -> None:
    probe = open_probe("simulated", 50, board.folder.parent)
    assert (probe.source, probe.simulated) == ("simulated", True)
    before_s = time.monotonic()
    probe.start(heard)
    heard.wait(lambda h: len(h.ticks) >= 3)
    assert len(children(board)) == 1
    probe.close()
    count = len(heard.all)
    assert children(board) == []
    moments = [tick.t_s for tick in heard.ticks]
    assert before_s < moments[0]
    assert moments == sorted(moments)
    assert heard.ticks[0].sample.ram_total_mb == 62_841
    assert heard.ticks[0].throttled is False
    assert (heard.ticks[0].raw or "").count("RAM ") == 1
    assert len(heard.all) == count, "a closed probe is silent"
    probe.close()


def test_the_simulated_board_follows_the_worker(board: State, heard: Heard) -> None:
    probe = open_probe("simulated", 50, board.folder.parent)
    probe.start(heard)
    heard.wait(lambda h: bool(h.ticks))
    assert heard.ticks[-1].sample.gr3d_pct == 0
    probe.observe(Activity(t_s=0.0, phase="measure", busy_share=0.9, worker_pid=os.getpid()))
    heard.wait(lambda h: (h.ticks[-1].sample.gr3d_pct or 0) > 80)
    busy = heard.ticks[-1].sample
    assert busy.gpu_clock_mhz == 1300
    assert busy.power_mw["VDD_GPU_SOC"].current_mw > 20_000
    probe.close()
    assert not (board.folder / "activity.json").exists(), "who is gone keeps no board busy"


def test_a_killed_tegrastats_is_restarted(board: State, heard: Heard) -> None:
    probe = open_probe("simulated", 50, board.folder.parent)
    probe.start(heard)
    heard.wait(lambda h: len(h.ticks) >= 2)
    (child,) = children(board)
    child.send_signal(signal.SIGKILL)
    heard.wait(lambda h: bool(h.notices("restarted")))
    count = len(heard.ticks)
    heard.wait(lambda h: len(h.ticks) > count)
    probe.close()
    assert "exit code -9" in heard.notices("died")[0].message
    kinds = [getattr(item, "kind", "tick") for item in heard.all]
    assert "tick" not in kinds[kinds.index("died") : kinds.index("restarted")], "the gap stays a gap"
    wait_until_gone(board)


def test_a_stalled_tegrastats_is_noticed_and_replaced(
    board: State, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orin_core.board.probe_tegrastats.STALL_MIN_S", 1.0)
    board.write_json("faults.json", {"tegrastats": {"stall_after": 2, "once": True}})
    probe = open_probe("simulated", 50, board.folder.parent)
    probe.start(heard)
    heard.wait(lambda h: bool(h.notices("restarted")) and isinstance(h.all[-1], Tick))
    probe.close()
    assert "nothing for 1 s" in heard.notices("stalled")[0].message
    kinds = [getattr(item, "kind", "tick") for item in heard.all]
    before = [tick for tick in heard.all[: kinds.index("stalled")] if isinstance(tick, Tick)][-1]
    after = next(tick for tick in heard.all[kinds.index("restarted") :] if isinstance(tick, Tick))
    told = re.search(r"after ([0-9.]+) s without", heard.notices("restarted")[0].message)
    assert told is not None
    assert float(told[1]) == pytest.approx(after.t_s - before.t_s, abs=0.06), "as long as the gap in the rows"
    wait_until_gone(board)


def test_garbled_lines_are_kept_as_text_and_the_rest_goes_on(board: State, heard: Heard) -> None:
    board.write_json("faults.json", {"tegrastats": {"garble": 2}})
    probe = open_probe("simulated", 50, board.folder.parent)
    probe.start(heard)
    heard.wait(lambda h: len(h.all) >= 12)
    probe.close()
    whole = [tick for tick in heard.ticks if len(tick.sample.power_mw) == 4]
    assert len(whole) >= 6
    assert all(tick.sample.ram_total_mb in (62_841, None) for tick in heard.ticks)


def test_an_unfinished_last_line_gives_no_last_word(tmp_path: Path, heard: Heard) -> None:
    program = tmp_path / "tegrastats"
    program.write_text("#!/bin/sh\nprintf 'RAM 1/2MB CPU [1%%@729] EMC_FREQ 4%%@21'\n")
    program.chmod(0o755)
    probe = TegrastatsProbe((str(program),), 1000, Sysfs(tmp_path))
    probe.start(heard)
    heard.wait(lambda h: bool(h.ticks) and bool(h.notices("died")))
    probe.close()
    assert heard.ticks[0].sample.emc_pct is None
    assert heard.ticks[0].sample.ram_used_mb == 1
    assert heard.ticks[0].raw == "RAM 1/2MB CPU [1%@729] EMC_FREQ 4%@21"


def test_a_flood_is_noticed_once_cut_off_and_started_again(tmp_path: Path, heard: Heard) -> None:
    first, program = tmp_path / "first", tmp_path / "tegrastats"
    first.touch()
    program.write_text(
        "#!/bin/sh\n"
        f"if rm {first} 2>/dev/null; then exec yes 'RAM 1/2MB CPU [1%@729] GR3D_FREQ 0%@[305]'; fi\n"
        "while echo 'RAM 2/2MB CPU [1%@729] GR3D_FREQ 0%@[305]'; do sleep 0.1; done\n"
    )
    program.chmod(0o755)
    probe = TegrastatsProbe((str(program),), 100, Sysfs(tmp_path))
    probe.start(heard)
    heard.wait(lambda h: bool(h.notices("restarted")) and h.ticks[-1].sample.ram_used_mb == 2)
    probe.close()
    (flood,) = heard.notices("flooded")
    assert re.search("every 0.1 s .* [1-9][0-9]* lines were dropped", flood.message)
    passed = sum(tick.sample.ram_used_mb == 1 for tick in heard.ticks)
    assert 400 <= passed < 4000, "20 times the asked rate over 2 s, and what time earned meanwhile"
    assert not heard.notices("died")


def test_a_flood_without_line_ends_is_cut_off_and_little_of_it_kept(tmp_path: Path, heard: Heard) -> None:
    first, program = tmp_path / "first", tmp_path / "tegrastats"
    first.touch()
    program.write_text(
        "#!/bin/sh\n"
        f"if rm {first} 2>/dev/null; then exec tr '\\\\0' x < /dev/zero; fi\n"
        "while echo 'RAM 2/2MB CPU [1%@729] GR3D_FREQ 0%@[305]'; do sleep 0.1; done\n"
    )
    program.chmod(0o755)
    probe = TegrastatsProbe((str(program),), 100, Sysfs(tmp_path))
    probe.start(heard)
    heard.wait(lambda h: bool(h.notices("restarted")))
    probe.close()
    assert "no end to a line" in heard.notices("flooded")[0].message
    assert sum(len(notice.message) for notice in heard.notices("unparsed")) <= 1024


def test_what_tegrastats_complains_of_is_kept(tmp_path: Path, heard: Heard) -> None:
    program = tmp_path / "tegrastats"
    program.write_text("#!/bin/sh\necho 'tegrastats: no such device' >&2\nexit 3\n")
    program.chmod(0o755)
    probe = TegrastatsProbe((str(program),), 1000, Sysfs(tmp_path))
    probe.start(heard)
    heard.wait(lambda h: len(h.notices("died")) >= 2)
    probe.close()
    assert heard.notices("unparsed")[0].message == "tegrastats: no such device"
    assert "exit code 3" in heard.notices("died")[0].message


def test_a_missing_program_is_a_telemetry_error(tmp_path: Path, heard: Heard) -> None:
    with pytest.raises(TelemetryError):
        TegrastatsProbe((str(tmp_path / "none"),), 1000, Sysfs(tmp_path)).start(heard)


def test_tegrastats_dies_with_its_reader(board: State) -> None:
    code = (
        "import sys, time; from pathlib import Path; from orin_core.board.probes import open_probe\n"
        "open_probe('simulated', 100, Path(sys.argv[1])).start(lambda item: print('x', flush=True))\n"
        "time.sleep(600)"
    )
    reader = subprocess.Popen([sys.executable, "-c", code, str(board.folder.parent)], stdout=subprocess.PIPE)
    with reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"x\n"
        assert len(children(board)) == 1
        reader.kill()
        reader.wait(WAIT_S)
    wait_until_gone(board)


def test_start_from_a_thread_that_ends_keeps_tegrastats_alive(board: State, heard: Heard) -> None:
    probe = open_probe("simulated", 50, board.folder.parent)
    starter = threading.Thread(target=probe.start, args=(heard,))
    starter.start()
    starter.join()
    heard.wait(lambda h: len(h.ticks) >= 4)
    probe.close()
    assert heard.notices("died") == []


def test_host_ticks_have_no_invented_gpu(heard: Heard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("orin_core.board.probe_host.pynvml", None)
    probe = open_probe("host", 50, tmp_path)
    probe.start(heard)
    heard.wait(lambda h: len(h.ticks) >= 2)
    probe.close()
    sample = heard.ticks[-1].sample
    assert (sample.ram_used_mb or 0) > 0
    assert len(sample.cores) == psutil.cpu_count()
    assert sample.gr3d_pct is None
    assert sample.power_mw == {}


def replayed(path: Path, heard: Heard, speed: str = "@max") -> Heard:
    probe = open_probe(f"replay:{path}{speed}", 1000, path.parent)
    probe.start(heard)
    heard.wait(lambda h: bool(h.notices("ended")))
    probe.close()
    return heard


def test_a_replay_loses_no_line(tmp_path: Path, heard: Heard) -> None:
    lines = ["Wed Oct 23 03:07:29 AM UTC 2024"]
    lines += [f"10-22-2024 20:{i // 120:02d}:{i // 2 % 60:02d} RAM {i}/9000MB CPU [1%@1]" for i in range(2400)]
    lines.insert(700, "##garbage##")
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    replayed(path, heard)
    assert [tick.sample.ram_used_mb for tick in heard.ticks] == list(range(2400))
    assert [notice.message for notice in heard.notices("unparsed")] == [lines[0], "##garbage##"]
    assert heard.ticks[-1].t_s == pytest.approx(1199.5)


def test_a_replay_keeps_the_pace_that_was_asked_for(tmp_path: Path, heard: Heard) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"10-22-2024 20:00:{second:02d} RAM 1/2MB\n" for second in range(11)))
    began_s = time.monotonic()
    replayed(path, heard, "@20x")
    assert time.monotonic() - began_s >= 0.5
    assert len(heard.ticks) == 11


def test_a_broken_archive_ends_with_the_reason(tmp_path: Path, heard: Heard) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(b"RAM 1/2MB\n" * 5000, compresslevel=1)[:-20])
    replayed(path, heard)
    assert len(heard.notices("unreadable")) == 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/scales/logs here")
@pytest.mark.parametrize("name", ["depth_50W", "depth_maxn", "resnet_maxn"])
def test_shared_logs_replay_whole(name: str, heard: Heard) -> None:
    path = SHARED / f"{name}.txt.gz"
    replayed(path, heard)
    assert [getattr(item, "raw", None) or getattr(item, "message", "") for item in heard.all[:-1]] == gzip.decompress(
        path.read_bytes()
    ).decode().splitlines()


def test_replay_texts(tmp_path: Path) -> None:
    log = tmp_path / "a@2.log"
    log.write_text("x")
    assert resolve_telemetry(f"replay:{log}") == Telemetry(kind="replay", path=log, speed=1.0)
    assert resolve_telemetry(f"replay:{log}@10").speed == 10
    assert resolve_telemetry(f"replay:{log}@2.5x").speed == 2.5
    assert resolve_telemetry(f"replay:{log}@max").speed is None
    assert resolve_telemetry(f"replay:{log}@0").speed is None
    nowhere = ("replay:", "replay:/none", "replay:~nobody-here/a")
    for text in (*nowhere, f"replay:{log}@fast", f"replay:{tmp_path}", f"replay:{log}@-1"):
        with pytest.raises(BadRequest):
            resolve_telemetry(text)
    with pytest.raises(BadRequest, match="no telemetry source"):
        resolve_telemetry("serial")


def test_auto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "host_gpu_available", lambda: False)
    assert resolve_telemetry("auto", paths=NO_BOARD, root=tmp_path).kind == "simulated"
    monkeypatch.setattr(probes, "host_gpu_available", lambda: True)
    assert resolve_telemetry("auto", paths=NO_BOARD, root=tmp_path).kind == "host"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").touch()
    with pytest.raises(TelemetryError, match="no tegrastats"):
        resolve_telemetry("auto", paths=NO_BOARD, root=tmp_path)
    with pytest.raises(TelemetryError, match="no tegrastats"):
        resolve_telemetry("tegrastats", paths=NO_BOARD, root=tmp_path)
    program = tmp_path / "tegrastats"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve_telemetry("auto", root=tmp_path).kind == "tegrastats"
