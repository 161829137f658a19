"""docs/sweeps.md, its example and the systemd unit say what the program does."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orin_core.catalog import MODELS
from orin_core.errors import BadRequest
from orin_core.methods import Method, Precision
from orin_core.report.published import hub_id, mode_label, published_rows
from orin_core.report.rows import MODE_ORDER
from orin_core.settings import PROJECT_ROOT
from orin_core.spec import RunSpec, run_spec_from_json
from orin_core.sweeps import repeats
from orin_core.sweeps.batches import KNEE_SHARE
from orin_core.sweeps.spec import AXES, RUN_FIELDS, SweepSpec, from_json, read_file, to_json
from orin_core.sweeps.standing import StateWord
from orin_core.sweeps.state import SWEEP_ID

TEXT = (PROJECT_ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
EXAMPLE = PROJECT_ROOT / "docs" / "examples" / "published-gaps.json"
UNIT = PROJECT_ROOT / "deploy" / "orin-sweeps.service"
INSTALL = (PROJECT_ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
SMALL: dict[str, Any] = {"models": ["resnet-152"], "datasets": ["cifar100"]}


def table_after(words: str) -> dict[str, list[str]]:
    """The first table after some words: cells by the key in the first one."""
    lines = TEXT[TEXT.index(words) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| key |"))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        key, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        found[key.strip("`")] = cells
    return found


KEYS, RUN_KEYS = table_after("## The file"), table_after("Keys of `run`")


def test_every_key_of_a_sweep_is_in_the_table_with_its_default() -> None:
    assert list(KEYS) == [field.name for field in dataclasses.fields(SweepSpec)]
    defaults = to_json(from_json(SMALL))
    for key, (default, *_) in KEYS.items():
        if key in SMALL:
            assert default == "needed"
        else:
            assert json.loads(default.strip("`")) == defaults[key]


def test_the_ranges_in_the_table_are_those_that_are_accepted() -> None:
    ranges = {key: match for key, (_, words, _) in KEYS.items()
              if (match := re.fullmatch(r"([0-9.]+) to ([0-9.]+)", words))}  # fmt: skip
    assert set(ranges) == {"repeats", "cooldown_within_c", "cooldown_at_most_s", "seed"}
    for key, match in ranges.items():
        low, high = json.loads(match[1]), json.loads(match[2])
        for value in (low, high):
            from_json({**SMALL, key: value})
        for value in (low - 0.1 if isinstance(low, float) else low - 1, high + 1):
            with pytest.raises(BadRequest):
                from_json({**SMALL, key: value})
    for key in ("profile", "on_failure", "reboot"):
        for value in re.findall(r"`(\w+)`", KEYS[key][1]):
            from_json({**SMALL, key: value == "true" if key == "reboot" else value})
    assert KEYS["name"][1] == "1 to 80 characters"
    from_json({**SMALL, "name": "x" * 80})
    assert all(f"`{field}`" in KEYS["exclude"][2] for field in AXES.values())
    for key, choices in (("methods", Method), ("precisions", Precision)):
        assert re.findall(r"`(\w+)`", KEYS[key][1]) == [one.value for one in choices]


def test_every_key_of_run_is_in_the_table_with_its_default() -> None:
    assert tuple(RUN_KEYS) == RUN_FIELDS
    for key, (default, _) in RUN_KEYS.items():
        assert json.loads(default.strip("`")) == getattr(RunSpec(), key)


def test_every_word_for_where_a_sweep_stands_is_told_with_what_can_be_asked() -> None:
    section = TEXT.partition("## Where a sweep stands")[2].partition("\n## ")[0]
    told: dict[str, str] = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            words, _, asked = (cell.strip() for cell in line.strip("|").split("|"))
            told |= dict.fromkeys(re.findall(r"`([^`]+)`", words), asked)
    assert set(told) == {word.value for word in StateWord}
    for word in StateWord:
        asked = told[word.value]
        found = ("resume" in asked, "pause" in asked.replace("do not pause", ""), "stop" in asked)
        assert found == (word.can_resume, word.can_pause, word.can_stop), word


def test_the_rules_of_the_report_are_told_with_their_numbers() -> None:
    assert f"reaches {100 * KNEE_SHARE:g} % of the" in TEXT
    numbers = {3: "three", 5: "five"}
    assert f"with {numbers[repeats.MIN_REPEATS]} or more repeats" in TEXT
    assert f"than {numbers[int(repeats.MAX_SCALED_MADS)]} scaled MAD" in TEXT
    assert f"× {repeats.MAD_SCALE}) and than {100 * repeats.LEAST_SHARE:g} % of it" in " ".join(TEXT.split())


# -- the example -----------------------------------------------------------------------------------


def test_the_example_is_exactly_the_gaps_of_the_published_table() -> None:
    published = {
        (row.model.lower(), row.power_mode)
        for row in published_rows()
        if (row.average_fps or row.tokens_per_s) is not None
    }
    gaps = {(row.model_id.lower(), mode) for row in MODELS for mode in MODE_ORDER} - published
    sweep = read_file(EXAMPLE)
    cells = [cell for cell in sweep.cells() if not cell.excluded]
    assert {(hub_id(cell.model), mode_label(cell.power_mode)) for cell in cells} == gaps
    assert len(cells) == sweep.repeats * len(gaps)
    # The published way, one image at a time, or they would stand beside figures of another method.
    assert {(cell.dataset, cell.method, cell.precision, cell.batch_size) for cell in cells} == {
        ("cifar100", "reference", "fp32", 1)
    }
    # Nothing but measured figures belongs into a published table.
    assert (sweep.run["weights"], sweep.run["images"]) == ("cached", "cached")


def test_the_cells_for_a_batch_scheduler_are_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    # From the checkout as in the text, but the cells go elsewhere.
    (tmp_path / "docs").symlink_to(PROJECT_ROOT / "docs")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=60)
    runs = [run_spec_from_json(json.loads(path.read_text())) for path in sorted((tmp_path / "cells").iterdir())]
    assert [run.cell for run in runs] == [f"{number:03d}" for number in range(1, 13)]
    assert SWEEP_ID.fullmatch(str(runs[0].sweep))
    assert (runs[0].items, runs[0].seconds) == (10_000, None)


def test_links_lead_to_files() -> None:
    for page in (PROJECT_ROOT / "docs" / "sweeps.md", PROJECT_ROOT / "deploy" / "README.md"):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


# -- the unit --------------------------------------------------------------------------------------


def filled(folder: Path) -> Path:
    """The unit as the first command of the install note fills it in."""
    (program,) = re.findall(r"^(sed .*?) \| sudo tee", INSTALL, flags=re.MULTILINE)
    done = subprocess.run(["sh", "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    path = folder / UNIT.name
    path.write_text(done.stdout)
    return path


def test_the_install_note_fills_in_the_whole_unit(tmp_path: Path) -> None:
    text = filled(tmp_path).read_text()
    assert "@" not in text
    assert f"WorkingDirectory={PROJECT_ROOT}\n" in text
    assert f'ExecStart="{PROJECT_ROOT}/.venv/bin/python" -m orin_core sweep resume\n' in text


def test_the_unit_leaves_the_queue_and_its_runs_alone() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"Type=oneshot", "RemainAfterExit=yes", "KillMode=process"} <= set(lines)
    assert "After=nvpmodel.service multi-user.target" in lines
    assert "WantedBy=multi-user.target" in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this machine")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    path = filled(tmp_path)
    # Its program is looked for; a virtual environment need not lie in the checkout for that.
    path.write_text(path.read_text().replace(f"{PROJECT_ROOT}/.venv/bin/python", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, timeout=60)
    found = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, found) == (0, [])
