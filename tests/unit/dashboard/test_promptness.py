"""Answers are not held back, and a page tells early what it will need."""

from __future__ import annotations

import socket

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.promptness import Preload, send_at_once


def test_connections_of_the_servers_port_send_at_once_and_others_are_left_alone() -> None:
    with socket.socket() as ours, socket.socket() as other:
        for one in (ours, other):
            one.bind(("127.0.0.1", 0))
            one.listen()
        port = ours.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            before, _ = ours.accept()
            assert send_at_once(port) == 1
            with before, socket.create_connection(("127.0.0.1", port)):
                after, _ = ours.accept()
                with after:
                    found = [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in (ours, after, other)]
    assert [bool(value) for value in found] == [True, True, False]


def test_only_a_page_tells_what_script_it_will_need() -> None:
    app = Starlette(
        routes=[Route(path, lambda _: PlainTextResponse("")) for path in ("/", "/live", "/runs")],
        middleware=[Middleware(Preload, paths=("/", "/live"), script="/api/script.js?v=1")],
    )
    with TestClient(app) as client:
        found = [client.get(path).headers.get("link") for path in ("/", "/live", "/runs")]
    assert found == ["</api/script.js?v=1>; rel=preload; as=script"] * 2 + [None]
