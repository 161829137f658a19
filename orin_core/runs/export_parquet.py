"""``run.csv`` as Parquet, in batches: a day at 10 Hz needs little memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orin_core.errors import RunFailed
from orin_core.runs import columns
from orin_core.runs.whole_lines import open_whole

BLOCK_BYTES = 2 * 1024 * 1024
"""CSV that is read at once, about 7000 rows, one row group of the Parquet file; the reader holds several of them."""
_WHOLE_NUMBERS = (columns.INDEX, columns.TIME_MS, columns.ITEMS)
_FEW_WORDS = (columns.PHASE, columns.SOURCE)


def write_parquet(csv_path: Path, target: Path) -> None:
    """Writes the whole lines of a ``run.csv`` as Parquet under the same column names.

    Figures are float64 but for counts (int64) and ``Throttled`` (int8); ``UTC Time`` is a
    timestamp in ms; ``Phase`` and ``Source`` are dictionaries; an empty cell is null.

    Args:
        csv_path: the run's CSV; it may still grow.
        target: file to write.

    Raises:
        RunFailed: a cell is no number, so that the CSV is damaged.
        OSError: a file cannot be read or written.
    """
    # Slow to import, and needed only here.
    import pyarrow as pa
    from pyarrow import csv, parquet

    with open_whole(csv_path) as stream:
        header = stream.readline().decode("utf-8", errors="replace").rstrip("\r\n").split(",")
        schema = pa.schema([(name, _type(pa, name)) for name in header])
        with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
            if not stream.peek(1):
                return
            try:
                for batch in _batches(csv, stream, header, schema):
                    writer.write_batch(batch)
            except pa.ArrowInvalid as error:
                raise RunFailed(
                    f"{csv_path.name} holds what is no number: {error}.", "Take it as csv or zip, which change nothing."
                ) from error


def _batches(csv: Any, stream: Any, header: Sequence[str], schema: Any) -> Any:
    return csv.open_csv(
        stream,
        read_options=csv.ReadOptions(column_names=header, block_size=BLOCK_BYTES, use_threads=False),
        # A row that was cut off when the machine went down.
        parse_options=csv.ParseOptions(invalid_row_handler=lambda row: "skip"),
        convert_options=csv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _type(pa: Any, name: str) -> Any:
    """The type of a column, by its name alone: it must not depend on what a run happened to see."""
    if name in _WHOLE_NUMBERS:
        return pa.int64()
    if name == columns.THROTTLED:
        return pa.int8()
    if name in _FEW_WORDS:
        return pa.dictionary(pa.int32(), pa.string())
    if name == columns.UTC_TIME:
        return pa.timestamp("ms", tz="UTC")
    return pa.string() if name == columns.BOARD_TIME else pa.float64()
