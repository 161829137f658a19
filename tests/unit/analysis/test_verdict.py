"""Verdicts on summaries with one thing wrong each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orin_core.analysis.verdict import PROFILES, Reason, Status, Verdict, from_json, judge, repeats_needed


def good(**changed: Any) -> dict[str, Any]:
    """A run of the standard profile on a board, with nothing wrong, as ``summary.json`` has it."""
    return {
        "origin": "run",
        "state": "done",
        "message": "",
        "profile": "standard",
        "source": "tegrastats",
        "simulated": False,
        "device_type": "cuda",
        "precision": "fp16",
        "tf32_allowed": True,
        "flop_per_item": 23.03e9,
        "multiprocessors": 16,
        "gr3d_freq_cap_mhz": 1300,
        "power_mode": "MODE_50W",
        "power_mode_at_end": "MODE_50W",
        "power_mode_verified_start": True,
        "power_mode_verified_end": True,
        "items": 28_000,
        "items_asked": None,
        "failed_items": 0,
        "results": 28_000,
        "total_inference_time_s": 70.0,
        "ticks": 69,
        "ticks_expected": 69,
        "coverage": 1.0,
        "tick_period_s": 1.0,
        "interval_s": 1.0,
        "idle_before_s": 10.0,
        "gr3d_idle_pct_mean": 0.4,
        "warmup_settled": True,
        "fps_end_to_end": 400.0,
        "fps_model": 410.0,
        "fps_first_half": 401.0,
        "fps_second_half": 399.0,
        "power_w_mean": 27.8,
        "power_first_half_w": 27.7,
        "power_second_half_w": 27.9,
        "power_idle_before_w": 6.0,
        "power_idle_after_w": 6.1,
        "throttled_share": 0.0,
        "over_current": {"oc1": 0, "oc3": 0},
        "idle_ticks_inside": 0,
        "worker_exit_code": 0,
        "stopped": False,
        "final_sync_s": 0.00002,
        "batch_s_p50": 0.08,
        "forward_ms_p50": 76.0,
        "forward_synchronised_ms_p50": 75.0,
        "gr3d_pct_mean": 91.0,
        "gr3d_pct_median": 99.0,
        "busiest_core_pct_mean": 22.0,
        "ram_used_mb_max": 5000.0,
        "ram_total_mb": 30_698,
        "tj_c_max": 53.7,
        "tj_c_start": 50.0,
        "tj_c_end": 53.0,
        **changed,
    }


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_a_run_that_kept_the_protocol_is_valid() -> None:
    verdict = judge(good())
    assert (verdict.status, verdict.badge, verdict.reasons, verdict.unknown) == (Status.VALID, "VALID", (), ())
    assert "can be compared" in verdict.sentence


@pytest.mark.parametrize(
    ("code", "changed", "words"),
    [
        ("too-short", {"total_inference_time_s": 41.26}, "Only 41.2 of 60 s were measured; standard needs 60 s."),
        ("too-short", {"total_inference_time_s": 59.97}, "Only 59.9 of 60 s"),
        ("too-short", {"profile": "formal", "total_inference_time_s": 599.0}, "formal needs 600 s"),
        ("too-few-ticks", {"ticks": 59}, "59 ticks"),
        ("too-few-items", {"items": 99, "results": 99}, "99 images; standard needs 100"),
        ("too-few-items", {"items": None}, "not recorded"),
        ("too-few-batches", {"fps_first_half": None, "fps_second_half": None}, "too few batches"),
        ("coverage-unknown", {"coverage": None}, "not recorded"),
        ("no-idle", {"idle_before_s": None}, "No idle was recorded"),
        ("no-idle", {"idle_before_s": 0}, "No idle was recorded"),
        ("no-idle", {"idle_before_s": 4.0}, "Only 4 s of idle"),
        ("gpu-in-use", {"gr3d_idle_pct_mean": 5.0}, "5.0 %"),
        ("no-warm-up", {"warmup_settled": None}, "no warm-up"),
        ("warm-up-not-settled", {"warmup_settled": False}, "within 5 %"),
        ("mode-not-verified", {"power_mode_verified_start": False}, "not those of 50W"),
        ("mode-changed", {"power_mode_verified_end": False}, "not those of 50W"),
        ("mode-changed", {"power_mode_at_end": "MAXN"}, "began in 50W and ended in MAXN"),
        ("mode-unverified", {"power_mode_verified_start": None}, "at the start of the run"),
        ("mode-unverified", {"power_mode_verified_end": None}, "at the end of the run"),
        ("failed-items", {"failed_items": 3}, "3 images could not be read"),
        ("items-missing", {"items_asked": 30_000}, "28000 of 30000"),
        ("gaps", {"coverage": 0.949}, "94.9 %"),
        ("idle-inside", {"idle_ticks_inside": 3}, "3 ticks inside measure look idle"),
        ("throttled", {"throttled_share": 0.01}, "1 % of the ticks"),
        ("over-current", {"over_current": {"oc3": 1}}, "alarms in 69 ticks: 1 (limit 1 % of the ticks)"),
        ("fps-drift", {"fps_first_half": 420.0, "fps_second_half": 398.0}, "5.38 % apart"),
        ("fps-drift", {"fps_first_half": 398.0, "fps_second_half": 420.0}, "5.38 % apart"),
        ("power-drift", {"power_first_half_w": 27.0, "power_second_half_w": 28.0}, "3.64 % apart"),
        ("worker-exit", {"worker_exit_code": -9}, "code -9"),
        ("worker-exit-unknown", {"worker_exit_code": None}, "not recorded"),
        ("run-failed", {"state": "failed", "message": "The worker was killed."}, "failed: The worker was killed."),
        ("run-interrupted", {"state": "interrupted"}, "interrupted"),
        ("run-stopped", {"state": "stopped"}, "stopped"),
        ("run-stopped", {"stopped": True}, "stopped"),
    ],
)
def test_one_broken_rule_is_one_reason(code: str, changed: dict[str, Any], words: str) -> None:
    verdict = judge(good(**changed))
    assert (verdict.status, codes(verdict)) == (Status.INVALID, [code])
    assert words in verdict.reasons[0].text
    assert verdict.sentence == verdict.reasons[0].text


@pytest.mark.parametrize(
    ("code", "changed", "words"),
    [
        ("above-the-bound", {"fps_end_to_end": 1900.0, "fps_model": 1810.0}, "than the 1850 that the GPU can do"),
        ("model-above-the-bound", {"fps_model": 1900.0}, "for the model alone"),
        ("final-sync", {"final_sync_s": 0.17}, "170 ms, 2.12 batch times"),
        ("forward-too-short", {"forward_ms_p50": 71.0}, "5.33 % less"),
        ("results-not-read", {"results": 27_999}, "27999 results"),
        ("faster-than-its-model", {"fps_model": 380.0}, "380"),
        ("reading-out-of-range", {"gr3d_pct_mean": 250.0}, "GR3D is 250 %"),
        ("reading-out-of-range", {"gr3d_pct_mean": -1.0}, "0 to 100"),
        ("reading-out-of-range", {"power_w_mean": 0.0}, "power is 0 W"),
        ("reading-out-of-range", {"power_w_mean": 201.0}, "at most 200 W"),
        ("reading-out-of-range", {"ram_used_mb_max": 31_000.0}, "30698 MB"),
        ("reading-out-of-range", {"tj_c_max": 125.5}, "-40 to 125"),
        ("reading-out-of-range", {"tj_c_start": -256.0}, "-256"),
    ],
)
def test_what_cannot_be_true_is_refused(code: str, changed: dict[str, Any], words: str) -> None:
    verdict = judge(good(**changed))
    assert (verdict.status, verdict.badge) == (Status.IMPLAUSIBLE, "IMPLAUSIBLE")
    assert code in codes(verdict)
    assert any(words in reason.text for reason in verdict.reasons)


@pytest.mark.parametrize(
    "changed",
    [
        {"total_inference_time_s": 60.0, "ticks": 60, "items": 100, "results": 100},
        {"total_inference_time_s": 600.0, "profile": "formal"},
        {"idle_before_s": 8.1},
        {"gr3d_idle_pct_mean": 4.9},
        {"coverage": 0.95},
        {"throttled_share": 0.0099},
        {"over_current": {"oc3": 6}, "ticks": 630},
        {"over_current": None},
        {"fps_first_half": 410.0, "fps_second_half": 391.0},
        {"power_first_half_w": 27.5, "power_second_half_w": 28.3},
        {"power_mode_at_end": "50W"},
        {"items_asked": 28_000},
        {"fps_end_to_end": 1849.0, "fps_model": 1849.0},
        {"final_sync_s": 0.159},
        {"final_sync_s": 0.0009, "batch_s_p50": 0.0001},
        {"forward_ms_p50": 71.3},
        {"forward_ms_p50": 300.0},
        {"fps_model": 382.0},
        {"flop_per_item": None},
        {"forward_synchronised_ms_p50": None},
    ],
)
def test_within_the_limits_is_valid(changed: dict[str, Any]) -> None:
    verdict = judge(good(**changed))
    assert (verdict.status, verdict.reasons) == (Status.VALID, ())


def test_the_clock_noise_of_a_cpu_is_no_missing_synchronisation() -> None:
    assert judge(good(device_type="cpu", forward_ms_p50=60.0, fps_model=330.0)).status is Status.VALID
    assert "forward-too-short" in codes(judge(good(device_type="cpu", forward_ms_p50=30.0)))
    assert "faster-than-its-model" in codes(judge(good(device_type="cpu", fps_model=190.0)))


def test_several_broken_rules_are_all_named() -> None:
    verdict = judge(good(total_inference_time_s=20.0, ticks=19, warmup_settled=False))
    assert codes(verdict) == ["too-short", "too-few-ticks", "warm-up-not-settled"]
    assert verdict.sentence.startswith("3 rules of the protocol were not kept")


def test_an_implausible_run_names_broken_rules_too() -> None:
    assert codes(judge(good(results=1, coverage=0.5))) == ["results-not-read", "gaps"]


def test_a_run_that_failed_is_invalid_whatever_else() -> None:
    for changed in ({"profile": "demo"}, {"simulated": True, "source": "simulated"}, {"results": 1}):
        verdict = judge(good(state="failed", message="No memory.", **changed))
        assert verdict.status is Status.INVALID
        assert verdict.sentence == "The run failed: No memory. See worker.log in its folder, and run it again."


def test_a_run_without_measure_names_only_that() -> None:
    verdict = judge({"state": "failed", "message": "The model cannot be loaded.", "source": "tegrastats"})
    assert (verdict.status, codes(verdict), verdict.unknown) == (Status.INVALID, ["run-failed", "no-measure"], ())


def test_a_demo_is_never_valid_and_told_what_it_lacks() -> None:
    verdict = judge(good(profile="demo", total_inference_time_s=20.0, ticks=19))
    assert (verdict.status, codes(verdict)) == (Status.DEMO, ["too-short", "too-few-ticks"])
    assert "standard needs 60 s" in verdict.reasons[0].text
    assert judge(good(profile="demo")).status is Status.DEMO
    assert judge(good(profile="demo", results=3)).status is Status.IMPLAUSIBLE


def test_simulated_telemetry_is_never_valid() -> None:
    simulated = {"source": "simulated", "simulated": True, "device_type": "cpu"}
    verdict = judge(good(**simulated))
    assert (verdict.status, verdict.badge) == (Status.SIMULATED, "SIMULATED")
    assert verdict.sentence == "Protocol kept, not a measurement."
    short = judge(good(**simulated, total_inference_time_s=20.0))
    assert (short.status, codes(short)) == (Status.SIMULATED, ["too-short"])
    assert "1 rule of the protocol" in short.sentence
    assert "simulated" in judge(good(**simulated, profile="demo")).sentence


def test_the_bound_of_the_board_says_nothing_of_a_simulated_one_but_synchronisation_does() -> None:
    simulated = {"source": "simulated", "simulated": True, "device_type": "cpu"}
    assert judge(good(**simulated, fps_end_to_end=9000.0, fps_model=9000.0)).status is Status.SIMULATED
    assert judge(good(**simulated, results=3)).status is Status.IMPLAUSIBLE
    assert judge(good(**simulated, final_sync_s=1.0)).status is Status.IMPLAUSIBLE


def imported(**changed: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(good())
    return {
        **nothing,
        "origin": "imported",
        "source": "imported",
        "state": "done",
        "total_inference_time_s": 475.0,
        "ticks": 470,
        "coverage": 0.99,
        "gr3d_pct_mean": 59.0,
        "power_first_half_w": 14.7,
        "power_second_half_w": 14.8,
        "idle_ticks_inside": 0,
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"total_inference_time_s": 40.0, "ticks": 39}, ["too-short", "too-few-ticks"]),
        ({"idle_ticks_inside": 428}, ["idle-inside"]),
        ({"power_second_half_w": 27.0}, ["power-drift"]),
        ({"coverage": 0.6}, ["gaps"]),
        ({"gr3d_pct_mean": 250.0}, ["reading-out-of-range"]),
    ],
)
def test_imported_logs_are_not_verified(changed: dict[str, Any], found: list[str]) -> None:
    verdict = judge(imported(**changed))
    assert (verdict.status, verdict.badge, codes(verdict)) == (Status.IMPORTED, "IMPORTED", found)
    assert verdict.sentence == "Imported, not verified."
    assert verdict.unknown


def test_a_replay_is_a_replay() -> None:
    assert judge({"source": "replay", "state": "done"}).status is Status.REPLAY
    assert judge({"origin": "replay", "state": "stopped"}).sentence == "Replayed log, not verified."


def test_what_nobody_could_look_at_is_said_in_words() -> None:
    missing = ("gr3d_idle_pct_mean", "throttled_share", "power_first_half_w", "final_sync_s", "results")
    summary = good(source="host", power_mode=None, power_mode_at_end=None, **dict.fromkeys(missing))
    summary |= {"forward_synchronised_ms_p50": None, "power_mode_verified_start": None, "power_mode_verified_end": None}
    verdict = judge(summary)
    assert verdict.status is Status.VALID
    assert "Nobody could look at the GPU before the run: there is no GR3D reading here." in verdict.unknown
    assert "This machine has no power modes, so none was verified." in verdict.unknown
    assert len(verdict.unknown) == 6
    assert "The physical bound is not known" in judge(good(flop_per_item=None)).unknown[0]


OLD = {
    "run_id": "20250101T000000Z_resnet-152_cifar100_MAXN_abcd",
    "state": "done",
    "power_mode": "MAXN",
    "source": "tegrastats",
    "simulated": False,
    "failed_items": 0,
    "items_asked": None,
    "seconds_asked": 60.0,
    "items": 1260,
    "total_inference_time_s": 60.01,
    "fps_end_to_end": 21.0,
    "ticks": 59,
    "ticks_expected": 60,
    "warmup_settled": True,
    "over_current": {},
}
"""A summary of before the protocol."""


def test_an_old_summary_is_judged_and_not_valid() -> None:
    verdict = judge(OLD)
    assert verdict.status is Status.INVALID
    assert {"mode-unverified", "no-idle", "worker-exit-unknown"} <= set(codes(verdict))


@pytest.mark.parametrize("value", [None, "text", [], {}, True, float("nan"), float("inf"), -1, 0, 1e300])
def test_damaged_summaries_are_judged_too(value: Any) -> None:
    for key in good():
        judge(good(**{key: value}))
        judge(imported(**{key: value}))
    judge(dict.fromkeys(good(), value))


def test_a_missing_key_never_makes_more_of_a_run() -> None:
    for broken in ({"coverage": 0.5}, {"results": 1}, {"state": "failed"}):
        for key in good():
            summary = good(**broken)
            if key not in broken:
                del summary[key]
                assert judge(summary).status is not Status.VALID, (broken, key)


def test_json_there_and_back() -> None:
    for summary in (good(), good(results=1), good(coverage=0.1), imported()):
        verdict = judge(summary)
        assert from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    assert judge(good(coverage=0.1)).to_json()["reasons"][0]["code"] == "gaps"


@pytest.mark.parametrize("document", [{}, {"status": "fine"}, {"status": "valid", "badge": "VALID", "sentence": ""}])
def test_json_of_another_shape_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        from_json(document)


def test_profiles() -> None:
    assert {name: (p.min_s, p.min_ticks, p.min_items) for name, p in PROFILES.items()} == {
        "demo": (0, 0, 0),
        "standard": (60, 60, 100),
        "formal": (600, 60, 100),
    }
    assert [repeats_needed(name) for name in ("demo", "standard", "formal", "other")] == [1, 1, 5, 1]
    assert "one of the 5 repeats" in judge(good(profile="formal", total_inference_time_s=630.0)).sentence


def test_every_reason_is_for_people_and_has_a_code_for_programs() -> None:
    everything = {
        "total_inference_time_s": 1.0, "ticks": 0, "items": 3, "results": 1, "items_asked": 9, "failed_items": 1,
        "coverage": 0.1, "idle_before_s": 0, "gr3d_idle_pct_mean": 60.0, "warmup_settled": False,
        "power_mode_verified_start": False, "power_mode_verified_end": False, "idle_ticks_inside": 9,
        "throttled_share": 0.5, "over_current": {"oc1": 9}, "fps_first_half": 1.0, "power_first_half_w": 1.0,
        "worker_exit_code": 1, "final_sync_s": 9.0, "forward_ms_p50": 1.0, "fps_end_to_end": 1e5, "fps_model": 1e4,
        "tj_c_max": 999.0,
    }  # fmt: skip
    reasons: tuple[Reason, ...] = judge(good(**everything)).reasons
    assert len(reasons) > 20
    for reason in reasons:
        assert reason.code == reason.code.lower()
        assert " " not in reason.code
        assert reason.text[0].isupper() or reason.text[0].isdigit()
        assert reason.text.endswith(".")
        assert "  " not in reason.text
        assert "None" not in reason.text
        assert "nan" not in reason.text


@pytest.mark.parametrize("changed", [{"forward_ms_p50": 1.0}, {"fps_model": 1.0}])
def test_a_model_timed_on_one_size_is_no_yardstick_for_several(changed: dict[str, Any]) -> None:
    assert judge(good(**changed)).status is Status.IMPLAUSIBLE
    found = judge(good(**changed, input_shapes=3))
    assert found.status is Status.VALID
    assert any("several sizes" in sentence for sentence in found.unknown)
