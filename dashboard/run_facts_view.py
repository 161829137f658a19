"""What was found before a run, and what happened in it: tables of text that others wrote."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dashboard.words import ABSENT
from orin_core.runs import store
from orin_core.runs.recording import Recording
from orin_core.runs.whole_lines import open_plain

STYLE = """
<style>
.orin-facts { border-collapse: collapse; width: 100%; font-size: 13.5px; }
.orin-facts th { text-align: left; padding: 12px 8px 4px; font-size: 14px; border: 0; }
.orin-facts td { padding: 4px 8px; vertical-align: top; overflow-wrap: anywhere; border: 0;
  border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.orin-facts td:first-child { width: 16rem; opacity: 0.8; }
.orin-facts.orin-events td:first-child { width: 6rem; font-variant-numeric: tabular-nums; }
.orin-facts.orin-events td:nth-child(2) { width: 9rem; }
</style>
"""
RUNNER_LOG = "runner.log"
LOG_BYTES = 20_000
"""So much of the end of a log is shown; all of it is in the zip."""
EVENTS_BYTES = 200_000
EVENTS_SHOWN = 200
_LONGEST_TEXT = 300

_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Board",
        (
            ("board", "Board", ""),
            ("ram_total_mb", "Memory", " MB"),
            ("cores", "CPU cores", ""),
            ("machine", "Architecture", ""),
            ("l4t", "L4T release", ""),
            ("kernel", "Kernel", ""),
            ("boot_id", "Boot id", ""),
            ("source", "Telemetry", ""),
            ("simulated", "Simulated", ""),
        ),
    ),
    (
        "Power mode, clocks, fan",
        (
            ("power_mode", "Power mode", ""),
            ("power_mode_id", "Id of the mode", ""),
            ("power_mode_verified", "Verified before the run", ""),
            ("power_limits_asked", "Limits of the mode", ""),
            ("power_limits", "Limits found", ""),
            ("jetson_clocks", "Clocks", ""),
            ("fan", "Fan", ""),
            ("throttle_c", "Throttles from", " °C"),
            ("over_current", "Over-current alarms since boot", ""),
        ),
    ),
    (
        "Conditions",
        (
            ("origin", "Origin", ""),
            ("ambient_c", "Temperature around the board", " °C"),
            ("page_open", "The dashboard's page was open", ""),
            ("browser_on_board", "A browser ran on the board", ""),
        ),
    ),
    (
        "Software",
        (
            ("version", "Version of this dashboard", ""),
            ("git_commit", "Commit", ""),
            ("python", "Python", ""),
        ),
    ),
    (
        "Model and images",
        (
            ("model", "Model", ""),
            ("weights", "Weights", ""),
            ("dataset", "Data set", ""),
            ("images", "Images", ""),
        ),
    ),
)
_PARTS = {"model_spec": "Model, resolved", "dataset_spec": "Data set, resolved", "worker": "Worker"}
_ELSEWHERE = {"notes"}
"""Shown where they can be edited."""


def environment_table(environment: Mapping[str, Any]) -> str:
    """Returns what was found as an HTML table in groups; what this version does not know comes last.

    Args:
        environment: as in ``environment.json``; foreign text.
    """
    known = {key for _, facts in _GROUPS for key, _, _ in facts} | _PARTS.keys() | _ELSEWHERE
    parts = []
    for title, facts in _GROUPS:
        rows = [(label, value_text(environment[key], unit)) for key, label, unit in facts if key in environment]
        parts += _group(title, rows)
    for key, title in _PARTS.items():
        part = environment.get(key)
        if isinstance(part, Mapping):
            parts += _group(title, [(_in_words(name), value_text(value)) for name, value in part.items()])
    rest = [(_in_words(key), value_text(value)) for key, value in environment.items() if key not in known]
    parts += _group("Other", rest)
    return f'<table class="orin-facts">{"".join(parts)}</table>' if parts else ""


def _group(title: str, rows: list[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    return [f'<tr><th colspan="2" scope="colgroup">{html.escape(title)}</th></tr>', *map(_row, rows)]


def _row(cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _in_words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def value_text(value: Any, unit: str = "") -> str:
    """Returns any JSON value as people read it; a dash where it is not known."""
    if value is None or value == "":
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{_in_words(str(key)).lower()}: {value_text(one)}" for key, one in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(one) for one in value) or "none"
    return (f"{value:.6g}" if isinstance(value, float) else str(value)) + unit


def events_table(recording: Recording) -> str:
    """Returns the newest events of a run as an HTML table, newest first; empty where there are none."""
    rows = list(_events(recording))[-EVENTS_SHOWN:]
    cells = "".join(map(_row, reversed(rows)))
    return f'<table class="orin-facts orin-events">{cells}</table>' if rows else ""


def _events(recording: Recording) -> Iterator[tuple[str, str, str]]:
    """Yields time, kind and text of the events at the end of the file."""
    for line in tail(recording.folder / store.EVENTS, EVENTS_BYTES).splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the first line may be cut, the last may be on its way
        if isinstance(event, dict) and "kind" in event:
            yield _event(event)


def _event(event: Mapping[str, Any]) -> tuple[str, str, str]:
    elapsed_s = event.get("elapsed_s")
    when = f"{elapsed_s:,.1f} s" if isinstance(elapsed_s, (int, float)) else ABSENT
    rest = {key: value for key, value in event.items() if key not in ("kind", "t_s", "elapsed_s")}
    for key in ("message", "phase"):
        if isinstance(rest.get(key), str):
            return when, str(event["kind"]), str(rest[key])[:_LONGEST_TEXT]
    text = value_text(rest) if rest else ""
    return when, str(event["kind"]), text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " …"


def tail(path: Path, most_bytes: int = LOG_BYTES) -> str:
    """Returns the whole lines at the end of a text file; empty where there is no such file, or only a link.

    Args:
        path: the file; it may still grow.
        most_bytes: at most so much of it.
    """
    try:
        with open_plain(path) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - most_bytes))
            data = stream.read(most_bytes)
    except OSError:
        return ""
    if size > most_bytes:
        data = data.partition(b"\n")[2]
    # What a terminal would obey is no text.
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "�" for letter in data.decode(errors="replace")
    )
