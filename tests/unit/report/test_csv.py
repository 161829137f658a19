"""The CSV of the results table, read the way people will."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from orin_core.report import csv_table, table
from tests.unit.report.built import report_runs, run
from tests.unit.report.regenerate import FOLDER, documents


def test_golden() -> None:
    made = documents()["report.csv"]()
    assert made == (FOLDER / "report.csv").read_text(encoding="utf-8"), "see tests/unit/report/regenerate.py"


def test_pandas_reads_it_with_numbers_as_numbers_and_absent_values_as_absent() -> None:
    tables = table.build(report_runs())
    frame = pd.read_csv(io.StringIO(csv_table.render(tables)))
    assert len(frame) == sum(len(one.rows) for one in tables)
    for name in ("Average FPS (images/s)", "Power Draw (W)", "Published Power Draw (W)", "Average FPS Difference (%)"):
        assert pd.api.types.is_float_dtype(frame[name])
    refused = frame[frame["Validity"] == "IMPLAUSIBLE"]
    assert refused["Average FPS (images/s)"].isna().all()
    assert refused["Published Average FPS (images/s)"].notna().all()


def test_nothing_is_rounded_for_the_eye() -> None:
    tables = table.build([run(1, fps=21.0153, power_w=14.7812)], models=["resnet-152"])
    frame = pd.read_csv(io.StringIO(csv_table.render(tables))).set_index("Test")
    assert frame.loc["MAXN", "Average FPS (images/s)"] == 21.0153
    assert frame.loc["MAXN", "Energy per Image (J)"] == pytest.approx(14.7812 / 21.0153, abs=1e-6)


def test_repeats_have_both_ends_of_their_interval() -> None:
    tables = table.build([run(1, fps=20.0), run(2, fps=22.0)], models=["resnet-152"])
    frame = pd.read_csv(io.StringIO(csv_table.render(tables))).set_index("Test")
    low, high = (frame.loc["MAXN", f"Average FPS (images/s) 95% {end}"] for end in ("low", "high"))
    assert low < 21.0 < high
    assert (frame.loc["MAXN", "Runs"], frame.loc["MAXN", "Interval From"]) == (2, "repeats")
