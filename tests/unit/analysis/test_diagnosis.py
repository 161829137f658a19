"""Diagnoses of single runs and across power modes, on built summaries and on published figures and logs."""

from __future__ import annotations

import csv
import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest

from orin_core.analysis.diagnosis import Certainty, Diagnosis, Kind, across_modes, diagnose
from orin_core.board.logs import iter_log, open_log, timed_lines

SHARED = Path(__file__).parents[4] / "shared" / "scales"


def run(**changed: Any) -> dict[str, Any]:
    """A run on a board whose telemetry tells nothing yet."""
    return {
        "origin": "run",
        "source": "tegrastats",
        "simulated": False,
        "device_type": "cuda",
        "total_inference_time_s": 70.0,
        "ticks": 69,
        "precision": "fp32",
        "batch_size": 1,
        "throttled_share": 0.0,
        "over_current": {},
        **changed,
    }


HOST = {"gr3d_pct_median": 57.0, "busiest_core_pct_mean": 82.0, "cpu_ceiling_mhz": 2201}
GPU = {"gr3d_pct_median": 99.0, "gr3d_saturated_share": 0.78, "busiest_core_pct_mean": 22.0, "cpu_ceiling_mhz": 1497}
AT_CAP = {"gr3d_freq_mhz_mean": 1295.0, "gr3d_freq_cap_mhz": 1300}
LOW_CLOCK = {"gr3d_freq_mhz_mean": 306.0, "gr3d_freq_cap_mhz": 1300}
BURSTS = {
    # Batches of 32 at 10 Hz: full while the model computes, idle while the host prepares the next one.
    "gr3d_pct_median": 99.0,
    "gr3d_pct_mean": 58.0,
    "gr3d_saturated_share": 0.58,
    "fps_end_to_end": 20.0,
    "fps_model": 34.0,
}
LIGHT = {"gr3d_pct_median": 64.0, "busiest_core_pct_mean": 66.0, **LOW_CLOCK}


@pytest.mark.parametrize(
    ("figures", "kind", "certainty"),
    [
        (HOST, Kind.HOST_BOUND, Certainty.LIKELY),
        (HOST | {"fps_end_to_end": 21.0, "fps_model": 60.0}, Kind.HOST_BOUND, Certainty.YES),
        (HOST | {"fps_end_to_end": 21.0, "fps_model": 24.0}, Kind.HOST_BOUND, Certainty.LIKELY),
        (HOST | {"gr3d_pct_median": 89.9, "busiest_core_pct_mean": 70.0}, Kind.HOST_BOUND, Certainty.LIKELY),
        (HOST | LOW_CLOCK, Kind.HOST_BOUND, Certainty.LIKELY),
        (
            {"gr3d_pct_median": 50.0, "busiest_core_pct_mean": 30.0, "fps_end_to_end": 20.0, "fps_model": 31.0},
            Kind.HOST_BOUND,
            Certainty.LIKELY,
        ),
        ({"fps_end_to_end": 20.0, "fps_model": 31.0}, Kind.HOST_BOUND, Certainty.LIKELY),
        (GPU, Kind.GPU_BOUND, Certainty.LIKELY),
        (GPU | AT_CAP, Kind.GPU_BOUND, Certainty.YES),
        (GPU | {"gr3d_pct_median": 96.0}, Kind.GPU_BOUND, Certainty.LIKELY),
        (GPU | {"gr3d_saturated_share": None}, Kind.GPU_BOUND, Certainty.LIKELY),
        # Decoding ahead may fill a core while the GPU is the limit: then the model alone is no faster.
        (
            GPU | {"busiest_core_pct_mean": 88.0, "fps_end_to_end": 40.0, "fps_model": 41.0},
            Kind.GPU_BOUND,
            Certainty.LIKELY,
        ),
        (BURSTS | {"busiest_core_pct_mean": 81.0}, Kind.HOST_BOUND, Certainty.YES),
        (BURSTS | {"busiest_core_pct_mean": 40.0}, Kind.HOST_BOUND, Certainty.LIKELY),
        (BURSTS | LOW_CLOCK | {"busiest_core_pct_mean": 81.0}, Kind.HOST_BOUND, Certainty.YES),
        # Whatever GR3D says: a model that alone is far faster is not what the run waits for.
        (GPU | {"gr3d_pct_mean": 98.0, "fps_end_to_end": 20.0, "fps_model": 30.0}, Kind.HOST_BOUND, Certainty.LIKELY),
        (GPU | AT_CAP | {"fps_end_to_end": 20.0, "fps_model": 34.0}, Kind.HOST_BOUND, Certainty.LIKELY),
        (GPU | {"fps_end_to_end": 20.0, "fps_model": 29.9}, Kind.GPU_BOUND, Certainty.LIKELY),
        # It was timed on images of one size, and there were several.
        (GPU | {"fps_end_to_end": 20.0, "fps_model": 34.0, "input_shapes": 3}, Kind.GPU_BOUND, Certainty.LIKELY),
        # The bare loop ran while the board was still cool.
        (
            GPU
            | {"gr3d_pct_mean": 98.0, "fps_end_to_end": 20.0, "fps_model": 34.0}
            | {"gr3d_freq_mhz_mean": 800.0, "gr3d_freq_cap_mhz": 1300},
            Kind.THROTTLED,
            Certainty.LIKELY,
        ),
        (HOST | {"gr3d_pct_median": 90.0}, Kind.UNCLEAR, None),
        (HOST | {"gr3d_pct_median": 93.9}, Kind.UNCLEAR, None),
        (LIGHT | {"gr3d_freq_mhz_mean": 909.0}, Kind.GOVERNOR_LIMITED, Certainty.LIKELY),
        (LIGHT | {"gr3d_freq_mhz_mean": 910.0}, Kind.UNCLEAR, None),
        (LIGHT | {"gr3d_pct_median": 90.0}, Kind.UNCLEAR, None),
        (LIGHT, Kind.GOVERNOR_LIMITED, Certainty.LIKELY),
        (HOST | GPU | {"throttled_share": 0.01}, Kind.THROTTLED, Certainty.YES),
        (GPU | {"over_current": {"oc1": 0, "oc3": 2}}, Kind.THROTTLED, Certainty.YES),
        (GPU | {"gr3d_freq_mhz_mean": 1100.0, "gr3d_freq_cap_mhz": 1300}, Kind.THROTTLED, Certainty.LIKELY),
        (GPU | {"swap_rise_mb": 51.0}, Kind.MEMORY_PRESSURE, Certainty.LIKELY),
        (
            HOST | {"lfb_start_mb": 100.0, "lfb_min_mb": 4.0, "ram_used_mb_max": 29_000.0, "ram_total_mb": 30_698},
            Kind.MEMORY_PRESSURE,
            Certainty.LIKELY,
        ),
        ({}, Kind.UNCLEAR, None),
        ({"gr3d_pct_median": 75.0, "busiest_core_pct_mean": 40.0}, Kind.UNCLEAR, None),
        (GPU | {"busiest_core_pct_mean": 60.0}, Kind.UNCLEAR, None),
    ],
)
def test_kind_and_certainty(figures: dict[str, Any], kind: Kind, certainty: Certainty | None) -> None:
    found = diagnose(run(**figures))
    assert (found.kind, found.certainty) == (kind, certainty)


@pytest.mark.parametrize(
    "figures",
    [
        # Free blocks fall to 4 MB in published runs that had 25 GB of RAM to spare.
        {"lfb_start_mb": 164.0, "lfb_min_mb": 4.0, "ram_used_mb_max": 4980.0, "ram_total_mb": 30_698},
        {"lfb_start_mb": 164.0, "lfb_min_mb": 4.0},
        {"swap_rise_mb": 50.0},
        {"throttled_share": 0.009},
        {"throttled_share": None, "over_current": None},
        {"over_current": {"oc3": 3}, "ticks": 630},
    ],
)
def test_small_signs_do_not_hide_the_limit(figures: dict[str, Any]) -> None:
    assert diagnose(run(**GPU, **figures)).kind is Kind.GPU_BOUND


def test_host_bound_in_words() -> None:
    found = diagnose(run(**HOST, fps_end_to_end=21.0, fps_model=60.0))
    assert found.sentence == (
        "GR3D median 57 %, busiest core 82 % at 2201 MHz: a CPU core feeds the GPU too slowly. "
        "The model alone does 60 images/s, the whole way 21."
    )
    assert found.advice[0] == "Use batch size 32, or prepare the images on the GPU."
    assert found.advice[1].startswith("Raising GPU clocks will not help")
    assert found.figures["busiest_core_pct_mean"] == 82.0
    assert "batch" not in diagnose(run(**HOST, batch_size=64)).advice[0]


BATCHED = "Use method batched with batch size 32: images are then decoded ahead and prepared on the device."
GRAPH = "Use method graph: it takes away what starting each of the model's operations costs the host."
PRELOAD = "Preload the images to see what decoding costs; its FPS is of another scope and not compared with this."


@pytest.mark.parametrize(
    ("way", "advice"),
    [
        ({"method": "reference"}, [BATCHED]),
        ({"method": "pipeline", "batch_size": 64}, [BATCHED]),
        ({"method": "batched"}, [GRAPH, "Use batch size 32."]),
        ({"method": "batched", "batch_size": 8}, ["Use batch size 32."]),
        ({"method": "graph"}, ["Use batch size 32."]),
        ({"method": "batched", "batch_size": 32, "scope": "full"}, [PRELOAD]),
        ({"method": "batched", "batch_size": 32, "scope": "preloaded"}, []),
    ],
)
def test_the_advice_to_a_host_bound_run_goes_by_its_method(way: dict[str, Any], advice: list[str]) -> None:
    found = diagnose(run(**HOST, **way))
    assert found.kind is Kind.HOST_BOUND
    assert list(found.advice[:-1]) == advice
    assert found.advice[-1].startswith("Raising GPU clocks will not help")


def test_on_a_cpu_the_method_is_named_too_and_graph_is_not() -> None:
    busy = {"device_type": "cpu", "busiest_core_pct_mean": 99.0}
    assert diagnose(run(**busy, method="reference")).advice[0] == BATCHED
    assert list(diagnose(run(**busy, method="batched")).advice[:-1]) == ["Use batch size 32."]
    assert len(diagnose(run(**busy)).advice) == 1


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ({"method": "batched", "precision": "fp32"}, "Use precision fp16:"),
        ({"method": "batched", "precision": "tf32"}, "Use precision fp16:"),
        ({"method": "reference", "precision": "fp32"}, "Use method batched in fp16:"),
        ({"precision": "fp32"}, "Use FP16:"),
    ],
)
def test_a_gpu_bound_run_in_full_precision_is_told_of_half_and_of_its_agreement(
    way: dict[str, Any], words: str
) -> None:
    first = diagnose(run(**GPU, **way)).advice[0]
    assert first.startswith(words)
    assert ("agree with the reference" in first) is ("method" in way)
    half = diagnose(run(**GPU, **{**way, "precision": "fp16"})).advice
    assert not any("fp16" in advice.lower() for advice in half)


@pytest.mark.parametrize(("precision", "said"), [(None, True), ("fp32", True), ("fp16", False), ("int8", False)])
def test_across_modes_half_precision_is_no_advice_where_it_is_there(precision: str | None, said: bool) -> None:
    found = across_modes(rows(DEPTH, precision=precision))
    assert found is not None
    assert (found.kind, "FP16" in found.advice[0]) == (Kind.GPU_BOUND, said)
    assert "a mode with more of the GPU powered" in found.advice[0]


def test_across_modes_the_advice_goes_by_the_method_that_all_rows_name() -> None:
    rows = [{"power_mode": mode, "fps_end_to_end": mhz / 100, "cpu_mhz": mhz, "gr3d_pct_mean": 60.0}
            for mode, mhz in (("MAXN", 2201.0), ("50W", 1497.0), ("30W", 1728.0))]  # fmt: skip

    def first(*methods: str | None) -> str:
        found = across_modes([{**row, "method": method} for row, method in zip(rows, methods, strict=True)])
        assert found is not None
        return found.advice[0]

    assert first("reference", "reference", "reference") == BATCHED
    assert first("batched", "batched", "batched") == "Use batch size 32."
    assert first("batched", "reference", None) == "Use batch size 32, or prepare the images on the GPU."


def test_gpu_bound_in_words() -> None:
    found = diagnose(run(**GPU, **AT_CAP))
    assert "GR3D median 99 % (78 % of ticks at 95 % or more), busiest core 22 % at 1497 MHz" in found.sentence
    assert "at the cap clock of 1300 MHz" in found.sentence
    assert found.advice[0].startswith("Use FP16")
    assert "clock" not in diagnose(run(**GPU)).sentence
    assert not any("FP16" in advice for advice in diagnose(run(**GPU, precision="fp16")).advice)


def test_governor_limited_names_both_clocks() -> None:
    found = diagnose(run(**LIGHT))
    assert "GR3D median 64 %, GPU at 306 MHz of 1300" in found.sentence
    assert "jetson_clocks" in found.advice[0]


def test_swap_is_counted_from_the_start_of_the_run() -> None:
    assert "Swap grew by 51 MB since the run began" in diagnose(run(**GPU, swap_rise_mb=51.0)).sentence


def test_unclear_says_what_is_missing_or_that_nothing_stands_out() -> None:
    assert "there is no GR3D reading" in diagnose(run(busiest_core_pct_mean=90.0)).sentence
    assert "loads of the cores" in diagnose(run(gr3d_pct_median=50.0)).sentence
    assert "Nothing stands out" in diagnose(run(gr3d_pct_median=75.0, busiest_core_pct_mean=40.0)).sentence
    assert "both busy" in diagnose(run(**GPU | {"busiest_core_pct_mean": 60.0})).sentence


def test_a_run_on_the_cpu_is_no_riddle_of_the_gpu() -> None:
    busy = diagnose(run(device_type="cpu", gr3d_pct_median=0.0, busiest_core_pct_mean=98.0))
    assert (busy.kind, busy.certainty) == (Kind.HOST_BOUND, Certainty.YES)
    assert "Inference ran on the CPU" in busy.sentence
    assert diagnose(run(device_type="cpu", **GPU)).kind is Kind.UNCLEAR


@pytest.mark.parametrize("figures", [HOST, GPU, LIGHT])
def test_invented_telemetry_gives_no_diagnosis(figures: dict[str, Any]) -> None:
    assert diagnose(run(**figures, source="simulated") | {"simulated": True}).kind is Kind.UNCLEAR
    assert diagnose(run(**figures) | {"total_inference_time_s": None}).kind is Kind.UNCLEAR
    assert diagnose({**run(**figures), "origin": "replay"}).kind is Kind.UNCLEAR


@pytest.mark.parametrize("value", [None, "text", [], {}, True, float("nan"), float("inf"), -1, 0, 1e300])
def test_damaged_summaries_are_diagnosed_too(value: Any) -> None:
    full = run(**HOST, **AT_CAP, swap_rise_mb=0, lfb_start_mb=9, lfb_min_mb=9, ram_used_mb_max=1, ram_total_mb=2)
    full |= {"fps_end_to_end": 1.0, "fps_model": 2.0, "tj_c_max": 50.0}
    for key in full:
        json.dumps(diagnose({**full, key: value}).to_json())
        across_modes([{**full, "power_mode": mode, key: value} for mode in ("MAXN", "50W", "30W")])
    json.dumps(diagnose(dict.fromkeys(full, value)).to_json())


def test_json() -> None:
    document = diagnose(run(**HOST)).to_json()
    assert document["kind"] == "host-bound"
    assert document["certainty"] == "likely"
    assert set(document) == {"kind", "certainty", "sentence", "figures", "advice"}
    assert diagnose({}).to_json()["certainty"] is None


# power mode, FPS, mean of GR3D in %
RESNET = [("MAXN", 21.015, 59.07), ("50W", 15.27, 52.39), ("30W", 16.91, 61.29), ("15W", 10.64, 72.35)]
DEPTH = [("MAXN", 5.25, 45.98), ("50W", 3.71, 90.62), ("30W", 1.53, 93.67), ("15W", 0.83, 95.95)]
LANGUAGE = [("MAXN", 3.66, 60.78), ("50W", 3.60, 49.75), ("30W", 3.83, 63.74), ("15W", 2.6, 52.31)]


def rows(figures: list[tuple[str, float, float]], **more: Any) -> list[dict[str, Any]]:
    return [{"power_mode": mode, "fps_end_to_end": fps, "gr3d_pct_mean": pct, **more} for mode, fps, pct in figures]


def diagnosis_of(found: list[dict[str, Any]]) -> Diagnosis:
    diagnosis = across_modes(found)
    assert diagnosis is not None
    return diagnosis


def test_published_resnet_rows_follow_one_cpu_core() -> None:
    found = diagnosis_of(rows(RESNET))
    assert (found.kind, found.certainty) == (Kind.HOST_BOUND, Certainty.YES)
    assert "50W is slower than 30W (15.27 against 16.91 images/s): 50W caps the CPU at 1497 MHz, 30W at 1728" in (
        found.sentence
    )
    assert found.sentence.count("is slower than") == 1
    assert found.figures["fps_per_cpu_mhz_spread"] == pytest.approx(0.0668, abs=0.001)
    assert found.figures["cpu_mhz 50W"] == 1497


def test_published_depth_rows_are_gpu_bound() -> None:
    found = diagnosis_of(rows(DEPTH))
    assert (found.kind, found.certainty) == (Kind.GPU_BOUND, Certainty.LIKELY)
    assert "does not follow the CPU clock" in found.sentence
    assert "MAXN does not fit with its 46 %" in found.sentence
    assert "does not fit" not in diagnosis_of(rows([("MAXN", 5.25, 86.0), *DEPTH[1:]])).sentence


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/scales here")
def test_published_table() -> None:
    models: dict[str, list[tuple[str, float, float]]] = {}
    with (SHARED / "published.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            figures = (row["power_mode"], float(row["average_fps"]), float(row["average_gpu_pct"]))
            models.setdefault(row["model"].split("/")[1], []).append(figures)
    assert models == {"resnet-152": RESNET, "Depth-Anything-V2-Base-hf": DEPTH}


def test_a_language_model_that_the_governor_limits_is_neither() -> None:
    found = diagnosis_of(rows(LANGUAGE))
    assert found.kind is Kind.UNCLEAR
    assert "neither sets the pace" in found.sentence


def test_clocks_of_the_rows_come_before_those_of_the_table() -> None:
    measured = [dict(row, cpu_mhz=mhz) for row, mhz in zip(rows(RESNET), (1000, 4000, 500, 3000), strict=True)]
    assert diagnosis_of(measured).kind is Kind.UNCLEAR
    named = [dict(row, power_mode=f"mode {index}") for index, row in enumerate(rows(RESNET))]
    assert "fewer than three modes are known" in diagnosis_of(named).sentence
    for row, mhz in zip(named, (2201, 1497, 1728, 1113), strict=True):
        row["cpu_ceiling_mhz"] = mhz
    found = diagnosis_of(named)
    assert (found.kind, found.sentence.count("is slower than")) == (Kind.HOST_BOUND, 0)


def test_the_same_cpu_clock_everywhere_proves_nothing() -> None:
    equal = [dict(row, cpu_mhz=1497, fps_end_to_end=10.0) for row in rows(RESNET)]
    assert diagnosis_of(equal).kind is Kind.UNCLEAR


def test_a_full_gpu_is_not_host_bound_though_fps_follows_the_cpu_clock() -> None:
    full = [dict(row, gr3d_pct_mean=97.0) for row in rows(RESNET)]
    assert diagnosis_of(full).kind is Kind.GPU_BOUND


def test_too_few_or_simulated_rows_give_none() -> None:
    assert across_modes([]) is None
    assert across_modes(rows(RESNET[:2])) is None
    assert across_modes([*rows(RESNET[:1]), *rows(RESNET[:1]), *rows(RESNET[:1])]) is None
    assert across_modes(rows(RESNET, simulated=True)) is None
    assert across_modes([dict(row, fps_end_to_end=None) for row in rows(RESNET)]) is None


def test_repeats_of_a_mode_are_averaged_and_its_names_are_one() -> None:
    twice = [
        *rows([("MODE_50W", 15.0, 52.0), ("50W", 15.54, 52.8)]),
        *rows([row for row in RESNET if row[0] != "50W"]),
    ]
    found = diagnosis_of(twice)
    assert found.kind is Kind.HOST_BOUND
    assert found.figures["fps_end_to_end 50W"] == pytest.approx(15.27)


def log_summary(name: str, start_s: float, end_s: float) -> dict[str, Any]:
    """The keys of a summary that a log tells, over a stretch that was cut by eye."""
    with open_log(SHARED / "logs" / f"{name}.txt.gz") as stream:
        timed = [(t_s, sample) for t_s, _, sample in timed_lines(iter_log(stream), 1.0) if sample]
    samples = [sample for t_s, sample in timed if start_s <= t_s <= end_s]
    gr3d = [sample.gr3d_pct for sample in samples if sample.gr3d_pct is not None]
    blocks_mb = [(sample.lfb_blocks or 0) * (sample.lfb_block_mb or 0.0) for _, sample in timed]
    return {
        "origin": "imported",
        "source": "imported",
        "total_inference_time_s": end_s - start_s,
        "ticks": len(samples),
        "gr3d_pct_median": statistics.median(gr3d),
        "gr3d_saturated_share": sum(value >= 95 for value in gr3d) / len(gr3d),
        "busiest_core_pct_mean": statistics.fmean(sample.busiest_core_pct or 0 for sample in samples),
        "cpu_ceiling_mhz": max(core.freq_mhz or 0 for sample in samples for core in sample.cores if core),
        "swap_rise_mb": (samples[-1].swap_used_mb or 0) - (samples[0].swap_used_mb or 0),
        # Over the whole log, so that the fall from idle to the run is in it.
        "lfb_start_mb": max(blocks_mb),
        "lfb_min_mb": min(blocks_mb),
        "ram_used_mb_max": max(sample.ram_used_mb or 0 for sample in samples),
        "ram_total_mb": samples[0].ram_total_mb,
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/scales/logs here")
@pytest.mark.parametrize(
    ("name", "start_s", "end_s", "kind", "words"),
    [
        ("resnet_maxn", 12, 483, Kind.HOST_BOUND, "busiest core 82 % at 2201 MHz"),
        ("depth_maxn", 32, 215, Kind.GPU_BOUND, "busiest core 28 % at 2201 MHz"),
        ("depth_50W", 23, 286, Kind.GPU_BOUND, "busiest core 23 % at 1497 MHz"),
    ],
)
def test_shared_logs(name: str, start_s: float, end_s: float, kind: Kind, words: str) -> None:
    summary = log_summary(name, start_s, end_s)
    assert not math.isnan(summary["gr3d_pct_median"])
    found = diagnose(summary)
    assert (found.kind, found.certainty) == (kind, Certainty.LIKELY)
    assert words in found.sentence
