"""Writes the report: tables, pictures and raw data of what a folder of runs holds."""

from __future__ import annotations

import datetime
import difflib
import shutil
from collections.abc import Sequence
from pathlib import Path

from orin_core.catalog import MODELS, model_row
from orin_core.errors import BadRequest, RunFailed
from orin_core.report import csv_table, html, markdown, plots, table
from orin_core.report.assets import DATA, IMAGES, Assets
from orin_core.report.rows import ModelTable
from orin_core.runs.recording import Recording, list_runs

FORMATS = ("md", "html", "csv")
NAME = "report"
MAX_DATA_BYTES = 64 * 1024 * 1024
"""A larger ``run.csv`` is not copied beside the Markdown; a day at 10 Hz is about as large."""
_Key = tuple[str | None, str]


def write_report(
    runs_dir: Path, out_dir: Path, *, models: Sequence[str] | None = None, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Writes the report of a folder of runs and returns the files written, the report itself first.

    Without any run it still holds the published rows, and says so.

    Args:
        runs_dir: folder of run folders; it need not exist.
        out_dir: where the report goes; made where it is missing.
        models: names to keep; None keeps all.
        formats: of :data:`FORMATS`.

    Raises:
        BadRequest: a format or a model is unknown, or the folder cannot be written.
        RunFailed: the disk is full or gone.
    """
    chosen = _formats(formats)
    recordings = list_runs(runs_dir)
    tables = table.build(recordings, models=models)
    _check_models(tables, recordings, models)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{out_dir} cannot be written: {error.strerror}.", "Name another folder with -o.") from error
    pictured = "md" in chosen or "html" in chosen
    found = {recording.run_id: recording for recording in recordings}
    assets = {key: one for one_table in tables for key, one in _assets(one_table, found)} if pictured else {}
    generated = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    try:
        return _write(out_dir, chosen, tables, generated, assets, found)
    except OSError as error:
        raise RunFailed(f"The report cannot be written: {error.strerror}.", "Is the disk full?") from error


def _formats(formats: Sequence[str]) -> list[str]:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise BadRequest(f"There is no report as {unknown[0]!r}.", f"There is {', '.join(FORMATS)}.")
    return [name for name in FORMATS if name in formats]


def _check_models(tables: Sequence[ModelTable], recordings: Sequence[Recording], models: Sequence[str] | None) -> None:
    """Refuses a name that neither the catalogue nor any run knows: an empty report would look like a result."""
    held = {one.model for one in tables if one.model is not None}
    for name in models or ():
        row = model_row(name)
        if row is None and name not in held:
            known = sorted({*(row.name for row in MODELS), *held})
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
            guess = f"Did you mean {near[0]}? " if near else ""
            raise BadRequest(
                f"No run and no row of the catalogue is of {name!r}; {len(recordings)} runs were looked at.",
                f"{guess}There is {', '.join(known)}.",
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
    found: dict[str, Recording],
) -> list[Path]:
    written = []
    for name in formats:
        if name == "md":
            text = markdown.render(tables, generated=generated, assets=assets)
        elif name == "html":
            text = html.render(tables, generated=generated, assets=assets)
        else:
            text = csv_table.render(tables)
        path = out_dir / f"{NAME}.{name}"
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written + (_write_assets(out_dir, tables, assets, found) if "md" in formats else [])


def _write_assets(
    out_dir: Path, tables: Sequence[ModelTable], assets: dict[_Key, Assets], found: dict[str, Recording]
) -> list[Path]:
    """Writes the pictures and raw data that the Markdown links to."""
    written = []
    for one in tables:
        for row in one.rows:
            belongs = assets.get((one.model, row.test), Assets())
            for plot in belongs.plots:
                (out_dir / IMAGES).mkdir(exist_ok=True)
                path = out_dir / belongs.image(plot)
                path.write_bytes(plot.png)
                written.append(path)
            if belongs.data is not None:
                (out_dir / DATA).mkdir(exist_ok=True)
                path = out_dir / belongs.data
                shutil.copyfile(found[row.run_ids[0]].csv_path, path)
                written.append(path)
    return written
