"""The verdict and the diagnosis of a run, and the table of all figures."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import figure_rows, verdict_view
from orin_core.analysis.verdict import Status
from orin_core.runs import finish, store
from orin_core.settings import Settings
from orin_core.spec import RunState
from tests.unit.dashboard.conftest import RUN_ID, Folder
from tests.unit.dashboard.pages import HOME, SUMMARY

VERDICT: dict[str, Any] = {
    "status": "invalid",
    "badge": "INVALID",
    "sentence": "2 rules were not kept.",
    "reasons": [{"code": "a", "text": "Only 41 s."}, {"code": "b", "text": "<b>Too</b> few & images."}],
    "unknown": ["Nobody looked at the GPU."],
}
DIAGNOSIS: dict[str, Any] = {
    "kind": "host-bound",
    "certainty": "likely",
    "sentence": "GR3D 57 %, busiest core 82 %.",
    "figures": {},
    "advice": ["Use batch 32."],
}


def shown(folder: Folder, **more: object) -> AppTest:
    store.write_json(folder.path / store.SUMMARY, {**SUMMARY, **more})
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    assert not app.exception
    return app


def markup(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def figures_table(app: AppTest) -> str:
    [table] = [element.value for element in app.markdown if element.value.startswith("| | | |")]
    return str(table)


def test_every_reason_every_unknown_and_the_advice_are_in_sight(singletons: Settings, folder: Folder) -> None:
    text = markup(shown(folder, verdict=VERDICT, diagnosis=DIAGNOSIS))
    assert 'data-verdict="invalid" data-tone="bad"' in text
    for said in ("✖ INVALID", "2 rules were not kept.", "Only 41 s.", "Nobody looked at the GPU."):
        assert said in text
    assert "<b>Too" not in text
    assert html.escape("<b>Too</b> few & images.") in text
    for said in ("likely host-bound", "busiest core 82 %", "Use batch 32."):
        assert said in text


@pytest.mark.parametrize(("count", "folded"), [(4, 0), (5, 1), (9, 5)])
def test_long_list_of_reasons_is_folded_and_none_is_lost(
    singletons: Settings, folder: Folder, count: int, folded: int
) -> None:
    reasons = [{"code": str(place), "text": f"Reason {place}."} for place in range(count)]
    text = markup(shown(folder, verdict={**VERDICT, "reasons": reasons}, diagnosis=DIAGNOSIS))
    in_sight, _, rest = text.partition("<details>")
    assert all((f"Reason {place}." in in_sight) == (place < count - folded) for place in range(count))
    assert all((f"Reason {place}." in rest) == (place >= count - folded) for place in range(count))
    assert (f"{folded} more reason" in rest) == bool(folded)


@pytest.mark.parametrize("damaged", [{}, {"status": "what"}, {"status": "valid"}, "valid", None])
def test_summary_without_a_usable_verdict_is_judged_now(damaged: object) -> None:
    verdict = verdict_view.verdict_of({**SUMMARY, "verdict": damaged})
    assert verdict.status is Status.SIMULATED
    assert verdict_view.diagnosis_of({**SUMMARY, "diagnosis": damaged})["sentence"]


def test_summary_of_the_first_version_is_shown(singletons: Settings, folder: Folder) -> None:
    assert "SIMULATED" in markup(shown(folder))


def test_text_has_tokens_where_images_have_fps(singletons: Settings, folder: Folder) -> None:
    figures = {"tokens_per_s": 12.8, "fps_end_to_end": None, "energy_per_item_j": 5.0}
    text = markup(shown(folder, **figures, verdict=VERDICT, diagnosis=DIAGNOSIS))
    for said in ("<div>Tokens per second</div><b>12.80</b>", "<div>Energy per prompt</div><b>5.00</b> J"):
        assert said in text
    assert "FPS end to end</div>" not in text


def test_refused_figures_are_struck(singletons: Settings, folder: Folder) -> None:
    refused = {**VERDICT, "status": "implausible", "badge": "IMPLAUSIBLE"}
    app = shown(folder, verdict=refused, diagnosis=DIAGNOSIS)
    assert 'class="orin-figures" data-refused="true"' in markup(app)
    assert "| FPS end to end | ~~3.250~~ *refused* |" in figures_table(app)
    assert "| Images measured | 40 |" in figures_table(app)
    app = shown(folder, verdict=VERDICT, diagnosis=DIAGNOSIS)
    assert 'data-refused="true"' not in markup(app)
    assert "refused" not in figures_table(app)


def test_table_gives_count_interval_rails_and_reasons_for_blanks(singletons: Settings, folder: Folder) -> None:
    table = figures_table(
        shown(
            folder,
            verdict=VERDICT,
            diagnosis=DIAGNOSIS,
            fps_end_to_end=21.02,
            total_inference_time_s=475.0,
            tick_period_s=1.0,
            intervals_95={"fps_end_to_end": [20.97, 21.07]},
            counts={
                "fps_end_to_end": 9983,
                "gr3d_pct_mean": 1,
                "latency_ms_p50": 312,
                "fps_first_half": 156,
                "device_busy_share": 9983,
                "coverage": 472,
                "items_per_joule": 470,
            },
            fps_first_half=21.0,
            device_busy_share=0.5,
            coverage=0.99,
            items_per_joule=1.5,
            phases_asked_s={"idle": 10.0, "cooldown": 5.0},
            readings_out_of_range={},
            gr3d_pct_mean=59.1,
            latency_ms_p50=47.3,
            power_by_rail_w={"VDD_GPU_SOC": 5.25, "VIN|X": None},
            tf32_allowed=False,
        )
    )
    for line in (
        r"| FPS end to end | 21.020 ± 0.050 (95 %, 23 blocks) | 9,983 images |",
        r"| GPU load (GR3D), mean | 59.10 % | 1 tick |",
        r"| Latency, median | 47.30 ms | 312 batches |",
        r"| 156 batches |",
        r"| 9,983 images |",
        r"| Ticks that came | 99.0 % | 472 ticks |",
        r"| Images per joule | 1.5000 | 470 ticks |",
        r"| Phases, asked (s) | idle 10.0, cooldown 5.0 | |",
        r"| Ticks with a reading that cannot be true | none | |",
        r"| Rail VDD\_GPU\_SOC | 5.250 W | |",
        r"| Rail VIN\|X | – *(no reading within measure)* | |",
        r"| TF32 allowed | no | |",
        r"| Latency, 99 % | – *(needs 1000 batches)* | |",
    ):
        assert re.sub(r"\s+", " ", line) in re.sub(r"[ ]+", " ", table), line


TOLD_ELSEWHERE = {
    "run_id", "state", "message", "hint", "labels", "notices",  # above and below the table
    "source", "simulated", "weights", "images", "device_type", "power_rails",  # by the badges, labels and rails
    "counts", "intervals_95", "power_by_rail_w", "verdict", "diagnosis",  # beside the figures, or in boxes
}  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "value", "limit", "lines"),
    [
        ("box_iou", 0.713, 0.95, ("boxes", "71.3 % overlap (IoU)", "at least 95 %")),
        ("top1", 1.0, 1.0, ("the likeliest class", "the same on 100 % of the images", "at least 100 %")),
        ("depth_error", 0.0123, 0.02, ("depth maps", "1.23 % of the reference's range apart", "at most 2 %")),
        ("tokens", 0.98, 1.0, ("tokens", "98 % are the reference's", "at least 100 %")),
        ("another", 0.5, 0.7, ("another", "0.5", "0.7")),
    ],
)
def test_agreement_is_told_in_words_with_its_unit(
    singletons: Settings, folder: Folder, metric: str, value: float, limit: float, lines: tuple[str, ...]
) -> None:
    told = {"agreement_metric": metric, "agreement_value": value, "agreement_threshold": limit, "agreement_images": 16}
    table = figures_table(shown(folder, **told)).replace("\\", "")
    for label, text in zip(("Compared by", "Agreement", "Needed or allowed"), lines, strict=True):
        assert f"| {label} | {text} |" in table
    if metric == "box_iou":
        nothing = figures_table(shown(folder, **{**told, "agreement_images": 0, "agreement_ok": True}))
        assert "| Agrees | nothing was found to compare |" in nothing
        assert "| Agreement | nothing was found to compare |" in nothing


def test_items_of_text_generation_are_called_prompts(singletons: Settings, folder: Folder) -> None:
    table = figures_table(shown(folder, tokens_per_s=12.8, fps_end_to_end=None))
    assert "| Prompts measured | 40 |" in table
    assert "| Energy per prompt |" in table
    assert "mage" not in table
    assert "| Images measured | 40 |" in figures_table(shown(folder))


def test_every_figure_of_a_summary_has_one_row(folder: Folder) -> None:
    keys = [row.key for _, rows in figure_rows.GROUPS for row in rows]
    assert len(keys) == len(set(keys))
    summary = finish.summary_of(folder.recording, state=RunState.DONE, message="", hint="")
    assert set(summary) - TOLD_ELSEWHERE == set(keys)


def test_blank_of_an_imported_log_says_what_a_log_does_not_tell(singletons: Settings, folder: Folder) -> None:
    table = figures_table(shown(folder, origin="imported", source="imported", fps_end_to_end=None, fps_model=None))
    assert "| FPS model only | – *(a log does not tell)* | |" in table
    assert "| Power, mean | – *(no rails, or no tick within measure)* | |" in table


BROKEN: dict[str, Any] = {
    "fps_end_to_end": "<b>",
    "power_w_mean": float("inf"),
    "gr3d_pct_mean": -4,
    "labels": 3,
    "counts": [],
    "intervals_95": 5,
    "verdict": 7,
    "diagnosis": "none",
    "total_inference_time_s": "long",
    "power_rails": "VDD",
}


@pytest.mark.parametrize("key", [*BROKEN, "all"])
def test_a_broken_summary_is_shown_with_blanks(singletons: Settings, folder: Folder, key: str) -> None:
    changed = BROKEN if key == "all" else {key: BROKEN[key]}
    (folder.path / store.SUMMARY).write_text(json.dumps({**SUMMARY, **changed}))
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    assert not app.exception
    assert "data-verdict=" in markup(app)
    assert "<b><b>" not in markup(app)
