"""The GET routes of a run's gallery: the pictures of what its model said, and the list of them."""

from __future__ import annotations

import dataclasses

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard import state
from orin_core.errors import BadRequest, OrinError
from orin_core.runs import gallery
from orin_core.runs.recording import Recording

_NO_STORE = {"Cache-Control": "no-store"}
# A gallery appears whole and never changes.
_KEPT = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}


def _refused(error: OrinError, status_code: int) -> Response:
    return JSONResponse({"message": error.message, "hint": error.hint}, status_code=status_code, headers=_NO_STORE)


def _found(request: Request) -> Recording | Response:
    """Returns the run that the address names, or the refusal."""
    finder, run_id = state.run_finder(), request.path_params["run_id"]
    # So that a run elsewhere that holds the board is known.
    finder.active()
    try:
        return finder.find(run_id) or _refused(finder.missing(run_id), 404)
    except BadRequest as error:
        return _refused(error, 400)


def index(request: Request) -> Response:
    """Answers ``/api/runs/ID/gallery.json``: file, title and kind of each picture; may be empty."""
    found = _found(request)
    if isinstance(found, Response):
        return found
    return JSONResponse([dataclasses.asdict(picture) for picture in gallery.pictures(found)], headers=_NO_STORE)


def picture(request: Request) -> Response:
    """Answers ``/api/runs/ID/gallery/N.jpg``."""
    found = _found(request)
    if isinstance(found, Response):
        return found
    data = gallery.jpeg(found, request.path_params["file"])
    if data is None:
        return _refused(BadRequest("There is no such picture.", "See gallery.json for those that there are."), 404)
    return Response(data, media_type="image/jpeg", headers=_KEPT)


def routes() -> list[BaseRoute]:
    """Returns the routes; GET only."""
    return [
        Route("/api/runs/{run_id}/gallery.json", index, methods=["GET"]),
        Route("/api/runs/{run_id}/gallery/{file}", picture, methods=["GET"]),
    ]
