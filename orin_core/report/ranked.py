"""Who is better of several runs that are named one by one, and why others are not ranked; runs go by their letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orin_core.report.agreement import SETTING_BY_KEY
from orin_core.report.cells import cells_of, told, varied
from orin_core.report.compare import differing, ranked_groups, rankings, why_left_out, why_not_ranked
from orin_core.report.row_build import make_row, row_of
from orin_core.report.rows import Row
from orin_core.report.run_facts import RunFacts, model_label, origin_of


def ranking(facts: Sequence[RunFacts], letters: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns who is better, and why others are not ranked; repeats of one setting stand together, as in the report.

    Args:
        facts: the runs that have ended.
        letters: what each is called, by run id.
    """
    by_model: dict[str | None, list[RunFacts]] = {}
    for one in facts:
        by_model.setdefault(one.model, []).append(one)
    best: list[str] = []
    refusals = ["Runs of different models are not ranked against each other."] if len(by_model) > 1 else []
    for model, of_model in by_model.items():
        cells = cells_of(of_model)
        apart = varied([told(cell) for cell in cells])
        rows = [make_row(cell, apart, ()) for cell in cells]
        prefix = f"{model_label(model)}: " if len(by_model) > 1 and model else ""
        best += [prefix + one.sentence for one in rankings(rows)]
        groups = ranked_groups(rows)
        whys = _left_out(rows, groups, letters) if groups else _why_none(rows, of_model, letters)
        refusals += [prefix + why for why in (*whys, *_unused(rows, of_model, letters))]
    return tuple(best), tuple(dict.fromkeys(refusals))


def _left_out(rows: Sequence[Row], groups: Sequence[Sequence[Row]], letters: Mapping[str, str]) -> list[str]:
    """Returns why rows are in none of the groups that are ranked, one sentence each."""
    ranked = {run_id for group in groups for row in group for run_id in row.run_ids}
    others = [row for row in rows if ranked.isdisjoint(row.run_ids)]
    return [f"{_letters(row.run_ids, letters)}: {why_left_out(row, groups)}." for row in others]


def _unused(rows: Sequence[Row], facts: Sequence[RunFacts], letters: Mapping[str, str]) -> list[str]:
    """Returns why runs do not count beside others of their setting, one sentence each."""
    used = {run_id for row in rows for run_id in row.run_ids}
    said = {why_not_ranked(row) for row in rows}
    found = []
    for one in facts:
        why = why_not_ranked(row_of(one)) or "of several such logs only the newest counts"
        if one.run_id not in used and why not in said:
            found.append(f"{letters[one.run_id]}: {why}.")
    return found


def _letters(run_ids: Sequence[str], letters: Mapping[str, str]) -> str:
    return ", ".join(sorted(letters[run_id] for run_id in run_ids))


def doubts(facts: Sequence[RunFacts], letters: Mapping[str, str]) -> list[str]:
    """Returns why runs in which nothing differs may be no repeats all the same, one clause each.

    Args:
        facts: the runs that have ended.
        letters: what each is called, by run id.
    """
    kinds = (
        ([one.run_id for one in facts if one.broken], "{} did not reach the end"),
        ([one.run_id for one in facts if one.power_mode is None], "the power mode of {} is not known"),
        (
            [one.run_id for one in facts if origin_of(one) == "imported"],
            "what the log does not tell is not known of {}",
        ),
    )
    return [words.format(_letters(run_ids, letters)) for run_ids, words in kinds if run_ids]


def _why_none(rows: Sequence[Row], facts: Sequence[RunFacts], letters: Mapping[str, str]) -> list[str]:
    """Returns why there is no ranking among the rows of one model, one sentence each."""
    refused = dict.fromkeys(why for row in rows if (why := why_not_ranked(row)))
    found = [f"{why[:1].upper()}{why[1:]}." for why in refused]
    able = [row for row in rows if not why_not_ranked(row)]
    apart = dict.fromkeys(key for row in able[1:] for key in differing(able[0], row))
    if apart:
        found.append(f"Their environments differ: {', '.join(SETTING_BY_KEY[key].name for key in apart)}.")
    elif len(able) > 1:
        found.append("Too few of them have images per joule and a known power mode.")
    if found or len(facts) < 2:
        return found
    if clauses := doubts(facts, letters):
        return [f"The {len(facts)} runs agree in all that is known of them, but {'; '.join(clauses)}."]
    return [f"The {len(facts)} runs agree in mode and settings, so they are repeats."]
