"""A tegrastats log as rows: JSON lines, or a CSV with the columns of ``run.csv``; one pass, flat memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from orin_core.analysis.scales import Written, write_scales
from orin_core.board.logs import timed_lines
from orin_core.board.sample import Sample, Tick
from orin_core.board.tegrastats import to_row
from orin_core.runs.columns import Layout, RowContext
from orin_core.spec import Phase

__all__ = ["FORMATS", "Written", "write_csv", "write_jsonl", "write_log", "write_scales"]

FORMATS = ("jsonl", "csv", "scales")
_SOURCE = "replay"
_Line = tuple[int, str, Sample | None]


def write_log(lines: Iterable[_Line], out: TextIO, file_format: str, *, interval_s: float = 1.0) -> Written:
    """Writes a log in one of :data:`FORMATS`.

    Args:
        lines: as :func:`orin_core.board.logs.iter_log` yields them.
        out: opened with ``newline=""``.
        file_format: one of the formats.
        interval_s: time between two lines where no stamp tells it, s.
    """
    if file_format == "jsonl":
        return write_jsonl(lines, out)
    if file_format == "csv":
        return write_csv(lines, out, interval_s=interval_s)
    return write_scales(lines, out, interval_s=interval_s)


def write_jsonl(lines: Iterable[_Line], out: TextIO) -> Written:
    """Writes one JSON object a line; see :func:`orin_core.board.tegrastats.to_row`.

    Args:
        lines: as :func:`orin_core.board.logs.iter_log` yields them.
        out: where the rows go.
    """
    rows = strangers = 0
    for number, _, sample in lines:
        if sample is None:
            strangers += 1
        else:
            out.write(json.dumps(to_row(sample, number)) + "\n")
            rows += 1
    return Written(rows=rows, strangers=strangers)


def write_csv(lines: Iterable[_Line], out: TextIO, *, interval_s: float = 1.0) -> Written:
    """Writes rows with the columns of ``run.csv``, as a replay of the log would record them.

    The first line fixes the columns, as in a run.

    Args:
        lines: as :func:`orin_core.board.logs.iter_log` yields them.
        out: opened with ``newline=""``.
        interval_s: time between two lines where no stamp tells it, s.
    """
    writer = csv.writer(out, lineterminator="\n")
    layout: Layout | None = None
    rows = strangers = 0
    left_out: dict[str, None] = {}
    for t_s, _, sample in timed_lines(lines, interval_s):
        if sample is None:
            strangers += 1
            continue
        if layout is None:
            layout = Layout.of(sample)
            writer.writerow(layout.header())
        context = RowContext(
            index=rows, elapsed_s=t_s, utc="", phase=Phase.REPLAY.value, items=None, fps=None, source=_SOURCE
        )
        writer.writerow(layout.row(Tick(t_s=t_s, sample=sample), context))
        left_out.update(dict.fromkeys(layout.late_fields(sample)))
        rows += 1
    return Written(rows=rows, strangers=strangers, left_out=tuple(left_out))
