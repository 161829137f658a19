"""doctor as a program, on the simulated board."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from orin_core.board.simulator.state import prepare
from orin_core.settings import PROJECT_ROOT
from tests.conftest import Home
from tests.e2e.conftest import free_port

GROUPS = ["Board", "Telemetry", "Inference", "Machine"]
NAMES = {
    *("board", "power mode", "jetson_clocks", "permission to switch", "board free", "earlier runs", "source", "fields"),
    *("torch", "torchvision", "YOLO", "models", "data sets", "disk", "state folder", "clock", "port"),
}


class QuietHome(Home):
    """A home whose port is free, whatever else runs on this machine."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "ORIN_PORT": str(free_port())}


@pytest.fixture
def quiet(home: Home) -> Home:
    return QuietHome(root=home.root)


@pytest.mark.torch
def test_every_check_is_there_and_none_is_a_problem(quiet: Home) -> None:
    started_s = time.monotonic()
    done = quiet.cli("doctor", "--json")
    assert time.monotonic() - started_s < 60
    document = json.loads(done.stdout)
    checks = {check["name"]: check for check in document["checks"]}
    assert set(checks) == NAMES
    assert list(dict.fromkeys(check["group"] for check in document["checks"])) == GROUPS
    problems = [check for check in document["checks"] if check["state"] == "problem"]
    assert (problems, done.returncode, document["state"]) == ([], 0, "warning")
    assert "SIMULATED BOARD" in checks["board"]["message"]
    assert checks["torch"]["message"].startswith("torch 2.")
    assert "Not yet confirmed on a Jetson" in document["note"]
    assert not (quiet.root / "data").exists()


def test_a_problem_is_the_exit_code_and_says_what_to_do(quiet: Home) -> None:
    board = prepare(quiet.settings.state_dir / "simulator")
    board.set_status(1)
    done = quiet.cli("doctor")
    assert done.returncode == 1
    assert "problem  power mode" in done.stdout
    assert "not in force" in done.stdout
    assert "nvpmodel --state" in done.stdout.replace("\n", " ")
    assert done.stderr == ""
    assert all(len(line) <= 120 for line in done.stdout.splitlines())


def test_a_machine_where_nothing_fits_is_told_not_thrown(quiet: Home) -> None:
    (quiet.root / "state").write_text("a file where a folder should be")
    (quiet.root / "data").write_text("likewise")
    done = quiet.cli("doctor", "--json")
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    states = {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}
    assert [states[name] for name in ("source", "power mode", "disk", "state folder")] == ["problem"] * 4
    assert states["board free"] == "ok"
    done = quiet.cli("doctor", "--sudoers")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_sudoers_are_printed_alone_with_one_line_for_each_mode(home: Home) -> None:
    done = home.cli("doctor", "--sudoers", "--user", "ada")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    assert lines == [f"ada ALL=(root) NOPASSWD: /usr/sbin/nvpmodel -m {mode_id}" for mode_id in range(4)]
    assert home.cli("doctor", "--sudoers", "--user", "a b").returncode == 2
    assert "ALL=(root)" in home.cli("doctor", "--sudoers").stdout


def test_neither_command_imports_torch() -> None:
    code = "import sys, orin_core.doctor, orin_core.kit_check; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, timeout=120).returncode == 0
