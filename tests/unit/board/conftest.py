from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orin_core.board.probe import ProbeNotice
from orin_core.board.sample import Tick
from orin_core.board.simulator.state import State, prepare

WAIT_S = 60.0


@pytest.fixture
def board(tmp_path: Path) -> State:
    return prepare(tmp_path / "simulator")


class Heard:
    """Collects what a probe emits."""

    def __init__(self) -> None:
        self.all: list[Tick | ProbeNotice] = []

    def __call__(self, item: Tick | ProbeNotice) -> None:
        self.all.append(item)

    @property
    def ticks(self) -> list[Tick]:
        return [item for item in list(self.all) if isinstance(item, Tick)]

    def notices(self, kind: str) -> list[ProbeNotice]:
        return [item for item in list(self.all) if isinstance(item, ProbeNotice) and item.kind == kind]

    def wait(self, condition: Callable[[Heard], bool]) -> None:
        deadline_s = time.monotonic() + WAIT_S
        while not condition(self):
            assert time.monotonic() < deadline_s, f"waited {WAIT_S:g} s in vain; heard {self.all[-5:]}"
            time.sleep(0.02)


@pytest.fixture
def heard() -> Heard:
    return Heard()
