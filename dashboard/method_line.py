"""One line on a run: how items went through the model, what that gains over the reference, how far results agree."""

from __future__ import annotations

from dashboard import state
from dashboard.words import plain
from orin_core.analysis.agreement_words import TOKENS, Agreement
from orin_core.methods import Method
from orin_core.report.against import way_of
from orin_core.report.rows import AgainstReference, Row
from orin_core.report.single import row_of_run
from orin_core.runs.recording import Recording, list_runs


def text(recording: Recording) -> str:
    """Returns the line of a run as Markdown; empty for a run without a summary, and for one that names no method.

    Args:
        recording: the run; what it is held against lies in the folder of runs.
    """
    row = row_of_run(recording, list_runs(state.settings().runs_dir))
    return "" if row is None else line(row)


def line(row: Row) -> str:
    """Returns the line of a row as Markdown: method, precision, batch and scope, then speed-up and agreement."""
    scope = row.settings.get("scope")
    way = ", ".join([f"**{plain(way_of(row))}**", *([f"scope {plain(scope)}"] if scope else [])])
    # Where nothing was found to compare, that is also why there is no speed-up: once is enough.
    compared = row.agreement is None or row.agreement.images > 0
    said = [f"{way}.", *(_gain(row.against) if row.against and compared else ())]
    if row.agreement is not None:
        said += [f"{row.agreement.sentence}.", _few(row.agreement)]
    elif row.settings.get("method") != Method.REFERENCE.value and (row.average_fps or row.tokens_per_s):
        said.append("How far its results agree with the reference was not recorded.")
    head, *rest = said
    return " ".join([head, *(plain(sentence) for sentence in rest if sentence)])


def _gain(against: AgainstReference) -> list[str]:
    if against.speed_text:
        return [f"{against.speed_text}."]
    # That nobody recorded the agreement is said where the agreement would stand.
    return [f"No speed-up over the reference: {against.why}."] if against.why and against.agreement else []


def _few(agreement: Agreement) -> str:
    if agreement.images != 1:
        return ""
    return f"That is on 1 {'prompt' if agreement.metric == TOKENS else 'image'} only, so it says little."
