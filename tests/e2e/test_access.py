"""How the server starts, whom it answers, and what it never loads. No browser."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest

from orin_core.settings import PROJECT_ROOT
from tests.conftest import Home, wait_for
from tests.e2e.conftest import Server, free_port


def test_foreign_host_is_refused(server: Server) -> None:
    for path in ("/", "/runs", "/api/live?run=idle", "/api/plotly.min.js", "/_stcore/health"):
        assert server.get(path, Host="rebound.example") == 403, path
        assert server.get(path, Host="127.0.0.2.example:80") == 403, path
        assert server.get(path, Host=f"localhost:{server.port}") == 200, path


def handshake(server: Server, host: str) -> str:
    """First line of the answer to a request for the page's WebSocket."""
    request = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request.encode())
        return connection.makefile("rb").readline().decode().strip()


def test_foreign_host_gets_no_websocket(server: Server) -> None:
    assert handshake(server, f"127.0.0.1:{server.port}").startswith("HTTP/1.1 101")
    assert handshake(server, "rebound.example").startswith("HTTP/1.1 403")


def test_only_get_and_only_run_ids(server: Server) -> None:
    assert server.get("/api/runs/..%2F..%2Fetc/run.csv") in (400, 404)
    assert server.get("/api/runs/20260101T000000Z_a_b_c_0000/run.csv") == 404
    assert server.get("/api/live?run=..%2Fsecrets") == 400
    assert server.get("/api/live?run=20260101T000000Z_a_b_c_0000") == 404
    assert server.get("/api/live?run=idle&span=soon") == 400


def test_taken_port_is_told_in_one_line(server: Server) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "dashboard"],
        env={**server.home.env, "ORIN_PORT": str(server.port)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 2
    assert second.stderr.strip().splitlines() == [
        f"Port {server.port} of 127.0.0.1 is taken. Choose another one with ORIN_PORT."
    ]
    assert str(server.port) in server.log.read_text()


@pytest.mark.parametrize(("argument", "code", "said"), [("--help", 0, "ORIN_PORT"), ("--port=1", 2, "--port=1")])
def test_help_and_unknown_arguments_start_nothing(home: Home, argument: str, code: int, said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dashboard", argument],
        env={**home.env, "ORIN_PORT": str(free_port())},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == code
    assert said in ended.stdout + ended.stderr
    if not code:
        named = re.findall(r"ORIN_[A-Z_]+", (PROJECT_ROOT / "orin_core" / "settings.py").read_text())
        assert set(named) <= set(re.findall(r"ORIN_[A-Z_]+", ended.stdout))


def test_address_of_others_is_refused(home: Home) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "dashboard"],
        env={**home.env, "ORIN_ADDRESS": "0.0.0.0"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode == 2
    assert "no login" in refused.stderr


def test_streamlit_run_starts_the_same_application(home: Home) -> None:
    port = free_port()
    made = Server(home=home, port=port)
    made.child = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port)],
        env=home.env,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: made.get("/api/live?run=idle") == 200, "the routes")
        assert made.get("/_stcore/health") == 200
        assert made.get("/api/live?run=idle", Host="rebound.example") == 403
    finally:
        made.kill()


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_streamlit_run_refuses_the_address_of_others(home: Home, address: str) -> None:
    port = free_port()
    options = (f"--server.address={address}", f"--server.port={port}")
    refused = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", *options],
        env=home.env,
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert refused.returncode != 0
    assert f"server.address={address} would let others start runs: there is no login." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert Server(home=home, port=port).get("/_stcore/health") == 0


def test_page_modules_load_no_inference_library() -> None:
    code = (
        "import sys, dashboard.app, dashboard.live, dashboard.runs, dashboard.system\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'torch', 'torchvision', 'transformers', 'ultralytics', 'datasets'}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ),
    )
    assert found.stdout.strip() == "[]", found.stderr
