from __future__ import annotations

import io
import zipfile
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import mission_view, report, report_charts, report_table
from orin_core.report import mission, plots
from orin_core.report.table import build
from orin_core.runs import store
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import Folder
from tests.unit.dashboard.test_compare_page import asked

SCRIPT = "from dashboard import report\nreport.page()\n"
VALID = {"status": "valid", "badge": "VALID", "sentence": "The protocol was kept.", "reasons": [], "unknown": []}


def summary(mode: str, fps: float, power_w: float, *, number: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "run_id": f"20260102T0304{number:02d}Z_resnet-152_cifar100_{mode.removeprefix('MODE_')}_0a1b",
        "state": "done",
        "origin": "run",
        "profile": "standard",
        "model": "resnet-152",
        "dataset": "cifar100",
        "power_mode": mode,
        "source": "tegrastats",
        "simulated": False,
        "weights": "cached",
        "images": "cached",
        "scope": "full",
        "method": "reference",
        "precision": "fp32",
        "batch_size": 1,
        "items": 10_000,
        "fps_end_to_end": fps,
        "gr3d_pct_mean": 60.0,
        "ram_used_mb_mean": 8000.0,
        "total_inference_time_s": 10_000 / fps,
        "power_w_mean": power_w,
        "energy_per_item_j": power_w / fps,
        "items_per_joule": fps / power_w,
        "ram_total_mb": 62_841,
        "verdict": VALID,
        **fields,
    }


def recorded(settings: Settings, document: dict[str, Any], ticks: int = 5) -> Folder:
    made = Folder(settings.runs_dir, document["run_id"])
    with made.recorder:
        made.ticks(0, ticks)
        store.write_json(made.path / store.SUMMARY, document)
    return made


def page(**query: str) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    shown = (*app.markdown, *app.caption, *app.info, *app.success, *app.warning, *app.get("html"))
    return " ".join(str(element.proto.body) if element.type == "html" else str(element.value) for element in shown)


def test_newcomer_learns_which_mode_is_best_for_depth_anything(singletons: Settings) -> None:
    shown = texts(page(model="depth-anything"))
    assert "Of the published rows 50W gives most images per joule" in shown
    assert "<s>21.25</s> †" in shown, "the wrong figure is struck out"
    assert "Published MAXN: what is marked † is wrong" in shown
    assert "Least energy per image\\: 50W, published" in shown


def test_newcomer_learns_why_50w_is_slower_for_resnet(singletons: Settings) -> None:
    shown = texts(page())
    assert "no finished run of ours" in shown
    assert all(words in shown for words in ("50W is slower than 30W", "1497 MHz", "1728 MHz"))
    assert "AGX Orin, 32 GB module" in shown


def test_own_row_stands_above_the_published_one_with_the_difference(singletons: Settings) -> None:
    recorded(singletons, summary("MODE_30W", 16.91 * 1.1, 12.72))
    app = page(model="resnet-152")
    shown = texts(app)
    assert "no finished run of ours" not in shown
    assert "✔ VALID" in shown
    assert "+10.0 %" in shown
    assert "The modules differ (64 GB against 32 GB)" in shown
    assert len(app.get("plotly_chart")) == 4, "GR3D, RAM, and two of the mission"


def test_a_speed_up_stands_with_its_agreement_and_text_in_tokens(singletons: Settings) -> None:
    agreement = {"metric": "top1", "value": 1.0, "threshold": 1.0, "ok": True, "images": 16}
    told = {f"agreement_{key}": value for key, value in agreement.items()}
    recorded(singletons, summary("MODE_30W", 20.0, 12.0))
    recorded(singletons, summary("MODE_30W", 90.0, 20.0, number=1, method="batched", batch_size=32, **told))
    shown = texts(page(model="resnet-152"))
    assert '<div class="small">4.50 x reference fp32</div><div class="small">class agrees on 16 of 16</div>' in shown
    assert "batched is another method than that of the published rows" in shown
    phi = "microsoft/Phi-3.5-mini-instruct"
    recorded(singletons, summary("MODE_30W", 1.0, 12.0, number=2, model=phi, fps_end_to_end=None, tokens_per_s=12.8))
    shown = texts(page(model=phi))
    assert "<th>Tokens per Second</th>" in shown
    assert "<td>12.80</td>" in shown


def test_foreign_text_is_shown_as_it_is(singletons: Settings) -> None:
    evil = "<img src=x onerror=alert(1)>"
    recorded(singletons, summary("MODE_30W", 18.0, 12.0, model=f"/models/{evil}", verdict={**VALID, "badge": evil}))
    app = page(model=f"/models/{evil}")
    assert "<img" not in texts(app)
    assert "&lt;img" in texts(app)


def test_address_names_the_model_and_follows_the_list(singletons: Settings) -> None:
    app = page(model="depth-anything/Depth-Anything-V2-Base-hf")
    assert app.selectbox(key=report.FORM_MODEL).value == "depth-anything-v2-base"
    app.selectbox(key=report.FORM_MODEL).set_value("resnet-152").run()
    assert app.query_params[report.QUERY_MODEL] in ("resnet-152", ["resnet-152"])
    assert "50W is slower than 30W" in texts(app)
    other = page(model="no *such* model")
    assert "There are neither runs nor published figures of a model no \\*such\\* model." in texts(other)
    assert asked(other)[report.QUERY_MODEL] == other.selectbox(key=report.FORM_MODEL).value


def test_every_view_stands_in_the_address(singletons: Settings) -> None:
    assert asked(page()) == {report.QUERY_MODEL: "resnet-152"}, "also the model that nobody asked for"
    app = page(model="depth-anything")
    app.number_input(key=mission_view.FORM_CAP_W).set_value(20.0).run()
    app.number_input(key=mission_view.FORM_FLOOR_FPS).set_value(0.125).run()
    link = asked(app)
    assert link == {"model": "depth-anything-v2-base", "cap_w": "20", "floor_fps": "0.125"}
    # Streamlit clears the address on the way from page to page, and the tab keeps what the fields hold.
    app.query_params.clear()
    app.run()
    assert asked(app) == link
    app.number_input(key=mission_view.FORM_CAP_W).set_value(None).run()
    assert "cap_w" not in app.query_params


def test_a_link_fills_the_mission(singletons: Settings) -> None:
    app = page(model="depth-anything", cap_w="20", orbit_wh="10", active_min="10", floor_fps="0.0000125")
    assert f">{int(1.53 * 600)}<" in texts(app)
    assert "at most 20 W and at least 0.0000125 FPS" in texts(app)
    app.run()
    assert asked(app)["floor_fps"] == "1.25e-05"
    assert app.number_input(key=mission_view.FORM_FLOOR_FPS).value == 0.0000125
    for nonsense in ("", "x", "nan", "-inf", "1e999", "<b>"):
        assert "cap_w" not in page(model="depth-anything", cap_w=nonsense).query_params
    assert "cannot be met" in page(model="depth-anything", cap_w="-1").error[0].value


def test_new_run_is_seen_at_the_next_look(singletons: Settings) -> None:
    app = page(model="resnet-152")
    assert "✔ VALID" not in texts(app)
    made = recorded(singletons, summary("MODE_30W", 18.0, 12.0))
    app.run()
    assert "✔ VALID" in texts(app)
    refused = {**VALID, "status": "implausible", "badge": "IMPLAUSIBLE", "sentence": "Faster than the chip."}
    store.write_json(made.path / store.SUMMARY, summary("MODE_30W", 18.0, 12.0, verdict=refused))
    app.run()
    assert "IMPLAUSIBLE" in texts(app)
    assert "18.00" not in texts(app)


def test_mission_limits_change_the_answer(singletons: Settings) -> None:
    app = page(model="depth-anything")
    app.number_input(key=mission_view.FORM_CAP_W).set_value(20.0).run()
    assert "with at most 20 W\\: 30W, published" in texts(app)
    assert "50W, published: 27.78 W is over the cap of 20 W." in texts(app)
    app.number_input(key=mission_view.FORM_ORBIT_WH).set_value(10.0).run()
    assert "Images per orbit" in texts(app)
    assert f"{int(36_000 / (15.13 * 655.45 / 1000)):,}" in texts(app)
    app.number_input(key=mission_view.FORM_ACTIVE_MIN).set_value(10.0).run()
    assert f">{int(1.53 * 600)}<" in texts(app)
    app.number_input(key=mission_view.FORM_FLOOR_FPS).set_value(30.0).run()
    assert "No row meets at most 20 W and at least 30 FPS" in texts(app)


def test_simulated_rows_are_not_offered(singletons: Settings) -> None:
    recorded(singletons, summary("MODE_15W", 100.0, 5.0, source="simulated", simulated=True))
    shown = texts(page(model="resnet-152"))
    assert "Simulated rows are not offered" in shown
    assert "it ran on the simulated board" in shown
    assert "Least energy per image\\: MAXN, published" in shown


def test_kinds_that_are_not_weighed_together_can_be_chosen(singletons: Settings) -> None:
    recorded(singletons, summary("MODE_30W", 90.0, 9.0, weights="random"))
    app = page(model="resnet-152")
    assert "Least energy per image\\: MAXN, published" in texts(app)
    app.radio(key=f"{mission_view.KEY_GROUP}_resnet-152").set_value("random weights, reference fp32 batch 1").run()
    assert not app.exception
    assert "Least energy per image\\: 30W (random weights, reference fp32 batch 1)" in texts(app)
    assert asked(app)["weigh"] == "random weights, reference fp32 batch 1"
    assert "Least energy per image\\: 30W (random weights, reference fp32 batch 1)" in texts(page(**asked(app)))
    assert "weigh" not in page(model="resnet-152", weigh="other").query_params


@pytest.mark.parametrize("form", ["md", "html", "csv"])
def test_every_form_of_the_report_is_a_file(form: str, singletons: Settings) -> None:
    made = recorded(singletons, summary("MODE_30W", 18.0, 12.0))
    data = report._report_file(singletons.runs_dir, ("resnet-152",), form)
    if form == "md":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
        assert "report.md" in names
        assert any(name.endswith("_30W_gr3d.png") for name in names)
    elif form == "html":
        assert data.lower().startswith(b"<!doctype html>")
    else:
        assert "30W" in set(pd.read_csv(io.BytesIO(data))["Power Mode"])
    assert (made.path / store.RUN_CSV).exists()


def test_lines_are_drawn_from_where_measure_began(singletons: Settings) -> None:
    made = recorded(singletons, summary("MODE_30W", 18.0, 12.0), ticks=8)
    with (made.path / store.EVENTS).open("a") as stream:
        t0_s = made.recorder.t0_s
        stream.write(
            f'{{"kind": "done", "t_s": {t0_s + 7}, "t_start_s": {t0_s + 3}, "t_end_s": {t0_s + 7}, "items": 9}}\n'
        )
    trace = plots.read_trace(made.recording)
    assert trace is not None
    chart = report_charts.series({"30W <b>": trace}, plots.GR3D, "GPU load", 103)
    [line] = chart["data"]
    assert line["x"] == pytest.approx([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0], abs=0.01)
    assert line["y"] == list(range(8))
    assert "&lt;b&gt;" in line["hovertemplate"]


def test_points_of_the_pareto_chart_are_the_rows() -> None:
    [table] = build([], models=["depth-anything"])
    answer = mission.options(mission.candidates(table), power_cap_w=20)
    power, energy = report_charts.pareto(answer, power_cap_w=20, fps_floor=None)
    front, points = power["data"]
    assert front["x"] == [11.91, 15.13, 27.78]
    assert sorted(zip(points["x"], points["y"], strict=True)) == [(11.91, 0.83), (15.13, 1.53), (27.78, 3.71)]
    assert dict(zip(points["text"], points["marker"]["symbol"], strict=True))["50W"] == "square-open"
    assert [shape["x0"] for shape in power["layout"]["shapes"]] == [20]
    assert energy["data"][0]["x"] == [pytest.approx(7.479765)]


def test_best_rows_carry_a_star() -> None:
    rows = [summary("MAXN", 20.0, 40.0, number=1), summary("MODE_30W", 16.0, 12.0, number=2)]
    [table] = build(rows, models=["resnet-152"])
    text = report_table.results(table)
    assert text.count('class="best"') == 2
    assert 'role="region" tabindex="0" aria-label="Results of ResNet-152"' in text
    assert '<td class="best">1.333</td>' in text
    assert '<td class="best">1.424<' in text, "and the published best"


def test_report_of_the_unnamed_model_holds_that_one_only(singletons: Settings) -> None:
    log = {"origin": "imported", "source": "imported", "verdict": {**VALID, "status": "imported", "badge": "IMPORTED"}}
    recorded(singletons, summary("MODE_30W", 18.0, 12.0))
    recorded(singletons, summary("MODE_50W", 9.0, 12.0, number=1, model=None, **log))
    app = page(model="unnamed")
    assert app.selectbox(key=report.FORM_MODEL).value == report.UNNAMED
    assert "nobody said which model ran" in texts(app)
    data = pd.read_csv(io.BytesIO(report._report_file(singletons.runs_dir, report._models(None, False), "csv")))
    assert list(data["Power Mode"]) == ["50W"]
    assert report._models("resnet-152", False) == ("resnet-152",)
    assert report._models(None, True) is None


def test_lines_are_read_anew_only_where_a_file_of_the_run_has_changed(singletons: Settings) -> None:
    made = recorded(singletons, summary("MODE_30W", 18.0, 12.0), ticks=8)
    first = report._trace(made.recording)
    assert first is not None
    assert report._trace(made.recording) is first
    lines = (made.path / store.RUN_CSV).read_text().splitlines()
    (made.path / store.RUN_CSV).write_text("\n".join(lines[:-1]) + "\n")
    second = report._trace(made.recording)
    assert second is not None
    assert len(second.elapsed_s) == len(first.elapsed_s) - 1


def test_fewer_runs_behind_a_figure_and_refused_logs_are_told() -> None:
    verdict = {
        **VALID,
        "status": "imported",
        "badge": "IMPORTED",
        "reasons": [{"code": "reading-out-of-range", "text": "GR3D of 300 %."}],
    }
    rows = [
        summary("MAXN", 20.0, 40.0, number=1),
        summary("MAXN", 20.1, 40.0, number=2, power_w_mean=None),
        summary("MODE_50W", 19.0, 40.0, number=3, origin="imported", source="imported", verdict=verdict),
    ]
    [table] = build(rows, models=["resnet-152"])
    text = report_table.results(table)
    assert "1 of 2 runs" in text
    assert 'data-tone="bad" title="The protocol was kept. GR3D of 300 %."' in text
    assert "19.00" not in text


def test_active_time_alone_gives_images_per_orbit(singletons: Settings) -> None:
    app = page(model="depth-anything")
    app.number_input(key=mission_view.FORM_ACTIVE_MIN).set_value(10.0).run()
    assert f">{int(3.71 * 600):,}<" in texts(app)


def test_equal_figures_of_a_simulated_row_get_no_second_star() -> None:
    simulated = {"source": "simulated", "simulated": True, "verdict": {**VALID, "status": "simulated"}}
    rows = [
        summary("MAXN", 20.0, 40.0, number=1),
        summary("MODE_30W", 16.0, 12.0, number=2),
        summary("MODE_30W", 16.0, 12.0, number=3, **simulated),
        summary("MAXN", 20.0, 40.0, number=4, **simulated),
    ]
    [table] = build(rows, models=["resnet-152"])
    text = report_table.results(table)
    assert text.count('<td class="best">1.333</td>') == 1
    assert text.count('<td class="best">1.424<') == 1
    assert text.count(">21.02<") == 1, "the published MAXN stands there once"


@pytest.mark.parametrize("value", [-1.0, 2e9])
def test_refused_limit_hides_the_old_answer(value: float, singletons: Settings) -> None:
    app = page(model="depth-anything")
    assert "Least energy per image" in texts(app)
    app.number_input(key=mission_view.FORM_CAP_W).set_value(value).run()
    assert not app.exception
    assert "cannot be met" in app.error[0].value
    assert "Least energy per image" not in texts(app)
    assert "Images per Wh" not in texts(app)
    app.number_input(key=mission_view.FORM_CAP_W).set_value(20.0).run()
    assert "with at most 20 W" in texts(app)
    assert not app.error


def test_tiny_limits_are_shown_as_typed(singletons: Settings) -> None:
    app = page(model="depth-anything")
    field = app.number_input(key=mission_view.FORM_FLOOR_FPS)
    assert field.proto.format == "%g"
    field.set_value(0.0000125).run()
    assert "at least 0.0000125 FPS" in texts(app)
    app.number_input(key=mission_view.FORM_CAP_W).set_value(0.001).run()
    assert "is over the cap of 0.001 W" in texts(app)
