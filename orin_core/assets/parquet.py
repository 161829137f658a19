"""Parquet files as a data set: which files, which of their columns holds images or prompts, how many rows."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orin_core.assets.prompt_file import columns_of_text, text_column
from orin_core.errors import BadRequest
from orin_core.spec import IMAGES, PROMPTS

SUFFIX = ".parquet"

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
"""How PNG, JPEG, GIF, BMP and TIFF files begin; WebP is ``RIFF????WEBP``."""


def parquet_files(path: Path) -> list[Path]:
    """Returns the parquet files that a path names, in order: itself, or those in the folder and below it."""
    if path.is_file():
        return [path]
    found = (file for file in path.rglob(f"*{SUFFIX}") if file.is_file())
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts))


def rows_of(path: Path) -> tuple[int, str]:
    """Returns how many rows parquet files hold, and whether images or prompts; only their ends are read, and one image.

    Files with a column of images hold images, whatever else they have.

    Args:
        path: a parquet file, or a folder of them.

    Raises:
        BadRequest: a file cannot be read, the files have other columns than each other, or none of either.
    """
    # Slow to import, and needed for this alone.
    import pyarrow as pa
    from pyarrow import parquet as pq

    items, columns = 0, set()
    for file in parquet_files(path):
        try:
            with pq.ParquetFile(file) as opened:
                items += opened.metadata.num_rows
                image = image_column(opened.schema_arrow, functools.partial(_first, opened))
                column = image or text_column(columns_of_text(opened.schema_arrow))
                names = ", ".join(opened.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise BadRequest(
                f"{file} is no parquet file that can be read.", "Copy it anew, or name another one."
            ) from error
        if column is None:
            raise BadRequest(f"{file} has no column of images or text.", f"Its columns are {names}.")
        columns.add((column, IMAGES if image else PROMPTS))
    if len(columns) > 1:
        raise BadRequest(
            f"The parquet files of {path} have their images or prompts in the columns "
            f"{', '.join(sorted(column for column, _ in columns))}.",
            "Name one of the files, or put those of one data set into a folder of their own.",
        )
    if not items:
        raise BadRequest(f"{path} holds no rows.", "Name another file or folder.")
    ((_, holds),) = columns
    return items, holds


def image_column(schema: Any, first: Callable[[str], Any]) -> str | None:
    """Returns the name of the column that holds images, None where none does.

    What the datasets library noted as images comes first, then a column whose first value is the
    content of an image file, as such or under ``bytes``.

    Args:
        schema: pyarrow's.
        first: returns the first value of a column, None where that is empty.
    """
    for name, feature in _features(schema).items():
        if isinstance(feature, dict) and feature.get("_type") == "Image" and name in schema.names:
            return str(name)
    return next((str(name) for name in schema.names if _may_be_bytes(schema, name) and _is_image(first(name))), None)


def _features(schema: Any) -> dict[str, Any]:
    try:
        noted = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _may_be_bytes(schema: Any, name: str) -> bool:
    import pyarrow as pa

    kind = schema.field(name).type
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and "path" in {kind.field(place).name for place in range(kind.num_fields)}
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _first(opened: Any, name: str) -> Any:
    batch = next(opened.iter_batches(batch_size=1, columns=[name]), None)
    return batch.column(0)[0].as_py() if batch is not None and batch.num_rows else None


def _is_image(value: Any) -> bool:
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        return False
    return content.startswith(_SIGNATURES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")
