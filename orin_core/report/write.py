"""Writes the report: tables, pictures and raw data of what a folder of runs holds."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import shutil
from collections.abc import Sequence
from pathlib import Path

from orin_core.catalog import MODELS, model_row
from orin_core.errors import BadRequest, RunFailed
from orin_core.report import csv_table, html, markdown, plots, table
from orin_core.report.assets import DATA, IMAGES, Assets
from orin_core.report.published import hub_id
from orin_core.report.rows import ModelTable
from orin_core.report.sections import Frame
from orin_core.runs.recording import Recording, list_runs
from orin_core.runs.whole_lines import open_plain

FORMATS = ("md", "html", "csv")
NAME = "report"
MAX_DATA_BYTES = 64 * 1024 * 1024
"""A larger ``run.csv`` is not copied beside the Markdown; a day at 10 Hz is about as large."""
STALE_NAMED = 5
"""So many files of an earlier report are named, and the others counted."""
_Key = tuple[str | None, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was written.

    Args:
        paths: the files, the report itself first.
        stale: files of an earlier report in the same folder, which this one does not link to; they are left alone,
            since somebody may have put them there.
        without_runs: labels of the models that were asked for and have no run.
    """

    paths: tuple[Path, ...]
    stale: tuple[Path, ...]
    without_runs: tuple[str, ...] = ()

    def stale_words(self, out_dir: Path) -> str:
        """Returns which files are left from an earlier report; empty where none is."""
        if not self.stale:
            return ""
        names = ", ".join(str(path.relative_to(out_dir)) for path in self.stale[:STALE_NAMED])
        more = f" and {len(self.stale) - STALE_NAMED} more" if len(self.stale) > STALE_NAMED else ""
        return f"Left from before, not of this report: {names}{more}."


def write_report(
    runs_dir: Path, out_dir: Path, *, models: Sequence[str] | None = None, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes the report of a folder of runs and returns the files written; see :func:`make_report`."""
    return list(make_report(runs_dir, out_dir, models=models, formats=formats).paths)


def make_report(
    runs_dir: Path, out_dir: Path, *, models: Sequence[str] | None = None, formats: Sequence[str] = FORMATS
) -> Report:
    """Writes the report of a folder of runs.

    Without any run it still holds the published rows, and says so.

    Args:
        runs_dir: folder of run folders; it need not exist.
        out_dir: where the report goes; made where it is missing.
        models: names to keep, ``table.UNNAMED`` for logs of an unnamed model; None keeps all.
        formats: of :data:`FORMATS`.

    Raises:
        BadRequest: a format or a model is unknown, nothing is known of the models, or the folder cannot be written.
        RunFailed: the disk is full or gone.
    """
    _formats(formats)
    recordings = list_runs(runs_dir)
    tables = table.build(recordings, models=models)
    _check_models(tables, recordings, models)
    generated = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    written = write_tables(tables, recordings, out_dir, formats=formats, generated=generated)
    with_runs = {hub_id(one.model or table.UNNAMED) for one in tables if one.has_runs}
    without = tuple(name for name in models or () if hub_id(name) not in with_runs)
    return dataclasses.replace(written, without_runs=without)


def write_tables(
    tables: Sequence[ModelTable],
    recordings: Sequence[Recording],
    out_dir: Path,
    *,
    formats: Sequence[str] = FORMATS,
    generated: str = "",
    frame: Frame | None = None,
) -> Report:
    """Writes tables that were built, with the pictures and raw data of their runs.

    Args:
        tables: one per model.
        recordings: the runs that they were built from, and maybe others.
        out_dir: where the report goes; made where it is missing.
        formats: of :data:`FORMATS`.
        generated: when it was made, UTC as text; without it the same runs give the same files at any time.
        frame: what stands around the tables.

    Raises:
        BadRequest: a format is unknown, or the folder cannot be written.
        RunFailed: the disk is full or gone.
    """
    chosen = _formats(formats)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{out_dir} cannot be written: {error.strerror}.", "Name another folder with -o.") from error
    pictured = "md" in chosen or "html" in chosen
    found = {recording.run_id: recording for recording in recordings}
    assets = {key: one for one_table in tables for key, one in _assets(one_table, found)} if pictured else {}
    frame = frame or Frame()
    try:
        paths = _write(out_dir, chosen, tables, generated, assets, frame)
        if "md" in chosen:
            paths += _write_assets(out_dir, tables, assets, found)
            paths += _write_pictures(out_dir, frame)
        stale = _stale(out_dir, paths)
    except OSError as error:
        raise RunFailed(f"The report cannot be written: {error.strerror}.", "Is the disk full?") from error
    return Report(paths=tuple(paths), stale=stale)


def _stale(out_dir: Path, written: Sequence[Path]) -> tuple[Path, ...]:
    """Returns what looks like parts of a report and was not written now."""
    parts = [out_dir / f"{NAME}.{name}" for name in FORMATS]
    for folder in (IMAGES, DATA):
        if (out_dir / folder).is_dir():
            parts += sorted((out_dir / folder).iterdir())
    return tuple(path for path in parts if path.exists() and path not in set(written))


def _formats(formats: Sequence[str]) -> list[str]:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise BadRequest(f"There is no report as {unknown[0]!r}.", f"There is {', '.join(FORMATS)}.")
    return [name for name in FORMATS if name in formats]


def _check_models(tables: Sequence[ModelTable], recordings: Sequence[Recording], models: Sequence[str] | None) -> None:
    """Refuses names of which nothing is known: an empty report would look like a result."""
    held = {one.model for one in tables if one.model is not None}
    for name in models or ():
        if model_row(name) is None and name not in held and name != table.UNNAMED:
            known = sorted({*(row.name for row in MODELS), *held})
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
            guess = f"Did you mean {near[0]}? " if near else ""
            raise BadRequest(
                f"No run and no row of the catalogue is of {name!r}; {len(recordings)} runs were looked at.",
                f"{guess}There is {', '.join(known)}.",
            )
    if models and not tables:
        names = " or ".join(name or "an unnamed model" for name in models)
        raise BadRequest(
            f"No run is of {names}, and no figures of it were published; {len(recordings)} runs were looked at.",
            "Run it first, or leave --model out.",
        )


def _assets(one: ModelTable, found: dict[str, Recording]) -> list[tuple[_Key, Assets]]:
    names = plots.stems(one)
    result = []
    for row in plots.plotted_rows(one):
        recording = found[row.run_ids[0]]
        drawn = plots.draw(recording, title=f"{one.label}, {row.test}", stem=names[row.test])
        result.append(((one.model, row.test), Assets(plots=drawn, data=_data_name(recording, names[row.test]))))
    return result


def _data_name(recording: Recording, stem: str) -> str | None:
    try:
        size = recording.csv_path.stat().st_size
    except OSError:
        return None
    return f"{DATA}/{stem}.csv" if 0 < size <= MAX_DATA_BYTES else None


def _write(
    out_dir: Path,
    formats: Sequence[str],
    tables: Sequence[ModelTable],
    generated: str,
    assets: dict[_Key, Assets],
    frame: Frame,
) -> list[Path]:
    texts: dict[str, str] = {}
    for name in formats:
        if name == "md":
            text = markdown.render(tables, generated=generated, assets=assets, frame=frame)
        elif name == "html":
            text = html.render(tables, generated=generated, assets=assets, frame=frame)
        else:
            text = csv_table.render(tables)
        texts[f"{NAME}.{name}"] = text
    if "csv" in formats:
        texts.update(frame.csv_files)
    for file_name, text in texts.items():
        (out_dir / file_name).write_text(text, encoding="utf-8", newline="\n")
    return [out_dir / file_name for file_name in texts]


def _write_pictures(out_dir: Path, frame: Frame) -> list[Path]:
    """Writes the pictures of further sections that the Markdown links to."""
    written = []
    for section in (section for sections in frame.sections.values() for section in sections):
        for plot in section.plots:
            (out_dir / IMAGES).mkdir(exist_ok=True)
            path = out_dir / section.image(plot)
            path.write_bytes(plot.png)
            written.append(path)
    return written


def _write_assets(
    out_dir: Path, tables: Sequence[ModelTable], assets: dict[_Key, Assets], found: dict[str, Recording]
) -> list[Path]:
    """Writes the pictures and raw data that the Markdown links to."""
    written = []
    for one in tables:
        for row in (row for row in one.rows if row.run_ids):
            belongs = assets.get((one.model, row.test), Assets())
            for plot in belongs.plots:
                (out_dir / IMAGES).mkdir(exist_ok=True)
                path = out_dir / belongs.image(plot)
                path.write_bytes(plot.png)
                written.append(path)
            if belongs.data is not None:
                (out_dir / DATA).mkdir(exist_ok=True)
                path = out_dir / belongs.data
                with open_plain(found[row.run_ids[0]].csv_path) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
                written.append(path)
    return written
