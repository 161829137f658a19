"""One answer of ``/api/live``: what a browser needs beyond what it has."""

from __future__ import annotations

import dataclasses
import json
import zlib
from typing import Any

from dashboard.feed import FeedState
from dashboard.table import Table
from dashboard.thinning import GAP_INTERVALS
from dashboard.window import Rows, between, for_browser

_MAX_DIGITS = 18
"""No cursor has more; Python reads no number of thousands."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a browser asks.

    Args:
        cursor: what it got last, empty for a whole window.
        tag: names the meta data that it has.
        span_s: length of the window in s; None for the whole run.
        points: rows that a whole window may have.
        cores: whether the loads of cores are wanted as well.
        between_s: the two elapsed times that it zoomed to, s; None where it follows the newest rows.
        light: whether it likely runs on the board itself.
    """

    cursor: str = ""
    tag: str = ""
    span_s: float | None = None
    points: int = 1500
    cores: bool = False
    between_s: tuple[float, float] | None = None
    light: bool = False


def answer(state: FeedState, question: Question, *, epoch: str) -> dict[str, Any]:
    """Returns what the browser needs beyond what it has.

    Args:
        state: the present state of the feed.
        question: what it asks and has.
        epoch: names this life of the feed; a cursor of another life starts over.
    """
    document: dict[str, Any] = {"age_s": None if state.age_s is None else round(state.age_s, 2), **state.progress}
    if question.between_s is None:
        document.update(_newest(state, question, epoch))
    else:
        document.update(_between(state, question.between_s, question))
    if state.partial:
        document["partial"] = True
    table = state.table
    columns = [table.columns[number] for number in table.picks(cores=question.cores)] if table else []
    meta = {**state.meta, "interval_s": state.interval_s, "columns": columns, "light": question.light}
    now = f"{zlib.crc32(json.dumps(meta, sort_keys=True).encode()):x}"
    document["tag"] = now
    if now != question.tag:
        document["meta"] = meta
    return document


def _newest(state: FeedState, question: Question, epoch: str) -> dict[str, Any]:
    table, gap_s = state.table, GAP_INTERVALS * state.interval_s
    # Rows with the loads of cores are wider: a browser that folds them out or away starts over.
    life = f"{epoch}c" if question.cores else epoch
    document: dict[str, Any] = {"cursor": f"{life}:{table.end if table else 0}"}
    if table is None:
        # What a browser may still have is of another life.
        return {"reset": True, "rows": [], **document}
    known = _known(table, question, life)
    if known is not None:
        new = table.take(known, table.end, table.picks(cores=question.cores))
        return {"rows": for_browser(new, gap_s, table.time_s(known - 1)), **document}
    rows, few = state.windows.rows(
        table, span_s=question.span_s, points=question.points, cores=question.cores, gap_s=gap_s
    )
    return {"reset": True, **_told(rows, few), **document}


def _known(table: Table, question: Question, life: str) -> int | None:
    """Returns the place up to which the browser has every row, None where it has to start over."""
    before, _, count = question.cursor.rpartition(":")
    if before != life or len(count) > _MAX_DIGITS or not (count.isascii() and count.isdecimal()):
        return None
    known = int(count)
    reached = table.first <= known <= table.end
    return known if reached and table.end - known <= question.points else None


def _between(state: FeedState, between_s: tuple[float, float], question: Question) -> dict[str, Any]:
    if state.table is None:
        return {"rows": []}
    gap_s = GAP_INTERVALS * state.interval_s
    return _told(*between(state.table, *between_s, points=question.points, cores=question.cores, gap_s=gap_s))


def _told(rows: Rows, few: bool) -> dict[str, Any]:
    """Returns rows as an answer has them; ``thinned`` where they are extremes and not readings of an instant."""
    return {"rows": rows, "thinned": True} if few else {"rows": rows}
