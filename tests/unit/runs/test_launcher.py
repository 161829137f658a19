"""Starting a run where the runner does not do its part."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orin_core.errors import RunFailed
from orin_core.runs import launcher
from orin_core.spec import RunSpec
from tests.conftest import Home


def test_a_runner_that_never_answers_is_given_up_and_ended(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 3600\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(launcher, "ANSWER_TIMEOUT_S", 1.0)
    with pytest.raises(RunFailed, match="gave no answer in 1 s"):
        launcher.start(RunSpec(model="resnet-152", dataset="cifar100"), home.settings)
    assert home.processes() == {}
