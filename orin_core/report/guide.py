"""What every form of the report says in the same words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from orin_core.analysis.verdict import Status
from orin_core.report.rows import ModelTable

TITLE = "Inference Performance of the Models"
AGAINST = "Against Reference"
"""Heading of the speed-up over the reference method, with the agreement beside it."""
GUIDE = (
    "FPS is end to end: images over the time from the first fetch to the last result in host memory.",
    "GPU %, RAM and power are means over measure only, weighted by the length of each tick.",
    "Of our runs nobody trims rows by hand; where the cut of an imported log was moved by hand, the notes say so.",
    "GPU % is the GR3D load, relative to the clock that the GPU had at the time. RAM is the whole board's.",
    "Power is the mean of the rails' current readings; energy per image is power x time / images, gross of idle.",
    "± is half a 95 % interval: over repeats of a run, or over at least ten blocks of at least 20 s of one run.",
    "Without ± there is one run, or a short one, and nobody knows how far a repeat would come out elsewhere.",
    "Only VALID runs kept the protocol. An empty cell is a value that nobody has: not measured, or refused.",
    "A figure that rests on fewer runs than its row says on how many, as in 2 of 3.",
    "Rows of different settings are never averaged and never ranked against each other.",
    "Against reference: the speed over that of the reference method in the same mode and scope, all else equal.",
    "Beside it stands how far the results agree with the reference; what does not agree has no speed-up.",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a table says.

    Args:
        name: a few words.
        text: the finding, a sentence or two.
    """

    name: str
    text: str


def no_runs(tables: Sequence[ModelTable]) -> str:
    """Returns what to say where none of these models has a run; empty where one has."""
    if any(table.has_runs for table in tables):
        return ""
    of = f" of {tables[0].label}" if len(tables) == 1 else ""
    return f"There is no finished run of ours{of}; only the published figures are shown."


def findings(table: ModelTable) -> list[Finding]:
    """Returns what a table says of the best mode and of what limits the model, ours before the published."""
    found = [
        Finding(name=f"Best images per joule{f' ({best.setting})' if best.setting else ''}", text=best.sentence)
        for best in table.rankings
    ]
    if table.diagnosis is not None:
        advice = " ".join(table.diagnosis.advice)
        found.append(Finding(name="What limits it", text=f"{table.diagnosis.sentence} {advice}".strip()))
    else:
        found += [
            Finding(name=f"What limits it, {row.test}", text=row.diagnosis)
            for row in table.rows
            if row.diagnosis and not row.refused and row.status is not Status.SIMULATED
        ]
    if table.published_best is not None:
        found.append(Finding(name="Best images per joule, published", text=table.published_best.sentence))
    if table.published_diagnosis is not None:
        advice = " ".join(table.published_diagnosis.advice)
        text = f"{table.published_diagnosis.sentence} {advice}".strip()
        found.append(Finding(name="What limits it, published rows", text=text))
    return found
