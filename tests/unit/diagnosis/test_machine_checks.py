from __future__ import annotations

import http.server
import socket
import sys
import threading
from pathlib import Path

import pytest

from orin_core.catalog import Choice
from orin_core.diagnosis import machine_checks, programs
from orin_core.diagnosis.check import Finding, Look, State
from orin_core.diagnosis.subject import Subject
from orin_core.errors import BadRequest
from orin_core.runs.worker_process import describe_worker
from orin_core.settings import Settings
from tests.unit.diagnosis.conftest import named, program

FACTS = {"torch": "2.5.0a0", "cuda": "12.6", "cuda_available": True, "device_name": "Orin", "torchvision": "0.20"}


def state_and_words(finding: Finding) -> tuple[State, str]:
    return finding[0], finding[1]


def test_torch_with_cuda_is_well(jetson: Subject) -> None:
    assert state_and_words(machine_checks.torch_finding(FACTS, jetson, 1)) == (
        State.OK,
        "torch 2.5.0a0 on Orin, CUDA 12.6.",
    )


def test_torch_without_cuda_is_a_problem_on_a_jetson_only(
    jetson: Subject, simulated: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {**FACTS, "cuda": None, "cuda_available": False}
    state, words = state_and_words(machine_checks.torch_finding(facts, jetson, 1))
    assert (state, "built without CUDA" in words) == (State.PROBLEM, True)
    monkeypatch.setattr(machine_checks, "host_gpu_available", lambda: False)
    assert machine_checks.torch_finding(facts, simulated, 1)[0] is State.OK
    monkeypatch.setattr(machine_checks, "host_gpu_available", lambda: True)
    assert machine_checks.torch_finding(facts, simulated, 1)[0] is State.WARNING


def test_torch_that_does_not_import_or_does_not_answer(simulated: Subject) -> None:
    broken = machine_checks.torch_finding({"torch": None, "problem": "libcusparseLt is missing"}, simulated, 1)
    assert state_and_words(broken) == (State.PROBLEM, "libcusparseLt is missing")
    assert machine_checks.torch_finding(None, simulated, 7)[0] is State.WARNING


@pytest.mark.parametrize(
    ("ops", "state"),
    [("native", State.OK), ("substitute", State.WARNING), ("absent", State.WARNING), (None, State.WARNING)],
)
def test_torchvision(ops: str | None, state: State) -> None:
    assert machine_checks.vision_finding({**FACTS, "torchvision_ops": ops} if ops else None)[0] is state


def test_worker_that_never_answers_is_given_up(standins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(standins, "slow", "exec sleep 600")
    monkeypatch.setattr(sys, "executable", str(standins / "slow"))
    assert describe_worker(0.2) is None


def test_cached_and_absent_models_are_told_apart() -> None:
    here = Choice(name="a", label="A", cached=True, size_mb=230.4)
    gone = Choice(name="b", label="B", cached=False)
    assert state_and_words(machine_checks.cached_finding([here], "random weights")) == (State.OK, "Here: A (230 MB).")
    state, words, hint = machine_checks.cached_finding([here, gone], "random weights")[:3]  # type: ignore[misc]
    assert (state, "Not here: B" in words, hint) == (
        State.WARNING,
        True,
        "Fetch with: python -m orin_core fetch b",
    )
    assert words.endswith("Not here: B; their runs take random weights, at the same speed.")
    alone = Choice(name="c", label="C", cached=False, replaceable=False)
    _, words, _ = machine_checks.cached_finding([gone, alone], "random weights")[:3]  # type: ignore[misc]
    assert words.endswith("at the same speed; C cannot run without.")


def test_disk_room_and_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine_checks.disk_finding(tmp_path / "data" / "runs")[0] is State.OK
    assert not (tmp_path / "data").exists()
    monkeypatch.setattr(machine_checks, "_FEW_RUNS", 10**9)
    assert machine_checks.disk_finding(tmp_path / "runs")[0] is State.WARNING
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequest):
        machine_checks.disk_finding(tmp_path / "file" / "runs")


def test_state_folder_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(data_dir=tmp_path / "data", state_dir=tmp_path / "file", telemetry="simulated")
    subject = Subject.of(settings)
    assert subject.error is not None
    checks = [look.check() for look in machine_checks.looks(subject) if look.name == "state folder"]
    assert named(checks, "state folder").state is State.PROBLEM


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo yes", True),
        ("echo no", False),
        ("echo 'System has not been booted with systemd' >&2; exit 1", None),
        ("echo maybe", None),
    ],
)
def test_clock(standins: Path, script: str, expected: bool | None) -> None:
    program(standins, "timedatectl", script)
    assert programs.clock_synchronised() is expected
    assert (machine_checks._clock()[0] is State.OK) == bool(expected)


def test_clock_without_timedatectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.clock_synchronised() is None


class Answer(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("body", "state"),
    [(b'{"message": "This is no run id.", "hint": ""}', State.OK), (b"<html>", State.PROBLEM), (b"[1]", State.PROBLEM)],
)
def test_port_that_is_taken_is_told_from_our_own(body: bytes, state: State) -> None:
    handler = type("Handler", (Answer,), {"body": body})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = machine_checks.port_finding("127.0.0.1", server.server_port)
        server.shutdown()
    assert found[0] is state


def test_free_port_and_foreign_address() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "is free" in machine_checks.port_finding("127.0.0.1", port)[1]
    assert machine_checks.port_finding("192.0.2.1", port)[0] is State.PROBLEM


@pytest.mark.parametrize("error", [BadRequest("No.", "Do."), PermissionError(13, "Permission denied", "/x")])
def test_a_look_that_fails_is_a_problem_and_no_end(error: Exception) -> None:
    def find() -> Finding:
        raise error

    check = Look(group="G", name="N", find=find).check()
    assert check.state is State.PROBLEM
    assert "No." in check.message or "/x" in check.message
