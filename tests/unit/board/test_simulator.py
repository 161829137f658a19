from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from orin_core.board.simulator.model import Caps, Model
from orin_core.board.simulator.state import ZONES, Load, State, prepare
from orin_core.board.tegrastats import parse_line

MAXN = Caps(online=(True,) * 12, cpu_mhz=2201, gpu_mhz=1300, tpc_mask=0, emc_mhz=0)
MODE_15W = Caps(online=(True,) * 4 + (False,) * 8, cpu_mhz=1113, gpu_mhz=408, tpc_mask=248, emc_mhz=2133)
BUSY = Load(busy_share=0.97, phase="measure", rss_mb=2000.0)


def model(seed: int = 0) -> Model:
    return Model(seed, dict.fromkeys(ZONES, 42.0))


def test_figures_follow_mode_and_load() -> None:
    idle = model().step(0, 1.0, MAXN, Load())
    full, low = model().step(0, 1.0, MAXN, BUSY), model().step(0, 1.0, MODE_15W, BUSY)
    assert (idle.gr3d_pct, full.gpu_mhz, low.gpu_mhz) == (0, 1300, 408)
    assert sum(idle.rails_mw.values()) < sum(low.rails_mw.values()) < sum(full.rails_mw.values())
    assert full.ram_used_mb - idle.ram_used_mb > 1900
    assert [core is None for core in low.cores] == [False] * 4 + [True] * 8


def test_temperature_is_slow() -> None:
    board = model()
    first = board.step(0, 1.0, MAXN, BUSY).temps_c["tj"]
    for tick in range(1, 400):
        last = board.step(tick, 1.0, MAXN, BUSY).temps_c["tj"]
    assert first < 45
    assert 52 < last < 62


def test_noise_is_a_function_of_seed_and_tick() -> None:
    assert model().step(7, 1.0, MAXN, BUSY) == model().step(7, 1.0, MAXN, BUSY)
    assert model().step(7, 1.0, MAXN, BUSY) != model().step(8, 1.0, MAXN, BUSY)
    assert model().step(7, 1.0, MAXN, BUSY) != model(1).step(7, 1.0, MAXN, BUSY)


def test_stale_activity_is_idle(board: State) -> None:
    code = (
        "import sys; from pathlib import Path; from orin_core.board.simulator.state import State\n"
        "State(Path(sys.argv[1])).tell(busy_share=0.9, phase='measure', worker_pid=1)"
    )
    subprocess.run([sys.executable, "-c", code, str(board.folder)], check=True, timeout=60)
    assert (board.folder / "activity.json").exists()
    assert board.load() == Load()


def first_line(board: State, *args: str) -> str:
    with subprocess.Popen(
        [*board.paths().tegrastats, "--interval", "20", *args], stdout=subprocess.PIPE, text=True
    ) as p:
        assert p.stdout is not None
        line = p.stdout.readline()
        p.terminate()
    return line


def test_root_prints_more(tmp_path: Path) -> None:
    root = parse_line(first_line(prepare(tmp_path / "a")))
    user = parse_line(first_line(prepare(tmp_path / "b", root=False)))
    assert root is not None
    assert user is not None
    assert root.emc_freq_mhz == 2133
    assert root.gr3d_freq_mhz == (0, 0)
    assert root.engines["NVENC"].is_off
    assert (user.emc_pct, user.gr3d_freq_mhz, user.engines) == (None, (), {})
    assert set(user.power_mw) == {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"}
    assert "gpu" not in user.temps_c, "the sensor sleeps with the GPU"


def test_logfile_and_stop(board: State, tmp_path: Path) -> None:
    log = tmp_path / "tegrastats.log"
    program = board.paths().tegrastats
    with subprocess.Popen([*program, "--interval", "20", "--logfile", str(log)], stdout=subprocess.PIPE) as running:
        while not log.exists() or log.stat().st_size == 0:
            assert running.poll() is None
        subprocess.run([*program, "--stop"], check=True, timeout=60)
        assert running.wait(60) == 0
        assert running.stdout is not None
        assert running.stdout.read() == b""
    assert parse_line(log.read_text().splitlines()[0]) is not None


def test_two_that_start_at_once_see_one_board(tmp_path: Path) -> None:
    threads = [threading.Thread(target=prepare, args=(tmp_path / "board",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["board"]
    assert State(tmp_path / "board").mode_id() == 0
