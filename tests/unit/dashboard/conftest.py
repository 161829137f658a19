"""Run folders made by the real recorder, the server's singletons pointed at them, and a client of the routes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from dashboard import api, state
from dashboard.hosts import HostCheck
from orin_core.board.sample import RailSample, Sample, Tick
from orin_core.runs import launcher, store
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


@pytest.fixture
def client(singletons: Settings) -> TestClient:
    middleware = [Middleware(HostCheck, address=lambda: "127.0.0.1", port=lambda: 8501)]
    return TestClient(
        Starlette(routes=[*api.routes(), WebSocketRoute("/echo", echo)], middleware=middleware),
        base_url="http://127.0.0.1",
    )


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def live(client: TestClient, run: str, **query: object) -> dict[str, Any]:
    params = httpx.QueryParams({"run": run, **{key: str(value) for key, value in query.items()}})
    answer = client.get(f"/api/live?{params}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def held(monkeypatch: pytest.MonkeyPatch, recording: Recording | None) -> None:
    monkeypatch.setattr(launcher, "active", lambda settings: recording)
