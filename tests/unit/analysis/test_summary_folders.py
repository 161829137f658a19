"""Summaries of run folders: every key, whatever the folder holds, as ``docs/data-format.md`` has them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orin_core.analysis import summary_shapes
from orin_core.board.sample import Tick
from orin_core.board.tegrastats import parse_line
from orin_core.errors import BadRequest
from orin_core.runs import store
from orin_core.runs.finish import finish, resummarise, summary_of
from orin_core.runs.recording import Recording
from orin_core.spec import RunState

_DOCS = Path(__file__).parents[3] / "docs" / "data-format.md"
RUN_ID = "20260131T120000Z_resnet-152_cifar100_MAXN_0001"
_Events = list[tuple[str, float, dict[str, Any]]]


def _line(t_s: float, gr3d: int, watts: float) -> str:
    return (
        f"01-31-2026 12:{int(t_s) // 60:02d}:{int(t_s) % 60:02d} RAM {5000 if gr3d else 4000}/30698MB (lfb 100x4MB) "
        "SWAP 0/15349MB (cached 0MB) CPU [30%@2201,2%@2201,off,off] GR3D_FREQ "
        f"{gr3d}% cpu@45.5C soc0@41C tj@46C VDD_GPU_SOC {round(600 * watts)}mW/5000mW "
        f"VDD_CPU_CV {round(400 * watts)}mW/900mW"
    )


RUN_EVENTS: _Events = [
    ("start", 0.0, {"utc": "2026-01-31T12:00:00.250Z"}),
    ("phase", 0.0, {"phase": "idle", "own_cpu_s": 1.0}),
    ("phase", 20.0, {"phase": "load", "own_cpu_s": 1.2}),
    ("agreement", 24.0, {"metric": "top1", "value": 1.0, "threshold": 1.0, "ok": True, "images": 16,
                         "method": "batched", "precision": "fp32", "seconds": 3.1}),
    ("loaded", 25.0, {"flop_per_item": 23.03e9, "method": "batched", "precision": "fp32", "scope": "full",
                      "batch_size": 4, "batch_size_asked": 8, "method_facts": {"batch_norm_folded": True}}),
    ("phase", 25.0, {"phase": "warmup", "own_cpu_s": 1.3}),
    ("warmup", 30.0, {"settled": True, "windows": 5, "seconds": 5.0}),
    ("model_only", 30.0, {"when": "before", "items": 80, "seconds": 2.0, "fps": 40.0}),
    ("synchronised", 30.0, {"when": "before", "batches": 10, "items": 40, "forward_ms_p50": 91.0}),
    ("phase", 30.0, {"phase": "measure", "own_cpu_s": 1.5, "over_current": {"oc1": 2}}),
    ("done", 110.0, {"t_start_s": 30.0, "t_end_s": 110.0, "items": 1600, "failed_items": 2, "stopped": False,
                     "final_sync_s": 0.001, "results": 1600, "input_shapes": 1, "in_flight": 1}),
    ("phase", 110.0, {"phase": "cooldown", "own_cpu_s": 2.3, "over_current": {"oc1": 2}}),
    ("synchronised", 112.0, {"when": "after", "batches": 10, "items": 40, "forward_ms_p50": 90.0}),
    ("worker_exit", 113.0, {"code": 0}),
    ("end", 140.0, {"state": "done", "message": "", "over_current": {"oc1": 7}, "power_mode": "MAXN",
                    "power_mode_verified": True, "power_mode_mismatch": None, "own_cpu_s": 2.6}),
]  # fmt: skip
SPEC = {
    "interval_ms": 1000, "profile": "standard", "batch_size": 4,
    "idle_s": 20.0, "warmup_min_s": 5.0, "warmup_max_s": 60.0, "cooldown_s": 30.0,
}  # fmt: skip
ENVIRONMENT = {
    "origin": "run",
    "source": "tegrastats",
    "simulated": False,
    "model": "resnet-152",
    "dataset": "cifar100",
    "weights": "cached",
    "images": "cached",
    "power_mode": "MAXN",
    "power_mode_verified": True,
    "l4t": "# R36 (release), REVISION: 4.0",
    "power_limits": {"cores_online": [0, 1], "cpu_max_mhz": 2201, "gpu_max_mhz": None},
    "power_limits_asked": {"gpu_max_mhz": 1300},
    "worker": {
        "device": "cuda",
        "device_name": "Orin",
        "precision": "fp32",
        "tf32_allowed": True,
        "multiprocessors": 16,
    },
}


def _folder(
    tmp_path: Path,
    events: _Events,
    *,
    environment: dict[str, Any] = ENVIRONMENT,
    spec: dict[str, Any] | None = None,
    batches: int = 400,
    name: str = RUN_ID,
) -> Recording:
    """A run in log time: idle to 20 s, busy from 20 to 113 s, quiet to 140 s."""
    folder = tmp_path / name
    folder.mkdir()
    store.write_json(folder / store.SPEC, spec or SPEC)
    store.write_json(folder / store.ENVIRONMENT, environment)
    with store.Recorder(folder, source=str(environment["source"]), replay=True) as recorder:
        for t in range(141):
            text = _line(t, 99 if 20 < t <= 113 else 0, 40.0 if 20 < t <= 113 else 8.0)
            sample = parse_line(text + "\n", complete=True)
            assert sample is not None
            tick = Tick(t_s=float(t), sample=sample, raw=text, throttled=False)
            recorder.tick(tick, phase="measure", items=None, fps=None)
        for kind, t_s, fields in events:
            recorder.event(kind, t_s, **fields)
        rows = [[30 + i * 0.2, 30.2 + i * 0.2, "measure", 4, 92.0, 150.0] for i in range(batches)]
        recorder.batch_rows(rows, [4 * (i + 1) for i in range(batches)])
        recorder.give_up_reserve()
    store.write_json(folder / store.STATUS, {"t0_s": 0.0, "ticks": 141, "failed_items": 0})
    return Recording(folder=folder)


def _summary(recording: Recording) -> dict[str, Any]:
    document = summary_of(recording, state=RunState.DONE, message="", hint="")
    json.dumps(document, allow_nan=False)
    return document


def _documented() -> list[str]:
    text = _DOCS.read_text(encoding="utf-8").split("## summary.json", 1)[1]
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    assert all(len(row) == 6 for row in rows)
    assert all(row[3].strip() and row[4].strip() for row in rows), (
        "every key has its definition and says when it is null"
    )
    return [key for row in rows for key in re.findall(r"`([a-z0-9_]+)`", row[1])]


def test_the_documented_keys_are_those_of_the_summary(tmp_path: Path) -> None:
    documented = _documented()
    assert len(documented) == len(set(documented))
    found = _summary(_folder(tmp_path, RUN_EVENTS))
    assert set(documented) == set(found)
    assert found.keys() - {"verdict", "diagnosis"} == summary_shapes.KEYS
    assert summary_shapes.damaged_keys(found) == ()


def test_a_whole_run_has_every_figure_that_it_can_have(tmp_path: Path) -> None:
    found = _summary(_folder(tmp_path, RUN_EVENTS))
    assert (found["items"], found["fps_end_to_end"], found["fps_model"]) == (
        1600,
        pytest.approx(20.0),
        pytest.approx(40.0),
    )
    assert found["device_busy_share"] == pytest.approx(0.5)
    assert (found["forward_ms_p50"], found["forward_synchronised_ms_p50"]) == (92.0, 90.0)
    assert (found["gr3d_idle_pct_mean"], found["gr3d_pct_median"], found["gr3d_saturated_share"]) == (0.0, 99.0, 1.0)
    assert (found["ram_idle_mb_mean"], found["ram_rise_mb"], found["ram_total_mb"]) == (4000.0, 1000.0, 30698.0)
    assert (found["cpu_freq_cap_mhz"], found["gr3d_freq_cap_mhz"], found["cores_online"]) == (2201, 1300, 2)
    assert found["own_cpu_pct"] == pytest.approx(100 * 0.8 / 80)
    # 113 s worker gone, 10 s to settle, 140 s end.
    assert (found["idle_before_s"], found["idle_after_s"]) == (20.0, 17.0)
    assert (found["power_idle_before_w"], found["power_idle_after_w"]) == (pytest.approx(8.0), pytest.approx(8.0))
    assert found["energy_per_item_net_j"] is None
    assert (found["ticks"], found["ticks_expected"], found["coverage"]) == (80, 79, 1.0)
    assert (found["failed_items"], found["results"], found["in_flight"], found["stopped"]) == (2, 1600, 1, False)
    assert (found["power_mode_verified_start"], found["power_mode_verified_end"]) == (True, True)
    assert (found["worker_exit_code"], found["warmup_settled"], found["throttle_readable"]) == (0, True, True)
    assert found["started_utc"] == "2026-01-31T12:00:00.250Z"
    assert (found["origin"], found["profile"], found["interval_s"]) == ("run", "standard", 1.0)
    assert found["fps_bound"] > found["fps_end_to_end"]
    assert "16" in found["fps_bound_basis"]
    assert found["verdict"]["status"] == "invalid"  # two images could not be read
    assert found["counts"]["device_busy_share"] == 1600
    assert found["phases_asked_s"] == {"idle": 20.0, "warmup_min": 5.0, "warmup_max": 60.0, "cooldown": 30.0}
    assert (found["warmup_s"], found["l4t"]) == (5.0, ENVIRONMENT["l4t"])
    codes = [reason["code"] for reason in found["verdict"]["reasons"]]
    assert codes == ["failed-items", "warm-up-short"]
    assert found["diagnosis"]["kind"] == "host-bound"  # GR3D is 99 %, but the model alone is twice as fast
    unknown = {key for key, value in found.items() if value is None}
    assert unknown == {
        "items_asked", "seconds_asked", "gr3d_freq_mhz_mean", "gr3d_freq_mhz_max", "latency_ms_p99",
        "energy_per_item_net_j", "power_mode_mismatch", "tokens_per_s", "ttft_ms_p50", "sweep", "cell",
    }  # fmt: skip
    assert (found["method"], found["precision"], found["scope"]) == ("batched", "fp32", "full")
    assert (found["batch_size"], found["batch_size_asked"]) == (4, 8)
    kept = ("top1", 1.0, 1.0, True, 16)
    assert tuple(found[f"agreement_{key}"] for key in ("metric", "value", "threshold", "ok", "images")) == kept


_WAY = ("method", "precision", "scope", "batch_size", "batch_size_asked")


def _without(*kinds: str, **loaded: Any) -> _Events:
    """The events of a run but for some kinds, and with other words of the worker once it had loaded."""
    return [(kind, t_s, {"flop_per_item": 1e9, **loaded} if kind == "loaded" else fields)
            for kind, t_s, fields in RUN_EVENTS if kind not in kinds]  # fmt: skip


def test_a_run_of_before_methods_names_none_and_is_of_full_scope(tmp_path: Path) -> None:
    found = _summary(_folder(tmp_path, _without("agreement")))
    assert tuple(found[key] for key in _WAY) == (None, "fp32", "full", 4, 4)
    assert [key for key in found if key.startswith("agreement") and found[key] is not None] == []
    assert [reason["code"] for reason in found["verdict"]["reasons"]] == ["failed-items", "warm-up-short"]


def test_a_run_that_never_loaded_tells_what_was_asked(tmp_path: Path) -> None:
    spec = {**SPEC, "method": "graph", "precision": "fp16", "preload": True, "batch_size": 64}
    environment = {**ENVIRONMENT, "worker": {"device": "cpu"}}
    events = _without("agreement", "loaded", "done")
    found = _summary(_folder(tmp_path, events, environment=environment, spec=spec, batches=0))
    assert tuple(found[key] for key in _WAY) == ("graph", "fp16", "preloaded", 64, 64)


def test_a_preloaded_run_carries_a_label_and_a_disagreement_costs_the_verdict(tmp_path: Path) -> None:
    worse = {"metric": "top1", "value": 9 / 16, "threshold": 1.0, "ok": False, "images": 16}
    told = {"method": "graph", "precision": "fp16", "scope": "preloaded", "batch_size": 4, "batch_size_asked": 4}
    found = _summary(_folder(tmp_path, [("agreement", 24.0, worse), *_without("agreement", **told)]))
    assert found["scope"] == "preloaded"
    assert any(label.startswith("preloaded: ") for label in found["labels"])
    assert "disagrees" in [reason["code"] for reason in found["verdict"]["reasons"]]
    assert found["verdict"]["status"] == "invalid"


def test_text_generation_has_tokens_and_no_fps(tmp_path: Path) -> None:
    told = {"method": "batched", "precision": "fp16", "scope": "full", "batch_size": 1, "batch_size_asked": 1}
    events = [(kind, t_s, {**fields, "tokens": 4000, "ttft_ms_p50": 95.44} if kind == "done" else fields)
              for kind, t_s, fields in _without(**told)]  # fmt: skip
    environment = {**ENVIRONMENT, "images": "synthetic", "model_spec": {"task": "text-generation"}}
    found = _summary(_folder(tmp_path, events, environment=environment))
    assert set(found) == set(_documented())
    assert (found["tokens_per_s"], found["ttft_ms_p50"], found["items"]) == (pytest.approx(50.0), 95.44, 1600)
    for key in ("fps_end_to_end", "fps_model", "fps_first_half", "fps_second_half", "device_busy_share"):
        assert found[key] is None, key
        assert key not in found["counts"], key
    assert found["energy_per_item_j"] == pytest.approx(2.0)
    codes = [reason["code"] for reason in found["verdict"]["reasons"]]
    assert codes == ["failed-items", "warm-up-short"], "what text has not is no fault"
    assert found["verdict"]["reasons"][0]["text"].startswith("2 prompts could not be read.")
    assert [label for label in found["labels"] if label.startswith("synthetic")] == [
        "synthetic prompts: seeded token ids in place of the data set"
    ]


def test_a_run_from_before_profiles_has_every_key_too(tmp_path: Path) -> None:
    new = {"synchronised", "loaded", "agreement"}
    events = [
        (kind, t_s, {key: value for key, value in fields.items() if key not in
                     ("own_cpu_s", "final_sync_s", "results", "input_shapes", "in_flight", "power_mode",
                      "power_mode_verified")})
        for kind, t_s, fields in RUN_EVENTS if kind not in new
    ]  # fmt: skip
    environment = {key: value for key, value in ENVIRONMENT.items() if key not in ("origin", "power_mode_verified")}
    old = _folder(tmp_path, events, environment=environment, spec={"interval_ms": 1000, "batch_size": 4})
    found = _summary(old)
    assert set(found) == set(_documented())
    assert (found["origin"], found["fps_end_to_end"], found["ticks"]) == ("run", pytest.approx(20.0), 80)
    for key in ("profile", "own_cpu_pct", "final_sync_s", "results", "in_flight", "flop_per_item", "fps_bound"):
        assert found[key] is None, key


def test_alarms_of_the_power_supply_are_those_of_measure_where_both_its_ends_tell(tmp_path: Path) -> None:
    found = _summary(_folder(tmp_path, RUN_EVENTS))
    assert (found["over_current"], found["over_current_span"]) == ({"oc1": 0}, "measure")
    old = [(kind, t_s, {key: value for key, value in fields.items() if key != "over_current" or kind == "end"})
           for kind, t_s, fields in RUN_EVENTS]  # fmt: skip
    found = _summary(_folder(tmp_path, old, name=f"{RUN_ID}2"))
    assert (found["over_current"], found["over_current_span"]) == ({"oc1": 7}, "run")


def test_a_killed_run_has_its_figures_until_the_last_batch(tmp_path: Path) -> None:
    events = [event for event in RUN_EVENTS if event[1] < 110]
    found = _summary(_folder(tmp_path, events, batches=150))
    assert (found["items"], found["total_inference_time_s"]) == (600, pytest.approx(30.0))
    assert found["gr3d_pct_mean"] == pytest.approx(99.0)
    assert (found["stopped"], found["worker_exit_code"], found["idle_after_s"]) == (None, None, None)


def test_a_replay_measures_nothing(tmp_path: Path) -> None:
    environment = {"source": "replay", "simulated": False, "origin": "replay"}
    found = _summary(_folder(tmp_path, [("phase", 0.0, {"phase": "replay"})], environment=environment, batches=0))
    assert set(found) == set(_documented())
    assert (found["origin"], found["items"], found["scope"], found["ticks"]) == ("replay", None, None, 0)
    for key in ("fps_end_to_end", "gr3d_pct_mean", "power_w_mean", "energy_j", "coverage", "tick_period_s"):
        assert found[key] is None, key


def test_an_imported_log_has_the_board_but_no_images(tmp_path: Path) -> None:
    events: _Events = [
        ("imported", 0.0, {"file": "resnet_maxn.txt", "sha256": "00", "notes": []}),
        ("phase", 0.0, {"phase": "idle"}),
        ("phase", 30.0, {"phase": "measure"}),
        ("done", 110.0, {"t_start_s": 30.0, "t_end_s": 110.0, "items": None, "failed_items": 0, "stopped": False}),
        ("phase", 110.0, {"phase": "cooldown"}),
        ("end", 140.0, {"state": "done", "message": ""}),
    ]
    environment = {"source": "imported", "origin": "imported", "simulated": False, "power_mode": "MAXN"}
    recording = _folder(tmp_path, events, environment=environment, batches=0)
    found = _summary(recording)
    assert set(found) == set(_documented())
    assert (found["origin"], found["started_utc"]) == ("imported", "2026-01-31T12:00:00.000Z")
    assert {found[key] for key in found if key in _WAY or key.startswith("agreement")} == {None}
    assert (found["power_w_mean"], found["gr3d_pct_mean"]) == (pytest.approx(40.0), pytest.approx(99.0))
    assert found["energy_j"] == pytest.approx(3200.0)
    assert (found["power_first_half_w"], found["fps_first_half"]) == (pytest.approx(40.0), None)
    for key in ("items", "fps_end_to_end", "energy_per_item_j", "items_per_joule", "latency_ms_p50", "model"):
        assert found[key] is None, key
    assert found["verdict"]["status"] == "imported"


def test_an_imported_log_with_a_count_but_no_model_has_its_pace(tmp_path: Path) -> None:
    events: _Events = [
        ("phase", 30.0, {"phase": "measure"}),
        ("done", 110.0, {"t_start_s": 30.0, "t_end_s": 110.0, "items": 1600, "failed_items": 0, "stopped": False}),
    ]
    environment = {"source": "imported", "origin": "imported", "simulated": False}
    found = _summary(_folder(tmp_path, events, environment=environment, batches=0))
    assert (found["items"], found["fps_end_to_end"]) == (1600, pytest.approx(20.0))
    assert found["energy_per_item_j"] == pytest.approx(2.0)


def test_a_source_without_gpu_and_rails_leaves_blanks(tmp_path: Path) -> None:
    recording = _folder(tmp_path, RUN_EVENTS)
    lines = recording.csv_path.read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    kept = [i for i, name in enumerate(names) if "GR3D" not in name and "(mW)" not in name and name != "Power (W)"]
    text = "\n".join(",".join(line.split(",")[i] for i in kept) for line in lines) + "\n"
    recording.csv_path.write_text(text, encoding="utf-8")
    found = _summary(recording)
    assert (found["power_rails"], found["power_by_rail_w"]) == ([], {})
    for key in (
        "gr3d_pct_mean",
        "gr3d_idle_pct_mean",
        "idle_ticks_inside",
        "power_w_mean",
        "energy_j",
        "power_first_half_w",
    ):
        assert found[key] is None, key
    assert (found["busiest_core_pct_mean"], found["ticks"]) == (30.0, 80)


@pytest.mark.parametrize("name", [store.RUN_CSV, store.BATCHES_CSV, store.EVENTS, store.STATUS, store.ENVIRONMENT])
@pytest.mark.parametrize("content", [None, "", "\n", "\x00\x01garbage", '{"kind": 1}\n'])
def test_a_damaged_file_leaves_blanks_and_no_crash(tmp_path: Path, name: str, content: str | None) -> None:
    recording = _folder(tmp_path, RUN_EVENTS)
    path = recording.folder / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    assert set(_summary(recording)) == set(_documented())


def test_a_row_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    recording = _folder(tmp_path, RUN_EVENTS)
    whole = _summary(recording)
    with recording.csv_path.open("a", encoding="utf-8") as stream:
        stream.write("141,141000,9999")
    with (recording.folder / store.BATCHES_CSV).open("a", encoding="utf-8") as stream:
        stream.write("109.9,110.0,measure,4,1")
    assert _summary(recording) == whole


def test_a_summary_can_be_computed_anew_and_keeps_how_the_run_ended(tmp_path: Path) -> None:
    recording = _folder(tmp_path, RUN_EVENTS)
    written = finish(recording, state=RunState.STOPPED, message="The run was stopped.", hint="Start it again.")
    store.write_json(recording.folder / store.SUMMARY, {
        "state": "stopped", "message": written["message"], "hint": written["hint"], "power_w_mean": 1.0,
    })  # fmt: skip
    assert resummarise(recording) == written
    assert recording.summary() == json.loads(json.dumps(written))


def test_a_run_without_a_summary_is_not_given_one(tmp_path: Path) -> None:
    recording = _folder(tmp_path, RUN_EVENTS)
    with pytest.raises(BadRequest):
        resummarise(recording)
    assert recording.summary() is None
