from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import compare, compare_charts, compare_table
from orin_core.report import overlay
from orin_core.report.differences import differences
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from tests.unit.report.built import batched, imported, run
from tests.unit.report.folders import write_run

SCRIPT = "from dashboard import compare\ncompare.page()\n"


def made(settings: Settings, *summaries: dict[str, Any], rows: int = 60) -> list[str]:
    return [write_run(settings.runs_dir, summary, rows=rows).name for summary in summaries]


def page(*run_ids: str, **query: str) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    if run_ids:
        app.query_params["runs"] = ",".join(run_ids)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    shown = (*app.markdown, *app.caption, *app.info, *app.warning, *app.get("html"))
    return " ".join(str(element.proto.body) if element.type == "html" else str(element.value) for element in shown)


def asked(app: AppTest) -> dict[str, str]:
    """The address as it stands; AppTest gives values that a page set as lists."""
    return {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}


def chart(app: AppTest) -> dict[str, Any]:
    (found,) = app.get("plotly_chart")
    document: dict[str, Any] = json.loads(found.proto.spec)
    return document


def test_address_names_the_runs_and_the_first_is_named(singletons: Settings) -> None:
    slow, fast = made(singletons, run(1, mode="50W", fps=15.0), run(2, fps=20.0))
    app = page(fast, slow)
    assert app.multiselect(key=compare.FORM_RUNS).value == [fast, slow]
    shown = texts(app)
    assert "-25.0 %" in shown
    assert shown.count("first run") == 7
    assert "Ranked by images per joule" in shown
    assert [trace["name"] for trace in chart(app)["data"][:2]] == ["A MAXN", "B 50W"]


def test_a_run_of_another_method_says_which_and_how_far_its_results_agree(singletons: Settings) -> None:
    reference, fast = made(singletons, run(1, fps=20.0), batched(2, fps=90.0, precision="fp16"))
    shown = texts(page(reference, fast))
    assert '<div class="small">reference fp32 batch 1</div>' in shown
    assert (
        '<div class="small">batched fp16 batch 32</div>'
        '<div class="small">4.50 x reference fp32; class agrees on 16 of 16</div>'
    ) in shown


def test_runs_of_one_model_and_mode_are_told_apart_by_their_method(singletons: Settings) -> None:
    summaries = [run(1), *(batched(place, method=name) for place, name in enumerate(("batched", "graph"), start=2))]
    ids = made(singletons, *summaries)
    for run_id, summary in zip(ids, summaries, strict=True):
        asked_of = {key: summary[key] for key in ("method", "precision", "batch_size")}
        (singletons.runs_dir / run_id / "spec.json").write_text(json.dumps(asked_of))
    app = page(*ids)
    names = ["A reference · batch 1", "B batched · batch 32", "C graph · batch 32"]
    assert [trace["name"] for trace in chart(app)["data"][:3]] == names
    shown = texts(app)
    assert all(f">{name}</b>" in shown for name in names), "in the tables"
    options = app.multiselect(key=compare.FORM_RUNS).options
    ways = {option.split(" · ")[2] for option in options}
    assert ways == {"reference fp32 batch 1", "batched fp32 batch 32", "graph fp32 batch 32"}


def test_choosing_changes_the_address_and_the_address_survives_a_rerun(singletons: Settings) -> None:
    one, two, three = made(singletons, *(run(place, fps=20.0 + place) for place in (1, 2, 3)))
    app = page()
    assert "Choose 2 to 8 runs above" in texts(app)
    app.multiselect(key=compare.FORM_RUNS).set_value([three]).run()
    assert "Choose one more run" in texts(app)
    app.multiselect(key=compare.FORM_RUNS).set_value([three, one]).run()
    assert app.query_params["runs"] in (f"{three},{one}", [f"{three},{one}"])
    app.run()
    assert app.multiselect(key=compare.FORM_RUNS).value == [three, one]
    app.multiselect(key=compare.FORM_RUNS).set_value([]).run()
    assert "runs" not in app.query_params
    assert two[:8] in app.multiselect(key=compare.FORM_RUNS).options[1].replace("-", "")
    assert not app.get("plotly_chart")


def test_without_two_runs_the_page_says_where_they_come_from(singletons: Settings) -> None:
    assert "not yet two runs" in texts(page())
    (chosen,) = made(singletons, run(1))
    assert "Import page" in texts(page())
    assert "not yet two runs" in texts(page(chosen)), "the one that is chosen is the only one"


def test_unknown_malformed_and_too_many_runs_are_told_and_the_rest_is_shown(singletons: Settings) -> None:
    known = made(singletons, *(run(place) for place in range(1, 10)))
    gone = known[0].replace("_0001", "_ffff")
    app = page(known[0], "../../etc/passwd", gone, known[0], *known[1:])
    assert app.multiselect(key=compare.FORM_RUNS).value == known[:8]
    warnings = [warning.value for warning in app.warning]
    assert len(warnings) == 3
    assert "This is no run id" in warnings[0]
    assert "is not here (any more)" in warnings[1]
    assert warnings[1].count("ffff") == 1, "named once"
    assert "first 8 of 9" in warnings[2]


def test_panes_and_part_can_be_chosen(singletons: Settings) -> None:
    ids = made(singletons, run(1), run(2, mode="50W"))
    app = page(*ids)
    assert len(chart(app)["data"]) == 6, "GR3D, power and RAM; the built runs have no other"
    assert "No run here has Throughput, GPU clock, Hottest" in texts(app)
    app.button_group(key=compare.FORM_PANES).set_value(["power_w"]).run()
    assert asked(app) == {"runs": ",".join(ids), "panes": "power_w"}
    assert [trace["meta"].split()[0] for trace in chart(app)["data"]] == ["power_w", "power_w"]
    app.button_group(key=compare.FORM_PANES).set_value([]).run()
    assert "Choose at least one pane" in texts(app)
    assert asked(app)["panes"] == "none"


def test_a_link_shows_the_panes_and_the_part_that_it_names(singletons: Settings) -> None:
    ids = made(singletons, run(1), run(2, mode="50W"))
    app = page(*ids, panes="power_w,speed", part="whole")
    assert [trace["meta"].split()[0] for trace in chart(app)["data"]] == ["power_w", "power_w"]
    assert min(chart(app)["data"][0]["x"]) == -15.0
    assert asked(app) == {"runs": ",".join(ids), "panes": "power_w", "part": "whole"}
    app.query_params.pop("part")
    app.run()
    assert asked(app)["part"] == "whole", "Streamlit clears the address on the way from page to page"
    assert "Choose at least one pane" in texts(page(*ids, panes="none"))
    for nonsense in ("", "speed", "<b>"):
        app = page(*ids, panes=nonsense, part=nonsense)
        assert len(chart(app)["data"]) == 6
        assert asked(app) == {"runs": ",".join(ids)}


def test_reasons_stand_in_the_page_and_tables_can_be_scrolled_by_keyboard(singletons: Settings) -> None:
    ids = made(singletons, run(1), run(2, mode="50W", status="invalid", reasons=("It was <hot>.",)))
    shown = texts(page(*ids))
    assert "<li>B is INVALID: It was &lt;hot&gt;.</li>" in shown
    assert shown.count("<table") == shown.count('role="region" tabindex="0"') == 3
    assert 'aria-label="In what the runs differ"' in shown


def test_runs_that_did_not_reach_measure_are_named(singletons: Settings) -> None:
    ids = made(singletons, *(run(number) for number in (1, 2, 3)))
    for run_id in ids[:2]:
        folder = singletons.runs_dir / run_id
        (folder / "events.jsonl").unlink()
        (folder / "run.csv").write_text((folder / "run.csv").read_text().replace("measure", "idle"))
    assert "A, B did not reach measure and are drawn from their first rows." in texts(page(*ids))
    assert "C did not reach measure" not in texts(page(*ids))
    assert "A did not reach measure and is drawn from its first row." in texts(page(ids[0], ids[2]))


def test_runs_without_rows_are_named_since_they_have_no_line(singletons: Settings) -> None:
    ids = made(singletons, *(run(number) for number in (1, 2, 3)))
    assert "no rows can be read" not in texts(page(*ids))
    (singletons.runs_dir / ids[1] / "run.csv").write_text("")
    (singletons.runs_dir / ids[2] / "run.csv").unlink()
    (singletons.runs_dir / ids[2] / "events.jsonl").unlink()
    shown = page(*ids)
    assert "Of B, C no rows can be read, so they have no line." in texts(shown)
    assert "did not reach measure" not in texts(shown), "nobody can tell without rows"
    assert {trace["name"][0] for trace in chart(shown)["data"]} == {"A"}
    assert "Of B no rows can be read, so it has no line." in texts(page(*ids[:2]))


def test_logs_of_unknown_modes_are_not_called_repeats(singletons: Settings) -> None:
    assert "these runs are repeats" in texts(page(*made(singletons, run(1), run(2))))
    shown = texts(page(*made(singletons, imported(3, mode=None), imported(4, mode=None))))
    assert "Nothing that was captured differs, but the power mode of A, B is not known" in shown
    assert "these runs are repeats" not in shown


def test_plotted_points_are_the_rows_of_the_csv(singletons: Settings) -> None:
    (one, two) = made(singletons, run(1), run(2, mode="50W"))
    traces = {trace["meta"]: trace for trace in chart(page(one, two))["data"]}
    found = traces[f"gr3d_pct {two}"]
    assert found["x"] == [float(second) for second in range(1, 31)]
    assert found["y"] == [*(60.0 + second % 7 for second in range(16, 45)), 0.0]


def test_labels_of_simulated_and_imported_runs_are_on_the_page(singletons: Settings) -> None:
    ids = made(singletons, run(1, simulated=True, status="simulated"), imported(2, mode="50W", fps=15.0))
    shown = texts(page(*ids))
    assert "SIMULATED BOARD" in shown
    assert "imported, not verified" in shown
    assert "another telemetry" in shown
    assert "not compared" in shown
    assert "Ranked by images per joule" not in shown


def test_what_a_log_does_not_tell_is_named_in_one_line(singletons: Settings) -> None:
    ids = made(singletons, run(1), imported(2, mode="50W", fps=15.0))
    app = page(*ids)
    tables = [str(one.proto.body) for one in app.get("html") if 'class="orin-results orin-texts"' in one.proto.body]
    assert "<td>Origin</td><td>run</td><td>imported</td>" in tables[0]
    assert "<td>Kernel</td>" not in tables[0]
    assert re.search(r"B: [^<]*Kernel, torch", texts(app))


def test_foreign_text_is_shown_as_it_is(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    runs = [run(1, model=f"/m/{evil}", mode=evil), run(2, mode="50W", weights=evil)]
    found = differences([Recording(folder=write_run(tmp_path / "runs", one)) for one in _with_plain_ids(runs)])
    for text in (compare_table.figures(found), compare_table.texts(evil, found, found.differing)):
        assert "<img" not in text
        assert "&lt;img" in text


def _with_plain_ids(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "run_id": f"20260301T00000{place}Z_a_b_c_000{place}"} for place, one in enumerate(runs)]


# -- the chart ------------------------------------------------------------------------------------


def panes(count: int, runs: int = 2, *, seconds: float = 100.0) -> tuple[list[compare_charts.Pane], dict[str, str]]:
    names = {f"run-{place}": f"{'ABCDEFGH'[place]} MAXN" for place in range(runs)}
    t_s = np.linspace(0, seconds, 50)
    found = [
        compare_charts.Pane(
            reading=reading,
            lines={run_id: overlay.Line(run_id=run_id, t_s=t_s, values=np.full(50, 50.0)) for run_id in names},
        )
        for reading in overlay.READINGS[:count]
    ]
    return found, names


def test_every_run_has_a_colour_and_a_dash_of_its_own() -> None:
    assert len(compare_charts.LOOKS) == overlay.MAX_RUNS
    assert len({look.color for look in compare_charts.LOOKS}) == overlay.MAX_RUNS
    assert len({look.dash_px for look in compare_charts.LOOKS}) == overlay.MAX_RUNS
    found = compare_charts.figure(*panes(1, 8))
    lines = [trace["line"] for trace in found["data"]]
    assert len({line["color"] for line in lines}) == len({line["dash"] for line in lines}) == 8


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", compare_charts.LOOKS, ids=lambda look: look.color)
def test_lines_stand_out_from_both_pages_and_letters_from_their_lines(look: compare_charts.Look) -> None:
    assert contrast(look.color, "#FFFFFF") >= 3
    assert contrast(look.color, "#11161B") >= 3
    assert contrast(look.color, look.ink) >= 4.5


@pytest.mark.parametrize("runs", [2, 8])
def test_names_at_line_ends_do_not_lie_on_each_other(runs: int) -> None:
    found = compare_charts.figure(*panes(1, runs))
    labels = [one for one in found["layout"]["annotations"] if "MAXN" in one["text"]]
    assert len(labels) == runs
    low, high = found["layout"]["yaxis"]["range"]
    heights = sorted((label["y"] - low) / (high - low) * compare_charts._PANE_PX for label in labels)
    assert min(np.diff(heights)) >= compare_charts._LABEL_PX - 1e-6
    assert heights[0] >= 0, "Plotly hides what stands beyond the axis"
    assert heights[-1] <= compare_charts._PANE_PX


def test_long_names_get_room_and_the_longest_are_cut_at_a_word() -> None:
    drawn, names = panes(1, 3)
    short = compare_charts.figure(drawn, names)["layout"]["margin"]["r"]
    names["run-1"] = "B 50W · graph · batch 32"
    room = compare_charts.figure(drawn, names)["layout"]["margin"]["r"]
    names["run-2"] = "C 50W · batched · batch 128 · scope preloaded"
    found = compare_charts.figure(drawn, names)
    assert short < room < found["layout"]["margin"]["r"] <= compare_charts._MOST_RIGHT_PX
    ends = [one["text"] for one in found["layout"]["annotations"]][1:]
    assert ends[1:] == ["<b>B 50W · graph · batch 32</b>", "<b>C 50W · batched · batch 128 …</b>"]
    assert found["data"][2]["name"] == names["run-2"], "whole where the mouse asks"


def test_a_line_that_ends_early_is_named_where_it_ends() -> None:
    (pane,), names = panes(1)
    short = overlay.Line(run_id="run-1", t_s=np.arange(40.0), values=np.full(40, 20.0))
    found = compare_charts.figure(
        [compare_charts.Pane(reading=pane.reading, lines={**pane.lines, "run-1": short})], names
    )
    labels = {one["text"]: one for one in found["layout"]["annotations"]}
    assert (labels["<b>B MAXN</b>"]["xref"], labels["<b>B MAXN</b>"]["x"]) == ("x", 39.0)
    assert labels["<b>A MAXN</b>"]["xref"] == "paper"


@pytest.mark.parametrize(("seconds", "unit", "last"), [(100, "s", 100.0), (3600, "min", 60.0), (86_400, "h", 24.0)])
def test_long_runs_are_drawn_in_minutes_and_hours(seconds: float, unit: str, last: float) -> None:
    found = compare_charts.figure(*panes(1, seconds=seconds))
    assert found["layout"]["xaxis"]["title"]["text"] == f"Time since measure began ({unit})"
    assert found["data"][0]["x"][-1] == last
    assert found["layout"]["xaxis"]["range"] == [0.0, last]


def test_gaps_are_empty_points_that_nothing_bridges() -> None:
    (pane,), names = panes(1)
    values = np.array([1.0, np.nan, 2.0])
    line = overlay.Line(run_id="run-0", t_s=np.array([0.0, 5.0, 10.0]), values=values)
    found = compare_charts.figure([compare_charts.Pane(reading=pane.reading, lines={"run-0": line})], names)
    assert found["data"][0]["y"] == [1.0, None, 2.0]
    assert found["data"][0]["connectgaps"] is False


def test_panes_lie_below_each_other_and_leave_no_height_unused() -> None:
    layout = compare_charts.figure(*panes(6))["layout"]
    domains = [layout["yaxis" if place == 0 else f"yaxis{place + 1}"]["domain"] for place in range(6)]
    assert domains[0][1] == 1.0
    assert domains[-1][0] == pytest.approx(0.0)
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(domains))
    assert layout["xaxis"]["anchor"] == "y6"


def test_swatches_show_the_dash_of_the_line() -> None:
    solid, dashed = compare_charts.LOOKS[:2]
    assert compare_charts.swatch(solid) == solid.color
    assert re.fullmatch(
        r"repeating-linear-gradient\(90deg, #D55E00 0px 9px, transparent 9px 13px\)", compare_charts.swatch(dashed)
    )
