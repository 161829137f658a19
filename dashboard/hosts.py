"""Which names of this machine the server answers to: a page of another site must not reach it by DNS."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def host_name(header: str) -> str:
    """Returns the name in a Host header, without port and brackets, in lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.rpartition(":")[0].lower() if header.count(":") == 1 else header.lower()


def is_loopback(address: str | None) -> bool:
    """Returns whether only this machine can connect to a listening address."""
    try:
        return address == "localhost" or ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def allowed(name: str, address: str | None) -> bool:
    """Returns whether a request may name this host.

    Beyond loopback any bare IP address will do: what rebinds DNS needs a name.

    Args:
        name: as by :func:`host_name`.
        address: where the server listens; None for everywhere.
    """
    if name in _LOOPBACK or name == address:
        return True
    if is_loopback(address):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        own = socket.gethostname().lower()
        return name in (own, f"{own}.local", socket.getfqdn().lower())
    return True


class HostCheck:
    """Refuses requests, page and WebSocket included, that name a foreign host.

    Args:
        app: what is guarded.
        address: tells where the server listens, once that is known.
    """

    def __init__(self, app: ASGIApp, address: Callable[[], str | None]) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with 403."""
        if scope["type"] in ("http", "websocket"):
            header = next((value for key, value in scope["headers"] if key == b"host"), b"").decode("latin-1")
            if not allowed(host_name(header), self._address()):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await PlainTextResponse("This is not that host.\n", status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
