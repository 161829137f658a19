"""The route that makes one file of a run: CSV, the SCALES team's layout, Parquet, or a zip of the folder."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from dashboard import state
from orin_core.errors import BadRequest, OrinError
from orin_core.runs import exports
from orin_core.runs.recording import Recording

_CHUNK_BYTES = 256 * 1024
_NO_STORE = {"Cache-Control": "no-store"}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>No download</title>
<style>body {{ font-family: system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem;
line-height: 1.5; overflow-wrap: anywhere; }}</style>
</head>
<body>
<h1>No download</h1>
<p><b>{message}</b></p>
<p>{hint}</p>
<p><a href="/runs">Back to the runs</a></p>
</body>
</html>
"""


def routes() -> list[BaseRoute]:
    """Returns the route; GET only."""
    return [Route("/api/runs/{run_id}/export/{format}", export, methods=["GET"])]


def export(request: Request) -> Response:
    """Answers ``/api/runs/ID/export/FORMAT``: the run as one file, also while it goes on."""
    run_id, file_format = request.path_params["run_id"], request.path_params["format"]
    finder = state.run_finder()
    finder.active()
    try:
        exports.check_format(file_format)
        recording = finder.find(run_id)
        if recording is None:
            return _refused(request, finder.missing(run_id), 404)
        if file_format != "zip" and not exports.has_rows(recording):
            return _refused(request, BadRequest("This run has no rows yet.", "Try again in a moment."), 404)
        stream, length = _made(recording, file_format)
    except BadRequest as error:
        return _refused(request, error, 400)
    except OrinError as error:
        return _refused(request, error, 500)
    headers = {
        **_NO_STORE,
        "Content-Disposition": f'attachment; filename="{exports.export_name(recording, file_format)}"',
        "Content-Length": str(length),
    }
    return StreamingResponse(_chunks(stream), media_type=exports.MEDIA_TYPES[file_format], headers=headers)


def _made(recording: Recording, file_format: str) -> tuple[BinaryIO, int]:
    """Makes the file and opens it; it has no name any more, so it goes whenever the browser does."""
    with tempfile.TemporaryDirectory(prefix="orin-export-") as folder:
        path = Path(folder) / "export"
        exports.write_export(recording, file_format, path)
        length = path.stat().st_size
        return path.open("rb"), length


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while data := stream.read(_CHUNK_BYTES):
            yield data


def _refused(request: Request, error: OrinError, status_code: int) -> Response:
    """Answers a person who followed a link with a page, a program with JSON."""
    if "text/html" in request.headers.get("accept", ""):
        page = _PAGE.format(message=html.escape(error.message), hint=html.escape(error.hint))
        return HTMLResponse(page, status_code=status_code, headers=_NO_STORE)
    return JSONResponse({"message": error.message, "hint": error.hint}, status_code=status_code, headers=_NO_STORE)
