"""Which names of this machine the server answers to: a page of another site must not reach it by DNS."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from orin_core.errors import BadRequest

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


def check_loopback(address: str | None, *, setting: str, port: int) -> None:
    """Refuses to listen where others could connect.

    Args:
        address: where the server would listen; None for everywhere.
        setting: where that was set, for the message.
        port: its port.

    Raises:
        BadRequest: others could connect.
    """
    if not is_loopback(address):
        raise BadRequest(
            f"{setting}={address or ''} would let others start runs: there is no login.",
            f"Keep 127.0.0.1 and connect with: ssh -L {port}:127.0.0.1:{port} USER@THIS_MACHINE",
        )


def allowed(name: str, address: str | None) -> bool:
    """Returns whether a request may name this host.

    Args:
        name: as by :func:`host_name`.
        address: where the server listens, a loopback address.
    """
    return name in _LOOPBACK or name == address


class HostCheck:
    """Lets the server start on loopback only, and refuses requests that name a foreign host.

    Page, routes and WebSocket are guarded alike.

    Args:
        app: what is guarded.
        address: tells where the server listens, once that is known.
        port: tells its port.
    """

    def __init__(self, app: ASGIApp, address: Callable[[], str | None], port: Callable[[], int]) -> None:
        self._app = app
        self._address = address
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with 403."""
        if scope["type"] == "lifespan":
            try:
                check_loopback(self._address(), setting="server.address", port=self._port())
            except BadRequest as error:
                # In the server's own words, so that it prints this one line and no traceback.
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        if scope["type"] in ("http", "websocket"):
            header = next((value for key, value in scope["headers"] if key == b"host"), b"").decode("latin-1")
            if not allowed(host_name(header), self._address()):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await PlainTextResponse("This is not that host.\n", status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
