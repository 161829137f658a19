"""Which runs belong in one row of a results table, and which of them count.

A row holds runs that agree in everything but chance; what must agree is the table of ``agreement.py``,
which also decides which rows may be ranked against each other and how rows are told apart. A run that did not
reach its end is held against a row only in what it got to know: some settings are told at the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from orin_core.analysis.verdict import Status
from orin_core.report.agreement import SETTING_BY_KEY, settings_of
from orin_core.report.run_facts import RunFacts

_BEST_FIRST = (
    Status.VALID,
    Status.SIMULATED,
    Status.IMPORTED,
    Status.REPLAY,
    # A demo is only short; of an invalid run a fault is known.
    Status.DEMO,
    Status.INVALID,
    Status.IMPLAUSIBLE,
)
NOT_KNOWN = "not known"
"""Stands behind the name of a setting that nobody told."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The runs of one row.

    Args:
        model: as in :class:`RunFacts`.
        power_mode: short name of the mode.
        settings: what they agree in, by key.
        used: the runs whose figures count, newest first; more than one only where they are VALID.
        left_out: how many others there are that reached their end, or of any kind where none did.
        broken: those beside ``used`` that did not reach their end, newest first; empty where none did.
    """

    model: str | None
    power_mode: str | None
    settings: Mapping[str, str | None]
    used: tuple[RunFacts, ...]
    left_out: int
    broken: tuple[RunFacts, ...] = ()

    @property
    def newest(self) -> RunFacts:
        """The run that stands for the row."""
        return self.used[0]


def cells_of(runs: Iterable[RunFacts]) -> list[Cell]:
    """Returns runs sorted into rows."""
    groups: dict[tuple[str | None, ...], list[RunFacts]] = {}
    broken = []
    for run in runs:
        if run.broken:
            broken.append(run)
        else:
            groups.setdefault((run.model, run.power_mode, *settings_of(run).values()), []).append(run)
    found = list(groups.values())
    # Those that know most come first, so that the others find them.
    for run in sorted(broken, key=_known, reverse=True):
        host = next((group for group in found if _agrees(run, group[0])), None)
        if host is None:
            found.append([run])
        else:
            host.append(run)
    return [_cell(group) for group in found]


def told(cell: Cell) -> dict[str, str | None]:
    """Returns the settings of a row by key; of one that did not reach its end without what it never told."""
    return {key: text for key, text in cell.settings.items() if text is not None or not cell.newest.broken}


def varied(rows: Sequence[Mapping[str, str | None]]) -> list[str]:
    """Returns the keys of the settings in which rows differ; not what follows from the method.

    Args:
        rows: settings by key, as :func:`told` gives them: a key that a row has not is no difference.
    """
    found = {key: {row[key] for row in rows if key in row} for key in SETTING_BY_KEY}
    keys = [key for key, texts in found.items() if len(texts) > 1]
    pairs = {(row.get("method"), row["in_flight"]) for row in rows if "in_flight" in row}
    if len(pairs) == len(found["method"]) > 1:
        keys = [key for key in keys if key != "in_flight"]
    return keys


def words(row: Mapping[str, str | None], keys: Iterable[str]) -> list[str]:
    """Returns how settings of a row read where it is told from others; what is usual goes without saying."""
    found = []
    for setting in (SETTING_BY_KEY[key] for key in keys if key in row):
        text = row[setting.key]
        if text is None:
            found.append(f"{setting.name} {NOT_KNOWN}")
        elif text != setting.usual:
            found.append(setting.label.format(text))
    return found


def best_status(statuses: Iterable[Status]) -> Status:
    """Returns the verdict that runs of one kind are shown by: the best of theirs."""
    return min(statuses, key=_BEST_FIRST.index)


def _known(run: RunFacts) -> int:
    return sum(text is not None for text in settings_of(run).values())


def _agrees(broken: RunFacts, other: RunFacts) -> bool:
    """Whether a run that did not reach its end differs in nothing that it got to know."""
    if (broken.model, broken.power_mode) != (other.model, other.power_mode):
        return False
    theirs = settings_of(other)
    return all(text is None or text == theirs[key] for key, text in settings_of(broken).items())


def _cell(group: list[RunFacts]) -> Cell:
    newest_first = sorted(group, key=lambda run: run.run_id, reverse=True)
    broken = tuple(run for run in newest_first if run.broken)
    counted = [run for run in newest_first if not run.broken]
    if not counted:
        counted, broken = newest_first, ()
    best = best_status(run.verdict.status for run in counted)
    candidates = [run for run in counted if run.verdict.status is best]
    used = tuple(candidates) if best is Status.VALID else (candidates[0],)
    first = group[0]
    return Cell(
        model=first.model,
        power_mode=first.power_mode,
        settings=settings_of(first),
        used=used,
        left_out=len(counted) - len(used),
        broken=broken,
    )
