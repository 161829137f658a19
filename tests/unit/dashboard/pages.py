"""The page script run by Streamlit's own test harness."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from orin_core.runs import launcher
from orin_core.settings import Settings
from orin_core.spec import RunSpec
from tests.unit.dashboard.conftest import RUN_ID

HOME = Path(dashboard.__file__).with_name("home.py")
SUMMARY = {
    "run_id": RUN_ID,
    "state": "done",
    "model": "resnet-152",
    "dataset": "cifar100",
    "power_mode": "MAXN",
    "source": "simulated",
    "simulated": True,
    "weights": "random",
    "images": "synthetic",
    "labels": ["SIMULATED BOARD: invented", "random weights: speed is real"],
    "items": 40,
    "fps_end_to_end": 3.25,
    "power_w_mean": None,
    "ticks": 12,
    "total_inference_time_s": 12.3,
}


def page(tmp: Settings) -> AppTest:
    return AppTest.from_file(str(HOME), default_timeout=60).run()


def start_button(app: AppTest) -> bool:
    return not app.button(key="start").disabled


def started_with(app: AppTest, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[RunSpec]:
    """Presses Start with a launcher that only notes what it was asked for."""
    asked: list[RunSpec] = []

    def start(spec: RunSpec, settings: Settings) -> launcher.Started:
        asked.append(spec)
        if error:
            raise error
        return launcher.Started(run_id=RUN_ID, folder=settings.runs_dir / RUN_ID, notices=("Put in order.",))

    monkeypatch.setattr(launcher, "start", start)
    app.button(key="start").click().run()
    return asked
