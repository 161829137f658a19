"""Answers are not held back until the browser has acknowledged the piece before."""

from __future__ import annotations

import socket

from dashboard.promptness import send_at_once


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
