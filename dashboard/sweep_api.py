"""The GET route of the Sweeps page: how a sweep stands, as far as a browser does not have it yet."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard import state, sweep_matrix, sweep_now
from orin_core.sweeps.state import SWEEP_ID

_NO_STORE = {"Cache-Control": "no-store"}


def sweep(request: Request) -> Response:
    """Answers ``/api/sweep?id=ID&show=WHAT&tag=TAG``: the parts of the board that ``tag`` does not name.

    Without an id it tells of the page alone, for a page that shows no sweep.
    """
    query = request.query_params
    sweep_id, what = query.get("id") or None, query.get("show") or next(iter(sweep_matrix.SHOWN))
    if (sweep_id is not None and not SWEEP_ID.fullmatch(sweep_id)) or what not in sweep_matrix.SHOWN:
        said = {"message": "There is no such sweep.", "hint": "Look for it on the Sweeps page."}
        return JSONResponse(said, status_code=400, headers=_NO_STORE)
    document = sweep_now.look(state.settings(), sweep_id, what).answer(query.get("tag", ""))
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return Response(text, media_type="application/json", headers=_NO_STORE)


def routes() -> list[BaseRoute]:
    """Returns the route; GET only."""
    return [Route("/api/sweep", sweep, methods=["GET"])]
