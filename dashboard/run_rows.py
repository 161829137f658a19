"""Runs as rows of a table: what is shown, searched, filtered and sorted. Without Streamlit."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dashboard import verdict_view
from dashboard.words import source_label
from orin_core.analysis.summary_shapes import without_damage
from orin_core.analysis.verdict import Status
from orin_core.runs import store
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording, file_version, started_utc
from orin_core.spec import RunState

Row = Mapping[str, Any]

TOKENS = "Tokens / s"
"""Only text generation has them, as only images have FPS."""

FIGURES: dict[str, tuple[str, str]] = {
    "fps_end_to_end": ("FPS", "%.2f"),
    "tokens_per_s": (TOKENS, "%.2f"),
    "gr3d_pct_mean": ("GR3D (%)", "%.1f"),
    "ram_used_mb_mean": ("RAM (MB)", "%.0f"),
    "power_w_mean": ("Power (W)", "%.2f"),
    "energy_per_item_j": ("J / image", "%.3f"),
    "items_per_joule": ("Images / J", "%.3f"),
    "tj_c_max": ("Hottest (°C)", "%.1f"),
}
"""Key of the summary: title of the column and how its number is formatted."""

FILTERS = {"model": "Model", "mode": "Mode", "validity": "Validity", "origin": "Origin", "state": "State"}
"""Name in the address: column. Each is a choice of the values that there are."""

SEARCH = "q"
SORT = "sort"
"""Names in the address."""

SORTS: dict[str, tuple[str, str, bool]] = {
    "newest": ("Newest first", "run", True),
    "oldest": ("Oldest first", "run", False),
    "fps": ("Fastest first", "FPS", True),
    "energy": ("Least energy per image first", "J / image", False),
    "power": ("Least power first", "Power (W)", False),
    "hottest": ("Hottest first", "Hottest (°C)", True),
    "model": ("Model, A to Z", "Model", False),
}
"""Name in the address: words, column, largest first. A blank comes last either way."""

NEWEST = "newest"
_WAY = ("method", "precision", "batch_size", "scope")
_SAID = (
    *("model", "dataset", "power_mode", "state", "profile", "source", "simulated", "weights", "images", "origin"),
    *_WAY,
)
_SEARCHED = ("run", "Model", "Images", "Mode", "Validity", "State", "Origin", "Board and data", "Method", "Profile")
_KEPT = 20_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs are asked for, and in which order; as the address says.

    Args:
        search: words that all must be in a row; case does not count.
        filters: value by name of :data:`FILTERS`.
        sort: name of :data:`SORTS`.
    """

    search: str = ""
    filters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    sort: str = NEWEST

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """Returns what an address asks for; what it does not know is left out."""
        sort = query.get(SORT, NEWEST)
        return cls(
            search=query.get(SEARCH, "").strip(),
            filters={name: query[name] for name in FILTERS if query.get(name)},
            sort=sort if sort in SORTS else NEWEST,
        )


def head_of(title: str, *, of_text: bool) -> str:
    """Returns the head of a column; where some runs generate text its items are not all images."""
    return title.replace("image", "item").replace("Images", "Items") if of_text else title


def row_of(recording: Recording, active: Recording | None) -> Row:
    """Returns the row of one run.

    Args:
        recording: the run.
        active: the run that holds the board, if any.
    """
    # Texts, not paths: a page of a thousand runs asks for all of them at every click.
    folder = str(recording.folder)
    ended = _ended(folder, file_version(f"{folder}/{store.SUMMARY}"), file_version(f"{folder}/{store.RUN_CSV}"))
    if ended is not None:
        return ended
    running = active is not None and active.run_id == recording.run_id
    state = RunState.RUNNING if running else RunState.INTERRUPTED
    asked = recording.spec()
    found = without_damage({**{key: asked.get(key) for key in _WAY}, **recording.status()})
    return _as_row(recording.run_id, {**_told(found), "state": state.value})


def _as_row(run_id: str, found: Mapping[str, Any]) -> Row:
    return {
        "run": run_id,
        "Started": started_utc(run_id),
        "Model": found.get("model") or "",
        "Images": found.get("dataset") or "",
        "Mode": found.get("power_mode") or "",
        "Validity": found.get("validity") or "",
        "State": found.get("state") or "",
        # Before the figures, so that it is in sight on a small screen.
        "Board and data": _board_and_data(found),
        "Method": _method(found),
        **{title: found.get(key) for key, (title, _) in FIGURES.items()},
        "Origin": found.get("origin") or "run",
        "Profile": found.get("profile") or "",
    }


def _method(found: Mapping[str, Any]) -> str:
    """Returns how images went through the model, without which two FPS are not to be held against each other."""
    batch = found.get("batch_size")
    parts = [found.get("method"), found.get("precision"), f"batch {batch:g}" if batch else ""]
    parts += ["preloaded"] if found.get("scope") == "preloaded" else []
    return " ".join(str(part) for part in parts if part)


def way_asked(recording: Recording) -> str:
    """Returns how a run was asked to put images through the model, as :func:`_method` words it; empty for a log."""
    folder = str(recording.folder)
    return _way_asked(folder, file_version(f"{folder}/{store.SPEC}"))


@functools.lru_cache(maxsize=_KEPT)
def _way_asked(folder: str, version: tuple[int, int]) -> str:
    """Reads it once for each version of its file."""
    asked = Recording(folder=Path(folder)).spec()
    scope = "preloaded" if asked.get("preload") is True else None
    return _method(without_damage({**{key: asked.get(key) for key in _WAY}, "scope": scope}))


def _board_and_data(found: Mapping[str, Any]) -> str:
    """Returns what a row must say first; of an imported log its file too, for it may have no model and no images."""
    file = found.get("file")
    return f"{source_label(dict(found))} {file}" if isinstance(file, str) else source_label(dict(found))


@functools.lru_cache(maxsize=_KEPT)
def _ended(folder: str, summary: tuple[int, int], rows: tuple[int, int]) -> Row | None:
    """Returns the row of a run that has ended; made once for each version of its files."""
    if not summary[0]:
        return None
    recording = Recording(folder=Path(folder))
    found = told(judged_summary(recording))
    if found is None:
        return None
    file = recording.spec().get("file") if found["origin"] == "imported" else None
    return _as_row(recording.run_id, {**found, "file": file})


def told(summary: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Returns what the table shows of a summary; figures that cannot be true are left out."""
    if summary is None:
        return None
    found = _told(summary)
    energy_j = found["energy_per_item_j"]
    if energy_j and found["items_per_joule"] is None:  # of an older version, without the rows to tell it anew
        found["items_per_joule"] = 1 / energy_j
    verdict = verdict_view.verdict_of(summary)
    if verdict.status is Status.IMPLAUSIBLE:  # the run's own page says why
        found |= dict.fromkeys(FIGURES)
    return {**found, "validity": verdict.badge}


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: document.get(key) for key in (*_SAID, *FIGURES)}


def choices(rows: Iterable[Row], name: str) -> list[str]:
    """Returns the values that a filter can have, in order."""
    column = FILTERS[name]
    return sorted({str(row[column]) for row in rows if row[column]}, key=str.casefold)


def chosen(rows: Sequence[Row], wanted: Wanted) -> list[Row]:
    """Returns the rows that are asked for, in the order that is asked for."""
    words = wanted.search.casefold().split()
    found = [
        row
        for row in rows
        if all(str(row[FILTERS[name]]) == value for name, value in wanted.filters.items()) and _has(row, words)
    ]
    _, column, largest_first = SORTS[wanted.sort]
    blank = _blank(column)
    # Newest first among equals: two stable passes.
    found.sort(key=lambda row: str(row["run"]), reverse=True)
    told_rows = [row for row in found if not blank(row)]
    told_rows.sort(key=lambda row: _key(row[column]), reverse=largest_first)
    return [*told_rows, *(row for row in found if blank(row))]


def _has(row: Row, words: Sequence[str]) -> bool:
    text = " ".join(str(row[column]) for column in _SEARCHED).casefold() if words else ""
    return all(word in text for word in words)


def _key(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _blank(column: str) -> Callable[[Row], bool]:
    def blank(row: Row) -> bool:
        value = row[column]
        return value is None or value == "" or (isinstance(value, float) and math.isnan(value))

    return blank
