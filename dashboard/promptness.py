"""Answers leave the server at once, and what a page will need is told with its first one."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def send_at_once(port: int, fds: Path = Path("/proc/self/fd")) -> int:
    """Tells the sockets that this process listens on to send what they have at once.

    Streamlit opens its socket without naming the protocol, and asyncio then leaves Nagle's algorithm on: the body of
    an answer waits up to 40 ms for the browser's word that it got the head, and a page is made of a hundred answers.

    Args:
        port: the port of the sockets; whoever connects inherits what is set on them.
        fds: folder of this process's open files, by number.

    Returns:
        How many sockets were told.
    """
    return sum(_told(int(entry.name), port) for entry in list(fds.iterdir()))


def _told(fd: int, port: int) -> bool:
    # Closed meanwhile, or no socket at all.
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as found:
        inet = found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM
        if inet and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and found.getsockname()[1] == port:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return True
    return False


class Preload:
    """Tells the browser with a page which script the page will need, so that it is there when the page asks for it.

    Args:
        app: what answers.
        paths: the pages.
        script: address of the script.
    """

    def __init__(self, app: ASGIApp, paths: tuple[str, ...], script: str) -> None:
        self._app = app
        self._paths = paths
        self._link = f"<{script}>; rel=preload; as=script"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; adds the header to the answer where it is one of the pages."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Link", self._link)
            await send(message)

        wanted = scope["type"] == "http" and scope["path"] in self._paths
        await self._app(scope, receive, told if wanted else send)
