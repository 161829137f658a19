"""A single run as a row, held against the reference runs that lie beside it: for the page of that run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orin_core.methods import Method
from orin_core.report.against import with_reference
from orin_core.report.cells import cells_of
from orin_core.report.row_build import make_row, row_of
from orin_core.report.rows import Row
from orin_core.report.run_facts import RunFacts, run_facts
from orin_core.runs.recording import Recording, is_run_id


def row_of_run(recording: Recording, others: Iterable[Recording]) -> Row | None:
    """Returns a run as a row of its own, with what it gains over the reference as the report would say it.

    Args:
        recording: the run folder.
        others: runs beside it; no more is read of them than it takes to find its references.

    Returns:
        The row; None for a run without a summary, and for one that names no method.
    """
    facts = run_facts(recording)
    if facts is None or not facts.summary.get("method"):
        return None
    references = [make_row(cell, (), ()) for cell in cells_of(_references(recording, others))]
    return with_reference([row_of(facts), *references])[0]


def _references(recording: Recording, others: Iterable[Recording]) -> Iterator[RunFacts]:
    """Yields finished runs of the reference method whose ids name the same model and mode."""
    for other in others:
        if other.run_id == recording.run_id or _subject(other) != _subject(recording):
            continue
        if other.spec().get("method") != Method.REFERENCE.value:
            continue
        if (found := run_facts(other)) is not None and found.has_figures:
            yield found


def _subject(recording: Recording) -> tuple[str, ...]:
    """Returns model and mode as a run id has them: hundreds of runs are told apart without opening a file."""
    if not is_run_id(recording.run_id):
        return ()
    _, model, _, mode, _ = recording.run_id.split("_")
    return model, mode
