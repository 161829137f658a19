"""Several runs against the first of them: their figures, and in what they differ.

Differences are arithmetic and shown wherever both figures mean the same; whether one is more than chance is for
``compare.py`` alone, and who is better for ``ranked.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from orin_core.methods import Method
from orin_core.report.against import FREE, with_reference
from orin_core.report.agreement import SETTING_BY_KEY, SETTINGS
from orin_core.report.cells import varied, words
from orin_core.report.compare import Comparison, compare
from orin_core.report.figures import COLUMNS
from orin_core.report.guide import AGAINST
from orin_core.report.published import mode_label
from orin_core.report.ranked import doubts, ranking
from orin_core.report.row_build import row_of
from orin_core.report.rows import SEAM, Row
from orin_core.report.run_facts import model_label, run_facts, text_or_none
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
_AS_ASKED = {"method": "method", "precision": "precision", "batch": "batch_size"}
"""Setting: field of ``spec.json``."""
_IN_NAMES = (*FREE, "scope")
"""Settings that a run's name tells where they differ: how items go through the model; the others stand in a table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One run of a comparison.

    Args:
        run_id: the run.
        letter: ``A`` for the first, and so on; stands for it in charts and tables.
        model: display name of its model; empty where nobody knows it.
        power_mode: short name of its mode; empty where nobody knows it.
        label: in what it differs from the others, in a few words.
        row: its figures with their verdict and labels; None where it has no summary yet.
        differences: of each figure against the first run's; empty for the first.
        notes: why a figure has no difference, or may not be ranked, each once.
    """

    run_id: str
    letter: str
    model: str
    power_mode: str
    label: str
    row: Row | None
    differences: Mapping[str, Comparison]
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Letter, and what tells it from the others: what stands at the end of its lines."""
        return f"{self.letter} {self.label}".rstrip()


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
    made = iter(with_reference([row_of(one) for one in facts if one is not None]))
    rows = [None if one is None else next(made) for one in facts]
    runs = _named(
        [
            _compared(recording, letter, row, rows[0] if place else None)
            for place, (letter, recording, row) in enumerate(zip(LETTERS, recordings, rows, strict=False))
        ],
        recordings,
    )
    finished = [one for one in facts if one is not None]
    letters = {one.run_id: one.letter for one in runs}
    best, not_ranked = ranking(finished, letters)
    clauses = doubts(finished, letters)
    if pending := ", ".join(one.letter for one in runs if one.row is None):
        not_ranked = (*not_ranked, f"{pending}: not finished, so there are no figures yet.")
        clauses.append(f"what {pending} will come to is not known")
    apart = _differing(runs)
    same = f"Nothing that was captured differs, but {'; '.join(clauses)}." if clauses else _REPEATS
    return Differences(
        runs=runs,
        differing=apart,
        same="" if apart else same,
        results=_results(runs),
        ranking=best,
        not_ranked=not_ranked,
    )


def _compared(recording: Recording, letter: str, row: Row | None, first: Row | None) -> Compared:
    model, mode = _asked(recording) if row is None else (row.model, row.power_mode)
    found = {} if row is None or first is None else _against(row, first)
    whys = dict.fromkeys(_note(one) for one in found.values() if not one.distinguishable)
    return Compared(
        run_id=recording.run_id,
        letter=letter,
        model=model_label(model),
        power_mode=mode or "",
        label="",
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


# -- names ----------------------------------------------------------------------------------------


def _named(runs: Sequence[Compared], recordings: Sequence[Recording]) -> tuple[Compared, ...]:
    """Returns the runs with their labels: the mode where modes differ or nothing else is to be said, then the way."""
    # What is not known tells nobody apart.
    ways = [
        {key: text for key, text in _way(one, recording).items() if key in _IN_NAMES and text is not None}
        for one, recording in zip(runs, recordings, strict=False)
    ]
    keys = varied(ways)
    one_mode = len({one.power_mode for one in runs}) == 1
    named = []
    for one, way in zip(runs, ways, strict=True):
        told = words(way, keys)
        mode = [] if one_mode and told else [one.power_mode]
        named.append(dataclasses.replace(one, label=SEAM.join(part for part in (*mode, *told) if part)))
    return tuple(named)


def _way(one: Compared, recording: Recording) -> Mapping[str, str | None]:
    """Returns the settings of a run; of one without a summary as it was asked, so far as that says."""
    if one.row is not None:
        return one.row.settings
    spec = recording.spec()
    return {key: text_or_none(spec.get(name)) for key, name in _AS_ASKED.items()}


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
