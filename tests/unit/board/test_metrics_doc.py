from __future__ import annotations

import re
from pathlib import Path

from orin_core.board.metrics_doc import FAMILIES, metrics_doc
from orin_core.board.sample import METRICS, Sample
from orin_core.board.tegrastats import parse_line, to_row
from orin_core.runs import columns
from orin_core.runs.columns import Layout
from tests.bench.lines import orin_lines

DOC = Path(__file__).parents[3] / "docs" / "metrics.md"
OF_THE_RUN = {
    columns.INDEX,
    columns.TIME_MS,
    columns.ELAPSED_S,
    columns.UTC_TIME,
    columns.PHASE,
    columns.ITEMS,
    columns.FPS,
    columns.LATENCY_MS,
    columns.SOURCE,
    columns.BOARD_TIME,
}


def one_sample() -> Sample:
    sample = parse_line(orin_lines(1)[0])
    assert sample is not None
    return sample


def test_the_docs_are_up_to_date() -> None:
    assert DOC.read_text(encoding="utf-8") == metrics_doc(), (
        "run python -m orin_core.board.metrics_doc > docs/metrics.md"
    )


def test_every_metric_is_in_the_docs_with_unit_source_and_releases() -> None:
    text = metrics_doc()
    for metric in METRICS:
        row = next(line for line in text.splitlines() if f"| `{metric.field}` |" in line)
        assert f"| {metric.unit} |" in row or not metric.unit
        assert row.endswith(f"| {metric.source} | {metric.releases} |")
        assert metric.source
        assert re.search("[3-7]", metric.releases)


def test_every_column_of_a_run_that_comes_from_the_board_is_in_the_docs() -> None:
    documented = {re.escape(metric.column) for metric in METRICS}
    documented |= {re.escape(family.column).replace("N", ".+", 1) for family in FAMILIES if family.column}
    header = Layout.of(one_sample()).header()
    undocumented = [name for name in header if not any(re.fullmatch(pattern, name) for pattern in documented)]
    assert set(undocumented) == OF_THE_RUN


def test_every_key_of_a_parsed_line_is_in_the_docs() -> None:
    documented = {metric.field for metric in METRICS}
    documented |= {re.split(r"[.\[]", family.key)[0] for family in FAMILIES if family.key}
    assert set(to_row(one_sample(), 1)) - documented == {"line", "stamp"}
