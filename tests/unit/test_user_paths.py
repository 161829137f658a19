"""Paths as people write them, on the command line and in the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orin_core.cli import main
from tests.conftest import Home

RUN = "20260102T030405Z_resnet-152_cifar100_MAXN_0a1b"
NOBODY = "~nobody-here/x"
SAID = f"{NOBODY} begins with no user of this machine. Write the path without ~.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "--runs-dir", NOBODY),
        ("stop", RUN, "--runs-dir", NOBODY),
        ("delete", RUN, "--runs-dir", NOBODY),
        ("notes", RUN, "--runs-dir", NOBODY),
        ("run", "--model", NOBODY, "--dataset", "cifar100"),
        ("run", "--model", "resnet-152", "--dataset", "cifar100", "--runs-dir", NOBODY),
        ("run", "--spec", "{spec}", "--out", NOBODY),
        ("export", RUN, "--format", "csv", "-o", NOBODY),
        ("report", "-o", NOBODY),
        ("mission", "--runs-dir", NOBODY),
        ("compare", RUN, RUN.replace("0a1b", "0a1c"), "--runs-dir", NOBODY),
        ("sweep", "report", "20260101T000000Z_a_0000", "-o", NOBODY),
        ("bundle", "pack", "-o", NOBODY),
        ("bundle", "unpack", NOBODY),
        ("import", NOBODY),
        ("import", "{spec}", "--runs-dir", NOBODY),
        ("kit-check", "--out", NOBODY),
    ],
)
def test_the_home_of_nobody_is_a_sentence(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    (home.settings.runs_dir / RUN).mkdir(parents=True)
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"model": "resnet-152", "dataset": "cifar100"}))
    assert main([word.format(spec=spec) for word in words]) == 2
    assert capsys.readouterr().err == SAID


@pytest.mark.parametrize("name", ["ORIN_DATA_DIR", "ORIN_STATE_DIR"])
def test_so_it_is_in_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(name, NOBODY)
    assert main(["runs"]) == 2
    assert capsys.readouterr().err == SAID
