"""One file of the hub into its cache, going on where an earlier download of it ended.

The hub's own library (2.4) begins a file anew after every interruption: it writes to a file of a
new name each time. So the contents are fetched here, into ``blobs/<etag>.part`` beside the place
where the library wants them; what it finds complete it only links into the snapshot.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, and listed nowhere

from orin_core.errors import OrinError

CHUNK_BYTES = 1024 * 1024
TIMEOUT_S = 30.0
TRIES = 5
"""How often in a row the hub may end a connection without a byte before the download gives up."""
PAUSE_S = 1.0
_PASSING = (408, 429, 500, 502, 503, 504)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file as the hub has it.

    Args:
        repo_id: hub id.
        repo_type: ``model`` or ``dataset``.
        revision: hub commit.
        filename: path in the repository.
        etag: what the hub names its contents: their SHA-256, or their git blob id.
        size_bytes: size of its contents.
    """

    repo_id: str
    repo_type: str
    revision: str
    filename: str
    etag: str
    size_bytes: int

    @property
    def blob(self) -> Path:
        """Where its contents belong in the cache."""
        folder = f"{self.repo_type}s--{self.repo_id.replace('/', '--')}"
        return Path(constants.HF_HUB_CACHE) / folder / "blobs" / self.etag

    @property
    def part(self) -> Path:
        """Where they lie until they are whole."""
        return self.blob.with_name(f"{self.etag}.part")

    @property
    def here_bytes(self) -> int:
        """How much of them is on this machine."""
        there = next((path for path in (self.blob, self.part) if path.is_file()), None)
        return min(there.stat().st_size, self.size_bytes) if there else 0


def look_up(repo_id: str, repo_type: str, revision: str, filename: str, timeout_s: float) -> RemoteFile | None:
    """Asks the hub for a file's size and etag; None where it does not tell them."""
    found = _metadata(repo_id, repo_type, revision, filename, timeout_s)
    if found.etag is None or found.size is None or not found.etag.isalnum():
        return None
    return RemoteFile(
        repo_id=repo_id,
        repo_type=repo_type,
        revision=revision,
        filename=filename,
        etag=found.etag,
        size_bytes=found.size,
    )


def _metadata(repo_id: str, repo_type: str, revision: str, filename: str, timeout_s: float) -> Any:
    url = hf_hub_url(repo_id, filename, repo_type=repo_type, revision=revision, endpoint=constants.ENDPOINT)
    return get_hf_file_metadata(url, timeout=timeout_s)


def download(file: RemoteFile, count: Callable[[int], None]) -> None:
    """Fetches what is missing of a file and puts it in its place once it is whole.

    Args:
        file: as the hub has it now.
        count: called with the bytes that were written; negative where some must be fetched again.

    Raises:
        OrinError: another program fetches it, or what came is not what the hub announced.
        OSError: the connection broke off again and again, or the disk refused.
    """
    if file.blob.exists():
        return
    file.part.parent.mkdir(parents=True, exist_ok=True)
    # Unbuffered: a process that is killed must leave what it had received.
    with file.part.open("ab", buffering=0) as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OrinError(
                f"{file.filename} of {file.repo_id} is being downloaded by another program.", "Wait until it is done."
            ) from error
        if out.tell() > file.size_bytes:
            out.truncate(0)
        _fill(file, out, count)
        os.fsync(out.fileno())
        if not _as_announced(file):
            file.part.unlink()
            count(-file.size_bytes)
            raise OrinError(f"{file.filename} of {file.repo_id} came damaged.", "Start the download again.")
        file.part.replace(file.blob)


def _fill(file: RemoteFile, out: Any, count: Callable[[int], None]) -> None:
    tries = TRIES
    while (before := out.seek(0, os.SEEK_END)) < file.size_bytes:
        error = _attempt(file, before, out, count)
        if error is None:
            continue
        tries = TRIES if out.tell() > before else tries - 1
        if tries <= 0:
            raise error
        time.sleep(PAUSE_S)


def _attempt(file: RemoteFile, offset: int, out: Any, count: Callable[[int], None]) -> Exception | None:
    """Fetches the contents from ``offset`` on; returns a failure that may pass by itself."""
    try:
        for chunk in _stream(file, offset, out, count):
            _write(out, chunk)
            count(len(chunk))
        if out.tell() < file.size_bytes:
            return ConnectionError("the connection ended early")
    except (OSError, http.client.HTTPException) as error:
        if not _passes(error):
            raise
        return error
    return None


def _stream(file: RemoteFile, offset: int, out: Any, count: Callable[[int], None]) -> Iterator[bytes]:
    """Yields the contents from ``offset`` on, or from the start where the server knows no ranges."""
    # Asked for each time: where the contents lie is signed for some minutes only.
    try:
        found = _metadata(file.repo_id, file.repo_type, file.revision, file.filename, TIMEOUT_S)
    except OSError:
        raise
    except Exception as error:  # boundary: what the library's transport raises changes with its releases
        raise ConnectionError(f"the hub does not answer ({error})") from error
    if found.etag != file.etag:
        raise OrinError(f"{file.filename} of {file.repo_id} has changed meanwhile.", "Start the download again.")
    request = urllib.request.Request(found.location, headers={"Accept-Encoding": "identity"})
    for key, value in build_hf_headers().items():
        if key.lower() == "authorization" and urlsplit(found.location).netloc == urlsplit(constants.ENDPOINT).netloc:
            # Never handed on to where a redirect leads.
            request.add_unredirected_header(key, value)
        elif key.lower() == "user-agent":
            request.add_header(key, value)
    if offset:
        request.add_header("Range", f"bytes={offset}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if offset and answer.status != http.client.PARTIAL_CONTENT:
            out.truncate(0)
            out.seek(0)
            count(-offset)
            offset = 0
        left = file.size_bytes - offset
        while left and (chunk := answer.read1(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk


def _write(out: Any, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[out.write(view) :]


def _passes(error: Exception) -> bool:
    """Whether a failure may pass by itself: of the connection, not of the request or of the disk."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return error.code in _PASSING
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING
    return not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG))


def _as_announced(file: RemoteFile) -> bool:
    if file.part.stat().st_size != file.size_bytes:
        return False
    # Large files are named by their SHA-256, small ones by their git blob id; other names tell nothing.
    if len(file.etag) == 64:
        digest = hashlib.sha256()
    elif len(file.etag) == 40:
        digest = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)
    else:
        return True
    with file.part.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest() == file.etag
