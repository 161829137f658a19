"""Numbers, times and labels as people read them. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from orin_core.spec import Task

ABSENT = "–"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#!$|~&:^])")
_BLOCK = re.compile(r"^([-+](?= |$)|-(?=-+$)|[0-9]+[.)](?= |$))")
_SEAM, _NOTHING = "\0", ":small[]"
"""Where a text must not be read across, and the Markdown for it: a span of nothing, which no reader sees or copies."""
_READ_ANYWAY = re.compile(
    r"""
    https?(?=://) | www(?=\.) | [-.\w+](?=@)    # what becomes a link
    | :(?=material/|streamlit:|(?!\d\d:)[-\w+]+:)    # an icon, or an emoji; not the minutes of a time
    | (?<![^ ])[-<>~](?=(->|>|-|=)(?![^ ])) | (?<=[<])-(?=>(?![^ ]))    # an arrow, or another sign
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Streamlit makes something of these in a text that was parsed already, so that no backslash helps."""


def plain(text: object) -> str:
    """Returns Markdown that shows a text as it is, in one line: no formula, link, icon or table cell comes of it.

    For all that a person, a file or another program has written: paths, names, messages.
    """
    line = _READ_ANYWAY.sub(rf"\g<0>{_SEAM}", " ".join(str(text).replace(_SEAM, "").split()))
    line = _BLOCK.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", _MARKDOWN.sub(r"\\\1", line))
    return line.replace(_SEAM, _NOTHING)


def refusal(message: str, hint: str) -> str:
    """Returns what is wrong and what can be done, as Markdown."""
    return f"**{plain(message)}** {plain(hint)}".strip()


def figure(value: Any, pattern: str, unit: str = "") -> str:
    """Returns a value with its unit; a dash where there is none, or where a damaged file holds no number."""
    return pattern.format(value) + unit if is_number(value) else ABSENT


def is_number(value: Any) -> TypeGuard[float]:
    """Returns whether a value of a file, which may be damaged, is a number that can be counted with."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def length_text(seconds: float) -> str:
    """Returns a length of time: ``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def label_of(text: str) -> str:
    """Returns the short form of a label of a summary: what stands before its explanation."""
    return text.partition(":")[0]


def source_label(row: dict[str, Any]) -> str:
    """Returns what a reader of a run's row must know first: simulated, imported, random, camera; else its source."""
    found = ["SIMULATED BOARD"] if row.get("simulated") else [str(row["source"])] if row.get("source") else []
    if row.get("source") == "imported":
        found = ["IMPORTED LOG"]
    if row.get("weights") == "random":
        found.append("random weights")
    if row.get("images") in ("synthetic", "camera"):
        found.append(f"{row['images']} images")
    return ", ".join(found)


def short_name(name: Any) -> str:
    """Returns the last part of a hub id or a path; empty where there is none."""
    return str(name or "").rstrip("/").rsplit("/", 1)[-1]


def item_of(environment: Mapping[str, Any]) -> str:
    """Returns what one item of a run is called, by what was found before it: an image, or a prompt.

    Args:
        environment: as in ``environment.json``.
    """
    model = environment.get("model_spec")
    of_text = isinstance(model, Mapping) and model.get("task") == Task.TEXT_GENERATION.value
    return "prompt" if of_text else "image"


def asked_text(spec: dict[str, Any], item: str = "image") -> str:
    """Returns what a run was asked to do, in one line; the form shows what this tab would ask next.

    Args:
        spec: as in ``spec.json``.
        item: what one item of it is called.
    """
    parts = [short_name(spec.get("model")), short_name(spec.get("dataset"))]
    items, seconds = spec.get("items"), spec.get("seconds")
    if items and is_number(items):
        parts.append(f"{items:,} {item}s")
    elif seconds and is_number(seconds):
        parts.append(length_text(seconds))
    if spec.get("profile"):
        parts.append(f"{spec['profile']} protocol")
    way = [str(spec[key]) for key in ("method", "precision") if spec.get(key)]
    parts += [" ".join([*way, "preloaded"] if spec.get("preload") else way)]
    parts += [f"batch {spec.get('batch_size')}", f"power mode {spec.get('power_mode')}"]
    return "This run: " + ", ".join(str(part) for part in parts if part) + "."
