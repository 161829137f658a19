"""Prompts that a person names by a file: one a line, or a column of text; no torch here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest

LINES = ".txt"
OBJECTS = ".jsonl"
SUFFIXES = (LINES, OBJECTS)
"""Endings of the files that are read: a prompt a line, or an object a line."""

COLUMNS = ("prompt", "instruction", "question", "text")
"""Names of columns that are taken for prompts, the likeliest first; else the first column of text is."""


def text_column(names: Sequence[str]) -> str | None:
    """Returns which of the columns of text holds prompts, None where there are none.

    Args:
        names: columns of text, in their order.
    """
    return next((name for name in COLUMNS if name in names), names[0] if names else None)


def columns_of_text(schema: Any) -> list[str]:
    """Returns the columns of text of a pyarrow schema, in its order."""
    import pyarrow as pa

    return [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]


def read_prompts(path: Path) -> list[Any]:
    """Returns the prompts of a file; what is no text among the objects is left for its reader to tell of.

    Args:
        path: a file that ends in one of :data:`SUFFIXES`, in UTF-8; empty lines count for nothing.

    Raises:
        BadRequest: it cannot be read, or holds no prompts.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()]
        prompts = _of_objects(path, lines) if path.suffix.lower() == OBJECTS else list(lines)
    except (OSError, ValueError) as error:
        raise BadRequest(f"{path} cannot be read: {error}.", "It must be text in UTF-8, one prompt a line.") from error
    if not prompts:
        raise BadRequest(f"{path} holds no prompts.", "Write one a line.")
    return prompts


def _of_objects(path: Path, lines: Sequence[str]) -> list[Any]:
    rows = [json.loads(line) for line in lines]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no JSON object")
    first = rows[0] if rows else {}
    column = text_column([name for name, value in first.items() if isinstance(value, str)])
    if rows and column is None:
        raise BadRequest(f"{path} has no column of text.", f"Its columns are {', '.join(first)}.")
    return [row.get(column) for row in rows]
