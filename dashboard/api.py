"""The GET routes beside the page: live rows after a cursor, the CSV of a run, Plotly's JavaScript."""

from __future__ import annotations

import functools
import gzip
import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plotly
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from dashboard import exports, gallery_api, state, sweep_api, sweep_hold
from dashboard.answer import Question, answer
from dashboard.feed import FeedState
from orin_core.board.paths import is_jetson
from orin_core.errors import BadRequest, OrinError
from orin_core.runs.whole_lines import chunks, open_plain, whole_length

IDLE = "idle"
POINTS = 1500
"""Rows on screen; more than a screen has pixels helps nobody."""
MAX_POINTS = 20_000
_NO_STORE = {"Cache-Control": "no-store"}


def _refused(error: OrinError, status_code: int) -> Response:
    return JSONResponse({"message": error.message, "hint": error.hint}, status_code=status_code, headers=_NO_STORE)


def _number(request: Request, name: str, default: float, low: float, high: float) -> float:
    text = request.query_params.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError as error:
        raise BadRequest(f"{name}={text[:40]!r} is no number.") from error
    if not low <= value <= high:
        raise BadRequest(f"{name}={value:g} is out of range.", f"Use {low:g} to {high:g}.")
    return value


@functools.cache
def _on_jetson() -> bool:
    return is_jetson()


def _light(request: Request) -> bool:
    """Returns whether the browser likely runs on the board that it shows, so that what it draws costs the run.

    A browser elsewhere that comes through a tunnel looks the same; it can ask for the full view.
    """
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback and _on_jetson()


def _question(request: Request) -> Question:
    """Returns what a browser asks ``/api/live``.

    Raises:
        BadRequest: a number is none, or out of range.
    """
    query = request.query_params
    between_s = None
    if "from" in query or "to" in query:
        between_s = (_number(request, "from", -1e9, -1e9, 1e9), _number(request, "to", 1e9, -1e9, 1e9))
        if between_s[0] > between_s[1]:
            raise BadRequest("from is later than to.", "Swap them.")
    return Question(
        cursor=query.get("since", ""),
        tag=query.get("tag", ""),
        span_s=_number(request, "span", 0.0, 0.0, 1e9) or None,
        points=int(_number(request, "points", POINTS, 16, MAX_POINTS)),
        cores=query.get("cores") == "1",
        between_s=between_s,
        light=_light(request),
    )


def live(request: Request) -> Response:
    """Answers ``/api/live?run=ID|idle&since=CURSOR&tag=TAG&span=S&points=N&cores=1&from=S&to=S``.

    Without a cursor, or with one that is no longer good, the whole window comes, thinned to
    ``points`` rows; else the rows after it. ``meta`` comes when ``tag`` is not its present name.
    With ``from`` or ``to`` the rows between two elapsed times come instead, and no cursor.
    """
    asked = request.query_params.get("run", IDLE)
    finder = state.run_finder()
    active = finder.active()
    try:
        question = _question(request)
        recording = None if asked == IDLE else finder.find(asked)
    except BadRequest as error:
        return _refused(error, 400)
    if recording is None and asked != IDLE:
        return _refused(finder.missing(asked), 404)

    def build(moment: FeedState, epoch: str) -> dict[str, Any]:
        return answer(moment, question, epoch=epoch)

    if recording is None:
        board = state.idle_board()
        if active is None:
            board.touch()
        document = board.answer(build)
    else:
        run_feed = state.feeds().get(recording)
        with run_feed.lock:
            held = active is not None and active.run_id == recording.run_id
            document = build(run_feed.document(held=held), run_feed.epoch)
    document["active"] = active.run_id if active else None
    held_by = None if active else sweep_hold.between_runs(state.settings())
    document["sweep"] = held_by.sweep_id if held_by else ""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return Response(text, media_type="application/json", headers=_NO_STORE)


def _whole_lines(path: Path, size: int) -> Iterator[bytes]:
    with open_plain(path) as stream:
        yield from chunks(stream, size)


def run_csv(request: Request) -> Response:
    """Answers ``/api/runs/ID/run.csv``: the whole lines so far, also while the run goes on."""
    finder, run_id = state.run_finder(), request.path_params["run_id"]
    finder.active()
    try:
        recording = finder.find(run_id)
        if recording is None:
            return _refused(finder.missing(run_id), 404)
        with open_plain(recording.csv_path) as stream:
            size = whole_length(stream)
    except BadRequest as error:
        return _refused(error, 400)
    except FileNotFoundError:
        return _refused(BadRequest("This run has no rows yet.", "Try again in a moment."), 404)
    headers = {
        **_NO_STORE,
        "Content-Disposition": f'attachment; filename="{recording.run_id}.csv"',
        "Content-Length": str(size),
    }
    return StreamingResponse(
        _whole_lines(recording.csv_path, size), media_type="text/csv; charset=utf-8", headers=headers
    )


@functools.cache
def _plotly_gz() -> bytes:
    source = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()
    return gzip.compress(source, mtime=0)


def plotly_js(request: Request) -> Response:
    """Answers ``/api/plotly.min.js?v=VERSION`` from the plotly wheel, since a kit may have no internet.

    It is compressed once: Streamlit would do so for each browser, while the page waits for it.
    """
    named = request.query_params.get("v") == plotly.__version__
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if named else "no-cache",
        "Content-Encoding": "gzip",
    }
    return Response(_plotly_gz(), media_type="text/javascript; charset=utf-8", headers=headers)


def routes() -> list[BaseRoute]:
    """Returns the routes; GET only. Streamlit keeps ``/static`` for itself."""
    return [
        Route("/api/live", live, methods=["GET"]),
        Route("/api/runs/{run_id}/run.csv", run_csv, methods=["GET"]),
        Route("/api/plotly.min.js", plotly_js, methods=["GET"]),
        *gallery_api.routes(),
        *exports.routes(),
        *sweep_api.routes(),
    ]
