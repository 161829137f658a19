"""Built runs with known figures: what the golden report is made of."""

from __future__ import annotations

from typing import Any

MODES = {"MAXN": 2201, "50W": 1497, "30W": 1728, "15W": 1113}
_WORDS = {
    "valid": "The protocol was kept.",
    "invalid": "1 rule of the protocol was not kept.",
    "implausible": "Refused: these figures cannot be true.",
    "demo": "A demo: to look at, never VALID.",
    "simulated": "Protocol kept, not a measurement.",
    "imported": "Imported, not verified.",
    "replay": "Replayed log, not verified.",
}


def verdict(status: str, *reasons: str) -> dict[str, Any]:
    """A verdict as summary.json holds it."""
    return {
        "status": status,
        "badge": status.upper(),
        "sentence": _WORDS[status],
        "reasons": [{"code": f"reason-{place}", "text": text} for place, text in enumerate(reasons)],
        "unknown": [],
    }


def reasoned(status: str, *reasons: tuple[str, str]) -> dict[str, Any]:
    """A verdict with reasons as code and text."""
    return {**verdict(status), "reasons": [{"code": code, "text": text} for code, text in reasons]}


def environment(**changes: Any) -> dict[str, Any]:
    """An environment as environment.json holds it."""
    found = {
        "board": "NVIDIA Jetson AGX Orin Developer Kit",
        "l4t": "# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64",
        "kernel": "5.15.148-tegra",
        "jetson_clocks": "off",
        "fan": {"pwm_pct": 41.2, "rpm": 1800},
        "model_spec": {"revision": "1a2b3c4d5e6f"},
        "worker": {"torch": "2.5.0a0+872d972e41.nv24.08", "cuda": "12.6"},
        "python": "3.10.12",
        "version": "0.1.0",
        "ambient_c": 22.5,
        "notes": None,
    }
    return {**found, **changes}


def run(
    number: int,
    *,
    mode: str | None = "MAXN",
    fps: float | None = 21.0,
    power_w: float = 14.8,
    model: str | None = "resnet-152",
    items: int | None = 10_000,
    status: str = "valid",
    reasons: tuple[str, ...] = (),
    env: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A summary as summary.json holds it, with its environment under ``environment``.

    Args:
        number: later runs have higher ones.
        mode: short name.
        fps: images/s.
        power_w: W.
        model: name.
        items: images.
        status: of the verdict.
        reasons: of the verdict.
        env: the environment.
        changes: other keys of the summary.
    """
    energy_j = power_w / fps if fps else None
    folder_mode = (mode or "unknown").replace("_", "-")
    found = {
        "run_id": f"20260301T{number:06d}Z_built_cifar100_{folder_mode}_{number:04x}",
        "origin": "run",
        "state": "done",
        "profile": "standard",
        "model": model,
        "dataset": "cifar100",
        "power_mode": None if mode is None else mode if mode == "MAXN" else f"MODE_{mode}",
        "source": "tegrastats",
        "simulated": False,
        "weights": "cached",
        "images": "cached",
        "method": "reference",
        "batch_size": 1,
        "batch_size_asked": 1,
        "in_flight": 1,
        "scope": "full",
        "precision": "fp32",
        "tf32_allowed": False,
        "device": "Orin",
        "device_type": "cuda",
        "items": items,
        "fps_end_to_end": fps,
        "gr3d_pct_mean": 59.07,
        "ram_used_mb_mean": 7905.32,
        "ram_total_mb": 62_841.0,
        "total_inference_time_s": items / fps if fps and items else None,
        "power_w_mean": power_w,
        "power_rails": ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"],
        "energy_per_item_j": energy_j,
        "items_per_joule": 1 / energy_j if energy_j else None,
        "cpu_ceiling_mhz": MODES.get(mode or ""),
        "ticks": 470,
        "intervals_95": {},
        "verdict": verdict(status, *reasons),
        "diagnosis": {"sentence": f"Built run {number}: a core is busy.", "advice": ["Use batch 32."]},
        "environment": environment() if env is None else env,
    }
    return {**found, **changes}


def batched(number: int, *, agreement: float | None = 1.0, **changes: Any) -> dict[str, Any]:
    """A summary of the batched method, with the share of 16 images of one class with the reference; None: unknown."""
    told = {
        "agreement_metric": "top1",
        "agreement_value": agreement,
        "agreement_threshold": 1.0,
        "agreement_ok": agreement == 1.0,
        "agreement_images": 16,
    }
    found: dict[str, Any] = {
        "method": "batched",
        "batch_size": 32,
        "in_flight": 2,
        **(told if agreement is not None else {}),
    }
    return run(number, **{**found, "batch_size_asked": changes.get("batch_size", 32), **changes})


def text_run(number: int, **changes: Any) -> dict[str, Any]:
    """A summary of text generation: its items are prompts, and it has no FPS."""
    found: dict[str, Any] = {
        "model": "microsoft/Phi-3.5-mini-instruct", "dataset": "prompts", "method": "batched", "precision": "fp16",
        "items": 120, "fps": None, "total_inference_time_s": 600.0, "energy_per_item_j": 100.0, "items_per_joule": 0.01,
        "tokens_per_s": 12.8, "ttft_ms_p50": 95.4,
    }  # fmt: skip
    return run(number, **{**found, **changes})


def imported(number: int, **changes: Any) -> dict[str, Any]:
    """A summary of an imported log: nobody knows more than the log says."""
    unknown: dict[str, Any] = dict.fromkeys(
        ("weights", "images", "method", "batch_size", "batch_size_asked", "in_flight", "scope", "precision",
         "tf32_allowed", "device", "device_type")
    )  # fmt: skip
    settled: dict[str, Any] = {"origin": "imported", "source": "imported", "status": "imported", "env": {}}
    return run(number, **{**unknown, **settled, "ram_total_mb": 30_698.0, **changes})


def report_runs() -> list[dict[str, Any]]:
    """One of everything that a report has to tell apart."""
    return [
        run(101, fps=21.02, power_w=14.78),
        run(102, fps=21.10, power_w=14.70),
        run(103, fps=20.95, power_w=14.81),
        run(104, fps=22.90, power_w=14.10, status="demo", reasons=("Only 20 of 60 s were measured.",), profile="demo"),
        run(110, mode="50W", fps=15.27, power_w=12.18, gr3d_pct_mean=52.39),
        run(111, mode="50W", fps=15.31, power_w=12.24, gr3d_pct_mean=52.51, ram_used_mb_mean=None),
        run(
            120,
            mode="30W",
            fps=16.91,
            power_w=12.72,
            gr3d_pct_mean=61.29,
            intervals_95={"fps_end_to_end": [16.87, 16.95], "energy_per_item_j": [0.7488, 0.7556]},
        ),
        run(
            130, mode="15W", fps=10.1, power_w=10.0, gr3d_pct_mean=72.0, status="invalid",
            reasons=("4.2 % of the ticks were throttled; 1 % is the limit. Let the board cool and run it again.",),
        ),
        batched(140, fps=88.4, power_w=31.0, gr3d_pct_mean=97.2),
        batched(141, fps=402.6, power_w=38.0, precision="fp16", batch_size=64, batch_size_asked=128, scope="preloaded"),
        batched(
            142, fps=310.0, power_w=36.0, precision="fp16", method="graph", agreement=0.5625, status="invalid",
            reasons=(
                "The class agrees with the reference on 9 of 16 images; 100 % is needed: it computes something else.",
            ),
        ),
        run(
            150, fps=3.2, power_w=20.0, status="simulated", simulated=True, source="simulated",
            device="Some x86 CPU", device_type="cpu",
            weights="random", images="synthetic", env=environment(board="simulated AGX Orin 64 GB", l4t=None),
        ),
        batched(
            151, fps=4.8, power_w=20.0, status="simulated", simulated=True, source="simulated",
            device="Some x86 CPU", device_type="cpu", in_flight=1,
            weights="random", images="synthetic", env=environment(board="simulated AGX Orin 64 GB", l4t=None),
        ),
        text_run(340),
        imported(200, model="depth-anything-v2-base", items=1000, fps=5.25, power_w=46.4, gr3d_pct_mean=86.1),
        imported(
            201, model="depth-anything-v2-base", items=1000, mode="50W", fps=3.71, power_w=27.7, gr3d_pct_mean=89.9
        ),
        imported(
            202, model="depth-anything-v2-base", items=1000, mode="15W", fps=0.83, power_w=10.2, gr3d_pct_mean=80.1,
            verdict=reasoned("imported", ("idle-inside", "31 ticks inside measure look idle. Cut the log again.")),
        ),
        run(
            210, model="depth-anything-v2-base", mode="30W", fps=140.0, power_w=15.0, items=9000, status="implausible",
            reasons=("140.0 images/s are above what the GPU can compute (7.6). The device was not synchronised.",),
        ),
        imported(300, model=None, mode=None, items=None, fps=None, dataset=None),
        run(310, model="/models/<img src=x onerror=alert(1)>|*mine*", fps=9.5, power_w=12.0, items=500, mode="MODE_X"),
        imported(320, origin="replay", source="replay", model=None, status="replay"),
    ]  # fmt: skip
