"""What every test shares: folders of its own, and no process left behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from orin_core.runs.processes import start_ticks
from orin_core.settings import PROJECT_ROOT, Settings

GENEROUS_S = 120.0
"""How long a test waits for a condition; a slow machine is not a failure."""

# No test is about time: another guest of this machine may take it for half a second.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = GENEROUS_S) -> None:
    """Waits until ``condition`` is true; fails naming what was waited for."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(0.05)


@dataclasses.dataclass(frozen=True)
class Home:
    """A machine of its own for one test: data, state and hub cache in a temporary folder."""

    root: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ORIN_", "HF_"))},
            "ORIN_DATA_DIR": str(self.root / "data"),
            "ORIN_STATE_DIR": str(self.root / "state"),
            "HF_HOME": str(self.root / "hf"),
            "ORIN_TELEMETRY": "simulated",
            # Two threads that wait for each other crawl on a machine that tests keep busy.
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        }

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.root / "data", state_dir=self.root / "state", telemetry="simulated")

    @property
    def runs(self) -> list[Path]:
        folder = self.root / "data" / "runs"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def popen(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """Starts the command line as a user would."""
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "-m", "orin_core", *arguments],
            env=self.env,
            cwd=PROJECT_ROOT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line to its end."""
        with self.popen(*arguments) as child:
            out, err = child.communicate(timeout=GENEROUS_S * 2)
        return subprocess.CompletedProcess(arguments, child.returncode, out, err)

    def processes(self) -> dict[int, str]:
        """Live processes that were started under this home, by pid."""
        mark = f"ORIN_STATE_DIR={self.root / 'state'}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == os.getpid():
                continue
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0") and start_ticks(int(entry.name)) is not None:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
        return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A machine of its own; at the end no process of it may be left."""
    made = Home(root=tmp_path)
    for key, value in made.env.items():
        if key.startswith(("ORIN_", "HF_", "OMP_")):
            monkeypatch.setenv(key, value)
    yield made
    deadline_s = time.monotonic() + 20
    while (left := made.processes()) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, f"left behind: {left}"
