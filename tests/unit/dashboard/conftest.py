"""Run folders made by the real recorder, and the server's singletons pointed at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import state
from orin_core.board.sample import RailSample, Sample, Tick
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec, to_json
from tests.conftest import Home

RUN_ID = "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"


def sample(index: int, *, gpu: bool = True) -> Sample:
    temps = {"cpu": 41.031 + index / 8, "tj": 42.5 + index / 8} | ({"gpu": 40.25} if gpu else {})
    return Sample(
        ram_used_mb=3000 + index,
        ram_total_mb=62841,
        swap_used_mb=0,
        gr3d_pct=index % 100,
        gr3d_freq_mhz=(1300, 1298),
        temps_c=temps,
        power_mw={"VDD_GPU_SOC": RailSample(current_mw=2000 + index, average_mw=2000)},
    )


class Folder:
    """A run folder that a test fills tick by tick, as the runner would."""

    def __init__(self, runs_dir: Path, run_id: str = RUN_ID) -> None:
        self.path = runs_dir / run_id
        self.path.mkdir(parents=True)
        store.write_json(self.path / store.SPEC, to_json(RunSpec(model="resnet-152", dataset="cifar100")))
        self.recorder = store.Recorder(self.path, source="simulated")
        self.recording = Recording(folder=self.path)
        self.status()

    def status(self, **fields: object) -> None:
        self.recorder.status(
            {"state": "running", "phase": "idle", "interval_ms": 1000, "t0_s": self.recorder.t0_s, **fields}
        )

    def ticks(self, first: int, count: int, *, step_s: float = 1.0) -> None:
        for index in range(first, first + count):
            tick = Tick(t_s=self.recorder.t0_s + (index + 1) * step_s, sample=sample(index), raw=None)
            self.recorder.tick(tick, phase="idle", items=None, fps=None if index % 3 else 3.2 + index / 7)

    def text(self) -> str:
        return (self.path / store.RUN_CSV).read_text()


@pytest.fixture
def singletons(home: Home) -> Iterator[Settings]:
    state.reset()
    yield state.settings()
    state.reset()


@pytest.fixture
def folder(singletons: Settings) -> Iterator[Folder]:
    made = Folder(singletons.runs_dir)
    with made.recorder:
        yield made
