"""What became of a cut that was accepted: new runs, and those that an earlier import had made. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence

from orin_core.runs.importing import Imported


def kept_html(made: Sequence[Imported]) -> str:
    """Returns the runs of an accepted cut as HTML, each with a link to it; all text is escaped.

    Args:
        made: the runs, in order.
    """
    new = [one for one in made if not one.already]
    there = [one for one in made if one.already]
    still_there = [one for one in there if one.recording.folder.is_dir()]
    if not there:
        head = "✔ Kept."
    elif not new:
        head = "Nothing was stored: this was imported before."
    else:
        head = f"✔ {_runs(new)} kept; {_runs(there)} imported before."
    rows = "".join(map(_row, made))
    return f'<div class="orin-stored"><b>{head}</b> Open:<ul>{rows}</ul>{_how_to_change(still_there)}</div>'


def _runs(some: Sequence[Imported]) -> str:
    return "1 run was" if len(some) == 1 else f"{len(some)} runs were"


def _row(one: Imported) -> str:
    run_id = html.escape(one.recording.run_id)
    if not one.recording.folder.is_dir():
        return f"<li>{run_id} was removed since</li>"
    what = f"was imported before and is as it was: {html.escape(_is(one))}" if one.already else "is kept"
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in one.notes)
    below = f"<ul>{notes}</ul>" if notes else ""
    return f'<li><a href="/runs?run={run_id}" target="_self">{run_id}</a> {what}{below}</li>'


def _is(one: Imported) -> str:
    """Returns what an earlier import said of a run: what was typed now changed none of it."""
    spec = one.recording.spec()
    items = spec.get("items")
    parts = [
        str(spec.get("model") or "model not known"),
        str(spec.get("dataset") or "data set not known"),
        f"{items:,} images" if isinstance(items, int) else "images not known",
    ]
    return ", ".join(parts)


def _how_to_change(there: Sequence[Imported]) -> str:
    if not there:
        return ""
    folders = ", ".join(f"<code>{html.escape(str(one.recording.folder))}</code>" for one in there)
    which = "its folder" if len(there) == 1 else "their folders"
    return (
        f"<p>Model, data set, images and mode that are typed now do not change a run that is there. To change them, "
        f"remove {which} ({folders}), then accept again.</p>"
    )
