"""A hub that stands in for the real one: the part of its protocol that a download uses, over files in memory."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from typing import Any
from urllib.parse import urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"
LARGE_BYTES = 1000
"""Contents from this size on are kept apart and named by their SHA-256, as the hub keeps large files."""


def etag_of(content: bytes) -> str:
    """What the hub names contents: SHA-256 of large ones, git blob id of small ones."""
    if len(content) >= LARGE_BYTES:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class StandInHub:
    """Serves repositories over HTTP on this machine while it is entered.

    Large contents are answered with a redirect to another host name, as the hub does.
    """

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        """``models/owner/name`` or ``datasets/owner/name`` -> name of a file -> contents."""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of every request."""
        self.sent_bytes = 0
        """Of large contents."""
        self.pause_after: int | None = None
        """So many bytes of a large answer are sent, then nothing until ``go_on`` is set."""
        self.go_on = threading.Event()
        self.cut_after: int | None = None
        """So many bytes of the next large answer are sent, then the connection ends."""
        self.silent_after_cut = 0
        """So many requests after that get no answer, as where a network is gone for a moment."""
        self.silent = 0
        self.ranges = True
        self.served_instead: dict[str, bytes] = {}
        """Contents that are sent in place of those of a SHA-256."""
        hub = self
        handler = type("Handler", (_Handler,), {"hub": hub})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def other_host(self) -> str:
        """The same server by another name, where the large contents are."""
        return f"http://localhost:{self._server.server_address[1]}"

    def contents(self, etag: str) -> bytes | None:
        everything = (content for files in self.repos.values() for content in files.values())
        return next((content for content in everything if etag_of(content) == etag), None)

    def gets(self) -> list[dict[str, str]]:
        """Headers of the requests for large contents."""
        return [headers for method, path, headers in self.asked if method == "GET" and path.startswith("/large/")]

    def __enter__(self) -> StandInHub:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: StandInHub

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        if self.hub.silent:
            self.hub.silent -= 1
            self.close_connection = True
            return None
        self.hub.asked.append((self.command, path, dict(self.headers.items())))
        if path.startswith("/large/"):
            return self._large(path.removeprefix("/large/"))
        for repo, files in self.hub.repos.items():
            if path.startswith(f"/api/{repo}/tree/"):
                tree = [{"type": "file", "path": n, "size": len(c), "oid": etag_of(c)} for n, c in files.items()]
                return self._send(json.dumps(tree).encode())
            if path == f"/api/{repo}" or path.startswith(f"/api/{repo}/"):
                siblings = [{"rfilename": name} for name in files]
                info: dict[str, Any] = {"id": repo.split("/", 1)[1], "sha": SHA, "siblings": siblings}
                return self._send(json.dumps(info).encode())
            prefix = re.match(rf"/{re.escape(repo.removeprefix('models/'))}/resolve/({SHA}|main)/", path)
            if prefix and path[prefix.end() :] in files:
                return self._file(files[path[prefix.end() :]])
        return self._send(b"", status=200 if path == "/" else 404)

    def _file(self, content: bytes) -> None:
        etag = etag_of(content)
        if len(content) < LARGE_BYTES:
            return self._send(content, kind="application/octet-stream", etag=etag)
        self.send_response(302)
        self.send_header("Location", f"{self.hub.other_host}/large/{etag}")
        self.send_header("X-Linked-Etag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("X-Repo-Commit", SHA)
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def _large(self, etag: str) -> None:
        content = self.hub.served_instead.get(etag) or self.hub.contents(etag)
        if content is None:
            return self._send(b"", status=404)
        start = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        offset = int(start[1]) if start and self.hub.ranges else 0
        self.send_response(206 if offset else 200)
        self.send_header("Content-Length", str(len(content) - offset))
        self.end_headers()
        cut, self.hub.cut_after = self.hub.cut_after, None
        try:
            for place in range(offset, len(content), 65536):
                sent = place - offset
                if cut is not None and sent >= cut:
                    self.hub.silent = self.hub.silent_after_cut
                    break
                if self.hub.pause_after is not None and sent >= self.hub.pause_after:
                    self.hub.go_on.wait()
                self.wfile.write(content[place : place + 65536])
                self.hub.sent_bytes += len(content[place : place + 65536])
        except (BrokenPipeError, ConnectionResetError):
            # Whoever asked was killed.
            pass
        self.close_connection = True
        return None

    def _send(self, content: bytes, *, status: int = 200, kind: str = "application/json", etag: str = "") -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{etag or etag_of(content)}"')
        self.send_header("X-Repo-Commit", SHA)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
