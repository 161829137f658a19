"""What a reader of a run is told of its figures, in a real browser."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from orin_core.board.sample import RailSample, Sample, Tick
from orin_core.runs import finish, store
from orin_core.runs.recording import Recording
from orin_core.spec import RunSpec, RunState, to_json
from tests.e2e.conftest import Server, Viewer
from tests.e2e.test_live import LONG_MS

pytestmark = pytest.mark.browser

WORKER = {"device": "cuda", "device_name": "Orin", "precision": "fp32", "multiprocessors": 16, "tf32_allowed": True}


def make_run(runs_dir: Path, mark: str, *, profile: str = "standard", **changed: Any) -> str:
    """A run of 70 s by the real recorder and the real summary, some of whose figures are then changed."""
    run_id = f"20260102T030405Z_resnet-152_cifar100_MAXN_{mark}"
    folder = runs_dir / run_id
    folder.mkdir(parents=True)
    spec = RunSpec(model="resnet-152", dataset="cifar100", profile=profile).validated()
    store.write_json(folder / store.SPEC, to_json(spec))
    found: dict[str, Any] = {"model": "resnet-152", "dataset": "cifar100", "power_mode": "MAXN", "origin": "run"}
    found |= {"source": "tegrastats", "simulated": False, "power_mode_verified": True, "weights": "cached"}
    store.write_json(folder / store.ENVIRONMENT, {**found, "images": "cached", "worker": WORKER})
    with store.Recorder(folder, source="tegrastats") as recorder:
        recorder.status({"state": "done", "phase": "cooldown", "interval_ms": 1000, "t0_s": recorder.t0_s})
        for second in range(1, 95):
            measured = 15 < second <= 85
            sample = Sample(
                ram_used_mb=3000 + 4000 * measured,
                ram_total_mb=62841,
                gr3d_pct=98 if measured else 0,
                gr3d_freq_mhz=(1300, 1300),
                temps_c={"tj": 50.0},
                power_mw={"VDD_GPU_SOC": RailSample(current_mw=9000 if measured else 2000, average_mw=2000)},
            )
            phase = "measure" if measured else "idle" if second <= 15 else "cooldown"
            recorder.tick(Tick(t_s=recorder.t0_s + second, sample=sample, raw=None), phase=phase, items=None, fps=None)
        begin_s, end_s = recorder.t0_s + 15, recorder.t0_s + 85
        recorder.event("phase", t_s=begin_s, phase="measure")
        recorder.event("done", t_s=end_s, t_start_s=begin_s, t_end_s=end_s, items=1400, failed_items=0)
    recording = Recording(folder=folder)
    document = finish.summary_of(recording, state=RunState.DONE, message="", hint="")
    store.write_json(folder / store.SUMMARY, {**document, **changed})
    return run_id


def verdict(status: str, *reasons: str) -> dict[str, Any]:
    return {
        "status": status,
        "badge": status.upper(),
        "sentence": f"The sentence of {status}.",
        "reasons": [{"code": str(place), "text": text} for place, text in enumerate(reasons)],
        "unknown": ["Nobody could look at the fan."],
    }


def box(page: Page, status: str) -> Any:
    return page.locator(f'[data-verdict="{status}"]')


def colour(page: Page, status: str) -> tuple[int, ...]:
    text = box(page, status).locator(".badge").evaluate("(badge) => getComputedStyle(badge).backgroundColor")
    return tuple(int(part) for part in text.strip("rgb()").split(","))


def test_reasons_and_diagnosis_are_in_sight_without_a_click(server: Server, viewer: Viewer) -> None:
    advice = {"kind": "host-bound", "certainty": "likely", "sentence": "GR3D 57 %, busiest core 82 % at 2201 MHz."}
    run_id = make_run(
        server.home.root / "data" / "runs",
        "0a1b",
        verdict=verdict("invalid", "Only 41 s were measured.", "3 % of the ticks were throttled."),
        diagnosis={**advice, "figures": {}, "advice": ["Use batch 32.", "Raising GPU clocks will not help."]},
    )
    page = viewer.open(f"{server.url}/runs?run={run_id}")
    for text in ("✖ INVALID", "Only 41 s", "3 % of the ticks", "Nobody could look at the fan."):
        expect(box(page, "invalid")).to_contain_text(text, timeout=LONG_MS)
        expect(page.get_by_text(text).first).to_be_in_viewport()
    diagnosis = page.locator('[data-diagnosis="host-bound"]')
    for text in ("likely host-bound", "busiest core 82 % at 2201 MHz", "Use batch 32."):
        expect(diagnosis).to_contain_text(text)
    red, green, _ = colour(page, "invalid")
    assert red > 2 * green
    viewer.shot(page, "verdict-invalid")
    page.get_by_text("All figures").click()
    expect(page.get_by_role("cell", name="GPU load (GR3D), mean")).to_be_visible()
    page.get_by_role("cell", name="GPU load (GR3D), mean").scroll_into_view_if_needed()
    viewer.shot(page, "verdict-figures")


def test_each_verdict_has_its_word_and_its_colour(server: Server, viewer: Viewer) -> None:
    runs_dir = server.home.root / "data" / "runs"
    page = viewer.open(server.url)
    colours = {}
    for place, status in enumerate(("valid", "implausible", "demo", "simulated", "replay")):
        run_id = make_run(runs_dir, f"00{place}0", verdict=verdict(status))
        page.goto(f"{server.url}/runs?run={run_id}")
        expect(box(page, status)).to_contain_text(status.upper(), timeout=LONG_MS)
        colours[status] = colour(page, status)
        struck = page.locator(".orin-figure b").first.evaluate("(b) => getComputedStyle(b).textDecorationLine")
        assert (struck == "line-through") == (status == "implausible")
        viewer.shot(page, f"verdict-{status}")
    assert colours["demo"] == colours["simulated"] == colours["replay"]
    assert len({colours["valid"], colours["implausible"], colours["demo"]}) == 3
    page.goto(f"{server.url}/runs")
    expect(page.get_by_text("5 runs")).to_be_visible(timeout=LONG_MS)
    page.wait_for_selector('[data-testid="stDataFrame"] canvas')
    viewer.shot(page, "verdict-runs")


def test_run_is_downloaded_in_every_format(server: Server, viewer: Viewer) -> None:
    run_id = make_run(server.home.root / "data" / "runs", "0a1b")
    page = viewer.open(f"{server.url}/runs?run={run_id}")
    got: dict[str, bytes] = {}
    for label in ("CSV", "SCALES layout", "Parquet", "Folder (zip)"):
        with page.expect_download() as download:
            page.locator(".orin-links").get_by_text(label, exact=True).click()
        got[label] = Path(download.value.path()).read_bytes()
        assert download.value.suggested_filename.startswith(run_id)
    folder = server.home.root / "data" / "runs" / run_id
    assert got["CSV"] == (folder / store.RUN_CSV).read_bytes()
    assert b"\r\n" in got["SCALES layout"]
    assert len(pd.read_parquet(io.BytesIO(got["Parquet"]))) == 94
    with zipfile.ZipFile(io.BytesIO(got["Folder (zip)"])) as packed:
        [name] = [name for name in packed.namelist() if name.endswith(store.SUMMARY)]
        assert json.loads(packed.read(name))["run_id"] == run_id
