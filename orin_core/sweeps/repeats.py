"""What the repeats of a sweep say of each row: means with their intervals, and repeats that lie apart. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence

from orin_core.analysis.intervals import mean_interval
from orin_core.report.agreement import settings_of
from orin_core.report.figures import COLUMN_BY_FIELD, Column
from orin_core.report.rows import ModelTable, Row
from orin_core.report.run_facts import RunFacts
from orin_core.report.sections import Section

COLUMNS = tuple(COLUMN_BY_FIELD[field] for field in ("average_fps", "power_draw_w", "energy_per_item_j"))
MIN_REPEATS = 5
"""Among fewer, nobody can tell which one lies apart."""
MAX_SCALED_MADS = 5.0
"""Own choice: of rows of five normal values 11 % then name one, and 4 % of rows of ten; with the usual 3 it is a fifth
to a quarter of them (20 000 drawn rows each)."""
MAD_SCALE = 1.4826
"""Makes the median absolute deviation of normal values their standard deviation."""
LEAST_SHARE = 0.013
"""Nearer to the median than this is no outlier, however close together the others lie.

**Source**: a published run that was made twice gave 27.74 and 27.37 W.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """The repeats of one row.

    Args:
        row: the row of the results table.
        runs: those that ended with the verdict of the row, oldest first.
        others: those that ended with another one; they are in no mean.
    """

    row: Row
    runs: tuple[RunFacts, ...]
    others: tuple[RunFacts, ...] = ()

    def values(self, column: Column) -> tuple[tuple[str, float], ...]:
        """Returns the values of a figure, each with its run id; runs without one are left out."""
        found = ((run.run_id, run.figure(column.summary_key)) for run in self.runs)
        return tuple((run_id, value) for run_id, value in found if value is not None)


def of_table(table: ModelTable, runs: Sequence[RunFacts]) -> tuple[Repeats, ...]:
    """Returns the repeats of every row whose figures are shown, in the order of the rows.

    Args:
        table: of one model.
        runs: those that the table was built from, and maybe others.
    """
    groups: dict[tuple[str | None, ...], list[RunFacts]] = {}
    key_of: dict[str, tuple[str | None, ...]] = {}
    for run in sorted(runs, key=lambda one: one.run_id):
        if run.model == table.model and not run.broken:
            key = (run.power_mode, *settings_of(run).values())
            groups.setdefault(key, []).append(run)
            key_of[run.run_id] = key
    found = []
    for row in table.rows:
        if row.run_id in key_of and not row.refused:
            group = groups[key_of[row.run_id]]
            alike = tuple(run for run in group if run.verdict.status is row.status)
            others = tuple(run for run in group if run.verdict.status is not row.status)
            found.append(Repeats(row=row, runs=alike, others=others))
    return tuple(found)


def outliers(values: Sequence[float]) -> tuple[int, ...]:
    """Returns the places of the values that lie apart; none among fewer than :data:`MIN_REPEATS`.

    Args:
        values: one figure per repeat, all in one unit.
    """
    if len(values) < MIN_REPEATS:
        return ()
    limit = _limit(values)
    median = statistics.median(values)
    return tuple(place for place, value in enumerate(values) if abs(value - median) > limit)


def _limit(values: Sequence[float]) -> float:
    median = statistics.median(values)
    mad = statistics.median(abs(value - median) for value in values)
    return max(MAX_SCALED_MADS * MAD_SCALE * mad, LEAST_SHARE * abs(median))


# -- the section ----------------------------------------------------------------------------------


def section(found: Sequence[Repeats], cell_of: Mapping[str, str]) -> Section | None:
    """Returns what the report says of the repeats; None where no row has any.

    Args:
        found: of one model.
        cell_of: cell of the sweep by run id.
    """
    repeated = [one for one in found if len(one.runs) > 1]
    if not repeated:
        return None
    names = ["Test", "Repeats", "Validity"]
    for column in COLUMNS:
        names += [column.heading, "Smallest to Largest"]
    return Section(
        title="Repeats",
        names=tuple(names),
        rows=tuple(_cells(one) for one in repeated),
        sentences=(*_words(repeated), *(words for one in repeated for words in _outlier_words(one, cell_of))),
    )


def _cells(one: Repeats) -> tuple[str, ...]:
    cells = [one.row.test, str(len(one.runs)), one.row.validity]
    for column in COLUMNS:
        values = [value for _, value in one.values(column)]
        cells += [mean_text(column, values), span_text(column, values)]
    return tuple(cells)


def mean_text(column: Column, values: Sequence[float]) -> str:
    """Returns a mean with half its 95 % interval; empty without values."""
    if not values:
        return ""
    mean = statistics.fmean(values)
    if (interval := mean_interval(values)) is None:
        return column.text(mean)
    return f"{column.text(mean)} ± {(interval[1] - interval[0]) / 2:.{column.decimals_of(mean)}f}"


def span_text(column: Column, values: Sequence[float]) -> str:
    """Returns the smallest and the largest value; empty without values."""
    return f"{column.text(min(values))} to {column.text(max(values))}" if values else ""


def _words(repeated: Sequence[Repeats]) -> list[str]:
    words = [
        "Means over all repeats that ended with the verdict of their row; ± is half a 95 % interval (Student's t).",
        (
            f"None is dropped. Where a row has {MIN_REPEATS} or more, a repeat is named as an outlier that lies "
            f"further from their median than {MAX_SCALED_MADS:g} scaled MAD (median absolute deviation × {MAD_SCALE}) "
            f"and than {100 * LEAST_SHARE:g} % of it."
        ),
    ]
    if any(one.row.n_runs < len(one.runs) for one in repeated):
        words.append("The table at the top averages VALID runs only; of other rows it shows the newest run.")
    if all(len(one.runs) < MIN_REPEATS for one in repeated):
        words.append(f"No row has {MIN_REPEATS} repeats, so nobody can tell an outlier.")
    return words


def _outlier_words(one: Repeats, cell_of: Mapping[str, str]) -> list[str]:
    words = []
    for column in COLUMNS:
        pairs = one.values(column)
        values = [value for _, value in pairs]
        places = outliers(values)
        if not places:
            continue
        named = ", ".join(
            f"{column.text(values[place])} in cell {cell_of.get(pairs[place][0], 'not known')} ({pairs[place][0]})"
            for place in places
        )
        rest = [value for place, value in enumerate(values) if place not in places]
        words.append(
            f"{one.row.test}, {column.heading}: {'outlier' if len(places) == 1 else 'outliers'} {named}; the median of "
            f"{len(values)} is {column.text(statistics.median(values))}, the limit ± {column.text(_limit(values))}. "
            f"Counted all the same: the mean is {column.text(statistics.fmean(values))}, without "
            f"{'it' if len(places) == 1 else 'them'} it would be {column.text(statistics.fmean(rest))}."
        )
    return words


# -- as CSV ---------------------------------------------------------------------------------------


def csv_header() -> list[str]:
    """Returns the columns of ``repeats.csv``."""
    names = ["Model", "Test", "Cell", "Run Id", "Validity"]
    for column in COLUMNS:
        names += [column.csv_name, f"{column.heading.partition(' (')[0]} Outlier"]
    return names


def csv_rows(found: Sequence[Repeats], cell_of: Mapping[str, str]) -> list[list[str]]:
    """Returns one line per repeat, nothing rounded; 1 marks an outlier, an empty cell where none can be told.

    Repeats of another verdict than their row's have their own badge and no mark: they were not counted.

    Args:
        found: of one model.
        cell_of: cell of the sweep by run id.
    """
    lines = []
    for one in found:
        apart = {column.field: _apart(one.values(column)) for column in COLUMNS}
        for run in sorted((*one.runs, *one.others), key=lambda run: run.run_id):
            cells = [one.row.model or "", one.row.test, cell_of.get(run.run_id, ""), run.run_id, run.verdict.badge]
            for column in COLUMNS:
                value = run.figure(column.summary_key)
                cells += ["" if value is None else repr(value), apart[column.field].get(run.run_id, "")]
            lines.append(cells)
    return lines


def _apart(pairs: Sequence[tuple[str, float]]) -> dict[str, str]:
    if len(pairs) < MIN_REPEATS:
        return {}
    places = outliers([value for _, value in pairs])
    return {run_id: str(int(place in places)) for place, (run_id, _) in enumerate(pairs)}
