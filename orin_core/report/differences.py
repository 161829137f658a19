"""Several runs against the first of them: their figures, in what they differ, and who is better where that may be said.

Differences are arithmetic and shown wherever both figures mean the same; whether one is more than chance, and any
ranking, is for ``compare.py`` alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from orin_core.catalog import model_row
from orin_core.methods import Method
from orin_core.report.against import with_reference
from orin_core.report.agreement import SETTING_BY_KEY, SETTINGS
from orin_core.report.cells import Cell, cells_of
from orin_core.report.compare import (
    Comparison,
    compare,
    differing,
    ranked_groups,
    rankings,
    why_left_out,
    why_not_ranked,
)
from orin_core.report.figures import COLUMNS
from orin_core.report.guide import AGAINST
from orin_core.report.published import mode_label
from orin_core.report.row_build import make_row
from orin_core.report.rows import Row
from orin_core.report.run_facts import RunFacts, origin_of, run_facts
from orin_core.runs.recording import Recording

LETTERS = "ABCDEFGH"
UNKNOWN = "not known"
_OF_POWER = ("power_draw_w", "energy_per_item_j", "items_per_joule")
_CONDITIONS = (
    "Profile as asked", "Images measured", "GPU clock cap", "Cores online", "Ambient, as typed in", "Commit",
    "Notes, as typed in",
)  # fmt: skip
"""Facts that a run was given, by name; the others of a row are what it came to."""
_REPEATS = "In nothing that was captured: these runs are repeats."
_NO_RESULTS = (*_CONDITIONS, "Run")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One run of a comparison.

    Args:
        run_id: the run.
        letter: ``A`` for the first, and so on; stands for it in charts and tables.
        model: display name of its model; empty where nobody knows it.
        power_mode: short name of its mode; empty where nobody knows it.
        row: its figures with their verdict and labels; None where it has no summary yet.
        differences: of each figure against the first run's; empty for the first.
        notes: why a figure has no difference, or may not be ranked, each once.
    """

    run_id: str
    letter: str
    model: str
    power_mode: str
    row: Row | None
    differences: Mapping[str, Comparison]
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Letter and mode: what stands at the end of its lines."""
        return f"{self.letter} {self.power_mode}".rstrip()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Several runs side by side.

    Args:
        runs: in the order in which they were named; the first is what the others are held against.
        differing: settings and conditions in which they differ, one text per run, by name; an empty one where a run
            that goes on has not told it yet.
        same: where they differ in nothing, a sentence on whether they are repeats; else empty.
        results: what else they came to, one text per run, by name.
        ranking: sentences on who is better, one per group of runs that may be ranked.
        not_ranked: why there is no ranking, or who is left out of it and why.
    """

    runs: tuple[Compared, ...]
    differing: Mapping[str, tuple[str, ...]]
    same: str
    results: Mapping[str, tuple[str, ...]]
    ranking: tuple[str, ...]
    not_ranked: tuple[str, ...]


def differences(recordings: Sequence[Recording]) -> Differences:
    """Returns several runs side by side, each held against the first.

    Args:
        recordings: the run folders, at most one per letter of :data:`LETTERS`.
    """
    facts = [run_facts(recording) for recording in recordings]
    made = iter(with_reference([_row(one) for one in facts if one is not None]))
    rows = [None if one is None else next(made) for one in facts]
    runs = tuple(
        _compared(recording, letter, row, rows[0] if place else None)
        for place, (letter, recording, row) in enumerate(zip(LETTERS, recordings, rows, strict=False))
    )
    finished = [one for one in facts if one is not None]
    letters = {one.run_id: one.letter for one in runs}
    ranking, not_ranked = _ranking(finished, letters)
    doubts = _doubts(finished, letters)
    if pending := ", ".join(one.letter for one in runs if one.row is None):
        not_ranked = (*not_ranked, f"{pending}: not finished, so there are no figures yet.")
        doubts.append(f"what {pending} will come to is not known")
    apart = _differing(runs)
    same = f"Nothing that was captured differs, but {'; '.join(doubts)}." if doubts else _REPEATS
    return Differences(
        runs=runs,
        differing=apart,
        same="" if apart else same,
        results=_results(runs),
        ranking=ranking,
        not_ranked=not_ranked,
    )


def _row(facts: RunFacts) -> Row:
    (cell,) = cells_of([facts])
    return make_row(cell, (), ())


def _compared(recording: Recording, letter: str, row: Row | None, first: Row | None) -> Compared:
    model, mode = _asked(recording) if row is None else (row.model, row.power_mode)
    found = {} if row is None or first is None else _against(row, first)
    whys = dict.fromkeys(_note(one) for one in found.values() if not one.distinguishable)
    return Compared(
        run_id=recording.run_id,
        letter=letter,
        model=model_label(model),
        power_mode=mode or "",
        row=row,
        differences=found,
        notes=tuple(whys),
    )


def _asked(recording: Recording) -> tuple[str | None, str | None]:
    """Returns model and mode of a run without a summary, as found, else as asked; None where neither tells."""
    environment, spec = recording.environment(), recording.spec()
    model, mode = (environment.get(key) or spec.get(key) for key in ("model", "power_mode"))
    is_name = isinstance(mode, str) and mode != "current" and not mode.isdecimal()
    return (model if isinstance(model, str) else None), (mode_label(str(mode)) if is_name else None)


def _note(one: Comparison) -> str:
    """Returns why a difference stands for nothing yet."""
    if not one.comparable or one.low_pct is None or "repeatability" in one.why:
        return one.why
    return f"the 95 % interval of a difference holds 0 ({one.why})"


def model_label(model: str | None) -> str:
    """Returns the display name of a model; empty for one that nobody named."""
    row = model_row(model) if model else None
    return row.label if row else (model or "").rstrip("/").split("/")[-1]


# -- figures --------------------------------------------------------------------------------------


def _against(row: Row, first: Row) -> dict[str, Comparison]:
    """Returns the difference of every figure that both have."""
    found = {}
    for column in COLUMNS:
        mine, other = row.figure(column.field), first.figure(column.field)
        if mine is None or not other:
            continue
        if why := _means_something_else(row, first, column.field):
            found[column.field] = Comparison(comparable=False, why=why)
            continue
        same_model = row.model == first.model
        one = compare(row, first, column.field) if same_model else Comparison(comparable=False, why="another model")
        found[column.field] = dataclasses.replace(one, difference_pct=100 * (mine - other) / other)
    return found


def _means_something_else(row: Row, first: Row, field: str) -> str:
    """Returns why a figure of two rows has no difference at all; empty where it has one."""
    if any(one.agreement is not None and not one.agreement.ok for one in (row, first)):
        return "results do not agree with the reference: something else was computed"
    another_way = any(row.settings.get(key) != first.settings.get(key) for key in ("method", "precision"))
    if another_way and any(_owes_agreement(one) for one in (row, first)):
        return "how far the results of one of them agree with the reference was not recorded"
    for key in ("telemetry", "scope"):
        ends = row.settings.get(key), first.settings.get(key)
        if None not in ends and ends[0] != ends[1]:  # an old log does not say
            return f"another {SETTING_BY_KEY[key].name.lower()}: such figures are not the same thing"
    if field == "total_inference_time_s" and row.items != first.items:
        return "another number of images, so times are not held against each other"
    if field in _OF_POWER and row.rails and first.rails and row.rails != first.rails:
        return "power is the sum of other rails"
    return ""


def _owes_agreement(row: Row) -> bool:
    return row.agreement is None and row.settings.get("method") not in (None, Method.REFERENCE.value)


# -- conditions -----------------------------------------------------------------------------------


def _texts(runs: Sequence[Compared], name: str, unknown: str = "") -> tuple[str, ...]:
    """Returns what a setting or a fact is in each run; empty for a run that has no summary yet."""
    rows = [one.row for one in runs]
    return tuple("" if row is None else row.setting_texts.get(name) or row.facts.get(name) or unknown for row in rows)


def _differing(runs: Sequence[Compared]) -> dict[str, tuple[str, ...]]:
    """Returns settings and conditions that are not the same in all runs, as far as a run that goes on tells them."""
    names = dict.fromkeys((*(setting.name for setting in SETTINGS), *_CONDITIONS))
    found = {
        "Model": tuple(one.model or (UNKNOWN if one.row else "") for one in runs),
        "Power mode": tuple(one.power_mode or (UNKNOWN if one.row else "") for one in runs),
        **{name: _texts(runs, name, UNKNOWN) for name in names},
    }
    return {name: texts for name, texts in found.items() if len({text for text in texts if text}) > 1}


def _results(runs: Sequence[Compared]) -> dict[str, tuple[str, ...]]:
    """Returns what else the runs came to; what none of them has is left out."""
    names = dict.fromkeys(name for one in runs if one.row for name in one.row.facts if name not in _NO_RESULTS)
    found = {name: _texts(runs, name) for name in names}
    found[AGAINST] = tuple(one.row.against_text() if one.row else "" for one in runs)
    return {name: texts for name, texts in found.items() if any(texts)}


# -- ranking --------------------------------------------------------------------------------------


def _ranking(facts: Sequence[RunFacts], letters: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns who is better, and why others are not ranked; repeats of one setting stand together, as in the report."""
    by_model: dict[str | None, list[RunFacts]] = {}
    for one in facts:
        by_model.setdefault(one.model, []).append(one)
    ranking: list[str] = []
    refusals = ["Runs of different models are not ranked against each other."] if len(by_model) > 1 else []
    for model, of_model in by_model.items():
        cells = cells_of(of_model)
        rows = [make_row(cell, _varied(cells), ()) for cell in cells]
        prefix = f"{model_label(model)}: " if len(by_model) > 1 and model else ""
        ranking += [prefix + best.sentence for best in rankings(rows)]
        groups = ranked_groups(rows)
        whys = _left_out(rows, groups, letters) if groups else _why_none(rows, of_model, letters)
        refusals += [prefix + why for why in (*whys, *_unused(rows, of_model, letters))]
    return tuple(ranking), tuple(dict.fromkeys(refusals))


def _varied(cells: Sequence[Cell]) -> list[str]:
    return [key for key in SETTING_BY_KEY if len({cell.settings.get(key) for cell in cells}) > 1]


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
        why = why_not_ranked(_row(one)) or "of several such logs only the newest counts"
        if one.run_id not in used and why not in said:
            found.append(f"{letters[one.run_id]}: {why}.")
    return found


def _letters(run_ids: Sequence[str], letters: Mapping[str, str]) -> str:
    return ", ".join(sorted(letters[run_id] for run_id in run_ids))


def _doubts(facts: Sequence[RunFacts], letters: Mapping[str, str]) -> list[str]:
    """Returns why runs in which nothing differs may be no repeats all the same, one clause each."""
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
    if doubts := _doubts(facts, letters):
        return [f"The {len(facts)} runs agree in all that is known of them, but {'; '.join(doubts)}."]
    return [f"The {len(facts)} runs agree in mode and settings, so they are repeats."]
