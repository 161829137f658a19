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
        "method": "batched",
        "precision": "fp16",
        "scope": "full",
        "batch_size": 32,
        "batch_size_asked": 32,
        "in_flight": 1,
        "agreement_metric": "top1",
        "agreement_value": 1.0,
        "agreement_threshold": 1.0,
        "agreement_ok": True,
        "agreement_images": 16,
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
        "counts": {"gr3d_idle_pct_mean": 9},
        "l4t": "# R36 (release), REVISION: 4.0",
        "phases_asked_s": {"idle": 10.0, "warmup_min": 10.0, "warmup_max": 120.0, "cooldown": 10.0},
        "warmup_settled": True,
        "warmup_s": 11.2,
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
        "over_current_span": "measure",
        "readings_out_of_range": {},
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
        "ram_used_mb_mean": 4900.0,
        "ram_used_mb_max": 5000.0,
        "ram_total_mb": 30_698,
        "tj_c_max": 53.7,
        "tj_c_start": 50.0,
        "tj_c_end": 53.0,
        **changed,
    }


def read(**changed: int) -> dict[str, int]:
    """How many ticks have a reading, all of them but for those named."""
    names = ("power_w_mean", "gr3d_pct_mean", "ram_used_mb_mean", "throttled_share")
    return {"gr3d_idle_pct_mean": 9, **dict.fromkeys(names, 69), **changed}


VERIFIED = ("power_mode_verified_start", "power_mode_verified_end")


def asked(**changed: float) -> dict[str, float]:
    """Lengths of the phases as the protocol asks for them, but for those named."""
    return {"idle": 10.0, "warmup_min": 10.0, "warmup_max": 120.0, "cooldown": 10.0, **changed}


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
        ("too-short", {"total_inference_time_s": 0.0437}, "Only 0.043 of 60 s"),
        ("too-few-ticks", {"ticks": 1, "ticks_expected": 1}, "rest on 1 tick of telemetry"),
        ("too-few-items", {"items": 1, "results": 1}, "rests on 1 image;"),
        ("no-idle", {"interval_s": 10.0, "tick_period_s": 1.0}, "40 s are needed"),
        ("no-idle", {"interval_s": 10.0, "tick_period_s": 1.0}, "Ask for 40 s of idle or more (4 intervals)."),
        ("mode-changed", {"cpu_ceiling_mhz": 2201, "cpu_freq_cap_mhz": 1497}, "A CPU core ran at 2201 MHz in measure"),
        ("mode-changed", {"gr3d_freq_mhz_max": 1327}, "the 1300 MHz that the power mode allowed"),
        ("gaps", {"counts": read(power_w_mean=65)}, "Of 69 expected ticks only so many have a reading: power in 65"),
        ("gaps", {"counts": read(gr3d_pct_mean=3, ram_used_mb_mean=2)}, "GR3D in 3, RAM in 2 (limit 95 %)"),
        ("gaps", {"counts": read(throttled_share=1)}, "throttling in 1"),
        ("gaps", {"coverage": 0.9, "notices": ["tegrastats ended with exit code -9."]}, "tegrastats ended with exit"),
        ("too-few-items", {"items": None}, "not recorded"),
        ("too-few-batches", {"fps_first_half": None, "fps_second_half": None}, "too few batches"),
        ("coverage-unknown", {"coverage": None}, "not recorded"),
        ("no-idle", {"idle_before_s": None}, "No idle was recorded"),
        ("no-idle", {"idle_before_s": 0}, "No idle was recorded"),
        ("no-idle", {"idle_before_s": 4.0}, "Only 4 s of idle"),
        ("no-idle", {"idle_before_s": 7.9}, "Only 7.9 s of idle"),
        ("no-idle", {"idle_before_s": 8.4, "tick_period_s": 0.1, "interval_s": 0.1}, "Only 8.4 s of idle"),
        ("no-idle", {"counts": {"gr3d_idle_pct_mean": 2}}, "in idle only 2 ticks had it; 3 are needed"),
        ("no-idle", {"counts": {"gr3d_idle_pct_mean": 1}}, "in idle only 1 tick had it"),
        ("no-idle", {"counts": {}, "gr3d_idle_pct_mean": None}, "in idle no tick had it"),
        ("warm-up-short", {"phases_asked_s": asked(warmup_min=9.9)}, "9.9 s at least and lasted 11.2 s; 10 s"),
        ("cooldown-short", {"phases_asked_s": asked(cooldown=0.0)}, "asked to be 0 s; 10 s are needed"),
        ("record-incomplete", {"final_sync_s": None}, "Not recorded: how long the device still worked at the end."),
        ("record-incomplete", {"results": None}, "how many results were read"),
        ("record-incomplete", {"forward_synchronised_ms_p50": None}, "older version or cut off"),
        ("record-incomplete", {"fps_model": None}, "the speed of the model alone"),
        ("record-incomplete", {"forward_ms_p50": None}, "the forward passes of the loop"),
        ("record-incomplete", {"batch_s_p50": None}, "how long a batch took"),
        ("record-incomplete", {"device_type": None}, "what computed"),
        ("record-incomplete", {"source": "elsewhere"}, "where the telemetry came from"),
        ("record-incomplete", {"failed_items": None}, "how many images failed"),
        ("record-incomplete", {"ticks": None}, "how many ticks came"),
        ("record-incomplete", {"phases_asked_s": None}, "how long the phases were asked to be"),
        ("mode-unverified", {"source": "host", **dict.fromkeys(VERIFIED)}, "at the start and the end of the run"),
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
        ("over-current", {"over_current": {"oc3": 1}}, "alarms in the 69 ticks of measure: 1 (limit 1 %"),
        ("over-current", {"over_current": {"oc3": 1}, "over_current_span": "run"}, "over the whole run: 1"),
        ("over-current", {"over_current": {"oc3": 1}, "over_current_span": None}, "fell into measure was not"),
        ("fps-drift", {"fps_first_half": 420.0, "fps_second_half": 398.0}, "5.38 % apart"),
        ("fps-drift", {"fps_first_half": 398.0, "fps_second_half": 420.0}, "5.38 % apart"),
        ("power-drift", {"power_first_half_w": 27.0, "power_second_half_w": 28.0}, "3.64 % apart"),
        (
            "disagrees",
            {"agreement_value": 0.5625, "agreement_ok": False},
            "agrees with the reference on 9 of 16 images; 100 % is needed: this method computes something else.",
        ),
        ("disagrees", {"agreement_value": 0.5625, "agreement_ok": False}, "use a wider precision, such as fp32."),
        ("disagrees", {"agreement_ok": False, "weights": "random"}, "use a wider precision, such as fp32."),
        (
            "disagrees",
            {
                "agreement_value": 0.5625,
                "agreement_ok": False,
                "precision": "fp32",
                "fps_end_to_end": 200.0,
                "fps_model": 210.0,
            },
            "use another method.",
        ),
        (
            "disagrees",
            {
                "agreement_metric": "depth_error",
                "agreement_value": 0.12,
                "agreement_threshold": 0.01,
                "agreement_ok": False,
                "agreement_images": 1,
            },
            "The depth maps of 1 image differ from the reference by 12 % of its range; 1 % is allowed",
        ),
        (
            "disagrees",
            {"agreement_metric": "tokens", "agreement_value": 0.875, "agreement_ok": False, "agreement_images": 3},
            "Of the tokens behind 3 prompts, 87.5 % are the reference's; 100 % is needed",
        ),
        (
            "disagrees",
            {
                "agreement_metric": "box_iou",
                "agreement_value": 0.713,
                "agreement_threshold": 0.95,
                "agreement_ok": False,
            },
            "The boxes on 16 images overlap with those of the reference by 71.3 %; 95 % is needed",
        ),
        (
            "disagrees",
            {"agreement_metric": "other", "agreement_value": 0.5, "agreement_ok": False},
            "Held against the reference on 16 images, other is 0.5; the limit is 1",
        ),
        ("record-incomplete", {"agreement_ok": None}, "Not recorded: whether its results agree with the reference."),
        ("record-incomplete", {"agreement_value": None}, "whether its results agree with the reference"),
        ("worker-exit", {"worker_exit_code": -9}, "was killed by SIGKILL"),
        ("worker-exit-unknown", {"worker_exit_code": None}, "not recorded"),
        ("run-failed", {"state": "failed", "message": "The worker was killed."}, "failed: The worker was killed."),
        (
            "run-failed",
            {"state": "failed", "message": "The worker was killed by SIGKILL.", "hint": "Try a smaller batch."},
            "The run failed: The worker was killed by SIGKILL. Try a smaller batch.",
        ),
        ("run-interrupted", {"state": "interrupted"}, "The run was interrupted. Run it again."),
        ("run-stopped", {"state": "stopped", "stopped": True}, "was stopped before its end"),
        ("run-stopped", {"state": "stopped", "stopped": None}, "was stopped before its end"),
        ("run-stopped", {"state": "stopped"}, "was stopped in cooldown; measure was whole"),
        ("run-stopped", {"stopped": True}, "stopped"),
        ("run-unfinished", {"state": "running"}, "not come to its end yet"),
        ("run-unfinished", {"state": None}, "was not recorded"),
        ("run-unfinished", {"state": "finished"}, "was not recorded"),
    ],
)
def test_one_broken_rule_is_one_reason(code: str, changed: dict[str, Any], words: str) -> None:
    verdict = judge(good(**changed))
    assert (verdict.status, codes(verdict)) == (Status.INVALID, [code])
    assert words in verdict.reasons[0].text
    assert verdict.sentence == verdict.reasons[0].text


def test_the_weightiest_reason_comes_first() -> None:
    changed = {"total_inference_time_s": 20.0, "agreement_value": 0.5, "agreement_ok": False, "throttled_share": 0.5}
    assert codes(judge(good(**changed))) == ["disagrees", "throttled", "too-short"]


@pytest.mark.parametrize(
    ("code", "changed", "words"),
    [
        ("above-the-bound", {"fps_end_to_end": 1900.0, "fps_model": 1810.0}, "than the 1850 that the GPU can do"),
        ("model-above-the-bound", {"fps_model": 1900.0}, "for the model alone"),
        ("final-sync", {"final_sync_s": 0.17}, "170 ms, 2.12 batch times"),
        # A batch that waits for the one before it takes twice as long, and works no longer.
        ("final-sync", {"final_sync_s": 0.17, "batch_s_p50": 0.16, "in_flight": 2}, "170 ms, 2.12 batch times"),
        ("above-the-bound", {"precision": "tf32", "fps_end_to_end": 950.0, "fps_model": 920.0}, "than the 924.8"),
        # FP32 never uses TF32 where the run names its method, whatever is allowed elsewhere.
        ("above-the-bound", {"precision": "fp32", "fps_end_to_end": 400.0, "fps_model": 400.0}, "than the 231.2"),
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
        ("reading-out-of-range", {"readings_out_of_range": {"GR3D": 1}}, "cannot be true: GR3D in 1 tick; the means"),
        ("reading-out-of-range", {"readings_out_of_range": {"power": 2, "used RAM": 1}}, "power in 2 ticks, used RAM"),
        ("final-sync", {"final_sync_s": 0.0011, "batch_s_p50": 0.0001}, "1.1 ms, 11 batch times"),
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
        {"idle_before_s": 8.0},
        {"idle_before_s": 8.5, "tick_period_s": 0.1, "interval_s": 0.1},
        {"counts": {"gr3d_idle_pct_mean": 3}},
        {"phases_asked_s": asked(warmup_min=10.0, idle=60.0, cooldown=70.0)},
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
        {"batch_size": 8},  # halved by consent
        {"scope": "preloaded"},
        {"method": "reference", "agreement_metric": None, "agreement_ok": None, "agreement_value": None},
        {"method": None, "agreement_metric": None, "agreement_ok": None, "precision": "fp32"},
        {"agreement_metric": "depth_error", "agreement_value": 0.002, "agreement_threshold": 0.01},
        {
            "tokens_per_s": 50.0,
            "fps_first_half": None,
            "fps_second_half": None,
            "fps_model": None,
            "fps_end_to_end": None,
        },
        {"flop_per_item": None},
        {"final_sync_s": 0.00099, "batch_s_p50": 0.00001},
        {"agreement_metric": "box_iou", "agreement_value": 0.3, "agreement_ok": False, "weights": "random"},
    ],
)
def test_within_the_limits_is_valid(changed: dict[str, Any]) -> None:
    verdict = judge(good(**changed))
    assert (verdict.status, verdict.reasons) == (Status.VALID, ())


def test_the_clock_noise_of_a_cpu_is_no_missing_synchronisation() -> None:
    assert judge(good(device_type="cpu", forward_ms_p50=30.0, fps_model=190.0)).status is Status.VALID
    assert "forward-too-short" in codes(judge(good(device_type="cpu", forward_ms_p50=15.0)))
    assert "faster-than-its-model" in codes(judge(good(device_type="cpu", fps_model=90.0)))


def test_a_cpu_has_nothing_to_wait_for_after_the_last_result() -> None:
    assert judge(good(device_type="cpu", final_sync_s=1.0)).status is Status.VALID
    assert judge(good(device_type="cuda", final_sync_s=1.0)).status is Status.IMPLAUSIBLE


def test_how_a_run_ended_is_said_once() -> None:
    message = "The run was interrupted: its runner was killed or the machine went down."
    verdict = judge(good(state="interrupted", message=message, hint="Every row written until then is kept."))
    assert verdict.sentence == f"{message} Every row written until then is kept. Run it again."


def test_a_measure_without_a_batch_is_told_from_one_that_was_never_reached() -> None:
    assert "No batch of measure ended" in judge(good(total_inference_time_s=None, measure_began=True)).sentence
    assert "never came to measure" in judge(good(total_inference_time_s=None, measure_began=False)).sentence


def test_no_tick_is_expected_of_a_measure_that_is_shorter_than_one() -> None:
    verdict = judge(good(total_inference_time_s=0.4, ticks=0, ticks_expected=0, coverage=None))
    assert codes(verdict) == ["too-short", "too-few-ticks"]


def test_what_was_read_elsewhere_is_not_called_unreadable() -> None:
    none = dict.fromkeys(("power_w_mean", "power_first_half_w", "power_second_half_w", "throttled_share"))
    said = " ".join(judge(good(ticks=0, **none)).unknown)
    assert "no tick that has it fell inside measure" in said
    assert "the board throttled is not known: no tick fell inside measure" in said


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
    assert (verdict.status, codes(verdict)) == (Status.DEMO, ["short-of-standard"])
    assert verdict.reasons[0].text == "As a standard run it would lack: length, ticks."
    assert codes(judge(good(profile="demo", failed_items=2, idle_before_s=1.0))) == [
        "short-of-standard",
        "failed-items",
    ]
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
    simulated = {"source": "simulated", "simulated": True, "device_type": "cuda"}
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
    missing = ("gr3d_idle_pct_mean", "gr3d_pct_mean", "throttled_share", "power_first_half_w", "l4t", *VERIFIED)
    summary = good(source="host", power_mode=None, power_mode_at_end=None, counts={}, **dict.fromkeys(missing))
    verdict = judge(summary)
    assert verdict.status is Status.VALID
    assert "Nobody could look at the GPU before the run: there is no GR3D reading here." in verdict.unknown
    assert "This machine has no power modes, so none was verified." in verdict.unknown
    assert len(verdict.unknown) == 4
    assert "The physical bound is not known" in judge(good(flop_per_item=None)).unknown[0]


def test_a_board_whose_telemetry_lacks_readings_can_be_valid_and_says_what_is_unknown() -> None:
    missing = ("gr3d_idle_pct_mean", "gr3d_pct_mean", "gr3d_pct_median", "throttled_share", "power_first_half_w")
    verdict = judge(good(counts={}, power_w_mean=None, **dict.fromkeys(missing)))
    assert (verdict.status, len(verdict.unknown)) == (Status.VALID, 4)
    assert "No tick inside measure has a reading of power or GR3D." in verdict.unknown


def test_where_measure_has_gr3d_and_idle_has_none_nobody_says_that_there_is_no_reading() -> None:
    verdict = judge(good(counts={}, gr3d_idle_pct_mean=None))
    assert (verdict.status, codes(verdict), verdict.unknown) == (Status.INVALID, ["no-idle"], ())


def test_a_source_that_is_slower_than_asked_is_named() -> None:
    [said] = judge(good(interval_s=0.1, tick_period_s=0.122)).unknown
    assert said.startswith("The telemetry came every 122 ms and not every 100 ms as asked")
    assert judge(good(interval_s=1.0, tick_period_s=1.1)).unknown == ()


def test_all_that_was_not_recorded_is_one_reason() -> None:
    missing = ("final_sync_s", "results", "forward_synchronised_ms_p50", "fps_model", "phases_asked_s")
    verdict = judge(good(**dict.fromkeys(missing)))
    assert (verdict.status, codes(verdict)) == (Status.INVALID, ["record-incomplete"])
    assert "the speed of the model alone and how long the phases were asked to be." in verdict.reasons[0].text


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
    assert codes(verdict).count("record-incomplete") == 1


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
    least = {name: (p.min_s, p.min_ticks, p.min_items, p.repeats) for name, p in PROFILES.items()}
    assert least == {"demo": (0, 0, 0, 1), "standard": (60, 60, 100, 1), "formal": (600, 60, 100, 5)}
    for profile in PROFILES.values():
        for interval_s in (0.1, 1.0, 2.0):
            seconds, items = profile.length(interval_s)
            assert (seconds > profile.min_s, items) == (True, profile.min_items)
            assert seconds / (1.05 * interval_s) - 1 >= profile.min_ticks
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
    assert any("several sizes" in sentence and "physical bound" in sentence for sentence in found.unknown)
    assert not any("The physical bound is not known" in one for one in judge(good(input_shapes=3)).unknown)
