"""The command line, end to end, on the simulated board with real inference."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pandas as pd
import pytest

from orin_core.board.power import current_mode
from orin_core.board.probes import board_paths
from orin_core.methods import NEW_TOKENS
from orin_core.runs.conditions import git_commit
from orin_core.runs.recording import Recording
from tests.conftest import Home, wait_for
from tests.integration.conftest import SHORT, Bench
from tests.support import write_broken_image, write_images
from tests.support_models import save_tiny_text

SHARED_LOGS = Path(__file__).resolve().parents[3] / "shared" / "scales" / "logs"
KEYS = {
    *("model", "dataset", "power_mode", "source", "weights", "items", "failed_items", "batch_size"),
    *("total_inference_time_s", "fps_end_to_end", "fps_model", "latency_ms_p50", "latency_ms_p90"),
    *("gr3d_pct_mean", "ram_used_mb_mean", "power_w_mean", "power_rails", "tj_c_max"),
}


def _mode(home: Home) -> str | None:
    paths = board_paths("simulated", home.settings.state_dir)
    mode = current_mode(paths) if paths else None
    return mode.name if mode else None


@pytest.mark.torch
def test_a_run_ends_with_a_sound_summary_that_its_files_bear_out(bench: Bench) -> None:
    write_broken_image(bench.images)
    asked = ("--seconds", "3", "--batch-size", "4", "--power-mode", "50W", "--notes", "fan off", "--ambient-c", "21.5")
    done = bench.home.cli(*bench.arguments(*asked, "--json"))
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    (folder,) = bench.home.runs
    assert summary == json.loads((folder / "summary.json").read_text())
    assert set(summary) >= KEYS
    assert summary["state"] == "done"
    assert (summary["source"], summary["simulated"], summary["weights"]) == ("simulated", True, "random")
    assert summary["power_mode"] == "MODE_50W"
    assert summary["failed_items"] >= 1
    assert "SIMULATED BOARD" in " ".join(summary["labels"])
    frame = pd.read_csv(folder / "run.csv")
    assert list(frame["Index"]) == list(range(len(frame)))
    assert set(frame["Source"]) == {"simulated"}
    measure = frame[frame["Phase"] == "measure"]
    # One more may be labelled before the worker's word that measure is over has come.
    assert 0 <= len(measure) - summary["ticks"] - summary["gaps"] <= 1
    assert summary["gr3d_pct_mean"] == pytest.approx(measure["Used GR3D (%)"].mean(), rel=0.05, abs=2)
    assert summary["power_w_mean"] == pytest.approx(measure["Power (W)"].mean(), rel=0.05)
    rails = [f"{rail} Current (mW)" for rail in summary["power_rails"]]
    assert measure[rails].sum(axis=1).div(1000).to_numpy() == pytest.approx(measure["Power (W)"].to_numpy())
    batches = pd.read_csv(folder / "batches.csv")
    measured = batches[batches["phase"] == "measure"]
    assert measured["items"].sum() == summary["items"]
    assert frame["Items"].max() <= summary["items"]
    span_s = measured["end_s"].max() - measured["start_s"].min()
    assert summary["fps_end_to_end"] == pytest.approx(summary["items"] / summary["total_inference_time_s"], rel=1e-3)
    assert summary["total_inference_time_s"] == pytest.approx(span_s, rel=0.05)
    assert summary["total_inference_time_s"] >= 3
    assert (folder / "tegrastats.log").read_text().count("\n") == len(frame)
    assert _mode(bench.home) == "MAXN"
    _check_conditions(Recording(folder=folder))


def _check_conditions(recording: Recording) -> None:
    """Checks what a 50W run of this checkout found around itself."""
    environment, events = recording.environment(), recording.events()
    assert (environment["origin"], environment["notes"], environment["ambient_c"]) == ("run", "fan off", 21.5)
    assert environment["power_mode_verified"] is True
    assert environment["ram_total_mb"] > 1000
    assert environment["worker"]["flop_per_item"] > 0
    assert environment["git_commit"] == git_commit()
    assert {"page_open", "browser_on_board"} <= set(environment)
    end = events[-1]
    assert (end["kind"], end["power_mode"], end["power_mode_verified"]) == ("end", "MODE_50W", True)
    assert end["power_mode_mismatch"] is None
    spent_s = [event["own_cpu_s"] for event in events if event["kind"] in ("phase", "end")]
    assert len(spent_s) == 5
    assert 0 < spent_s[0] < spent_s[-1]
    assert spent_s == sorted(spent_s)
    alarms = {event["phase"]: event.get("over_current") for event in events if event["kind"] == "phase"}
    assert [phase for phase, counts in alarms.items() if counts is not None] == ["measure", "cooldown"]
    assert alarms["measure"] is not None
    assert set(alarms["measure"]) == set(end["over_current"])


@pytest.mark.torch
@pytest.mark.parametrize("model", ["resnet-152", "depth-anything-v2-base", "yolov8n"])
def test_each_model_runs_on_real_image_files(home: Home, tmp_path: Path, model: str) -> None:
    images = write_images(tmp_path / "images", 4, size_px=96)
    done = home.cli("run", "--model", model, "--dataset", str(images), "--items", "2", *SHORT, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["items"], summary["failed_items"], summary["weights"]) == (2, 0, "random")
    assert summary["fps_end_to_end"] > 0
    assert summary["fps_model"] > 0


@pytest.mark.torch
def test_a_language_model_runs_on_a_file_of_prompts(home: Home, tmp_path: Path) -> None:
    model, prompts = str(save_tiny_text(tmp_path / "tiny")), tmp_path / "prompts.txt"
    prompts.write_text("Who are you?\n\nWhat is the capital of France?\nCount to ten.\n")
    arguments = ("run", "--model", model, "--dataset", str(prompts), "--items", "5", "--batch-size", "2", *SHORT)
    refused = home.cli(*arguments, "--preload")
    assert (refused.returncode, "Prompts are not preloaded" in refused.stderr) == (2, True)
    refused = home.cli("run", "--model", model, "--dataset", "cifar100", *SHORT)
    assert "tiny takes prompts, and CIFAR-100 test holds images" in refused.stderr
    assert not home.runs, "a run that is refused leaves nothing"
    done = home.cli(*arguments, "--precision", "bf16", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    (folder,) = home.runs
    assert (summary["items"], summary["results"], summary["failed_items"]) == (5, 5, 0)
    assert (summary["precision"], summary["scope"], summary["images"]) == ("bf16", "full", "local")
    assert (summary["agreement_metric"], summary["agreement_ok"], summary["agreement_images"]) == ("tokens", True, 3)
    assert summary["tokens_per_s"] == pytest.approx(5 * NEW_TOKENS / summary["total_inference_time_s"], rel=1e-3)
    assert 0 < summary["ttft_ms_p50"] <= summary["latency_ms_p90"]
    assert summary["energy_per_item_j"] == pytest.approx(summary["energy_j"] / 5, rel=1e-3)
    fps = ("fps_end_to_end", "fps_model", "fps_first_half", "fps_second_half", "fps_bound", "flop_per_item")
    assert {summary[key] for key in fps} == {None}
    frame = pd.read_csv(folder / "run.csv")
    assert frame["FPS"].isna().all()
    assert frame["Items"].max() <= 5
    # What a run of images owes is no fault of this one, and nothing of it is implausible.
    codes = {reason["code"] for reason in summary["verdict"]["reasons"]}
    assert summary["verdict"]["status"] == "simulated"
    short = {"too-short", "too-few-ticks", "too-few-items", "no-idle", "no-warm-up", "cooldown-short", "power-drift"}
    assert codes <= short, codes


@pytest.mark.torch
def test_the_first_ctrl_c_stops_the_run_and_prints_what_there_is(bench: Bench) -> None:
    with bench.home.popen(*bench.arguments("--seconds", "600", "--json")) as child:
        wait_for(
            lambda: any(Recording(folder=run).status().get("items_done") for run in bench.home.runs),
            "measure",
        )
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=120)
    assert child.returncode == 130
    assert json.loads(out)["state"] == "stopped"
    assert json.loads(out)["total_inference_time_s"] < 600


@pytest.mark.torch
def test_the_second_ctrl_c_leaves_and_the_run_still_ends(bench: Bench) -> None:
    with bench.home.popen(*bench.arguments("--seconds", "600")) as child:
        wait_for(lambda: bench.home.runs and (bench.home.runs[0] / "run.csv").exists(), "the first tick")
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None
        while "once more" not in child.stderr.readline():
            pass
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    wait_for((bench.home.runs[0] / "summary.json").exists, "the summary")


@pytest.mark.torch
def test_detached_runs_are_listed_and_stopped_by_id(bench: Bench) -> None:
    run_id = bench.home.cli(*bench.arguments("--seconds", "600", "--detach")).stdout.strip()
    listed = json.loads(bench.home.cli("runs", "--json").stdout)
    assert [(row["run_id"], row["state"]) for row in listed] == [(run_id, "running")]
    stopped = bench.home.cli("stop", run_id)
    assert (stopped.returncode, stopped.stdout.split()) == (0, [run_id, "stopped"])
    assert bench.home.cli("stop", run_id).returncode == 2
    assert run_id in bench.home.cli("runs").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", "resnet-125", "--dataset", "cifar100"), "resnet-152"),
        (("--model", "resnet-152", "--dataset", "/no/such/folder"), "/no/such/folder"),
        (("--model", "resnet-152", "--dataset", "{empty}"), "{empty}"),
        (("--model", "resnet-152", "--dataset", "cifar100", "--items", "0"), "0 items"),
        (("--model", "resnet-152", "--dataset", "cifar100", "--runs-dir", "{file}/runs"), "{file}/runs"),
        (("--model", "resnet-152", "--dataset", "cifar100", "--power-mode", "31W"), "31W"),
        (("--model", "resnet-152", "--dataset", "cifar100", "--telemetry", "tea"), "tea"),
        (("--telemetry", "replay:/no/such.log"), "/no/such.log"),
        (("--dataset", "cifar100"), "--model"),
        (("--model", "resnet-152", "--dataset", "cifar100", "--profile", "quick"), "demo, standard, formal"),
        (("--model", "resnet-152", "--dataset", "cifar100", "--ambient-c", "99"), "99"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(
    home: Home, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    names = {"empty": str(tmp_path / "empty"), "file": str(tmp_path / "file")}
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("not a folder")
    done = home.cli("run", *(argument.format(**names) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert says.format(**names) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert home.runs == []
    assert not (home.root / "data").exists()


@pytest.mark.torch
def test_what_the_device_cannot_do_is_refused_before_there_is_a_run(home: Home, tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", 2)
    done = home.cli(
        "run", "--model", "resnet-152", "--dataset", str(images), "--items", "1", "--method", "graph", *SHORT
    )
    kept = json.loads((home.settings.state_dir / "device.json").read_text())
    if kept["abilities"]["cuda"]:
        assert done.returncode == 0, done.stderr
        return
    said = "The method graph needs CUDA, and inference runs on the CPU here. Use method batched.\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert home.runs == []
    assert not (home.root / "data").exists()


def test_a_mode_that_needs_a_reboot_refuses_the_run_and_is_never_confirmed(home: Home) -> None:
    done = home.cli("run", "--model", "resnet-152", "--dataset", "cifar100", "--power-mode", "30W")
    assert done.returncode == 2
    assert "reboot" in done.stderr.lower()
    assert "-m 2 and answer YES" in done.stderr
    assert home.runs == []
    assert _mode(home) == "MAXN"


@pytest.mark.skipif(not SHARED_LOGS.is_dir(), reason="the shared logs are not beside this checkout")
@pytest.mark.parametrize("name", ["depth_50W", "depth_maxn", "resnet_maxn"])
def test_a_real_log_is_replayed_at_full_speed_without_a_lost_line(home: Home, name: str) -> None:
    import gzip

    path = SHARED_LOGS / f"{name}.txt.gz"
    done = home.cli("run", "--telemetry", f"replay:{path}@max", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    with gzip.open(path, "rt") as stream:
        lines = [line.rstrip("\n") for line in stream]
    ticks = [line for line in lines if "RAM" in line]
    (folder,) = home.runs
    frame = pd.read_csv(folder / "run.csv")
    assert len(frame) == len(ticks) == summary["rows"]
    assert [line for line in (folder / "tegrastats.log").read_text().splitlines() if "RAM" in line] == ticks
    assert set(frame["Phase"]) == {"replay"}
    environment = Recording(folder=folder).environment()
    found = {key: environment[key] for key in ("origin", "power_mode_verified", "page_open", "browser_on_board")}
    assert found == {"origin": "replay", "power_mode_verified": None, "page_open": None, "browser_on_board": None}
    assert frame["FPS"].isna().all()
    assert frame["UTC Time"].isna().all()
    assert frame["Elapsed (s)"].is_monotonic_increasing
    assert (summary["source"], summary["fps_end_to_end"], summary["gr3d_pct_mean"]) == ("replay", None, None)
