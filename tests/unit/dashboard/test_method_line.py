"""The line of a run that says how items went through the model, what that gains, and how far the results agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard import method_line
from orin_core.report.single import row_of_run
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from tests.unit.dashboard.test_runs_page import runs_page
from tests.unit.report.built import batched, environment, imported, run, text_run
from tests.unit.report.folders import write_run


def told(runs_dir: Path, *summaries: dict[str, Any]) -> str:
    """The line of the last run, the others beside it."""
    found = [Recording(folder=write_run(runs_dir, summary)) for summary in summaries]
    for recording, summary in zip(found, summaries, strict=True):
        (recording.folder / "spec.json").write_text(json.dumps({"method": summary["method"]}))
    row = row_of_run(found[-1], found)
    return "" if row is None else method_line.line(row)


BOXES: dict[str, Any] = {"agreement_metric": "box_iou", "agreement_threshold": 0.95}


HEAD = "**batched fp32 batch 32**, scope full."
NO_GAIN = "No speed-up over the reference:"
OVERLAP = "The boxes on 16 images overlap with those of the reference by"


@pytest.mark.parametrize(
    ("summaries", "sentences"),
    [
        (
            (run(1, fps=20.0), batched(2, fps=90.0, precision="fp16")),
            (
                "**batched fp16 batch 32**, scope full.",
                "4.50 x reference fp32.",
                "The class agrees with the reference on 16 of 16 images; 100 % is needed.",
            ),
        ),
        (
            (run(1), batched(2, env=environment(page_open=True), **BOXES)),
            (HEAD, f"{NO_GAIN} the two differ in Page (open against not known).", f"{OVERLAP} 100 %; 95 % is needed."),
        ),
        (
            (run(1), batched(2, agreement=0.713, status="invalid", **BOXES)),
            (HEAD, f"{NO_GAIN} its results do not agree with the reference.", f"{OVERLAP} 71.3 %; 95 % is needed."),
        ),
        (
            (run(1), batched(2, agreement_images=0, **BOXES)),
            (HEAD, "Neither this method nor the reference found anything, so nothing could be compared."),
        ),
        (
            (batched(1, agreement_images=1, scope="preloaded"),),
            (
                "**batched fp32 batch 32**, scope preloaded.",
                "The class agrees with the reference on 1 of 1 image; 100 % is needed.",
                "That is on 1 image only, so it says little.",
            ),
        ),
        (
            (run(1), batched(2, agreement=None)),
            (HEAD, "How far its results agree with the reference was not recorded."),
        ),
        ((run(1),), ("**reference fp32 batch 1**, scope full.",)),
        ((imported(1),), ()),
    ],
    ids=[
        "speed-up",
        "no speed-up",
        "disagrees",
        "nothing found",
        "one image",
        "not recorded",
        "the reference",
        "a log",
    ],
)
def test_line_says_way_speed_up_and_agreement(
    tmp_path: Path, summaries: tuple[dict[str, Any], ...], sentences: tuple[str, ...]
) -> None:
    assert told(tmp_path, *summaries).replace("\\", "") == " ".join(sentences)


def test_a_prompt_is_called_one(tmp_path: Path) -> None:
    tokens = {"agreement_metric": "tokens", "agreement_value": 1.0, "agreement_threshold": 1.0}
    line = told(tmp_path, text_run(1, agreement_ok=True, agreement_images=1, **tokens))
    assert "That is on 1 prompt only" in line


def test_page_of_a_run_shows_its_line_without_a_click(singletons: Settings) -> None:
    reference, fast = run(1, fps=20.0), batched(2, fps=90.0)
    told(singletons.runs_dir, reference, fast)
    app = runs_page(run=fast["run_id"])
    [line] = [one for one in app.main.markdown if str(one.value).startswith("**batched fp32 batch 32**")]
    assert "4.50 x reference fp32" in line.value
    assert not any(str(one.value).startswith("**batched") for expander in app.expander for one in expander.markdown)
