"""What a person says of an old log's runs: checked, and put beside what the log itself tells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from orin_core.analysis.cpu_ceiling import AGX_ORIN_MODES
from orin_core.analysis.old_logs import OldLog
from orin_core.analysis.stretches import BY_PERSON, Stretch
from orin_core.catalog import dataset_row, model_row
from orin_core.errors import BadRequest
from orin_core.runs.import_records import Facts

NO_MODEL = (
    "No model was named, so the report compares this run with no other and with nothing published: "
    "it stands there under its file's name."
)
DISAGREE = 0.02
"""Items and FPS that lie further apart than this are noted."""
_MAX_TEXT = 200
_MAX_ITEMS = 10**12
_IDS = {"0": "MAXN", "1": "MODE_15W", "2": "MODE_30W", "3": "MODE_50W"}


def values_of(given: Any) -> list[Any]:
    """Returns one value or several as a list; empty for None."""
    return [] if given is None else list(given) if isinstance(given, Sequence) else [given]


def check_given(
    *, model: str | None, dataset: str | None, items: Any, power_mode: str | None, fps: Any
) -> tuple[str | None, str | None, str | None]:
    """Returns model, data set and mode by their proper names; everything that was given is checked.

    Args:
        model: as a person wrote it.
        dataset: the same.
        items: images per run, one number or several.
        power_mode: name, label or id.
        fps: images per second, one number or several.

    Raises:
        BadRequest: a value is out of range, or no name.
    """
    for one in values_of(items):
        if one is not None and not (isinstance(one, int) and 1 <= one <= _MAX_ITEMS):
            raise BadRequest(f"{one} is no number of images.", "Use 1 or more.")
    for one in values_of(fps):
        if one is not None and not (math.isfinite(one) and 0 < one < 1e6):
            raise BadRequest(f"{one:g} is no number of images per second.", "Use more than 0.")
    return _name(model, "model", model_row), _name(dataset, "data set", dataset_row), _mode_name(power_mode)


def per_run(given: Any, runs: int, option: str) -> tuple[list[Any], str | None]:
    """Returns one value per run, and what to say where the values do not fit the runs.

    Args:
        given: one value or several; None for none.
        runs: number of runs.
        option: name of the option, for the note.
    """
    values = values_of(given)
    if not values or len(values) == runs:
        return values or [None] * runs, None
    return [None] * runs, (
        f"{option} names {len(values)} {'value' if len(values) == 1 else 'values'} and there are {runs} runs: "
        f"left out; give one per run, as in {option} {','.join(['N'] * min(runs, 6))}{',...' if runs > 6 else ''}."
    )


def facts_of(
    log: OldLog,
    stretch: Stretch,
    *,
    model: str | None,
    dataset: str | None,
    items: int | None,
    power_mode: str | None,
    fps: float | None,
    notes: Sequence[str],
    proposed: Stretch | None = None,
) -> Facts:
    """Returns what is known of one run: what was given, and what its log tells against it.

    Args:
        log: the log.
        stretch: the run.
        model: as shown to people.
        dataset: the same.
        items: images of the run.
        power_mode: name of the mode as given.
        fps: images per second as given.
        notes: what else is to be said.
        proposed: the run that the rule found there; None where it found none.
    """
    said = [*moved_note(stretch, proposed), *log.notes, *stretch.notes, *notes]
    if model is None:
        said.append(NO_MODEL)
    mode, basis = stretch.power_mode, stretch.mode_basis
    if power_mode is not None and not _is_mode_name(power_mode):
        known = ", ".join(known.name for known in AGX_ORIN_MODES)
        said.append(f"{power_mode} is no mode of the AGX Orin ({known}) and no MODE_ name; taken as a custom mode's.")
    if power_mode is not None and mode is None:
        mode, basis = power_mode, f"as given; {basis}"
    elif power_mode is not None and power_mode == mode:
        basis = f"as given, and {basis}"
    elif power_mode is not None:
        said.append(f"{power_mode} was given; the log says {mode} ({basis}), which stands.")
    by_fps = None if fps is None else max(1, round(fps * stretch.seconds))
    if items is not None and by_fps is not None and abs(by_fps - items) > DISAGREE * items:
        said.append(
            f"{fps:g} FPS over {stretch.seconds:.1f} s are {by_fps} images, not {items}; the number of images stands."
        )
    if log.garbled:
        said.append(f"{log.garbled} lines of the log were read in part, since cut or garbled.")
    if log.strangers and log.layout is None:
        said.append(f"{log.strangers} lines of the log are no ticks.")
    return Facts(
        model=model,
        dataset=dataset,
        power_mode=mode,
        mode_basis=basis,
        items=by_fps if items is None else items,
        fps=fps,
        notes=tuple(said),
        proposed=None if proposed is None else (proposed.start_s, proposed.end_s),
    )


def moved_note(stretch: Stretch, proposed: Stretch | None) -> tuple[str, ...]:
    """Returns what to say of a cut that a person set, one sentence; none for a cut by the rule.

    Args:
        stretch: the run as it is kept.
        proposed: the run that the rule found there; None where it found none.
    """
    if stretch.cut_basis != BY_PERSON:
        return ()
    kept = f"{_span(stretch)} kept."
    if proposed is None:
        return (f"The cut was made by hand: none proposed there, {kept}",)
    return (f"The cut was moved by hand: {_span(proposed)} proposed, {kept}",)


def _span(stretch: Stretch) -> str:
    return f"{round(stretch.start_s, 1):.6g} to {round(stretch.end_s, 1):.6g} s"


def _name(text: str | None, what: str, row: Any) -> str | None:
    """Returns a name as given, or the catalogue's for what it knows by another."""
    name = (text or "").strip()
    if not name:
        return None
    if len(name) > _MAX_TEXT or not name.isprintable():
        raise BadRequest(f"This {what} is no name.", f"Use at most {_MAX_TEXT} printable characters.")
    known = row(name)
    return known.name if known else name


def _mode_name(text: str | None) -> str | None:
    """Returns the name of a mode that was given by name, label (``50W``) or the AGX Orin's id."""
    name = _name(text, "power mode", lambda _: None)
    if name is None:
        return None
    key = _IDS.get(name, name).upper()
    names = [mode.name for mode in AGX_ORIN_MODES]
    return next((known for known in names if key in (known, known.removeprefix("MODE_"))), name)


def _is_mode_name(name: str) -> bool:
    return name.startswith("MODE_") or name in [mode.name for mode in AGX_ORIN_MODES]
