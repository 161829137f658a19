"""Damaged run folders never end the report: what cannot be read is left out and named."""

from __future__ import annotations

from typing import Any

import pytest

from orin_core.report import csv_table, html, markdown, table
from tests.unit.report.built import environment, run

_SHAPES: tuple[Any, ...] = (
    5, "x", [], [1], {}, {"a": 1}, True, float("inf"), [None, None], ["a", "b"], {"sentence": 5}, {"advice": 5},
    {"fps_end_to_end": 5}, {"fps_end_to_end": [2, 1]}, {"fps_end_to_end": ["a", "b"]}, [[1]], {"status": "valid"},
)  # fmt: skip


@pytest.mark.parametrize("key", [*run(1), "counts", "over_current", "latency_ms_p50"])
def test_a_damaged_value_of_any_shape_never_ends_the_report(key: str) -> None:
    for shape in _SHAPES:
        tables = table.build([{**run(1), key: shape}, run(2, mode="50W")])
        text = csv_table.render(tables) + markdown.render(tables, generated="x") + html.render(tables, generated="x")
        assert ",50W,VALID," in text


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"intervals_95": {"fps_end_to_end": ["a", 1], "power_w_mean": [14.0, 15.0]}},
            "intervals_95 of fps_end_to_end",
        ),
        ({"intervals_95": {"fps_end_to_end": [22.0, 20.0]}}, "intervals_95 of fps_end_to_end"),
        ({"intervals_95": 5}, "intervals_95"),
        ({"diagnosis": {"sentence": "A core is busy.", "advice": 5}}, "diagnosis"),
        ({"power_rails": 5}, "power_rails"),
        ({"env": environment(worker=[1])}, "worker"),
    ],
)
def test_what_is_damaged_is_named_and_the_rest_is_shown(changes: dict[str, Any], named: str) -> None:
    (found,) = table.build([run(1, **changes)], models=["resnet-152"])
    (one,) = [one for one in found.rows if one.run_ids]
    assert one.average_fps == 21.0
    assert any(f"_0001 {named} cannot be read and is left out" in note for note in found.notes)
