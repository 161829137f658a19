"""The CSV of the results table, read the way people will."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from orin_core.report import csv_table, table
from tests.unit.report.built import batched, environment, imported, report_runs, run
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


@pytest.mark.parametrize("first", ["=", "+", "-", "@"])
def test_no_cell_of_text_is_taken_for_a_formula(first: str) -> None:
    evil = f"{first}1+cmd|x"
    runs = [run(1, model=evil, mode=evil, device=evil, dataset=evil, reasons=(evil,), env=environment(board=evil))]
    rows = list(csv.DictReader(io.StringIO(csv_table.render(table.build(runs)))))
    row = next(one for one in rows if one["Model"].endswith(evil))
    for name in ("Model", "Test", "Power Mode", "Device", "Data set", "Board", "Reasons"):
        assert row[name] == f"'{evil}", name
    assert not [cell for cell in row.values() if cell.startswith(first)]


def test_negative_numbers_stay_numbers() -> None:
    tables = table.build([run(1, fps=20.0)], models=["resnet-152"])
    (row, *_) = csv.DictReader(io.StringIO(csv_table.render(tables)))
    assert float(row["Average FPS Difference (%)"]) == pytest.approx(-4.83)


def test_wrong_published_figures_are_named_one_by_one_and_nothing_is_held_against_them() -> None:
    tables = table.build([imported(1, model="depth-anything", items=1000, fps=5.25)], models=["depth-anything"])
    row = next(csv.DictReader(io.StringIO(csv_table.render(tables))))
    assert row["Published Wrong Figures"] == (
        "Average GPU %; Average RAM; Power Draw; Energy per Image; Images per Joule"
    )
    assert row["Average FPS Difference (%)"] == "0"
    assert row["Power Draw Difference (%)"] == row["Energy per Image Difference (%)"] == ""


def test_figures_that_fewer_runs_have_are_named() -> None:
    tables = table.build([run(1), run(2, power_w_mean=None)], models=["resnet-152"])
    row = next(csv.DictReader(io.StringIO(csv_table.render(tables))))
    assert row["Fewer Runs Behind"] == "Power Draw: 1 of 2"


def test_no_two_columns_have_one_name() -> None:
    names = csv_table.header()
    assert len(set(names)) == len(names)


def test_where_nothing_was_found_to_compare_no_agreement_is_claimed() -> None:
    tables = table.build([run(1), batched(2, agreement_images=0), batched(3, mode="MODE_50W")])
    rows = {row["Images Compared"]: row for row in csv.DictReader(io.StringIO(csv_table.render(tables)))}
    assert (rows["0"]["Agreement"], rows["0"]["Agreement Kept"]) == ("", "")
    assert (rows["16"]["Agreement"], rows["16"]["Agreement Kept"]) == ("1", "yes")
